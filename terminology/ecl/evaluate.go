package ecl

import (
	"strconv"
	"strings"

	"selda/fault"
	"selda/terminology/index"
)

// Evaluate gives the concepts of a release that meet the expression. A concept
// that the release does not have adds nothing. An expression that would cost
// more than MaxWork is refused as TooCostly.
func (e *Expression) Evaluate(x *index.Index) (*index.Set, error) {
	left := MaxWork
	return e.EvaluateWithin(x, &left)
}

// EvaluateWithin is Evaluate for one of several expressions, which may cost left
// together, in concepts looked at: what this one costs is taken off.
func (e *Expression) EvaluateWithin(x *index.Index, left *int) (*index.Set, error) {
	return e.root.eval(&run{x, left})
}

// MaxWork is what one question may cost: two seconds on the largest release.
const MaxWork = 40_000_000

// run is one evaluation.
type run struct {
	*index.Index
	left *int
}

func (r *run) spend(n int) error {
	if *r.left -= n; *r.left < 0 {
		return fault.E("ecl.Evaluate", fault.TooCostly, "the expression would take too long: narrow it")
	}
	return nil
}

func (c concept) eval(x *run) (*index.Set, error) {
	if err := x.spend(1 + x.Len()/64); err != nil {
		return nil, err
	}
	s := x.NewSet()
	if n, ok := x.Find(c.id); ok {
		s.Add(n)
	}
	return s, nil
}

func (wildcard) eval(x *run) (*index.Set, error) {
	if err := x.spend(x.Len()); err != nil {
		return nil, err
	}
	return x.All(false), nil
}

func (r related) eval(x *run) (*index.Set, error) {
	of, err := r.of.eval(x)
	if err != nil {
		return nil, err
	}
	if err := x.spend(of.Len() + x.Len()/64); err != nil {
		return nil, err
	}
	switch r.op {
	case top: // without what is below another one
		return of.Clone().Minus(reach(x, of, descendants)), nil
	case bottom:
		return of.Clone().Minus(reach(x, of, ancestors)), nil
	}
	return reach(x, of, r.op), nil
}

// reach are the concepts that an operator reaches from those of a set.
func reach(x *run, of *index.Set, op operator) *index.Set {
	s := x.NewSet()
	if op == childOrSelf || op == parentOrSelf {
		s.Or(of)
	}
	for c := range of.Concepts() {
		switch op {
		case descendantOrSelf:
			x.AddDescendants(s, c)
		case ancestorOrSelf:
			x.AddAncestors(s, c)
		case descendants:
			// Without the concept itself: but it may be below another of the set.
			for _, k := range x.Children(c) {
				if !s.Has(k) {
					x.AddDescendants(s, k)
				}
			}
		case ancestors:
			for _, p := range x.Parents(c) {
				if !s.Has(p) {
					x.AddAncestors(s, p)
				}
			}
		case children, childOrSelf:
			for _, k := range x.Children(c) {
				s.Add(k)
			}
		case parents, parentOrSelf:
			for _, p := range x.Parents(c) {
				s.Add(p)
			}
		}
	}
	return s
}

func (c compound) eval(x *run) (*index.Set, error) {
	s, err := c.parts[0].eval(x)
	if err != nil {
		return nil, err
	}
	for _, p := range c.parts[1:] {
		t, err := p.eval(x)
		if err != nil {
			return nil, err
		}
		switch c.op {
		case "AND":
			s.And(t)
		case "OR":
			s.Or(t)
		case "MINUS":
			s.Minus(t)
		}
	}
	return s, nil
}

func (d dotted) eval(x *run) (*index.Set, error) {
	of, err := d.of.eval(x)
	if err != nil {
		return nil, err
	}
	names, err := propertiesOf(x, d.attribute)
	if err != nil {
		return nil, err
	}
	if err := x.spend(of.Len()); err != nil {
		return nil, err
	}
	s := x.NewSet()
	for c := range of.Concepts() {
		for i := range x.PropertyCount(c) {
			if p := x.Property(c, i); names[p.Name] && p.Type == index.ConceptValue {
				s.Add(p.Concept)
			}
		}
	}
	return s, nil
}

