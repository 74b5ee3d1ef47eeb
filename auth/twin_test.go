package auth

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"selda/auth/party"
	"selda/auth/party/partytest"
	"selda/fault"
	"selda/internal/document"
	"selda/nhs"
	"selda/policy"
)

// national is this system, with twins of the two national services beside it, over real
// sockets.
type national struct {
	*region
	here        string
	cis2, login *partytest.Twin
}

const (
	cis2User  = "555012345678"
	loginUser = "49f470a1-cc52-49b7-beba-0"
)

// nrbac is a role as CIS2 states it.
func nrbac(id, code, org string) map[string]any {
	return map[string]any{"person_orgid": "1" + id, "person_roleid": id, "org_code": org, "role_code": "S8000:G8000:" + code,
		"role_name": `"Clinical":"Clinical Provision":"` + code + ` Access Role"`, "workgroups_codes": []any{"team-" + id}}
}

func openNational(t *testing.T, change ...func(*Config)) *national {
	t.Helper()
	front := httptest.NewUnstartedServer(nil)
	n := &national{here: "http://" + front.Listener.Addr().String(), cis2: partytest.New(t, jose.RS256), login: partytest.New(t, jose.RS512)}
	for _, twin := range []*partytest.Twin{n.cis2, n.login} {
		s := httptest.NewServer(twin)
		t.Cleanup(s.Close)
		twin.Issuer, twin.Client, twin.Redirect = s.URL, "selda", n.here+callbackPath
		twin.ClientKeys = func() jose.JSONWebKeySet {
			set, err := n.proving.Public(time.Now())
			if err != nil {
				t.Error(err)
			}
			return set
		}
	}
	n.cis2.Sub, n.cis2.Said = cis2User, map[string]any{"acr": "AAL2_OR_AAL3_ANY", "authentication_assurance_level": "3", "id_assurance_level": "3", "sid": "there-1"}
	n.cis2.Info = map[string]any{"name": "OKAFOR Adaeze (Dr)", "nhsid_useruid": cis2User, "nhsid_nrbac_roles": []any{nrbac("101", "R8000", "G85001")},
		"nhsid_user_orgs": []any{map[string]any{"org_code": "G85001", "org_name": "OLD KENT ROAD SURGERY"}, map[string]any{"org_code": "RJZ", "org_name": "KING'S COLLEGE HOSPITAL"}}}
	n.login.Sub, n.login.Said = loginUser, map[string]any{"vot": "P9.Cp.Cd", "identity_proofing_level": "P9", "nhs_number": "9991234519", "birthdate": "1951-11-05", "family_name": "ADEYEMI"}
	n.login.Info = map[string]any{"given_name": "Folake", "family_name": "ADEYEMI", "nhs_number": "9991234519", "birthdate": "1951-11-05"}
	conf := Config{Providers: []Provider{
		{Name: "cis2", Title: "NHS Care Identity", Service: CIS2, Issuer: n.cis2.Issuer, ClientID: "selda", MaxAge: "8h", Roles: map[string]nhs.Role{"R8000": nhs.GP, "R8001": nhs.Nurse, "R8008": nhs.Receptionist}},
		{Name: "nhs-login", Title: "NHS login", Service: NHSLogin, Issuer: n.login.Issuer, ClientID: "selda"},
	}}
	conf.Citizen = func(_ context.Context, p Person) (bool, error) {
		return p.NHSNumber.Digits() == "9991234519" && p.Born == "1951-11-05" && strings.EqualFold(p.Family, "Adeyemi"), nil
	}
	for _, f := range change {
		f(&conf)
	}
	conf.Dir = t.TempDir()
	if err := document.Folder(conf.Dir).Save(providerKeys, someKeys(t), 0); err != nil {
		t.Fatal(err)
	}
	n.region = newRegion(t, conf)
	front.Config.Handler = n.handler
	front.Start()
	t.Cleanup(front.Close)
	return n
}

var keysMade = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "selda-keys-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if _, err = party.OpenSigning(document.Folder(dir), providerKeys, jose.RS512).Public(time.Now()); err != nil {
		return nil, err
	}
	b, _, err := document.Folder(dir).Load(providerKeys)
	return b, err
})

