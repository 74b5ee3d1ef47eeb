package subscription

import (
	"net/url"
	"slices"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/fhirpath"
	"selda/fhir/search"
)

// aims are the parameters that say whose a resource is.
var aims = []string{"patient", "subject", "patient:Patient", "subject:Patient"}

// reading reads triggers and filters for one subscriber.
type reading struct {
	scope *search.Scope
	// people: it is somebody's who may open single records, and not a source system's.
	people  bool
	patient string // the id of the Patient that it is about, as it was written
	topic   *Topic // whose filters are read
}

// watches reads what a request asks for.
func (r *reading) watches(q *request, topics map[string]*Topic) ([]*watch, error) {
	if q.topic == "" {
		typ, query, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(q.criteria, "/"), "?"), "?")
		if !fhir.IsResourceType(typ) {
			return nil, refuse(fault.Value, "criteria are a search, such as Observation?code=1975-2, or the URL of a topic", "Subscription.criteria")
		}
		w := &watch{Trigger: changed(typ)}
		var err error
		w.filters, err = r.clauses(typ, query, "Subscription.criteria")
		return []*watch{w}, err
	}
	canonical, version, _ := strings.Cut(q.topic, "|")
	t := topics[canonical]
	if t == nil || version != "" && version != t.Version {
		return nil, refuse(fault.NotSupported, "there is no such topic: /fhir/metadata names those that there are", "Subscription.criteria")
	}
	r.topic = t
	filters, err := r.filters(q.filters)
	if err != nil {
		return nil, err
	}
	var out []*watch
	used := map[string]bool{}
	for _, trigger := range t.Triggers {
		w, err := r.watch(trigger)
		if err != nil {
			return nil, err
		}
		for _, f := range filters {
			if f.typ == trigger.Type || f.typ == "" {
				clauses, err := r.clauses(trigger.Type, f.query, inFilter)
				if err != nil {
					return nil, err
				}
				w.filters, used[f.typ] = append(w.filters, clauses...), true
			}
		}
		out = append(out, w)
	}
	for _, f := range filters {
		if !used[f.typ] && !f.whom {
			return nil, refuse(fault.Value, "the topic tells nothing of this type: "+f.typ, inFilter)
		}
	}
	return out, nil
}

// filter is one filter-criteria: Type?query, or a query alone.
type filter struct {
	typ, query string
	whom       bool // it says of whom, and no more
}

func (r *reading) filters(list []string) (out []filter, err error) {
	for _, s := range list {
		f := filter{query: s}
		if typ, query, ok := strings.Cut(s, "?"); ok {
			f.typ, f.query = typ, query
		}
		if f.typ != "" && !fhir.IsResourceType(f.typ) {
			return nil, refuse(fault.Value, "a filter is written as Type?parameter=value", inFilter)
		}
		if f.typ == "Patient" && r.people {
			rest, err := r.clauses("Patient", f.query, inFilter)
			if err != nil {
				return nil, err
			}
			f.whom = len(rest) == 0
		}
		out = append(out, f)
	}
	return out, nil
}

func (r *reading) watch(t Trigger) (w *watch, err error) {
	w = &watch{Trigger: t}
	plain := reading{scope: r.scope}
	if w.previous, err = plain.clauses(t.Type, t.Previous, "SubscriptionTopic"); err == nil {
		w.current, err = plain.clauses(t.Type, t.Current, "SubscriptionTopic")
	}
	if err == nil && t.Path != "" {
		w.path, err = fhirpath.Compile(t.Path)
	}
	return w, err
}

// clauses reads a search. What says of whom it is, of people's, is taken out:
// it is a citizen, and asked of the links.
func (r *reading) clauses(typ, query, place string) ([]*search.Clause, error) {
	params, err := url.ParseQuery(query)
	if err != nil {
		return nil, refuse(fault.Value, "the search is not well-formed", place)
	}
	if r.people {
		if err := r.whom(typ, params, place); err != nil {
			return nil, err
		}
	}
	if v, ok := params["id"]; ok { // the guide's own examples write it so
		delete(params, "id")
		params["_id"] = v
	}
	if r.topic != nil {
		if params, err = r.topic.allow(r.scope.Parameters, typ, params); err != nil {
			return nil, err
		}
	}
	parsed, err := r.scope.Parse(typ, params)
	if err != nil {
		kind := fault.KindOf(err)
		if kind == fault.NotFound { // a value set: it's not the Subscription that isn't there
			kind = fault.NotSupported
		}
		return nil, fault.E("subscription", kind, fault.Reason(err), place)
	}
	if len(parsed.Unknown) > 0 {
		return nil, refuse(fault.NotSupported, typ+" can't be searched by "+parsed.Unknown[0], place)
	}
	for _, c := range parsed.Clauses {
		if len(c.Open()) > 0 {
			return nil, refuse(fault.NotSupported, "what a Subscription asks for is asked of the resource alone, without a chain, _has or _list: "+c.Name, place)
		}
	}
	return parsed.Clauses, nil
}

// whom takes out of a search what says of whom it is.
func (r *reading) whom(typ string, params url.Values, place string) error {
	for name, values := range params {
		if !slices.Contains(aims, name) && (typ != "Patient" || name != "_id" && name != "id") {
			continue
		}
		for _, v := range values {
			id := strings.TrimPrefix(strings.TrimPrefix(v, r.scope.Base+"/"), "Patient/")
			if !fhir.IsID(id) || r.patient != "" && r.patient != id {
				return refuse(fault.NotSupported, "a Subscription is about one patient, whom it names by id: patient=Patient/…", place)
			}
			r.patient = id
		}
		delete(params, name)
	}
	return nil
}
