package policy

import (
	"slices"

	"selda/nhs"
)

// This file keeps what G3 and G7 say of finding cases: to look through the
// people whom the own organisation looks after is direct care. Each of them is
// decided by Decide before anything of theirs is known.

// caseloads are the roles that look after people for longer than one visit or
// call, and so have a caseload to look through.
var caseloads = []nhs.Role{nhs.GP, nhs.HospitalDoctor, nhs.Nurse, nhs.HospiceNurse, nhs.Pharmacist, nhs.SocialWorker}

// HasCaseload says whether a role has people to look through.
func HasCaseload(r nhs.Role) bool { return slices.Contains(caseloads, r) }

// Caseload is the decision to look through the people whom the subject's
// organisation looks after. Its predicate is the widest that Decide gives the
// subject of any of them without an emergency: it narrows whom to decide about,
// and shows nothing.
func Caseload(s Subject, agreed *Agreed) Decision {
	switch {
	case s.User == "" || !HasCaseload(s.Role):
		return deny("G1 default deny", "the role "+s.Role.Title()+" has no caseload")
	case s.Organisation == "":
		return deny("G7 legitimate relationship", "the account has no organisation")
	case !directCare(s.Purpose):
		return deny("G1 direct care", "people are looked through for direct care, not for this purpose")
	}
	return Decision{Permit: true, Predicate: roleWide(&s, agreed), Rules: []string{"G3 finding cases for the own care team"}}
}

// roleWide is what a role may see at most of somebody whom its organisation looks after.
func roleWide(s *Subject, agreed *Agreed) Predicate {
	p := Predicate{Permit: true, Own: s.Organisation, DataSets: roleDataSets(s.Role), Agreed: agreed, ShowSafety: s.Role.Clinician() || s.Role == nhs.Handler111}
	p.Hidden, p.HiddenOwn = audience(s.Role)
	if administers(s) {
		forDesk(&p)
	}
	return p
}
