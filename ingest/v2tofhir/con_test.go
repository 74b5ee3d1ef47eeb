package v2tofhir

import (
	"strings"
	"testing"
)

// What somebody agreed to or refused: a release of information is a decision about sharing,
// what is about a treatment is none. G4.
func TestG4ConsentSegment(t *testing.T) {
	for _, c := range []struct {
		con                       string
		status, rule, kind, scope string
	}{
		{"CON|1|001||F7^REG|||||||R||202603140900|202603150000|202703150000|||||||||SMITH^ANN|SEL", "active", "OPTOUT", "deny", "patient-privacy"},
		{"CON|1|001|||||||Not my mother||L||202603140900", "active", "OPTOUT", "deny", "patient-privacy"},
		{"CON|1|001|||||||||A||202603140900", "active", "OPTIN", "permit", "patient-privacy"},
		{"CON|1|001|||||||||X||202603140900", "inactive", "OPTIN", "permit", "patient-privacy"},
		{"CON|1|110|||||||||A||202603140900", "active", "OPTOUT", "deny", "patient-privacy"},
		{"CON|1|110|||||||||R||202603140900", "rejected", "OPTOUT", "deny", "patient-privacy"},
		{"CON|1|109|||||||||R||202603140900", "rejected", "OPTOUT", "deny", "research"},
		{"CON|1|002^Medical Procedure|||||||||R||202603140900", "rejected", "OPTOUT", "deny", "treatment"},
		{"CON|1|HIP^Hip replacement^L|||||||||A||202603140900", "active", "OPTIN", "permit", "treatment"},
	} {
		g := send(t, "ADT^A01", "PV1|1|I|||||||||||||||||V1001", c.con)
		g.says(g.one("Consent").Body, map[string]string{"status": c.status, "policyRule.coding[0].code": c.rule, "provision.type": c.kind, "scope.coding[0].code": c.scope, "dateTime": "2026-03-14T09:00:00+00:00"})
	}
	g := send(t, "ADT^A01", "PV1|1|I|||||||||||||||||V1001", "CON|1|001||F7^REG|||||||R||202603140900|202603150000|202703150000|||||||||SMITH^ANN|SEL")
	g.says(g.one("Consent").Body, map[string]string{"identifier[0].value": "F7", "provision.period.start": "2026-03-15T00:00:00+00:00", "provision.period.end": "2027-03-15T00:00:00+00:00",
		"performer[0].display": "ANN SMITH", "category[0].coding[0].system": "http://terminology.hl7.org/CodeSystem/v2-0496"})
	if g := send(t, "ADT^A01", "PV1|1|I|||||||||||||||||V1001", "CON|1|001|||||||||?"); g.count("Consent") != 0 || len(g.out.Unmapped) != 1 {
		t.Errorf("it is not said whether it was given: %+v", g.out.Unmapped)
	}
}

// Version 2.9 classifies the message as a whole, and by an ARV between its header and its
// patient, which may name the segments that it is about. The person is found all the same. G8.
func TestG8AWholeMessageIsRestricted(t *testing.T) {
	message := func(tag, arv string) got {
		return mapText(t, strings.Replace(header("ORU^R01"), "|P|2.5", "|P|2.9||||||||||||||"+tag, 1)+arv+"PID|1||A1\rPV1|1|I|||||||||||||||||V1001\rOBR|1|P1001|F1001|X\rOBX|1|ST|HB||1||||||F\rOBX|2|ST|HIV||neg||||||F")
	}
	for _, c := range []struct{ tag, arv, report, first, second, kind string }{
		{"", "", "", "", "", ""},
		{"N", "", "", "", "", ""},
		{"V", "", "V", "V", "V", ""},
		{"", "ARV|1|A|ALL||||R\r", "R", "R", "R", ""},
		{"N", "ARV|1|A|STD||||V||OBX^2\r", "", "", "V", "STD"},
	} {
		g := message(c.tag, c.arv)
		g.says(g.one("DiagnosticReport").Body, map[string]string{"meta.security[0].code": c.report})
		g.says(g.one("Observation").Body, map[string]string{"meta.security[0].code": c.first})
		g.says(g.one("Observation", 1).Body, map[string]string{"meta.security[0].code": c.second, "meta.security[1].code": c.kind})
		g.says(g.out.Patients[0].Body, map[string]string{"meta.security[0].code": ""})
	}
}

// The codes of table 0177 that say of which kind an item is say so in FHIR. G8.
func TestG8KindsOfConfidentiality(t *testing.T) {
	g := send(t, "ORU^R01", "ORC|RE|P1001|F1001|||||||||||||||||||||||||HIV", "OBR|1|P1001|F1001|X", "OBX|1|ST|X||neg||||||F")
	for _, typ := range []string{"DiagnosticReport", "Observation"} {
		g.says(g.one(typ).Body, map[string]string{"meta.security[0].code": "R", "meta.security[1].code": "HIV"})
	}
	g = send(t, "MDM^T02", "TXA|1|DS||||||||||D1001||||||ETH", "OBX|1|TX|||x")
	g.says(g.one("DocumentReference").Body, map[string]string{"meta.security[0].code": "R", "meta.security[1].code": "ETH"})
	g = send(t, "MDM^T02", "TXA|1|DS||||||||||D1001||||||EMP", "OBX|1|TX|||x")
	g.says(g.one("DocumentReference").Body, map[string]string{"meta.security[0].code": "R", "meta.security[1].code": ""})
}

// A label is deleted by HL7's null and by an ARV that deletes it, and by nothing else. G8.
func TestG8ALabelIsDeletedByNull(t *testing.T) {
	visit := func(vip string, more ...string) []string {
		g := send(t, "ADT^A08", append([]string{"PV1|1|I||||||||||||||" + vip + "|||V1001"}, more...)...)
		return g.one("Encounter").Cleared
	}
	for want, got := range map[string][]string{"nothing": visit(""), "N": visit("N"), "another says so": visit(`""`, "PV2||||||||||||||||||||||Y")} {
		if len(got) != 0 {
			t.Errorf("%s deletes %v", want, got)
		}
	}
	for want, got := range map[string][]string{"null": visit(`""`), "ARV D": visit("", "ARV|1|D|ALL")} {
		if len(got) != 1 || got[0] != "meta" {
			t.Errorf("%s deletes %v", want, got)
		}
	}
	g := mapText(t, header("ADT^A31")+"PID|1||A1\r"+`PD1||||||||||||""`)
	if got := g.out.Patients[0].Cleared; len(got) != 1 || got[0] != "meta" {
		t.Errorf("a protection that is deleted: %v", got)
	}
}
