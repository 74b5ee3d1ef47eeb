package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/audit"
	"selda/bulk"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/validate"
)

// Import of NDJSON, by a source system, as its own resources under the ids that
// they have: posted as the body, and answered when all of it is committed; or
// named by URL, as an operator allows, and answered as an export is.
// https://github.com/smart-on-fhir/bulk-import

func init() {
	offer(operation{name: "import", at: onSystem, changes: true, definition: "https://selda.example/OperationDefinition/import", run: (*request).imports})
}

// importAsk is what an import is asked for.
type importAsk struct {
	Inputs []importInput `json:"inputs"`
}

// importInput is one file.
type importInput struct {
	Type string `json:"type"` // of its resources; "" where it was not said
	URL  string `json:"url"`
}

// imports takes an import on.
func (q *request) imports(_, _ string) error {
	const op = "api.import"
	if q.Bulk == nil {
		return fault.E(op, fault.NotSupported, "this server keeps no files, and so can't import")
	}
	if err := q.mayWrite(audit.Create, "$import"); err != nil {
		return err
	}
	kind, _, _ := strings.Cut(q.r.Header.Get("Content-Type"), ";")
	if slices.Contains(ndjson, strings.TrimSpace(kind)) {
		return q.importBody()
	}
	var ask importAsk
	var err error
	if ask.Inputs, err = q.importInputs(); err != nil {
		return err
	}
	if !q.respondsAsync() {
		return fault.E(op, fault.NotSupported, "an import of files takes its time: ask for it with the header Prefer: respond-async", "Prefer")
	}
	if len(ask.Inputs) == 0 {
		return fault.E(op, fault.Required, "no file is named: input, each with its type and url", "input")
	}
	for _, in := range ask.Inputs {
		if _, err := q.Inputs.find(in.URL); err != nil {
			return err
		}
	}
	slices.SortStableFunc(ask.Inputs, func(a, b importInput) int { return rank(a.Type) - rank(b.Type) })
	return q.takeOn(bulk.Import, &ask)
}

// importInputs are the files that are named: by Parameters, or by the JSON object
// that https://github.com/smart-on-fhir/bulk-import has for it.
func (q *request) importInputs() (inputs []importInput, err error) {
	const op = "api.import"
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	var o struct {
		ResourceType string
		InputFormat  string
		Input        []importInput
	}
	if json.Unmarshal(body, &o) == nil && o.ResourceType == "" && o.Input != nil {
		if f := o.InputFormat; f != "" && !slices.Contains(ndjson, f) {
			return nil, fault.E(op, fault.NotSupported, "the format of an import is application/fhir+ndjson", "inputFormat")
		}
		return o.Input, nil
	}
	q.r.Body = io.NopCloser(bytes.NewReader(body))
	args, err := q.arguments()
	if err != nil {
		return nil, err
	}
	if args.body == nil || args.body.Type != "Parameters" {
		return nil, fault.E(op, fault.NotSupported, "an import is NDJSON, as application/fhir+ndjson, or names its files: in Parameters, or in a JSON object with inputFormat and input")
	}
	for _, p := range args.parts["input"] {
		var in importInput
		for _, part := range p.List("part") {
			_, v := part.First("value")
			switch part.Get("name").Text() {
			case "type":
				in.Type = v.Text()
			case "url":
				in.URL = v.Text()
			}
		}
		inputs = append(inputs, in)
	}
	return inputs, nil
}

// rank puts those whom others are about before them.
func rank(typ string) int {
	if typ == "Patient" {
		return 0
	}
	return 1
}

// importBody imports what is posted.
func (q *request) importBody() error {
	body := &steady{Reader: q.r.Body, w: q.w}
	j, err := q.Bulk.Begin(bulk.Import, q.subject, q.address(), nil)
	if err != nil {
		return err
	}
	ctx := q.r.Context()
	x := &importing{a: q.API, j: j, source: q.subject.Source}
	err = x.run(ctx, func(context.Context, int, int64) (io.ReadCloser, error) { return io.NopCloser(body), nil }, 1)
	if err := j.End(err); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	r := j.Result()
	_ = http.NewResponseController(q.w).SetWriteDeadline(time.Now().Add(stalled))
	q.sendPlain(http.StatusOK, "application/json", q.manifest(j, &r))
	return nil
}

// steady lets a client take its time to send, as long as it sends something.
type steady struct {
	io.Reader
	w http.ResponseWriter
}

// Read is io.Reader's.
func (s *steady) Read(b []byte) (int, error) {
	_ = http.NewResponseController(s.w).SetReadDeadline(time.Now().Add(stalled))
	return s.Reader.Read(b)
}

// runImport carries out an import of files, from where it was when it was
// broken off.
func (a *API) runImport(ctx context.Context, j *bulk.Job) error {
	by, err := j.By()
	if err != nil {
		return err
	}
	var ask importAsk
	if err := j.Ask(&ask); err != nil {
		return err
	}
	if _, err := a.Access.System(ctx, by, audit.Create, "$import"); err != nil {
		return err
	}
	x := &importing{a: a, j: j, source: by.Source}
	if _, err := j.Place(&x.at); err != nil {
		return err
	}
	return x.run(ctx, func(ctx context.Context, i int, from int64) (io.ReadCloser, error) {
		in, err := a.Inputs.find(ask.Inputs[i].URL)
		if err != nil {
			return nil, err
		}
		x.input = ask.Inputs[i].URL
		return in.open(ctx, from)
	}, len(ask.Inputs))
}

// Where the outcome of a line says which it is, and of which file.
const (
	lineExtension  = "https://selda.example/import-line"
	inputExtension = "https://selda.example/import-input"
)

// lineOutcome is why a line was not imported, and how to mend it.
func lineOutcome(input string, line int, err error) []byte {
	issues := refused(err)
	if issues == nil {
		_, within, _ := strings.Cut(fault.PlaceOf(err), "].")
		issues = []validate.Issue{{Code: fault.KindOf(err).String(), Expression: within, Text: fault.Reason(err)}}
	}
	for i := range issues {
		issues[i].Text = "line " + strconv.Itoa(line) + ": " + issues[i].Text
	}
	o := validate.Outcome(issues)
	o["extension"] = []fhir.Object{{"url": lineExtension, "valueInteger": line}}
	if input != "" {
		o["extension"] = append(o["extension"].([]fhir.Object), fhir.Object{"url": inputExtension, "valueUri": input})
	}
	return fhir.Marshal(o)
}
