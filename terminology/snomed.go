package terminology

import (
	"selda/fault"
	"selda/terminology/index"
)

// snomedFilter is a filter that SNOMED CT defines; done is false where it is
// one of the standard's. https://hl7.org/fhir/R4/snomedct.html#filter-properties
func snomedFilter(x *index.Index, f Filter) (s *index.Set, done bool, err error) {
	switch {
	case f.Property == "concept" && f.Op == "in":
		c, ok := x.Find(f.Value)
		r, is := x.Refset(c)
		if !ok || !is {
			return nil, true, fault.E("terminology.filter", fault.NotFound, "the release has no reference set "+f.Value, "ValueSet.compose.include.filter.value")
		}
		s = x.NewSet()
		x.AddMembers(s, r)
		return s, true, nil
	}
	return nil, false, nil
}
