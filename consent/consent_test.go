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
