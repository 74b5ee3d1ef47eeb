package api

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"

	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/fhir/validate"
	"selda/ingest"
	"selda/ingest/fhirtofhir"
	"selda/ingest/mapped"
	"selda/nhs"
)

// body reads the request's body.
func (q *request) body() ([]byte, error) {
	if len(q.path) > 0 && q.bare(q.path[0]) && q.r.Method != http.MethodPatch && !strings.Contains(q.r.URL.Path, "$") {
		return q.wrapped()
	}
	if unsupported(q.r) {
		q.status = http.StatusUnsupportedMediaType
		return nil, fault.E("api.body", fault.NotSupported, "the body is application/fhir+json or application/fhir+xml")
	}
	b, err := io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, MaxBody))
	if err != nil {
		return nil, broken(err, "64 MiB")
	}
	if len(b) == 0 {
		return nil, fault.E("api.body", fault.Structure, "the body is empty")
	}
	return b, nil
}

// compactOf is a body, JSON or XML, as compact JSON.
func compactOf(body []byte) ([]byte, error) {
	if fhir.IsXML(body) {
		return fhir.FromXML(body)
	}
	return fhir.Compact(body)
}

// relative are resources whose references by this server's own base are relative:
// both name the same. What a transaction calls its entries stays.
// https://hl7.org/fhir/R4/references.html#literal
func (q *request) relative(compact []byte, entries map[string]bool) []byte {
	own := q.base + "/"
	if !bytes.Contains(compact, []byte(own)) {
		return compact
	}
	return fhir.RewriteReferences(compact, func(ref string) string {
		if rest, ok := strings.CutPrefix(ref, own); ok && !entries[ref] && search.ParseReference(rest).Type != "" {
			return rest
		}
		return ref
	})
}

// submit hands one interaction to ingest and waits for its commit.
func (q *request) submit(call string, body []byte, source nhs.Source, about string) (ingest.Outcome, error) {
	ctx := q.r.Context()
	r, err := q.Ingest.Submit(ctx, &ingest.Raw{Source: source, Format: ingest.FHIR, Door: "fhir", Call: call, About: about, Body: body})
	if err != nil {
		return ingest.Outcome{}, err
	}
	out, err := r.Committed(ctx)
	if err == nil && out.Err != nil {
		err = out.Err
	}
	return out, err
}

// mayWrite asks for the Grant to write as a source system.
func (q *request) mayWrite(action, what string) error {
	_, err := q.Access.System(q.r.Context(), q.subject, action, what)
	return err
}

// Create. https://hl7.org/fhir/R4/http.html#create
func (q *request) create(typ string) error {
	body, err := q.body()
	if err != nil {
		return err
	}
	if typ == "Consent" && q.subject.Role == nhs.Citizen {
		return q.consent(body)
	}
	if err := q.mayWrite(audit.Create, typ); err != nil {
		return err
	}
	if body, err = q.checked(body); err != nil {
		return err
	}
	if where := q.r.Header.Get("If-None-Exist"); where != "" {
		return q.createUnless(typ, where, body)
	}
	return q.post(typ, body)
}

// post makes a new resource.
func (q *request) post(typ string, body []byte) error {
	out, err := q.submit("POST "+typ, body, q.subject.Source, "")
	if err != nil {
		return err
	}
	return q.written(out, typ, http.StatusCreated)
}

// Update. https://hl7.org/fhir/R4/http.html#update
func (q *request) update(typ, id string) error {
	body, err := q.body()
	if err != nil {
		return err
	}
	match, err := q.ifUpdated()
	if err != nil {
		return err
	}
	if typ == "Consent" && q.subject.Role == nhs.Citizen {
		return q.restate(id, putCall(typ, id, match), body)
	}
	if err := q.mayWrite(audit.Update, typ+"/"+id); err != nil {
		return err
	}
	if body, err = q.checked(body); err != nil {
		return err
	}
	return q.put(typ, id, match, body)
}

// ifMatch is the version that the If-Match header names; 0 where there is none.
func (q *request) ifMatch() int { return fhirtofhir.Match(q.r.Header.Get("If-Match")) }

// noVersion stands for the version of what may not be there yet, anyVersion for
// that of what must be.
const (
	noVersion  = mapped.Nothing
	anyVersion = mapped.Something
)

// ifUpdated is the version that an update replaces, by If-Match; noVersion where
// If-None-Match says that it may only make what is not there.
// https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
func (q *request) ifUpdated() (int, error) {
	switch q.r.Header.Get("If-None-Match") {
	case "":
		return q.ifMatch(), nil
	case "*":
		if q.r.Header.Get("If-Match") == "" {
			return noVersion, nil
		}
	}
	return 0, fault.E("api.update", fault.NotSupported, "an update has the header If-Match with a version, or If-None-Match: *", "If-None-Match")
}

func putCall(typ, id string, match int) string {
	call := "PUT " + typ + "/" + id
	switch {
	case match == noVersion:
		call += " *"
	case match == anyVersion:
		call += " +"
	case match > 0:
		call += " " + strconv.Itoa(match)
	}
	return call
}

// put writes a resource's next version, or its first.
func (q *request) put(typ, id string, match int, body []byte) error {
	out, err := q.submit(putCall(typ, id, match), body, q.subject.Source, "")
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if i, ok := itemOf(out, typ); ok && i.Existed {
		status = http.StatusOK
	}
	return q.written(out, typ, status)
}

// Delete. https://hl7.org/fhir/R4/http.html#delete
func (q *request) delete(typ, id string) error {
	if err := q.mayWrite(audit.Delete, typ+"/"+id); err != nil {
		return err
	}
	call := "DELETE " + typ + "/" + id
	if match := q.ifMatch(); match > 0 {
		call += " " + strconv.Itoa(match)
	}
	if _, err := q.submit(call, []byte("{}"), q.subject.Source, ""); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

func itemOf(out ingest.Outcome, typ string) (ingest.Item, bool) {
	for _, i := range out.Items {
		if i.Type == typ && i.Place == "" {
			return i, true
		}
	}
	return ingest.Item{}, false
}

// written answers a create or update, as Prefer asks.
// https://hl7.org/fhir/R4/http.html#ops
func (q *request) written(out ingest.Outcome, typ string, status int) error {
	i, ok := itemOf(out, typ)
	if !ok {
		return fault.E("api.written", "nothing was written")
	}
	q.headers(strconv.Itoa(i.Version), i.At)
	q.w.Header().Set("Location", q.base+"/"+typ+"/"+i.ID+"/_history/"+strconv.Itoa(i.Version))
	if !q.echoed(typ) {
		q.w.WriteHeader(status)
		return nil
	}
	return q.prefer(status, fhir.Dress(i.Body, i.ID, strconv.Itoa(i.Version), i.At))
}

// stored says that a resource was taken, and what it should be known for.
func stored(issues []validate.Issue) []byte {
	return fhir.Marshal(validate.Outcome(append([]validate.Issue{{Severity: validate.Information, Code: "informational", Text: "stored"}}, issues...)))
}

// prefer answers a write with what the client prefers.
// https://hl7.org/fhir/R4/http.html#ops
func (q *request) prefer(status int, body []byte) error {
	switch prefer := q.r.Header.Get("Prefer"); {
	case strings.Contains(prefer, "return=minimal"):
		q.w.WriteHeader(status)
	case strings.Contains(prefer, "return=OperationOutcome"):
		q.send(status, stored(q.found))
	default:
		q.send(status, body)
	}
	return nil
}