// propertiesOf says of each property whether an expression names it.
func propertiesOf(x *run, name node) ([]bool, error) {
	out := make([]bool, len(x.Meta().Properties))
	s, err := name.eval(x)
	if err != nil {
		return nil, err
	}
	for i := range out {
		c, ok := x.PropertyConcept(i)
		out[i] = ok && s.Has(c)
	}
	return out, nil
}

// refsetsIn are the reference sets among concepts.
func refsetsIn(x *run, of *index.Set) []index.Refset {
	var out []index.Refset
	for _, r := range x.Meta().Refsets {
		if of.Has(r.Concept) {
			out = append(out, r)
		}
	}
	return out
}

func (m memberOf) eval(x *run) (*index.Set, error) {
	of, err := m.of.eval(x)
	if err != nil {
		return nil, err
	}
	conditions, err := prepared(x, m.filters)
	if err != nil {
		return nil, err
	}
	s := x.NewSet()
	for _, r := range refsetsIn(x, of) {
		if len(m.filters) == 0 && (len(m.fields) == 0 || len(m.fields) == 1 && strings.EqualFold(m.fields[0], "referencedComponentId")) {
			x.AddMembers(s, r)
			continue
		}
		if err := x.spend(r.Rows * work(m.filters)); err != nil {
			return nil, err
		}
		for i := range r.Rows {
			row := x.Row(r, i)
			pass, err := rowPasses(x, row, conditions)
			if err != nil {
				return nil, err
			}
			if !pass {
				continue
			}
			if err := addField(x, s, r, row, m.fields); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// addField adds what the fields of a row that are asked for hold.
func addField(x *run, s *index.Set, r index.Refset, row index.Row, fields []string) error {
	if len(fields) == 0 {
		s.Add(row.Member)
	}
	for _, f := range fields {
		switch strings.ToLower(f) {
		case "referencedcomponentid":
			s.Add(row.Member)
		case "targetcomponentid":
			if c, ok := x.Find(row.Target); ok && r.Concepts {
				s.Add(c)
			}
		default:
			return fault.E("ecl.Evaluate", fault.NotSupported, "the field "+f+" does not hold concepts")
		}
	}
	return nil
}

// fieldOf is the value of a field of a row, of those that are kept.
func fieldOf(x *run, row index.Row, field string) (string, bool) {
	switch field {
	case "maptarget", "targetcomponentid":
		return row.Target, true
	case "mapgroup":
		return strconv.Itoa(row.Group), true
	case "mappriority":
		return strconv.Itoa(row.Priority), true
	case "maprule":
		return row.Rule, true
	case "mapadvice":
		return row.Advice, true
	case "referencedcomponentid":
		return x.Code(row.Member), true
	case "active":
		return "true", true
	}
	return "", false
}

func rowPasses(x *run, row index.Row, conditions []*condition) (bool, error) {
	for _, c := range conditions {
		have, known := fieldOf(x, row, c.field)
		if !known {
			return false, unsupported(c.field)
		}
		if !c.holds(x, have) {
			return false, nil
		}
	}
	return true, nil
}

func unsupported(field string) error {
	return fault.E("ecl.Evaluate", fault.NotSupported, "filters by "+field+" are not supported here: what is imported does not keep it")
}

// truthOf reads a truth value, which may be written as a number.
func truthOf(s string) string {
	switch strings.ToLower(s) {
	case "1", "true":
		return "true"
	case "0", "false":
		return "false"
	}
	return ""
}

// compare compares numbers, or dates, which order as numbers do.
func compare(a, op, b string) bool {
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	if err1 != nil || err2 != nil {
		return false
	}
	switch op {
	case "=":
		return x == y
	case "!=":
		return x != y
	case "<":
		return x < y
	case "<=":
		return x <= y
	case ">":
		return x > y
	case ">=":
		return x >= y
	}
	return false
}

// finds says whether a text is what is searched for.
func (s search) finds(text string) bool {
	switch {
	case s.exact:
		return strings.EqualFold(s.text, text)
	case s.wild:
		return wildcards(strings.ToLower(s.text), strings.ToLower(text))
	}
	return index.HasWords(text, s.words)
}

// wildcards matches a pattern in which * stands for anything.
func wildcards(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(text, p)
		if i < 0 {
			return false
		}
		text = text[i+len(p):]
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}
