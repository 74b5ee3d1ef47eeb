package region

import (
	"sync"
	"time"

	"selda/fhir/definition"
	"selda/fhir/validate"
	"selda/terminology"
)

// validators makes the region's validator: over R4's own definitions, those of
// the packages in the data folder, and what of terminology was imported. It is
// made anew when one of these has changed.
type validators struct {
	packaged *packaged
	terms    func() (*terminology.Service, error)

	mu      sync.Mutex
	made    *validate.Validator
	of      *terminology.Service
	changed time.Time // of the folder of packages
}

// validator gives the validator of now.
func (v *validators) validator() (*validate.Validator, error) {
	terms, err := v.terms()
	if err != nil {
		return nil, err
	}
	resources, changed, err := v.packaged.resources()
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.made != nil && v.of == terms && v.changed.Equal(changed) {
		return v.made, nil
	}
	v.made = validate.New(definition.NewSet(definition.R4, resources...), terms.With(terminology.NewResources(resources...)))
	v.made.Canonical, v.made.Now = validate.Canonical(resources), time.Now
	v.of, v.changed = terms, changed
	return v.made, nil
}
