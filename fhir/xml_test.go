package fhir

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"selda/fault"
	"selda/internal/charset"
)

func TestFromXML(t *testing.T) {
	for name, c := range map[string]struct{ xml, json string }{
		"shapes": {
			`<?xml version="1.0"?><Patient xmlns="http://hl7.org/fhir"><id value="a"/><active value="true"/><multipleBirthInteger value="2"/></Patient>`,
			`{"resourceType":"Patient","id":"a","active":true,"multipleBirthInteger":2}`},
		"lists": {
			`<Patient xmlns="http://hl7.org/fhir"><name><family value="Öz"/><given value="A"/><given value="B"/></name><name><text value="x &amp; &quot;y&quot;"/></name></Patient>`,
			`{"resourceType":"Patient","name":[{"family":"Öz","given":["A","B"]},{"text":"x & \"y\""}]}`},
		"primitive extensions": {
			`<Patient xmlns="http://hl7.org/fhir"><name><given value="A"/><given id="g"><extension url="http://e"><valueCode value="x"/></extension></given></name></Patient>`,
			`{"resourceType":"Patient","name":[{"given":["A",null],"_given":[null,{"id":"g","extension":[{"url":"http://e","valueCode":"x"}]}]}]}`},
		"contained, contentReference, precision": {
			`<f:Bundle xmlns:f="http://hl7.org/fhir"><f:entry><f:link><f:url value="u"/></f:link><f:resource><f:Observation><f:contained><f:Device/></f:contained><f:valueQuantity><f:value value="107.00"/></f:valueQuantity></f:Observation></f:resource></f:entry></f:Bundle>`,
			`{"resourceType":"Bundle","entry":[{"link":[{"url":"u"}],"resource":{"resourceType":"Observation","contained":[{"resourceType":"Device"}],"valueQuantity":{"value":107.00}}}]}`},
		"narrative as written": {
			`<Basic xmlns="http://hl7.org/fhir"><text><status value="empty"/><div xmlns="http://www.w3.org/1999/xhtml"><p class='x'>a &lt; b<br/></p></div></text></Basic>`,
			`{"resourceType":"Basic","text":{"status":"empty","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p class='x'>a &lt; b<br/></p></div>"}}`},
		"narrative with prefixes and named characters": {
			`<Basic xmlns="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml"><text><h:div><h:p title="&eacute;">a&nbsp;b<h:br/></h:p></h:div></text></Basic>`,
			`{"resourceType":"Basic","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p title=\"é\">a` + "\u00a0" + `b<br/></p></div>"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := FromXML([]byte(c.xml))
			if err != nil || string(got) != c.json {
				t.Errorf("%s, %v\nwant %s", got, err, c.json)
			}
		})
	}
}

func TestFromXMLRefuses(t *testing.T) {
	const ns = ` xmlns="http://hl7.org/fhir"`
	for name, c := range map[string]struct {
		xml, place string
		kind       fault.Kind
	}{
		"a DTD":            {`<!DOCTYPE Patient [<!ENTITY a "b">]><Patient` + ns + `/>`, "", fault.Structure},
		"an own entity":    {`<Patient` + ns + `><id value="&a;"/></Patient>`, "Patient", fault.Structure},
		"unknown element":  {`<Patient` + ns + `><name><nick value="x"/></name></Patient>`, "Patient.name[0].nick", fault.Invalid},
		"unknown resource": {`<Patience` + ns + `/>`, "", fault.Invalid},
		"other namespace":  {`<Patient xmlns="urn:x"/>`, "Patient", fault.Invalid},
		"its namespace":    {`<Patient xmlns="http://hl7.org/fhir" xmlns:x="urn:x"><x:active value="true"/></Patient>`, "Patient.active", fault.Invalid},
		"no value":         {`<Patient xmlns="http://hl7.org/fhir"><active/></Patient>`, "Patient.active", fault.Value},
		"twice":            {`<Patient` + ns + `><gender value="male"/><gender value="male"/></Patient>`, "Patient.gender", fault.Structure},
		"no number":        {`<Bundle` + ns + `><total value="many"/></Bundle>`, "Bundle.total", fault.Value},
		"no boolean":       {`<Patient` + ns + `><active value="yes"/></Patient>`, "Patient.active", fault.Value},
		"cut off":          {`<Patient` + ns + `><name>`, "Patient.name[0]", fault.Structure},
		"two roots":        {`<Patient` + ns + `/><Patient` + ns + `/>`, "", fault.Structure},
		"text":             {`<Patient` + ns + `>hello</Patient>`, "Patient", fault.Structure},
		"empty":            {``, "", fault.Structure},
		"deep":             {`<Basic` + ns + `>` + strings.Repeat(`<extension url="u">`, 70), "", fault.TooLong},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := FromXML([]byte(c.xml))
			if !fault.Is(err, c.kind) || c.place != "" && fault.PlaceOf(err) != c.place {
				t.Errorf("%v: kind %v, place %q; want %v at %q", err, fault.KindOf(err), fault.PlaceOf(err), c.kind, c.place)
			}
			if err != nil && strings.Contains(err.Error(), "hello") {
				t.Error("the error quotes the input")
			}
		})
	}
}

func TestToXML(t *testing.T) {
	got, err := ToXML([]byte(`{"resourceType":"Patient","name":[{"given":[null,"B\n\"<"],"_given":[{"id":"g"},null]}],"id":"a","text":{"div":"<div>x</div>","status":"empty"}}`))
	want := `<Patient xmlns="http://hl7.org/fhir"><id value="a"/><text><status value="empty"/><div xmlns="http://www.w3.org/1999/xhtml">x</div></text><name><given id="g"/><given value="B&#xA;&quot;&lt;"/></name></Patient>`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	for in, place := range map[string]string{
		`{"resourceType":"Patient","nick":"x"}`:                                     "Patient.nick",
		`{"resourceType":"Patient","name":[{},{"family":{"x":1}}]}`:                 "Patient.name[1].family",
		`{"resourceType":"Patient","name":{"family":"x"}}`:                          "Patient.name",
		`{"resourceType":"Patient","gender":["male"]}`:                              "Patient.gender",
		`{"resourceType":"Basic","text":{"div":"<div><p></div>"}}`:                  "Basic.text.div",
		`{"resourceType":"Basic","text":{"div":"<!DOCTYPE x><div/>"}}`:              "Basic.text.div",
		`{"resourceType":"Basic","text":{"div":"<div/><div/>"}}`:                    "Basic.text.div",
		`{"resourceType":"Basic","id":"a","language":"\u0001"}`:                     "Basic.language",
		`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Wrong"}}]}`: "Bundle.entry[0].resource",
	} {
		if _, err := ToXML([]byte(in)); err == nil || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v, place %q, want %q", in, err, fault.PlaceOf(err), place)
		}
	}
}

