package access

import (
	"context"
	"time"

	"selda/policy"
	"selda/relationship"
	"selda/store"
)

// signedTypes are what is signed off after a stay or visit: its summary and its
// results (G7).
var signedTypes = []string{"DiagnosticReport", "DocumentReference", "Composition"}

// unsigned marks the encounters of an organisation of which it has a report or
// a letter that is not final yet: by the encounter that it names, else by its
// time.
func (a *Access) unsigned(ctx context.Context, f *policy.Facts, s store.Subject, n uint64) error {
	versions, err := a.Store.Compartment(ctx, s, n, system, signedTypes...)
	if err != nil {
		return err
	}
	for _, v := range versions {
		r, err := v.Resource()
		if err != nil {
			return err
		}
		if !relationship.Pending(r) {
			continue
		}
		named := r.Get("encounter", "reference").Text()
		if named == "" {
			named = r.Get("context", "encounter", "reference").Text()
		}
		for i := range f.Relationships {
			rel := &f.Relationships[i]
			if rel.Kind != "encounter" || rel.Organisation != v.Source.Organisation() {
				continue
			}
			if named == rel.Of || named == "" && within(v.When, rel.From, rel.To) {
				rel.Unsigned = true
			}
		}
	}
	return nil
}

func within(t, from, to time.Time) bool {
	return !t.IsZero() && !t.Before(from) && (to.IsZero() || !t.After(to))
}
