// Package api is FHIR R4 over HTTP: /fhir, its errors as OperationOutcomes, its
// CapabilityStatement from the same tables that serve. It asks access for a
// Grant before it reads, and hands every write to ingest; it knows no store.
// https://hl7.org/fhir/R4/http.html
package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"selda/access"
	"selda/access/record"
	"selda/bulk"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/fhir/validate"
	"selda/ingest"
	"selda/ingest/classify"
	"selda/nhs"
	"selda/policy"
	"selda/terminology"
)

// MaxBody is the largest body that is read, in bytes.
const MaxBody = 64 << 20

// Writer is the port to the door in.
type Writer interface {
	Submit(ctx context.Context, raw *ingest.Raw) (*ingest.Receipt, error)
}

// API serves /fhir.
type API struct {
	Access  *access.Access
	Records *record.Records
	Ingest  Writer
	Cursors *Cursors
	// Subject says who asks.
	Subject func(*http.Request) (policy.Subject, error)
	// Parameters are those that can be searched by; R4's where nil.
	Parameters func() *search.Parameters
	// Lists are those by which items are labelled; the box's where nil.
	Lists func() *classify.Lists
	// Subscriptions are those who are told of changes; nil where nobody is.
	Subscriptions Subscriptions
	// Terminology is the terminology service; that of R4's own definitions where nil.
	Terminology func() (*terminology.Service, error)
	// Closures are clients' closure tables; nil where none are kept.
	Closures Closures
	// Bulk are the exports and imports, or nil where none can be asked for;
	// Settled waits until what was taken in before is committed.
	Bulk    *bulk.Jobs
	Settled func(context.Context) error
	Inputs  Inputs // where files are imported from
	// Exclusive gives the caller alone, of all nodes, what a name stands for; nil
	// where there is one node.
	Exclusive func(ctx context.Context, name string) (release func(), err error)
	// Validator holds resources against their definitions; none is held where nil.
	Validator func() (*validate.Validator, error)
	// Published finds a definition of the standard or of a package, by its id or by
	// its canonical URL, of which one is empty; nil where nothing is published.
	Published func(typ, id, url string) (*fhir.Resource, error)
	// ProfilesOf is what a source wants done about profiles.
	ProfilesOf func(nhs.Source) Profiles
	// Organisation is an organisation's name; nil where codes have to do.
	Organisation func(nhs.ODS) string
	Now          func() time.Time
	Version      string // of this build, for the CapabilityStatement
	// PublicURL is where clients reach the server, "https://selda.example"; the address
	// of each request where it is empty. Behind a proxy that ends TLS that address would say http,
	// and a client that followed a link would send its token in the clear.
	PublicURL string

	conditions conditions
	statement  statement
}

func (a *API) parameters() *search.Parameters {
	if a.Parameters == nil {
		return search.R4()
	}
	return a.Parameters()
}

// request is one request on its way.
type request struct {
	*API
	w       http.ResponseWriter
	r       *http.Request
	subject policy.Subject
	path    []string  // below /fhir
	base    string    // https://host/fhir
	xml     bool      // the answer is XML
	at      time.Time // when what is answered with was written
	status  int       // of the error, where its kind does not say it
	asked   url.Values
	posted  bool                 // the search was, or the one of which this is a page
	found   []validate.Issue     // what should be known of what was written
	people  *access.Caseload     // nil until it is asked for, as at peopleAt
	service *terminology.Service // as the one who asks sees it; nil until it is asked
	Terms   search.Terms         // the same, for searches

	peopleAt uint64
}

// ServeHTTP serves everything below /fhir.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := &request{API: a, w: w, r: r, base: a.base(r)}
	q.Terms = &searchTerms{q: q}
	rest := strings.Trim(strings.TrimPrefix(r.URL.Path, "/fhir"), "/")
	if rest != "" {
		q.path = strings.Split(rest, "/")
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	err := q.negotiate()
	if err == nil {
		err = q.unpack()
	}
	if err != nil {
		q.fail(err)
		return
	}
	if len(q.path) == 1 && q.path[0] == "metadata" { // it needs no sign-in
		err = q.serve()
	} else if err = q.signedOn(); err == nil {
		q.notice()
		err = q.serve()
	}
	if err != nil {
		q.fail(err)
	}
}

// signedOn finds who asks, and for which patient an application was launched.
func (q *request) signedOn() (err error) {
	if q.subject, err = q.Subject(q.r); err == nil {
		q.subject, err = q.Access.Launched(q.r.Context(), q.subject)
	}
	return err
}

