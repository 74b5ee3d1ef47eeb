package agreement

import (
	"cmp"
	"slices"

	"selda/nhs"
	"selda/policy"
)

// Pathway is a way of care that rests on somebody seeing something: where an
// agreement would close it, that is said before it is signed.
type Pathway struct {
	Name  string
	Roles []nhs.Role
	Kinds policy.DataSets
}

// Pathways are those that are looked at.
var Pathways = []Pathway{
	{"Crews and 111 know of allergies, medicines, alerts and plans", []nhs.Role{nhs.Paramedic, nhs.Advisor111}, policy.SetOf(policy.Allergies, policy.Medications, policy.Alerts, policy.Plans)},
	{"Call handlers know that a plan or an alert exists", []nhs.Role{nhs.Handler111}, policy.SetOf(policy.Alerts, policy.Plans)},
	{"Practices get letters and results of hospitals", []nhs.Role{nhs.GP}, policy.SetOf(policy.Documents, policy.Results)},
	{"Hospitals know what the practice prescribes, and allergies", []nhs.Role{nhs.HospitalDoctor, nhs.Nurse, nhs.Pharmacist}, policy.SetOf(policy.Medications, policy.Allergies)},
	{"Hospitals know the problems that the practice looks after", []nhs.Role{nhs.HospitalDoctor}, policy.SetOf(policy.Problems)},
	{"Hospices know plans, medicines and what was decided about resuscitation", []nhs.Role{nhs.HospiceNurse}, policy.SetOf(policy.Plans, policy.Medications, policy.Alerts)},
	{"Social care and health know of each other's plans", []nhs.Role{nhs.SocialWorker}, policy.SetOf(policy.Plans, policy.CareTeam)},
	{"Citizens read their own record", []nhs.Role{nhs.Citizen}, policy.AllDataSets},
}

// Flow is what readers of an organisation see of a source's kind of data.
type Flow struct {
	Source        nhs.Source
	Kind          policy.DataSet
	Reader        nhs.ODS
	Role          nhs.Role
	Before, After int // items
}

// Path is a pathway that is closed, or narrowed, for some readers.
type Path struct {
	Pathway string
	Reader  nhs.ODS
	Role    nhs.Role
	Lost    []Flow // what they saw and would see no more of
}

// Broken are the pathways that flows no more would break.
func Broken(flows []Flow) []Path {
	var out []Path
	for _, p := range Pathways {
		of := map[whom]int{}
		for _, f := range flows {
			if f.Before == 0 || f.After > 0 || !p.Kinds.Has(f.Kind) || !slices.Contains(p.Roles, f.Role) || f.Source.Organisation() == f.Reader {
				continue
			}
			k := whom{f.Reader, f.Role}
			i, known := of[k]
			if !known {
				i = len(out)
				of[k] = i
				out = append(out, Path{Pathway: p.Name, Reader: f.Reader, Role: f.Role})
			}
			out[i].Lost = append(out[i].Lost, f)
		}
	}
	for i := range out {
		slices.SortFunc(out[i].Lost, func(x, y Flow) int { return cmp.Or(cmp.Compare(x.Source, y.Source), cmp.Compare(x.Kind, y.Kind)) })
	}
	slices.SortStableFunc(out, func(x, y Path) int {
		return cmp.Or(cmp.Compare(x.Pathway, y.Pathway), cmp.Compare(x.Reader, y.Reader), cmp.Compare(x.Role, y.Role))
	})
	return out
}

type whom struct {
	reader nhs.ODS
	role   nhs.Role
}
