package api

import (
	"selda/fhir/search"
	"selda/store"
)

// This file answers searches across citizens by a code with ranges of dates or
// amounts: by the index of ordered values.

// order lets a field use the ordered values for a query; nil where it can't.
func (f *systemField) order(query *search.Query, scope *search.Scope) *search.Ranged {
	if !f.endless(query.Type, query.Clauses) || f.ofTypes != nil {
		return nil
	}
	r := scope.Ranged(query)
	if r != nil && r.Narrow {
		f.ordered, f.orderedType = r, query.Type
	}
	return r
}

// counted is how many resources meet a query. Only those are read of which the
// index can't tell.
func (f *systemField) counted(query *search.Query, r *search.Ranged) (int, error) {
	of := rangeOf(query.Type, r)
	of.N = f.n
	found, err := f.q.Records.Ranged(f.q.r.Context(), f.g, of)
	n := found.Sure
	if err == nil {
		err = f.items(found.Items, func(h *hit) bool {
			if h.meets(query) {
				n++
			}
			return true
		})
	}
	return n, err
}

// rangeOf asks the store for what may meet the ranges.
func rangeOf(typ string, r *search.Ranged) store.Range {
	return store.Range{Type: typ, Keys: r.Keys, Meets: r.Meets}
}

// ranged gives the resources that may meet the ranges, the latest made first.
func (f *systemField) ranged(before store.ItemID, yield func(*hit) bool) error {
	limit := maxFound + 1
	if f.page > 0 {
		limit = f.page
	}
	more := true
	for more {
		of := rangeOf(f.orderedType, f.ordered)
		of.N, of.Before, of.Limit = f.n, before, limit
		found, err := f.q.Records.Ranged(f.q.r.Context(), f.g, of)
		if err != nil {
			return err
		}
		err = f.items(found.Items, func(h *hit) bool {
			more = yield(h)
			return more
		})
		if err != nil || len(found.Items) < limit {
			return err
		}
		before, limit = found.Items[len(found.Items)-1], maxFound+1
	}
	return nil
}

// items reads some, until f wants no more.
func (f *systemField) items(list []store.ItemID, yield func(*hit) bool) error {
	for len(list) > 0 {
		some := list[:min(chunk, len(list))]
		list = list[len(some):]
		versions, err := f.q.Records.Items(f.q.r.Context(), f.g, some, f.n)
		if err != nil {
			return err
		}
		if more, err := eachHit(versions, yield); err != nil || !more {
			return err
		}
	}
	return nil
}
