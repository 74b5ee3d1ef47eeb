package region

import (
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"selda/auth"
	"selda/auth/party/partytest"
	"selda/internal/browser"
	"selda/nhs"
)

// The pages of sign-in at the national services, as staff and citizens meet them.
func TestSignInByNationalServicesInABrowser(t *testing.T) {
	b := &tab{Browser: browser.Open(t, "../../.."), t: t}
	front := httptest.NewUnstartedServer(nil)
	here := "http://" + front.Listener.Addr().String()
	cis2, login := partytest.New(t, jose.RS256), partytest.New(t, jose.RS512)
	var r *Region
	for _, twin := range []*partytest.Twin{cis2, login} {
		s := httptest.NewServer(twin)
		t.Cleanup(s.Close)
		twin.Issuer, twin.Client, twin.Redirect = s.URL, "selda", here+"/login/callback"
		twin.ClientKeys = func() jose.JSONWebKeySet {
			set, err := r.Auth.ProviderKeys(time.Now())
			if err != nil {
				t.Error(err)
			}
			return set
		}
	}
	role := func(id, code, org, name string) map[string]any {
		return map[string]any{"person_roleid": id, "org_code": org, "role_code": "S8000:G8000:" + code, "role_name": `"Clinical":"Clinical Provision":"` + name + `"`}
	}
	cis2.Sub, cis2.Said = "555012345678", map[string]any{"acr": "AAL2_OR_AAL3_ANY", "authentication_assurance_level": "3", "id_assurance_level": "3", "sid": "s1"}
	cis2.Info = map[string]any{"name": "OKAFOR Adaeze (Dr)", "nhsid_nrbac_roles": []any{role("101", "R8000", "G85915", "Clinical Practitioner Access Role"), role("102", "R8001", "RJZ", "Nurse Access Role")},
		"nhsid_user_orgs": []any{map[string]any{"org_code": "G85915", "org_name": "OLD KENT ROAD PRACTICE"}, map[string]any{"org_code": "RJZ", "org_name": "KING'S COLLEGE HOSPITAL NHS FOUNDATION TRUST"}}}
	login.Sub, login.Said = "49f470a1", map[string]any{"vot": "P5.Cp.Cd", "identity_proofing_level": "P5"}
	no := false
	var err error
	r, err = Open(t.Context(), Options{Data: t.TempDir(), Log: slog.New(slog.DiscardHandler), SignOn: &SignOn{Passwords: &no, Providers: []auth.Provider{
		{Name: "cis2", Title: "NHS Care Identity (staff)", Service: auth.CIS2, Issuer: cis2.Issuer, ClientID: "selda", Roles: map[string]nhs.Role{"R8000": nhs.GP, "R8001": nhs.Nurse}},
		{Name: "nhs-login", Title: "NHS login (patients)", Service: auth.NHSLogin, Issuer: login.Issuer, ClientID: "selda"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	front.Config.Handler = r.Handler()
	front.Start()
	t.Cleanup(front.Close)
	b.base = here

	b.user = "cis2"
	b.Go(here + "/")
	b.says("How do you want to sign in?", "NHS Care Identity (staff)", "NHS login (patients)")
	b.look("providers")
	b.Go(here + "/login?provider=cis2")
	b.says("Choose the role you act in", "OLD KENT ROAD PRACTICE", "Nurse Access Role")
	b.look("roles")
	b.Press(`input[value="101"] + button`)
	b.says("Find a person")
	b.Go(here + "/login/role")
	b.says("(now)", "Stay in the role that I have")
	b.look("roles-again")
	cis2.Said["authentication_assurance_level"] = "1"
	b.Go(here + "/login?provider=cis2")
	b.says("Sign in with something stronger", "smartcard")
	b.look("too-weak")

	b.user = "nhs-login"
	b.Go(here + "/login?provider=nhs-login")
	b.says("You need to prove who you are", "NHS App")
	b.look("not-proven")
	login.Said = map[string]any{"vot": "P9.Cp.Cd", "identity_proofing_level": "P9", "nhs_number": "9991234519", "birthdate": "1951-11-05", "family_name": "ADEYEMI"}
	login.Info = map[string]any{"given_name": "Folake"}
	b.Go(here + "/login?provider=nhs-login")
	b.says("We could not find your record", "GP practice")
	b.saysNothingOf("Folake", "999 123")
	b.look("no-record")
}
