package access

import (
	"time"

	"selda/policy"
	"selda/store"
)

// signedTypes are what is signed off after a stay or visit: its summary and its
// results (G7).
var signedTypes = []string{"DiagnosticReport", "DocumentReference", "Composition"}

// unsigned marks the encounters, calls and incidents of an organisation of which a report or a letter
// of its own waits to be signed off: by the encounter that it names, else by its
// time.
func unsigned(f *policy.Facts, waiting []*store.Version) error {
	for _, v := range waiting {
		r, err := v.Resource()
		if err != nil {
			return err
		}
		named := r.Get("encounter", "reference").Text()
		if named == "" {
			named = r.Get("context", "encounter", "reference").Text()
		}
		for i := range f.Relationships {
			rel := &f.Relationships[i]
			if rel.Kind != "encounter" && rel.Kind != "call" && rel.Kind != "incident" || rel.Organisation != v.Source.Organisation() {
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
