package terminology

import (
	"slices"
	"strings"

	"selda/terminology/index"
)

// finder says which codes a filter finds. Those of a code system that have a
// name with its words are found once, from the index of these.
type finder struct {
	words []string
	sets  map[*index.Index]*index.Set
}

// matches says whether one of the code's names, or the code itself, has all the words.
func (f *finder) matches(i item) bool {
	if i.known {
		set := f.sets[i.p.x]
		if set == nil {
			set = i.p.x.Matching(f.words)
			f.sets[i.p.x] = set
		}
		if set.Has(i.c) {
			return true
		}
	}
	if code := i.code(); strings.Contains(strings.ToLower(code), f.words[0]) && index.HasWords(code, f.words) {
		return true
	}
	if i.listed < 0 {
		return false
	}
	l := i.p.listed[i.listed]
	return index.HasWords(l.Display, f.words) || slices.ContainsFunc(l.Designations, func(d Designation) bool { return index.HasWords(d.Value, f.words) })
}
