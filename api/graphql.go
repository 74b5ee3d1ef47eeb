package api

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/graphql"
)

// GraphQL, of one resource and of the system.
// https://hl7.org/fhir/R4/graphql.html

func init() {
	offer(operation{name: "graphql", at: onSystem | onInstance, definition: core + "Resource-graphql", run: (*request).graphql})
}

// graphqlInput is a query as GraphQL's clients post it.
// https://graphql.org/learn/serving-over-http/
type graphqlInput struct {
	Query         string          `json:"query"`
	OperationName string          `json:"operationName"`
	Variables     json.RawMessage `json:"variables"`
}

func (q *request) graphql(typ, id string) error {
	in, err := q.graphqlInput()
	if err != nil {
		return err
	}
	n, err := q.Records.N(q.r.Context())
	if err != nil {
		return err
	}
	from := &graphqlSource{q: q, n: n, known: map[string]*fhir.Resource{}}
	ask := graphql.Request{Operation: in.OperationName, Now: q.Now()}
	if typ == "" {
		if q.subject.User == "" {
			return fault.E("api.graphql", fault.Login, "nobody is signed in")
		}
	} else if ask.Resource, err = from.root(typ, id); err != nil {
		return err
	}
	if len(in.Variables) > 0 {
		if ask.Variables, err = fhir.ParseTree(in.Variables); err != nil {
			return err
		}
	}
	d, err := graphql.Parse(in.Query)
	var data []byte
	if err == nil {
		data, err = graphql.Execute(d, ask, from)
	}
	switch fault.KindOf(err) {
	case fault.Login, fault.Expired, fault.Security, fault.NoStore, fault.Transient:
		return err
	case fault.Exception:
		if err != nil {
			return err
		}
		q.sendPlain(http.StatusOK, "application/json", append(append([]byte(`{"data":`), data...), '}'))
		return nil
	}
	q.graphqlFailed(err)
	return nil
}

// graphqlFailed says in GraphQL's words why a query is not answered, with the
// OperationOutcome beside them. https://spec.graphql.org/June2018/#sec-Errors
func (q *request) graphqlFailed(err error) {
	issue := fhir.Object{"severity": "error", "code": fault.KindOf(err).String(), "diagnostics": fault.Reason(err)}
	message := fault.Reason(err)
	if p := fault.PlaceOf(err); p != "" {
		issue["expression"], message = []string{p}, message+" ("+p+")"
	}
	status := http.StatusBadRequest
	if q.status != 0 {
		status = q.status
	}
	q.sendPlain(status, "application/json", fhir.Marshal(fhir.Object{"errors": []fhir.Object{{"message": message,
		"extensions": fhir.Object{"resource": fhir.Object{"resourceType": "OperationOutcome", "issue": []fhir.Object{issue}}}}}}))
}

// maxGraphQL is the largest body of a query, in bytes.
const maxGraphQL = 512 << 10

// graphqlInput reads the query: of the URL, of a body that is nothing else, of
// JSON, or of Parameters.
func (q *request) graphqlInput() (in graphqlInput, err error) {
	const op = "api.graphql"
	in.Query, in.OperationName = q.query().Get("query"), q.query().Get("operationName")
	if v := q.query().Get("variables"); v != "" {
		in.Variables = json.RawMessage(v)
	}
	if q.r.Method == http.MethodPost {
		body, err := io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, maxGraphQL))
		if err != nil {
			return in, fault.E(op, fault.TooLong, "the query is larger than 512 KiB, or was cut off")
		}
		kind, _, _ := strings.Cut(q.r.Header.Get("Content-Type"), ";")
		switch kind = strings.TrimSpace(kind); {
		case kind == "application/graphql":
			in.Query = string(body)
		case strings.Contains(kind, "json") && len(body) > 0:
			if err := in.read(body); err != nil {
				return in, err
			}
		case len(body) > 0:
			q.status = http.StatusUnsupportedMediaType
			return in, fault.E(op, fault.NotSupported, "a query is posted as application/graphql, or as JSON with the member query")
		}
	}
	if in.Query == "" {
		return in, fault.E(op, fault.Required, "there is no query", "query")
	}
	return in, nil
}

