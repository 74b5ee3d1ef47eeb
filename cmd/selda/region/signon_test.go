package region

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"selda/auth"
	"selda/nhs"
)

const providersFile = `
public_url: https://selda.example
passwords: false
providers:
  - name: cis2
    title: NHS Care Identity
    issuer: https://cis2.example/oauth2
    client_id: selda
    client_secret_file: secret
    scopes: [profile, nationalrbacaccess]
    params: {acr_values: AAL3}
    userinfo: true
    claims: cis2
    roles: {R8000: gp}
  - name: nhs-login
    title: NHS login
    issuer: https://login.example
    client_id: selda
    client_secret: other
    claims: nhs-login
    role_for_all: citizen
    require: {identity_proofing_level: P9}
`

func TestSignOnIsConfiguration(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sign-on.yaml")
	for name, text := range map[string]string{"secret": "s3cret\n", "sign-on.yaml": providersFile} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := ReadSignOn(file)
	if err != nil {
		t.Fatal(err)
	}
	c := s.config(auth.Config{Dir: t.TempDir()})
	if c.PublicURL != "https://selda.example" || !c.NoPasswords || len(c.Providers) != 2 {
		t.Fatalf("%+v", c)
	}
	if p := c.Providers[0]; p.ClientSecret != "s3cret" || p.Service != auth.CIS2 || p.Roles["R8000"] != nhs.GP || p.Params["acr_values"] != "AAL3" || !p.UserInfo || len(p.Scopes) != 2 {
		t.Errorf("%+v", p)
	}
	if p := c.Providers[1]; p.RoleForAll != nhs.Citizen || p.Require["identity_proofing_level"] != "P9" || p.Service != auth.NHSLogin {
		t.Errorf("%+v", p)
	}
	if _, err := auth.New(c); err != nil {
		t.Errorf("what the file says can't be opened: %v", err)
	}
}

func TestSignOnFileSaysWhatIsWrong(t *testing.T) {
	for from, to := range map[string][2]string{
		"claims: cis2":                   {"claims: cis3", `provider cis2: claims is cis2, nhs-login, or each claim by name: not "cis3"`},
		"client_secret: other":           {"client_secrets: other", `unknown field "client_secrets"`},
		"client_secret_file: secret":     {"client_secret_file: nowhere", "nowhere"},
		"public_url:":                    {"#", "public_url"},
		"providers:":                     {"providers: [\n", "yaml"},
		"  - name: cis2\n    title: NHS": {"  - cis2\n  - title: NHS", "provider 1"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := parseSignOn([]byte(strings.Replace(providersFile, from, to[0], 1)), dir); err == nil || !strings.Contains(err.Error(), to[1]) {
			t.Errorf("%q for %q: %v", to[0], from, err)
		}
	}
}
