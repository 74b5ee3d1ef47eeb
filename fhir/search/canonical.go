package search

import (
	"math/big"
	"sync"

	"selda/fhir/ucum"
)

// unit is a unit of UCUM with the way to its base units.
type unit struct {
	units   string
	convert func(float64) float64
}

var units sync.Map // code to *unit, nil of what is none

// maxUnits bounds what is remembered of units that clients and sources make up.
const maxUnits = 4096

var unitCount struct {
	sync.Mutex
	n int
}

// canonicalOf reads a unit of UCUM; nil where it is none. A search without a
// system means UCUM's, too.
func canonicalOf(code, system string) *unit {
	if code == "" || system != "" && system != ucumSystem {
		return nil
	}
	if u, ok := units.Load(code); ok {
		return u.(*unit)
	}
	u := readUnit(code)
	unitCount.Lock()
	defer unitCount.Unlock()
	if unitCount.n < maxUnits {
		unitCount.n++
		units.Store(code, u)
	}
	return u
}

// readUnit finds the straight line from a unit to its base units: of degrees
// Celsius it does not go through zero.
func readUnit(code string) *unit {
	parsed, err := ucum.Parse(code)
	if err != nil {
		return nil
	}
	zero, _ := parsed.Base(new(big.Rat)).Float64()
	one, _ := parsed.Base(big.NewRat(1, 1)).Float64()
	return &unit{units: parsed.Canonical(), convert: func(v float64) float64 { return zero + v*(one-zero) }}
}
