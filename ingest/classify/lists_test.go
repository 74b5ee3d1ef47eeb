package classify

import (
	"bytes"
	"testing"

	"selda/fhir"
	"selda/policy"
)

// boxHash is of the lists that Index is for. Where a list has changed, raise Index
// with it: regions then label again what they have.
const boxHash = "d6b7cf4639be929b"

// G8: each class has its list; each entry says whose it is; no code of SNOMED CT is
// mistyped (its last digit checks the others, Verhoeff's scheme); and a list that
// changes is a new version of the index.
func TestG8ListsAreWhole(t *testing.T) {
	l := Box()
	var have policy.Labels
	for _, list := range l.All() {
		have |= list.Label
		if list.Title == "" || list.Why == "" {
			t.Errorf("%s does not say what and why it is", list.Label)
		}
		for _, s := range list.Sections {
			for _, e := range s.Entries {
				if l.Origin(e.Origin) == "" {
					t.Errorf("%s: %s %s does not say whose it is", list.Label, e.System, e.Code)
				}
				if e.System == "snomed" && !checks(e.Code) {
					t.Errorf("%s: %s is no code of SNOMED CT", list.Label, e.Code)
				}
			}
		}
	}
	if want := Sensitive | policy.SafetyPlan; have != want {
		t.Errorf("there is no list for %q", want&^have)
	}
	if l.Hash() != boxHash {
		t.Errorf("the lists have changed: raise Index, and put %q here", l.Hash())
	}
	with := l.With(nil, func(e Entry) []string {
		switch {
		case e.Below && e.Code == "86406008":
			return []string{"999000001"}
		case e.Within && e.Code == "1955851000000101":
			return []string{"999000002"}
		}
		return nil
	})
	for code, want := range map[string]policy.Labels{"999000001": policy.HIVSTI, "999000002": policy.GenderRecognition} {
		if with.Hash() == l.Hash() || with.Coded("http://snomed.info/sct", code, "") != want || l.Coded("http://snomed.info/sct", code, "") != 0 {
			t.Errorf("what a release has below a code, or in a reference set, is not labelled by it: %s", want)
		}
	}
}

// checks is the check digit of a SNOMED CT identifier, by the dihedral group of ten.
// https://confluence.ihtsdotools.org/display/DOCRELFMT/5.6+Check-digit
func checks(code string) bool {
	sum := 0
	for i := range len(code) {
		d := int(code[len(code)-1-i] - '0')
		for range i % 8 {
			d = [10]int{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}[d]
		}
		a, b := sum, d
		switch {
		case a < 5 && b < 5:
			sum = (a + b) % 5
		case a < 5:
			sum = 5 + (a+b-5)%5
		case b < 5:
			sum = 5 + (a-5-b+5)%5
		default:
			sum = (a - b + 5) % 5
		}
	}
	return sum == 0
}

// Whatever a resource holds, looking through it ends, and says the same twice.
func FuzzContent(f *testing.F) {
	f.Add([]byte(`{"resourceType":"Condition","code":{"coding":[{"system":"http://snomed.info/sct","code":"86406008","display":"HIV"}],"text":"IVF treatment"}}`))
	f.Add([]byte(`{"resourceType":"Encounter","serviceType":{"coding":[{"code":"360"}]},"reasonCode":[{"text":"Domestic  abuse"}]}`))
	f.Add([]byte(`{"resourceType":"Flag","category":[{"coding":[{"system":"https://fhir.nhs.uk/England/CodeSystem/England-FlagCategoryPatient","code":"female-genital-mutilation-flag"}]}],"code":{"text":"x"}}`))
	f.Add([]byte(`{"resourceType":"Condition","code":{"text":"system\":\"HIV","coding":[{"system":"HIV","display":"system"},{"display":"HIV"}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := fhir.Parse(body)
		if err != nil {
			return
		}
		if !Box().May(r.JSON) && !bytes.Contains(r.JSON, []byte(`\`)) && Box().Content(r) != 0 {
			t.Error("it says that there is nothing, and there is")
		}
		if a, b := Box().Content(r), Box().Content(r); a != b {
			t.Errorf("%v, then %v", a, b)
		}
	})
}
