package v2tofhir

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"selda/fault"
	"selda/hl7v2"
	"selda/ingest/mapped"
	"selda/nhs"
)

// got is one mapped message, held to what every message must keep.
type got struct {
	t   *testing.T
	m   *hl7v2.Message
	out *mapped.Message
}

func mapText(t *testing.T, msg string) got {
	t.Helper()
	m, err := hl7v2.Parse([]byte(msg))
	if err != nil {
		t.Fatal(err)
	}
	out, err := Map(m, "RJZ:PAS")
	if err != nil {
		t.Fatal(err)
	}
	check(t, m, out)
	return got{t, m, out}
}

// send is a message of an event about one known patient, with more segments.
func send(t *testing.T, event string, segments ...string) got {
	t.Helper()
	return mapText(t, header(event)+"PID|1||A1^^^RJZ^MR||SMITH^ANN||19800102|F\r"+strings.Join(segments, "\r"))
}

func header(event string) string {
	return "MSH|^~\\&|PAS|RJZ|SELDA|QWE|202603150930||" + event + "|M1|P|2.5\rEVN||202603150930\r"
}

// one is the n-th resource of a type.
func (g got) one(typ string, n ...int) mapped.Resource {
	g.t.Helper()
	skip := 0
	if len(n) > 0 {
		skip = n[0]
	}
	for _, r := range g.out.Resources {
		if r.Type == typ {
			if skip == 0 {
				return r
			}
			skip--
		}
	}
	g.t.Fatalf("there is no %s %v", typ, n)
	return mapped.Resource{}
}

func (g got) count(typ string) (n int) {
	for _, r := range g.out.Resources {
		if r.Type == typ {
			n++
		}
	}
	return n
}

// says compares elements of a body; "" means that the element is not there.
func (g got) says(body []byte, want map[string]string) {
	g.t.Helper()
	var tree any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		g.t.Fatal(err)
	}
	for path, w := range want {
		if v, _ := follow(tree, path); v != w {
			g.t.Errorf("%s is %q, want %q", path, v, w)
		}
	}
	if g.t.Failed() {
		g.t.Logf("%s", body)
	}
}

func TestPatient(t *testing.T) {
	g := mapText(t, admission)
	p := g.out.Patients[0]
	if len(g.out.Patients) != 1 || p.Place != "PID" || p.Fallback != "smith|fredrica|1965-12-13|female" {
		t.Errorf("%d patients, %q", len(g.out.Patients), p.Fallback)
	}
	want := []mapped.Identifier{
		{System: "https://selda.example/id/RJZ/RJZ", Value: "K123456", Place: "PID-3.1"},
		{System: nhs.NumberSystem, Value: "9991234519", Verified: true, Place: "PID-3[2].1"}}
	if len(p.Identifiers) != 2 || p.Identifiers[0] != want[0] || p.Identifiers[1] != want[1] {
		t.Errorf("identifiers %+v", p.Identifiers)
	}
	g.says(p.Body, map[string]string{
		"name[0].family": "SMITH", "name[0].given[0]": "FREDRICA", "name[0].given[1]": "J", "name[0].prefix[0]": "MRS", "name[0].use": "official",
		"name[1].given[0]": "FREDDIE", "name[1].use": "nickname", "name[2].family": "SCHMIDT", "name[2].use": "old",
		"birthDate": "1965-12-13", "_birthDate": "", "gender": "female",
		"address[0].line[0]": "29 WEST AVENUE", "address[0].line[1]": "CAMBERWELL", "address[0].city": "LONDON", "address[0].postalCode": "SE5 9RS", "address[0].use": "home",
		"telecom[0].value": "020 7946 0001", "telecom[0].use": "home", "telecom[1].use": "mobile", "telecom[2].use": "work", "telecom[2].system": "phone",
		"communication[0].language.coding[0].code": "en", "maritalStatus.coding[0].system": systemMarital,
		"extension[0].url": extensionEthnic, "extension[0].valueCodeableConcept.coding[0].display": "White - British",
		"identifier[1].extension[0].valueCodeableConcept.coding[0].code": "01",
		"generalPractitioner[0].identifier.value":                        "G85001", "generalPractitioner[0].identifier.system": nhs.ODSSystem,
		"generalPractitioner[0].display": "CAMBERWELL SURGERY", "generalPractitioner[1].display": "Dr Gregory Townley",
		"multipleBirthBoolean": "false", "deceasedBoolean": "",
	})
	g.says(g.one("Practitioner").Body, map[string]string{"identifier[0].system": "https://fhir.hl7.org.uk/Id/gmp-number", "name[0].family": "Townley"})
	g.says(g.one("RelatedPerson").Body, map[string]string{"name[0].family": "SMITH", "relationship[0].coding[0].code": "SPO", "gender": "male", "birthDate": "1963-11-11"})
}

