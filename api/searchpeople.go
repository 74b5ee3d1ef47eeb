package api

import (
	"slices"
	"strings"

	"selda/access/record"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/policy"
	"selda/store"
)

// citizenHit is a citizen as one merged Patient.
func (q *request) citizenHit(v *record.View) *hit {
	body, _, at := Citizen(v)
	h := &hit{body: func() []byte { return body }, mode: "match"}
	h.Type, h.ID, h.Updated = "Patient", v.Citizen, at
	h.Res, _ = fhir.ParseTrusted(body)
	return h
}

// searchCitizens finds citizens for people and their apps: one merged Patient
// each. A citizen's own token finds just the own Patient. Under the tag of
// sources it finds the sources' own Patients, as they were written.
func (q *request) searchCitizens(query *search.Query, cur cursor) (*answers, error) {
	own := false
	for i, c := range query.Clauses {
		if c.Within.Type == "Patient" { // a citizen is in their own compartment
			is, _, err := q.scope().Clause("Patient", "_id", search.Escaped(c.Within.ID))
			if err != nil {
				return nil, err
			}
			query.Clauses[i] = is
		}
	}
	query.Clauses = slices.DeleteFunc(query.Clauses, func(c *search.Clause) bool {
		is := c.Name == "_tag" && slices.Contains(c.Values, SourceTag+"|source")
		own = own || is
		return is
	})
	if !q.theirs() && policy.HasCaseload(q.subject.Role) && named(query.Clauses) == nil && within(query.Clauses) == nil && !describes(query.Clauses) {
		return q.searchCaseload(query, nil, own, cur)
	}
	views, err := q.citizensFor(query, cur, own)
	if err != nil {
		return nil, err
	}
	f := &fields{}
	for _, v := range views {
		if own {
			f.add(q.inRecord(v))
		} else {
			f.add(&personField{q.inRecord(v), query})
		}
	}
	return q.find(f, query, cur)
}

// describes says whether conditions describe somebody by demographics, and no
// more: such people are found whoever looks after them (G7).
func describes(clauses []*search.Clause) bool {
	return slices.ContainsFunc(clauses, tells) && !slices.ContainsFunc(clauses, func(c *search.Clause) bool { return len(c.Open()) > 0 })
}

// personField is one citizen's record with the citizen as its Patient.
type personField struct {
	*recordField
	query *search.Query
}

// each gives, of the type Patient, the merged one. It is found also by what any
// of the sources' Patients says that are shown.
func (f *personField) each(typ string, clauses []*search.Clause, before store.ItemID, yield func(*hit) bool) error {
	if typ != "Patient" {
		return f.recordField.each(typ, clauses, before, yield)
	}
	yield(f.citizen())
	return nil
}

func (f *personField) citizen() *hit {
	h := f.q.citizenHit(f.view)
	h.sure = slices.ContainsFunc(f.of("Patient"), func(p *hit) bool { return f.query.Matches(&p.Candidate) })
	return h
}

// citizensFor opens, with no more than is asked of them, the records of those
// whom a search may mean.
func (q *request) citizensFor(query *search.Query, cur cursor, own bool) ([]*record.View, error) {
	ids := named(query.Clauses)
	named := ids != nil
	switch {
	case q.theirs():
		var err error
		if ids, err = q.own(); err != nil {
			return nil, err
		}
	case ids == nil:
		return q.citizensBy(query.Clauses, cur)
	case len(ids) > maxIDs:
		return nil, fault.E("api.search", fault.TooLong, "a search names at most 100 ids", "_id")
	}
	var out []*record.View
	for _, id := range ids {
		v, err := q.openPage(id, "Patient/"+id, cur.at(), types(query)...)
		switch {
		case fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security):
		case err != nil:
			return nil, err
		case own || !isSource(v, id):
			out = append(out, v)
		}
	}
	if named && !own && q.professional() {
		query.Clauses = slices.DeleteFunc(query.Clauses, func(c *search.Clause) bool { return c.Name == "_id" }) // it was met
	}
	return out, nil
}

// isSource says whether an id is that of a source's Patient.
func isSource(v *record.View, id string) bool {
	_, is := v.Find("Patient", id)
	return is
}

// citizensBy finds citizens by what is said of them: demographics, and no more.
func (q *request) citizensBy(clauses []*search.Clause, cur cursor) ([]*record.View, error) {
	for _, c := range clauses {
		if len(c.Open()) > 0 {
			return nil, fault.E("api.search", fault.NotSupported, "people are found by demographics; what else is known of somebody is asked by _id", c.Name)
		}
	}
	groups := groupsOf(clauses)
	if !slices.ContainsFunc(clauses, tells) {
		return nil, fault.E("api.search", fault.Required, "say whom to look for: identifier, name, a birth date as a whole day, address, phone or _id")
	}
	g, err := q.Access.Search(q.r.Context(), q.subject, "Patient")
	if err != nil {
		return nil, err
	}
	people, err := q.Records.FindAt(q.r.Context(), g, q.Access.Index, groups, cur.at(), maxFound+1)
	if err != nil {
		return nil, err
	}
	if len(people) > maxFound {
		return nil, tooMany()
	}
	query := &search.Query{Type: "Patient", Clauses: clauses}
	return slices.DeleteFunc(people, func(v *record.View) bool {
		return !(&personField{q.inRecord(v), query}).citizen().meets(query)
	}), nil
}

// telling are the parameters of which one must be given to look for people.
var telling = []string{"identifier", "name", "family", "given", "phonetic", "telecom", "phone", "email", "address-postalcode", "birthdate"}

// tells says whether a condition is of a person, rather than of all of a kind:
// everybody in a town, or born in a year, can't be listed.
func tells(c *search.Clause) bool {
	if c.Param == nil {
		return false
	}
	group, ok := c.Tokens()
	return ok && slices.Contains(telling, c.Param.Code) && !strings.HasPrefix(group[0], "m:")
}
