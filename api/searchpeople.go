package api

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"selda/fault"
	"selda/fhir"
	"selda/ingest/classify"
	"selda/mpi/fold"
	"selda/nhs"
)

// patientGroups are the token groups of a search for people.
func patientGroups(params url.Values) ([][]string, error) {
	var groups [][]string
	for name, values := range params {
		plain, _, _ := strings.Cut(name, ":")
		for _, value := range values {
			var group []string
			for _, v := range strings.Split(value, ",") {
				if v == "" {
					continue
				}
				switch plain {
				case "family":
					group = append(group, classify.Family(fold.Name(v)))
				case "given":
					group = append(group, classify.Given(fold.Name(v)))
				case "name":
					group = append(group, classify.Family(fold.Name(v)), classify.Given(fold.Name(v)))
				case "birthdate":
					day := strings.TrimPrefix(v, "eq")
					if _, err := time.Parse(time.DateOnly, day); err != nil {
						return nil, fault.E("api.search", fault.Value, "a birth date is searched as a whole day, 1951-11-05", "birthdate")
					}
					group = append(group, classify.BirthDate(day))
				case "address-postalcode":
					if p := nhs.Postcode(v); p != "" {
						v = p
					}
					group = append(group, classify.Postcode(v))
				case "identifier":
					if sys, num, ok := strings.Cut(v, "|"); ok {
						group = append(group, classify.Identifier(sys, strings.ReplaceAll(num, " ", "")))
					} else {
						group = append(group, classify.Value(v))
					}
				}
			}
			if len(group) > 0 {
				groups = append(groups, group)
			}
		}
	}
	return groups, nil
}

// searchCitizens finds citizens for people and their apps: one merged Patient
// each. A citizen's own token finds just the own Patient.
func (q *request) searchCitizens(params url.Values, cur cursor) ([]result, error) {
	ctx := q.r.Context()
	switch q.subject.Role {
	case nhs.Citizen:
		own, err := q.Access.Own(ctx, q.subject)
		if err != nil {
			return nil, err
		}
		return q.citizens([]string{own}, params)
	case nhs.Proxy:
		var theirs []string
		for _, n := range q.subject.For {
			id, err := q.Access.ByNumber(ctx, n)
			if err == nil {
				theirs = append(theirs, id)
			} else if !fault.Is(err, fault.NotFound) {
				return nil, err
			}
		}
		return q.citizens(theirs, params)
	}
	if id := params.Get("_id"); id != "" {
		return q.citizens(strings.Split(id, ","), params)
	}
	groups, err := patientGroups(params)
	if err != nil {
		return nil, err
	}
	if len(groups) == 0 {
		return nil, fault.E("api.search", fault.Required, "say whom to look for: identifier, name, birthdate, address-postalcode or _id")
	}
	g, err := q.Access.Search(ctx, q.subject, "Patient")
	if err != nil {
		return nil, err
	}
	people, err := q.Records.FindAt(ctx, g, q.Access.Index, groups, cur.at(), maxFound+1)
	if err == nil {
		err = tooMany(len(people))
	}
	if err != nil {
		return nil, err
	}
	var out []result
	for _, v := range people {
		body, _, _ := Citizen(v)
		out = append(out, result{id: v.Citizen, typ: "Patient", body: body, mode: "match"})
	}
	return out, nil
}

// citizens gives the merged Patients of ids that the reader may open.
func (q *request) citizens(ids []string, params url.Values) ([]result, error) {
	var out []result
	for _, id := range ids {
		g, err := q.Access.Record(q.r.Context(), q.subject, id, "Patient/"+id)
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security) {
			continue
		}
		if err != nil {
			return nil, err
		}
		v, err := q.Records.Open(q.r.Context(), g, "Patient", "Consent")
		if err != nil {
			return nil, err
		}
		body, _, _ := Citizen(v)
		r, err := fhir.ParseTrusted(body)
		if err != nil {
			return nil, err
		}
		if matchesPatient(r, params) {
			out = append(out, result{id: v.Citizen, typ: "Patient", body: body, mode: "match"})
		}
	}
	return out, nil
}

// matchesPatient tests a Patient that was found otherwise.
func matchesPatient(r *fhir.Resource, params url.Values) bool {
	groups, _ := patientGroups(params)
	tokens := classify.Of(r).Tokens
	for _, g := range groups {
		if !slices.ContainsFunc(g, func(t string) bool { return slices.Contains(tokens, t) }) {
			return false
		}
	}
	if id := params.Get("_id"); id != "" {
		return slices.Contains(strings.Split(id, ","), r.ID)
	}
	return true
}
