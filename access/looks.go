package access

import (
	"context"
	"slices"

	"selda/audit"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Seen is an entry of the trail of somebody's record as the one may see it whose
// record it is, or who acts for them; false where they may not know of it. Their pages, the
// proofs that they take away and their AuditEvents all show this and no more.
func Seen(s policy.Subject, e audit.Entry) (audit.Entry, bool) {
	if e.Concealed {
		return audit.Entry{}, false // a protective enquiry, or one whose telling was deferred (G8, G9, G25)
	}
	if (e.Action == audit.BreakGlass || e.Purpose == nhs.Emergency) && s.Role == nhs.Proxy {
		return audit.Entry{}, false // the person is told, nobody for them (G9)
	}
	if s.Role == nhs.Proxy && (e.Role == nhs.Citizen || e.What == statedFor || e.What == actsFor || e.What == aCase) {
		return audit.Entry{}, false // what a child does with their own record, and says at their practice, is theirs (G11)
	}
	if s.Role == nhs.Proxy {
		e.Choices = nil // that the person keeps something private is not for who acts for them (G11)
	}
	e.Signs = nil // they are raised to the privacy officer alone
	if e.User != s.User {
		// Which item somebody read may be one that is hidden (G8); accounts are
		// not needed to know who it was. That a type was searched names no item.
		e.User, e.From, e.Request = "", "", ""
		if !e.Searched() {
			e.What = ""
		}
	}
	return e, true
}

// of asks for the entries of a citizen's record: also for those from before somebody
// was merged into them, which stand under the id of then.
func (a *Access) of(ctx context.Context, citizen string) (audit.Query, error) {
	q := audit.Query{Citizen: citizen}
	found, err := a.Index.Citizen(ctx, citizen, store.Latest)
	if fault.Is(err, fault.NotFound) {
		return q, nil
	}
	if err == nil {
		q.Former, err = a.Index.Former(ctx, found)
	}
	return q, err
}

// Looks are the entries of a record, the latest first, as its citizen may see
// them. The Grant for the record is what entitles to it: it is asked for before.
func (a *Access) Looks(ctx context.Context, s policy.Subject, citizen string, limit int) ([]audit.Entry, error) {
	q, err := a.of(ctx, citizen)
	if err != nil {
		return nil, fault.E("access.Looks", err)
	}
	q.Limit = limit
	entries, err := a.Trail.Find(ctx, q)
	if err != nil {
		return nil, fault.E("access.Looks", err)
	}
	kept, err := a.Kept(ctx, citizen)
	if err != nil {
		return nil, fault.E("access.Looks", err)
	}
	out := entries[:0]
	for _, e := range entries {
		if seen, ok := kept.Seen(s, e); ok {
			out = append(out, seen)
		}
	}
	return out, nil
}

// ProveLook is the file that proves an entry of a record: it shows what its
// citizen may see of it, and nothing else. One that they may not know of is answered as
// one that never was.
func (a *Access) ProveLook(ctx context.Context, s policy.Subject, citizen string, seq uint64) ([]byte, error) {
	const op = "access.ProveLook"
	q, err := a.of(ctx, citizen)
	if err != nil {
		return nil, fault.E(op, err)
	}
	e, err := a.Trail.Entry(ctx, seq)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, fault.E(op, err)
	}
	if err != nil || !q.Of(&e) {
		return nil, fault.E(op, fault.NotFound, "there is no such access")
	}
	kept, err := a.Kept(ctx, citizen)
	if err != nil {
		return nil, fault.E(op, err)
	}
	seen, ok := kept.Seen(s, e)
	if !ok {
		return nil, fault.E(op, fault.NotFound, "there is no such access")
	}
	show := []string{audit.PartAct, audit.PartReason}
	for _, p := range []struct{ name, value string }{{audit.PartName, seen.Name}, {audit.PartUser, seen.User}, {audit.PartWhat, seen.What}} {
		if p.value != "" {
			show = append(show, p.name)
		}
	}
	slices.Sort(show)
	return a.Trail.Prove(ctx, seq, show...)
}
