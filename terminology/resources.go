package terminology

import (
	"slices"
	"sync"

	"selda/fault"
	"selda/fhir"
	"selda/terminology/index"
)

// Resources is a library of FHIR resources in memory. A code system is laid out
// when it is first asked for.
type Resources struct {
	systems map[string][]*lazySystem
	sets    map[string][]*ValueSet
	maps    []*ConceptMap
	adding  map[string][]*lazySystem // supplements, by the system that they add to: its version is theirs
}

type lazySystem struct {
	version string
	index   func() (*index.Index, error)
}

// NewResources is a library of the CodeSystems, ValueSets and ConceptMaps among
// resources; others are left out. Of two with one URL and version the later holds.
func NewResources(resources ...*fhir.Resource) *Resources {
	l := &Resources{systems: map[string][]*lazySystem{}, sets: map[string][]*ValueSet{}, adding: map[string][]*lazySystem{}}
	seen := map[string]bool{} // supplements
	for _, r := range slices.Backward(resources) {
		url := r.Get("url").Text()
		switch r.Type {
		case "CodeSystem":
			lazy := &lazySystem{r.Get("version").Text(), sync.OnceValues(func() (*index.Index, error) { return CodeSystem(r) })}
			if !r.Get("content").Is("supplement") {
				l.systems[url] = append(l.systems[url], lazy)
			} else if !seen[url] { // it adds to a system, and is none
				seen[url] = true
				to, version := canonical(r.Get("supplements").Text())
				lazy.version = version
				l.adding[to] = append(l.adding[to], lazy)
			}
		case "ValueSet":
			l.sets[url] = append(l.sets[url], ParseValueSet(r))
		case "ConceptMap":
			l.maps = append(l.maps, ParseConceptMap(r))
		}
	}
	for _, list := range l.systems {
		slices.SortStableFunc(list, func(a, b *lazySystem) int { return fhir.CompareVersions(b.version, a.version) })
	}
	for _, list := range l.sets {
		slices.SortStableFunc(list, func(a, b *ValueSet) int { return fhir.CompareVersions(b.Version, a.Version) })
	}
	return l
}

// Supplements are those of a code system.
func (l *Resources) Supplements(system, version string) ([]*index.Index, error) {
	var out []*index.Index
	for _, s := range l.adding[system] {
		if s.version != "" && !isVersion(version, s.version) {
			continue
		}
		x, err := s.index()
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// CodeSystem finds a code system.
func (l *Resources) CodeSystem(url, version string) (*index.Index, error) {
	for _, s := range l.systems[url] {
		if version == "" || version == s.version {
			x, err := s.index()
			if err != nil || x.Meta().Content != "not-present" {
				return x, err
			}
		}
	}
	return nil, nil
}

// CodeSystems are those of the library.
func (l *Resources) CodeSystems() (out []Versioned, err error) {
	for url, list := range l.systems {
		for _, s := range list {
			out = append(out, Versioned{url, s.version})
		}
	}
	return out, nil
}

// ValueSet finds a value set.
func (l *Resources) ValueSet(url, version string) (*ValueSet, error) {
	for _, v := range l.sets[url] {
		if version == "" || version == v.Version {
			return v, nil
		}
	}
	return nil, nil
}

// ConceptMaps finds concept maps.
func (l *Resources) ConceptMaps(url, source string) ([]*ConceptMap, error) {
	var out []*ConceptMap
	for _, m := range l.maps {
		if url == m.URL && url != "" || url == "" && m.from(source) {
			out = append(out, m)
		}
	}
	return out, nil
}

func (m *ConceptMap) from(system string) bool {
	return slices.ContainsFunc(m.Groups, func(g MapGroup) bool { return g.Source == system })
}

// ReadResource reads a terminology resource of a file: compact JSON.
func ReadResource(compact []byte) (*fhir.Resource, error) {
	r, err := fhir.ParseTrusted(compact)
	if err != nil {
		return nil, err
	}
	switch r.Type {
	case "CodeSystem", "ValueSet", "ConceptMap":
	default:
		return nil, fault.E("terminology.ReadResource", fault.NotSupported, "a terminology resource is a CodeSystem, a ValueSet or a ConceptMap, not a "+r.Type)
	}
	if !r.Get("url").Exists() {
		return nil, fault.E("terminology.ReadResource", fault.Required, "the resource has no url: nothing could refer to it", r.Type+".url")
	}
	return r, nil
}
