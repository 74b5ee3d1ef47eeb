package terminology

import (
	"slices"
	"strings"

	"selda/fault"
	"selda/terminology/index"
)

// Versions are versions of code systems that a question asks for, by system.
// https://hl7.org/fhir/R4/valueset-operation-expand.html
type Versions struct {
	Default map[string]string // where a value set names none
	Force   map[string]string // whatever a value set names
	Check   map[string]string // anything else is an error
	// Exclude are systems, or system|version, of which no code is wanted.
	Exclude []string
}

// WithVersions is the service, bound to versions. What it compiles is its own.
func (s *Service) WithVersions(v Versions) *Service {
	return &Service{libraries: s.libraries, versions: &v}
}

// choose is the version that is asked for where a value set names one, or none.
func (v *Versions) choose(system, named string) string {
	switch {
	case v == nil:
		return named
	case v.Force[system] != "":
		return v.Force[system]
	case named == "":
		return v.Default[system]
	}
	return named
}

// check refuses a code system that is there in another version than was asked for.
func (v *Versions) check(system string, x *index.Index) error {
	if v == nil || x == nil || v.Check[system] == "" || isVersion(x.Meta().Version, v.Check[system]) {
		return nil
	}
	return fault.E("terminology.compile", fault.Conflict, "the value set takes its codes from version "+x.Meta().Version+" of "+system+", not from version "+v.Check[system], "check-system-version")
}

func (v *Versions) excludes(system string, x *index.Index) bool {
	return v != nil && slices.ContainsFunc(v.Exclude, func(e string) bool {
		s, version, _ := strings.Cut(e, "|")
		return s == system && (version == "" || x != nil && isVersion(x.Meta().Version, version))
	})
}

// isVersion says whether a version is the one asked for, or, of SNOMED CT, one
// of the edition. https://hl7.org/fhir/R4/snomedct.html#versions
func isVersion(have, asked string) bool {
	return have == asked || strings.HasPrefix(asked, SNOMED+"/") && strings.HasPrefix(have, asked+"/version/")
}