// someKeys are keys to prove this system with, made once for all tests.
func someKeys(t *testing.T) []byte {
	t.Helper()
	b, err := keysMade()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// visitor is a browser of its own.
func (n *national) visitor(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{Client: &http.Client{Jar: jar, Timeout: 20 * time.Second}, t: t, origin: n.here}
}

func (n *national) comes(t *testing.T, at string) (int, string, *browser) {
	t.Helper()
	b := n.visitor(t)
	status, page := b.get("/login?provider=" + at + "&return=/record/c1")
	return status, page, b
}

// session is the value of a browser's session cookie.
func (b *browser) session() string {
	u, err := url.Parse(b.origin)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(u) {
		if c.Name == sessionCookie {
			return c.Value
		}
	}
	return ""
}

func (n *region) last(t *testing.T) Event {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.events) == 0 {
		t.Fatal("nothing was recorded")
	}
	return n.events[len(n.events)-1]
}

func TestCIS2VouchesForStaff(t *testing.T) {
	n := openNational(t)
	status, page, b := n.comes(t, "cis2")
	if status != 200 || page != "hello cis2:"+cis2User+" for TREAT" {
		t.Fatal(status, page)
	}
	q := n.cis2.Seen
	if q.Get("acr_values") != "AAL2_OR_AAL3_ANY" || q.Get("max_age") != "28800" || !strings.Contains(q.Get("scope"), "nationalrbacaccess") {
		t.Error("the request to CIS2:", q)
	}
	acc, _ := n.Accounts.Find("cis2:" + cis2User)
	if acc.Role != nhs.GP || acc.Organisation != "G85001" || acc.OrganisationName != "OLD KENT ROAD SURGERY" || !slices.Equal(acc.Teams, []string{"team-101"}) {
		t.Errorf("%+v", acc)
	}
	if status, page = b.get(rolePath); status != 200 || !strings.Contains(page, "You have one role here") {
		t.Error(status, page)
	}
	// What an administrator has set stays, whatever the service says at the next sign-in.
	if err := n.EndsOn(t.Context(), policy.Subject{User: "admin", Role: nhs.Administrator, Organisation: acc.Organisation}, acc.User, time.Now().Add(time.Hour), "manager"); err != nil {
		t.Fatal(err)
	}
	n.cis2.Info["name"] = "OKAFOR Ada (Dr)"
	n.comes(t, "cis2")
	if acc, _ = n.Accounts.Find(acc.User); acc.Ends.IsZero() || acc.Contact != "manager" || acc.Name != "OKAFOR Ada (Dr)" || acc.Made.IsZero() {
		t.Errorf("%+v", acc)
	}
}

var roleButtons = regexp.MustCompile(`name="role" value="([^"]*)"`)

