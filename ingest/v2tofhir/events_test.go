package v2tofhir

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/mapped"
)

func TestDocuments(t *testing.T) {
	txa := func(number, parent string) string {
		return "TXA|1|DS|TX|20260315||20260315|||C1^Who^Dr^^^Dr^^^GMC|||" + number + "|" + parent + "||||AU|U|AV||||||Discharge summary"
	}
	text := []string{"OBX|1|TX|||one~two||||||F", "OBX|2|TX|||three||||||F"}
	for _, c := range []struct {
		event, parent string
		action        int
		status        string
		relates       string
	}{
		{"T02", "", mapped.Put, "current", ""}, {"T04", "", mapped.Put, "current", ""}, {"T08", "", mapped.Put, "current", ""},
		{"T06", "D1000", mapped.Put, "current", "appends"}, {"T10", "D1000", mapped.Put, "current", "replaces"},
		{"T11", "", mapped.Remove, "entered-in-error", ""}, {"T03", "", mapped.Patch, "current", ""},
	} {
		g := send(t, "MDM^"+c.event, append([]string{txa("D1001", c.parent)}, text...)...)
		n := g.count("DocumentReference") - 1
		r := g.one("DocumentReference", n)
		if r.Key != "D1001" || r.Action != c.action {
			t.Errorf("%s: action %d of %s", c.event, r.Action, r.Key)
		}
		g.says(r.Body, map[string]string{"status": c.status, "docStatus": "final", "relatesTo[0].code": c.relates, "description": "Discharge summary",
			"type.coding[0].code": "DS", "type.coding[0].display": "Discharge summary", "masterIdentifier.value": "D1001", "author[0].display": "Dr Dr Who", "context.period.start": "2026-03-15",
			"content[0].attachment.data": base64.StdEncoding.EncodeToString([]byte("one\ntwo\nthree"))})
		if c.event == "T10" {
			old := g.one("DocumentReference", 0)
			if old.Key != "D1000" || old.Action != mapped.Patch {
				t.Errorf("what is replaced: %+v", old)
			}
			g.says(old.Body, map[string]string{"status": "superseded", "content": ""})
		} else if n != 0 {
			t.Errorf("%s: %d documents", c.event, n+1)
		}
	}
	g := send(t, "MDM^T02", "TXA|1|DS|||||||JohnSmith|||D1001", "OBX|1|TX|||x")
	g.says(g.one("DocumentReference").Body, map[string]string{"author[0].display": "JohnSmith", "author[0].reference": ""})
	g = send(t, "MDM^T02", txa("D1001", ""), "OBX|1|ED|||^application^pdf^Base64^JVBERi0xLjQKJcOkw7zDtsOf||||||F")
	g.says(g.one("DocumentReference").Body, map[string]string{"content[0].attachment.contentType": "application/pdf"})
}