// tree is XML without what does not matter: prefixes, comments, white space
// outside narrative, the order of attributes, and of elements whose names
// differ (real senders get the schema's order wrong).
func tree(t *testing.T, in []byte) string {
	t.Helper()
	text, err := charset.XML(in)
	if err != nil {
		t.Fatal(err)
	}
	r := newXMLReader(text)
	for {
		tok, err := r.dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := tok.(xml.StartElement); ok {
			return subtree(t, r.dec, start)
		}
	}
}

func subtree(t *testing.T, dec *xml.Decoder, start xml.StartElement) string {
	var attrs, children []string
	for _, a := range start.Attr {
		if a.Name.Space == "" && a.Name.Local != "xmlns" {
			attrs = append(attrs, a.Name.Local+"="+a.Value)
		}
	}
	slices.Sort(attrs)
	text := ""
	narrative := start.Name.Space == xhtmlNamespace
	flush := func() {
		if narrative && text != "" {
			children = append(children, "#"+text)
		}
		text = ""
	}
	for {
		tok, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		switch tok := tok.(type) {
		case xml.CharData:
			text += string(tok)
		case xml.StartElement:
			flush()
			children = append(children, subtree(t, dec, tok))
		case xml.EndElement:
			flush()
			name := func(s string) string { n, _, _ := strings.Cut(s, " "); return n }
			if !narrative {
				slices.SortStableFunc(children, func(a, b string) int { return strings.Compare(name(a), name(b)) })
			}
			return "<" + start.Name.Local + " " + strings.Join(attrs, " ") + ">\n" + strings.Join(children, "\n") + "</>"
		}
	}
}

