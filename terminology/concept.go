package terminology

// Concept is the name of a code, and whether its code system has it. known is
// false where the whole of the system is not there: then nothing is said.
func (s *Service) Concept(system, version, code string) (display string, exists, known bool) {
	x, err := s.CodeSystem(system, version)
	if err != nil || x == nil || !whole(x) {
		return "", false, false
	}
	l, err := s.Lookup(system, version, code, "")
	if err != nil {
		return "", false, true
	}
	return l.Display, true, true
}

// Named says whether a text is one of the names of a code, however it is
// capitalised and spaced.
func (s *Service) Named(system, code, display string) bool {
	l, err := s.Lookup(system, "", code, "")
	if err != nil {
		return false
	}
	v := &Validation{Result: true}
	v.checkDisplay(display, l.Display, l.Designations)
	return v.Result
}
