package cda

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"selda/fault"
)

const letter = `<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:x="http://www.w3.org/2001/XMLSchema-instance">
<id root="1.2" extension='7'/><title>Discharge  summary</title><effectiveTime value="202611051430+0000"/>
<recordTarget><patientRole><id root="a"/><id root="b" extension = "K1" assigningAuthorityName="Fish &amp; Co"/>
<patient><name><given>Zoë</given><family>ÖZ</family></name><birthTime value="19800229"/></patient></patientRole></recordTarget>
<component><structuredBody>
<component><section><title>One</title><text>a <content ID="c1" styleCode="Bold">b</content> <br/>c</text></section></component>
<component><section><title>Two</title><text/><entry><observation><value x:type="PQ" value="5" unit="mg"/></observation></entry>
<entry><act/></entry><component><section><title>Three</title></section></component></section></component>
</structuredBody></component></ClinicalDocument>`

func parse(t *testing.T, raw string) *Document {
	t.Helper()
	d, err := Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPlaces(t *testing.T) {
	d := parse(t, "\xEF\xBB\xBF"+letter)
	for place, want := range map[string][2]string{ // text, bytes
		"title":        {"Discharge summary", "<title>Discharge  summary</title>"},
		"id@extension": {"7", "7"},
		"recordTarget.patientRole.id[2]@extension":                                   {"K1", "K1"},
		"recordTarget.patientRole.id[2]@assigningAuthorityName":                      {"Fish & Co", "Fish &amp; Co"},
		"recordTarget.patientRole.patient.name":                                      {"ZoëÖZ", "<name><given>Zoë</given><family>ÖZ</family></name>"},
		"recordTarget.patientRole.patient.birthTime":                                 {"19800229", `<birthTime value="19800229"/>`},
		"component.structuredBody.component[2].section.entry[2].act":                 {"", "<act/>"},
		"component.structuredBody.component[2].section.component.section.title":      {"Three", "<title>Three</title>"},
		"component.structuredBody.component[2].section.entry.observation.value@type": {"PQ", "PQ"},
	} {
		v, ok := d.At(place)
		if !ok || v.Text != want[0] || string(d.Text[v.Start:v.End]) != want[1] {
			t.Errorf("%s: %v %q, bytes %q", place, ok, v.Text, d.Text[v.Start:v.End])
		}
	}
	for _, none := range []string{"titel", "id[2]", "id@root2", "component..x", "id[", "id[x]", "id[0]", "title.", ".", "@", "id@", "component.structuredBody.component[99999999999]"} {
		if v, ok := d.At(none); ok {
			t.Errorf("%q is there: %v", none, v)
		}
	}
	d.Root.each(func(e *Element) {
		v, ok := d.At(e.Place())
		if !ok || v.Start != int(e.start) || v.End != int(e.end) {
			t.Errorf("%s does not lead back", e.Place())
		}
	})
	if d.ByID("c1").Text() != "b" || d.First("no").Text() != "" {
		t.Error("a reference into the narrative")
	}
}

// First is a shorthand of the tests.
func (d *Document) First(path ...string) *Element { return d.Root.First(path...) }

func envelope(payload string) string {
	return `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<itk:DistributionEnvelope xmlns:itk="urn:nhs-itk:ns:201005"><itk:header trackingid="T-1"/><itk:payloads count="1"><itk:payload id="p">` +
		payload + `</itk:payload></itk:payloads></itk:DistributionEnvelope></s:Body></s:Envelope>`
}

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func TestEnvelopes(t *testing.T) {
	b64 := func(s string) string {
		return strings.Join(strings.SplitAfter(base64.StdEncoding.EncodeToString([]byte(s)), "A"), "\n ")
	}
	for name, in := range map[string]string{
		"inline":         envelope(letter),
		"base64":         envelope(b64(letter)),
		"base64 of gzip": envelope(b64(zipped(letter))),
		"twice":          envelope(b64(envelope(b64(zipped(letter))))),
		"hl7 v3 wrapper": `<RCMR_IN1><ControlActEvent><subject>` + letter + `</subject></ControlActEvent></RCMR_IN1>`,
	} {
		t.Run(name, func(t *testing.T) {
			d := parse(t, in)
			v, _ := d.At("title")
			if v.Text != "Discharge summary" || string(d.Text[v.Start:v.End]) != "<title>Discharge  summary</title>" || string(d.XML()) != letter {
				t.Errorf("%+v %q", v, d.XML())
			}
			if name == "inline" && (d.TrackingID != "T-1" || string(d.Text) != in) {
				t.Error("an inline document's places are in the bytes given", d.TrackingID)
			}
		})
	}
	latin := strings.ReplaceAll(strings.ReplaceAll(`<?xml version="1.0" encoding="ISO-8859-1"?>`+letter, "ë", "\xEB"), "Ö", "\xD6")
	if v, _ := parse(t, latin).At("recordTarget.patientRole.patient.name.family"); v.Text != "ÖZ" {
		t.Error("ISO 8859-1:", v.Text)
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		in, place string
		kind      fault.Kind
	}{
		"a part":           {`<section><title>Smith</title></section>`, "section", fault.Structure},
		"no XML":           {`hello Smith`, "", fault.Structure},
		"nothing":          {``, "", fault.Structure},
		"a DTD":            {`<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>` + letter, "", fault.Structure},
		"an entity":        {`<ClinicalDocument><title>&b;</title></ClinicalDocument>`, "ClinicalDocument.title", fault.Structure},
		"cut off":          {letter[:len(letter)/2], "ClinicalDocument.", fault.Structure},
		"deep":             {strings.Repeat("<a>", 200), "", fault.TooLong},
		"two documents":    {envelope(letter + letter), "Envelope.Body.DistributionEnvelope.payloads.payload.ClinicalDocument[2]", fault.NotSupported},
		"payload of noise": {envelope("aGVsbG8="), "Envelope", fault.Structure},
		"bad UTF-8":        {"<a>\xFF</a>", "", fault.Structure},
		"other namespace":  {`<ClinicalDocument xmlns="urn:other"/>`, "ClinicalDocument", fault.Structure},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.in))
			if !fault.Is(err, c.kind) || c.place != "" && !strings.HasPrefix(fault.PlaceOf(err), c.place) {
				t.Errorf("%v, kind %v, place %q", err, fault.KindOf(err), fault.PlaceOf(err))
			}
			if strings.Contains(err.Error(), "Smith") || strings.Contains(err.Error(), "ÖZ") {
				t.Error("the error tells what the document says:", err)
			}
		})
	}
}

