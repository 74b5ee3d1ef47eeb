package testenv

import (
	"encoding/json"
	"strings"
	"testing"

	"selda/nhs"
)

// The rules of care and confidentiality, each under its number, as somebody
// outside meets them: over HTTP, with the whole system behind it.

const folake = "9991234519"

// outside asks a region as people and systems do.
type outside struct {
	*testing.T
	*Env
	citizen string
}

// known opens a region in which Folake is known to a practice and a hospital.
func known(t *testing.T) *outside {
	t.Helper()
	env, err := Open(stored(t), t.TempDir(), Start)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = env.Close() })
	o := &outside{T: t, Env: env}
	for _, source := range []nhs.Source{"G85915:GP", "RJZ:PAS"} {
		id := "p-" + strings.ToLower(string(source.Organisation()))
		o.writes(source, "Patient", id, `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+folake+`"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05","address":[{"line":["1 Hidden Street"],"postalCode":"SE1 1AA"}]`)
	}
	o.citizen, err = env.Citizen(t.Context(), folake)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// writes has a source put a resource; about is what stands in it.
func (o *outside) writes(source nhs.Source, typ, id, about string) {
	o.Helper()
	r, err := o.Region.Ingest.Submit(o.Context(), raw(source, "PUT "+typ+"/"+id, `{"resourceType":"`+typ+`","id":"`+id+`",`+about+`}`, ""))
	if err != nil {
		o.Fatal(err)
	}
	out, err := r.Committed(o.Context())
	if err != nil || out.Err != nil {
		o.Fatal(id, err, out.Err)
	}
}

const atGP, atKings = `"subject":{"reference":"Patient/p-g85915"}`, `"subject":{"reference":"Patient/p-rjz"}`

// asks makes a request and gives status and body.
func (o *outside) asks(user, method, path, body string, headers ...string) (int, string) {
	o.Helper()
	a, err := o.Do(o.Context(), user, method, strings.ReplaceAll(path, "{citizen}", o.citizen), []byte(body), headers...)
	if err != nil {
		o.Fatal(err)
	}
	return a.Status, string(a.Body)
}

// sees says whether any of the ways of reading shows a text to a user.
func (o *outside) sees(user, text string, paths ...string) (where []string) {
	o.Helper()
	for _, p := range paths {
		if _, body := o.asks(user, "GET", p, ""); strings.Contains(body, text) {
			where = append(where, p)
		}
	}
	return where
}

// total is how many a search says that there are.
func (o *outside) total(user, path string) int {
	o.Helper()
	status, body := o.asks(user, "GET", path, "")
	var b struct{ Total int }
	if err := json.Unmarshal([]byte(body), &b); err != nil || status != 200 {
		o.Fatalf("%s: %d %s", path, status, body)
	}
	return b.Total
}

func (o *outside) objects(provision string) {
	o.Helper()
	if status, body := o.asks("citizen", "POST", "/fhir/Consent", `{"resourceType":"Consent","status":"active","policyRule":{"coding":[{"code":"OPTOUT"}]},"provision":{"type":"deny"`+provision+`}}`); status != 201 {
		o.Fatal(status, body)
	}
}

func (o *outside) declares(user string) {
	o.Helper()
	s, err := o.Subject(user)
	if err == nil {
		err = o.Region.Access.Declare(o.Context(), s, o.citizen, "")
	}
	if err != nil {
		o.Fatal(err)
	}
}

func (o *outside) breaksGlass(user, reason string) {
	o.Helper()
	s, err := o.Subject(user)
	if err == nil {
		err = o.Region.Access.BreakGlass(o.Context(), s, o.citizen, reason)
	}
	if err != nil {
		o.Fatal(err)
	}
}
