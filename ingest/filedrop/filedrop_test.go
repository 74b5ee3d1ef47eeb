package filedrop

import (
	"bytes"
	"slices"
	"testing"

	"selda/ingest"
)

func TestSplitJSON(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     int
	}{
		{"a.json", `{"a":1}`, 1},
		{"a.json", "{\n \"a\": {\n} }", 1},
		{"a.json", "{\"a\":1}\n{\"b\":2}\n", 2},
		{"a.json", "{\"a\":1}\n{\"b\":\n\n{\"c\":3}", 3}, // a line that is cut off spoils no other
		{"a.json", "{\"a\":1,\n\"b\":2}\n{\"c\":3}\n", 1},
		{"a.ndjson", "{\"a\":\n{\"b\":2}\n{\"c\":3}\n", 3}, // not even the first
		{"a.NDJSON", "{\n \"a\": [\n1\n] }", 1},
	} {
		if got := Split(ingest.FHIR, c.name, []byte(c.in)); len(got) != c.want {
			t.Errorf("%s: %q: %d pieces, want %d", c.name, c.in, len(got), c.want)
		}
	}
}

// Whatever a file holds, nothing of it goes unseen: each piece stands in it, in
// order, and what stands between them is blank, or the envelope of a batch.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"", "\xef\xbb\xbf{\"a\":1}\r\n\r\n{\"b\"", "{\n}", "{}\n[]\n", "MSH|^~\\&|A\rPID|1\r", "junk\rMSH|^~\\&|A\r\x0bMSH|^~\\&|B\x1c\r",
		"FHS|^~\\&\rBHS|^~\\&\rMSH|^~\\&|A\rBTS|1\rFTS|1\r", "\xff\xfeM\x00S\x00H\x00|\x00", "<?xml version=\"1.0\"?><!-- <a> --><b xmlns=\"http://hl7.org/fhir\"/>", "<!", "a,b\n1,\"2\n"} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, named bool) {
		name := "x"
		if named {
			name = "x.ndjson"
		}
		Format("x.xml", body, named)
		for _, format := range []string{Format(name, body, true), ingest.HL7v2, ingest.FHIR} {
			pieces := Split(format, name, body)
			if len(pieces) == 0 {
				t.Fatalf("%s: the file is in no piece", format)
			}
			if format == ingest.HL7v2 && (bytes.IndexByte(body, 0) >= 0 || bytes.Contains(body, []byte("\xff\xfe")) || bytes.Contains(body, []byte("\xfe\xff"))) {
				continue // it may be UTF-16, and its pieces are in UTF-8
			}
			rest := body
			for i, p := range pieces {
				at := 0
				for at < len(rest) && !(bytes.HasPrefix(rest[at:], p.Body) && wholeLines(rest, at, at+len(p.Body))) {
					at++
				}
				if !bytes.HasPrefix(rest[at:], p.Body) {
					t.Fatalf("%s: piece %d does not stand in the file, or not in order: %q", format, i+1, p.Body)
				}
				between(t, format, rest[:at])
				rest = rest[at+len(p.Body):]
			}
			between(t, format, rest)
		}
	})
}

// wholeLines says whether nothing but framing stands beside it on its lines.
func wholeLines(text []byte, from, to int) bool {
	const framing = "\v\x1c\t \f\x85\xa0\xef\xbb\xbf\x00"
	before, after := bytes.TrimRight(text[:from], framing), bytes.TrimLeft(text[to:], framing)
	return (len(before) == 0 || before[len(before)-1] == '\r' || before[len(before)-1] == '\n') && (len(after) == 0 || after[0] == '\r' || after[0] == '\n')
}

func between(t *testing.T, format string, text []byte) {
	t.Helper()
	text = bytes.ReplaceAll(text, []byte("\ufeff"), nil)
	for line := range bytes.FieldsFuncSeq(text, func(r rune) bool { return r == '\r' || r == '\n' }) {
		line = bytes.Trim(line, "\x00\x0b\x1c \t\x1a\f\x85\xa0")
		if format == ingest.HL7v2 && len(line) > 2 && slices.Contains([]string{"FHS", "BHS", "BTS", "FTS"}, string(line[:3])) {
			return // an envelope ends where a message begins
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			t.Fatalf("%s: %q is in no piece", format, line)
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
