package filedrop

import (
	"testing"

	"selda/ingest"
)

func TestSplitJSON(t *testing.T) {
	for in, want := range map[string]int{
		`{"a":1}`:                          1,
		"{\n \"a\": {\n} }":                1,
		"{\"a\":1}\n{\"b\":2}\n":           2,
		"{\"a\":1}\n{\"b\":\n\n{\"c\":3}":  3, // a line that is cut off spoils no other
		"{\"a\":1,\n\"b\":2}\n{\"c\":3}\n": 1,
	} {
		if got := Split(ingest.FHIR, []byte(in)); len(got) != want {
			t.Errorf("%q: %d pieces, want %d", in, len(got), want)
		}
	}
}

func TestFormat(t *testing.T) {
	for name, c := range map[string]struct {
		file, body, want string
		named            bool
	}{
		"hl7":          {"a.hl7", "", ingest.HL7v2, false},
		"text":         {"a.txt", "", ingest.HL7v2, false},
		"ndjson":       {"a.NDJSON", "", ingest.FHIR, false},
		"fhir xml":     {"a.xml", `<?xml version="1.0"?><!-- x --><Patient xmlns="http://hl7.org/fhir">`, ingest.FHIR, false},
		"cda":          {"a.xml", `<ClinicalDocument xmlns="urn:hl7-org:v3">`, ingest.CDA, false},
		"passed over":  {"LICENSE", "x", "", false},
		"named, MSH":   {"message", "\x0bMSH|^~\\&|", ingest.HL7v2, true},
		"named, JSON":  {"message", " {", ingest.FHIR, true},
		"named, a row": {"message", "a,b", ingest.CSV, true},
	} {
		if got := Format(c.file, []byte(c.body), c.named); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
