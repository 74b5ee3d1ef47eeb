package v2tofhir

import (
	"strings"

	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/mapped"
	"selda/nhs"
)

// effect is what an ADT event does to a visit.
type effect struct {
	status string // "" leaves it as it is
	action int
}

// effects by event. A08 and what is not listed patch what they carry.
var effects = map[string]effect{
	"A01": {"in-progress", mapped.Put}, "A04": {"in-progress", mapped.Put}, "A05": {"planned", mapped.Put}, "A14": {"planned", mapped.Put},
	"A06": {"in-progress", mapped.Put}, "A07": {"in-progress", mapped.Put}, "A02": {"in-progress", mapped.Patch}, "A03": {"finished", mapped.Patch},
	"A10": {"", mapped.Patch}, "A09": {"", mapped.Patch}, "A15": {"", mapped.Patch}, "A16": {"", mapped.Patch}, "A17": {"in-progress", mapped.Patch},
	"A12": {"in-progress", mapped.Patch}, "A13": {"in-progress", mapped.Put}, "A21": {"onleave", mapped.Patch}, "A22": {"in-progress", mapped.Patch},
	"A52": {"in-progress", mapped.Patch}, "A53": {"onleave", mapped.Patch},
	"A11": {"cancelled", mapped.Remove}, "A27": {"cancelled", mapped.Remove}, "A38": {"cancelled", mapped.Remove}, "A23": {"entered-in-error", mapped.Remove},
}

// accountStatus is PV1-41 where a sender writes the visit's own state there.
var accountStatus = map[string]string{"PLANNED": "planned", "ARRIVED": "in-progress", "FINISHED": "finished", "CANCELLED": "cancelled", "DISCHARGED": "finished"}

// visit makes the Encounter of a PV1. One that has no visit number is named by
// when it began, and found again as the visit that is open. A message about something else (a result, a
// document) names the visit but is no authority on where the patient is: it
// gives only what identifies it.
func (w *mapper) visit(s hl7v2.Segment) {
	w.encounter, w.within = "", nil
	pv2 := w.after(s, "PV2", "PID", "PV1")
	number := s.Field(19).Rep(1)
	if !number.Comp(1).Exists() {
		number = s.Field(50).Rep(1)
	}
	it := w.start("Encounter", "subject", s)
	if it.key = plainKey(w.own(entity(number))); it.key == "" {
		it.key = plainKey(w.expectedKey(pv2))
	}
	if it.key == "" && w.typ == "ADT" {
		it.key, it.unnumbered = w.unnumbered(s)
	}
	if it.key == "" && !it.unnumbered {
		return
	}
	if !w.once("Encounter " + it.key) { // a group that repeats the visit
		w.encounter = it.key
		return
	}
	if number.Comp(1).Exists() {
		authority := token(number.Comp(4).Sub(1).Text())
		if authority == "" {
			authority = "visit"
		}
		id := fhir.Object{"system": mapped.LocalSystem(w.source, slug(authority))}
		it.put(id, "identifier[0]", "value", number.Comp(1))
		it.list("identifier", id)
	}
	w.class(it, s)
	e := effect{action: mapped.Patch}
	adt := w.typ == "ADT"
	if adt {
		if known, ok := effects[w.trigger]; ok {
			e = known
		}
	}
	it.action = e.action
	it.encloses = adt && e.action == mapped.Remove // its diagnoses go with it
	if w.typ == "ADT" || w.typ == "REF" || w.typ == "BAR" || w.typ == "DFT" {
		w.visitDetail(it, s, pv2)
	}
	w.period(it, s, pv2, e.status)
	w.visitStatus(it, s, e, adt)
	if it.action == mapped.Put && it.o["class"] == nil {
		it.o["class"] = fhir.Coding(hl7+"v3-NullFlavor", "UNK", "unknown")
	}
	it.flag(s.Field(16))
	it.flag(pv2.Field(22))
	w.restrict(it, s)
	it.o["serviceProvider"] = w.provider(it, s)
	w.add(it)
	w.encounter = it.key
}

