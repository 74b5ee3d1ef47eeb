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

// Topic is what can be subscribed to: kinds of change, by a canonical URL.
// https://hl7.org/fhir/R5/subscriptiontopic.html
type Topic struct {
	URL      string
	Title    string
	Triggers []Trigger
	Shapes   []Shape
}

// Shape says what is told beside a resource of a type: what it refers to.
type Shape struct {
	Type     string
	Includes []string // parameters of references, of R4 or a client's own
}

// Trigger is one kind of change.
type Trigger struct {
	Type                   string // of resource
	Create, Update, Delete bool
	// Previous and Current are searches, as they stand after the ?; "" asks nothing.
	Previous, Current string
	// OnCreate and OnDelete say whether the side that is not there passes.
	OnCreate, OnDelete bool
	// Both: the previous and the current must pass, else one of them.
	Both bool
	// Path is a FHIRPath of %previous and %current; "" asks nothing.
	Path string
	// Merged: not a change of a resource, but that the index has made its
	// patient one person with another.
	Merged bool
}

// TopicBase begins the URLs of the topics that every region offers.
const TopicBase = "https://selda.example/SubscriptionTopic/"

func changed(typ string) Trigger { return Trigger{Type: typ, Create: true, Update: true} }

// became is a change after which a search finds a resource that it did not find before.
func became(typ, query, before string) Trigger {
	return Trigger{Type: typ, Create: true, Update: true, Previous: before, Current: query, OnCreate: true, Both: true}
}

// Offered are the topics that every region offers.
var Offered = []*Topic{
	{URL: TopicBase + "admission", Title: "Somebody was admitted, or arrived", Triggers: []Trigger{became("Encounter", "status=arrived,triaged,in-progress", "status:not=arrived,triaged,in-progress")}},
	{URL: TopicBase + "discharge", Title: "A stay or a visit has ended", Triggers: []Trigger{became("Encounter", "status=finished", "status:not=finished")}},
	{URL: TopicBase + "encounter", Title: "Something about a stay or a visit has changed", Triggers: []Trigger{changed("Encounter")}},
	{URL: TopicBase + "result", Title: "A result has come, or was corrected", Triggers: []Trigger{
		{Type: "DiagnosticReport", Create: true, Update: true, Current: "status=final,amended,corrected,appended"},
		{Type: "Observation", Create: true, Update: true, Current: "status=final,amended,corrected"}}},
	{URL: TopicBase + "document", Title: "There is a new document, or a new version of one", Triggers: []Trigger{changed("DocumentReference"), changed("Composition")}},
	{URL: TopicBase + "appointment", Title: "An appointment was made, moved or cancelled", Triggers: []Trigger{changed("Appointment")}},
	{URL: TopicBase + "referral", Title: "Somebody was referred, or a referral has changed", Triggers: []Trigger{changed("ServiceRequest"), changed("Task")}},
	{URL: TopicBase + "medication", Title: "Something was prescribed, dispensed or stopped", Triggers: []Trigger{changed("MedicationRequest"), changed("MedicationDispense"), changed("MedicationStatement")}},
	{URL: TopicBase + "patient", Title: "Who somebody is, where they live or how to reach them has changed", Triggers: []Trigger{changed("Patient")}},
	{URL: TopicBase + "patient-merged", Title: "Two entries are one person: a source says so, or the index has found it", Triggers: []Trigger{
		{Type: "Patient", Merged: true},
		{Type: "Patient", Create: true, Update: true, Path: "%current.link.where(type = 'replaced-by').exists() and %previous.link.where(type = 'replaced-by').exists().not()"}}},
	{URL: TopicBase + "consent", Title: "Somebody has made a choice about their record, or changed it", Triggers: []Trigger{changed("Consent")}},
}

// watch is a trigger with a subscription's filters, ready to be held against changes.
type watch struct {
	Trigger
	previous, current []*search.Clause
	path              *fhirpath.Expression
	filters           []*search.Clause // all must pass
}