// base is what the links of an answer begin with.
func (a *API) base(r *http.Request) string {
	if a.PublicURL != "" {
		return strings.TrimSuffix(a.PublicURL, "/") + "/fhir"
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + "/fhir"
}

// serve dispatches by the shape of the path, then by method: one wildcard, by hand.
// https://hl7.org/fhir/R4/http.html#summary
func (q *request) serve() error {
	const op = "api"
	if err := q.scoped(); err != nil {
		return err
	}
	n := len(q.path)
	at := func(i int) string {
		if i < n {
			return q.path[i]
		}
		return ""
	}
	first := at(0)
	switch {
	case n == 0:
		return q.onSystem()
	case n == 1 && first == "metadata":
		return q.only("GET, HEAD", q.metadata)
	case first == "Subscription" && q.Subscriptions != nil:
		return q.subscribing()
	case first == "AuditEvent" && q.trailed():
		return q.auditing()
	case n == 1 && strings.HasPrefix(first, "$"):
		return q.operate(onSystem, "", "", first)
	case n >= 2 && first == jobsAt:
		return q.job()
	case n == 1 && first == "_history":
		return q.only("GET, HEAD", func() error { return q.history("", "") })
	case n == 1 && first == "_search":
		return q.only("POST", q.searchAll)
	case !fhir.IsResourceType(first):
		return fault.E(op, fault.NotFound, "there is no such resource type or operation")
	case n == 1:
		return q.onType(first)
	case n == 2 && at(1) == "_search":
		return q.only("POST", func() error { return q.search(first) })
	case n == 2 && at(1) == "_history":
		return q.only("GET, HEAD", func() error { return q.history(first, "") })
	case n == 2 && strings.HasPrefix(at(1), "$"):
		return q.operate(onType, first, "", at(1))
	case n == 2:
		return q.onInstance(first, at(1))
	case n == 3 && at(2) == "_history":
		return q.only("GET, HEAD", func() error { return q.history(first, at(1)) })
	case n == 3 && strings.HasPrefix(at(2), "$"):
		return q.operate(onInstance, first, at(1), at(2))
	case n == 3 && (fhir.IsResourceType(at(2)) || at(2) == "*"):
		return q.only("GET, HEAD", func() error { return q.compartment(first, at(1), at(2)) })
	case n == 4 && at(3) == "_search" && (fhir.IsResourceType(at(2)) || at(2) == "*"):
		return q.only("POST", func() error { return q.compartment(first, at(1), at(2)) })
	case n == 4 && at(2) == "_history":
		return q.only("GET, HEAD", func() error { return q.vread(first, at(1), at(3)) })
	case n == 5 && at(2) == "_history" && at(4) == "$meta":
		return q.only("GET, HEAD, POST", func() error { return q.metaOfVersion(first, at(1), at(3)) })
	}
	return fault.E(op, fault.NotFound, "there is no such operation: /fhir/metadata says what there is")
}

func (q *request) onSystem() error {
	switch q.r.Method {
	case http.MethodPost:
		return q.bundle()
	case http.MethodGet, http.MethodHead:
		return q.searchAll()
	}
	return q.refuse("GET, HEAD, POST")
}

func (q *request) onType(typ string) error {
	switch q.r.Method {
	case http.MethodGet, http.MethodHead:
		return q.search(typ)
	case http.MethodPost:
		return q.create(typ)
	case http.MethodPut:
		return q.updateWhere(typ)
	case http.MethodPatch:
		return q.patchWhere(typ)
	case http.MethodDelete:
		return q.deleteWhere(typ)
	}
	return q.refuse("GET, HEAD, POST, PUT, PATCH, DELETE")
}

func (q *request) onInstance(typ, id string) error {
	switch q.r.Method {
	case http.MethodGet, http.MethodHead:
		return q.read(typ, id)
	case http.MethodPut:
		return q.update(typ, id)
	case http.MethodPatch:
		return q.patch(typ, id)
	case http.MethodDelete:
		return q.delete(typ, id)
	}
	return q.refuse("GET, HEAD, PUT, PATCH, DELETE")
}

// only carries out what a path has for some methods.
func (q *request) only(allow string, do func() error) error {
	for _, m := range strings.Split(allow, ", ") {
		if m == q.r.Method {
			return do()
		}
	}
	return q.refuse(allow)
}

// refuse answers a method that a path does not have.
func (q *request) refuse(allow string) error {
	q.w.Header().Set("Allow", allow)
	q.status = http.StatusMethodNotAllowed
	return fault.E("api", fault.NotSupported, "this interaction is not supported: /fhir/metadata says what is")
}

// query are the parameters of the URL, parsed once.
func (q *request) query() url.Values {
	if q.asked == nil {
		q.asked = q.r.URL.Query()
	}
	return q.asked
}

// system says whether a source system asks.
func (q *request) system() bool { return q.subject.Role == nhs.SourceSystem }
