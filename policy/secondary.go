package policy

import "selda/nhs"

// This file keeps G3 as far as secondary use goes: what an analyst may be shown of
// anybody, and only through the door that leaves names out.

// secondaryKinds are the data sets of which anything is released: what is only
// words, or of care alone, is not.
const secondaryKinds = AllDataSets &^ (1<<Documents | 1<<Preferences | 1<<Directory | 1<<CareTeam | 1<<Alerts | 1<<Other)

// SecondaryUse is the decision to use data for another purpose than care. What a
// label says to be sensitive is left out, whoever wrote it.
func SecondaryUse(s Subject, agreed *Agreed) Decision {
	switch {
	case s.User == "" || s.Role != nhs.Analyst && s.Role != nhs.Operator:
		return deny("G3 secondary use", "only an analyst asks for data without names")
	case s.Organisation == "":
		return deny("G3 secondary use", "say for which organisation it is released")
	}
	p := Predicate{Permit: true, DataSets: secondaryKinds, Agreed: agreed}
	p.Hidden, p.HiddenOwn = audience(nhs.Analyst)
	d := Decision{Permit: true, Predicate: p, Rules: []string{"G3 secondary use, without names"}}
	if agreed != nil {
		for _, name := range agreed.Names {
			d.Rules = append(d.Rules, "G1 agreement "+name)
		}
	}
	return d
}
