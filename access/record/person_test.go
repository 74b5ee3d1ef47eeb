package record

import "testing"

// G16: gender, the sex recorded at birth and what sources differ in are kept
// apart: one never stands in for the other.
func TestG16SexAndGenderAreKeptApart(t *testing.T) {
	birthSex := `{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-BirthSex","valueCodeableConcept":{"coding":[{"code":"F","display":"Female"}]}}`
	for name, c := range map[string]struct {
		lines          []string
		gender, sex    string
		wantsConflicts int
	}{
		"gender alone":       {[]string{`RJZ:PAS {"resourceType":"Patient","gender":"male"}`}, "male", "", 0},
		"birth sex alone":    {[]string{`RJZ:PAS {"resourceType":"Patient","extension":[` + birthSex + `]}`}, "", "Female", 0},
		"both, and not one":  {[]string{`RJZ:PAS {"resourceType":"Patient","gender":"male","extension":[` + birthSex + `]}`}, "male", "Female", 0},
		"of two sources":     {[]string{`RJZ:PAS {"resourceType":"Patient","extension":[` + birthSex + `]}`, `G85001:GP {"resourceType":"Patient","gender":"male"}`}, "male", "Female", 0},
		"two genders differ": {[]string{`RJZ:PAS {"resourceType":"Patient","gender":"female"}`, `G85001:GP {"resourceType":"Patient","gender":"male"}`}, "male", "", 1},
	} {
		p := said(t, c.lines...).person()
		if p.Gender != c.gender || p.BirthSex != c.sex || len(p.Conflicts) != c.wantsConflicts {
			t.Errorf("%s: gender %q, birth sex %q, %v", name, p.Gender, p.BirthSex, p.Conflicts)
		}
	}
}
