package api

import (
	"hash/fnv"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"selda/audit"
	"selda/fault"
	"selda/fhir"
)

// Conditional interactions name a resource by what is said of it. They match
// only what the one who asks wrote, and see, themselves.
// https://hl7.org/fhir/R4/http.html#cond-update

// conditions are locks: two that ask for the same condition come one after the
// other, so that both can't find nothing and both make it.
type conditions [64]sync.Mutex

// exclusively locks what some conditions need, in an order that is always the
// same; on several nodes at all of them.
func (q *request) exclusively(keys ...string) (release func(), err error) {
	var held []int
	for _, k := range keys {
		h := fnv.New32a()
		_, _ = h.Write([]byte(k))
		if i := int(h.Sum32() % uint32(len(q.conditions))); !slices.Contains(held, i) {
			held = append(held, i)
		}
	}
	slices.Sort(held)
	var undo []func()
	release = func() {
		for _, f := range slices.Backward(undo) {
			f()
		}
	}
	for _, i := range held {
		q.conditions[i].Lock()
		undo = append(undo, q.conditions[i].Unlock)
		if q.Exclusive == nil {
			continue
		}
		f, err := q.Exclusive(q.r.Context(), "condition-"+strconv.Itoa(i))
		if err != nil {
			release()
			return nil, err
		}
		undo = append(undo, f)
	}
	return release, nil
}

// meeting finds, up to a limit, the resources of a type that meet a condition.
func (q *request) meeting(typ, where string, limit int, place string) ([]*hit, error) {
	const op = "api.conditional"
	params, err := url.ParseQuery(where)
	if err != nil {
		return nil, fault.E(op, fault.Invalid, "the condition is not well-formed", place)
	}
	query, err := q.scope().Parse(typ, params)
	if err != nil {
		if fault.Is(err, fault.Value) { // of the condition, and not of the resource
			q.status = http.StatusBadRequest
		}
		return nil, fault.E(op, fault.KindOf(err), fault.Reason(err), place)
	}
	if len(query.Unknown) > 0 {
		return nil, fault.E(op, fault.NotSupported, "the condition has a parameter that is not known for "+typ+": "+query.Unknown[0], place)
	}
	if len(query.Clauses) == 0 {
		q.status = http.StatusPreconditionFailed
		return nil, fault.E(op, fault.Required, "a condition says what it looks for: "+typ+"?identifier=system|value", place)
	}
	f, err := q.conditioned(typ)
	if err != nil {
		return nil, err
	}
	query.Count, query.Sort, query.Include, query.Total, query.Summary = limit, nil, nil, "none", ""
	a, err := q.find(f, query, cursor{})
	if err != nil {
		return nil, err
	}
	return a.page, nil
}

// theMatch is the one resource that meets a condition; nil where none does.
func (q *request) theMatch(typ, where, place string) (*hit, error) {
	found, err := q.meeting(typ, where, 2, place)
	switch {
	case err != nil || len(found) == 0:
		return nil, err
	case len(found) > 1:
		return nil, fault.E("api.conditional", fault.MultipleMatches, "more than one resource meets the condition", place)
	}
	return found[0], nil
}

// createUnless is conditional create.
func (q *request) createUnless(typ, where string, body []byte) error {
	release, err := q.exclusively(typ + "?" + where)
	if err != nil {
		return err
	}
	defer release()
	h, err := q.theMatch(typ, where, "If-None-Exist")
	if err != nil {
		return err
	}
	if h == nil {
		return q.post(typ, body)
	}
	return q.there(h)
}

// there answers with a resource that need not be made.
func (q *request) there(h *hit) error {
	body := h.body()
	r, err := fhir.ParseTrusted(body)
	if err != nil {
		return err
	}
	version := r.Get("meta", "versionId").Text()
	q.headers(version, h.Updated)
	q.w.Header().Set("Location", q.base+"/"+h.Type+"/"+h.ID+"/_history/"+version)
	return q.prefer(http.StatusOK, body)
}

// updateWhere is conditional update.
func (q *request) updateWhere(typ string) error {
	const op = "api.update"
	body, err := q.body()
	if err != nil {
		return err
	}
	if err := q.mayWrite(audit.Update, typ); err != nil {
		return err
	}
	match, err := q.ifUpdated()
	if err != nil {
		return err
	}
	compact, err := q.checked(body)
	if err != nil {
		return err
	}
	r, err := fhir.ParseTrusted(compact)
	if err != nil {
		return err
	}
	where := q.r.URL.RawQuery
	release, err := q.exclusively(typ + "?" + where)
	if err != nil {
		return err
	}
	defer release()
	h, err := q.theMatch(typ, where, "")
	switch {
	case err != nil:
		return err
	case h == nil && r.ID == "":
		return q.post(typ, compact)
	case h == nil:
		return q.put(typ, r.ID, match, compact)
	case r.ID != "" && r.ID != h.ID:
		return fault.E(op, fault.Invalid, "the resource's id is not that of the resource that meets the condition", "id")
	}
	return q.put(typ, h.ID, match, withID(compact, h.ID))
}

// withID is a resource with an id.
func withID(compact []byte, id string) []byte {
	return fhir.Overlay(compact, fhir.Marshal(fhir.Object{"id": id}))
}

// deleteWhere is conditional delete: of all that meet the condition, or of none.
func (q *request) deleteWhere(typ string) error {
	if err := q.mayWrite(audit.Delete, typ); err != nil {
		return err
	}
	where := q.r.URL.RawQuery
	release, err := q.exclusively(typ + "?" + where)
	if err != nil {
		return err
	}
	defer release()
	found, err := q.meeting(typ, where, maxDeleted+1, "")
	if err != nil {
		return err
	}
	if len(found) > maxDeleted {
		return fault.E("api.delete", fault.TooCostly, "more than "+strconv.Itoa(maxDeleted)+" resources meet the condition: say more")
	}
	if len(found) > 0 {
		var entries []fhir.Object
		for _, h := range found {
			entries = append(entries, fhir.Object{"request": fhir.Object{"method": "DELETE", "url": h.Type + "/" + h.ID}})
		}
		bundle := fhir.Marshal(fhir.Object{"resourceType": "Bundle", "type": "transaction", "entry": entries})
		if _, err := q.submit("POST", bundle, q.subject.Source, ""); err != nil {
			return err
		}
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// maxDeleted is how many resources one conditional delete takes away.
const maxDeleted = 500
