package synth

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"selda/fhir"
)

// Messages keep the rules of their standards, read with a strict eye and
// without the parsers of the doors.
func TestFormats(t *testing.T) {
	citizens := 250
	if testing.Short() {
		citizens = 80
	}
	c := checker{t: t, controls: map[string]bool{}, ids: map[string]bool{}, documents: map[string]bool{}}
	last := ""
	for m := range New(10, citizens, time.Time{}).Messages() {
		if m.Name <= last && strings.HasPrefix(m.Name, last[:min(15, len(last))]) {
			t.Errorf("file names do not sort: %s after %s", m.Name, last)
		}
		last = m.Name
		if m.Fault == "unparsable" || m.Fault == "duplicate" {
			continue
		}
		switch m.Format {
		case "hl7v2":
			c.hl7(m)
		case "fhir":
			c.fhir(m)
		case "cda":
			c.cda(m)
		}
	}
	if len(c.controls) < 500 || len(c.ids) < 2000 || len(c.documents) < 50 {
		t.Errorf("%d HL7 messages, %d resources, %d documents", len(c.controls), len(c.ids), len(c.documents))
	}
}

type checker struct {
	t                        *testing.T
	controls, ids, documents map[string]bool
}

// required are the segments that an event cannot do without.
var required = map[string]string{"ADT^A01": "EVN PID PV1", "ADT^A02": "EVN PID PV1", "ADT^A03": "EVN PID PV1", "ADT^A04": "EVN PID PV1", "ADT^A40": "EVN PID MRG", "ADT^A34": "EVN PID MRG",
	"ORU^R01": "PID OBR OBX", "ORM^O01": "PID ORC OBR", "SIU^S12": "SCH PID RGS AIS", "SIU^S15": "SCH PID RGS", "MDM^T02": "EVN PID TXA OBX", "MDM^T10": "EVN PID TXA OBX", "MDM^T11": "EVN PID TXA"}

func (c *checker) hl7(m Message) {
	body := string(m.Body)
	fail := func(format string, args ...any) { c.t.Helper(); c.t.Errorf(m.Name+": "+format, args...) }
	if !strings.HasPrefix(body, `MSH|^~\&|`+m.Source.System()+"|"+string(m.Source.Organisation())+"|") || !strings.HasSuffix(body, "\r") || strings.Contains(body, "\n") {
		fail("the frame of %s", m.Source)
	}
	segments := map[string]bool{}
	msh := strings.Split(segment(body, "MSH"), "|")
	if len(msh) < 20 || msh[11] != "2.4" || msh[17] != "UNICODE UTF-8" || c.controls[msh[9]] {
		fail("MSH: %v", msh)
	}
	c.controls[msh[9]] = true
	if sent, err := time.Parse("20060102150405", msh[6]); err != nil || instant(sent).After(m.At) {
		fail("sent at %s, arrives at %s", msh[6], m.At)
	}
	for s := range strings.SplitSeq(strings.TrimSuffix(body, "\r"), "\r") {
		name, _, _ := strings.Cut(s, "|")
		segments[name] = true
		f := append(strings.Split(s, "|"), make([]string, 50)...)
		switch name {
		case "PID":
			if len(f[7]) != 8 || f[3] == "" || f[5] == "" || !strings.Contains("MF12", f[8]) {
				fail("PID %v", f[:9])
			}
		case "PV1":
			if !strings.Contains("IOEPN", f[2]) || f[2] != "N" && f[44] == "" && f[19] != "" {
				fail("PV1 %v", f[:45])
			}
			if f[45] != "" && f[45] < f[44] {
				fail("discharged at %s, admitted at %s", f[45], f[44])
			}
		case "OBX":
			if _, err := strconv.ParseFloat(f[5], 64); f[2] == "NM" && err != nil && f[11] != "X" {
				fail("OBX-5 %q of type NM", f[5])
			}
			if !strings.Contains("FCX", f[11]) || f[11] == "" {
				fail("OBX-11 %q", f[11])
			}
		}
	}
	for _, want := range strings.Fields(required[strings.Join(strings.Split(msh[8], "^")[:2], "^")]) {
		if !segments[want] {
			fail("%s without %s", msh[8], want)
		}
	}
}

func (c *checker) fhir(m Message) {
	r, err := fhir.Parse(m.Body)
	if err != nil || r.Type != "Bundle" || !r.Get("type").Is("transaction") || r.ID == "" {
		c.t.Fatalf("%s: %v", m.Name, err)
	}
	for _, e := range r.Get("entry").List() {
		x, err := e.Get("resource").Resource()
		if err != nil || x.ID == "" {
			c.t.Fatalf("%s: %v", m.Name, err)
		}
		own := x.Type + "/" + x.ID
		if !strings.HasSuffix(e.Get("fullUrl").Text(), "/"+own) || !e.Get("request", "url").Is(own) || !e.Get("request", "method").Is("PUT") {
			c.t.Errorf("%s: entry %s", m.Name, own)
		}
		c.ids[own] = true
	}
	for _, part := range strings.Split(string(m.Body), `"reference":"`)[1:] {
		ref, _, _ := strings.Cut(part, `"`)
		if !c.ids[ref] && m.Fault == "" {
			c.t.Errorf("%s: a reference to %s, which nobody has sent", m.Name, ref)
		}
	}
}

func (c *checker) cda(m Message) {
	dec := xml.NewDecoder(bytes.NewReader(m.Body))
	templates, sections, id := 0, 0, ""
	var path []string
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			c.t.Fatalf("%s: %v", m.Name, err)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			path = append(path, e.Name.Local)
			switch {
			case e.Name.Local == "templateId":
				templates++
			case e.Name.Local == "section":
				sections++
			case e.Name.Local == "id" && len(path) == 2:
				id = e.Attr[0].Value
			}
			if len(path) == 1 && (e.Name.Local != "ClinicalDocument" || e.Name.Space != "urn:hl7-org:v3") {
				c.t.Errorf("%s: the root is %v", m.Name, e.Name)
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
	if templates < 8 || sections < 3 || len(id) != 36 || c.documents[id] {
		c.t.Errorf("%s: %d templates, %d sections, id %s", m.Name, templates, sections, id)
	}
	c.documents[id] = true
}
