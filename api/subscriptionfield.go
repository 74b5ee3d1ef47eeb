package api

import (
	"net/http"
	"strconv"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/policy"
	"selda/store"
	"selda/subscription"
)

// subscriptionField is the Subscriptions that the one who asks has: what their
// searches and conditions are asked of.
type subscriptionField struct{ q *request }

func (f *subscriptionField) each(typ string, _ []*search.Clause, _ store.ItemID, yield func(*hit) bool) error {
	if typ != "Subscription" {
		return fault.E("api.subscription", fault.NotSupported, "a Subscription is asked for by what it says itself, without _has and _list", typ)
	}
	list, err := f.q.Subscriptions.List(f.q.r.Context(), f.q.subject)
	if err != nil {
		return err
	}
	for _, r := range list {
		h, err := subscriptionHit(r)
		if err != nil {
			return err
		}
		if !yield(h) {
			return nil
		}
	}
	return nil
}

func subscriptionHit(r *subscription.Resource) (*hit, error) {
	res, err := fhir.ParseTrusted(r.Body)
	return &hit{Candidate: search.Candidate{Type: "Subscription", ID: r.ID, Updated: r.At, Res: res}, body: func() []byte { return r.Body }, mode: "match"}, err
}

func (f *subscriptionField) get(string, string) (*hit, error) { return nil, nil }

func (f *subscriptionField) referring(string, *search.Parameter, []search.Target, func(*hit) bool) error {
	return nil
}

func (f *subscriptionField) endless(string, []*search.Clause) bool { return false }

func (f *subscriptionField) expect(int) {}

// conditioned is what a condition on a type is asked of.
func (q *request) conditioned(typ string) (field, error) {
	if typ == "Subscription" && q.Subscriptions != nil {
		return &subscriptionField{q}, nil
	}
	return q.ownField(typ, store.Latest)
}

// subscriptionWhere does something with the one Subscription that meets a
// condition, or with none.
func (q *request) subscriptionWhere(where, place string, do func(*hit) error) error {
	release, err := q.exclusively("Subscription?" + where)
	if err != nil {
		return err
	}
	defer release()
	h, err := q.theMatch("Subscription", where, place)
	if err != nil {
		return err
	}
	return do(h)
}

// putSubscriptionWhere is conditional update.
func (q *request) putSubscriptionWhere(h *hit) error {
	body, err := q.body()
	if err != nil {
		return err
	}
	match, err := q.ifUpdated()
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
	switch {
	case h == nil:
		return q.takeSubscription(r.ID, max(match, 0), compact)
	case match == noVersion:
		return fault.E("api.subscription", fault.Conflict, "there is such a resource already")
	case r.ID != "" && r.ID != h.ID:
		return fault.E("api.subscription", fault.Invalid, "the resource's id is not that of the resource that meets the condition", "id")
	}
	return q.takeSubscription(h.ID, match, withID(compact, h.ID))
}

// deleteSubscriptionsWhere is conditional delete: of all that meet the condition.
func (q *request) deleteSubscriptionsWhere(where string) error {
	release, err := q.exclusively("Subscription?" + where)
	if err != nil {
		return err
	}
	defer release()
	found, err := q.meeting("Subscription", where, maxDeleted, "")
	if err != nil {
		return err
	}
	for _, h := range found {
		if err := q.Subscriptions.Delete(q.r.Context(), q.subject, h.ID); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// subscriptionHistory is the history of one, or of all that somebody has.
func (q *request) subscriptionHistory(id string) error {
	params := q.query()
	count, err := historyCount(params, maxCount)
	if err != nil {
		return err
	}
	from, to, err := between(params)
	if err != nil {
		return err
	}
	path := "Subscription/_history"
	if id != "" {
		path = "Subscription/" + id + "/_history"
	}
	cur, err := q.cursor(params, path, used(params, nil))
	if err != nil {
		return err
	}
	all, err := q.Subscriptions.History(q.r.Context(), q.subject, id)
	if err != nil {
		return err
	}
	b, total, more := newBundle("history"), 0, false
	for _, r := range all {
		if r.At.Before(from) || !to.IsZero() && !r.At.Before(to) {
			continue
		}
		switch total++; {
		case total <= cur.Offset:
		case total > cur.Offset+count:
			more = true
		default:
			b.add(q.versionEntry(&store.Version{Columns: policy.Columns{Type: "Subscription", ID: r.ID, Recorded: r.At}, Version: r.Version}, r.Body))
		}
	}
	links := q.selfLink(path, params)
	if more && count > 0 {
		if links, err = q.addNext(links, path, params, cursor{N: cur.N, Offset: cur.Offset + count}); err != nil {
			return err
		}
	}
	q.send(http.StatusOK, b.bytes(total, links))
	return nil
}

// subscriptionVersion is vread.
func (q *request) subscriptionVersion(id, version string) error {
	all, err := q.Subscriptions.History(q.r.Context(), q.subject, id)
	if err != nil {
		return err
	}
	for _, r := range all {
		if strconv.Itoa(r.Version) == version {
			q.sendSubscription(r)
			return nil
		}
	}
	return fault.E("api.subscription", fault.NotFound, "there is no such version")
}
