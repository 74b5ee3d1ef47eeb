package oracle

import (
	"slices"
	"time"
)

// openers are the roles that open a person's record in their work. The others
// (privacy officer, guardian, governance lead, analyst, administrator, engineer)
// see none: G2, G3.
var openers = []string{"gp", "hospital-doctor", "nurse", "pharmacist", "social-worker", "handler", "advisor", "paramedic", "receptionist", "hospice-nurse"}

// opens says whether the reader may open this record at all, and why.
func (w World) opens(r Reader) (bool, string) {
	switch {
	case r.Role == "citizen" || r.Role == "proxy":
		return w.opensOwn(r)
	case !slices.Contains(openers, r.Role):
		return false, "G2: the role opens no record"
	case !r.cares():
		return false, "G1: the purpose is not care"
	case w.emergency(r) != "":
		return true, "G9: an emergency"
	}
	return w.related(r)
}

// G7: "A legitimate relationship is: registration; an open encounter, referral,
// call or incident; a caseload; an appointment or dispensing today; the patient in
// front of me, declared in one tap."
func (w World) related(r Reader) (bool, string) {
	switch {
	case w.declared(r):
		return true, "G7: declared"
	case w.registered() == r.Organisation:
		return true, "G7: registration"
	case w.encounter(r.Organisation):
		return true, "G7: an encounter"
	case w.referral(r.Organisation):
		return true, "G7: a referral"
	case w.caseload(r.Organisation):
		return true, "G7: a caseload"
	case w.today(r.Organisation):
		return true, "G7: an appointment or a dispensing today"
	}
	return false, "G7: no relationship"
}

// "The patient in front of me, declared in one tap", for half a day.
func (w World) declared(r Reader) bool {
	for _, s := range w.Stated {
		if s.User == r.User && s.Reason == "" && w.Now.Before(s.At.Add(12*time.Hour)) {
			return true
		}
	}
	return false
}

// Registration is what the practice says, else what another source says of it.
func (w World) registered() string {
	said := map[string]bool{} // what practices say of themselves
	var elsewhere []string    // what others say, the latest last
	for _, p := range w.latest("Patient") {
		if gp := organisation(p.Source); practice(gp) {
			active, is := p.Body["active"].(bool)
			said[gp] = !is || active
		} else {
			elsewhere = append(elsewhere, odsCodes(p.Body, "generalPractitioner")...)
		}
	}
	for gp, yes := range said {
		if yes {
			return gp
		}
	}
	for _, gp := range slices.Backward(elsewhere) {
		if active, spoke := said[gp]; !spoke || active {
			return gp
		}
	}
	return ""
}

// practice tells a practice by its ODS code: a letter and five digits.
func practice(ods string) bool {
	if len(ods) != 6 || ods[0] < 'A' || ods[0] > 'Z' {
		return false
	}
	for _, c := range ods[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// "An open encounter …. It lasts after discharge until the summary and the results
// are signed off and at least 28 days."
func (w World) encounter(org string) bool {
	for _, e := range w.latest("Encounter") {
		at := odsCodes(e.Body, "serviceProvider")
		if len(at) == 0 {
			at = []string{organisation(e.Source)}
		}
		if !slices.Contains(at, org) {
			continue
		}
		switch text(e.Body, "status") {
		case "arrived", "triaged", "in-progress", "onleave":
			return true
		case "finished":
			if _, end, ok := span(text(e.Body, "period.end")); ok && (w.Now.Before(end.Add(28*24*time.Hour)) || w.unsigned(org, text(e.Body, "period.start"))) {
				return true
			}
		}
	}
	return false
}

// unsigned says whether a result of a stay waits to be signed off.
func (w World) unsigned(org, since string) bool {
	began, _, ok := span(since)
	if !ok {
		return false
	}
	for _, r := range w.latest("DiagnosticReport") {
		if when, _, ok := span(text(r.Body, "effectiveDateTime")); organisation(r.Source) == org && ok && !when.Before(began) && slices.Contains([]string{"registered", "partial", "preliminary"}, text(r.Body, "status")) {
			return true
		}
	}
	return false
}

// "An open … referral": of whom it was sent to by somebody else. Nobody makes themselves
// a relationship by writing to themselves.
func (w World) referral(org string) bool {
	for _, s := range w.latest("ServiceRequest") {
		if text(s.Body, "status") == "active" && slices.Contains(odsCodes(s.Body, "performer"), org) && organisation(s.Source) != org {
			return true
		}
	}
	return false
}

// "A caseload": a team, an episode or a plan that is in force, of the organisation
// that says so of itself: nobody is given a caseload by somebody else.
func (w World) caseload(org string) bool {
	for _, c := range w.latest("CareTeam", "EpisodeOfCare", "CarePlan") {
		if text(c.Body, "status") == "active" && organisation(c.Source) == org {
			return true
		}
	}
	return false
}

// "An appointment or dispensing today", with the organisation that says so.
func (w World) today(org string) bool {
	for _, a := range w.latest("Appointment") {
		start, _, ok := span(text(a.Body, "start"))
		if ok && sameDay(start, w.Now) && organisation(a.Source) == org && slices.Contains([]string{"booked", "arrived", "checked-in", "fulfilled"}, text(a.Body, "status")) {
			return true
		}
	}
	for _, d := range w.latest("MedicationDispense") {
		if when, _, ok := span(text(d.Body, "whenHandedOver")); ok && sameDay(when, w.Now) && organisation(d.Source) == org {
			return true
		}
	}
	return false
}

// sentTo: G4, what is not hidden from "the addressee of a referral, prescription or
// discharge sent for the citizen's care", and what goes with a referral: its reasons and what
// supports it, of what its sender wrote. Why something is prescribed is not sent to who
// dispenses it. It is a matter of the letter as it is now: who has it has its history.
func (w World) sentTo(r Reader, item Sent) bool {
	if r.Organisation == "" || item.Type == "Patient" { // who somebody is is no part of a letter
		return false
	}
	for _, letter := range w.latest("ServiceRequest", "DocumentReference", "MedicationRequest") {
		if letter.Source == item.Source && slices.Contains(addressees(letter), r.Organisation) && (letter.Type == item.Type && letter.ID == item.ID || letter.Type == "ServiceRequest" && slices.Contains(append(texts(letter.Body, "supportingInfo.reference"), texts(letter.Body, "reasonReference.reference")...), item.Type+"/"+item.ID)) {
			return true
		}
	}
	return false
}

// addressees are those to whom an item was sent.
func addressees(s Sent) []string {
	switch s.Type {
	case "ServiceRequest":
		return odsCodes(s.Body, "performer")
	case "MedicationRequest":
		return odsCodes(s.Body, "dispenseRequest.performer")
	case "DocumentReference":
		return odsCodes(s.Body, "context.related")
	}
	return nil
}

// names are the items that a resource refers to, anywhere in it.
func names(v any) (out []string) {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["reference"].(string); ok {
			out = append(out, ref)
		}
		for _, e := range v {
			out = append(out, names(e)...)
		}
	case []any:
		for _, e := range v {
			out = append(out, names(e)...)
		}
	}
	return out
}
