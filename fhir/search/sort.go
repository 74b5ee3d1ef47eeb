package search

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// sortKey is what a resource is sorted by: a number or a text. none is true
// of one that has no such value, which comes last either way.
type sortKey struct {
	none   bool
	number float64
	text   string
}

func (p *Parameter) key(r *Candidate, down bool) sortKey {
	best := sortKey{none: true}
	_ = p.eachOf(r, func(e element) bool {
		p.keys(e, func(k sortKey) {
			if c := compareKeys(k, best); best.none || c < 0 && !down || c > 0 && down {
				best = k
			}
		})
		return false
	})
	return best
}

// keys are the values of an element that can be sorted by.
// https://hl7.org/fhir/R4/search.html#sort
func (p *Parameter) keys(e element, f func(sortKey)) {
	switch p.Kind {
	case Date:
		for _, s := range spans(e) {
			f(sortKey{number: float64(s.from)})
		}
	case Number:
		if v, err := strconv.ParseFloat(e.text(), 64); err == nil {
			f(sortKey{number: v})
		}
	case Quantity:
		amounts(e, func(low, high float64, _, _, _ string) bool {
			f(sortKey{number: max(low, min(high, low))})
			return false
		})
	case String:
		texts(e, func(s string, _ bool) bool {
			if s != "" {
				f(sortKey{text: folded(s)})
			}
			return false
		})
	case Token:
		tokens(e, func(_, code, words string, _ bool) bool {
			if code != "" || words != "" {
				f(sortKey{text: strings.ToLower(cmp.Or(code, words))})
			}
			return false
		})
	case Reference:
		if ref, ok := e.reference(); ok {
			f(sortKey{text: ref})
		}
	case URI:
		f(sortKey{text: e.text()})
	}
}

func compareKeys(a, b sortKey) int {
	return cmp.Or(cmp.Compare(a.number, b.number), strings.Compare(a.text, b.text))
}

// Sort puts things in the order that keys ask for; what is equal stays as it
// stood. of gives the resource of a thing.
func Sort[T any](list []T, by []Key, of func(T) *Candidate) {
	if len(by) > 0 {
		SortAmong(list, func(T) []Key { return by }, of)
	}
}

// SortAmong is Sort of things of several types, each of which has its own
// parameters by the names that are sorted by: as many keys, for each thing.
func SortAmong[T any](list []T, by func(T) []Key, of func(T) *Candidate) {
	type keyed struct {
		thing T
		by    []Key
		keys  []sortKey
	}
	all := make([]keyed, len(list))
	for i, t := range list {
		keys := by(t)
		all[i] = keyed{t, keys, make([]sortKey, len(keys))}
		c := of(t)
		for j, k := range keys {
			all[i].keys[j] = k.Param.key(c, k.Down)
		}
	}
	slices.SortStableFunc(all, func(a, b keyed) int {
		for j, k := range a.by {
			x, y := a.keys[j], b.keys[j]
			if x.none || y.none {
				if x.none != y.none {
					if x.none {
						return 1
					}
					return -1
				}
				continue
			}
			if c := compareKeys(x, y); c != 0 {
				if k.Down {
					return -c
				}
				return c
			}
		}
		return 0
	})
	for i := range all {
		list[i] = all[i].thing
	}
}
