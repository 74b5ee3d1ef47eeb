package v2tofhir

import (
	"encoding/json"
	"slices"
	"strings"

	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/mapped"
)

// observation is a result that more OBX segments may yet continue.
type observation struct {
	it         *item
	code, sub  string
	kind       string
	status     string
	lines      []string
	obx        hl7v2.Segment
	standAlone bool
}

// obx maps one OBX: a document, a line more of a text, or a result.
func (w *mapper) obx(s hl7v2.Segment) {
	kind := strings.ToUpper(token(s.Comp(2, 1).Text()))
	if kind == "" && isDocument(s.Field(5)) {
		kind = "ED"
	}
	switch {
	case w.typ == "VXU":
		w.unmapped(s, "an observation about an immunisation")
		return
	case w.typ == "ORR":
		w.unmapped(s, "it answers an order")
		return
	case w.last != nil && w.last.typ == "DocumentReference" && w.typ == "MDM":
		if w.documentPart(s, kind) {
			return
		}
	case kind == "ED" || kind == "RP":
		w.flush()
		w.embedded(s, kind)
		return
	}
	if w.report == nil {
		w.report = &report{obr: hl7v2.Segment{}, it: &item{o: fhir.Object{}}}
		defer func() { w.flush(); w.report = nil }()
	}
	if w.continues(s, kind) {
		return
	}
	w.flush()
	w.report.pending = w.observe(s, kind)
}

// isDocument says whether a value with no type has the shape of an ED: data
// with an encoding, or with the name of a kind of file.
func isDocument(v hl7v2.Value) bool {
	v = v.Rep(1)
	return v.Comp(5).Exists() && (strings.EqualFold(token(v.Comp(4).Text()), "base64") || contentTypes[strings.ToLower(token(v.Comp(3).Text()))] != "")
}

// continues adds a line to the open text: the same observation, of a text
// type, once more. A line with no code of its own belongs to the one before.
func (w *mapper) continues(s hl7v2.Segment, kind string) bool {
	p := w.report.pending
	if p == nil || kind != p.kind || kind != "TX" && kind != "FT" && kind != "ST" || token(s.Comp(11, 1).Text()) != p.status {
		return false
	}
	if code := codeOf(s.Field(3)); code != "" && code != p.code || token(s.Field(4).Text()) != p.sub {
		return false
	}
	if kind == "ST" && p.code != "" && len(p.it.notes) > 0 {
		return false // a second short answer after a note on the first
	}
	p.text(s)
	return true
}

// text adds the lines of OBX-5.
func (p *observation) text(s hl7v2.Segment) {
	for r := range s.Field(5).Reps() {
		if r.Exists() {
			p.it.from("valueString", r)
		}
		p.lines = append(p.lines, strings.TrimRight(scrub(r.Text()), " \t\n"))
	}
	if !s.Field(5).Exists() {
		p.lines = append(p.lines, "")
	}
}

// flush ends the open result.
func (w *mapper) flush() {
	if w.report == nil || w.report.pending == nil {
		return
	}
	p := w.report.pending
	w.report.pending = nil
	if text := strings.Trim(strings.Join(p.lines, "\n"), "\n "); text != "" && p.it.o["status"] != "cancelled" {
		p.it.o["valueString"] = text
	}
	w.add(p.it)
	w.last = p.it
	switch p.it.o["status"] {
	case "final", "corrected", "amended":
	default:
		w.report.unsettled = true
	}
	if p.standAlone {
		return
	}
	if p.it.key == "" { // nothing can refer to it
		return
	}
	w.report.results = append(w.report.results, fhir.Ref(mapped.Ref("Observation", p.it.key)))
}

