package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"selda/access/grant"
	"selda/access/record"
	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Search of a type. https://hl7.org/fhir/R4/search.html
func (q *request) search(typ string) error {
	params, err := q.params()
	if err != nil {
		return err
	}
	return q.searchFor(typ, typ, params)
}

// searchFor answers a search whose path is as given: /Observation, or
// /Patient/x/Observation, whose conditions are in the parameters already.
func (q *request) searchFor(path, typ string, params url.Values) error {
	return q.searchTypes(path, []string{typ}, params, nil)
}

// searched carries a search out; of what is in somebody's compartment, where an
// owner is named.
func (q *request) searched(path, typ string, params url.Values, owner *search.Target) (*answers, error) {
	return q.searchedFrom(path, typ, params, owner, nil)
}

// searchedFrom is searched from a place on; from the one that the parameters
// name where it is nil.
func (q *request) searchedFrom(path, typ string, params url.Values, owner *search.Target, from *cursor) (*answers, error) {
	query, err := q.scope().Parse(typ, params)
	if err != nil {
		return nil, err
	}
	if owner != nil {
		c, ok, err := q.scope().Compartment(*owner, typ)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fault.E("api.compartment", fault.NotSupported, "nothing of this type is in such a compartment")
		}
		query.Clauses = append(query.Clauses, c)
	}
	if len(query.Unknown) > 0 && strings.Contains(q.r.Header.Get("Prefer"), "handling=strict") {
		return nil, fault.E("api.search", fault.NotSupported, "this parameter is not known for "+typ+": /fhir/metadata says which are", query.Unknown[0])
	}
	cur, err := q.cursor(params, path, used(params, query.Unknown))
	if err != nil {
		return nil, err
	}
	if from != nil {
		cur.Offset, cur.Before = from.Offset, from.Before
		if from.N > 0 {
			cur.N = from.N
		}
	}
	var a *answers
	ids := named(query.Clauses)
	switch {
	case typ == "Subscription" && q.Subscriptions != nil:
		a, err = q.find(&subscriptionField{q}, query, cur)
	case typ == "AuditEvent" && q.trailed():
		a, err = q.searchTrail(query, cur)
	case q.system():
		var f *systemField
		if f, err = q.ownField(typ, cur.at()); err == nil {
			a, err = q.find(f, query, cur)
		}
	case typ == "Patient":
		a, err = q.searchCitizens(query, cur)
	case q.Published != nil && byURL(query):
		a = &answers{query: query, cur: cur}
		_, err = q.Access.Directory(q.r.Context(), q.subject, typ+" search")
	default:
		a, err = q.searchRecord(query, cur)
	}
	if err != nil {
		return nil, err
	}
	q.findPublished(a)
	if len(a.page) < len(ids) {
		q.lack()
	}
	a.self = used(params, query.Unknown)
	return a, nil
}

// list are the values of a parameter that may hold several, with commas between them.
func list(params url.Values, name string) (out []string) {
	for _, v := range params[name] {
		for _, t := range strings.Split(v, ",") {
			if t != "" && !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	return out
}

// params are those of the URL and, by POST, of the form.
func (q *request) params() (url.Values, error) {
	params, err := url.ParseQuery(q.r.URL.RawQuery)
	if err != nil {
		return nil, fault.E("api.search", fault.Invalid, "the query is not well-formed")
	}
	if q.r.Method == http.MethodPost {
		if kind, _, _ := strings.Cut(q.r.Header.Get("Content-Type"), ";"); q.r.ContentLength != 0 && !strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded") {
			// Read as no parameters at all, it would find everything.
			q.status = http.StatusUnsupportedMediaType
			return nil, fault.E("api.search", fault.NotSupported, "a search is posted as application/x-www-form-urlencoded", "Content-Type")
		}
		q.r.Body = http.MaxBytesReader(q.w, q.r.Body, 1<<20)
		if err := q.r.ParseForm(); err != nil {
			return nil, fault.E("api.search", fault.Invalid, "the form is not well-formed")
		}
		for k, v := range q.r.PostForm {
			params[k] = append(params[k], v...)
		}
		q.posted = true
	}
	if token := params.Get("_page"); len(params) == 1 && token != "" {
		c, err := q.unsealed(token)
		if err != nil {
			return nil, err
		}
		if q.posted = c.Posted && c.User == q.reader(); q.posted {
			params, _ = url.ParseQuery(c.Query)
			params.Set("_page", token)
		}
	}
	return params, nil
}

// searchRecord answers a person: from the records of those whom the search
// names, by ids alone, from the directory, or from the records of those whom
// the reader looks after.
func (q *request) searchRecord(query *search.Query, cur cursor) (*answers, error) {
	ids, who, err := q.whose(query, cur)
	if err != nil {
		return nil, err
	}
	switch {
	case ids != nil:
	case q.theirs():
		if ids, err = q.own(); err != nil {
			return nil, err
		}
	case within(query.Clauses) != nil:
		f, err := q.fieldOf(within(query.Clauses).Type, within(query.Clauses).ID, cur.at())
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security) {
			return nothing(query, cur), nil
		}
		if err != nil {
			return nil, err
		}
		return q.find(f, query, cur)
	case named(query.Clauses) != nil:
		return q.searchIDs(query, cur)
	case directory[query.Type]:
		f, err := q.directoryField(query.Type)
		if err != nil {
			return nil, err
		}
		f.n = cur.at()
		return q.find(f, query, cur)
	case search.OwnRecord(query.Type) && policy.HasCaseload(q.subject.Role):
		return q.searchCaseload(query, who, false, cur)
	default:
		return nil, fault.E("api.search", fault.Required, "say whose record: patient=ID", "patient")
	}
	if len(ids) != 1 || len(who) > 0 {
		return q.searchNamed(query, who, ids, cur)
	}
	v, err := q.openPage(ids[0], query.Type+" search", cur.at(), types(query)...)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security) {
		return nothing(query, cur), nil // nobody of whom the reader may know anything
	}
	if err != nil {
		return nil, err
	}
	query.Clauses = q.ofAll(query.Clauses, v.Citizen)
	return q.find(q.inRecord(v), query, cur)
}

