package v2tofhir

import (
	"strings"
	"testing"

	"selda/hl7v2"
)

// Values of messages that this project did not write, read off by hand.
func TestGolden(t *testing.T) {
	find := func(set, part string) got {
		t.Helper()
		for _, raw := range material(t, set) {
			if strings.Contains(string(raw), part) {
				return mapText(t, string(raw))
			}
		}
		t.Fatalf("%s has no message with %s", set, part)
		return got{}
	}
	g := find("hl7v2-itk", "|1391320453338055|") // an admission, as the NHS toolkit shows it
	if p := g.out.Patients[0]; p.Identifiers[0].Value != "3333333333" || p.Identifiers[0].Verified {
		t.Errorf("%+v", p.Identifiers)
	}
	g.says(g.out.Patients[0].Body, map[string]string{"name[0].family": "SMITH", "name[0].given[0]": "FREDRICA", "gender": "female", "birthDate": "1965-12-13",
		"address[0].postalCode": "YO32 5TT", "generalPractitioner[0].identifier.value": "Y06601"})
	g.says(g.one("Encounter").Body, map[string]string{"status": "in-progress", "identifier[0].value": "2139", "location[0].location.display": "BAY2-6, OBS1, RCB, RCB55",
		"period.start": "2010-10-20T17:16:00+01:00", "participant[0].individual.display": "Dr Samuel Darwin"})
	g.says(g.one("Condition").Body, map[string]string{"code.coding[0].code": "N39.3", "code.coding[0].system": icd10})
	g.says(g.one("Procedure").Body, map[string]string{"code.coding[0].code": "ZZS4", "code.coding[0].system": opcs4})

	g = find("hl7v2-simhospital", "|ORU^R01|5|") // urea and electrolytes of the simulated hospital
	if p := g.out.Patients[0]; len(p.Identifiers) != 2 || p.Identifiers[0].Value != "1952821737" || p.Identifiers[1].Value != "9466947575" {
		t.Errorf("%+v", p.Identifiers)
	}
	g.says(g.one("Observation").Body, map[string]string{"code.text": "Potassium", "valueQuantity.value": "3.93", "valueQuantity.unit": "MMOLL", "valueQuantity.code": "mmol/L",
		"referenceRange[0].low.value": "3.5", "category[0].coding[0].code": "laboratory", "status": "final"})
	g.says(g.one("Observation", 3).Body, map[string]string{"valueQuantity.comparator": "<", "valueQuantity.value": "15", "referenceRange": ""})

	g = find("hl7v2-microsoft", "|NIST-IZ-AD-2.1_Send_V04_Z22|") // a vaccination
	g.says(g.one("Immunization").Body, map[string]string{"vaccineCode.text": "TENIVAC", "lotNumber": "315841", "expirationDate": "2015-12-16", "occurrenceDateTime": "2015-06-24",
		"doseQuantity.value": "0.5", "route.text": "Intramuscular", "manufacturer.display": "Sanofi Pasteur"})
	if m, _ := hl7v2.Parse(material(t, "hl7v2-linuxforhealth")[0]); m.Version() != "2.6" {
		t.Error("the version of the sender is lost")
	}
}
