package consent

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"selda/fhir"
	"selda/nhs"
	"selda/policy"
)

var at = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)

func read(t *testing.T, body string) (policy.Preference, bool) {
	t.Helper()
	r, err := fhir.Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return Read(r, "c1", at)
}

// G4: the common shapes.
func TestG4Shapes(t *testing.T) {
	for body, want := range map[string]bool{
		`{"resourceType":"Consent","status":"active","policyRule":{"coding":[{"code":"OPTOUT"}]},"provision":{"type":"deny"}}`:   true,
		`{"resourceType":"Consent","status":"active","policyRule":{"coding":[{"code":"OPTOUT"}]}}`:                               true,
		`{"resourceType":"Consent","status":"inactive","policyRule":{"coding":[{"code":"OPTOUT"}]},"provision":{"type":"deny"}}`: false,
		`{"resourceType":"Consent","status":"active","policyRule":{"coding":[{"code":"OPTIN"}]},"provision":{"type":"permit"}}`:  false,
	} {
		if p, ok := read(t, body); ok != want || ok && (p.Organisations != nil || p.DataSets != 0 || p.Items != nil) {
			t.Errorf("%s: %+v %t", body, p, ok)
		}
	}
}

func TestBuildIsReadBack(t *testing.T) {
	n, _ := nhs.ParseNumber("9991234519")
	for _, p := range []policy.Preference{
		{},
		{Organisations: []nhs.ODS{"RN7", "RJ1"}},
		{DataSets: policy.SetOf(policy.Results, policy.Documents), NoOverride: true},
		{Items: []policy.Item{{Type: "Observation", ID: "o1"}}},
	} {
		p.ID, p.From = "c1", at
		got, ok := read(t, string(fhir.Marshal(Build(p, n, at))))
		if !ok || !reflect.DeepEqual(got, p) {
			t.Errorf("%+v became %+v, %t", p, got, ok)
		}
	}
}

// G3: an opt-out of research or of another secondary use does not touch the
// care of the person.
func TestG3OptOutsOfOtherUsesDoNotTouchCare(t *testing.T) {
	optOut := `{"resourceType":"Consent","status":"active",%s"policyRule":{"coding":[{"code":"OPTOUT"}]},"provision":{"type":"deny"%s}}`
	for _, c := range []struct {
		scope, purpose string
		want           bool
	}{
		{"", "", true},
		{"patient-privacy", "", true},
		{"research", "", false},
		{"treatment", "", false},
		{"patient-privacy", "HRESCH", false},
		{"patient-privacy", "PUBHLTH", false},
		{"patient-privacy", "TREAT", true},
		{"patient-privacy", "BTG", true},
	} {
		scope, purpose := "", ""
		if c.scope != "" {
			scope = `"scope":{"coding":[{"code":"` + c.scope + `"}]},`
		}
		if c.purpose != "" {
			purpose = `,"purpose":[{"code":"` + c.purpose + `"}]`
		}
		if _, ok := read(t, fmt.Sprintf(optOut, scope, purpose)); ok != c.want {
			t.Errorf("scope %q, purpose %q: an objection is %t", c.scope, c.purpose, ok)
		}
	}
}

// Whatever a citizen's app sends as a Consent, it is read or decides nothing;
// one that is read narrows something, and only what it speaks of.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`{"resourceType":"Consent","status":"active","policyRule":{"coding":[{"code":"OPTOUT"}]},"provision":{"type":"deny"}}`,
		`{"resourceType":"Consent","status":"active","policyRule":{"coding":[{"code":"OPTOUT"}]},"provision":{"type":"deny","period":{"start":"2026-01-01","end":"2027-01-01"},"actor":[{"reference":{"identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"RJZ"}}}],"class":[{"code":"Condition"}],"data":[{"meaning":"instance","reference":{"reference":"Condition/c"}}],"provision":[{"type":"deny","purpose":[{"code":"BTG"}]}]}}`,
		`{"resourceType":"Consent","status":"active","scope":{"coding":[{"code":"research"}]},"provision":{"purpose":[{"code":"TREAT"}]}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := fhir.Parse(body)
		if err != nil {
			return
		}
		p, ok := Read(r, "c1", at)
		if !ok {
			return
		}
		if r.Type != "Consent" || p.ID != "c1" || !p.To.IsZero() && p.From.IsZero() {
			t.Errorf("%s: %+v", body, p)
		}
		for _, o := range p.Organisations {
			if again, err := nhs.ParseODS(string(o)); err != nil || again != o {
				t.Errorf("%q is no organisation", o)
			}
		}
	})
}
