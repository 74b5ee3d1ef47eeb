package auth

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"selda/auth/provider"
	"selda/fault"
	"selda/nhs"
)

// abroad is an identity service of somebody else: another region's provider,
// over a real socket, which states what CIS2 and NHS login state.
func abroad(t *testing.T, here string) (*region, *httptest.Server) {
	t.Helper()
	far := newRegion(t, Config{Clients: []provider.Client{{ID: "here", Secret: "s3cret", RedirectURIs: []string{here + callbackPath}, LogoutURIs: []string{here + signedOutPath}}}})
	server := httptest.NewServer(far.handler)
	t.Cleanup(server.Close)
	return far, server
}

func TestProvidersFromOutside(t *testing.T) {
	front := httptest.NewUnstartedServer(nil)
	here := "http://" + front.Listener.Addr().String()
	far, server := abroad(t, here)
	g := newRegion(t, Config{Providers: []Provider{
		{Name: "cis2", Title: "NHS Care Identity", Issuer: server.URL + "/oidc", ClientID: "here", ClientSecret: "s3cret", Scopes: []string{"nationalrbacaccess"},
			Params: map[string]string{"acr_values": "AAL2"}, Algorithms: []string{"ES256"}, UserInfo: true, Claims: CIS2Claims, Roles: map[string]nhs.Role{"gp": nhs.GP}},
		{Name: "nhs-login", Title: "NHS login", Issuer: server.URL + "/oidc", ClientID: "here", ClientSecret: "s3cret", Algorithms: []string{"ES256"},
			Claims: NHSLoginClaims, RoleForAll: nhs.Citizen, Require: map[string]string{"identity_proofing_level": "P9"}},
	}})
	front.Config.Handler = g.handler
	front.Start()
	defer front.Close()

	visit := func(party, user string) (int, string, *browser) {
		jar, _ := cookiejar.New(nil)
		b := &browser{Client: &http.Client{Jar: jar}, t: t, origin: here}
		resp, err := b.Get(here + "/login?provider=" + party + "&return=/record/c1")
		if err != nil {
			t.Fatal(err)
		}
		at := resp.Request.URL
		if party == "cis2" && at.Query().Get("acr_values") != "AAL2" {
			t.Error("the request lacks the provider's own parameter:", at)
		}
		_, page := body(t, resp)
		b.origin = server.URL
		status, page := b.post(actionOf(t, page), url.Values{"user": {user}, "password": {password}})
		b.origin = here
		return status, page, b
	}

	status, page, b := visit("cis2", "gp")
	if status != 200 || page != "hello cis2:gp for TREAT" {
		t.Fatal(status, page)
	}
	acc, _ := g.Accounts.Find("cis2:gp")
	if acc.Role != nhs.GP || acc.Organisation != "G85001" || acc.OrganisationName != "Old Kent Road Surgery" || acc.Name != "Dr A Okafor" || acc.Provider != "cis2" {
		t.Errorf("%+v", acc)
	}
	if status, page = b.post("/logout", nil); status != 200 || !strings.Contains(page, "You have signed out") {
		t.Error(status, page)
	}
	if _, page, _ = visit("nhs-login", "citizen"); page != "hello nhs-login:citizen for PATRQT" {
		t.Error(page)
	}
	if acc, _ = g.Accounts.Find("nhs-login:citizen"); acc.NHSNumber.Digits() != "9991234519" || acc.Name != "Folake Adeyemi" {
		t.Errorf("%+v", acc)
	}
	for _, c := range []struct{ party, user string }{{"cis2", "citizen"}, {"nhs-login", "gp"}, {"nhs-login", "parent"}} {
		if status, page, _ = visit(c.party, c.user); status != http.StatusForbidden {
			t.Error(c, status, page)
		}
		if e := g.events[len(g.events)-1]; e.Kind != Refused || e.Provider != c.party || e.Reason == "" {
			t.Errorf("%+v", e)
		}
	}
	// A change of role there is a change here at the next sign-in.
	gp, _ := far.Accounts.Find("gp")
	gp.Organisation = "G85002"
	if err := far.Accounts.Put(gp); err != nil {
		t.Fatal(err)
	}
	visit("cis2", "gp")
	if acc, _ = g.Accounts.Find("cis2:gp"); acc.Organisation != "G85002" {
		t.Errorf("%+v", acc)
	}
	// Its accounts have no password here.
	if status, _ := g.browser(t, "http://localhost").signIn("/login?provider=selda", "cis2:gp", password); status != http.StatusUnprocessableEntity {
		t.Error(status)
	}
	// With several providers, people choose.
	_, page = g.browser(t, "http://localhost").get("/record/c1")
	for _, want := range []string{"NHS Care Identity", "NHS login", "SELDA user name", "provider=cis2&amp;return=%2Frecord%2Fc1"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s: %s", want, page)
		}
	}
}

