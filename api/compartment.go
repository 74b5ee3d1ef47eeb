package api

import (
	"net/url"
	"slices"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
)

// Compartment search: what stands in somebody's compartment, of one type or of
// all (*). https://hl7.org/fhir/R4/http.html#vsearch
func (q *request) compartment(owner, id, typ string) error {
	if !search.IsCompartment(owner) {
		return fault.E("api.compartment", fault.NotFound, "the compartments are those of Patient, Encounter, RelatedPerson, Practitioner and Device")
	}
	params, err := q.params()
	if err != nil {
		return err
	}
	path := owner + "/" + id + "/" + typ
	types := []string{typ}
	if typ == "*" {
		if types, err = typesOfAll(params); err != nil {
			return err
		}
		if len(types) == 1 {
			path, params = owner+"/"+id+"/"+types[0], without(params, "_type")
		}
	}
	return q.searchTypes(path, types, params, &search.Target{Type: owner, ID: id})
}

// searchAll is a search over several types, which _type names.
// https://hl7.org/fhir/R4/http.html#search
func (q *request) searchAll() error {
	params, err := q.params()
	if err != nil {
		return err
	}
	if len(params) == 0 {
		return fault.E("api.search", fault.Required, "say what is searched: /fhir?_type=Observation,Condition&…, or /fhir/Observation")
	}
	types, err := typesOfAll(params)
	if err != nil {
		return err
	}
	if len(types) == 1 {
		return q.searchFor(types[0], types[0], without(params, "_type"))
	}
	return q.searchTypes("", types, params, nil)
}

// without are parameters but some.
func without(params url.Values, names ...string) url.Values {
	out := url.Values{}
	for k, v := range params {
		if !slices.Contains(names, k) {
			out[k] = v
		}
	}
	return out
}

// typesOfAll are the types that _type names, or all.
func typesOfAll(params url.Values) ([]string, error) {
	types := list(params, "_type")
	for _, t := range types {
		if !fhir.IsResourceType(t) {
			return nil, fault.E("api.search", fault.Value, "there is no such resource type", "_type")
		}
	}
	if len(types) == 0 {
		types = fhir.ResourceTypes()
	}
	return types, nil
}