func TestNarrative(t *testing.T) {
	n := parse(t, letter).Narrative()
	if n.Title != "Discharge summary" || len(n.Sections) != 3 {
		t.Fatalf("%+v", n)
	}
	if got, want := n.Sections[0].HTML, "a <b>b</b> <br>c"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if n.Sections[2].Title != "Three" || n.Sections[2].Level != 2 {
		t.Errorf("%+v", n.Sections[2])
	}
	facts := map[string]string{}
	for _, f := range n.Facts {
		facts[f.Label] = f.Value
	}
	if facts["Patient"] != "Zoë ÖZ" || facts["Born"] != "29-Feb-1980" || facts["Date"] != "05-Nov-2026 14:30" {
		t.Error(facts)
	}
}

// Narrative comes from outside and is shown in a page.
func TestNarrativeIsSafe(t *testing.T) {
	for in, want := range map[string]string{
		`a<script>alert(1)</script>b`:                                                                                   `ab`,
		`<p onclick="x()" style="color:red">a</p>`:                                                                      `<p>a</p>`,
		`<linkHtml href="javascript:alert(1)">a</linkHtml>`:                                                             `a`,
		`<linkHtml href=" JaVaScRiPt:x">a</linkHtml>`:                                                                   `a`,
		`<linkHtml href="data:text/html,x">a</linkHtml>`:                                                                `a`,
		`<linkHtml href="https://nhs.uk/?a=1&amp;b='&quot;">a</linkHtml>`:                                               `<a href="https://nhs.uk/?a=1&amp;b=&#39;&#34;" rel="noopener noreferrer">a</a>`,
		`&lt;script&gt;alert(1)&lt;/script&gt;`:                                                                         `&lt;script&gt;alert(1)&lt;/script&gt;`,
		`<img src="x" onerror="y"/>a`:                                                                                   `a`,
		`<iframe src="x">a</iframe><object>b</object><svg><a href="x">c</a></svg>d`:                                     `d`,
		`<list listType="ordered"><caption>C</caption><item>a</item></list>`:                                            `<p><b>C</b></p><ol><li>a</li></ol>`,
		`<table border="1"> <tbody> <tr> <td colspan="2" rowspan="x">a</td><th scope="col">b</th></tr></tbody></table>`: `<table><tbody><tr><td colspan="2">a</td><th scope="col">b</th></tr></tbody></table>`,
		`<content styleCode="Bold xbold Italics">a</content>`:                                                           `<b><i>a</i></b>`,
		`<unknown>a</unknown>`:                                                                                          `a`,
	} {
		d := parse(t, `<ClinicalDocument><component><structuredBody><component><section><title>t</title><text>`+in+`</text></section></component></structuredBody></component></ClinicalDocument>`)
		if got := d.Narrative().Sections[0].HTML; got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestBody(t *testing.T) {
	for in, want := range map[string]Attachment{
		`<text mediaType="application/pdf" representation="B64">JVBE
 Ri0=</text>`: {ContentType: "application/pdf", Data: []byte("%PDF-")},
		`<text>plain words</text>`: {ContentType: "text/plain", Data: []byte("plain words")},
		`<text mediaType="text/plain" representation="B64" compression="GZ">` + base64.StdEncoding.EncodeToString([]byte(zipped("inside"))) + `</text>`: {ContentType: "text/plain", Data: []byte("inside")},
		`<text mediaType="application/pdf"><reference value="letter.pdf"/></text>`:                                                                      {ContentType: "application/pdf", URL: "letter.pdf"},
	} {
		d := parse(t, `<ClinicalDocument><title>T</title><component><nonXMLBody>`+in+`</nonXMLBody></component></ClinicalDocument>`)
		got, ok := d.Body()
		if !ok || got.ContentType != want.ContentType || string(got.Data) != string(want.Data) || got.URL != want.URL || got.Place != "component.nonXMLBody.text" || got.Title != "T" {
			t.Errorf("%s: %+v", in, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(letter))
	f.Add([]byte(envelope(letter)))
	f.Add([]byte(envelope(base64.StdEncoding.EncodeToString([]byte(zipped(letter))))))
	f.Add([]byte(`<ClinicalDocument><a.b x:type='1' type = "2"/><component><nonXMLBody><text representation="B64">AAAA</text></nonXMLBody></component></ClinicalDocument>`))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := Parse(in)
		if err != nil {
			if fault.KindOf(err) == fault.Exception {
				t.Fatal(err)
			}
			return
		}
		d.Root.each(func(e *Element) {
			v, ok := d.At(e.Place())
			if !ok || v.Start < 0 || v.Start > v.End || v.End > len(d.Text) || d.Text[v.Start] != '<' {
				t.Fatalf("%s does not lead back", e.Place())
			}
			for _, a := range e.Attrs {
				if v, ok := d.At(e.AttrPlace(a.Name)); !ok || v.Start > v.End || v.End > len(d.Text) {
					t.Fatalf("%s does not lead back", e.AttrPlace(a.Name))
				}
			}
		})
		n := d.Narrative()
		for _, s := range n.Sections {
			if strings.Contains(s.HTML, "<script") || strings.Contains(s.HTML, "<img") {
				t.Fatal(s.HTML)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	in := []byte(letter)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if _, err := Parse(in); err != nil {
			b.Fatal(err)
		}
	}
}

// allowed are the tags that a page may be given.
var allowed = []string{"p", "br", "sub", "sup", "ul", "ol", "li", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td",
	"b", "i", "u", "pre", "hr", "blockquote", "h4", "h5", "div", "a", "small"}

// The narrative of every document of the test material: only what a page may
// be given, each tag closed, and no text lost.
func TestNarrativeMaterial(t *testing.T) {
	root := filepath.Join("..", "..", "shared", "material")
	if _, err := os.Stat(root); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the test material is not beside the repository")
		}
		t.Skip("left out: the test material (../shared/material) is not beside the repository")
	}
	documents, sections, attachments := 0, 0, 0
	for _, set := range []string{"ccda-hl7", "nhs-111-cda", "nhs-itk-correspondence"} {
		err := filepath.WalkDir(filepath.Join(root, set), func(p string, e fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(p, ".xml") {
				return err
			}
			in, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			d, err := Parse(in)
			if err != nil {
				return nil
			}
			documents++
			n := d.Narrative()
			attachments += len(n.Attachments)
			for _, s := range n.Sections {
				sections++
				balanced(t, p, s.HTML)
				if v, ok := d.At(s.Place); !ok || !strings.HasPrefix(string(d.Text[v.Start:]), "<") {
					t.Errorf("%s: %s is not there", p, s.Place)
				}
			}
			for _, f := range n.Facts {
				if _, ok := d.At(f.Place); !ok {
					t.Errorf("%s: %s is not at %s", p, f.Label, f.Place)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got, want := [3]int{documents, sections, attachments}, [3]int{41, 297, 11}; got != want {
		t.Errorf("documents, sections and attachments: %v, want %v", got, want)
	}
}

func balanced(t *testing.T, name, html string) {
	t.Helper()
	var open []string
	for rest := html; ; {
		_, after, found := strings.Cut(rest, "<")
		if !found {
			break
		}
		tag, next, _ := strings.Cut(after, ">")
		rest = next
		word, _, _ := strings.Cut(strings.TrimPrefix(tag, "/"), " ")
		switch {
		case !slices.Contains(allowed, word):
			t.Errorf("%s: a page may not be given <%s>", name, tag)
		case word == "br" || word == "hr":
		case tag[0] != '/':
			open = append(open, word)
		case len(open) == 0 || open[len(open)-1] != word:
			t.Errorf("%s: <%s> closes nothing", name, tag)
			return
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("%s: %v is not closed", name, open)
	}
}
