package v2tofhir

import (
	"strings"
	"time"

	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/mapped"
)

// appointmentStatus is SCH-25, HL7 table 0278.
var appointmentStatus = map[string]string{"PENDING": "pending", "WAITLIST": "waitlist", "BOOKED": "booked", "STARTED": "arrived", "ARRIVED": "arrived",
	"COMPLETE": "fulfilled", "COMPLETED": "fulfilled", "CANCELLED": "cancelled", "CANCELED": "cancelled", "DC": "cancelled", "DELETED": "entered-in-error",
	"NOSHOW": "noshow", "OVERBOOK": "booked", "BLOCKED": "pending"}

// scheduleEffects are what an SIU event does. A cancelled appointment stays in
// view as cancelled; one that was deleted was never made.
var scheduleEffects = map[string]string{"S12": "booked", "S13": "booked", "S14": "", "S15": "cancelled", "S16": "cancelled", "S17": "entered-in-error", "S26": "noshow"}

// appointment makes one Appointment of the whole SIU message: SCH says when
// and why, the AI segments what and who.
func (w *mapper) appointment() {
	s := w.m.First("SCH")
	if !s.Exists() || w.patient < 0 {
		return
	}
	w.foremost()
	it := w.start("Appointment", "", s)
	ids := w.appointmentIDs(it, s)
	it.list("identifier", ids...)
	it.key = w.uniqueKey("Appointment", it.key)
	w.appointmentState(it, s)
	w.appointmentTime(it, s)
	if c := w.concept(it, "appointmentType", s.Field(8)); c != nil {
		it.o["appointmentType"] = c
	}
	if c := w.concept(it, "reasonCode[0]", s.Field(7)); c != nil {
		it.list("reasonCode", c)
	}
	parts := []fhir.Object{{"actor": fhir.Ref(mapped.PatientRef(0)), "status": "accepted"}}
	parts = w.participants(it, s, parts)
	it.list("participant", parts...)
	var lines []string
	for n := range w.m.All("NTE") {
		if t := clean(n.Field(3).Text()); t != "" {
			it.from("comment", n.Field(3))
			lines = append(lines, t)
		}
	}
	it.o["comment"] = strings.Join(lines, "\n")
	w.add(it)
}

func (w *mapper) appointmentIDs(it *item, s hl7v2.Segment) []fhir.Object {
	var ids []fhir.Object
	for _, n := range []struct {
		field int
		name  string
	}{{2, "filler-appointment"}, {1, "placer-appointment"}} {
		if id := entity(s.Field(n.field)); id != "" {
			it.from(index("identifier", len(ids))+".value", s.Field(n.field).Comp(1).Sub(1))
			ids = append(ids, fhir.Object{"system": mapped.LocalSystem(w.source, n.name), "value": id})
			if it.key == "" {
				it.key = w.own(id)
			}
		}
	}
	return ids
}

func (w *mapper) appointmentState(it *item, s hl7v2.Segment) {
	status, from := scheduleEffects[w.trigger], w.eventCode()
	if said := appointmentStatus[strings.ToUpper(token(s.Comp(25, 1).Text()))]; said != "" && (status == "" || status == "booked") {
		status, from = said, s.Comp(25, 1)
	}
	if status == "" {
		status = "booked"
	}
	it.set(it.o, "", "status", status, from)
	if status == "entered-in-error" {
		it.action = mapped.Remove
	}
	if status == "cancelled" || status == "noshow" {
		if c := w.concept(it, "cancelationReason", s.Field(6)); c != nil {
			it.o["cancelationReason"] = c
		}
	}
}

// appointmentTime is SCH-11 (to 2.4), TQ1, or the first service's own time.
func (w *mapper) appointmentTime(it *item, s hl7v2.Segment) {
	tq1, ais := w.m.First("TQ1"), w.m.First("AIS")
	instant := func(name string, vs ...hl7v2.Value) {
		for _, v := range vs {
			if t, ok := hl7v2.Instant(v.Text()); ok {
				it.set(it.o, "", name, t, v)
				return
			}
		}
	}
	slot := s.Field(11).Rep(1)
	instant("start", slot.Comp(4), tq1.Comp(7, 1), ais.Comp(4, 1), w.m.First("AIP").Comp(6, 1), w.m.First("AIL").Comp(6, 1), w.m.First("AIG").Comp(8, 1))
	instant("end", slot.Comp(5), tq1.Comp(8, 1))
	minutes, from := 0, hl7v2.Value{}
	for _, v := range []struct{ n, unit hl7v2.Value }{{s.Comp(9, 1), s.Comp(10, 1)}, {ais.Comp(7, 1), ais.Comp(8, 1)}} {
		if n, ok := whole(v.n.Text()); ok && n < 100000 {
			switch strings.ToUpper(token(v.unit.Text())) {
			case "S", "SEC":
				n /= 60
			case "H", "HR", "HOURS":
				n *= 60
			}
			minutes, from = n, v.n
			break
		}
	}
	if minutes > 0 {
		it.o["minutesDuration"] = minutes
		it.from("minutesDuration", from)
	}
	start, _ := it.o["start"].(string)
	if end, _ := it.o["end"].(string); end == "" && start != "" && minutes > 0 {
		if t, err := time.Parse(time.RFC3339, start); err == nil {
			it.set(it.o, "", "end", t.Add(time.Duration(minutes)*time.Minute).Format("2006-01-02T15:04:05-07:00"), from)
		}
	}
	if it.o["end"] == nil || start == "" { // app-3: both or neither
		if it.o["end"] != nil || start != "" && it.o["status"] != "cancelled" {
			it.o["end"] = it.o["start"]
			it.forget("end")
		}
	}
}

// participants are the services, the people and the rooms.
func (w *mapper) participants(it *item, s hl7v2.Segment, parts []fhir.Object) []fhir.Object {
	add := func(actor fhir.Object) {
		if actor != nil {
			parts = append(parts, fhir.Object{"actor": actor, "status": "accepted"})
		}
	}
	path := func() string { return index("participant", len(parts)) + ".actor" }
	var services []fhir.Object
	for a := range w.m.All("AIS") {
		if c := w.concept(it, index("serviceType", len(services)), a.Field(3)); c != nil {
			services = append(services, c)
		}
	}
	it.list("serviceType", services...)
	people := 0
	for a := range w.m.All("AIP") {
		for r := range a.Field(3).Reps() {
			people++
			add(w.person(it, path(), r))
		}
	}
	if people == 0 {
		add(w.person(it, path(), s.Field(16).Rep(1)))
	}
	for a := range w.m.All("AIL") {
		if t := placeWords(a.Field(3).Rep(1)); t != "" {
			it.from(path()+".display", a.Field(3).Rep(1))
			add(fhir.Object{"display": t})
		}
	}
	for a := range w.m.All("AIG") {
		if t := words(a.Field(3)); t != "" {
			it.from(path()+".display", a.Field(3))
			add(fhir.Object{"display": t})
		}
	}
	return parts
}
