package fhirpath

import (
	"hash/maphash"
	"strings"

	"selda/fhir"
	"selda/fhir/decimal"
)

// equality is = and ~ with their negations.
// http://hl7.org/fhirpath/N1/#equality
func equality(operator string, a, b eval) eval {
	return func(r *run) error {
		lo := len(r.items)
		if err := a(r); err != nil {
			return err
		}
		mid := len(r.items)
		if err := b(r); err != nil {
			return err
		}
		x, y := r.items[lo:mid], r.items[mid:]
		if err := r.step(len(x) + len(y)); err != nil {
			return err
		}
		same, known := false, true
		if operator == "=" || operator == "!=" {
			same, known = equalCollections(x, y)
		} else {
			if err := r.step(len(x) * len(y)); err != nil {
				return err
			}
			same = equivalentCollections(x, y)
		}
		r.items = r.items[:lo]
		if known {
			r.push(Boolean(same != (operator[0] == '!')))
		}
		return nil
	}
}

func equalCollections(x, y []Item) (same, known bool) {
	if len(x) == 0 || len(y) == 0 {
		return false, false
	}
	if len(x) != len(y) {
		return false, true
	}
	unknown := false
	for i := range x {
		same, known := equalItems(&x[i], &y[i])
		if known && !same {
			return false, true
		}
		unknown = unknown || !known
	}
	return true, !unknown
}

// equalItems says whether two items are equal; known is false where the
// precision of a date or the unit of a quantity leaves it open.
func equalItems(a, b *Item) (same, known bool) {
	x, ok1 := a.value()
	y, ok2 := b.value()
	if !ok1 || !ok2 {
		if ok1 != ok2 || a.kind != Element || b.kind != Element {
			return false, true
		}
		return equalNodes(a.node, b.node) && equalNodes(a.under, b.under), true
	}
	switch {
	case x.kind == IntegerKind && y.kind == IntegerKind, x.kind == BooleanKind && y.kind == BooleanKind:
		return x.n == y.n, true
	case x.numeric() && y.numeric():
		return x.asDecimal().Cmp(y.asDecimal()) == 0, true
	case x.kind == StringKind && y.kind == StringKind:
		return x.string() == y.string(), true
	case x.isTemporal() && y.isTemporal():
		if (x.kind == Time) != (y.kind == Time) {
			return false, true
		}
		order, known := x.temporal().compare(y.temporal())
		return order == 0, known
	case x.kind == typeKind && y.kind == typeKind:
		return x.v == y.v, true
	}
	p, ok1 := x.toQuantity()
	q, ok2 := y.toQuantity()
	if !ok1 || !ok2 {
		return false, true
	}
	if a.kind == Element && b.kind == Element && equalNodes(a.node, b.node) {
		return true, true
	}
	order, known, alike := p.compare(q)
	if !known && alike {
		return false, true
	}
	return order == 0, known
}

// equalNodes compares JSON: numbers by value, members in any order.
func equalNodes(a, b fhir.Node) bool {
	switch {
	case a.Same(b):
		return true
	case a.IsObject() && b.IsObject():
		n := 0
		for c := a.Children(); c.Next(); n++ {
			if !equalNodes(c.Node(), b.Member(string(c.Name()))) {
				return false
			}
		}
		for c := b.Children(); c.Next(); {
			n--
		}
		return n == 0
	case a.IsArray() && b.IsArray():
		x, y := a.Children(), b.Children()
		for x.Next() {
			if !y.Next() || !equalNodes(x.Node(), y.Node()) {
				return false
			}
		}
		return !y.Next()
	case a.IsNumber() && b.IsNumber():
		d, ok1 := decimal.Parse(a.View())
		e, ok2 := decimal.Parse(b.View())
		return ok1 && ok2 && d.Cmp(e) == 0
	case a.IsString() && b.IsString():
		return a.View() == b.View()
	case a.IsBool() && b.IsBool():
		return a.Bool() == b.Bool()
	}
	return !a.Exists() && !b.Exists()
}

// equivalentCollections compares in any order.
// http://hl7.org/fhirpath/N1/#equivalent
func equivalentCollections(x, y []Item) bool {
	if len(x) != len(y) {
		return false
	}
	if len(x) == 1 {
		return equivalentItems(&x[0], &y[0])
	}
	taken := make([]bool, len(y))
next:
	for i := range x {
		for j := range y {
			if !taken[j] && equivalentItems(&x[i], &y[j]) {
				taken[j] = true
				continue next
			}
		}
		return false
	}
	return true
}