// A provider that is down when the server starts is found once it is up.
func TestProviderThatIsDown(t *testing.T) {
	down := true
	var far *region
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down {
			http.Error(w, "Folake Adeyemi", http.StatusInternalServerError)
			return
		}
		far.handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	far = newRegion(t, Config{})
	g := newRegion(t, Config{NoPasswords: true, Providers: []Provider{{Name: "cis2", Title: "CIS2", Issuer: server.URL + "/oidc", ClientID: "here", RoleForAll: nhs.GP}}})
	b := g.browser(t, "http://localhost")
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	status, page := b.get("/login")
	if status != http.StatusBadGateway || strings.Contains(page, "Folake") {
		t.Error(status, page)
	}
	down = false
	if status, page = b.get("/login"); status != http.StatusSeeOther {
		t.Error(status, page)
	}
	if status, _ = b.get("/oidc/logout"); status != http.StatusNotFound {
		t.Error("the built-in provider is on:", status)
	}
	if status, page = b.get(provider.StylesheetPath); status != http.StatusOK || !strings.Contains(page, ".nhsuk-button") {
		t.Error("the pages of sign-on have no look:", status)
	}
	// Applications sign on all the same: their people come by way of the provider.
	if status, page = b.get("/.well-known/smart-configuration"); status != http.StatusOK || !strings.Contains(page, `"launch-standalone"`) {
		t.Error(status, page)
	}
}

func TestAccountOfClaims(t *testing.T) {
	cis2 := Provider{Name: "cis2", Claims: CIS2Claims, Roles: map[string]nhs.Role{"R8000": nhs.GP, "R8001": nhs.Nurse}}
	login := Provider{Name: "login", Claims: NHSLoginClaims, RoleForAll: nhs.Citizen, Require: map[string]string{"identity_proofing_level": "P9"}}
	role := func(id, code, org string) map[string]any {
		return map[string]any{"person_roleid": id, "role_code": code, "org_code": org}
	}
	for name, c := range map[string]struct {
		p    Provider
		said map[string]any
		want nhs.Role
		kind fault.Kind
	}{
		"the selected of two":       {cis2, map[string]any{"name": "A", "selected_roleid": "2", "nhsid_nrbac_roles": []any{role("1", "R8000", "G1"), role("2", "R8001", "RJZ")}}, nhs.Nurse, 0},
		"the only one":              {cis2, map[string]any{"name": "A", "nhsid_nrbac_roles": []any{role("1", "R8000", "G1")}}, nhs.GP, 0},
		"two and none selected":     {cis2, map[string]any{"name": "A", "nhsid_nrbac_roles": []any{role("1", "R8000", "G1"), role("2", "R8001", "RJZ")}}, "", fault.Security},
		"a selection of another":    {cis2, map[string]any{"name": "A", "selected_roleid": "9", "nhsid_nrbac_roles": []any{role("1", "R8000", "G1")}}, "", fault.Security},
		"a role that is not mapped": {cis2, map[string]any{"name": "A", "nhsid_nrbac_roles": []any{role("1", "R9999", "G1")}}, "", fault.Security},
		"our own word for a role":   {cis2, map[string]any{"name": "A", "nhsid_nrbac_roles": []any{role("1", "gp", "G1")}}, "", fault.Security},
		"no organisation":           {cis2, map[string]any{"name": "A", "nhsid_nrbac_roles": []any{role("1", "R8000", "")}}, "", fault.Value},
		"ids that are lists":        {cis2, map[string]any{"selected_roleid": []any{}, "nhsid_nrbac_roles": []any{map[string]any{"person_roleid": []any{}}, 1.0}}, "", fault.Security},
		"no name":                   {cis2, map[string]any{"nhsid_nrbac_roles": []any{role("1", "R8000", "G1")}}, "", fault.Value},
		"a proven citizen":          {login, map[string]any{"given_name": "Folake", "family_name": "Adeyemi", "nhs_number": "9991234519", "identity_proofing_level": "P9"}, nhs.Citizen, 0},
		"a citizen half proven":     {login, map[string]any{"given_name": "Folake", "family_name": "Adeyemi", "nhs_number": "9991234519", "identity_proofing_level": "P5"}, "", fault.Security},
		"a wrong number":            {login, map[string]any{"given_name": "Folake", "nhs_number": "9991234518", "identity_proofing_level": "P9"}, "", fault.Value},
	} {
		a, err := c.p.account("123", c.said)
		if (c.want != "") != (err == nil) || err == nil && a.Role != c.want || err != nil && !fault.Is(err, c.kind) {
			t.Errorf("%s: %v %v", name, a.Role, err)
		}
		if err == nil && a.User != c.p.Name+":123" {
			t.Error(a.User)
		}
		if err != nil && (strings.Contains(err.Error(), "999123") || strings.Contains(err.Error(), "Folake")) {
			t.Error("the error tells the person:", err)
		}
	}
}
