package api

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/ingest/fhirtofhir"
)

// Batch and transaction. https://hl7.org/fhir/R4/http.html#transaction
func (q *request) bundle() error {
	body, err := q.body()
	if err != nil {
		return err
	}
	compact, err := compactOf(body)
	if err != nil {
		return err
	}
	r, err := fhir.ParseTrusted(compact)
	if err != nil {
		return err
	}
	if r.Type == "Bundle" && r.Get("type").Is("batch") {
		return q.batch(r)
	}
	if err := q.mayWrite(audit.Create, "Bundle"); err != nil {
		return err
	}
	if r.Type != "Bundle" || !r.Get("type").Is("transaction") {
		return fault.E("api.transaction", fault.Invalid, "only a Bundle of type transaction or batch is posted to the base", "Bundle.type")
	}
	fulls := map[string]bool{}
	for _, e := range r.Root().List("entry") {
		fulls[e.Get("fullUrl").Text()] = true
	}
	if compact = q.relative(compact, fulls); len(compact) != len(r.JSON) {
		if r, err = fhir.ParseTrusted(compact); err != nil {
			return err
		}
	}
	t := &transaction{q: q, entries: r.Root().List("entry"), local: map[string]string{}}
	if err = t.carryOut(compact); fault.Is(err, fault.Conflict) && t.matched() {
		q.status = http.StatusPreconditionFailed
	}
	return err
}

// carryOut does all that a Bundle asks for, or nothing.
func (t *transaction) carryOut(compact []byte) error {
	if err := t.scoped(); err != nil {
		return err
	}
	if err := t.subscriptions(); err != nil {
		return err
	}
	if err := t.checked(); err != nil {
		return err
	}
	if err := t.unambiguous(); err != nil {
		return err
	}
	if t.plain(compact) {
		return t.submit(compact)
	}
	release, err := t.q.exclusively(t.conditions()...)
	if err != nil {
		return err
	}
	defer release()
	if err := t.resolve(); err != nil {
		return err
	}
	if err := t.readable(); err != nil {
		return err
	}
	return t.submit(t.ordered())
}

// readable refuses a transaction that reads what is not there, before anything
// is written: each of its entries succeeds, or none is done.
// https://hl7.org/fhir/R4/http.html#transaction-response
func (t *transaction) readable() error {
	for _, s := range t.steps {
		if s.method != http.MethodGet && s.method != http.MethodHead {
			continue
		}
		place, becomes := t.place(s.entry, "request.url"), t.becomes(s.url)
		switch becomes {
		case http.MethodPut:
			continue // it will be there
		case http.MethodDelete:
			return fault.E("api.transaction", fault.Deleted, "another entry deletes what this one reads", place)
		}
		if a := t.q.single(t.entries[s.entry]); a.Code >= http.StatusBadRequest {
			words := "this can't be answered"
			if r, err := fhir.ParseTrusted(a.Body.Bytes()); err == nil {
				words = r.Get("issue", "diagnostics").Text()
			}
			kind, ok := kindOf[a.Code]
			if !ok {
				kind = fault.Invalid
			}
			t.q.status = a.Code
			return fault.E("api.transaction", kind, words, place)
		}
	}
	return nil
}

// kindOf are the kinds of what reading may meet with.
var kindOf = map[int]fault.Kind{http.StatusForbidden: fault.Security, http.StatusNotFound: fault.NotFound, http.StatusGone: fault.Deleted}

// becomes is the method by which another entry changes what a URL names; "" for none.
func (t *transaction) becomes(url string) string {
	for _, s := range t.steps {
		if s.url == url && (s.method == http.MethodPut || s.method == http.MethodDelete) {
			return s.method
		}
	}
	return ""
}

// transaction is one on its way. What it says by condition is resolved, and its
// entries put in the order of their methods, before it is handed in.
type transaction struct {
	q       *request
	entries []fhir.Node
	steps   []tstep
	told    map[int][]byte    // what is said of each entry that is written, where the client wants to be told
	local   map[string]string // fullUrl to the resource that is there already
	order   []int             // entry of each step that was handed in; nil where all were, as they stood
}

// tstep is one entry, resolved.
type tstep struct {
	entry       int
	method, url string
	match       int
	full        string
	body        []byte
	there       *hit // nothing is written: it is there already
}

// checked refuses a Bundle with a resource in it that would be refused alone.
func (t *transaction) checked() error {
	for i, e := range t.entries {
		if m := e.Get("request", "method"); !m.Is("POST") && !m.Is("PUT") {
			continue
		}
		if res := e.Get("resource"); res.Exists() {
			issues, err := t.q.issues(res, entryPlace(i))
			if err != nil {
				return err
			}
			if t.q.prefers("return=OperationOutcome") {
				if t.told == nil {
					t.told = map[int][]byte{}
				}
				t.told[i] = stored(issues)
			}
		}
	}
	return nil
}