// read reads a body of JSON.
func (in *graphqlInput) read(body []byte) error {
	n, err := fhir.ParseTree(body)
	if err != nil {
		return err
	}
	if n.Member("resourceType").Is("Parameters") {
		for _, p := range n.List("parameter") {
			switch v := p.Get("valueString").Text(); p.Get("name").Text() {
			case "query":
				in.Query = v
			case "operationName":
				in.OperationName = v
			case "variables":
				in.Variables = json.RawMessage(v)
			}
		}
		return nil
	}
	in.Query, in.OperationName = n.Member("query").Text(), n.Member("operationName").Text()
	if v := n.Member("variables"); v.IsObject() {
		in.Variables = v.JSON()
	}
	return nil
}

// graphqlSource is what the one who asks may see, as at one n: the fields that
// were opened for the query, and those that it names besides, each under a Grant.
type graphqlSource struct {
	q     *request
	n     uint64
	open  fields
	known map[string]*fhir.Resource // by Type/id; nil of what is not there
}

// root is the resource that the query is asked of.
func (s *graphqlSource) root(typ, id string) (*fhir.Resource, error) {
	f, err := s.fieldFor(typ, id)
	if err != nil {
		return nil, err
	}
	s.open.add(f)
	r, err := s.Get(typ, id)
	if err == nil && r == nil {
		err = fault.E("api.graphql", fault.NotFound, "there is no such resource")
	}
	return r, err
}

// fieldFor is the field that a resource stands in.
func (s *graphqlSource) fieldFor(typ, id string) (field, error) {
	q := s.q
	if q.system() {
		g, err := q.Access.System(q.r.Context(), q.subject, audit.Search, "$graphql")
		return &systemField{q: q, g: g, n: s.n}, err
	}
	if typ == "Patient" {
		v, err := q.openPage(id, "Patient/"+id+"/$graphql", s.n)
		if err == nil {
			return q.inRecord(v), nil
		}
		if !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Security) {
			return nil, err
		}
	}
	return q.fieldOf(typ, id, s.n)
}

// Get is graphql.Source's. What may not be seen is as what never was.
func (s *graphqlSource) Get(typ, id string) (*fhir.Resource, error) {
	key := typ + "/" + id
	if r, known := s.known[key]; known {
		return r, nil
	}
	h, err := s.open.get(typ, id)
	if h == nil && err == nil && (!s.q.system() || len(s.open.list) == 0) {
		var f field
		if f, err = s.fieldFor(typ, id); err == nil {
			if h, err = f.get(typ, id); h != nil {
				s.open.add(f)
			}
		}
	}
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security) {
		h, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r *fhir.Resource
	if h != nil {
		if r, err = fhir.ParseTrusted(h.body()); err != nil {
			return nil, err
		}
	}
	s.known[key] = r
	return r, nil
}

// Search is graphql.Source's.
func (s *graphqlSource) Search(typ string, params url.Values) (*graphql.Page, error) {
	q := s.q
	if cursor := params.Get("_cursor"); cursor != "" {
		params.Set("_page", cursor)
	}
	params.Del("_cursor")
	path := typ + "/$graphql"
	a, err := q.searched(path, typ, params, nil)
	if err != nil {
		return nil, err
	}
	if len(a.query.Unknown) > 0 {
		return nil, fault.E("api.graphql", fault.Value, "there is no such search parameter of "+typ, a.query.Unknown[0])
	}
	page := &graphql.Page{Count: a.total, Offset: a.cur.Offset, PageSize: a.query.Count}
	if page.PageSize < 0 {
		page.PageSize = defaultCount
	}
	page.PageSize = min(page.PageSize, maxCount)
	for _, list := range [][]*hit{a.page, a.with} {
		for _, h := range list {
			r, err := fhir.ParseTrusted(h.body())
			if err != nil {
				return nil, err
			}
			s.known[h.Type+"/"+h.ID] = r
			page.Edges = append(page.Edges, graphql.Edge{Mode: h.mode, Resource: r})
		}
	}
	if a.next != nil {
		c := *a.next
		c.Query, c.Type, c.User, c.Made = used(a.self, nil).Encode(), path, q.reader(), q.Now().Unix()
		if page.Next, err = q.Cursors.seal(c); err != nil {
			return nil, err
		}
	}
	return page, nil
}