// visitStatus sets the status that the event means. Other messages set one
// only where the visit's end, or the sender's own state of it, says so.
func (w *mapper) visitStatus(it *item, s hl7v2.Segment, e effect, adt bool) {
	switch state := s.Comp(41, 1); {
	case e.status != "":
		it.o["status"] = e.status
		it.from("status", w.eventCode())
	case s.Comp(45, 1).Exists() && adt && w.trigger != "A16" && w.trigger != "A25":
		it.o["status"] = "finished"
		it.from("status", s.Comp(45, 1))
	case adt && accountStatus[strings.ToUpper(token(state.Text()))] != "":
		it.set(it.o, "", "status", accountStatus[strings.ToUpper(token(state.Text()))], state)
	}
}

// eventCode is where the trigger stands.
func (w *mapper) eventCode() hl7v2.Value {
	if v := w.m.First("MSH").Comp(9, 2); v.Exists() {
		return v
	}
	return w.m.First("EVN").Comp(1, 1)
}

// expectedKey names an expected admission that has no visit number yet, by
// its patient and time: what cancels it says the same.
func (w *mapper) expectedKey(pv2 hl7v2.Segment) string {
	switch w.trigger {
	case "A05", "A14", "A27", "A38":
		if t := token(pv2.Comp(8, 1).Text()); t != "" && w.typ == "ADT" {
			return w.pkey + "/expected/" + t
		}
	}
	return ""
}

// unnumbered names a visit without a number where it begins; later events are
// of the one that is open.
func (w *mapper) unnumbered(s hl7v2.Segment) (key string, open bool) {
	if token(s.Comp(2, 1).Text()) == "N" { // not applicable: PV1 stands there for form's sake
		return "", false
	}
	switch _, known := effects[w.trigger]; {
	case w.trigger == "A01", w.trigger == "A04":
		at, _ := w.eventTime()
		if t, ok := hl7v2.DateTime(s.Comp(44, 1).Text()); ok {
			at = t
		}
		if at == "" {
			return "", false
		}
		return plainKey(w.pkey + "/visit/" + at), false
	case known && w.trigger != "A05" && w.trigger != "A14", w.trigger == "A08":
		return "", true
	}
	return "", false
}

func (w *mapper) class(it *item, s hl7v2.Segment) {
	v := s.Comp(2, 1)
	code := token(v.Text())
	if c, ok := classes[strings.ToUpper(code)]; ok {
		it.o["class"] = fhir.Coding(systemActCode, c[0], c[1])
	} else if code != "" {
		it.o["class"] = fhir.Coding(mapped.LocalSystem(w.source, "patient-class"), code, "")
	} else {
		return
	}
	it.from("class.code", v)
}

// provider is the organisation that gives the care: PV1-39 where it is a
// code, else the source's own.
func (w *mapper) provider(it *item, s hl7v2.Segment) fhir.Object {
	if v := s.Comp(39, 1); odsLike(token(v.Text())) {
		return w.organisation(it, "serviceProvider", "", token(v.Text()), v, v)
	}
	return fhir.Object{"type": "Organization", "identifier": fhir.Object{"system": nhs.ODSSystem, "value": string(w.org)}}
}