// unambiguous refuses two entries by one name: what refers to it would lead to either.
// https://hl7.org/fhir/R4/bundle-definitions.html (bdl-7)
func (t *transaction) unambiguous() error {
	seen := make(map[string]bool, len(t.entries))
	for i, e := range t.entries {
		full := e.Get("fullUrl").Text()
		if full != "" && seen[full] {
			return fault.E("api.transaction", fault.Invalid, "another entry has the same fullUrl: each has its own", t.place(i, "fullUrl"))
		}
		seen[full] = true
	}
	return nil
}

// matched says whether an entry names the version that it changes.
func (t *transaction) matched() bool {
	return slices.ContainsFunc(t.entries, func(e fhir.Node) bool {
		return e.Get("request", "ifMatch").Exists() || e.Get("request", "ifNoneMatch").Exists()
	})
}

// plain says whether the Bundle can be handed in as it stands: it only makes
// and updates resources that it names by id, each once.
func (t *transaction) plain(compact []byte) bool {
	if strings.Contains(string(compact), `?`) && t.conditional() {
		return false
	}
	seen := map[string]bool{}
	for _, e := range t.entries {
		r := e.Get("request")
		url := r.Get("url").Text()
		m := r.Get("method").Text()
		if m != "POST" && m != "PUT" || r.Get("ifNoneExist").Exists() || strings.Contains(url, "?") || m == "PUT" && seen[url] {
			return false
		}
		seen[url] = true
	}
	return true
}

// conditional says whether a reference is a condition.
func (t *transaction) conditional() bool {
	found := false
	for _, e := range t.entries {
		if res := e.Get("resource"); res.Exists() {
			fhir.RewriteReferences(res.JSON(), func(ref string) string {
				found = found || isCondition(ref)
				return ref
			})
		}
	}
	return found
}

func isCondition(ref string) bool {
	typ, _, ok := strings.Cut(ref, "?")
	return ok && fhir.IsResourceType(typ)
}

// conditions are those on which something is made or changed.
func (t *transaction) conditions() (keys []string) {
	for _, e := range t.entries {
		r := e.Get("request")
		if where := r.Get("ifNoneExist").Text(); where != "" {
			keys = append(keys, strings.TrimSuffix(r.Get("url").Text(), "/")+"?"+where)
		} else if url := r.Get("url").Text(); strings.Contains(url, "?") && !r.Get("method").Is("GET") {
			keys = append(keys, url)
		}
	}
	return keys
}

func (t *transaction) place(i int, element string) string {
	return "Bundle.entry[" + strconv.Itoa(i) + "]." + element
}

// resolve finds what each entry means.
func (t *transaction) resolve() error {
	seen := map[string]bool{}
	for i, e := range t.entries {
		steps, err := t.step(i, e)
		if err != nil {
			return fault.E("api.transaction", fault.KindOf(err), fault.Reason(err), t.place(i, "request"))
		}
		for _, s := range steps {
			if s.method != "PUT" && s.method != "DELETE" {
				continue
			}
			if seen[s.url] {
				return fault.E("api.transaction", fault.Invalid, "another entry changes the same resource", t.place(i, "request.url"))
			}
			seen[s.url] = true
		}
		t.steps = append(t.steps, steps...)
	}
	return t.references()
}

