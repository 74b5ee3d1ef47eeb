package csvtofhir

import (
	"strconv"

	"selda/fhir"
)

// build is one resource under construction. A mapping numbers the items of a
// list as it likes; in the resource they stand without gaps, in the order in
// which they were put, since an empty cell leaves its item out.
type build struct {
	body  fhir.Object
	slots []slot
}

// slot is where an item that the mapping numbers stands in its list.
type slot struct {
	list            string
	declared, stand int
}

func (b *build) slot(s *step) int {
	for i := range b.slots {
		if b.slots[i].declared == s.index && b.slots[i].list == s.path {
			return b.slots[i].stand
		}
	}
	return -1
}

// put sets a value, making what is missing on the way, and gives the path at
// which it stands.
func (b *build) put(a *assertion, value any) string {
	o, moved := b.body, false
	for i := range a.steps {
		s := &a.steps[i]
		last := i == len(a.steps)-1
		if !s.list {
			if last {
				o[s.name] = value
				break
			}
			next, ok := o[s.name].(fhir.Object)
			if !ok {
				next = fhir.Object{}
				o[s.name] = next
			}
			o = next
			continue
		}
		list, _ := o[s.name].([]any)
		at := b.slot(s)
		if at < 0 {
			at = len(list)
			b.slots = append(b.slots, slot{s.path, s.index, at})
			list = append(list, fhir.Object{})
			o[s.name] = list
		}
		moved = moved || at != s.index
		if last {
			list[at] = value
			break
		}
		o = list[at].(fhir.Object)
	}
	if !moved {
		return a.path
	}
	return b.path(a)
}

// path is the assertion's path as its items stand.
func (b *build) path(a *assertion) string {
	out := ""
	for i := range a.steps {
		s := &a.steps[i]
		if i > 0 {
			out += "."
		}
		out += s.name
		if s.list {
			out += "[" + strconv.Itoa(b.slot(s)) + "]"
		}
	}
	return out
}

// exists says whether an object stands at the end of steps.
func (b *build) exists(steps []step) bool {
	o := b.body
	for i := range steps {
		s := &steps[i]
		at := o[s.name]
		if s.list {
			list, _ := at.([]any)
			i := b.slot(s)
			if i < 0 || i >= len(list) {
				return false
			}
			at = list[i]
		}
		next, ok := at.(fhir.Object)
		if !ok {
			return false
		}
		o = next
	}
	return true
}