func TestOrders(t *testing.T) {
	obr := "OBR|1|P1001||CXR^Chest X-ray^L|||||||||Fell over|||C1^Who^Ann^^^Dr^^^GMC||||||||RAD|||^^^202603161000^^S||||^Cough"
	for _, c := range []struct {
		orc    string
		status string
		action int
	}{
		{"NW|P1001", "active", mapped.Put}, {"NW|P1001|||IP", "active", mapped.Put}, {"CA|P1001", "revoked", mapped.Patch}, {"CA|P1001|||IP", "revoked", mapped.Patch},
		{"OC|P1001|F1001", "revoked", mapped.Patch}, {"DC|P1001", "revoked", mapped.Patch}, {"SC|P1001|F1001||CM", "completed", mapped.Patch}, {"SC|P1001|F1001||IP", "active", mapped.Patch},
		{"HD|P1001", "on-hold", mapped.Patch}, {"XO|P1001", "active", mapped.Put},
	} {
		g := send(t, "ORM^O01", "ORC|"+c.orc, obr, "NTE|1||with lateral view")
		r := g.one("ServiceRequest")
		if r.Action != c.action || r.Key != "P1001" {
			t.Errorf("%s: action %d of %s", c.orc, r.Action, r.Key)
		}
		g.says(r.Body, map[string]string{"status": c.status, "intent": "order", "code.text": "Chest X-ray", "priority": "stat", "requester.display": "Dr Ann Who",
			"occurrenceDateTime": "2026-03-16T10:00:00+00:00", "reasonCode[0].text": "Cough", "note[0].text": "with lateral view", "category[0].coding[0].code": "RAD"})
	}
	g := send(t, "ORM^O01", "ORC|CA|P1001", "ORC|CA|P2002")
	if g.count("ServiceRequest") != 2 || g.one("ServiceRequest", 1).Key != "P2002" {
		t.Error("orders called off without their detail are lost")
	}
	g = send(t, "RDE^O11", "ORC|NW|P1001|||||||20260315|||C1^Who^Ann", "RXE||322236009^Paracetamol 500mg^SCT|1|2|tablet||^Four times a day", "RXR|PO^Oral")
	g.says(g.one("MedicationRequest").Body, map[string]string{"status": "active", "medicationCodeableConcept.text": "Paracetamol 500mg", "authoredOn": "2026-03-15",
		"dosageInstruction[0].text": "Four times a day", "dosageInstruction[0].doseAndRate[0].doseRange.high.value": "2", "dosageInstruction[0].route.text": "Oral"})
	g = send(t, "RDE^O11", "ORC|DC|P1001", "RXE||1^Warfarin^L|1||mg")
	g.says(g.one("MedicationRequest").Body, map[string]string{"status": "stopped"})
	g = send(t, "RDE^O11", "ORC|CA|P1001")
	if r := g.one("MedicationRequest"); r.Key != "P1001" || r.Action != mapped.Patch {
		t.Errorf("a prescription called off without its detail is lost: %+v", r)
	}
	g.says(g.one("MedicationRequest").Body, map[string]string{"status": "cancelled"})
	g = send(t, "VXU^V04", "ORC|RE||F1001", "RXA|0|1|20260101||88^Influenza^CVX|0.5|mL||00|||||||L1|20270101|PMC^Maker^MVX|||CP|A", "RXR|IM^Intramuscular|LA^Left arm")
	g.says(g.one("Immunization").Body, map[string]string{"status": "completed", "vaccineCode.text": "Influenza", "occurrenceDateTime": "2026-01-01", "doseQuantity.value": "0.5",
		"primarySource": "true", "route.text": "Intramuscular", "site.text": "Left arm"})
}

func TestAppointments(t *testing.T) {
	sch := func(status string) string {
		return "SCH|P1001|F1001||||RS^Patient ill|DERM^Rash review|ROUTINE^Routine|30|min|^^^202604011000|||||C1^Who^Ann^^^Dr^^^GMC|||||||||" + status
	}
	rest := []string{"RGS|1", "AIS|1||CLIN^Dermatology clinic", "AIL|1||OPD^Room 3^^RJZ", "NTE|1||bring your creams"}
	for _, c := range []struct {
		event, said, status string
		action              int
	}{{"S12", "", "booked", mapped.Put}, {"S13", "Booked", "booked", mapped.Put}, {"S14", "", "booked", mapped.Put}, {"S15", "", "cancelled", mapped.Put},
		{"S15", "Booked", "cancelled", mapped.Put}, {"S14", "Complete", "fulfilled", mapped.Put}, {"S26", "", "noshow", mapped.Put}, {"S17", "", "entered-in-error", mapped.Remove}} {
		g := mapText(t, header("SIU^"+c.event)+sch(c.said)+"\rPID|1||A1^^^RJZ\r"+strings.Join(rest, "\r"))
		r := g.one("Appointment")
		if r.Key != "F1001" || r.Action != c.action || r.Patient != 0 {
			t.Errorf("%s: %+v", c.event, r)
		}
		g.says(r.Body, map[string]string{"status": c.status, "start": "2026-04-01T10:00:00+01:00", "end": "2026-04-01T10:30:00+01:00", "minutesDuration": "30",
			"participant[0].actor.reference": mapped.PatientRef(0), "participant[1].actor.display": "Dr Ann Who", "participant[2].actor.display": "Room 3, OPD, RJZ",
			"serviceType[0].text": "Dermatology clinic", "reasonCode[0].text": "Rash review", "comment": "bring your creams"})
		if c.status == "cancelled" {
			g.says(r.Body, map[string]string{"cancelationReason.text": "Patient ill"})
		}
		if len(g.out.Unmapped) != 0 {
			t.Errorf("%+v", g.out.Unmapped)
		}
	}
	g := mapText(t, header("SIU^S12")+sch(""))
	if len(g.out.Patients) != 0 || len(g.out.Resources) != 0 {
		t.Error("a slot that is blocked is about nobody")
	}
}

