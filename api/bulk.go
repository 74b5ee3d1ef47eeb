package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"selda/audit"
	"selda/bulk"
	"selda/fault"
	"selda/fhir"
	"selda/nhs"
)

// This file is what exports and imports have in common to the outside: how they
// stand, what they made, and their end.
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-status-request

// jobsAt is where jobs are asked for: /fhir/_bulk/id, and their files below it.
const jobsAt = "_bulk"

// respondsAsync says whether the client will come back for the answer.
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#headers
func (q *request) respondsAsync() bool { return q.prefers("respond-async") }

// prefers says whether the Prefer header has a word.
func (q *request) prefers(word string) bool {
	for _, h := range q.r.Header.Values("Prefer") {
		for p := range strings.SplitSeq(h, ",") {
			for one := range strings.SplitSeq(p, ";") {
				if strings.TrimSpace(one) == word {
					return true
				}
			}
		}
	}
	return false
}

// takeOn has a job carried out, and says where to ask how it stands.
func (q *request) takeOn(kind string, ask any) error {
	j, err := q.Bulk.Add(kind, q.subject, q.address(), ask)
	if err != nil {
		if fault.Is(err, fault.Throttled) {
			q.w.Header().Set("Retry-After", strconv.Itoa(mostRetryAfter))
		}
		return err
	}
	q.w.Header().Set("Content-Location", q.base+"/"+jobsAt+"/"+j.ID)
	q.send(http.StatusAccepted, outcome("information", "informational", "it was taken on: ask at Content-Location how it stands"))
	return nil
}

// outcome is an OperationOutcome of one issue.
func outcome(severity, code, words string) []byte {
	return fhir.Marshal(fhir.Object{"resourceType": "OperationOutcome", "issue": []fhir.Object{{"severity": severity, "code": code, "diagnostics": words}}})
}

// job answers for one job, or one of its files.
func (q *request) job() error {
	const op = "api.job"
	unknown := fault.E(op, fault.NotFound, "there is no such export or import: it was cancelled, or its time is over")
	if q.Bulk == nil || len(q.path) > 3 {
		return unknown
	}
	j, err := q.Bulk.Find(q.path[1], q.subject)
	if err != nil {
		return err
	}
	if len(q.path) == 3 {
		return q.only("GET, HEAD", func() error { return q.file(j, q.path[2]) })
	}
	switch q.r.Method {
	case http.MethodGet, http.MethodHead:
		return q.standing(j)
	case http.MethodDelete:
		// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-delete-request
		if err := q.Bulk.Remove(j); err != nil {
			return err
		}
		q.send(http.StatusAccepted, outcome("information", "informational", "it was cancelled, and its files are deleted"))
		return nil
	}
	return q.refuse("GET, HEAD, DELETE")
}

// standing says how far a job is, or what it has come to.
func (q *request) standing(j *bulk.Job) error {
	if !j.Ended() {
		h := q.w.Header()
		h.Set("X-Progress", strconv.Itoa(j.Progress())+" resources so far")
		h.Set("Retry-After", strconv.Itoa(retryAfter(q.Now().Sub(j.Accepted()))))
		q.w.WriteHeader(http.StatusAccepted)
		return nil
	}
	r := j.Result()
	if r.Err != nil {
		return r.Err
	}
	q.w.Header().Set("Expires", j.Expires().UTC().Format(http.TimeFormat))
	q.sendPlain(http.StatusOK, "application/json", q.manifest(j, &r))
	return nil
}

// retryAfter is in how many seconds it is worth asking again.
func retryAfter(running time.Duration) int {
	return int(min(max(running/(10*time.Second), 1), mostRetryAfter))
}

// mostRetryAfter is how many seconds a client is told to wait at most.
const mostRetryAfter = 30

// sendPlain answers with JSON that is no resource.
func (q *request) sendPlain(status int, kind string, body []byte) {
	q.w.Header().Set("Content-Type", kind)
	q.w.WriteHeader(status)
	if q.r.Method != http.MethodHead {
		_, _ = q.w.Write(body)
	}
}

// made is one file of a manifest.
type made struct {
	Type  string `json:"type"`
	URL   string `json:"url,omitempty"`
	Count int    `json:"count"`
}

// manifest is what a job made.
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---output-manifest
func (q *request) manifest(j *bulk.Job, r *bulk.Result) []byte {
	m := struct {
		TransactionTime     string         `json:"transactionTime"`
		Request             string         `json:"request"`
		RequiresAccessToken bool           `json:"requiresAccessToken"`
		Output              []made         `json:"output"`
		Deleted             []made         `json:"deleted"`
		Error               []made         `json:"error"`
		Extension           map[string]any `json:"extension,omitempty"`
	}{TransactionTime: fhir.Instant(r.Accepted), Request: r.Request, RequiresAccessToken: true, Output: []made{}, Deleted: []made{}, Error: []made{}}
	for _, f := range r.Files {
		one := made{Type: f.Type, URL: q.base + "/" + jobsAt + "/" + j.ID + "/" + f.Name, Count: f.Count}
		switch f.Part {
		case partOutput:
			m.Output = append(m.Output, one)
		case partDeleted:
			m.Deleted = append(m.Deleted, one)
		case partError:
			m.Error = append(m.Error, one)
		}
	}
	if j.Kind() == bulk.Import {
		m.Extension = map[string]any{importCounts: r.Counts}
	}
	b, _ := json.Marshal(m)
	return b
}

// The parts of a manifest.
const (
	partOutput  = "output"
	partDeleted = "deleted"
	partError   = "error"
)

// importCounts is the extension of an import's manifest: how many lines were
// read, stored, unchanged and refused.
const importCounts = "https://selda.example/import-counts"

// file sends one file, whole or from where a download broke off. It is decided
// and recorded anew each time.
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-output-file-request
func (q *request) file(j *bulk.Job, name string) error {
	if err := q.mayFetch(name); err != nil {
		return err
	}
	packed := strings.Contains(q.r.Header.Get("Accept-Encoding"), "gzip")
	f, err := j.Open(name, packed)
	if err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("Content-Type", "application/fhir+ndjson")
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", `"`+j.ID+"."+name+`"`)
	if packed {
		h.Set("Content-Encoding", "gzip")
		h.Set("ETag", `"`+j.ID+"."+name+`.gz"`)
	}
	http.ServeContent(&unhurried{ResponseWriter: q.w}, q.r, "", j.Result().Ended, f)
	return nil
}

// mayFetch decides on a download, and has it recorded.
func (q *request) mayFetch(name string) error {
	ctx := q.r.Context()
	if q.subject.Role == nhs.Citizen {
		own, err := q.Access.Own(ctx, q.subject)
		if err != nil {
			return err
		}
		_, err = q.Access.Record(ctx, q.subject, own, "file of an export: "+name)
		return err
	}
	_, err := q.Access.System(ctx, q.subject, audit.Export, "file of an export: "+name)
	return err
}

// unhurried lets a slow client take its time, as long as it takes something.
type unhurried struct{ http.ResponseWriter }

// stalled is how long a client may take nothing at all.
const stalled = 2 * time.Minute

// Write is io.Writer's.
func (w *unhurried) Write(b []byte) (int, error) {
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(stalled))
	return w.ResponseWriter.Write(b)
}

// RunJob carries out an export or import that was taken on.
func (a *API) RunJob(ctx context.Context, j *bulk.Job) error {
	if j.Kind() == bulk.Import {
		return a.runImport(ctx, j)
	}
	return a.runExport(ctx, j)
}