// Who has several roles chooses one, acts in that one alone, and in a session of its own.
func TestARoleIsChosenAndChanged(t *testing.T) {
	n := openNational(t)
	n.cis2.Info["nhsid_nrbac_roles"] = []any{nrbac("101", "R8000", "G85001"), nrbac("102", "R8001", "RJZ"), nrbac("103", "R9999", "RJZ")}
	status, page, b := n.comes(t, "cis2")
	var ids []string
	for _, m := range roleButtons.FindAllStringSubmatch(page, -1) {
		ids = append(ids, m[1])
	}
	if status != 200 || !slices.Equal(ids, []string{"102", "101"}) || !strings.Contains(page, "OLD KENT ROAD SURGERY") || !strings.Contains(page, "R8001 Access Role") {
		t.Fatal(status, ids, page)
	}
	if _, p := b.get("/"); strings.HasPrefix(p, "hello") {
		t.Error("signed in before a role was chosen:", p)
	}
	if _, known := n.Accounts.Find("cis2:" + cis2User); known {
		t.Error("an account before a role was chosen")
	}
	other := n.visitor(t)
	if status, _ = other.post(rolePath, url.Values{"role": {"101"}}); status != http.StatusForbidden {
		t.Error("somebody else's choice:", status)
	}
	_, _, b2 := n.comes(t, "cis2")
	if status, _ = b2.post(rolePath, url.Values{"role": {"103"}}); status != http.StatusForbidden {
		t.Error("a role that was not offered:", status)
	}
	if status, page = b.post(rolePath, url.Values{"role": {"102"}}); page != "hello cis2:"+cis2User+" for TREAT" {
		t.Fatal(status, page)
	}
	if e := n.last(t); e.Kind != SignedIn || e.Subject.Role != nhs.Nurse || e.Subject.Organisation != "RJZ" {
		t.Errorf("%+v", e)
	}
	first := b.session()
	token, err := n.Token(t.Context(), "cis2:"+cis2User, nhs.Treatment, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	// The page shows both, and which one it is.
	if _, page = b.get(rolePath); !strings.Contains(page, "(now)") || strings.Count(page, `name="role"`) != 2 {
		t.Error(page)
	}
	if _, page = b.post(rolePath, url.Values{"role": {"101"}}); page != "hello cis2:"+cis2User+" for TREAT" {
		t.Fatal(page)
	}
	if b.session() == first {
		t.Error("another role in the same session")
	}
	if acc, _ := n.Accounts.Find("cis2:" + cis2User); acc.Role != nhs.GP || acc.Organisation != "G85001" {
		t.Errorf("%+v", acc)
	}
	kinds := n.kinds()
	if got := kinds[len(kinds)-3:]; !slices.Equal(got, []EventKind{SignedOut, SessionsEnded, SignedIn}) {
		t.Error(got)
	}
	// The session of before is gone, and so is the token that the nurse had.
	u, _ := url.Parse(n.here)
	thief := n.visitor(t)
	thief.Jar.SetCookies(u, []*http.Cookie{{Name: sessionCookie, Value: first}})
	if _, page = thief.get("/"); strings.HasPrefix(page, "hello") {
		t.Error("the former session still opens:", page)
	}
	if _, err := n.Tokens.Verify(token, time.Now()); !fault.Is(err, fault.Login) {
		t.Error("a token of another role:", err)
	}
	if live, _ := n.Sessions("cis2:" + cis2User); len(live) != 1 || live[0].Role != nhs.GP {
		t.Errorf("%+v", live)
	}
	// What was chosen there is heeded here.
	n.cis2.Said["selected_roleid"] = "102"
	if _, page, _ = n.comes(t, "cis2"); !strings.HasPrefix(page, "hello") {
		t.Error(page)
	}
	if acc, _ := n.Accounts.Find("cis2:" + cis2User); acc.Role != nhs.Nurse {
		t.Errorf("%+v", acc)
	}
	// Whose role elsewhere is now another one acts no longer in the former.
	if _, page = b.get("/"); strings.HasPrefix(page, "hello") {
		t.Error("a session outlives its role:", page)
	}
}

// A choice of role makes a session no longer than the sign-in lasts.
func TestAnotherRoleLastsNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRegion(t, Config{Providers: []Provider{{Name: "cis2", Title: "CIS2", Service: CIS2, Issuer: "https://cis2.example", ClientID: "selda", Roles: map[string]nhs.Role{"R8000": nhs.GP}}}})
		acc := func(role nhs.Role) Account {
			return Account{User: "cis2:1", Name: "A", Provider: "cis2", Role: role, Organisation: "G85001"}
		}
		v := vouched{Provider: "cis2", Return: "/", Began: time.Now(), accounts: []option{{ID: "1", Account: acc(nhs.GP)}, {ID: "2", Account: acc(nhs.Nurse)}}}
		b := g.browser(t, "http://localhost")
		key, err := g.keepVouched(v, time.Now().Add(roleFor))
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse("http://localhost")
		b.Jar.SetCookies(u, []*http.Cookie{{Name: roleCookie, Value: key}})
		if _, page := b.post(rolePath, url.Values{"role": {"1"}}); !strings.HasPrefix(page, "hello") {
			t.Fatal(page)
		}
		for i := range 8*3 - 1 {
			time.Sleep(20 * time.Minute)
			if _, page := b.post(rolePath, url.Values{"role": {[]string{"2", "1"}[i%2]}}); !strings.HasPrefix(page, "hello") {
				t.Fatal(i, page)
			}
		}
		time.Sleep(21 * time.Minute)
		if _, page := b.get("/"); strings.HasPrefix(page, "hello") {
			t.Error("changing roles makes a session endless")
		}
	})
}

