package v2tofhir

import (
	"strings"

	"selda/hl7v2"
)

// restrictions are what ARV restricts access to, HL7 table 0717, as HL7's codes of
// sensitivity (v3 ActCode); "" where it says no more than that access is restricted.
// What is restricted of registries (OI, OO) says nothing of an item.
// https://terminology.hl7.org/CodeSystem-v2-0717.html
var restrictions = map[string]string{"ALL": "", "DEM": "", "DRG": "", "HIV": "HIV", "LOC": "", "PID": "", "PID-7": "", "PID-17": "", "PSY": "PSY", "SMD": "", "STD": "STD"}

// ofPerson are those by which somebody's demographics are kept from others: their
// address is withheld.
var ofPerson = map[string]bool{"ALL": true, "DEM": true, "LOC": true, "PID": true}

// restrict reads the ARV segments that stand after a PID or a PV1 and are about it
// (from 2.6): the visit is restricted, and of which kind; of a person where they live.
func (w *mapper) restrict(it *item, s hl7v2.Segment) {
	for i := s.Index() + 1; i < w.m.Len(); i++ {
		arv := w.m.Segment(i)
		switch arv.Name() {
		case "PD1", "PV2", "ROL", "PRT", "NK1":
			continue
		case "ARV":
		default:
			return
		}
		if action := strings.ToUpper(token(arv.Comp(2, 1).Text())); action == "D" || action == "X" { // the restriction is taken back, or left as it is
			continue
		}
		said := false
		for r := range arv.Field(3).Reps() {
			value := strings.ToUpper(token(r.Comp(1).Text()))
			kind, known := restrictions[value]
			switch {
			case it.typ == "Patient" && ofPerson[value], it.typ != "Patient" && known:
				it.label("R")
				said = true
			}
			if it.typ != "Patient" && kind != "" {
				it.sensitive = append(it.sensitive, kind)
			}
		}
		if !said {
			w.unmapped(arv, "a restriction of access that is no item's")
		}
	}
}