// own are the citizens whom a citizen or a proxy asks about, or an application
// that was launched for one, where the search names nobody.
func (q *request) own() ([]string, error) {
	ctx := q.r.Context()
	if id := q.subject.Scopes.Bound(); id != "" {
		return []string{id}, nil
	}
	if q.subject.Role == nhs.Citizen {
		id, err := q.Access.Own(ctx, q.subject)
		return []string{id}, err
	}
	return q.Access.Helped(ctx, q.subject)
}

// within is whose compartment is searched, of one that stands in a record; nil
// for none.
func within(clauses []*search.Clause) *search.Target {
	for _, c := range clauses {
		if c.Within.Type != "" && search.OwnRecord(c.Within.Type) {
			return &c.Within
		}
	}
	return nil
}

func nothing(query *search.Query, cur cursor) *answers {
	return &answers{query: query, cur: cur}
}

// openPage opens a record as at n: by the citizen's id, or by that of what
// belongs to it.
func (q *request) openPage(id, what string, n uint64, types ...string) (*record.View, error) {
	ctx := q.r.Context()
	g, err := q.Access.Page(ctx, q.subject, id, what, n)
	if fault.Is(err, fault.NotFound) {
		g, err = q.Access.ItemPage(ctx, q.subject, "Patient", id, audit.Search, n)
	}
	if err != nil {
		q.lack()
		return nil, err
	}
	return q.Records.Open(ctx, g, types...)
}

// types are those of a record that a query can look at; none for all.
func types(query *search.Query) []string {
	for _, c := range query.Clauses {
		if len(c.Open()) > 0 {
			return nil
		}
	}
	if len(query.Include) > 0 {
		return nil
	}
	if query.Type == "Patient" {
		return []string{"Patient", "Consent"}
	}
	// The Patient says whether where people live is withheld.
	return []string{query.Type, "Patient"}
}

// ofAll takes out the condition that a resource is of the citizen whose record
// this is: all that is linked to a citizen is.
func (q *request) ofAll(clauses []*search.Clause, citizen string) []*search.Clause {
	return slices.DeleteFunc(clauses, func(c *search.Clause) bool {
		if c.Within.Type == "Patient" {
			return c.Within.ID == citizen
		}
		return c.Param != nil && c.Param.Kind == search.Reference && slices.ContainsFunc(c.Values, func(v string) bool {
			return strings.TrimPrefix(strings.TrimPrefix(v, q.base+"/"), "Patient/") == citizen
		})
	})
}

// maxIDs is how many ids one search may name.
const maxIDs = 100

// searchIDs finds resources by their ids alone: each in the record that it
// belongs to, as a read would.
func (q *request) searchIDs(query *search.Query, cur cursor) (*answers, error) {
	ids := named(query.Clauses)
	if len(ids) > maxIDs {
		return nil, fault.E("api.search", fault.TooLong, "a search names at most 100 ids", "_id")
	}
	f := &fields{}
	for _, id := range ids {
		if !fhir.IsID(id) {
			continue
		}
		one, err := q.fieldOf(query.Type, id, cur.at())
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security) {
			continue
		}
		if err != nil {
			return nil, err
		}
		f.add(one)
	}
	return q.find(f, query, cur)
}

// fieldOf is the field that a resource stands in: a record, or what is of no person.
func (q *request) fieldOf(typ, id string, n uint64) (field, error) {
	g, err := q.Access.ItemPage(q.r.Context(), q.subject, typ, id, audit.Search, n)
	if err != nil {
		q.lack()
		return nil, err
	}
	if directoryGrant(g) {
		return &systemField{q: q, g: g, n: n}, nil
	}
	v, err := q.Records.Open(q.r.Context(), g)
	if err != nil {
		return nil, err
	}
	return q.inRecord(v), nil
}

// directoryGrant says whether a Grant is for what is of no person.
func directoryGrant(g grant.Grant) bool { return g.Citizen().ID == "" }

// fields are several fields as one: of a search that names what stands in several records.
type fields struct{ list []field }

func (f *fields) add(one field) { f.list = append(f.list, one) }

func (f *fields) each(typ string, clauses []*search.Clause, before store.ItemID, yield func(*hit) bool) error {
	for _, one := range f.list {
		more := true
		err := one.each(typ, clauses, before, func(h *hit) bool {
			more = yield(h)
			return more
		})
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func (f *fields) get(typ, id string) (*hit, error) {
	for _, one := range f.list {
		if h, err := one.get(typ, id); h != nil || err != nil {
			return h, err
		}
	}
	return nil, nil
}

func (f *fields) referring(typ string, by *search.Parameter, to []search.Target, yield func(*hit) bool) error {
	for _, one := range f.list {
		if err := one.referring(typ, by, to, yield); err != nil {
			return err
		}
	}
	return nil
}

func (f *fields) endless(string, []*search.Clause) bool { return false }
func (f *fields) expect(int)                            {}

// directory are the types that are of no person: anyone who has signed in may
// search them.
var directory = map[string]bool{"Organization": true, "Practitioner": true, "PractitionerRole": true, "Location": true, "HealthcareService": true, "Endpoint": true}
