package terminology

import (
	"regexp"
	"strings"

	"selda/fault"
	"selda/internal/pattern"
	"selda/terminology/index"
)

// filtered is the set of a system's concepts that pass a filter. What it costs
// is taken off left.
// https://hl7.org/fhir/R4/valueset-filter-operator.html
func filtered(x *index.Index, f Filter, left *int) (*index.Set, error) {
	const op = "terminology.filter"
	if x.Meta().SNOMED {
		if s, done, err := snomedFilter(x, f, left); done {
			return s, err
		}
	}
	cost := x.Len()
	var re *regexp.Regexp
	if f.Op == "regex" {
		var size int
		var ok bool
		if re, size, ok = pattern.Compile("^(?:" + f.Value + ")$"); !ok {
			return nil, fault.E(op, fault.Invalid, "the value is no regular expression, or one that is too large", "ValueSet.compose.include.filter.value")
		}
		cost = 64*size + x.Len()*(4+size/4)
	}
	if *left -= cost; *left < 0 {
		return nil, fault.E(op, fault.TooCostly, "the filters of the value set would take too long: ask for less with each", "ValueSet.compose.include.filter")
	}
	concept := f.Property == "concept" || f.Property == "code"
	switch f.Op {
	case "is-a", "descendent-of", "is-not-a", "generalizes":
		return hierarchical(x, f)
	case "in", "not-in":
		return listedIn(x, f), nil
	case "regex":
		return matching(x, f.Property, re.MatchString), nil
	case "exists":
		s := matching(x, f.Property, func(string) bool { return true })
		if f.Value == "false" {
			s = x.All(true).Minus(s)
		}
		return s, nil
	case "=":
		if concept {
			s := x.NewSet()
			if c, ok := x.Find(f.Value); ok {
				s.Add(c)
			}
			return s, nil
		}
		return equal(x, f)
	}
	return nil, fault.E(op, fault.NotSupported, "there is no filter operator "+f.Op, "ValueSet.compose.include.filter.op")
}

func hierarchical(x *index.Index, f Filter) (*index.Set, error) {
	s := x.NewSet()
	c, ok := x.Find(f.Value)
	if !ok {
		return nil, fault.E("terminology.filter", fault.NotFound, "the code system has no concept "+f.Value, "ValueSet.compose.include.filter.value")
	}
	switch f.Op {
	case "is-a", "is-not-a":
		x.AddDescendants(s, c)
		if f.Op == "is-not-a" {
			s = x.All(true).Minus(s)
		}
	case "descendent-of":
		x.AddDescendants(s, c)
		s.Remove(c)
	case "generalizes":
		x.AddAncestors(s, c)
	}
	return s, nil
}

// listedIn compares with a list of values, divided by commas.
func listedIn(x *index.Index, f Filter) *index.Set {
	values := map[string]bool{}
	for v := range strings.SplitSeq(f.Value, ",") {
		values[strings.TrimSpace(v)] = true
	}
	s := matching(x, f.Property, func(v string) bool { return values[v] })
	if f.Op == "not-in" {
		s = x.All(true).Minus(s)
	}
	return s
}

// equal compares a property. A parent, child, ancestor or descendant is one by
// the hierarchy. A property that neither the system nor a concept has is not known.
func equal(x *index.Index, f Filter) (*index.Set, error) {
	s := x.NewSet()
	c, ok := x.Find(f.Value)
	switch f.Property {
	case "parent", "child", "ancestor", "descendant":
		if !ok {
			return s, nil
		}
	}
	switch f.Property {
	case "parent":
		for _, k := range x.Children(c) {
			s.Add(k)
		}
	case "child":
		for _, p := range x.Parents(c) {
			s.Add(p)
		}
	case "ancestor":
		x.AddDescendants(s, c)
		s.Remove(c)
	case "descendant":
		x.AddAncestors(s, c)
		s.Remove(c)
	default:
		_, named := x.PropertyNamed(f.Property)
		if !named && f.Property != "display" && f.Property != "inactive" && f.Property != "definition" {
			return nil, fault.E("terminology.filter", fault.NotSupported, "the code system has no property "+f.Property, "ValueSet.compose.include.filter.property")
		}
		same := func(v string) bool { return v == f.Value }
		if x.Meta().IgnoreCase {
			same = func(v string) bool { return strings.EqualFold(v, f.Value) }
		}
		return matching(x, f.Property, same), nil
	}
	return s, nil
}

// matching are the concepts with a value of a property that passes.
func matching(x *index.Index, property string, pass func(string) bool) *index.Set {
	s := x.NewSet()
	name, named := x.PropertyNamed(property)
	for c := range index.Concept(x.Len()) {
		in := false
		switch property {
		case "concept", "code":
			in = pass(x.Code(c))
		case "display":
			in = pass(x.Display(c))
		case "definition":
			in = pass(x.Definition(c))
		case "inactive":
			in = pass(map[bool]string{true: "true", false: "false"}[x.Inactive(c)])
		case "parent":
			for _, p := range x.Parents(c) {
				in = in || pass(x.Code(p))
			}
		case "child":
			for _, p := range x.Children(c) {
				in = in || pass(x.Code(p))
			}
		default:
			for i := range x.PropertyCount(c) {
				if p := x.Property(c, i); named && p.Name == name {
					in = in || pass(propertyText(p))
				}
			}
		}
		if in {
			s.Add(c)
		}
	}
	return s
}

// propertyText is a property's value as a filter gives it: a Coding's code.
func propertyText(p index.Property) string {
	t := p.Text()
	if p.Type == index.CodingValue {
		_, t, _ = strings.Cut(t, "|")
		t, _, _ = strings.Cut(t, "|")
	}
	return t
}
