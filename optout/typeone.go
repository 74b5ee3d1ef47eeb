package optout

import (
	"time"

	"selda/fhir"
)

// The codes by which practices record a Type 1 objection and that it was
// withdrawn. SNOMED CT UK: dissent from, and withdrawn dissent from, secondary use
// of general practitioner patient identifiable data.
const (
	dissent   = "827241000000103"
	withdrawn = "827261000000102"
	snomed    = "http://snomed.info/sct"
)

// Coded is an entry of a practice's record about the Type 1 objection.
type Coded struct {
	Objects bool
	When    time.Time
}

// TypeOneOf reads such an entry; false where a resource is something else, or is
// not in force.
func TypeOneOf(r *fhir.Resource, when time.Time) (Coded, bool) {
	for _, name := range []string{"status", "verificationStatus"} {
		s := r.Get(name)
		if s.Is("entered-in-error") || s.Is("cancelled") || s.Get("coding").Exists() && coded(s, "entered-in-error", "") {
			return Coded{}, false
		}
	}
	c := r.Get("code")
	switch {
	case coded(c, dissent, snomed):
		return Coded{true, when}, true
	case coded(c, withdrawn, snomed):
		return Coded{false, when}, true
	}
	return Coded{}, false
}

func coded(concept fhir.Node, code, system string) bool {
	for _, c := range concept.List("coding") {
		if c.Get("code").Is(code) && (system == "" || c.Get("system").Is(system)) {
			return true
		}
	}
	return false
}

// TypeOne says whether somebody objects, by the entries of their practices: the
// latest counts. Of two of one time, and of one without a time, the objection does.
func TypeOne(entries []Coded) bool {
	objects := false
	var latest time.Time
	for _, e := range entries {
		if e.When.IsZero() && e.Objects {
			return true
		}
		if e.When.After(latest) {
			latest, objects = e.When, e.Objects
		} else if e.When.Equal(latest) {
			objects = objects || e.Objects
		}
	}
	return objects
}