// The key with which this system proves itself is published before it signs and after.
func TestProviderKeysRotateWithOverlap(t *testing.T) {
	n := openNational(t)
	now := time.Now()
	first, err := n.proving.Public(now)
	if err != nil || len(first.Keys) != 1 || !first.Keys[0].IsPublic() {
		t.Fatal(first, err)
	}
	signs := func(at time.Time) string {
		t.Helper()
		raw, err := n.proving.Assertion("selda", "https://there/token", at)
		if err != nil {
			t.Fatal(err)
		}
		s, err := jose.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS512})
		if err != nil {
			t.Fatal(err)
		}
		return s.Signatures[0].Header.KeyID
	}
	published := func(at time.Time) int {
		t.Helper()
		set, err := n.proving.Public(at)
		if err != nil {
			t.Fatal(err)
		}
		return len(set.Keys)
	}
	if err := n.proving.Rotate(now); err != nil {
		t.Fatal(err)
	}
	old := first.Keys[0].KeyID
	if published(now) != 2 || signs(now.Add(23*time.Hour)) != old {
		t.Error("the new key signs before providers can have read it")
	}
	if signs(now.Add(25*time.Hour)) == old || published(now.Add(47*time.Hour)) != 2 {
		t.Error("the new key does not sign, or the old one is gone too soon")
	}
	if published(now.Add(49*time.Hour)) != 1 {
		t.Error("the old key stays for ever")
	}
	if published(now.Add(400*24*time.Hour)) != 2 {
		t.Error("a key of a year has no successor")
	}
	status, page := n.visitor(t).get(provingPath)
	if status != 200 || strings.Contains(page, `"d":`) || !strings.Contains(page, `"kty":"RSA"`) {
		t.Error(status, page)
	}
}

// ended posts a logout token.
func (n *national) ended(t *testing.T, token string) (int, string) {
	t.Helper()
	return n.visitor(t).post(backChannelPath+"cis2", url.Values{"logout_token": {token}})
}

