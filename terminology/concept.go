package terminology

import "slices"

// Concept is the name of a code, and whether its code system has it. known is
// false where the whole of the system is not there: then nothing is said, but of
// a code that no release of it can have.
func (s *Service) Concept(system, version, code string) (display string, exists, known bool) {
	if system == SNOMED && !conceivable(code) {
		return "", false, true
	}
	if name := countryName(s, system, code); name != "" {
		return name, true, true
	}
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
	if own := countryName(s, system, code); own != "" {
		return sameText(display, own) || countryCode(s, display) == ""
	}
	l, err := s.Lookup(system, "", code, "")
	if err != nil {
		return false
	}
	v := &Validation{Result: true}
	v.checkDisplay(display, l.Display, l.Designations)
	return v.Result
}

// countries is the system of country codes, and countryNames the value set in
// which the standard lists them with their names.
const (
	countries    = "urn:iso:std:iso:3166"
	countryNames = "http://hl7.org/fhir/ValueSet/iso3166-1-2"
)

// countryName is the name of a country that is known by its code, "" of all else.
func countryName(s *Service, system, code string) string {
	if system != countries {
		return ""
	}
	return listed(s, func(l Listed) bool { return l.Code == code }).Display
}

// countryCode is the code of the country of a name. Countries go by more names
// than one: only one that is another country's is wrong for a code.
func countryCode(s *Service, name string) string {
	return listed(s, func(l Listed) bool { return sameText(l.Display, name) }).Code
}

func listed(s *Service, is func(Listed) bool) Listed {
	v, err := s.ValueSet(countryNames)
	if v == nil || err != nil {
		return Listed{}
	}
	for _, i := range v.Include {
		if k := slices.IndexFunc(i.Concepts, is); k >= 0 {
			return i.Concepts[k]
		}
	}
	return Listed{}
}