func equivalentItems(a, b *Item) bool {
	x, ok1 := a.value()
	y, ok2 := b.value()
	if !ok1 || !ok2 {
		return ok1 == ok2 && a.kind == Element && b.kind == Element && equivalentElements(a, b)
	}
	switch {
	case x.numeric() && y.numeric():
		return equivalentNumbers(x.asDecimal(), y.asDecimal())
	case x.kind == StringKind && y.kind == StringKind:
		return x.string() == y.string() || plain(x.string()) == plain(y.string())
	case x.isTemporal() && y.isTemporal():
		same, known := equalItems(&x, &y)
		return same && known
	case x.kind == QuantityKind || y.kind == QuantityKind:
		p, ok1 := x.toQuantity()
		q, ok2 := y.toQuantity()
		return ok1 && ok2 && p.equivalent(q)
	}
	same, known := equalItems(&x, &y)
	return same && known
}

// plain is a string without what equivalence passes over: case, and how wide
// white space is.
func plain(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), " ") }

// equivalentElements compares elements child by child, in any order.
func equivalentElements(a, b *Item) bool {
	var x, y []child
	eachChild(a, func(name []byte, it *Item) { x = append(x, child{string(name), *it}) })
	eachChild(b, func(name []byte, it *Item) { y = append(y, child{string(name), *it}) })
	if len(x) != len(y) {
		return false
	}
	taken := make([]bool, len(y))
next:
	for i := range x {
		for j := range y {
			if !taken[j] && x[i].name == y[j].name && equivalentItems(&x[i].item, &y[j].item) {
				taken[j] = true
				continue next
			}
		}
		return false
	}
	return true
}

type child struct {
	name string
	item Item
}

// fewItems are compared each with each; more are sorted by hash first.
const fewItems = 16

// distinct takes out of the items from lo on those that are equal to one before.
func (r *run) distinct(lo int) error {
	items := r.items[lo:]
	if len(items) < 2 {
		return nil
	}
	if err := r.step(len(items)); err != nil {
		return err
	}
	s := newSet(len(items))
	w := 0
	for i := range items {
		if s.add(items, w, &items[i]) {
			items[w] = items[i]
			w++
		}
	}
	r.items = r.items[:lo+w]
	return r.step(s.work)
}

// set finds items among others that are equal to them.
type set struct {
	byHash map[uint64][]int // nil of a few items
	work   int
}

func newSet(n int) *set {
	s := &set{}
	if n > fewItems {
		s.byHash = make(map[uint64][]int, n)
	}
	return s
}

// add notes that it will stand at items[w], unless an equal one is there.
func (s *set) add(items []Item, w int, it *Item) bool {
	if s.find(items[:w], it) {
		return false
	}
	if s.byHash != nil {
		h := hash(it)
		s.byHash[h] = append(s.byHash[h], w)
	}
	return true
}

func (s *set) find(items []Item, it *Item) bool {
	if s.byHash == nil {
		for i := range items {
			if same, known := equalItems(&items[i], it); same && known {
				return true
			}
		}
		return false
	}
	for _, i := range s.byHash[hash(it)] {
		s.work++
		if same, known := equalItems(&items[i], it); same && known {
			return true
		}
	}
	return false
}

var seed = maphash.MakeSeed()

// hash is the same of items that are equal.
func hash(it *Item) uint64 {
	v, ok := it.value()
	if !ok {
		return hashNode(it.node)
	}
	switch v.kind {
	case StringKind:
		return maphash.String(seed, v.string())
	case IntegerKind, DecimalKind:
		return maphash.String(seed, v.asDecimal().Trim().String())
	case BooleanKind:
		return uint64(v.n)
	}
	return uint64(v.kind) // these are equal in more than one form, and few
}

func hashNode(n fhir.Node) uint64 {
	switch {
	case n.IsObject():
		sum := uint64(1)
		for c := n.Children(); c.Next(); {
			sum += maphash.Bytes(seed, c.Name()) * (hashNode(c.Node()) | 1)
		}
		return sum
	case n.IsArray():
		sum := uint64(2)
		for c := n.Children(); c.Next(); {
			sum = sum*31 + hashNode(c.Node())
		}
		return sum
	case n.IsNumber():
		if d, ok := decimal.Parse(n.View()); ok {
			return maphash.String(seed, d.Trim().String())
		}
	}
	return maphash.String(seed, n.View())
}
