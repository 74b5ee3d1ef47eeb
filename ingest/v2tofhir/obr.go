package v2tofhir

import (
	"strings"

	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/mapped"
	"selda/nhs"
)

// order is the open ORC: what the OBR, RXO or TXA after it belongs to.
type order struct {
	orc            hl7v2.Segment
	placer, filler string
	label          stated
}

// report is the open OBR of a message with results.
type report struct {
	it        *item
	obr       hl7v2.Segment
	key       string
	results   []fhir.Object
	specimens []fhir.Object
	comments  []string
	docs      int
	unsettled bool // a result is not final
	label     stated
	category  string // of its results
	effective string // OBR-7
	issued    string // OBR-22
	pending   *observation
}

// requests are the messages whose OBR asks for something. In the others it
// reports.
var requests = map[string]bool{"ORM": true, "OMG": true, "OML": true, "OMI": true, "OMD": true, "OMS": true, "OMN": true, "OPL": true}

// prescriptions are the messages whose ORC stands over a medicine.
var prescriptions = map[string]bool{"RDE": true, "OMP": true, "RDO": true}

// orc opens an order.
func (w *mapper) orc(s hl7v2.Segment) {
	w.closeReport()
	w.last, w.request = nil, nil
	w.order = order{orc: s, placer: entity(s.Field(2)), filler: entity(s.Field(3)), label: confidentiality(s.Field(28))}
	bare := !w.detailed(s)
	switch {
	case requests[w.typ] && bare:
		w.serviceRequest(s, hl7v2.Segment{})
	case prescriptions[w.typ] && bare:
		it := w.start("MedicationRequest", "subject", s)
		it.action = mapped.Patch
		w.prescriptionHead(it)
		w.add(it)
	case w.typ == "ORR" || w.typ == "ORL" || w.typ == "ORG" || w.typ == "RRE":
		w.unmapped(s, "it answers an order")
	}
}

// detailed says whether an ORC has the segment that says what is ordered.
func (w *mapper) detailed(orc hl7v2.Segment) bool {
	for i := orc.Index() + 1; i < w.m.Len(); i++ {
		switch w.m.Segment(i).Name() {
		case "OBR", "RXO", "RXE":
			return true
		case "ORC":
			return false
		}
	}
	return false
}

// obr opens a report, or asks for a service.
func (w *mapper) obr(s hl7v2.Segment) {
	w.closeReport()
	w.last = nil
	switch {
	case requests[w.typ]:
		w.serviceRequest(w.order.orc, s)
		return
	case w.typ == "MDM":
		w.unmapped(s, "it names the order of a document")
		return
	case w.typ == "ORR" || w.typ == "ORL" || w.typ == "ORG":
		w.unmapped(s, "it answers an order")
		return
	}
	placer, filler := entity(s.Field(2)), entity(s.Field(3))
	if filler == "" {
		filler = w.order.filler
	}
	if placer == "" {
		placer = w.order.placer
	}
	it := w.start("DiagnosticReport", "subject", s)
	it.states(w.order.label)
	r := &report{it: it, obr: s, label: w.order.label, category: w.reportCategory(s)}
	w.report, w.last = r, nil
	switch number := filler; {
	case number != "":
		r.key = w.own(number) + "/" + codeOf(s.Field(4))
	case placer != "":
		r.key = w.own(placer) + "/" + codeOf(s.Field(4))
	default:
		if t := token(s.Comp(7, 1).Text()); t != "" && codeOf(s.Field(4)) != "" {
			r.key = w.pkey + "/" + codeOf(s.Field(4)) + "/" + t
		}
	}
	r.key = w.uniqueKey("DiagnosticReport", r.key)
	it.key = r.key
	w.reportHead(it, s, placer, filler)
}

// reportHead are the elements that OBR itself gives a DiagnosticReport.
func (w *mapper) reportHead(it *item, s hl7v2.Segment, placer, filler string) {
	var ids []fhir.Object
	for _, n := range []struct {
		value, name string
		field       int
	}{{filler, "filler", 3}, {placer, "placer", 2}} {
		if n.value == "" {
			continue
		}
		v := s.Field(n.field)
		if !v.Exists() {
			v = w.order.orc.Field(n.field)
		}
		it.from(index("identifier", len(ids))+".value", v.Comp(1).Sub(1))
		ids = append(ids, fhir.Object{"system": mapped.LocalSystem(w.source, n.name), "value": n.value})
	}
	it.list("identifier", ids...)
	if placer != "" {
		it.list("basedOn", fhir.Object{"type": "ServiceRequest", "identifier": fhir.Object{"system": mapped.LocalSystem(w.source, "placer"), "value": placer}})
	}
	if !w.coded(it, "code", s.Field(4)) {
		it.o["code"] = fhir.Concept("Report")
	}
	status := s.Comp(25, 1)
	it.set(it.o, "", "status", reportStatus[strings.ToUpper(token(status.Text()))], status)
	if it.o["status"] == "cancelled" {
		it.action = mapped.Remove
	}
	it.object("encounter", w.encounterRef())
	if section := s.Comp(24, 1); section.Exists() {
		c := fhir.Coding(hl7+"v2-0074", token(section.Text()), "")
		it.from("category[0].coding[0].code", section)
		it.list("category", fhir.Concept("", c))
	}
	w.reportTimes(it, s)
	it.list("performer", fhir.Object{"type": "Organization", "identifier": fhir.Object{"system": nhs.ODSSystem, "value": string(w.org)}})
	if v := s.Field(32).Rep(1); v.Exists() { // NDL: the person is subdivided in its first component
		if o := w.interpreter(it, v); o != nil {
			it.list("resultsInterpreter", o)
		}
	}
	if v := s.Comp(15, 1); v.Exists() {
		it.list("specimen", fhir.Object{"display": firstWords(v.Sub(2), v.Sub(1))})
		it.from("specimen[0].display", v)
	}
}