// visitDetail are the elements that only the message about the visit sets.
func (w *mapper) visitDetail(it *item, s, pv2 hl7v2.Segment) {
	w.locations(it, s)
	var people []fhir.Object
	for _, p := range []struct {
		field      int
		code, name string
	}{{7, "ATND", "attender"}, {8, "REF", "referrer"}, {9, "CON", "consultant"}, {17, "ADM", "admitter"}} {
		for r := range s.Field(p.field).Reps() {
			who := w.person(it, index("participant", len(people))+".individual", r)
			if who != nil {
				people = append(people, fhir.Object{"individual": who, "type": []fhir.Object{fhir.Concept("", fhir.Coding(systemParticipation, p.code, p.name))}})
			}
		}
	}
	it.list("participant", people...)
	if c := w.conceptIn(it, "type[0]", s.Field(4).Rep(1), mapped.LocalSystem(w.source, "admission-type")); c != nil {
		it.list("type", c)
	}
	it.object("serviceType", w.conceptIn(it, "serviceType", s.Field(10).Rep(1), mapped.LocalSystem(w.source, "hospital-service")))
	if c := w.concept(it, "reasonCode[0]", pv2.Field(3).Rep(1)); c != nil {
		it.list("reasonCode", c)
	}
	stay := fhir.Object{}
	for _, p := range []struct {
		field       int
		name, table string
	}{{14, "admitSource", "admit-source"}, {36, "dischargeDisposition", "discharge-disposition"}} {
		if p.field == 36 && w.trigger == "A13" { // the discharge is taken back
			continue
		}
		if c := w.conceptIn(it, "hospitalization."+p.name, s.Field(p.field).Rep(1), mapped.LocalSystem(w.source, p.table)); c != nil {
			stay[p.name] = c
		}
	}
	if v := s.Field(37).Rep(1); v.Exists() && w.trigger != "A13" {
		if it.set(stay, "hospitalization", "destination", words(v), v) {
			stay["destination"] = fhir.Object{"display": stay["destination"]}
		}
	}
	it.object("hospitalization", stay)
}

// locations are where the patient is (PV1-3, or temporarily PV1-11), and was
// before (PV1-6). Whole histories are in the versions of the Encounter.
func (w *mapper) locations(it *item, s hl7v2.Segment) {
	var list []fhir.Object
	add := func(v hl7v2.Value, status string) {
		if t := placeWords(v); t != "" {
			it.from(index("location", len(list))+".location.display", v)
			list = append(list, fhir.Object{"location": fhir.Object{"display": t}, "status": status})
		}
	}
	now := "active"
	switch w.trigger {
	case "A03":
		now = "completed"
	case "A05", "A14":
		now = "planned"
	case "A11", "A23", "A27", "A38":
		now = ""
	}
	add(s.Field(3).Rep(1), now)
	add(s.Field(11).Rep(1), now)
	switch w.trigger {
	case "A14", "A15", "A05":
		add(s.Field(42).Rep(1), "planned")
	case "A12", "A13", "A11", "A23", "A27", "A38": // what was before is undone
	default:
		add(s.Field(6).Rep(1), "completed")
	}
	it.list("location", list...)
}

// period is from admission to discharge. The event's own time stands in for
// what a sender leaves out.
func (w *mapper) period(it *item, s, pv2 hl7v2.Segment, status string) {
	p := fhir.Object{}
	set := func(name string, v hl7v2.Value) bool {
		t, _ := hl7v2.DateTime(v.Text())
		return it.set(p, "period", name, t, v)
	}
	event, at := w.eventTime()
	switch {
	case set("start", s.Comp(44, 1)):
	case status == "planned" || w.trigger == "A27" || w.trigger == "A38":
		set("start", pv2.Comp(8, 1))
	case w.typ == "ADT" && (w.trigger == "A01" || w.trigger == "A04"):
		it.set(p, "period", "start", event, at)
	}
	switch {
	case w.trigger == "A13" && w.typ == "ADT": // the discharge is taken back
	case w.trigger == "A16" || w.trigger == "A25": // only expected
	case set("end", s.Comp(45, 1)):
	case status == "finished":
		it.set(p, "period", "end", event, at)
	}
	start, _ := p["start"].(string)
	if end, _ := p["end"].(string); mapped.Inverted(start, end) {
		delete(p, "end") // a visit can't end before it begins
		it.forget("period.end")
	}
	it.object("period", p)
}
