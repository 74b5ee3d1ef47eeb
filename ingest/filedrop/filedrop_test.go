package filedrop

import (
	"bytes"
	"slices"
	"testing"
	"unicode"

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

// Whatever a file holds, nothing of it goes unseen: its pieces, blanks and
// framing aside, are the whole of it, but for the envelope of a batch.
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
			if format == ingest.HL7v2 && (utf16Like(body) || slices.ContainsFunc([]string{"FHS", "BHS", "BTS", "FTS"}, func(h string) bool { return bytes.Contains(body, []byte(h)) })) {
				continue
			}
			var all []byte
			for _, p := range pieces {
				all = append(all, p.Body...)
				all = append(all, '\n')
			}
			if got, want := bare(all), bare(body); !bytes.Equal(got, want) {
				t.Fatalf("%s: the pieces hold %q of %q", format, got, want)
			}
		}
	})
}

// utf16Like says whether a file may be UTF-16: its pieces are in UTF-8.
func utf16Like(body []byte) bool {
	return bytes.IndexByte(body, 0) >= 0 || bytes.Contains(body, []byte("\xff\xfe")) || bytes.Contains(body, []byte("\xfe\xff"))
}

// bare is a text without blanks and framing.
func bare(b []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == 0x1c || r == '\ufeff' {
			return -1
		}
		return r
	}, b)
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