// reportTimes are when the specimen was taken and when the report was issued;
// its results have them too, unless they have their own.
func (w *mapper) reportTimes(it *item, s hl7v2.Segment) {
	start, _ := hl7v2.DateTime(s.Comp(7, 1).Text())
	w.report.effective = start
	if end, _ := hl7v2.DateTime(s.Comp(8, 1).Text()); start != "" && end > start && len(end) == len(start) {
		p := fhir.Object{}
		it.set(p, "effectivePeriod", "start", start, s.Comp(7, 1))
		it.set(p, "effectivePeriod", "end", end, s.Comp(8, 1))
		it.o["effectivePeriod"] = p
	} else {
		it.set(it.o, "", "effectiveDateTime", start, s.Comp(7, 1))
	}
	if t, ok := hl7v2.Instant(s.Comp(22, 1).Text()); ok {
		w.report.issued = t
		it.set(it.o, "", "issued", t, s.Comp(22, 1))
	}
}

// interpreter reads an NDL: the person in subcomponents of the first component,
// or, as many send it, an XCN.
func (w *mapper) interpreter(it *item, v hl7v2.Value) fhir.Object {
	who := v.Comp(1)
	if !who.Sub(2).Exists() {
		return w.person(it, "resultsInterpreter[0]", v)
	}
	name := strings.Join(strings.Fields(clean(who.Sub(6).Text())+" "+clean(who.Sub(3).Text())+" "+clean(who.Sub(2).Text())), " ")
	it.from("resultsInterpreter[0].display", who)
	return fhir.Object{"display": name}
}

func firstWords(vs ...hl7v2.Value) string {
	for _, v := range vs {
		if t := clean(v.Text()); t != "" {
			return t
		}
	}
	return ""
}

// specimen names the material in the open report; SPM has no resource of its own.
func (w *mapper) specimen(s hl7v2.Segment) {
	v := s.Field(4).Rep(1)
	if w.report == nil || words(v) == "" {
		w.unmapped(s, reasonNoPlace)
		return
	}
	w.flush()
	w.last = nil
	r := w.report
	if len(r.specimens) == 0 { // SPM tells more than OBR-15
		r.it.forget("specimen[0].display")
	}
	r.it.from(index("specimen", len(r.specimens))+".display", v)
	r.specimens = append(r.specimens, fhir.Object{"display": words(v)})
}

// closeReport ends the open report: its last result, its status where OBR says
// none, and whether it is a report at all. One that only carries documents is
// those documents.
func (w *mapper) closeReport() {
	w.flush()
	r := w.report
	if r == nil {
		return
	}
	w.report = nil
	if len(r.results) == 0 && r.docs > 0 {
		return
	}
	if r.it.o["status"] == nil {
		r.it.o["status"] = "unknown"
		if len(r.results) > 0 && !r.unsettled {
			r.it.o["status"] = "final" // OBR does not say, and every result does
		}
	}
	it := r.it
	it.states(r.label)
	it.encloses = it.o["status"] == "cancelled" // its results go with it
	if len(r.results) > 0 {
		it.o["result"] = r.results
	}
	if len(r.specimens) > 0 {
		it.o["specimen"] = r.specimens
	}
	if len(r.comments) > 0 {
		it.o["conclusion"] = strings.Join(r.comments, "\n")
	}
	w.add(it)
}

// note is NTE: a comment on what stands before it.
func (w *mapper) note(s hl7v2.Segment) {
	var lines []string
	for r := range s.Field(3).Reps() {
		if t := clean(r.Text()); t != "" {
			lines = append(lines, t)
		}
	}
	if len(lines) == 0 || w.typ == "SIU" { // an appointment collects its own
		return
	}
	text := strings.Join(lines, "\n")
	switch {
	case w.report != nil && w.report.pending != nil:
		w.report.pending.it.comment(text, s)
	case w.last != nil && commented[w.last.typ]:
		w.last.comment(text, s)
	case w.report != nil:
		w.report.it.from("conclusion", s.Field(3))
		w.report.comments = append(w.report.comments, text)
	default:
		w.unmapped(s, "a note on what has no place in FHIR here")
	}
}

// commented are the types that have note.
var commented = map[string]bool{"Observation": true, "ServiceRequest": true, "AllergyIntolerance": true, "Condition": true,
	"Procedure": true, "MedicationRequest": true, "Immunization": true}

func (it *item) comment(text string, s hl7v2.Segment) {
	it.from(index("note", len(it.notes))+".text", s.Field(3))
	it.notes = append(it.notes, fhir.Object{"text": text})
}