// observe makes the Observation of an OBX.
func (w *mapper) observe(s hl7v2.Segment, kind string) *observation {
	it := w.start("Observation", "subject", s)
	r := w.report
	p := &observation{it: it, code: codeOf(s.Field(3)), sub: token(s.Field(4).Text()), kind: kind, status: token(s.Comp(11, 1).Text()),
		obx: s, standAlone: !r.obr.Exists()}
	it.key = w.uniqueKey("Observation", w.observationKey(p))
	it.states(r.label)
	it.label(flagged(s.Field(13)))
	if !w.coded(it, "code", s.Field(3)) && !w.coded(it, "code", r.obr.Field(4)) {
		it.o["code"] = fhir.Concept("Observation")
	}
	if r.category == "" && vital(s) {
		it.o["category"] = categories["vital-signs"]
	} else if r.category != "" {
		it.o["category"] = categories[r.category]
	}
	w.resultStatus(it, s.Comp(11, 1))
	it.object("encounter", w.encounterRef())
	if !it.when("effectiveDateTime", s.Comp(14, 1)) {
		it.set(it.o, "", "effectiveDateTime", r.effective, r.obr.Comp(7, 1))
	}
	if t, ok := hl7v2.Instant(s.Comp(19, 1).Text()); ok {
		it.set(it.o, "", "issued", t, s.Comp(19, 1))
	} else {
		it.set(it.o, "", "issued", r.issued, r.obr.Comp(22, 1))
	}
	if who := w.person(it, "performer[0]", s.Field(16).Rep(1)); who != nil {
		it.list("performer", who)
	} else if org := w.producer(it, s.Field(15).Rep(1)); org != nil {
		it.list("performer", org)
	}
	if it.o["status"] == "cancelled" {
		it.o["dataAbsentReason"] = fhir.Concept("", fhir.Coding(systemAbsent, "not-performed", "Not Performed"))
		return p
	}
	u := unitOf(s.Field(6))
	w.value(p, s, kind, &u)
	w.flags(it, s.Field(8))
	w.ranges(it, s.Field(7), &u)
	w.coded(it, "method", s.Field(17).Rep(1))
	w.coded(it, "bodySite", s.Field(20).Rep(1))
	return p
}

// producer is OBX-15, a code for the laboratory, as words and identifier.
func (w *mapper) producer(it *item, v hl7v2.Value) fhir.Object {
	if !v.Exists() {
		return nil
	}
	return w.organisation(it, "performer[0]", clean(v.Comp(2).Text()), token(v.Comp(1).Text()), v.Comp(2), v.Comp(1))
}

// observationKey: the report's number, the code and the sub-id; what stands
// outside a report is named by visit or patient, code and time.
func (w *mapper) observationKey(p *observation) string {
	if w.report.key != "" {
		return w.report.key + "/" + p.code + "/" + p.sub
	}
	if p.code == "" || w.report.obr.Exists() {
		return ""
	}
	prefix := w.pkey
	if w.request != nil && w.request.key != "" {
		prefix = w.request.key
	} else if w.encounter != "" {
		prefix = w.encounter
	}
	return prefix + "/" + p.code + "/" + p.sub + "/" + token(p.obx.Comp(14, 1).Text())
}

// resultStatus sets status and what is done: a result that was wrong, deleted
// or could not be had is taken back (G19). U says only that what was sent
// before is final.
func (w *mapper) resultStatus(it *item, v hl7v2.Value) {
	code := strings.ToUpper(token(v.Text()))
	status := observationStatus[code]
	switch code {
	case "D", "W", "X":
		it.action = mapped.Remove
	case "U", "V":
		it.action = mapped.Patch
	}
	if it.set(it.o, "", "status", status, v) {
		return
	}
	it.o["status"] = "unknown"
	if w.report.obr.Exists() {
		switch s := w.report.it.o["status"]; s {
		case "final", "corrected", "preliminary", "amended":
			it.o["status"] = s
			it.from("status", w.report.obr.Comp(25, 1))
		}
	}
}

