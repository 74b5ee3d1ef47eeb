package graphql

import (
	"strconv"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/fhirpath"
)

func decimal(i int) string { return strconv.Itoa(i) }

// filter leaves of a list what its arguments ask for: what a FHIRPath holds of,
// what has an element of some value, and so many from a place on.
// https://hl7.org/fhir/R4/graphql.html#list-navigation
func (x *execution) filter(at scope, s *selection, items []fhirpath.Item, list bool) ([]fhirpath.Item, error) {
	if len(s.arguments) == 0 {
		return items, nil
	}
	if !list {
		return nil, x.err(fault.Value, s, "only a list has arguments")
	}
	offset, count := 0, -1
	for _, a := range s.arguments {
		values, err := x.texts(a.value)
		if err != nil {
			return nil, err
		}
		if values == nil {
			continue // null is no condition
		}
		switch a.name {
		case "_offset":
			offset, err = strconv.Atoi(values[0])
		case "_count":
			count, err = strconv.Atoi(values[0])
		case "fhirpath":
			items, err = x.holding(at, s, items, values[0])
		default:
			items, err = x.having(s, items, a.name, values)
		}
		if err != nil {
			if _, ok := err.(*strconv.NumError); ok {
				err = x.err(fault.Value, s, a.name+" is a number")
			}
			return nil, err
		}
	}
	items = items[min(max(offset, 0), len(items)):]
	if count >= 0 {
		items = items[:min(count, len(items))]
	}
	return items, nil
}

// holding are those of which an expression is true.
func (x *execution) holding(at scope, s *selection, items []fhirpath.Item, path string) (out []fhirpath.Item, err error) {
	e, err := x.path(s, path)
	if err != nil {
		return nil, err
	}
	env := x.env(at)
	for _, it := range items {
		ok, err := e.True(env, it)
		if fault.Is(err, fault.TooLong) {
			return nil, x.err(fault.TooCostly, s, "the query's FHIRPath expressions do too much work: ask for less at a time")
		}
		if err != nil {
			return nil, x.err(fault.Value, s, "the FHIRPath expression can't be evaluated: "+fault.Reason(err))
		}
		if ok {
			out = append(out, it)
		}
	}
	return out, nil
}

// having are those with an element that has one of some values.
func (x *execution) having(s *selection, items []fhirpath.Item, name string, values []string) (out []fhirpath.Item, err error) {
	for _, it := range items {
		i, typ := it.Datatype().Find([]byte(name))
		if i < 0 || !typ.Primitive() {
			return nil, x.err(fault.Value, s, "there is no element to choose by: "+name)
		}
		if has(it.Node().Member(name), values) {
			out = append(out, it)
		}
	}
	return out, nil
}

func has(n fhir.Node, values []string) bool {
	if !n.IsObject() && !n.IsString() && !n.IsNumber() && !n.IsBool() {
		for c := n.Children(); c.Next(); {
			if has(c.Node(), values) {
				return true
			}
		}
		return false
	}
	for _, v := range values {
		if n.Exists() && n.Is(v) || n.IsBool() && n.Text() == v || n.IsNumber() && n.Text() == v {
			return true
		}
	}
	return false
}
