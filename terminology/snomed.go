package terminology

import (
	"selda/fault"
	"selda/terminology/ecl"
	"selda/terminology/index"
)

// snomedFilter is a filter that SNOMED CT defines; done is false where it is
// one of the standard's. https://hl7.org/fhir/R4/snomedct.html#filter-properties
func snomedFilter(x *index.Index, f Filter, left *int) (s *index.Set, done bool, err error) {
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
	case f.Property == "expressions": // whether compositions of concepts are meant, too: here they never are
		return x.All(true), true, nil
	case (f.Property == "constraint" || f.Property == "expression") && f.Op == "=":
		e, err := ecl.Parse(f.Value)
		if err != nil {
			return nil, true, err
		}
		s, err = e.EvaluateWithin(x, left)
		return s, true, err
	}
	return nil, false, nil
}
