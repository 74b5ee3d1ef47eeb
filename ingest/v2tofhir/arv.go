package v2tofhir

import (
	"strings"

	"selda/hl7v2"
)

// restrictions are what ARV restricts access to, HL7 table 0717, as HL7's codes of
// sensitivity (v3 ActCode); "" where it says no more than that access is restricted.
// What is restricted of registries (OI, OO) says nothing of an item.
// https://terminology.hl7.org/CodeSystem-v2-0717.html
var restrictions = map[string]string{"ALL": "", "DEM": "", "DRG": "", "HIV": "HIV", "LOC": "", "PID": "", "PID-7": "", "PID-17": "", "PSY": "PSY", "SMD": "", "STD": "STD",
	"ETH": "ETH", "ETHUD": "ETHUD", "SUD": "SUD", "OPIOIDUD": "OPIOIDUD", "SEX": "SEX", "SDV": "SDV", "VIO": "VIO", "PSYTHPN": "PSYTHPN", "MH": "MH", "BH": "BH"} // from 2.9 ActCode's own

// ofPerson are those by which somebody's demographics are kept from others: their
// address is withheld.
var ofPerson = map[string]bool{"ALL": true, "DEM": true, "LOC": true, "PID": true}

// beside may stand between a PID or PV1 and the ARV that is about it.
var beside = map[string]bool{"PD1": true, "PV2": true, "ROL": true, "PRT": true, "NK1": true}

// restrict reads the ARV segments that stand after a PID or a PV1 and are about it
// (from 2.6): the visit is restricted, and of which kind; of a person where they live.
func (w *mapper) restrict(it *item, s hl7v2.Segment) {
	for i := s.Index() + 1; i < w.m.Len(); i++ {
		switch arv := w.m.Segment(i); {
		case beside[arv.Name()]:
		case arv.Name() != "ARV":
			return
		case !w.restricted(it, arv):
			w.unmapped(arv, "a restriction of access that is no item's")
		}
	}
}

// restricted labels an item by one ARV; false where that says nothing of it. One that
// is deleted takes the label back; one that is left as it is (X) needs nothing.
func (w *mapper) restricted(it *item, arv hl7v2.Segment) (said bool) {
	switch strings.ToUpper(token(arv.Comp(2, 1).Text())) {
	case "D":
		it.lifted = true
		return true
	case "X":
		return true
	}
	if tag := confidentiality(arv.Field(7)); tag.code != "" && it.typ != "Patient" {
		it.states(tag)
		said = true
	}
	for r := range arv.Field(3).Reps() {
		value := strings.ToUpper(token(r.Comp(1).Text()))
		kind, known := restrictions[value]
		switch {
		case it.typ == "Patient" && ofPerson[value], it.typ != "Patient" && known:
			it.label("R")
			said = true
		}
		if it.typ != "Patient" {
			it.states(stated{kind: kind})
		}
	}
	return said
}

// restrictAll labels an item by what the message says of all that is in it (from 2.9): its
// classification (MSH-26), and the ARV segments between the MSH and the first patient.
// One with a location (ARV-9) is about the segments of that name alone, and of that place
// among them.
func (w *mapper) restrictAll(it *item) {
	it.states(confidentiality(w.m.First("MSH").Field(26)))
	for i := 1; i < w.m.Len(); i++ {
		arv := w.m.Segment(i)
		switch {
		case arv.Name() == "PID":
			return
		case arv.Name() == "ARV" && located(arv.Field(9), it.place):
			w.restricted(it, arv)
		}
	}
}

// located says whether one of some ERL locations, or none being given all, is of the
// segment at a place.
func located(erl hl7v2.Value, place string) bool {
	if !erl.Exists() {
		return true
	}
	for r := range erl.Reps() {
		name, n := token(r.Comp(1).Text()), token(r.Comp(2).Text())
		rest, ok := strings.CutPrefix(place, name)
		if ok && name != "" && (rest == "" && (n == "" || n == "1") || strings.HasPrefix(rest, "[") && (n == "" || strings.HasPrefix(rest, "["+n+"]"))) {
			return true
		}
	}
	return false
}