func TestReferral(t *testing.T) {
	g := mapText(t, header("REF^I12")+"RF1|P|U|CARD^Cardiology|||REF1001|||20260315|CP^Chest pain^L\r"+
		"PRD|RP|Townley^Greg^^^Dr|||||G5612908^GMP\rPRD|RT|||^^^KINGS|||RJZ\rPID|1||A1^^^RJZ||SMITH^ANN\rDG1|1||I20^Angina^I10||20260301\rAL1|1|DA|NKDA\r"+
		"OBR|1||F1001|ECG^ECG|||20260310\rOBX|1|TX|ECG^ECG||sinus rhythm||||||F\rPV1|1|O|||||||||||||||||V9009")
	r := g.one("ServiceRequest")
	g.says(r.Body, map[string]string{"status": "active", "priority": "urgent", "code.text": "Cardiology", "authoredOn": "2026-03-15", "reasonCode[0].text": "Chest pain",
		"requester.display": "Dr Greg Townley", "performer[0].identifier.value": "RJZ", "category[0].coding[0].code": "3457005", "identifier[0].value": "REF1001"})
	if r.Key != "referral/REF1001" || g.count("Condition") != 1 || g.count("AllergyIntolerance") != 1 || g.count("DiagnosticReport") != 1 || g.count("Observation") != 1 {
		t.Errorf("what it carries: %+v", g.out.Resources)
	}
	g = mapText(t, header("REF^I14")+"RF1||||||REF1001\rPID|1||A1")
	g.says(g.one("ServiceRequest").Body, map[string]string{"status": "revoked"})
}

func TestAllergies(t *testing.T) {
	for name, c := range map[string]struct {
		segment string
		want    map[string]string
		action  int
	}{
		"to a drug": {"AL1|1|DA|91936005^Penicillin allergy^SNM3|SV|RASH^Rash~^Wheeze|19980701", map[string]string{"category[0]": "medication", "code.coding[0].system": systemSnomed,
			"reaction[0].severity": "severe", "reaction[0].manifestation[1].text": "Wheeze", "recordedDate": "1998-07-01", "clinicalStatus.coding[0].code": "active"}, mapped.Put},
		"without a reaction": {"AL1|1|FA|^Peanut|SV", map[string]string{"category[0]": "food", "code.text": "Peanut", "criticality": "high", "reaction": ""}, mapped.Put},
		"none known":         {"AL1|1||NKDA^No Known Drug Allergies^L", map[string]string{"code.coding[0].code": "409137002", "code.coding[1].code": "NKDA", "code.text": "No Known Drug Allergies"}, mapped.Put},
		"none, by concept":   {"AL1|1||716186003^No known allergy^SCT", map[string]string{"code.coding[0].code": "716186003", "code.coding[1].code": ""}, mapped.Put},
		"none, in words":     {"AL1|1||^No known allergies", map[string]string{"code.coding[0].code": "716186003", "code.text": "No known allergies"}, mapped.Put},
		"IAM":                {"IAM|1|DA|P^Penicillin|SV|^Rash|A|ID7||||2010||20260101||||C", map[string]string{"verificationStatus.coding[0].code": "confirmed", "onsetDateTime": "2010"}, mapped.Put},
		"IAM deleted":        {"IAM|1|DA|P^Penicillin|||D|ID7", map[string]string{"verificationStatus.coding[0].code": "entered-in-error", "clinicalStatus": ""}, mapped.Remove},
	} {
		g := send(t, "ADT^A08", c.segment, "NTE|1||said the mother")
		r := g.one("AllergyIntolerance")
		t.Log(name)
		g.says(r.Body, c.want)
		if r.Action != c.action || !strings.HasPrefix(r.Key, "RJZ|A1/") {
			t.Errorf("action %d of %s", r.Action, r.Key)
		}
	}
}