// step is one entry, as steps that name what they change by id.
func (t *transaction) step(i int, e fhir.Node) ([]tstep, error) {
	const op = "api.transaction"
	r := e.Get("request")
	s := tstep{entry: i, method: r.Get("method").Text(), url: strings.TrimPrefix(r.Get("url").Text(), t.q.base+"/"), full: e.Get("fullUrl").Text()}
	s.match = fhirtofhir.Match(r.Get("ifMatch").Text())
	if m := r.Get("ifNoneMatch"); m.Exists() && s.match == 0 && s.method == http.MethodPut {
		if !m.Is("*") {
			return nil, fault.E(op, fault.NotSupported, "an update has ifMatch with a version, or ifNoneMatch *", t.place(i, "request.ifNoneMatch"))
		}
		s.match = noVersion
	}
	if e.Get("resource").Exists() {
		s.body = e.Get("resource").JSON()
	}
	typ, where, conditional := strings.Cut(s.url, "?")
	switch s.method {
	case "GET", "HEAD":
	case "POST":
		if where := r.Get("ifNoneExist").Text(); where != "" {
			h, err := t.q.theMatch(s.url, where, "")
			if err != nil {
				return nil, err
			}
			if s.there = h; h != nil && s.full != "" {
				t.local[s.full] = h.Type + "/" + h.ID
			}
		}
	case "PUT":
		if !conditional {
			break
		}
		h, err := t.q.theMatch(typ, where, "")
		if err != nil {
			return nil, err
		}
		id := e.Get("resource", "id").Text()
		switch {
		case h != nil && id != "" && id != h.ID:
			return nil, fault.E(op, fault.Invalid, "the resource's id is not that of the resource that meets the condition")
		case h != nil:
			s.url, s.body = typ+"/"+h.ID, withID(s.body, h.ID)
		case id != "":
			s.url = typ + "/" + id
		default:
			s.method, s.url = "POST", typ
		}
	case "PATCH":
		return t.patch(s, typ, where, conditional, e.Get("resource"))
	case "DELETE":
		if !conditional {
			break
		}
		found, err := t.q.meeting(typ, where, maxDeleted, "")
		if err != nil {
			return nil, err
		}
		var out []tstep
		for _, h := range found {
			out = append(out, tstep{entry: i, method: "DELETE", url: h.Type + "/" + h.ID})
		}
		return out, nil
	default:
		return nil, fault.E(op, fault.NotSupported, "a transaction holds GET, HEAD, POST, PUT, PATCH and DELETE")
	}
	return []tstep{s}, nil
}

// patch makes an update of a patch.
func (t *transaction) patch(s tstep, typ, where string, conditional bool, resource fhir.Node) ([]tstep, error) {
	kind, body, err := patchOf(resource)
	if err != nil {
		return nil, err
	}
	f, err := t.q.changeOf(kind, body)
	if err != nil {
		return nil, err
	}
	typ, id, _ := strings.Cut(typ, "/")
	if conditional {
		h, err := t.q.theMatch(typ, where, "")
		if err != nil {
			return nil, err
		}
		if h == nil {
			return nil, fault.E("api.transaction", fault.NotFound, "no resource meets the condition")
		}
		id = h.ID
	}
	s.method, s.url = "PUT", typ+"/"+id
	s.body, s.match, err = t.q.patched(typ, id, s.match, f)
	return []tstep{s}, err
}

// references gives conditional references, and those to entries that are
// there already, the id of what they name.
func (t *transaction) references() error {
	found := map[string]string{}
	for i := range t.steps {
		s := &t.steps[i]
		if s.body == nil || s.there != nil {
			continue
		}
		var failed error
		s.body = fhir.RewriteReferences(s.body, func(ref string) string {
			if now, ok := t.local[ref]; ok {
				return now
			}
			if !isCondition(ref) || failed != nil {
				return ref
			}
			if _, known := found[ref]; !known {
				typ, where, _ := strings.Cut(ref, "?")
				h, err := t.q.theMatch(typ, where, t.place(s.entry, "resource"))
				if err != nil || h == nil {
					if failed = err; err == nil {
						t.q.status = http.StatusPreconditionFailed
						failed = fault.E("api.transaction", fault.NotFound, "no resource meets the condition of a reference", t.place(s.entry, "resource"))
					}
					return ref
				}
				found[ref] = h.Type + "/" + h.ID
			}
			return found[ref]
		})
		if failed != nil {
			return failed
		}
		if len(t.local) > 0 {
			s.body = fhir.RewriteURIs(s.body, func(uri string) string { return cmp.Or(t.local[uri], uri) })
		}
	}
	return nil
}

// ordered is the Bundle as it is handed in: what deletes first, then what
// makes, then what updates.
func (t *transaction) ordered() []byte {
	var entries []fhir.Object
	t.order = []int{}
	for _, method := range []string{"DELETE", "POST", "PUT"} {
		for _, s := range t.steps {
			if s.method != method || s.there != nil {
				continue
			}
			request := fhir.Object{"method": s.method, "url": s.url}
			switch {
			case s.match == noVersion:
				request["ifNoneMatch"] = "*"
			case s.match == anyVersion:
				request["ifMatch"] = "*"
			case s.match > 0:
				request["ifMatch"] = `W/"` + strconv.Itoa(s.match) + `"`
			}
			o := fhir.Object{"fullUrl": s.full, "request": request}
			if s.body != nil {
				o["resource"] = json.RawMessage(s.body)
			}
			entries = append(entries, o)
			t.order = append(t.order, s.entry)
		}
	}
	return fhir.Marshal(fhir.Object{"resourceType": "Bundle", "type": "transaction", "entry": entries})
}
