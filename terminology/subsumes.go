package terminology

import "selda/fault"

// How one code relates to another, as $subsumes tells.
// https://hl7.org/fhir/R4/valueset-concept-subsumption-outcome.html
const (
	Equivalent  = "equivalent"
	Subsumes    = "subsumes"
	SubsumedBy  = "subsumed-by"
	NotSubsumed = "not-subsumed"
)

// Subsumes tells how code a relates to code b of one system.
// https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
func (s *Service) Subsumes(system, version, a, b string) (string, error) {
	const op = "terminology.Subsumes"
	x, err := s.system(op, system, version)
	if err != nil {
		return "", err
	}
	if h := x.Meta().Hierarchy; h != "" && h != "is-a" {
		return "", fault.E(op, fault.NotSupported, "the hierarchy of "+system+" is not of kinds: it means "+h)
	}
	ca, ok := x.Find(a)
	if !ok {
		return "", noCode(op, system, a)
	}
	cb, ok := x.Find(b)
	if !ok {
		return "", noCode(op, system, b)
	}
	switch {
	case ca == cb:
		return Equivalent, nil
	case x.Subsumes(ca, cb):
		return Subsumes, nil
	case x.Subsumes(cb, ca):
		return SubsumedBy, nil
	}
	return NotSubsumed, nil
}
