package synth

import (
	"strconv"
	"strings"
	"time"

	"selda/nhs"
)

// HL7 v2.4 as UK trusts send it: ADT by the conventions of the Interoperability
// Toolkit (ITK HL7 v2 Messaging), ORU, ORM, SIU and MDM beside it.

// field is the n-th field of a segment.
type field struct {
	n int
	v string
}

func at(n int, v string) field { return field{n, v} }

// v2 is a message under construction.
type v2 struct{ b []byte }

// seg adds a segment with fields in ascending order; the rest stay empty.
func (m *v2) seg(name string, fields ...field) {
	m.b = append(m.b, name...)
	n := 0
	for _, f := range fields {
		if f.v == "" {
			continue
		}
		for ; n < f.n; n++ {
			m.b = append(m.b, '|')
		}
		m.b = append(m.b, f.v...)
	}
	m.b = append(m.b, '\r')
}

var v2Escapes = strings.NewReplacer(`\`, `\E\`, "|", `\F\`, "^", `\S\`, "&", `\T\`, "~", `\R\`, "\r", "", "\n", `\.br\`)

// esc escapes text for one component.
func esc(s string) string {
	if strings.ContainsAny(s, "\\|^&~\r\n") {
		return v2Escapes.Replace(s)
	}
	return s
}

// comp joins components, escaped, and leaves out empty ones at the end.
func comp(parts ...string) string {
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteByte('^')
		}
		b.WriteString(esc(p))
	}
	return b.String()
}

// message begins a message from one system: MSH, and for ADT its EVN.
func (s *story) message(src nhs.Source, event, structure string, sent time.Time) *v2 {
	m := &v2{b: make([]byte, 0, 1200)}
	typ, trigger, _ := strings.Cut(event, "^")
	s.control++
	m.b = append(m.b, `MSH|^~\&|`...)
	m.b = append(m.b, src.System()+"|"+string(src.Organisation())+"|ROUTE|ROUTE|"+hl7Time(sent)+"||"...)
	m.b = append(m.b, typ+"^"+trigger...)
	if structure != "" {
		m.b = append(m.b, "^"+structure...)
	}
	m.b = append(m.b, "|"+s.controlID(src)+"|P|2.4|||||GBR|UNICODE UTF-8|EN||iTKv1.0\r"...)
	if typ == "ADT" {
		m.seg("EVN", at(1, trigger), at(2, hl7Time(sent)), at(6, hl7Time(sent)))
	}
	return m
}

// controlID is unique in the region: citizen and message, after the sender.
func (s *story) controlID(src nhs.Source) string {
	return string(src.Organisation()) + src.System()[:1] + pad(s.p.index, 7) + pad(s.control, 5)
}

// identifiers is PID-3: the trust's number and, where known, the NHS number.
func (x *identity) identifiers() string {
	v := comp(x.number, "", "", string(x.org.Code), "MR")
	if x.nhs != "" {
		v += "~" + comp(x.nhs, "", "", "NHS", "NH")
	}
	return v
}

// pid adds the patient as this trust knows them.
func (m *v2) pid(s *story, x *identity, when time.Time) {
	p, y := s.p, x.as(when)
	sex := string(y.sex)
	if x.org.Code == "RJ2" { // this trust sends the NHS Data Dictionary's codes, as the Toolkit's examples do
		sex = map[string]string{"M": "1", "F": "2"}[sex]
	}
	language, dead, died := "", "", ""
	if p.language != "" {
		language = comp(p.language, languages[p.language].name, "ISO639-1")
	}
	if !p.died.IsZero() && !when.Before(p.died) {
		died, dead = hl7Time(p.died), "Y"
	}
	status := map[bool]string{true: "01", false: "02"}[y.traced]
	if y.nhs == "" {
		status = "03"
	}
	names := comp(strings.ToUpper(y.family), y.given, p.middle, "", p.title, "", "L")
	if p.preferred != "" {
		names += "~" + comp(strings.ToUpper(y.family), p.preferred, "", "", "", "", "N")
	}
	m.seg("PID", at(1, "1"), at(3, y.identifiers()), at(5, names), at(7, hl7Date(y.born)), at(8, sex),
		at(11, comp(p.home.line, "", "LONDON", "", p.home.postcode, "GBR", "H")), at(13, comp(p.home.phone, "PRN", "PH")+"~"+comp(p.mobile, "PRN", "CP")),
		at(15, language), at(22, string(p.ethnic)), at(29, died), at(30, dead), at(32, status))
	gp := clinician(p.practice, 0)
	m.seg("PD1", at(3, comp(p.practice.Name, "", string(p.practice.Code))), at(4, comp(gp.code, gp.family, gp.given, "", "", "Dr", "", "", "GMC")))
}

// who is a doctor or nurse, the same for the same organisation and turn.
type who struct{ code, given, family, title string }

var (
	staffGiven  = words("Adaora James Priya Michael Sarah Oluwaseun Catherine Imran Helen David Mei Anna Kwame Fatima Peter Grace")
	staffFamily = words("Okafor Whitfield Sharma Harding Bailey Mensah O'Connor Hussain Clarke Rosenberg Chen Kowalski Osei Rahman Lindqvist Tomlinson")
)

// clinician is the n-th of an organisation's clinicians.
func clinician(o *Organisation, n int) who {
	h := uint32(2166136261)
	for i := range len(o.Code) {
		h = (h ^ uint32(o.Code[i])) * 16777619
	}
	a := int(h>>3) + n*7
	if o.Code == gpPractice && n == 0 || o.Code == "RJZ" && n == 0 {
		a = map[Kind]int{Practice: 0, Acute: 1}[o.Kind] // the accounts gp and doctor
		return who{"C" + strconv.Itoa(1000000+int(h%8999999)), staffGiven[a], staffFamily[a], "Dr"}
	}
	return who{"C" + strconv.Itoa(1000000+(int(h%8999999)+n*104729)%8999999), staffGiven[a%len(staffGiven)], staffFamily[(a/5+n*3)%len(staffFamily)], "Dr"}
}

func (w who) xcn() string { return comp(w.code, w.family, w.given, "", "", w.title, "", "", "GMC") }

// visit is a stay or an attendance at a trust.
type visit struct {
	x         *identity
	class     string // I, O or E
	number    string
	where     *site
	ward, bed string
	doctor    who
	specialty string // NHS treatment function code
	from, to  time.Time
	how       string // admission method, or source
	out       string // discharge method
}

// pv1 adds the visit; to is left out until it is known.
func (m *v2) pv1(v *visit, closed bool) {
	to, out := "", ""
	if closed {
		to, out = hl7Time(v.to), v.out
	}
	m.seg("PV1", at(1, "1"), at(2, v.class), at(3, comp(v.ward, "", v.bed, v.where.code)), at(4, v.how), at(7, v.doctor.xcn()), at(9, v.doctor.xcn()),
		at(10, v.specialty), at(19, comp(v.number, "", "", "VISITID")), at(36, out), at(44, hl7Time(v.from)), at(45, to))
}

// dg1 adds a diagnosis by ICD-10.
func (m *v2) dg1(n int, c *concept, when time.Time) {
	m.seg("DG1", at(1, strconv.Itoa(n)), at(3, comp(c.icd, c.term, "I10")), at(5, hl7Time(when)), at(6, "A"))
}

// al1 adds what the hospital believes of allergies: what it recorded, or that
// none is known.
func (m *v2) al1(x *identity, when time.Time) {
	var known []*allergyFact
	for _, a := range x.allergies {
		if a.since.Before(when) {
			known = append(known, a)
		}
	}
	if len(known) == 0 {
		if x.asked {
			m.seg("AL1", at(1, "1"), at(2, "DA"), at(3, comp(noKnownAllergy, "No known allergies", "SCT")))
		}
		return
	}
	for i, a := range known {
		severity := "MO"
		if a.severe {
			severity = "SV"
		}
		m.seg("AL1", at(1, strconv.Itoa(i+1)), at(2, map[string]string{"medication": "DA", "food": "FA", "environment": "EA"}[a.a.category]),
			at(3, comp(a.a.sct, a.a.term, "SCT")), at(4, severity), at(5, esc(a.reaction.term)), at(6, hl7Date(a.since)))
	}
}
