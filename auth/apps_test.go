package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"selda/auth/app"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// somePatients are those of the tests: Folake, whom gp looks after, and one whom nobody does.
type somePatients struct{}

var folake = Patient{ID: "c1", Name: "Folake Adeyemi", Born: "5 November 1951", Number: "999 123 4519"}

func (somePatients) Own(_ context.Context, s policy.Subject) ([]Patient, error) {
	if s.Role == nhs.Citizen || s.Role == nhs.Proxy {
		return []Patient{folake}, nil
	}
	return nil, nil
}

func (somePatients) Find(context.Context, policy.Subject, string) ([]Patient, error) {
	return []Patient{folake, {ID: "c2", Name: "Somebody Else"}}, nil
}

func (somePatients) Open(_ context.Context, s policy.Subject, id string) (Patient, error) {
	if id == folake.ID {
		return folake, nil
	}
	return Patient{}, fault.E("test", fault.Security, "no relationship")
}

const (
	here     = "https://selda.example"
	callback = "https://app.example/callback"
	verifier = "0123456789012345678901234567890123456789abc"
)

// smart is a region with an application, and a browser.
type smart struct {
	*region
	t      *testing.T
	b      *browser
	client app.App
	secret string
}

func openSMART(t *testing.T, m app.Metadata) *smart {
	t.Helper()
	s := &smart{region: newRegion(t, Config{PublicURL: here, Patients: somePatients{}, LoopbackKeys: true}), t: t}
	s.b = s.browser(t, here)
	follow := func(req *http.Request, _ []*http.Request) error {
		if req.URL.Host != "selda.example" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	s.b.CheckRedirect = follow
	s.client, s.secret = s.add(m)
	return s
}

// add registers an application over HTTP and has it approved.
func (s *smart) add(m app.Metadata) (app.App, string) {
	s.t.Helper()
	b, _ := json.Marshal(m)
	resp, err := s.b.Post(here+registerPath, "application/json", strings.NewReader(string(b)))
	if err != nil {
		s.t.Fatal(err)
	}
	status, text := body(s.t, resp)
	var said app.Metadata
	if err := json.Unmarshal([]byte(text), &said); err != nil || status != http.StatusCreated || said.State != app.Pending {
		s.t.Fatal(status, text)
	}
	account := ""
	if len(m.Grants) > 0 && m.Grants[0] == app.ClientGrant {
		account = "system"
	}
	x, err := s.Apps.Approve(said.ID, "admin", account, time.Now(), time.Now().Add(300*24*time.Hour))
	if err != nil {
		s.t.Fatal(err)
	}
	return x, said.Secret
}

var publicApp = app.Metadata{Name: "Blood sugar diary", Contacts: []string{"help@app.example"}, Owner: "Ada Byron", RedirectURIs: []string{callback}, LaunchURI: "https://app.example/launch", Method: "none",
	Scope: "openid fhirUser profile launch launch/patient offline_access online_access patient/*.rs user/Observation.rs"}

// request is an authorization request, with changes.
func (s *smart) request(scope string, change url.Values) string {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{"response_type": {"code"}, "client_id": {s.client.ID}, "redirect_uri": {callback}, "scope": {scope}, "state": {"st"}, "nonce": {"no"}, "aud": {here + "/fhir"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
	for k, v := range change {
		if q[k] = v; len(v) == 0 {
			q.Del(k)
		}
	}
	return authorizePath + "?" + q.Encode()
}

// goes opens an address in the browser and gives where it ended.
func (s *smart) goes(path string) (*url.URL, string) {
	s.t.Helper()
	resp, err := s.b.Get(here + path)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.ended(resp)
}

func (s *smart) ended(resp *http.Response) (*url.URL, string) {
	at := resp.Request.URL
	if l, err := resp.Location(); err == nil {
		at = l
	}
	_, text := body(s.t, resp)
	return at, text
}

// does posts a form of a screen.
func (s *smart) does(at *url.URL, form url.Values) (*url.URL, string) {
	s.t.Helper()
	resp, err := s.b.PostForm(at.String(), form)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.ended(resp)
}

// signsIn signs somebody in.
func (s *smart) signsIn(user string) {
	s.t.Helper()
	if status, page := s.b.signIn("/", user, password); status != 200 || !strings.HasPrefix(page, "hello "+user) {
		s.t.Fatal(status, page)
	}
}

// code has the person allow all, and gives the code.
func (s *smart) code(scope string, change url.Values) string {
	s.t.Helper()
	at, page := s.goes(s.request(scope, change))
	if !strings.HasPrefix(at.Path, connectPath) {
		s.t.Fatal(at, page)
	}
	at, page = s.does(at, url.Values{"do": {"allow"}, "scope": strings.Fields(scope), "keep": {"yes"}})
	q := at.Query()
	if at.Host != "app.example" || q.Get("code") == "" || q.Get("state") != "st" || q.Get("iss") != here+"/oidc" {
		s.t.Fatal(at, page)
	}
	return q.Get("code")
}

type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
	Scope   string
	Patient string
	Banner  bool `json:"need_patient_banner"`
	Intent  string
	Tenant  string
	Error   string
	Seconds int `json:"expires_in"`
}

// tokenFor posts to the token endpoint.
func (s *smart) tokenFor(form url.Values) (int, tokens) {
	s.t.Helper()
	status, text := s.b.post(tokenPath, form)
	var out tokens
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		s.t.Fatal(status, text)
	}
	return status, out
}

func (s *smart) exchange(code string) (int, tokens) {
	return s.tokenFor(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "client_id": {s.client.ID}, "code_verifier": {verifier}})
}

