package api

import (
	"net/http"
	"strconv"
	"strings"

	"selda/access"
	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/policy"

	"selda/store"
)

// The trail at /fhir/AuditEvent: it is read and searched, and never written to. A
// source system has AuditEvents of its own there, as of any type; they are no part
// of the trail.

// trailed says whether AuditEvents are the trail to who asks.
func (q *request) trailed() bool { return !q.system() && q.Access.Trail != nil }

// auditing serves the interactions with AuditEvents.
func (q *request) auditing() error {
	n := len(q.path)
	last := q.path[n-1]
	switch {
	case n == 1:
		return q.only("GET, HEAD", func() error { return q.search("AuditEvent") })
	case n == 2 && last == "_search":
		return q.only("POST", func() error { return q.search("AuditEvent") })
	case n == 2 && !strings.HasPrefix(last, "_") && !strings.HasPrefix(last, "$"):
		return q.only("GET, HEAD", func() error { return q.auditEventOf(last) })
	}
	return fault.E("api", fault.NotSupported, "AuditEvents are the trail: they are read and searched, and have no versions and no operations")
}

// auditEventOf reads one.
func (q *request) auditEventOf(id string) error {
	events, err := q.Access.OpenEvents(q.r.Context(), q.subject, "", "AuditEvent/"+id)
	if err != nil {
		return err
	}
	seq, _ := strconv.ParseUint(id, 10, 64)
	if strconv.FormatUint(seq, 10) != id {
		seq = 0 // no entry has it
	}
	e, err := events.Get(q.r.Context(), seq)
	if b := q.subject.Scopes.Bound(); err == nil && b != "" && e.Citizen != b { // an application that is for another's record
		err = fault.E("api.auditEvent", fault.NotFound, "there is no such resource")
	}
	if err != nil {
		return err
	}
	if q.headers("1", e.At); !q.unchanged() {
		q.send(http.StatusOK, q.part("AuditEvent", q.auditEvent(e, events.Plain())))
	}
	return nil
}

// searchTrail answers a search of AuditEvents, the latest first.
func (q *request) searchTrail(query *search.Query, cur cursor) (*answers, error) {
	f := &trailField{q: q, narrow: narrowed(query.Clauses)}
	if len(query.Sort) == 1 && query.Sort[0].Down && query.Sort[0].Param != nil && query.Sort[0].Param.Code == "date" {
		query.Sort = nil // so they are
	}
	if err := q.mayDo(need{"AuditEvent", policy.ToSearch}); err != nil { // GraphQL asks here, too
		return nil, err
	}
	if b := q.subject.Scopes.Bound(); b != "" {
		if f.narrow.Citizen != "" && f.narrow.Citizen != b {
			return nothing(query, cur), nil
		}
		f.narrow.Citizen = b
	}
	var err error
	if f.events, err = q.Access.OpenEvents(q.r.Context(), q.subject, f.narrow.Citizen, "AuditEvent search"); err != nil {
		if f.narrow.Citizen != "" && (fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security)) && q.theirs() {
			return nothing(query, cur), nil // nobody of whom the reader may know anything
		}
		return nil, err
	}
	return q.find(f, query, cur)
}

// maxWalked is how many entries one search looks through for a page.
const maxWalked = 20_000

// trailField is the entries of the trail that the one who asks may see.
type trailField struct {
	q      *request
	events *access.Events
	narrow audit.Query
}

func (f *trailField) each(typ string, clauses []*search.Clause, before store.ItemID, yield func(*hit) bool) error {
	if typ != "AuditEvent" {
		return fault.E("api.auditEvent", fault.NotSupported, "an AuditEvent is asked for by what it says itself, without chains, _has and _list", typ)
	}
	walked, query := 0, f.narrow
	query.Before = audit.Position(before)
	err := f.events.Walk(f.q.r.Context(), query, func(at audit.Position, e audit.Entry) bool {
		if walked++; walked > maxWalked {
			return false
		}
		body := f.q.auditEvent(e, f.events.Plain())
		res, err := fhir.ParseTrusted(body)
		if err != nil {
			return false
		}
		return yield(&hit{Candidate: search.Candidate{Type: "AuditEvent", ID: res.ID, Updated: e.At, Res: res}, item: store.ItemID(at), body: func() []byte { return body }, mode: "match"})
	})
	if err == nil && walked > maxWalked {
		err = fault.E("api.auditEvent", fault.TooCostly, "more than "+strconv.Itoa(maxWalked)+" entries would have to be looked through: say a patient, a user (altid), an action or a stretch of time (date)")
	}
	return err
}

func (f *trailField) get(string, string) (*hit, error) { return nil, nil }

func (f *trailField) referring(string, *search.Parameter, []search.Target, func(*hit) bool) error {
	return nil
}

// endless: the trail is too long to be counted unless it is asked for.
func (f *trailField) endless(string, []*search.Clause) bool { return true }

func (f *trailField) expect(int) {}

// narrowed is what the index of the trail can find of a search: the rest is
// asked of each entry.
func narrowed(clauses []*search.Clause) (q audit.Query) {
	for _, c := range clauses {
		if c.Within.Type == "Patient" {
			q.Citizen = c.Within.ID
		}
		if c.Param == nil || c.Chain != nil || len(c.Values) != 1 || c.Modifier != "" && c.Modifier != "Patient" {
			continue
		}
		switch v := c.Values[0]; c.Param.Code {
		case "patient", "entity":
			if t := search.ParseReference(v); t.Type == "Patient" {
				q.Citizen = t.ID
			} else if c.Param.Code == "patient" || c.Modifier == "Patient" {
				q.Citizen = v
			}
		case "altid":
			if !strings.Contains(v, "|") {
				q.User = v
			}
		case "date":
			if from, to, ok := c.Window(); ok {
				if from.After(q.From) {
					q.From = from
				}
				if !to.IsZero() && (q.To.IsZero() || to.Before(q.To)) {
					q.To = to
				}
			}
		}
	}
	return q
}
