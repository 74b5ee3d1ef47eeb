package policy

import (
	"slices"

	"selda/nhs"
)

// This file says for which purposes somebody may act, and what a purpose leaves of what
// their role sees: it only ever narrows (G1).

// Purposes are those that people of a role act for, the one that they have unless they
// choose another first.
func Purposes(r nhs.Role) []nhs.Purpose {
	if _, ok := reviewsDeaths(r); ok {
		return []nhs.Purpose{nhs.DecedentReview}
	}
	switch r {
	case nhs.Citizen, nhs.Proxy:
		return []nhs.Purpose{nhs.PatientRequest}
	case nhs.PrivacyOfficer:
		return []nhs.Purpose{nhs.PrivacyReview, nhs.Complaint}
	case nhs.CaldicottGuardian:
		return []nhs.Purpose{nhs.PrivacyReview, nhs.Complaint, nhs.Safeguarding}
	case nhs.Analyst:
		return []nhs.Purpose{nhs.PublicHealthUse, nhs.Research}
	case nhs.Engineer, nhs.Administrator, nhs.GovernanceLead, nhs.Operator:
		return []nhs.Purpose{nhs.Operations}
	}
	if r.Clinician() || r == nhs.SocialWorker {
		return []nhs.Purpose{nhs.Treatment, nhs.RecordAdmin}
	}
	return []nhs.Purpose{nhs.Treatment}
}

// Narrows says whether somebody who acts for one purpose may have an application act for
// another: for the same, or from what their role has by itself to another of its purposes.
func Narrows(r nhs.Role, from, to nhs.Purpose) bool {
	all := Purposes(r)
	return slices.Contains(all, to) && (to == from || from == all[0])
}

// desk is what booking and registration needs of a citizen.
var desk = SetOf(Demographics, Appointments, Directory)

// administers says whether somebody who treats people acts for booking and registration.
func administers(s *Subject) bool { return s.Purpose == nhs.RecordAdmin }

// forDesk leaves of a predicate what the front desk sees: nothing that has a label.
func forDesk(p *Predicate) {
	hidden, own := audience(nhs.Receptionist)
	p.DataSets &= desk
	p.Hidden |= hidden
	p.HiddenOwn |= own
	p.ShowSafety = false
}
