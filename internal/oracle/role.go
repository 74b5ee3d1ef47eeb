package oracle

import (
	"slices"
	"time"
)

// kind is which kind of data an item is, in the words of docs/agreements.md.
func kind(s Sent) string {
	switch s.Type {
	case "Patient", "RelatedPerson", "Person":
		return "demographics"
	case "Condition":
		return "problems"
	case "MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration", "Medication":
		return "medications"
	case "AllergyIntolerance":
		return "allergies"
	case "Observation":
		if slices.Contains(texts(s.Body, "category.coding.code"), "laboratory") {
			return "results"
		}
		return "observations"
	case "DiagnosticReport", "Specimen", "ImagingStudy":
		return "results"
	case "Immunization", "ImmunizationRecommendation":
		return "immunisations"
	case "Procedure":
		return "procedures"
	case "Encounter", "EpisodeOfCare":
		return "encounters"
	case "DocumentReference", "Composition":
		return "documents"
	case "CarePlan", "Goal":
		return "plans"
	case "Flag":
		return "alerts"
	case "ServiceRequest":
		return "referrals"
	case "Appointment":
		return "appointments"
	case "CareTeam":
		return "care-team"
	case "Practitioner", "Organization", "Location", "HealthcareService", "PractitionerRole":
		return "directory"
	case "Consent":
		return "preferences"
	}
	return "other"
}

// kindsOf are what each role sees, by the page of the rules in force; a role that
// is not here sees the whole record, a pharmacist the whole but social care.
var kindsOf = map[string][]string{
	"social-worker": {"demographics", "problems", "medications", "allergies", "encounters", "plans", "alerts", "referrals", "appointments", "social-care", "care-team"},
	"advisor":       {"demographics", "problems", "medications", "allergies", "observations", "immunisations", "encounters", "plans", "alerts", "appointments", "care-team"},
	"paramedic":     {"demographics", "problems", "medications", "allergies", "observations", "encounters", "plans", "alerts", "care-team"},
	"handler":       {"demographics", "alerts"},
	"receptionist":  {"demographics", "appointments"},
}

// G12: "the clinical advisor its content, key GP information and the last three
// visits": of those that the advisor could see, the own organisation's aside.
func (w World) lastVisits(r Reader, item Sent) Verdict {
	if r.Role != "advisor" || item.Type != "Encounter" || organisation(item.Source) == r.Organisation {
		return shown("")
	}
	later := 0
	for _, v := range w.latest("Encounter") {
		if organisation(v.Source) == r.Organisation || v.ID == item.ID {
			continue
		}
		if began(v).After(began(item)) && w.seen(r, w.versions("Encounter", v.ID)).Sees == Shown {
			later++
		}
	}
	if gone := w.versions("Encounter", item.ID); later >= 3 || gone[len(gone)-1].Body == nil {
		return hidden("G12: the last three visits")
	}
	return shown("")
}

// books says whether somebody acts for booking and registration.
func (r Reader) books() bool { return r.Purpose == "PATADMIN" }

// cares says whether a purpose is the care of the person: G1, others open no record.
func (r Reader) cares() bool {
	return slices.Contains([]string{"", "TREAT", "PATADMIN", "ETREAT"}, r.Purpose)
}

// began is when a visit began.
func began(v Sent) time.Time {
	from, _, _ := span(text(v.Body, "period.start"))
	return from
}

// G12: "Handlers are not clinicians. A 111 handler sees identity, that a note or
// plan exists, and its handling instruction." What the other roles see is said on
// the page of the rules in force.
func (w World) forRole(r Reader, item Sent) Verdict {
	k := kind(item)
	if k == "preferences" && r.Role != "citizen" {
		return hidden("G6, G11: what the citizen decided would tell that there is something hidden")
	}
	if r.Role == "pharmacist" && k == "social-care" {
		return hidden("the role does not see social care")
	}
	if r.books() && !slices.Contains([]string{"demographics", "appointments", "directory"}, k) {
		return hidden("G1: booking and registration needs who somebody is, and when they come")
	}
	list, narrow := kindsOf[r.Role]
	if !narrow || slices.Contains(list, k) {
		return shown("")
	}
	if r.Role == "handler" && k == "plans" {
		return Verdict{Exists, "G12: a handler is told that a plan exists"}
	}
	return hidden("G12: the kind is not for the role")
}