func TestIdentity(t *testing.T) {
	for name, c := range map[string]struct {
		pid    string
		system string
		value  string
		place  string
	}{
		"spaced NHS number":        {"|||999 123 4519^^^NHS", nhs.NumberSystem, "9991234519", "PID-3.1"},
		"invalid NHS number":       {"|||999 123 4518^^^NHS", nhs.NumberSystem, "999 123 4518", "PID-3.1"},
		"by type":                  {"|||9991234519^^^^NH", nhs.NumberSystem, "9991234519", "PID-3.1"},
		"by FHIR's name":           {"|||9991234519^^^https://fhir.nhs.uk/Id/nhs-number", nhs.NumberSystem, "9991234519", "PID-3.1"},
		"by OID":                   {"|||9991234519^^^&2.16.840.1.113883.2.1.4.1&ISO", nhs.NumberSystem, "9991234519", "PID-3.1"},
		"in the field of SSN":      {"|||||||||||||||||||9991234519", nhs.NumberSystem, "", "PID-19"},
		"a local number":           {"|||K1", "https://selda.example/id/RJZ:PAS", "K1", "PID-3"},
		"an authority with blanks": {"|||K1^^^SIM MRN^MRN", "https://selda.example/id/RJZ/SIM-MRN", "K1", "PID-3.1"},
		"only PID-2":               {"||K1", "https://selda.example/id/RJZ/external", "K1", "PID-2"},
		"PID-2 says it again":      {"||K1|K1^^^RJZ", "https://selda.example/id/RJZ/RJZ", "K1", "PID-3.1"},
		"local before national":    {"|||9991234519^^^NHS~K1^^^RJZ^PI", "https://selda.example/id/RJZ/RJZ", "K1", "PID-3[2].1"},
	} {
		g := mapText(t, header("ADT^A28")+"PID"+c.pid)
		ids := g.out.Patients[0].Identifiers
		if c.value == "" {
			c.value = "9991234519"
		}
		if ids[0].System != c.system || ids[0].Value != c.value || ids[0].Place != c.place || ids[0].Verified {
			t.Errorf("%s: %+v", name, ids)
		}
		if name == "PID-2 says it again" && len(ids) != 1 {
			t.Errorf("%s: %+v", name, ids)
		}
	}
	g := mapText(t, header("ADT^A28")+"PID|1||||Unknown^Ann||1980|F")
	if p := g.out.Patients[0]; len(p.Identifiers) != 0 || p.Fallback != "unknown|ann|1980|female" {
		t.Errorf("a person without a number: %+v", p)
	}
	g = mapText(t, header("ADT^A31")+"PID|1||A1||X^Y||198001021545|1|||||||||||||||||||||20260301|Y")
	g.says(g.out.Patients[0].Body, map[string]string{"gender": "male", "birthDate": "1980-01-02",
		"_birthDate.extension[0].valueDateTime": "1980-01-02T15:45:00+00:00", "deceasedDateTime": "2026-03-01"})
	g = mapText(t, header("ADT^A31")+"PID|1||A1||X^Y|||||||||||||||||||||||||N")
	g.says(g.out.Patients[0].Body, map[string]string{"deceasedBoolean": "false"})
	g = mapText(t, header("ADT^A29")+"PID|1||A1||X^Y")
	if !g.out.Patients[0].Gone {
		t.Error("a person whom the source takes back is not gone")
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct{ msg, place string }{
		"no patient":              {header("ADT^A01") + "PV1|1|I", "PID"},
		"neither number nor name": {header("ADT^A01") + "PID|1||||||19800101|F", "PID"},
		"a second of nobody":      {header("ADT^A17") + "PID|1||A1\rPID|2", "PID[2]"},
		"a merge of whom?":        {header("ADT^A40") + "PID|1||A1||X^Y", "MRG-1"},
		"a link to whom?":         {header("ADT^A24") + "PID|1||A1||X^Y", "PID[2]"},
	} {
		m, err := hl7v2.Parse([]byte(c.msg))
		if err != nil {
			t.Fatal(err)
		}
		_, err = Map(m, "RJZ:PAS")
		if !fault.Is(err, fault.Required) || fault.PlaceOf(err) != c.place {
			t.Errorf("%s: %v", name, err)
		}
	}
	g := mapText(t, header("MFN^M02")+"MFI|STF\rSTF|1")
	if len(g.out.Patients) != 0 || len(g.out.Unmapped) == 0 {
		t.Error("a master file is about nobody, and that is no error")
	}
}

// What each event does to a visit.
func TestVisit(t *testing.T) {
	pv1 := "PV1|1|I|WARD7^BAY2^BED6^RJZ|||OLD^R^B|C1^Darwin^S^^^Dr^^^GMC||||THEATRE||||||||V1001^^^VISIT|||||||||||||||||||||||||202603150900"
	ended := pv1 + "|202603160900"
	const nothing = ""
	for _, c := range []struct {
		event, pv1    string
		status        string
		action        int
		end, location string
	}{
		{"A01", pv1, "in-progress", mapped.Put, nothing, "active"},
		{"A02", pv1, "in-progress", mapped.Patch, nothing, "active"},
		{"A03", ended, "finished", mapped.Patch, "2026-03-16T09:00:00+00:00", "completed"},
		{"A03", pv1, "finished", mapped.Patch, "2026-03-15T09:30:00+00:00", "completed"},
		{"A04", pv1, "in-progress", mapped.Put, nothing, "active"},
		{"A05", pv1, "planned", mapped.Put, nothing, "planned"},
		{"A08", pv1, nothing, mapped.Patch, nothing, "active"},
		{"A08", ended, "finished", mapped.Patch, "2026-03-16T09:00:00+00:00", "active"},
		{"A11", pv1, "cancelled", mapped.Remove, nothing, nothing},
		{"A12", pv1, "in-progress", mapped.Patch, nothing, "active"},
		{"A13", ended, "in-progress", mapped.Put, nothing, "active"},
		{"A16", ended, nothing, mapped.Patch, nothing, "active"},
		{"A21", pv1, "onleave", mapped.Patch, nothing, "active"},
		{"A23", pv1, "entered-in-error", mapped.Remove, nothing, nothing},
		{"A27", pv1, "cancelled", mapped.Remove, nothing, nothing},
		{"A38", pv1, "cancelled", mapped.Remove, nothing, nothing},
		{"A60", pv1, nothing, mapped.Patch, nothing, "active"},
	} {
		g := send(t, "ADT^"+c.event, c.pv1)
		r := g.one("Encounter")
		if r.Key != "V1001" || r.Action != c.action || r.Patient != 0 || r.Place != "PV1" {
			t.Errorf("%s: %+v", c.event, r)
		}
		g.says(r.Body, map[string]string{"status": c.status, "period.start": "2026-03-15T09:00:00+00:00", "period.end": c.end, "class.code": "IMP",
			"location[0].status": c.location, "location[0].location.display": "BED6, BAY2, WARD7, RJZ", "identifier[0].value": "V1001", "serviceProvider.identifier.value": "RJZ"})
	}
	g := send(t, "ADT^A02", pv1)
	g.says(g.one("Encounter").Body, map[string]string{"location[1].location.display": "THEATRE", "location[2].location.display": "B, R, OLD", "location[2].status": "completed",
		"participant[0].individual.display": "Dr S Darwin", "participant[0].type[0].coding[0].code": "ATND"})
	// A result names the visit, and does not say where the patient is.
	g = send(t, "ORU^R01", pv1, "OBR|1||F1001|X^Y", "OBX|1|ST|A^B||x||||||F")
	r := g.one("Encounter")
	g.says(r.Body, map[string]string{"status": "", "location": "", "participant": "", "class.code": "IMP", "period.start": "2026-03-15T09:00:00+00:00"})
	g.says(g.one("Observation").Body, map[string]string{"encounter.reference": mapped.Ref("Encounter", "V1001")})
	if r.Action != mapped.Patch {
		t.Error("a result replaces a visit")
	}
	if g = send(t, "ADT^A31", "PV1|1|N"); g.count("Encounter") != 0 {
		t.Error("a PV1 without a number is a visit")
	}
	// An expected admission without a number, and what cancels it.
	a := send(t, "ADT^A14", "PV1|1|I", "PV2||||||||202604010900").one("Encounter")
	b := send(t, "ADT^A27", "PV1|1|I", "PV2||||||||202604010900").one("Encounter")
	if a.Key == "" || a.Key != b.Key || b.Action != mapped.Remove {
		t.Errorf("%q, %q", a.Key, b.Key)
	}
	// Two patients change beds.
	g = mapText(t, header("ADT^A17")+"PID|1||A1\rPV1|1|I|W^1||||||||||||||||V1001\rPID|2||A2\rPV1|1|I|W^2||||||||||||||||V2002")
	if g.one("Encounter", 1).Patient != 1 || g.one("Encounter", 1).Key != "V2002" {
		t.Error("the second visit is the second patient's")
	}
}

func TestLinks(t *testing.T) {
	pid := "PID|1||A1^^^RJZ^MR~9991234519^^^NHS||SMITH^ANN\r"
	for name, c := range map[string]struct {
		event, rest string
		patients    int
		links       []mapped.Link
	}{
		"A40":                   {"A40", "MRG|B2^^^RJZ^MR", 2, []mapped.Link{{Kind: "merge", Keep: 0, Other: 1, Place: "MRG-1.1"}}},
		"A34":                   {"A34", "MRG|B2^^^RJZ^MR", 2, []mapped.Link{{Kind: "merge", Keep: 0, Other: 1, Place: "MRG-1.1"}}},
		"A47 a new number":      {"A47", "MRG|B2^^^RJZ^MR", 2, []mapped.Link{{Kind: "merge", Keep: 0, Other: 1, Place: "MRG-1.1"}}},
		"two are merged away":   {"A40", "MRG|B2^^^RJZ^MR~C3^^^RJZ^MR", 3, []mapped.Link{{Kind: "merge", Keep: 0, Other: 1, Place: "MRG-1.1"}, {Kind: "merge", Keep: 0, Other: 2, Place: "MRG-1[2].1"}}},
		"two numbers, one soul": {"A40", "MRG|B2^^^RJZ^MR~9434765919^^^NHS", 2, []mapped.Link{{Kind: "merge", Keep: 0, Other: 1, Place: "MRG-1.1"}}},
		"the same NHS number":   {"A40", "MRG|B2^^^RJZ^MR~9991234519^^^NHS", 2, []mapped.Link{{Kind: "merge", Keep: 0, Other: 1, Place: "MRG-1.1"}}},
		"two merges":            {"A40", "MRG|B2^^^RJZ\rPID|2||D4^^^RJZ||X^Y\rMRG|E5^^^RJZ", 4, []mapped.Link{{Kind: "merge", Keep: 0, Other: 2, Place: "MRG-1.1"}, {Kind: "merge", Keep: 1, Other: 3, Place: "MRG[2]-1.1"}}},
		"A24":                   {"A24", "PID|2||B2^^^RJZ||SMYTH^ANN", 2, []mapped.Link{{Kind: "link", Keep: 0, Other: 1, Place: "PID[2]"}}},
		"A37":                   {"A37", "PID|2||B2^^^RJZ||SMYTH^ANN", 2, []mapped.Link{{Kind: "unlink", Keep: 0, Other: 1, Place: "PID[2]"}}},
		"with itself":           {"A40", "MRG|A1^^^RJZ^MR", 1, nil},
		"an account":            {"A41", "MRG|A1^^^RJZ^MR||ACC7", 1, nil},
	} {
		g := mapText(t, header("ADT^"+c.event)+pid+c.rest)
		if len(g.out.Patients) != c.patients || len(g.out.Links) != len(c.links) {
			t.Errorf("%s: %d patients, links %+v", name, len(g.out.Patients), g.out.Links)
			continue
		}
		for i := range c.links {
			if g.out.Links[i] != c.links[i] {
				t.Errorf("%s: %+v, want %+v", name, g.out.Links[i], c.links[i])
			}
		}
	}
	g := mapText(t, header("ADT^A40")+pid+"MRG|B2^^^RJZ^MR~9991234519^^^NHS")
	if ids := g.out.Patients[1].Identifiers; len(ids) != 1 || ids[0].Value != "B2" || g.out.Patients[1].Body != nil {
		t.Errorf("the one merged away is known by what the survivor is not: %+v", ids)
	}
}

func TestReport(t *testing.T) {
	g := mapText(t, bloods)
	r := g.one("DiagnosticReport")
	g.says(r.Body, map[string]string{"status": "final", "code.text": "Urea and electrolytes", "effectiveDateTime": "2026-03-15T11:00:00+00:00",
		"issued": "2026-03-15T11:55:00+00:00", "category[0].coding[0].code": "LAB", "identifier[0].value": "F8800", "basedOn[0].identifier.value": "P7700",
		"result[0].reference": mapped.Ref("Observation", "F8800/UE/K/"), "result[9].reference": mapped.Ref("Observation", "F8800/UE/MCV/"), "subject.reference": mapped.PatientRef(0)})
	if g.count("Observation") != 10 || r.Key != "F8800/UE" {
		t.Errorf("%d results of %s", g.count("Observation"), r.Key)
	}
	g.says(g.one("Observation", 1).Body, map[string]string{"status": "final", "valueQuantity.value": "131", "valueQuantity.unit": "mmol/L", "valueQuantity.code": "mmol/L",
		"interpretation[0].coding[0].code": "L", "referenceRange[0].low.value": "133", "referenceRange[0].high.value": "146", "referenceRange[0].text": "133 - 146",
		"code.coding[0].system": "https://selda.example/id/RJZ/WinPath", "effectiveDateTime": "2026-03-15T11:00:00+00:00"})
	g.says(g.one("Observation", 4).Body, map[string]string{"valueQuantity.value": "90", "valueQuantity.comparator": ">", "referenceRange[0].low.value": "60"})
	crp := g.one("Observation", 5)
	g.says(crp.Body, map[string]string{"note[0].text": "Repeat in 48 hours", "interpretation[0].coding[0].code": "H", "referenceRange[0].high.value": "5"})
	if !bytes.Contains(crp.Body, []byte(`"value":12.0`)) {
		t.Errorf("the precision of a result is lost: %s", crp.Body)
	}
	g.says(g.one("Observation", 7).Body, map[string]string{"valueQuantity.unit": "x10*9/L", "valueQuantity.code": "10*9/L"})
}

func TestCategory(t *testing.T) {
	for obr24, c := range map[string][2]string{"LAB": {"GLU^Glucose^L", "laboratory"}, "": {"GLU^Glucose^L", "laboratory"}, "RAD": {"CXR^Report^L", "imaging"},
		"EC": {"ECG^ECG^L", "procedure"}, "\"\"": {"8867-4^Heart rate^LN", "vital-signs"}, "OTH": {"x^MDC_PULS_RATE^MDC", "vital-signs"}} {
		g := send(t, "ORU^R01", "OBR|1||F1001|X^Y||||||||||||||||||||"+obr24, "OBX|1|NM|"+c[0]+"||5||||||F")
		g.says(g.one("Observation").Body, map[string]string{"category[0].coding[0].code": c[1]})
	}
	g := send(t, "ADT^A01", "OBX|1|NM|27113001^Body weight^SCT||80|kg|||||F", "OBX|2|ST|x^Other^L||y||||||F")
	g.says(g.one("Observation").Body, map[string]string{"category[0].coding[0].code": "vital-signs"})
	g.says(g.one("Observation", 1).Body, map[string]string{"category": ""})
}

func TestResultValues(t *testing.T) {
	const obr = "OBR|1||F1001|X^Panel|||20260315\r"
	for name, c := range map[string]struct {
		obx  string
		want map[string]string
	}{
		"less than":       {"OBX|1|NM|A||<15|MLMIN", map[string]string{"valueQuantity.comparator": "<", "valueQuantity.value": "15", "valueQuantity.code": "mL/min"}},
		"no number":       {"OBX|1|NM|A||not done", map[string]string{"valueString": "not done"}},
		"odd numbers":     {"OBX|1|NM|A||+007.50", map[string]string{"valueQuantity.value": "7.50"}},
		"SN":              {"OBX|1|SN|A||>=^10|mg/L", map[string]string{"valueQuantity.comparator": ">=", "valueQuantity.value": "10"}},
		"SN range":        {"OBX|1|SN|A||^5^-^10|mg", map[string]string{"valueRange.low.value": "5", "valueRange.high.value": "10", "valueRange.high.unit": "mg"}},
		"SN titre":        {"OBX|1|SN|A||^1^:^128", map[string]string{"valueRatio.numerator.value": "1", "valueRatio.denominator.value": "128"}},
		"SN plus":         {"OBX|1|SN|A||^2^+", map[string]string{"valueString": "2 +"}},
		"coded":           {"OBX|1|CE|A||112283007^Escherichia coli^SCT", map[string]string{"valueCodeableConcept.coding[0].system": systemSnomed, "valueCodeableConcept.text": "Escherichia coli"}},
		"two codings":     {"OBX|1|CWE|A||EC^E. coli^L^112283007^Escherichia coli^SNM3^^^coli!", map[string]string{"valueCodeableConcept.coding[1].code": "112283007", "valueCodeableConcept.text": "coli!"}},
		"several":         {"OBX|1|CE|A||a^One~b^Two", map[string]string{"component[0].valueCodeableConcept.text": "One", "component[1].valueCodeableConcept.text": "Two"}},
		"date":            {"OBX|1|DT|A||20260101", map[string]string{"valueDateTime": "2026-01-01"}},
		"time":            {"OBX|1|TM|A||1405", map[string]string{"valueTime": "14:05:00"}},
		"text":            {"OBX|1|FT|A||one\\.br\\two~three", map[string]string{"valueString": "one\ntwo\nthree"}},
		"text with hats":  {"OBX|1|TX|A||a^b & c", map[string]string{"valueString": "a^b & c"}},
		"unknown type":    {"OBX|1|XCN|A||1^Who^Dr", map[string]string{"valueString": "1 Who Dr"}},
		"null":            {"OBX|1|NM|A||\"\"|mg", map[string]string{"valueQuantity": "", "valueString": ""}},
		"unit in words":   {"OBX|1|NM|A||5|^furlongs", map[string]string{"valueQuantity.unit": "furlongs", "valueQuantity.code": ""}},
		"own code system": {"OBX|1|ST|718-7^Hb^LN||x", map[string]string{"code.coding[0].system": "http://loinc.org"}},
		"no code":         {"OBX|1|TX|||the report's text", map[string]string{"code.text": "Panel", "valueString": "the report's text"}},
	} {
		g := send(t, "ORU^R01", obr+c.obx+strings.Repeat("|", max(0, 10-strings.Count(c.obx, "|")))+"|F")
		t.Log(name)
		g.says(g.one("Observation").Body, c.want)
	}
	// Lines of one text are one result; another sub-id is another.
	g := send(t, "ORU^R01", "OBR|1||F1001|X^Histology", "OBX|1|TX|A^Text|1|first||||||F", "OBX|2|TX|A^Text|1|||||||F", "OBX|3|TX|A^Text|1|third||||||F", "NTE|1||a note",
		"OBX|4|TX|A^Text|2|other||||||F", "OBX|5|TX|B^More|1|more||||||P")
	if g.count("Observation") != 3 {
		t.Fatalf("%d results", g.count("Observation"))
	}
	g.says(g.one("Observation").Body, map[string]string{"valueString": "first\n\nthird", "note[0].text": "a note"})
	g.says(g.one("Observation", 2).Body, map[string]string{"valueString": "more", "status": "preliminary"})
	if keys := g.one("Observation").Key + " " + g.one("Observation", 1).Key; keys != "F1001/X/A/1 F1001/X/A/2" {
		t.Errorf("keys %s", keys)
	}
}

// Corrections and cancellations. G19.
func TestCorrections(t *testing.T) {
	for status, c := range map[string]struct {
		fhir   string
		action int
		value  string
	}{"F": {"final", mapped.Put, "5"}, "C": {"corrected", mapped.Put, "5"}, "P": {"preliminary", mapped.Put, "5"},
		"W": {"entered-in-error", mapped.Remove, "5"}, "D": {"entered-in-error", mapped.Remove, "5"}, "X": {"cancelled", mapped.Remove, ""},
		"U": {"final", mapped.Patch, "5"}, "": {"final", mapped.Put, "5"}} {
		g := send(t, "ORU^R01", "OBR|1||F1001|X^Y|||||||||||||||||||||F", "OBX|1|NM|A||5|mg|||||"+status, "NTE|1||haemolysed")
		r := g.one("Observation")
		if r.Action != c.action || r.Key != "F1001/X/A/" {
			t.Errorf("%s: action %d of %s", status, r.Action, r.Key)
		}
		g.says(r.Body, map[string]string{"status": c.fhir, "valueQuantity.value": c.value, "note[0].text": "haemolysed"})
	}
	g := send(t, "ORU^R01", "OBR|1||F1001|X^Y|||||||||||||||||||||X", "OBX|1|NM|A||5|mg|||||X")
	if r := g.one("DiagnosticReport"); r.Action != mapped.Remove {
		t.Error("a cancelled report stays")
	}
	for second, want := range map[string]string{"F": "final", "P": "unknown"} {
		g = send(t, "ORU^R01", "OBR|1||F1001|X^Y", "OBX|1|NM|A||5|mg|||||F", "OBX|2|NM|B||5|mg|||||"+second)
		g.says(g.one("DiagnosticReport").Body, map[string]string{"status": want})
	}
}

func TestEmbeddedDocuments(t *testing.T) {
	const pdf = "JVBERi0xLjQKJcOkw7zDtsOf"
	g := send(t, "ORU^R01", "OBR|1||F1001|OPL^Outpatient letter|||20260315||||||||||||||||||MDOC|AU",
		"OBX|1||OPL^Outpatient letter||^^pdf^base64^"+pdf, "OBX|2|RP|IMG^Image||https://pacs.example/1^^IM^JPEG||||||F")
	if g.count("DiagnosticReport") != 0 || g.count("DocumentReference") != 2 {
		t.Fatalf("%d reports, %d documents", g.count("DiagnosticReport"), g.count("DocumentReference"))
	}
	d := g.one("DocumentReference")
	g.says(d.Body, map[string]string{"status": "current", "content[0].attachment.contentType": "application/pdf", "content[0].attachment.data": pdf,
		"type.text": "Outpatient letter", "context.period.start": "2026-03-15"})
	if d.Key != "F1001/OPL/OPL/" {
		t.Errorf("key %s", d.Key)
	}
	g.says(g.one("DocumentReference", 1).Body, map[string]string{"content[0].attachment.url": "https://pacs.example/1", "content[0].attachment.contentType": "image/jpeg", "docStatus": "final"})
	// Documents without type and encoding, as some systems send letters.
	g = send(t, "ORU^R01", "OBR|1||ds1|N^Discharge notes|||20260315", `OBX|1||N^Notes||^^rtf^^{\E\rtf1\E\ansi letter}`, "OBX|2||T^Text||^^txt^^plain words, and more")
	g.says(g.one("DocumentReference").Body, map[string]string{"content[0].attachment.contentType": "application/rtf",
		"content[0].attachment.data": base64.StdEncoding.EncodeToString([]byte(`{\rtf1\ansi letter}`))})
	g.says(g.one("DocumentReference", 1).Body, map[string]string{"content[0].attachment.contentType": "text/plain"})
	if k := g.one("DocumentReference").Key; k != "RJZ|A1/ds1/N/N/" {
		t.Errorf("a number that other patients may have too is no key: %s", k)
	}
	// With results it is a report, and the document stands beside it.
	g = send(t, "ORU^R01", "OBR|1||F1001|X^Y", "OBX|1|ST|A||x||||||F", "OBX|2|ED|B^Letter||^application^pdf^Base64^"+pdf+"||||||W")
	if g.count("DiagnosticReport") != 1 || g.one("DocumentReference").Action != mapped.Remove {
		t.Error("a wrong document stays")
	}
	// What its encoding does not fit is said, not stored.
	g = send(t, "ORU^R01", "OBR|1||F1001|X^Y", "OBX|1|ED|B^Letter||^application^pdf^Base64^@@@@||||||F")
	g.says(g.one("DocumentReference").Body, map[string]string{"content": ""})
	if len(g.out.Unmapped) != 1 || g.out.Unmapped[0].Place != "OBX" {
		t.Errorf("%+v", g.out.Unmapped)
	}
	g = send(t, "ORU^R01", "OBR|1||F1001|X^Y", "OBX|1|ED|B^Letter||^TEXT^plain^A^plain words||||||F", "OBX|2|ED|C^Hex||^application^rtf^Hex^4869||||||F")
	g.says(g.one("DocumentReference").Body, map[string]string{"content[0].attachment.data": base64.StdEncoding.EncodeToString([]byte("plain words")), "content[0].attachment.contentType": "text/plain"})
	g.says(g.one("DocumentReference", 1).Body, map[string]string{"content[0].attachment.data": "SGk=", "content[0].attachment.contentType": "application/rtf"})
}