func TestConditionsAndProcedures(t *testing.T) {
	pv1 := "PV1|1|I|||||||||||||||||V1001"
	g := send(t, "ADT^A01", pv1, "DG1|1||K35.8^Acute appendicitis^ICD10||20260315|W|||||||||1", "PR1|1||H01.1^Appendicectomy^OPCS4||20260316|||||||C3456789^Darwin^S^^^Dr^^^GMC")
	d := g.one("Condition")
	g.says(d.Body, map[string]string{"code.coding[0].system": icd10, "verificationStatus.coding[0].code": "provisional", "recordedDate": "2026-03-15",
		"category[0].coding[0].code": "encounter-diagnosis", "encounter.reference": mapped.Ref("Encounter", "V1001")})
	p := g.one("Procedure")
	g.says(p.Body, map[string]string{"code.coding[0].system": opcs4, "status": "completed", "performedDateTime": "2026-03-16"})
	if d.Key != "V1001/K35.8" || p.Key != "V1001/H01.1/20260316" {
		t.Errorf("keys %s, %s", d.Key, p.Key)
	}
	g = send(t, "ADT^A08", pv1, "DG1|1||K35.8^Acute appendicitis^ICD10|||F|||||||||||||||D")
	if r := g.one("Condition"); r.Key != d.Key || r.Action != mapped.Remove {
		t.Errorf("a deleted diagnosis stays: %+v", r)
	}
	g = send(t, "PPR^PC1", "PRB|AD|20260315|E11^Type 2 diabetes^I10|PR7007|||20200101||20250101||||C|^Resolved|||")
	g.says(g.one("Condition").Body, map[string]string{"clinicalStatus.coding[0].code": "resolved", "abatementDateTime": "2025-01-01", "category[0].coding[0].code": "problem-list-item",
		"verificationStatus.coding[0].code": "confirmed"})
	if r := send(t, "PPR^PC3", "PRB|DE|20260315|E11^Type 2 diabetes^I10|PR7007").one("Condition"); r.Key != "PR7007" || r.Action != mapped.Remove {
		t.Errorf("a deleted problem stays: %+v", r)
	}
}

// What a source marks confidential carries the mark. G8.
func TestLabels(t *testing.T) {
	security := func(g got, r mapped.Resource, want string) {
		t.Helper()
		g.says(r.Body, map[string]string{"meta.security[0].code": want})
	}
	g := send(t, "ADT^A01", "PV1|1|I||||||||||||||VIP|||V1001")
	security(g, g.one("Encounter"), "R")
	g = send(t, "ADT^A01", "PV1|1|I||||||||||||||N|||V1001")
	security(g, g.one("Encounter"), "")
	g = send(t, "ORU^R01", "ORC|RE|P1001|F1001|||||||||||||||||||||||||V", "OBR|1|P1001|F1001|HIV^HIV", "OBX|1|ST|HIV||neg||||||F")
	security(g, g.one("Observation"), "V")
	security(g, g.one("DiagnosticReport"), "V")
	g = send(t, "ORU^R01", "OBR|1|P1001|F1001|HIV^HIV", "OBX|1|ST|HIV||neg||||||F||R", "OBX|2|ST|HB||x||||||F")
	security(g, g.one("Observation"), "R")
	security(g, g.one("Observation", 1), "")
	g = send(t, "MDM^T02", "TXA|1|DS||||||||||D1001||||||R", "OBX|1|TX|||x")
	security(g, g.one("DocumentReference"), "R")
	g = mapText(t, header("ADT^A28")+"PID|1||A1\rPD1||||||||||||Y")
	g.says(g.out.Patients[0].Body, map[string]string{"meta.security[0].code": "R"})
	g = send(t, "ADT^A01", "PV1|1|I|||||||||||||||||V1001", "PV2|||CHK", "ARV|1|A|HIV^HIV status and test results^HL70717~STD")
	g.says(g.one("Encounter").Body, map[string]string{"meta.security[0].code": "R", "meta.security[1].code": "HIV", "meta.security[2].code": "STD"})
	g = send(t, "ADT^A01", "PV1|1|I|||||||||||||||||V1001", "ARV|1|D|HIV", "ARV|2|A|NO")
	g.says(g.one("Encounter").Body, map[string]string{"meta.security[0].code": ""})
	g = mapText(t, header("ADT^A28")+"PID|1||A1\rPD1||x\rARV|1|A|LOC\rPV1|1|N")
	g.says(g.out.Patients[0].Body, map[string]string{"meta.security[0].code": "R"})
	g = mapText(t, header("ADT^A28")+"PID|1||A1\rARV|1|A|HIV\rPV1|1|N")
	g.says(g.out.Patients[0].Body, map[string]string{"meta.security[0].code": ""})
}

func TestUnmapped(t *testing.T) {
	g := send(t, "ADT^A01", "GT1|1|x", "IN1|1|y", "ZPI|1|own", "IN1|2|z", "ACC|1", "NTE|1||stray")
	var places []string
	for _, u := range g.out.Unmapped {
		places = append(places, u.Place)
	}
	if s := strings.Join(places, " "); s != "GT1 IN1 ZPI IN1[2] ACC NTE" {
		t.Errorf("unmapped: %s", s)
	}
	g = mapText(t, "MSH|^~\\&|X|Y|||2026||ZZZ^Z01|1|P|2.4\rPID|1||A1\rPV1|1|I|||||||||||||||||V1001\rQQQ|1")
	if g.count("Encounter") != 1 || g.out.Patients[0].Identifiers[0].Value != "A1" || g.out.Event != "ZZZ^Z01" || g.out.Sent != "2026" || len(g.out.Unmapped) != 1 {
		t.Errorf("a message of an unknown kind: %+v", g.out)
	}
}