// before says whether the version before has to be looked at.
func (w *watch) before() bool { return len(w.previous) > 0 || w.path != nil }

// side is a resource before or after a change; nil, or without Res, where it was not there.
type side struct{ search.Candidate }

func pass(clauses []*search.Clause, s *side, absent bool) bool {
	if s == nil || s.Res == nil {
		return absent
	}
	for _, c := range clauses {
		if !c.Matches(&s.Candidate) {
			return false
		}
	}
	return true
}

// matches says whether a change is one that is watched for.
func (w *watch) matches(c Change, was, is *side) bool {
	switch {
	case w.Merged:
		return false // that is no change of a resource
	case c == Created && !w.Create, c == Updated && !w.Update, c == Deleted && !w.Delete:
		return false
	}
	if len(w.previous) > 0 || len(w.current) > 0 {
		p, q := pass(w.previous, was, w.OnCreate), pass(w.current, is, w.OnDelete)
		switch {
		case len(w.previous) == 0:
			p = q
		case len(w.current) == 0:
			q = p
		}
		if w.Both && !(p && q) || !p && !q {
			return false
		}
	}
	about := is
	if is.Res == nil {
		about = was // what was deleted is filtered by what it was
	}
	if len(w.filters) > 0 && !pass(w.filters, about, false) {
		return false
	}
	return w.path == nil || w.holds(was, is)
}

func (w *watch) holds(was, is *side) bool {
	env := &fhirpath.Env{Variables: map[string]fhirpath.Collection{"previous": {}, "current": {}}}
	var focus fhirpath.Item
	for name, s := range map[string]*side{"previous": was, "current": is} {
		if s != nil && s.Res != nil {
			focus = fhirpath.Resource(s.Res.Root())
			env.Variables[name] = fhirpath.Collection{focus}
		}
	}
	ok, err := w.path.True(env, focus)
	return ok && err == nil
}

// aims are the parameters that say whose a resource is.
var aims = []string{"patient", "subject", "patient:Patient", "subject:Patient"}

// reading reads triggers and filters for one subscriber.
type reading struct {
	scope *search.Scope
	// people: it is somebody's who may open single records, and not a source system's.
	people  bool
	patient string // the id of the Patient that it is about, as it was written
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
	canonical, _, _ := strings.Cut(q.topic, "|")
	t := topics[canonical]
	if t == nil {
		return nil, refuse(fault.NotSupported, "there is no such topic: /fhir/metadata names those that there are", "Subscription.criteria")
	}
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
				clauses, err := r.clauses(trigger.Type, f.query, "Subscription.criteria.extension")
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
			return nil, refuse(fault.Value, "the topic tells nothing of this type: "+f.typ, "Subscription.criteria.extension")
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
			return nil, refuse(fault.Value, "a filter is written as Type?parameter=value", "Subscription.criteria.extension")
		}
		if f.typ == "Patient" && r.people {
			rest, err := r.clauses("Patient", f.query, "Subscription.criteria.extension")
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
		for name, values := range params {
			if !slices.Contains(aims, name) && (typ != "Patient" || name != "_id" && name != "id") {
				continue
			}
			for _, v := range values {
				id := strings.TrimPrefix(strings.TrimPrefix(v, r.scope.Base+"/"), "Patient/")
				if !fhir.IsID(id) || r.patient != "" && r.patient != id {
					return nil, refuse(fault.NotSupported, "a Subscription is about one patient, whom it names by id: patient=Patient/…", place)
				}
				r.patient = id
			}
			delete(params, name)
		}
	}
	if v, ok := params["id"]; ok { // the guide's own examples write it so
		delete(params, "id")
		params["_id"] = v
	}
	parsed, err := r.scope.Parse(typ, params)
	if err != nil {
		return nil, fault.E("subscription", fault.KindOf(err), fault.Reason(err), place)
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