// logout are the claims of a logout token.
func (n *national) logout(change func(map[string]any)) map[string]any {
	c := map[string]any{"iss": n.cis2.Issuer, "sub": cis2User, "aud": "selda", "iat": time.Now().Unix(), "exp": time.Now().Add(2 * time.Minute).Unix(), "jti": time.Now().String(), "sid": "there-1",
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
	if change != nil {
		change(c)
	}
	return c
}

func TestBackChannelLogoutEndsSessions(t *testing.T) {
	n := openNational(t)
	in := func(b *browser) bool { _, page := b.get("/"); return strings.HasPrefix(page, "hello") }
	_, _, one := n.comes(t, "cis2")
	n.cis2.Said["sid"] = "there-2"
	_, _, two := n.comes(t, "cis2")
	if !in(one) || !in(two) {
		t.Fatal("they are not signed in")
	}
	for name, change := range map[string]func(map[string]any){
		"iss":    func(c map[string]any) { c["iss"] = "https://elsewhere.example" },
		"aud":    func(c map[string]any) { c["aud"] = "another" },
		"azp":    func(c map[string]any) { c["aud"] = []any{"selda", "another"} },
		"events": func(c map[string]any) { delete(c, "events") },
		"events, of another kind": func(c map[string]any) {
			c["events"] = map[string]any{"http://schemas.openid.net/event/other": map[string]any{}}
		},
		"events, no object": func(c map[string]any) {
			c["events"] = map[string]any{"http://schemas.openid.net/event/backchannel-logout": "yes"}
		},
		"nonce": func(c map[string]any) { c["nonce"] = "" },
		"jti":   func(c map[string]any) { delete(c, "jti") },
		"iat":   func(c map[string]any) { delete(c, "iat") },
		"iat, long ago": func(c map[string]any) {
			c["iat"] = time.Now().Add(-time.Hour).Unix()
		},
		"exp": func(c map[string]any) { c["exp"] = time.Now().Add(-2 * time.Minute).Unix() },
		"sub": func(c map[string]any) { delete(c, "sub"); delete(c, "sid") },
	} {
		if status, page := n.ended(t, n.cis2.Sign(n.logout(change))); status != http.StatusBadRequest || n.last(t).Kind != Refused || !strings.Contains(n.last(t).Reason, strings.Split(name, ",")[0]) {
			t.Errorf("%s: %d %s %+v", name, status, page, n.last(t))
		}
	}
	if status, _ := n.ended(t, n.cis2.SignWith(n.cis2.Stranger(), jose.RS256, n.logout(nil))); status != http.StatusBadRequest {
		t.Error("a stranger's signature:", status)
	}
	if status, _ := n.visitor(t).post(backChannelPath+"selda", url.Values{"logout_token": {"x"}}); status != http.StatusNotFound {
		t.Error("a provider that is none:", status)
	}
	if !in(one) || !in(two) {
		t.Fatal("a token that does not hold signed somebody out")
	}
	token := n.cis2.Sign(n.logout(nil))
	if status, page := n.ended(t, token); status != 200 {
		t.Fatal(status, page)
	}
	if in(one) || !in(two) {
		t.Error("the session that ended there goes on, or another ended")
	}
	if e := n.last(t); e.Kind != SessionsEnded || e.Whose != "cis2:"+cis2User {
		t.Errorf("%+v", e)
	}
	if status, _ := n.ended(t, token); status != http.StatusBadRequest {
		t.Error("a logout token holds twice:", status)
	}
	// By the session alone, and by the person alone.
	if status, _ := n.ended(t, n.cis2.Sign(n.logout(func(c map[string]any) { delete(c, "sub"); c["sid"] = "there-2" }))); status != 200 || in(two) {
		t.Error("by sid alone:", status)
	}
	n.cis2.Said["sid"] = "there-3"
	_, _, three := n.comes(t, "cis2")
	if status, _ := n.ended(t, n.cis2.Sign(n.logout(func(c map[string]any) { delete(c, "sid") }))); status != 200 || in(three) {
		t.Error("by sub alone:", status)
	}
	// A choice of role that waits is over, too.
	n.cis2.Said["sid"] = "there-4"
	n.cis2.Info["nhsid_nrbac_roles"] = []any{nrbac("101", "R8000", "G85001"), nrbac("102", "R8001", "RJZ")}
	_, _, four := n.comes(t, "cis2")
	n.ended(t, n.cis2.Sign(n.logout(func(c map[string]any) { c["sid"] = "there-4" })))
	if status, _ := four.post(rolePath, url.Values{"role": {"101"}}); status != http.StatusForbidden {
		t.Error("a choice outlives its sign-in:", status)
	}
}

// Whoever names keys that are not there has the provider asked a few times a minute, not
// each time.
func TestUnknownKeysAreNotAWayToHammerAProvider(t *testing.T) {
	n := openNational(t)
	n.comes(t, "cis2")
	before := n.cis2.Asked["/jwks"]
	key := n.cis2.Stranger()
	for i := range 50 {
		key.KeyID = "made-up-" + string(rune('a'+i%26))
		n.ended(t, n.cis2.SignWith(key, jose.RS256, n.logout(nil)))
	}
	if asked := n.cis2.Asked["/jwks"] - before; asked > 5 {
		t.Errorf("the provider's keys were asked for %d times", asked)
	}
	if _, page, _ := n.comes(t, "cis2"); !strings.HasPrefix(page, "hello") {
		t.Error("and now nobody can sign in:", page)
	}
}

// A new key of the provider's is found when the first token comes that it has signed.
func TestTheProvidersNewKeyIsFound(t *testing.T) {
	n := openNational(t)
	n.comes(t, "cis2")
	next := n.cis2.Stranger()
	next.KeyID = "next"
	n.cis2.Break.Keys = func(set *jose.JSONWebKeySet) { set.Keys = append(set.Keys, next.Public()) }
	n.cis2.Break.Sign = func(c map[string]any) string { return n.cis2.SignWith(next, jose.RS256, c) }
	if _, page, _ := n.comes(t, "cis2"); !strings.HasPrefix(page, "hello") {
		t.Error(page)
	}
}
