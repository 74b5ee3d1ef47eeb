package api

import (
	"slices"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/policy"
)

// This file finds whose records a search is about.

// maxNamed is how many people one search may name.
const maxNamed = 100

// whose finds the patients whom a search names: by id, by number, or by
// whatever a chain says of them. ids is nil where it names none, and empty where
// those whom it describes are not known. who are the conditions on whom a
// resource is about that are still to be asked, as of a Patient; those that are
// taken out of the query mean all of that citizen's.
func (q *request) whose(query *search.Query, cur cursor) (ids []string, who []*search.Clause, err error) {
	for i := 0; i < len(query.Clauses); i++ {
		c := query.Clauses[i]
		if c.Within.Type == "Patient" {
			if ids == nil {
				ids = []string{c.Within.ID}
			}
			continue
		}
		if c.Param == nil || c.Param.Kind != search.Reference || c.Modifier == "missing" || !aboutPatient(c) {
			continue
		}
		on, err := q.described(c)
		if err != nil {
			return nil, nil, err
		}
		if on != nil {
			who = append(who, on)
			query.Clauses = slices.Delete(query.Clauses, i, i+1)
			i--
			continue
		}
		named, err := q.patientsOf(c)
		if err != nil {
			return nil, nil, err
		}
		if ids == nil { // of those whom another condition names it is asked again in each record
			ids = named
		}
	}
	switch {
	case ids != nil || len(who) == 0 || q.theirs():
		return ids, who, nil
	case policy.HasCaseload(q.subject.Role) && !slices.ContainsFunc(who, tells):
		return nil, who, nil
	}
	return q.foundBy(who, cur)
}

// foundBy finds the people whom some conditions describe. Those that ask of more
// than demographics are left to be asked in the records.
func (q *request) foundBy(who []*search.Clause, cur cursor) (ids []string, rest []*search.Clause, err error) {
	asks := func(c *search.Clause) bool { return len(c.Open()) > 0 }
	by := slices.DeleteFunc(slices.Clone(who), asks)
	found, err := q.citizensBy(by, cur)
	if err != nil {
		return nil, nil, err
	}
	if len(found) > maxNamed {
		return nil, nil, fault.E("api.search", fault.TooCostly, "more than "+strconv.Itoa(maxNamed)+" people meet this: say more of them, or name them by id", who[0].Name)
	}
	ids = []string{}
	for _, v := range found {
		ids = append(ids, v.Citizen)
	}
	return ids, slices.DeleteFunc(who, func(c *search.Clause) bool { return !asks(c) }), nil
}

// aboutPatient says whether a clause names whom a resource is about.
func aboutPatient(c *search.Clause) bool {
	if c.Param.Code == "patient" || c.Param.Code == "subject" {
		return true
	}
	return c.Chain == nil && slices.ContainsFunc(c.Values, func(v string) bool { return strings.Contains(v, "Patient/") })
}

// described is what a clause says of the patient whom a resource is about; nil
// where it names them by id, or is about no patient.
func (q *request) described(c *search.Clause) (*search.Clause, error) {
	switch {
	case c.Chain != nil:
		for i, t := range c.Chain.Types {
			if t == "Patient" {
				return c.Chain.On[i], nil
			}
		}
	case c.Modifier == "identifier":
		on, _, err := q.scope().Clause("Patient", "identifier", strings.Join(c.Values, ","))
		return on, err
	}
	return nil, nil
}

// patientsOf are the patients whom a clause names by id; nil for none.
func (q *request) patientsOf(c *search.Clause) (ids []string, err error) {
	const op = "api.search"
	if c.Chain != nil {
		return nil, nil
	}
	for _, v := range c.Values {
		v = strings.TrimPrefix(v, q.base+"/")
		typ, rest, ok := strings.Cut(v, "/")
		if !ok {
			typ, rest = "Patient", v
		}
		switch {
		case typ != "Patient" && c.Param.Code == "subject" && fhir.IsResourceType(typ) && fhir.IsID(rest):
			return nil, fault.E(op, fault.NotSupported, "a record is a patient's: subject=Patient/ID", c.Name)
		case typ != "Patient" || !fhir.IsID(rest):
			return nil, fault.E(op, fault.Value, "a patient is an id or Patient/id", c.Name)
		}
		if !slices.Contains(ids, rest) {
			ids = append(ids, rest)
		}
	}
	if len(ids) > maxNamed {
		return nil, fault.E(op, fault.TooLong, "a search names at most "+strconv.Itoa(maxNamed)+" patients", c.Name)
	}
	return ids, nil
}
