package definition

import (
	"strings"
	"sync"

	"selda/fhir"
)

// Library is a place where definitions are found by their canonical URL, with
// or without |version. nil is none.
type Library interface {
	Structure(url string) (*Structure, error)
}

// Set is a library of resources over another one, which is asked for what the
// resources do not have. It may be used by many goroutines at once.
type Set struct {
	under     Library
	resources map[string]*fhir.Resource // by URL, and by URL|version
	mu        sync.Mutex
	read      map[string]*Structure
}

// NewSet is a library of the StructureDefinitions among resources, over
// another, which may be nil. Other resources are passed over. Of several with one
// URL the newest is found, unless a version is asked for.
func NewSet(under Library, resources ...*fhir.Resource) *Set {
	s := &Set{under: under, resources: map[string]*fhir.Resource{}, read: map[string]*Structure{}}
	for _, r := range resources {
		if r.Type != "StructureDefinition" {
			continue
		}
		url, version := r.Get("url").Text(), r.Get("version").Text()
		s.resources[url+"|"+version] = r
		if had := s.resources[url]; had == nil || fhir.CompareVersions(version, had.Get("version").Text()) >= 0 {
			s.resources[url] = r
		}
	}
	return s
}

// Structure finds a definition.
func (s *Set) Structure(url string) (*Structure, error) {
	r := s.resources[url]
	if r == nil {
		r = s.partly(url)
	}
	if r == nil {
		if s.under == nil {
			return nil, nil
		}
		return s.under.Structure(url)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.read[url]; d != nil {
		return d, nil
	}
	d, err := Parse(r)
	if err == nil {
		s.read[url] = d
	}
	return d, err
}

// partly finds the newest of the versions that begin as the one in a URL does:
// 0.2 is 0.2.1, too.
func (s *Set) partly(url string) *fhir.Resource {
	bare, version, ok := strings.Cut(url, "|")
	if !ok || version == "" || s.resources[bare] == nil {
		return nil
	}
	var best *fhir.Resource
	for key, r := range s.resources {
		if strings.HasPrefix(key, url+".") && (best == nil || fhir.CompareVersions(r.Get("version").Text(), best.Get("version").Text()) > 0) {
			best = r
		}
	}
	return best
}
