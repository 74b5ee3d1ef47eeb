package auth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

func TestNHSLoginVouchesForCitizens(t *testing.T) {
	n := openNational(t)
	status, page, b := n.comes(t, "nhs-login")
	if status != 200 || page != "hello nhs-login:"+loginUser+" for PATRQT" {
		t.Fatal(status, page)
	}
	if q := n.login.Seen; q.Get("vtr") != `["P9.Cp.Cd","P9.Cp.Ck","P9.Cm"]` {
		t.Error("the request to NHS login:", q)
	}
	acc, _ := n.Accounts.Find("nhs-login:" + loginUser)
	if acc.Role != nhs.Citizen || acc.NHSNumber.Digits() != "9991234519" || acc.Name != "Folake ADEYEMI" {
		t.Errorf("%+v", acc)
	}
	// What is asked of the provider tells nobody's name or number to whoever reads addresses.
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := b.PostForm(n.here+"/logout", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	to, err := resp.Location()
	if err != nil || !strings.HasPrefix(to.String(), n.login.Issuer+"/logout?") || to.Query().Get("client_id") != "selda" ||
		to.Query().Get("post_logout_redirect_uri") != n.here+signedOutPath || strings.Contains(to.RawQuery, "id_token") {
		t.Error("sign-out leads to", to, err)
	}
	b.CheckRedirect = nil
	if _, page = b.get("/"); strings.HasPrefix(page, "hello") {
		t.Error("still signed in:", page)
	}
}

// Who is proven less than before is let in no longer: sessions and tokens end at once.
func TestProofingThatIsLoweredEndsAccess(t *testing.T) {
	n := openNational(t)
	_, _, phone := n.comes(t, "nhs-login")
	user := "nhs-login:" + loginUser
	token, err := n.Token(t.Context(), user, nhs.PatientRequest, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	n.login.Said["identity_proofing_level"], n.login.Said["vot"] = "P5", "P5.Cp.Cd"
	status, page, _ := n.comes(t, "nhs-login")
	if status != http.StatusForbidden || !strings.Contains(page, "You need to prove who you are") || !strings.Contains(page, "NHS App") || strings.Contains(page, "record here") {
		t.Error(status, page)
	}
	if _, page = phone.get("/"); strings.HasPrefix(page, "hello") {
		t.Error("the other session goes on:", page)
	}
	if _, err := n.Tokens.Verify(token, time.Now()); !fault.Is(err, fault.Login) {
		t.Error("the token goes on:", err)
	}
	kinds := n.kinds()
	if got := kinds[len(kinds)-2:]; got[0] != SessionsEnded || got[1] != Refused {
		t.Error(got)
	}
	// A weak sign-in alone says nothing of who somebody is, and ends nothing.
	n.login.Said["identity_proofing_level"], n.login.Said["vot"] = "P9", "P9.Cp.Cd"
	_, _, phone = n.comes(t, "nhs-login")
	n.login.Said["vot"] = "P9.Cp"
	if status, page, _ = n.comes(t, "nhs-login"); status != http.StatusForbidden || !strings.Contains(page, "security code") {
		t.Error(status, page)
	}
	if _, page = phone.get("/"); !strings.HasPrefix(page, "hello") {
		t.Error("a weak sign-in elsewhere ended this one:", page)
	}
}

// The pages of those who are not let in read alike whether there is a record or not.
func TestNoPageTellsWhetherThereIsARecord(t *testing.T) {
	pages := map[string]string{}
	for name, number := range map[string]string{"a record of somebody else": "9991234519", "no record": "9000000009"} {
		n := openNational(t)
		n.login.Said["nhs_number"], n.login.Said["family_name"] = number, "NOBODY"
		status, page, _ := n.comes(t, "nhs-login")
		if status != http.StatusForbidden || !strings.Contains(page, "We could not find your record") {
			t.Error(name, status, page)
		}
		pages[name] = page
	}
	if pages["a record of somebody else"] != pages["no record"] {
		t.Error("they can be told apart")
	}
}

// What is said at both places is believed where it is signed.
func TestUserInfoAddsToWhatIsSigned(t *testing.T) {
	n := openNational(t)
	n.login.Info["nhs_number"], n.login.Info["identity_proofing_level"] = "9000000009", "P0"
	if _, page, _ := n.comes(t, "nhs-login"); !strings.HasPrefix(page, "hello") {
		t.Error(page)
	}
	n.cis2.Said["selected_roleid"] = "101"
	n.cis2.Info["selected_roleid"] = "102"
	n.cis2.Info["nhsid_nrbac_roles"] = []any{nrbac("101", "R8000", "G85001"), nrbac("102", "R8001", "RJZ")}
	n.comes(t, "cis2")
	if acc, _ := n.Accounts.Find("cis2:" + cis2User); acc.Role != nhs.GP {
		t.Errorf("%+v", acc)
	}
}

// An administrator who has disabled an account is not overruled by its provider.
func TestADisabledAccountStaysOut(t *testing.T) {
	n := openNational(t)
	n.comes(t, "cis2")
	acc, _ := n.Accounts.Find("cis2:" + cis2User)
	if err := n.Disable(t.Context(), policy.Subject{User: "os:root", Role: nhs.Operator}, acc.User, "left"); err != nil {
		t.Fatal(err)
	}
	status, page, b := n.comes(t, "cis2")
	if status != http.StatusForbidden || !strings.Contains(page, "Your account here has ended") || n.last(t).Reason != "the account was disabled, or has ended" {
		t.Error(status, page)
	}
	n.cis2.Info["nhsid_nrbac_roles"] = []any{nrbac("101", "R8000", "G85001"), nrbac("102", "R8001", "RJZ")}
	if status, page, b = n.comes(t, "cis2"); status != 200 {
		t.Fatal(status, page)
	}
	if status, page = b.post(rolePath, url.Values{"role": {"102"}}); status != http.StatusForbidden {
		t.Error("another role is a way round it:", status, page)
	}
}

// The secret way of proving ourselves works, too.
func TestAProviderWithASecret(t *testing.T) {
	n := openNational(t, func(c *Config) { c.Providers[0].ClientSecret = "a secret: with % signs" })
	n.cis2.Secret = url.QueryEscape("a secret: with % signs")
	if _, page, _ := n.comes(t, "cis2"); !strings.HasPrefix(page, "hello") {
		t.Error(page)
	}
	n.cis2.Secret = "another"
	if status, _, _ := n.comes(t, "cis2"); status != http.StatusForbidden || n.last(t).Reason != "the provider did not take the code (invalid_client)" {
		t.Errorf("%d %+v", status, n.last(t))
	}
}

func TestASettingThatWouldLetTooManyInIsRefused(t *testing.T) {
	cis2 := Provider{Name: "cis2", Title: "CIS2", Service: CIS2, Issuer: "https://cis2.example", ClientID: "x", Roles: map[string]nhs.Role{"R8000": nhs.GP}}
	login := Provider{Name: "login", Title: "NHS login", Service: NHSLogin, Issuer: "https://login.example", ClientID: "x"}
	for name, p := range map[string]struct {
		of     Provider
		change func(*Provider)
	}{
		"no signature":                {cis2, func(p *Provider) { p.Algorithms = []string{"none"} }},
		"a signature that both know":  {cis2, func(p *Provider) { p.Algorithms = []string{"RS256", "HS256"} }},
		"a level that is none":        {cis2, func(p *Provider) { p.Assurance = 1 }},
		"less proof of who it is":     {login, func(p *Provider) { p.Proofing = "P5" }},
		"a vector of less":            {login, func(p *Provider) { p.Vectors = []string{"P9.Cp.Cd", "P5.Cp"} }},
		"citizens as professionals":   {login, func(p *Provider) { p.RoleForAll = nhs.GP }},
		"a service that is not known": {cis2, func(p *Provider) { p.Service = "cis3" }},
		"a secret for nothing":        {cis2, func(p *Provider) { p.ClientSecret, p.ClientAuth = "x", "private_key_jwt" }},
		"no secret":                   {cis2, func(p *Provider) { p.ClientAuth = "client_secret_post" }},
		"a proof that is not known":   {cis2, func(p *Provider) { p.ClientAuth = "none" }},
		"an age that is none":         {cis2, func(p *Provider) { p.MaxAge = "8 hours" }},
	} {
		of := p.of
		p.change(&of)
		if _, err := New(Config{Dir: t.TempDir(), Providers: []Provider{of}}); !fault.Is(err, fault.Value) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// NHS login has no sign-out: after somebody has left here, its session in their browser lets
// in nobody who comes next. Each sign-in is asked for anew, and one of before is refused,
// should the question have been taken out on the way.
func TestNHSLoginsOwnSessionLetsNobodyIn(t *testing.T) {
	n := openNational(t)
	_, page, b := n.comes(t, "nhs-login")
	if !strings.HasPrefix(page, "hello ") {
		t.Fatal(page)
	}
	w := httptest.NewRecorder()
	n.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, n.here+"/login?provider=nhs-login", nil))
	if u, err := w.Result().Location(); err != nil || u.Query().Get("prompt") != "login" {
		t.Error("it is not asked for anew:", u, err)
	}
	if status, _ := b.post("/leave", nil); status != http.StatusOK {
		t.Fatal(status)
	}
	n.login.Said["auth_time"] = time.Now().Add(-5 * time.Minute).Unix()
	if _, page, _ := n.comes(t, "nhs-login"); strings.HasPrefix(page, "hello ") {
		t.Error("a session at NHS login lets somebody in")
	}
	if e := n.last(t); e.Kind != Refused || !strings.Contains(e.Reason, "anew") {
		t.Errorf("%+v", e)
	}
	delete(n.login.Said, "auth_time") // it need not say
	if _, page, _ := n.comes(t, "nhs-login"); !strings.HasPrefix(page, "hello ") {
		t.Error(page)
	}
	p := Provider{Service: NHSLogin, Params: map[string]string{"prompt": "none"}}
	if got := p.completed().Params["prompt"]; got != "none" {
		t.Error("what the operator says is not heeded:", got)
	}
}
