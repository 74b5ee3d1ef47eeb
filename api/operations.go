package api

import (
	"net/http"
	"slices"
	"strings"

	"selda/fault"
	"selda/fhir"
)

// level is where an operation can be asked.
// https://hl7.org/fhir/R4/operations.html
type level uint8

const (
	onSystem level = 1 << iota
	onType
	onInstance
)

// operation is one named operation.
type operation struct {
	name       string
	at         level
	types      []string // nil for all
	changes    bool     // by POST only
	definition string
	run        func(q *request, typ, id string) error
}

// operations are all that there are. The CapabilityStatement is made from them.
var operations []operation

// offer puts operations into the table.
func offer(list ...operation) { operations = append(operations, list...) }

func init() {
	offer(
		operation{name: "everything", at: onType | onInstance, types: []string{"Patient"}, definition: core + "Patient-everything", run: (*request).everything},
		operation{name: "everything", at: onInstance, types: []string{"Encounter"}, definition: core + "Encounter-everything", run: (*request).everything},
	)
}

// core is where the standard's definitions of operations are.
const core = "http://hl7.org/fhir/OperationDefinition/"

// operate carries an operation out.
func (q *request) operate(at level, typ, id, name string) error {
	for i := range operations {
		o := &operations[i]
		if o.name != strings.TrimPrefix(name, "$") || o.at&at == 0 || typ != "" && o.types != nil && !slices.Contains(o.types, typ) {
			continue
		}
		read := q.r.Method == http.MethodGet || q.r.Method == http.MethodHead
		if q.r.Method != http.MethodPost && (!read || o.changes) {
			allow := "GET, HEAD, POST"
			if o.changes {
				allow = "POST"
			}
			return q.refuse(allow)
		}
		return o.run(q, typ, id)
	}
	return fault.E("api", fault.NotFound, "there is no such operation here: /fhir/metadata says what there is")
}

// parameters of an operation: those of the URL, and of a body that is a
// Parameters resource. A body of another kind is the operation's own input.
type arguments struct {
	body   *fhir.Resource // the body; nil where there is none
	values map[string][]string
	parts  map[string][]fhir.Node // of the Parameters, by name
}

// arguments reads the input of an operation.
func (q *request) arguments() (*arguments, error) {
	a := &arguments{values: map[string][]string{}, parts: map[string][]fhir.Node{}}
	for k, v := range q.r.URL.Query() {
		a.values[k] = v
	}
	if q.r.Method != http.MethodPost {
		return a, nil
	}
	kind, _, _ := strings.Cut(q.r.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(kind) == "application/x-www-form-urlencoded" {
		q.r.Body = http.MaxBytesReader(q.w, q.r.Body, 1<<20)
		if err := q.r.ParseForm(); err != nil {
			return nil, fault.E("api.arguments", fault.Invalid, "the form is not well-formed")
		}
		for k, v := range q.r.PostForm {
			a.values[k] = append(a.values[k], v...)
		}
		return a, nil
	}
	if q.r.ContentLength == 0 {
		return a, nil
	}
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	compact, err := compactOf(body)
	if err != nil {
		return nil, err
	}
	if a.body, err = fhir.ParseTrusted(compact); err != nil || a.body.Type != "Parameters" {
		return a, err
	}
	for _, p := range a.body.Root().List("parameter") {
		name := p.Get("name").Text()
		a.parts[name] = append(a.parts[name], p)
		if _, v := p.First("value"); v.Exists() && !v.IsObject() {
			a.values[name] = append(a.values[name], v.Text())
		}
	}
	return a, nil
}

// text is the first value of a parameter.
func (a *arguments) text(name string) string {
	if v := a.values[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// resource is a parameter that is a resource; or, of the name given first, the
// body itself where it is no Parameters.
func (a *arguments) resource(name string) (*fhir.Resource, error) {
	if p := a.parts[name]; len(p) > 0 {
		return p[0].Get("resource").Resource()
	}
	if a.body != nil && a.body.Type != "Parameters" {
		return a.body, nil
	}
	return nil, nil
}
