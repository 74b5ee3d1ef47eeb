// Package terminology is FHIR's terminology service: code systems, value sets
// and concept maps, and what may be asked of them ($lookup, $validate-code,
// $subsumes, $expand, $translate). https://hl7.org/fhir/R4/terminology-service.html
//
// A Service answers from libraries, the nearest first: what clients have made,
// what was imported, and the R4 box, which lies in the binary and is decoded a
// resource at a time when it is asked for. A value set is compiled once: then
// membership is a look-up. What rests on a code system that is not loaded is
// not known, and never guessed.
//
// The package is pure: it reads no file and knows nothing of this system. Large
// code systems come as an index (selda/terminology/index), SNOMED CT's
// expression constraints from selda/terminology/ecl.
package terminology

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"selda/fault"
	"selda/terminology/index"
)

// Systems that the standard treats in a way of their own.
const (
	SNOMED = "http://snomed.info/sct"
	LOINC  = "http://loinc.org"
	DMD    = "https://dmd.nhs.uk"
	ICD10  = "http://hl7.org/fhir/sid/icd-10"
)

// Coding is a code in a code system.
type Coding struct{ System, Version, Code, Display string }

// Library is a place where terminology resources are found by their canonical
// URL. Where the version is "", the newest is meant. nil is none.
type Library interface {
	CodeSystem(url, version string) (*index.Index, error)
	ValueSet(url, version string) (*ValueSet, error)
	// ConceptMaps gives the maps with a canonical URL, or, where that is "",
	// those from a code system.
	ConceptMaps(url, source string) ([]*ConceptMap, error)
}

// Service answers questions of terminology. It may be used by many goroutines
// at once. The zero Service knows nothing.
type Service struct {
	libraries []Library
	versions  *Versions
	base      *Service // without the first library; nil of a service that is none's extension
	sets      sync.Map // canonical URL → *compiled
	kept      atomic.Int64
}

// maxKept bounds the memory of the value sets that are kept compiled, in bytes:
// an expression constraint can be asked that nobody asks again.
const maxKept = 64 << 20

// New is a service over libraries, the nearest first.
func New(libraries ...Library) *Service { return &Service{libraries: libraries} }

// With is the service with a library before all others. Value sets that the
// library does not have itself, and that lack nothing without it, are those of
// the service as it was.
func (s *Service) With(l Library) *Service {
	return &Service{libraries: append([]Library{l}, s.libraries...), base: s, versions: s.versions}
}

// Versioned is a code system in one version.
type Versioned struct{ System, Version string }

// lister is a library that says which code systems it has, in their versions;
// of each system the one first that is meant where none is named.
type lister interface {
	CodeSystems() ([]Versioned, error)
}

// CodeSystems are those that are loaded, by system; of each the one first that
// is meant where no version is named.
func (s *Service) CodeSystems() ([]Versioned, error) {
	var out []Versioned
	for _, l := range s.libraries {
		if l, ok := l.(lister); ok {
			list, err := l.CodeSystems()
			if err != nil {
				return nil, err
			}
			out = append(out, list...)
		}
	}
	seen := map[Versioned]bool{}
	out = slices.DeleteFunc(out, func(v Versioned) bool {
		again := seen[v]
		seen[v] = true
		return again
	})
	slices.SortStableFunc(out, func(a, b Versioned) int { return strings.Compare(a.System, b.System) })
	return out, nil
}

// canonical takes a canonical URL apart. https://hl7.org/fhir/R4/references.html#canonical
// The URL of an implicit value set has no version after it: an expression in it
// may have bars of its own.
func canonical(url string) (bare, version string) {
	if strings.Contains(url, "?fhir_vs") {
		return url, ""
	}
	bare, version, _ = strings.Cut(url, "|")
	return bare, version
}

// CodeSystem finds a code system; nil where it is not loaded.
func (s *Service) CodeSystem(url, version string) (*index.Index, error) {
	for _, l := range s.libraries {
		if x, err := l.CodeSystem(url, version); x != nil || err != nil {
			return x, err
		}
	}
	return nil, nil
}

// ValueSet finds a value set by its canonical URL, which may name a version;
// nil where it is not known. Value sets that a URL implies are among them.
func (s *Service) ValueSet(url string) (*ValueSet, error) {
	bare, version := canonical(url)
	for _, l := range s.libraries {
		if v, err := l.ValueSet(bare, version); v != nil || err != nil {
			return v, err
		}
	}
	return implicitValueSet(bare, version)
}

// ConceptMaps finds the concept map of a canonical URL, which may name a version,
// or all those from a code system.
func (s *Service) ConceptMaps(url, source string) ([]*ConceptMap, error) {
	bare, version := canonical(url)
	var out []*ConceptMap
	for _, l := range s.libraries {
		list, err := l.ConceptMaps(bare, source)
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			if version != "" && m.Version != version {
				continue
			}
			if out = append(out, m); url != "" {
				return out, nil
			}
		}
	}
	return out, nil
}

// Member says whether a code is in a value set, by its canonical URL with or
// without a version. Where system is "", as of an element of type code, any
// system will do. known is false where the value set is not there or rests on
// what is not loaded: then nothing is said.
func (s *Service) Member(valueSet, system, code string) (in, known bool) {
	c, err := s.compiled(valueSet)
	if err != nil || c == nil {
		return false, false
	}
	t := c.has(system, code, false)
	return t == yes, t != unknown
}

// Unusable says why a value set can't be used; nil where it can.
func (s *Service) Unusable(valueSet string) error {
	c, err := s.compiled(valueSet)
	switch {
	case err != nil:
		return err
	case c == nil:
		return fault.E("terminology.Unusable", fault.NotFound, "the value set is not known: add the package that has it, or write it to this server")
	}
	_, err = c.expand(ExpandQuery{}) // its filters are not tried before
	return err
}

// compiled is a value set ready for look-ups; nil where there is no such.
func (s *Service) compiled(url string) (*compiled, error) {
	if c, ok := s.sets.Load(url); ok {
		return c.(*compiled), nil
	}
	c, err := s.inherited(url)
	if c == nil && err == nil {
		var v *ValueSet
		if v, err = s.ValueSet(url); v == nil || err != nil {
			return nil, err
		}
		c, err = s.compile(v, []string{url})
	}
	if err != nil {
		return nil, err
	}
	s.keep(url, c)
	return c, nil
}

// inherited is the value set of the service that this one extends, where it may be used.
func (s *Service) inherited(url string) (*compiled, error) {
	if s.base == nil {
		return nil, nil
	}
	bare, version := canonical(url)
	if own, err := s.libraries[0].ValueSet(bare, version); own != nil || err != nil {
		return nil, err
	}
	if c, err := s.base.compiled(url); err == nil && c != nil && c.whyUnknown(false) == nil {
		return c, nil
	}
	return nil, nil
}

// keep keeps a value set compiled, for the next who asks.
func (s *Service) keep(url string, c *compiled) {
	if s.kept.Add(c.size()) > maxKept {
		s.sets.Clear()
		s.kept.Store(c.size())
	}
	s.sets.Store(url, c)
}

// system finds a code system, or says that it is not there.
func (s *Service) system(op, url, version string) (*index.Index, error) {
	x, err := s.CodeSystem(url, version)
	if err != nil {
		return nil, err
	}
	if x == nil {
		return nil, notLoaded(op, url, version)
	}
	return x, nil
}

func notLoaded(op, system, version string) error {
	if version != "" {
		system += " in version " + version
	}
	return fault.E(op, fault.NotFound, "the code system "+system+" is not loaded: `selda terminology import` loads a release", "system")
}
