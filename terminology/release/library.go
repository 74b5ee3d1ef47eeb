package release

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"selda/fault"
	"selda/fhir"
	"selda/terminology"
	"selda/terminology/index"
)

// library is what one list has.
type library struct {
	store *Store
	list  []Release // the newest import first
	once  sync.Once
	own   *terminology.Resources // the FHIR resources among them
	err   error
}

// resources reads the FHIR resources, when they are first asked for.
func (l *library) resources() (*terminology.Resources, error) {
	l.once.Do(func() {
		var resources []*fhir.Resource
		for _, r := range slices.Backward(l.list) { // the newest last: it holds
			if !isResource(r.Kind) {
				continue
			}
			raw, err := os.ReadFile(filepath.Join(l.store.dir, r.Name, resourceFile))
			if err != nil {
				l.err = fault.E("release.resources", fault.NoStore, err)
				return
			}
			res, err := terminology.ReadResource(raw)
			if err != nil {
				l.err = err
				return
			}
			resources = append(resources, res)
		}
		l.own = terminology.NewResources(resources...)
	})
	return l.own, l.err
}

func isResource(kind string) bool {
	return kind == "valueset" || kind == "conceptmap" || kind == "supplement"
}

// CodeSystem finds the release of a system. SNOMED CT's version may name an
// edition alone. https://hl7.org/fhir/R4/snomedct.html#versions
func (l *library) CodeSystem(url, version string) (*index.Index, error) {
	for _, r := range l.list {
		if r.System != url || r.Kind == "map" || isResource(r.Kind) {
			continue
		}
		if version == "" || version == r.Version || r.Kind == "snomed" && strings.HasPrefix(r.Version, version+"/version/") {
			return l.store.open(r.Name)
		}
	}
	return nil, nil
}

// CodeSystems are those that were imported, the newest import first.
func (l *library) CodeSystems() ([]terminology.Versioned, error) {
	var out []terminology.Versioned
	for _, r := range l.list {
		if r.Kind != "map" && !isResource(r.Kind) {
			out = append(out, terminology.Versioned{System: r.System, Version: r.Version})
		}
	}
	return out, nil
}

// ValueSet finds a value set; the one of all codes of a release is implied.
func (l *library) ValueSet(url, version string) (*terminology.ValueSet, error) {
	own, err := l.resources()
	if err != nil {
		return nil, err
	}
	if v, err := own.ValueSet(url, version); v != nil || err != nil {
		return v, err
	}
	for _, r := range l.list {
		if all, ok := strings.CutSuffix(url, "/vs"); ok && r.System == all && r.Kind != "map" && !isResource(r.Kind) {
			return &terminology.ValueSet{URL: url, Version: version, Name: r.Title, Status: "active", Include: []terminology.Include{{System: r.System, Version: version}}}, nil
		}
	}
	return nil, nil
}

// mapURL is the canonical URL of the map that a table was imported as.
func mapURL(r Release) string { return "urn:selda:map:" + r.System + ":" + r.Target }

// ConceptMaps finds concept maps, tables among them.
func (l *library) ConceptMaps(url, source string) ([]*terminology.ConceptMap, error) {
	own, err := l.resources()
	if err != nil {
		return nil, err
	}
	out, err := own.ConceptMaps(url, source)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, r := range l.list {
		if r.Kind != "map" || seen[r.key()] || url != "" && url != mapURL(r) || url == "" && source != r.System {
			continue
		}
		seen[r.key()] = true // the newest holds
		x, err := l.store.open(r.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, &terminology.ConceptMap{URL: mapURL(r), Version: r.Version, Name: r.Title, Groups: []terminology.MapGroup{{Source: r.System, Target: r.Target, Table: x}}})
	}
	return out, nil
}

// Supplements are the CodeSystems that add to another one.
func (l *library) Supplements(system, version string) ([]*index.Index, error) {
	own, err := l.resources()
	if err != nil {
		return nil, err
	}
	return own.Supplements(system, version)
}

// toSNOMED are the maps to SNOMED CT, tables first.
func (l *library) toSNOMED() ([]*terminology.ConceptMap, error) {
	var out []*terminology.ConceptMap
	seen := map[string]bool{}
	for _, r := range l.list {
		url := ""
		switch {
		case r.Kind == "map" && r.Target == terminology.SNOMED:
			url = mapURL(r)
		case r.Kind == "conceptmap":
			url = r.System
		}
		if url == "" || seen[url] {
			continue
		}
		seen[url] = true
		maps, err := l.ConceptMaps(url, "")
		if err != nil {
			return nil, err
		}
		out = append(out, maps...)
	}
	return out, nil
}

// open maps a release's index into memory. It stays mapped while the process
// lives: somebody may be reading it.
func (s *Store) open(name string) (*index.Index, error) {
	const op = "release.open"
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.opened[name]; x != nil {
		return x, nil
	}
	f, err := os.Open(filepath.Join(s.dir, name, indexFile))
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	if info.Size() == 0 {
		return nil, fault.E(op, fault.Structure, "the release is empty: import it again")
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	x, err := index.Open(b)
	if err != nil {
		_ = syscall.Munmap(b)
		return nil, err
	}
	s.opened[name] = x
	return x, nil
}
