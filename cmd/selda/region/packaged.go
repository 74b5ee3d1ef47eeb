package region

import (
	"os"
	"path/filepath"
	"sync"
	"time"

	"selda/terminology"
)

// packaged is the terminology of the FHIR packages in a data folder.
type packaged struct {
	data string

	mu      sync.Mutex
	made    terminology.Library
	changed time.Time // of the folder of packages
}

// library gives that of now: the same until a package is added.
func (p *packaged) library() (terminology.Library, error) {
	info, err := os.Stat(filepath.Join(p.data, packages))
	if err != nil { // there are none
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.made == nil || !info.ModTime().Equal(p.changed) {
		resources, err := Packages(p.data)
		if err != nil {
			return nil, err
		}
		p.made, p.changed = terminology.NewResources(resources...), info.ModTime()
	}
	return p.made, nil
}
