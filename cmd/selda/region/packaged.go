package region

import (
	"os"
	"path/filepath"
	"sync"
	"time"

	"selda/fhir"
	"selda/terminology"
)

// packaged is what the FHIR packages in a data folder hold, read once for all who
// need it, and again when a package was added.
type packaged struct {
	data string

	mu      sync.Mutex
	all     []*fhir.Resource
	terms   terminology.Library
	changed time.Time // of the folder of packages
}

// resources gives those of now, and when the folder last changed: the same until
// a package is added.
func (p *packaged) resources() ([]*fhir.Resource, time.Time, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	info, err := os.Stat(filepath.Join(p.data, packages))
	if err != nil { // there are none
		return nil, time.Time{}, nil
	}
	if p.terms == nil || !info.ModTime().Equal(p.changed) {
		all, err := Packages(p.data)
		if err != nil {
			return nil, time.Time{}, err
		}
		p.all, p.terms, p.changed = all, terminology.NewResources(all...), info.ModTime()
	}
	return p.all, p.changed, nil
}

// library gives their terminology; nil where there are no packages.
func (p *packaged) library() (terminology.Library, error) {
	if _, changed, err := p.resources(); err != nil || changed.IsZero() {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.terms, nil
}