// material calls f for each file of that ending in the sets of test material
// that lie beside the repository.
func material(t *testing.T, ending string, sets []string, f func(name string, in []byte)) {
	t.Helper()
	root := filepath.Join("..", "..", "shared", "material")
	if _, err := os.Stat(root); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the test material is not beside the repository")
		}
		t.Skip("left out: the test material (../shared/material) is not beside the repository")
	}
	for _, set := range sets {
		err := filepath.WalkDir(filepath.Join(root, set), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(p, ending) {
				return err
			}
			in, err := os.ReadFile(p)
			if err == nil {
				f(strings.TrimPrefix(p, root+"/"), in)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// XML to JSON to XML is the same tree. What is refused is refused with a reason.
func TestXMLRoundTripMaterial(t *testing.T) {
	if testing.Short() {
		t.Skip("reads hundreds of files")
	}
	for set, want := range map[string][2]int{ // taken, refused
		"uk-core-r4":           {525, 1},
		"nhs-iops-bars":        {75, 0},
		"nhs-iops-medicines":   {82, 20},
		"nhs-iops-pathology":   {81, 1},
		"nhs-iops-programmes":  {100, 0},
		"fhir-validator-cases": {245, 11},
		"fhir-test-cases-r4":   {24, 6},
		"nhs-nems":             {89, 50},
	} {
		t.Run(set, func(t *testing.T) {
			taken, refused := 0, 0
			material(t, ".xml", []string{set}, func(name string, in []byte) {
				j, err := FromXML(in)
				if err != nil {
					refused++
					if fault.KindOf(err) == fault.Exception {
						t.Errorf("%s: no named reason: %v", name, err)
					}
					return
				}
				if c, err := Compact(j); err != nil || !bytes.Equal(c, j) {
					t.Errorf("%s: not compact JSON: %v", name, err)
				}
				back, err := ToXML(j)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				taken++
				if a, b := tree(t, in), tree(t, back); a != b {
					t.Errorf("%s: not the same tree after JSON", name)
					al, bl := strings.Split(a, "\n"), strings.Split(b, "\n")
					for i := range min(len(al), len(bl)) {
						if al[i] != bl[i] {
							t.Logf("%q became %q", al[i], bl[i])
							break
						}
					}
				}
			})
			if got := [2]int{taken, refused}; got != want {
				t.Errorf("taken and refused: %v, want %v", got, want)
			}
		})
	}
}

// JSON to XML to JSON is the same value, numbers to the digit.
func TestJSONRoundTripMaterial(t *testing.T) {
	if testing.Short() {
		t.Skip("reads hundreds of files")
	}
	taken, refused := 0, 0
	// What JSON does not allow is put right on the way: empty lists and
	// objects, and booleans in quotes.
	mended := []string{"Bundle-EPS-GetMyPrescriptions_Bundle_Empty.json", "apim-medicines-facade.json",
		"Bundle-TotalNews2ScoreAndObservations.json", "UKCore-Patient-Extension-NHSCommunication-Example.json"}
	material(t, ".json", []string{"fhir-r4-examples", "nhs-iops-medicines", "nhs-iops-pathology", "nhs-iops-programmes", "nhs-iops-bars", "synthea-r4"}, func(name string, in []byte) {
		if _, err := Parse(in); err != nil {
			return
		}
		x, err := ToXML(in)
		if err != nil {
			refused++
			return
		}
		back, err := FromXML(x)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		taken++
		if a, b := value(t, in), value(t, back); reflect.DeepEqual(a, b) == slices.Contains(mended, filepath.Base(name)) {
			t.Errorf("%s is not the same after XML", name)
		}
	})
	if taken != 753 || refused != 15 {
		t.Errorf("taken %d, refused %d; want 753 and 15", taken, refused)
	}
}

func value(t *testing.T, in []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(in))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func FuzzFromXML(f *testing.F) {
	f.Add([]byte(`<Patient xmlns="http://hl7.org/fhir"><id value="a"/><text><div xmlns="http://www.w3.org/1999/xhtml">a&nbsp;<p/></div></text><name><given id="x"/><given value="B"/></name></Patient>`))
	f.Add([]byte(`<Bundle xmlns="http://hl7.org/fhir"><entry><resource><Observation><valueQuantity><value value="1.0"/></valueQuantity></Observation></resource></entry></Bundle>`))
	f.Add([]byte("\xFF\xFE<\x00B\x00/\x00>\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		j, err := FromXML(in)
		if err != nil {
			return
		}
		if c, err := Compact(j); err == nil && !bytes.Equal(c, j) {
			t.Fatalf("not compact: %s", j)
		} else if fault.Is(err, fault.TooLong) {
			return
		} else if err != nil {
			t.Fatalf("%v: %s", err, j)
		}
		x, err := ToXML(j)
		if err != nil {
			return // an id that JSON refuses
		}
		again, err := FromXML(x)
		if err != nil {
			t.Fatalf("%v: %s", err, x)
		}
		x2, err := ToXML(again)
		if err != nil || !bytes.Equal(x, x2) {
			t.Fatalf("%v\n%s\n%s", err, x, x2)
		}
	})
}

func BenchmarkFromXML(b *testing.B) {
	in := []byte(`<Patient xmlns="http://hl7.org/fhir"><id value="a"/><active value="true"/><name><family value="X"/><given value="A"/><given value="B"/></name><birthDate value="1980-01-01"/></Patient>`)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if _, err := FromXML(in); err != nil {
			b.Fatal(err)
		}
	}
}
