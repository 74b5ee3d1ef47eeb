package policy

import "selda/nhs"

// RoleRule is what a role may see and do, as it is in force: for those who
// govern, who read it rather than the code.
type RoleRule struct {
	Role     nhs.Role
	DataSets []DataSet // of a citizen with whom the organisation has a relationship
	// Hidden are the labels of items that the role is not shown, of other
	// organisations, and HiddenOwn even of the own one.
	Hidden, HiddenOwn     Labels
	Declares, BreaksGlass bool
}

// openers are the roles that open records of others, in the order in which
// they are told.
var openers = []nhs.Role{nhs.GP, nhs.HospitalDoctor, nhs.Nurse, nhs.HospiceNurse, nhs.Pharmacist, nhs.SocialWorker, nhs.Advisor111, nhs.Paramedic, nhs.Handler111, nhs.Receptionist}

// RoleRules are the rules of each role that opens records.
func RoleRules() []RoleRule {
	out := make([]RoleRule, 0, len(openers))
	for _, r := range openers {
		rule := RoleRule{Role: r}
		sets := roleDataSets(r)
		for d := Demographics; d <= Other; d++ {
			if sets.Has(d) {
				rule.DataSets = append(rule.DataSets, d)
			}
		}
		d := decideProfessional(Request{Subject: Subject{User: "role", Role: r, Organisation: "ORG"}})
		rule.Declares, rule.BreaksGlass = d.MayDeclare, d.MayBreakGlass
		rule.Hidden, rule.HiddenOwn = audience(r)
		out = append(out, rule)
	}
	return out
}

// OpensRecords says whether a role opens records of others.
func OpensRecords(r nhs.Role) bool { return roleDataSets(r) != 0 }