func (s *smart) refresh(token string, scope ...string) (int, tokens) {
	f := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {s.client.ID}}
	if len(scope) > 0 {
		f["scope"] = scope
	}
	return s.tokenFor(f)
}

// says is what a token's bearer is called.
func (s *smart) says(token, path string) (int, string) {
	s.t.Helper()
	req, _ := http.NewRequest(http.MethodGet, here+path, nil)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := s.b.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	return body(s.t, resp)
}

// identified holds an identity token against what is published, as an application does that
// knows RS256 alone: each one knows that, and OpenID Connect Core 15.1 promises it.
func (s *smart) identified(token string, claims any) error {
	s.t.Helper()
	var said struct {
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	var set jose.JSONWebKeySet
	for path, into := range map[string]any{"/.well-known/openid-configuration": &said, jwksPath: &set} {
		if status, text := s.b.get(path); status != 200 || json.Unmarshal([]byte(text), into) != nil {
			s.t.Fatal(path, status, text)
		}
	}
	if !slices.Contains(said.Algorithms, "RS256") {
		s.t.Error("RS256 is not said to be used:", said.Algorithms)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return err
	}
	return parsed.Claims(set, claims)
}

// https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html
func TestStandaloneLaunchOfACitizen(t *testing.T) {
	s := openSMART(t, publicApp)
	at, page := s.goes(s.request("openid fhirUser launch/patient offline_access patient/Observation.rs patient/Condition.rs", nil))
	if !strings.Contains(page, "Password") {
		t.Fatal("who has not signed in is not asked to:", at, page)
	}
	resp, err := s.b.PostForm(here+actionOf(t, page), url.Values{"user": {"citizen"}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	at, page = s.ended(resp)
	for _, want := range []string{"Blood sugar diary", "Ada Byron", "help@app.example", "Folake Adeyemi", "See test results and measurements", "See health conditions", "Stay connected until"} {
		if !strings.Contains(page, want) {
			t.Errorf("the screen does not say %q: %s", want, page)
		}
	}
	at, _ = s.does(at, url.Values{"do": {"allow"}, "scope": {"patient/Observation.rs"}, "keep": {"yes"}}) // not the conditions
	status, got := s.exchange(at.Query().Get("code"))
	if status != 200 || got.Scope != "openid fhirUser launch/patient offline_access patient/Observation.rs" || got.Patient != "c1" || !got.Banner || got.Refresh == "" || got.Tenant == "" || got.Seconds != 3600 {
		t.Fatalf("%d %+v", status, got)
	}
	if _, text := s.says(got.Access, "/fhir/x"); text != "hello citizen by "+s.client.ID+" at c1 to patient/Observation.rs" {
		t.Error(text)
	}
	if status, _ := s.says(got.Access, "/"); status != http.StatusUnauthorized {
		t.Error("an application's token opens the pages:", status)
	}
	var id struct {
		Nonce    string `json:"nonce"`
		FHIRUser string `json:"fhirUser"`
		Name     string `json:"name"`
	}
	if err := s.identified(got.ID, &id); err != nil || id.Nonce != "no" || id.FHIRUser != here+"/fhir/Patient/c1" || id.Name != "" {
		t.Errorf("%v %+v", err, id)
	}
	// Each refresh gives a new token; less may be asked for, and never more.
	if status, bad := s.refresh(got.Refresh, "patient/Condition.rs"); status != 400 || bad.Error != "invalid_scope" {
		t.Error("a refresh widens the scopes:", status, bad)
	}
	if status, bad := s.refresh(got.Refresh, "patient/Observation.cruds"); status != 400 || bad.Error != "invalid_scope" {
		t.Error("a refresh widens the scopes:", status, bad)
	}
	status, next := s.refresh(got.Refresh, "patient/Observation.r")
	if status != 200 || next.Scope != "patient/Observation.r" || next.Refresh == got.Refresh || next.Patient != "c1" {
		t.Fatalf("%d %+v", status, next)
	}
	if status, next = s.refresh(next.Refresh); status != 200 || next.Scope != got.Scope {
		t.Fatalf("a narrower refresh has narrowed the connection: %d %+v", status, next)
	}
	// One that was used ends all that came of it.
	if status, bad := s.refresh(got.Refresh); status != 400 || bad.Error != "invalid_grant" {
		t.Error(status, bad)
	}
	if status, _ := s.refresh(next.Refresh); status != 400 {
		t.Error("a stolen refresh token goes on:", status)
	}
	if status, _ := s.says(next.Access, "/fhir/x"); status != http.StatusUnauthorized {
		t.Error("a stolen refresh token's access goes on:", status)
	}
}

func TestLaunchFromARecord(t *testing.T) {
	s := openSMART(t, publicApp)
	s.signsIn("gp")
	gp, _ := s.Accounts.Find("gp")
	launches := func(citizen string) string {
		r, _ := http.NewRequest(http.MethodPost, here, nil)
		to, err := s.Launch(r, gp.Subject(nhs.Treatment), citizen, s.client.ID, "reconcile-medications")
		u, _ := url.Parse(to)
		if err != nil || u.Host != "app.example" || u.Path != "/launch" || u.Query().Get("iss") != here+"/fhir" || strings.Contains(to, citizen) {
			t.Fatal(to, err)
		}
		return u.Query().Get("launch")
	}
	scope := "openid launch patient/Observation.rs online_access"
	value := launches("c1")
	_, got := s.exchange(s.code(scope, url.Values{"launch": {value}}))
	if got.Patient != "c1" || got.Intent != "reconcile-medications" || got.Refresh == "" || got.Tenant != "G85001" {
		t.Fatalf("%+v", got)
	}
	if at, _ := s.goes(s.request(scope, url.Values{"launch": {value}})); at.Query().Get("error") != "invalid_request" || at.Query().Get("iss") == "" {
		t.Error("a launch is used twice:", at)
	}
	if at, _ := s.goes(s.request(scope, nil)); at.Query().Get("error") != "invalid_request" {
		t.Error("there is a launch without one:", at)
	}
	// Who has stolen a launch gets nothing of it, and nor does anybody else then.
	value = launches("c1")
	thief := s.browser(t, here)
	thief.CheckRedirect = s.b.CheckRedirect
	mine := s.b
	s.b = thief
	s.signsIn("parent")
	if at, _ := s.goes(s.request(scope, url.Values{"launch": {value}})); at.Query().Get("error") != "invalid_request" {
		t.Error("another user's launch is of use:", at)
	}
	s.b = mine
	if at, _ := s.goes(s.request(scope, url.Values{"launch": {value}})); at.Query().Get("error") != "invalid_request" {
		t.Error("a stolen launch is of use still:", at)
	}
	// The screen can't be turned to another record, and a record that is not the user's is not opened.
	at, _ := s.goes(s.request(scope, url.Values{"launch": {launches("c1")}}))
	if _, page := s.does(at, url.Values{"do": {"patient"}, "patient": {"c2"}}); !strings.Contains(page, "could not be connected") {
		t.Error("a launch is turned to another record:", page)
	}
	if _, page := s.goes(s.request(scope, url.Values{"launch": {launches("c2")}})); !strings.Contains(page, "open that record") {
		t.Error("a record that is not the user's:", page)
	}
	// Who signs out ends what was for as long as they are here.
	s.does(&url.URL{Scheme: "https", Host: "selda.example", Path: "/logout"}, nil)
	if status, _ := s.refresh(got.Refresh); status != 400 {
		t.Error("online_access goes on after the sign-out")
	}
	if status, _ := s.says(got.Access, "/fhir/x"); status != http.StatusUnauthorized {
		t.Error("its token goes on after the sign-out")
	}
}

func TestAProfessionalChoosesThePatient(t *testing.T) {
	s := openSMART(t, publicApp)
	s.signsIn("gp")
	at, page := s.goes(s.request("launch/patient patient/Observation.rs", nil))
	if !strings.Contains(page, "Whose record?") {
		t.Fatal(page)
	}
	_, page = s.does(at, url.Values{"do": {"find"}, "text": {"Adeyemi 1951-11-05"}})
	if !strings.Contains(page, "Folake Adeyemi") {
		t.Error(page)
	}
	if _, page = s.does(at, url.Values{"do": {"allow"}, "scope": {"patient/Observation.rs"}}); !strings.Contains(page, "Whose record?") {
		t.Error("a request for nobody is allowed:", page)
	}
	if _, page = s.does(at, url.Values{"do": {"patient"}, "patient": {"c2"}}); !strings.Contains(page, "open that record") {
		t.Error(page)
	}
	at, page = s.does(at, url.Values{"do": {"patient"}, "patient": {"c1"}})
	if !strings.Contains(page, "in your name") {
		t.Error(page)
	}
	at, _ = s.does(at, url.Values{"do": {"allow"}, "scope": {"patient/Observation.rs", "patient/Condition.rs", "user/*.cruds"}})
	status, got := s.exchange(at.Query().Get("code"))
	if status != 200 || got.Patient != "c1" || got.Scope != "launch/patient patient/Observation.rs" || got.Refresh != "" {
		t.Errorf("%d %+v", status, got)
	}
}

// RFC 9700: what attackers try.
func TestRequestsThatAreNotInOrder(t *testing.T) {
	s := openSMART(t, publicApp)
	s.signsIn("citizen")
	scope := "launch/patient patient/Observation.rs"
	for name, c := range map[string]struct {
		change url.Values
		want   string // the error that the application is told; "" where nobody but the person is
	}{
		"another place":          {url.Values{"redirect_uri": {"https://evil.example/callback"}}, ""},
		"a place below":          {url.Values{"redirect_uri": {callback + "/x"}}, ""},
		"a place with a query":   {url.Values{"redirect_uri": {callback + "?x=1"}}, ""},
		"another host's tail":    {url.Values{"redirect_uri": {"https://app.example.evil.example/callback"}}, ""},
		"a user before the host": {url.Values{"redirect_uri": {"https://app.example@evil.example/callback"}}, ""},
		"no place":               {url.Values{"redirect_uri": {}}, ""},
		"two places":             {url.Values{"redirect_uri": {callback, "https://evil.example"}}, ""},
		"unknown client":         {url.Values{"client_id": {"nobody"}}, ""},
		"no PKCE":                {url.Values{"code_challenge": {}, "code_challenge_method": {}}, "invalid_request"},
		"plain PKCE":             {url.Values{"code_challenge_method": {"plain"}}, "invalid_request"},
		"no method":              {url.Values{"code_challenge_method": {}}, "invalid_request"},
		"implicit":               {url.Values{"response_type": {"token"}}, "unsupported_response_type"},
		"fragment":               {url.Values{"response_mode": {"fragment"}}, "invalid_request"},
		"no state":               {url.Values{"state": {}}, "invalid_request"},
		"another audience":       {url.Values{"aud": {"https://evil.example/fhir"}}, "invalid_request"},
		"no audience":            {url.Values{"aud": {}}, "invalid_request"},
		"more than it may":       {url.Values{"scope": {"patient/*.cud user/*.cruds system/*.rs"}}, ""},
		"nothing that it may":    {url.Values{"scope": {"system/*.rs"}}, "invalid_scope"},
		"in silence":             {url.Values{"prompt": {"none"}}, "consent_required"},
		"a request object":       {url.Values{"request": {"e30.e30."}}, "request_not_supported"},
	} {
		at, page := s.goes(s.request(scope, c.change))
		switch {
		case name == "more than it may":
			if !strings.HasPrefix(at.Path, connectPath) || strings.Contains(page, "Add") || strings.Contains(page, "everything") {
				t.Errorf("%s: %s %s", name, at, page)
			}
		case c.want == "" && (at.Host != "selda.example" || !strings.Contains(page, "could not be connected")):
			t.Errorf("%s: %s %s", name, at, page)
		case c.want != "" && (at.Host != "app.example" || at.Query().Get("error") != c.want || at.Query().Get("iss") != here+"/oidc"):
			t.Errorf("%s: %s", name, at)
		}
	}
	for name, f := range map[string]url.Values{
		"another verifier": {"code_verifier": {strings.Repeat("x", 43)}}, "no verifier": {"code_verifier": {}}, "another place": {"redirect_uri": {callback + "/"}},
	} {
		form := url.Values{"grant_type": {"authorization_code"}, "code": {s.code(scope, nil)}, "redirect_uri": {callback}, "client_id": {s.client.ID}, "code_verifier": {verifier}}
		for k, v := range f {
			form[k] = v
		}
		if status, got := s.tokenFor(form); status != 400 || got.Error != "invalid_grant" {
			t.Error(name, status, got)
		}
		form["code_verifier"], form["redirect_uri"] = []string{verifier}, []string{callback}
		if status, _ := s.tokenFor(form); status != 400 {
			t.Error(name, "and then the right one: the code is of use still")
		}
	}
	// A code belongs to the application that asked.
	other, _ := s.add(publicApp)
	code := s.code(scope, nil)
	if status, got := s.tokenFor(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "client_id": {other.ID}, "code_verifier": {verifier}}); status != 400 || got.Error != "invalid_grant" {
		t.Error("another application changes the code:", status, got)
	}
	// One that is used twice ends what it was changed for.
	code = s.code(scope+" offline_access", nil)
	_, got := s.exchange(code)
	if status, _ := s.says(got.Access, "/fhir/x"); status != 200 {
		t.Fatal(status)
	}
	if status, _ := s.exchange(code); status != 400 {
		t.Error("a code is used twice")
	}
	if status, _ := s.says(got.Access, "/fhir/x"); status != http.StatusUnauthorized {
		t.Error("what a code that was used twice gave goes on")
	}
	if status, _ := s.refresh(got.Refresh); status != 400 {
		t.Error("what a code that was used twice gave goes on")
	}
}

func TestWhatIsEndedIsRefusedAtTheNextRequest(t *testing.T) {
	s := openSMART(t, publicApp)
	s.signsIn("citizen")
	citizen, _ := s.Accounts.Find("citizen")
	connect := func() tokens {
		_, got := s.exchange(s.code("launch/patient patient/*.rs offline_access", nil))
		if status, text := s.says(got.Access, "/fhir/x"); status != 200 {
			t.Fatal(status, text)
		}
		return got
	}
	for name, end := range map[string]func(tokens){
		"by the person": func(tokens) {
			if n, err := s.EndConnections(t.Context(), citizen.Subject(nhs.PatientRequest), s.client.ID, "the person ended it"); err != nil || n == 0 {
				t.Fatal(n, err)
			}
		},
		"by the application, its access token": func(k tokens) { s.b.post(revokePath, url.Values{"token": {k.Access}, "client_id": {s.client.ID}}) },
		"by the application, its refresh token": func(k tokens) {
			s.b.post(revokePath, url.Values{"token": {k.Refresh}, "client_id": {s.client.ID}, "token_type_hint": {"refresh_token"}})
		},
		"by suspension": func(tokens) {
			if _, err := s.Apps.Suspend(s.client.ID, "admin", "an incident", time.Now()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		k := connect()
		end(k)
		if status, _ := s.says(k.Access, "/fhir/x"); status != http.StatusUnauthorized {
			t.Error(name, "the access token goes on:", status)
		}
		if status, _ := s.refresh(k.Refresh); status == 200 {
			t.Error(name, "the refresh token goes on")
		}
		if _, err := s.Apps.Approve(s.client.ID, "admin", "", time.Now(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	// Another application's token is none of its business.
	k := connect()
	other, _ := s.add(publicApp)
	if status, _ := s.b.post(revokePath, url.Values{"token": {k.Access}, "client_id": {other.ID}}); status != 200 {
		t.Error(status)
	}
	if status, _ := s.says(k.Access, "/fhir/x"); status != 200 {
		t.Error("one application revokes another's token")
	}
}

func TestIntrospectionIsForTheApplicationThatAsked(t *testing.T) {
	m := publicApp
	m.Method = "client_secret_basic"
	s := openSMART(t, m)
	s.signsIn("citizen")
	code := s.code("openid fhirUser launch/patient patient/*.rs", nil)
	if status, got := s.exchange(code); status != 401 || got.Error != "invalid_client" {
		t.Fatal("a confidential client needs no secret:", status, got)
	}
	code = s.code("openid fhirUser launch/patient patient/*.rs", nil)
	status, k := s.tokenFor(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "client_id": {s.client.ID}, "client_secret": {s.secret}, "code_verifier": {verifier}})
	if status != 200 {
		t.Fatal(status, k)
	}
	look := func(id, secret, token string) (int, map[string]any) {
		req, _ := http.NewRequest(http.MethodPost, here+introspectPath, strings.NewReader(url.Values{"token": {token}}.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(id, secret)
		resp, err := s.b.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		status, text := body(t, resp)
		var out map[string]any
		_ = json.Unmarshal([]byte(text), &out)
		return status, out
	}
	_, said := look(s.client.ID, s.secret, k.Access)
	if said["active"] != true || said["patient"] != "c1" || said["client_id"] != s.client.ID || said["sub"] != "citizen" || said["scope"] != k.Scope || said["fhirUser"] != here+"/fhir/Patient/c1" {
		t.Errorf("%v", said)
	}
	other, secret := s.add(m)
	if _, said := look(other.ID, secret, k.Access); len(said) != 1 || said["active"] != false {
		t.Errorf("another application looks into it: %v", said)
	}
	if status, _ := look(s.client.ID, "wrong", k.Access); status != 401 {
		t.Error(status)
	}
	if _, said := look(s.client.ID, s.secret, "nonsense"); said["active"] != false {
		t.Error(said)
	}
}

// assertion signs what a backend service says of itself, with changes.
func assertion(t *testing.T, key any, alg jose.SignatureAlgorithm, kid, client string, change func(*jwt.Claims)) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c := jwt.Claims{Issuer: client, Subject: client, Audience: jwt.Audience{here + tokenPath}, ID: rand.Text(), IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(4 * time.Minute))}
	if change != nil {
		change(&c)
	}
	out, err := jwt.Signed(signer).Claims(c).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html
func TestBackendServices(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	set, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES384", Use: "sig"}}})
	s := openSMART(t, app.Metadata{Name: "Registry feed", Contacts: []string{"ops@registry.example"}, Method: "private_key_jwt", Grants: []string{app.ClientGrant}, Keys: set, Scope: "system/Observation.rs system/Patient.rs"})
	ask := func(assertion, scope string) (int, tokens) {
		return s.tokenFor(url.Values{"grant_type": {app.ClientGrant}, "scope": {scope}, "client_assertion_type": {app.AssertionType}, "client_assertion": {assertion}})
	}
	good := assertion(t, key, jose.ES384, "k1", s.client.ID, nil)
	status, k := ask(good, "system/*.rs")
	if status != 200 || k.Scope != "system/Observation.rs system/Patient.rs" || k.Seconds != 300 || k.Refresh != "" {
		t.Fatalf("%d %+v", status, k)
	}
	if _, text := s.says(k.Access, "/fhir/x"); text != "hello system by "+s.client.ID+" at  to system/Observation.rs system/Patient.rs" {
		t.Error(text)
	}
	if status, got := ask(good, "system/*.rs"); status != 401 || got.Error != "invalid_client" {
		t.Error("an assertion is used twice:", status, got)
	}
	for name, a := range map[string]string{
		"another's key":           assertion(t, other, jose.ES384, "k1", s.client.ID, nil),
		"another kid":             assertion(t, key, jose.ES384, "k2", s.client.ID, nil),
		"HS256 by the public key": assertion(t, set, jose.HS256, "k1", s.client.ID, nil),
		"no signature":            "eyJhbGciOiJub25lIiwia2lkIjoiazEifQ." + strings.Split(assertion(t, key, jose.ES384, "k1", s.client.ID, nil), ".")[1] + ".",
		"ended":                   assertion(t, key, jose.ES384, "k1", s.client.ID, func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(time.Now().Add(-time.Second)) }),
		"ends too late":           assertion(t, key, jose.ES384, "k1", s.client.ID, func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(time.Now().Add(6 * time.Minute)) }),
		"never ends":              assertion(t, key, jose.ES384, "k1", s.client.ID, func(c *jwt.Claims) { c.Expiry = nil }),
		"no jti":                  assertion(t, key, jose.ES384, "k1", s.client.ID, func(c *jwt.Claims) { c.ID = "" }),
		"another audience":        assertion(t, key, jose.ES384, "k1", s.client.ID, func(c *jwt.Claims) { c.Audience = jwt.Audience{"https://evil.example/token"} }),
		"another issuer":          assertion(t, key, jose.ES384, "k1", s.client.ID, func(c *jwt.Claims) { c.Issuer = "x" }),
		"of before the start":     assertion(t, key, jose.ES384, "k1", s.client.ID, func(c *jwt.Claims) { c.IssuedAt = jwt.NewNumericDate(time.Now().Add(-time.Hour)) }),
	} {
		if status, got := ask(a, "system/*.rs"); status != 401 || got.Error != "invalid_client" {
			t.Error(name, status, got)
		}
	}
	if status, got := ask(assertion(t, key, jose.ES384, "k1", s.client.ID, nil), "patient/*.rs"); status != 400 || got.Error != "invalid_scope" {
		t.Error(status, got)
	}
	// A token that is revoked is refused, and no other.
	_, k2 := ask(assertion(t, key, jose.ES384, "k1", s.client.ID, nil), "system/*.rs")
	if status, text := s.b.post(revokePath, url.Values{"token": {k.Access}, "client_assertion_type": {app.AssertionType},
		"client_assertion": {assertion(t, key, jose.ES384, "k1", s.client.ID, func(c *jwt.Claims) { c.Audience = jwt.Audience{here + revokePath} })}}); status != 200 {
		t.Fatal(status, text)
	}
	if status, _ := s.says(k.Access, "/fhir/x"); status != 401 {
		t.Error("a revoked token goes on")
	}
	if status, _ := s.says(k2.Access, "/fhir/x"); status != 200 {
		t.Error("another token was revoked with it")
	}
}

// https://www.rfc-editor.org/rfc/rfc7591
func TestRegistrationIsBounded(t *testing.T) {
	s := openSMART(t, publicApp)
	for name, c := range map[string]struct {
		change func(*app.Metadata)
		want   string
	}{
		"no name":            {func(m *app.Metadata) { m.Name = "" }, "invalid_client_metadata"},
		"no contact":         {func(m *app.Metadata) { m.Contacts = nil }, "invalid_client_metadata"},
		"http elsewhere":     {func(m *app.Metadata) { m.RedirectURIs = []string{"http://app.example/"} }, "invalid_redirect_uri"},
		"script":             {func(m *app.Metadata) { m.RedirectURIs = []string{"javascript:alert(1)"} }, "invalid_redirect_uri"},
		"a fragment":         {func(m *app.Metadata) { m.RedirectURIs = []string{callback + "#x"} }, "invalid_redirect_uri"},
		"a header in it":     {func(m *app.Metadata) { m.RedirectURIs = []string{callback + ";script-src *"} }, "invalid_redirect_uri"},
		"no place":           {func(m *app.Metadata) { m.RedirectURIs = nil }, "invalid_redirect_uri"},
		"a scope of systems": {func(m *app.Metadata) { m.Scope = "system/*.rs" }, "invalid_client_metadata"},
		"an unknown scope":   {func(m *app.Metadata) { m.Scope = "admin" }, "invalid_client_metadata"},
		"a password grant":   {func(m *app.Metadata) { m.Grants = []string{"password"} }, "invalid_client_metadata"},
		"implicit":           {func(m *app.Metadata) { m.Responses = []string{"token"} }, "invalid_client_metadata"},
		"a backend with a secret": {func(m *app.Metadata) {
			m.Grants, m.Method, m.Scope, m.RedirectURIs = []string{app.ClientGrant}, "client_secret_basic", "system/*.rs", nil
		}, "invalid_client_metadata"},
		"a private key": {func(m *app.Metadata) {
			m.Method, m.Keys = "private_key_jwt", json.RawMessage(`{"keys":[{"kty":"oct","kid":"1","k":"AAAA"}]}`)
		}, "invalid_client_metadata"},
	} {
		m := publicApp
		c.change(&m)
		b, _ := json.Marshal(m)
		resp, err := s.b.Post(here+registerPath, "application/json", strings.NewReader(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		if status, text := body(t, resp); status != 400 || !strings.Contains(text, `"error":"`+c.want+`"`) {
			t.Error(name, status, text)
		}
	}
	var last int
	for range registrationsFrom + 1 {
		b, _ := json.Marshal(publicApp)
		resp, err := s.b.Post(here+registerPath, "application/json", strings.NewReader(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		last, _ = body(t, resp)
	}
	if last != http.StatusTooManyRequests {
		t.Error("there is no end to registrations:", last)
	}
	// What nobody has approved can't be used.
	all, err := s.Apps.List()
	if err != nil || all[0].State(time.Now()) != app.Pending {
		t.Fatal(err)
	}
	s.client = all[0]
	if _, page := s.goes(s.request("patient/*.rs", nil)); !strings.Contains(page, "waiting for approval") {
		t.Error(page)
	}
}

// What is a token for something else is none for /fhir, and an application's is
// none for anything else.
func TestTokensOfAnotherUse(t *testing.T) {
	s := openSMART(t, publicApp)
	s.signsIn("citizen")
	_, k := s.exchange(s.code("openid profile launch/patient patient/Observation.rs offline_access", nil))
	for name, token := range map[string]string{"an ID token": k.ID, "a refresh token": k.Refresh, "a cut token": k.Access[:len(k.Access)-2], "no algorithm": "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + strings.Split(k.Access, ".")[1] + "."} {
		if status, _ := s.says(token, "/fhir/x"); status != http.StatusUnauthorized {
			t.Error(name, status)
		}
	}
	// The scopes of a token are signed with it.
	part := strings.Split(k.Access, ".")
	payload, err := base64.RawURLEncoding.DecodeString(part[1])
	if err != nil {
		t.Fatal(err)
	}
	wider := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), "Observation.rs", "*.cruds", 1)))
	if status, _ := s.says(part[0]+"."+wider+"."+part[2], "/fhir/x"); status != http.StatusUnauthorized {
		t.Error("a scope was written into a token:", status)
	}
	for _, id := range []string{"../../auth/keys.json", "nobody", ""} {
		header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","typ":"at+jwt","kid":"` + id + `"}`))
		if status, _ := s.says(header+"."+part[1]+"."+part[2], "/fhir/x"); status != http.StatusUnauthorized {
			t.Error("a forged kid:", id, status)
		}
	}
	// The user is told of at userinfo as far as the scopes go.
	if status, text := s.says(k.Access, "/oidc/userinfo"); status != 200 || !strings.Contains(text, `"sub":"citizen"`) || !strings.Contains(text, "Folake") || strings.Contains(text, "999") {
		t.Error(status, text)
	}
	_, k = s.exchange(s.code("launch/patient patient/Observation.rs", nil))
	if status, text := s.says(k.Access, "/oidc/userinfo"); status != http.StatusUnauthorized {
		t.Error("who the user is is told without openid:", status, text)
	}
}