// value is OBX-5 by the type that OBX-2 names.
func (w *mapper) value(p *observation, s hl7v2.Segment, kind string, u *unit) {
	v := s.Field(5)
	if !v.Exists() {
		return
	}
	switch kind {
	case "TX", "FT", "ST":
		p.text(s)
		return
	}
	reps := 0
	for range v.Reps() {
		reps++
	}
	if reps == 1 {
		w.one(p.it, p.it.o, "", v.Rep(1), kind, u)
		return
	}
	var parts []fhir.Object
	for r := range v.Reps() {
		if len(parts) == maxRepetitions {
			break
		}
		c := fhir.Object{"code": p.it.o["code"]}
		if w.one(p.it, c, index("component", len(parts)), r, kind, u); len(c) > 1 {
			parts = append(parts, c)
		}
	}
	p.it.list("component", parts...)
}

// one sets value[x] of o from one repetition.
func (w *mapper) one(it *item, o fhir.Object, path string, v hl7v2.Value, kind string, u *unit) {
	switch kind {
	case "NM", "NA", "SI":
		if w.quantity(it, o, path, v, u) {
			return
		}
	case "SN":
		if w.structuredNumeric(it, o, path, v, u) {
			return
		}
	case "CE", "CWE", "CNE", "CF", "IS", "ID", "CD":
		if c := w.concept(it, join(path, "valueCodeableConcept"), v); c != nil {
			o["valueCodeableConcept"] = c
			return
		}
	case "DT", "TS", "DTM":
		if t, ok := hl7v2.DateTime(v.Comp(1).Text()); ok {
			it.set(o, path, "valueDateTime", t, v.Comp(1))
			return
		}
	case "TM":
		if t, ok := hl7v2.TimeOfDay(v.Text()); ok {
			it.set(o, path, "valueTime", t, v)
			return
		}
	}
	it.set(o, path, "valueString", plain(v), v)
}

// plain are the components of a value as words.
func plain(v hl7v2.Value) string {
	d := v.Delimiters()
	if strings.IndexByte(v.Raw(), d.Component) < 0 && strings.IndexByte(v.Raw(), d.Subcomponent) < 0 {
		return clean(v.Text())
	}
	var parts []string
	for n := 1; n <= 25; n++ {
		for k := 1; k <= 8; k++ {
			if t := clean(v.Comp(n).Sub(k).Text()); t != "" {
				parts = append(parts, t)
			}
		}
	}
	return strings.Join(parts, " ")
}

// flags are OBX-8.
func (w *mapper) flags(it *item, v hl7v2.Value) {
	var list []any
	for r := range v.Reps() {
		code := token(r.Comp(1).Text())
		if code == "" {
			continue
		}
		system, display := systemInterpretation, interpretations[strings.ToUpper(code)]
		if display != "" {
			code = strings.ToUpper(code)
		} else {
			system = mapped.LocalSystem(w.source, "abnormal-flags")
		}
		it.from(index("interpretation", len(list))+".coding[0].code", r.Comp(1))
		coding := raw(nil).text("code", code).text("display", display).text("system", system).end()
		list = append(list, raw(nil).json("coding", slices.Concat([]byte{'['}, coding, []byte{']'})).end())
	}
	if len(list) > 0 {
		it.o["interpretation"] = list
	}
}

// ranges is OBX-7: the text as sent, and low and high where it is plainly them.
func (w *mapper) ranges(it *item, v hl7v2.Value, u *unit) {
	text := clean(v.Text())
	if strings.Trim(text, "[]() ") == "" {
		return
	}
	low, high := bounds(text)
	bound := func(path string, n fhir.Decimal) json.RawMessage {
		if n == "" {
			return nil
		}
		it.from(path+".value", v)
		return u.quantity(it, path, n, "")
	}
	it.from("referenceRange[0].text", v)
	it.o["referenceRange"] = []any{raw(nil).json("high", bound("referenceRange[0].high", high)).json("low", bound("referenceRange[0].low", low)).text("text", text).end()}
}