// The same message twice is the same twice, to the byte.
func TestDeterministic(t *testing.T) {
	for _, msg := range append(seeds, admission, bloods) {
		a, b := mapText(t, msg), mapText(t, msg)
		for i := range a.out.Resources {
			if string(a.out.Resources[i].Body) != string(b.out.Resources[i].Body) || a.out.Resources[i].Key != b.out.Resources[i].Key {
				t.Errorf("%s differs", a.out.Resources[i].Place)
			}
		}
	}
}

// What a sender calls a code of HL7's or of UCUM's, and is none, is not said to
// be one: a Period that ends before it starts is none either.
func TestNothingIsSaidToBeWhatItIsNot(t *testing.T) {
	g := mapText(t, "MSH|^~\\&|PAS|RJ1|SELDA|QKK|20261105080000||ADT^A03|1|P|2.4\nPID|1||G1^^^RJ1^MR||CLAIM^ADA||19511105|F\n"+
		"NK1|1|DUCK^HUEY|XYZ|||||Y\nNK1|2|DUCK^DEWEY|BRO||||C\nPV1|1|I|W1||||||||||||||||V1|||||||||||||||||||||||||20261105120000|20261105070000\nOBX|1|NM|X^x^L||5|wobble^^UCUM|||||F\n")
	local := mapped.LocalSystem("RJZ:PAS", "relationship")
	var got []string
	for _, r := range g.out.Resources {
		res, err := fhir.Parse(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		switch r.Type {
		case "RelatedPerson":
			for _, c := range res.Root().List("relationship") {
				got = append(got, c.Get("coding", "system").Text()+"|"+c.Get("coding", "code").Text())
			}
		case "Encounter":
			got = append(got, res.Get("period", "start").Text()+" to "+res.Get("period", "end").Text())
		case "Observation":
			got = append(got, res.Get("valueQuantity", "unit").Text()+" "+res.Get("valueQuantity", "system").Text())
		}
	}
	slices.Sort(got)
	want := []string{"2026-11-05T12:00:00+00:00 to ", hl7 + "v2-0063|BRO", hl7 + "v2-0131|C", local + "|XYZ", "wobble "}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestUnits(t *testing.T) {
	for in, want := range map[string]string{"mmol/L": "mmol/L", "MMOLL": "mmol/L", "x10*9/L": "10*9/L", "%": "%", "MDC_DIM_MMHG": "mm[Hg]", "beats/min": "/min",
		"PERCENT": "%", "fL": "fL", "g/L": "g/L", "°C": "Cel", "/10": "", "widgets": "", "": "", "mmHg": "mm[Hg]", "MLMIN": "mL/min", "mcg": "ug"} {
		if got := ucumCode(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string][2]string{"3.5 - 5.3": {"3.5", "5.3"}, "[ 0.04 - 0.40 ]": {"0.04", "0.40"}, "[ < 0.21 ]": {"", "0.21"}, "70_105": {"70", "105"},
		"70-80": {"70", "80"}, "-2 - 2": {"-2", "2"}, "-5--1": {"-5", "-1"}, ">=60": {"60", ""}, "1 to 3": {"1", "3"}, "negative": {"", ""}, "": {"", ""}, "12": {"", ""}, "2.0-": {"", ""}} {
		if low, high := bounds(in); string(low) != want[0] || string(high) != want[1] {
			t.Errorf("%q is %q to %q", in, low, high)
		}
	}
	for in, want := range map[string]string{"5": "5", "+5": "5", "-0.50": "-0.50", ".5": "0.5", "5.": "5", "007": "7", "0": "0", "": "", "x": "", "1,000": "", "--5": "", "1e5": "1e5"} {
		if got := number(in); string(got) != want {
			t.Errorf("%q is %q", in, got)
		}
	}
}

// The helpers that ingest needs before mapping are the message's own.
func TestEventBeforeMapping(t *testing.T) {
	m, _ := hl7v2.Parse([]byte(admission))
	if m.Event() != "ADT^A01" || m.SendingFacility() != "RJZ" || m.SendingApplication() != "PAS" {
		t.Error("event, facility, application")
	}
}
