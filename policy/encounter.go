package policy

import "time"

// visits are the classes of an Encounter (v3 ActCode) that are over within a
// day: outpatients, emergency departments, ambulances, homes, telephones.
// https://terminology.hl7.org/ValueSet-v3-ActEncounterCode.html
var visits = map[string]bool{"AMB": true, "EMER": true, "FLD": true, "HH": true, "VR": true}

// OpenUntil is until when an encounter counts as open of which no end is
// known; zero where it is open until its source ends it. Few systems say that
// an outpatient has left: such a visit is open on its own day and the next,
// and shows no relationship for ever (G7).
func OpenUntil(class string, start time.Time) time.Time {
	if !visits[class] {
		return time.Time{}
	}
	return start.UTC().Truncate(24 * time.Hour).Add(48 * time.Hour)
}
