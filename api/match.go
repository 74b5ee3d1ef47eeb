package api

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"selda/access/record"
	"selda/fault"
	"selda/fhir"
	"selda/mpi/fold"
)

// elements are the search parameters that are tested on items of one record,
// with the element each looks at. The complete set is compiled from the
// definitions; these are what the pages and the first users of the API need.
var elements = map[string]struct {
	kind  string
	paths []string
}{
	"code":                {"token", []string{"code", "medicationCodeableConcept", "vaccineCode"}},
	"category":            {"token", []string{"category"}},
	"status":              {"token", []string{"status"}},
	"clinical-status":     {"token", []string{"clinicalStatus"}},
	"verification-status": {"token", []string{"verificationStatus"}},
	"type":                {"token", []string{"type"}},
	"class":               {"token", []string{"class"}},
	"intent":              {"token", []string{"intent"}},
	"identifier":          {"token", []string{"identifier"}},
	"vaccine-code":        {"token", []string{"vaccineCode"}},
	"name":                {"string", []string{"name"}},
	"date":                {"date", nil},
}

// has says whether a type has a search parameter: R4 has an element that it
// looks at. Every item has a date, which may be unknown.
func has(typ, param string) bool {
	e, ok := elements[param]
	if !ok || e.kind == "date" {
		return ok && !directory[typ]
	}
	if param == "name" {
		return directory[typ]
	}
	return slices.ContainsFunc(e.paths, func(p string) bool { _, _, ok := fhir.Element(typ, p); return ok })
}

// matches tests an item against the parameters.
func matches(i record.Item, params url.Values) (bool, error) {
	for name, values := range params {
		if name == "_id" {
			for _, v := range values {
				if !slices.Contains(strings.Split(v, ","), i.ID) {
					return false, nil
				}
			}
			continue
		}
		if name == "_lastUpdated" {
			for _, v := range values {
				if ok, err := matchesDate(i.Recorded, v); err != nil || !ok {
					return false, err
				}
			}
			continue
		}
		e := elements[name]
		if !has(i.Type, name) {
			continue
		}
		for _, value := range values {
			ok := false
			for _, v := range strings.Split(value, ",") {
				switch e.kind {
				case "token":
					ok = ok || matchesToken(i.Res, e.paths, v)
				case "string":
					ok = ok || matchesName(i.Res, v)
				case "date":
					hit, err := matchesDate(i.When, v)
					if err != nil {
						return false, err
					}
					ok = ok || hit
				}
			}
			if !ok {
				return false, nil
			}
		}
	}
	return true, nil
}

// String search: what the name begins with, whatever its case and accents.
// https://hl7.org/fhir/R4/search.html#string
func matchesName(r *fhir.Resource, v string) bool {
	v = fold.Name(v)
	for _, n := range r.Root().List("name") {
		for _, part := range append(append(n.List("given"), n.Get("family"), n.Get("text")), n) {
			if part.IsString() && strings.HasPrefix(fold.Name(part.Text()), v) {
				return true
			}
		}
	}
	return false
}

// Token search. https://hl7.org/fhir/R4/search.html#token
func matchesToken(r *fhir.Resource, paths []string, v string) bool {
	sys, code, piped := strings.Cut(v, "|")
	if !piped {
		code = v
	}
	hit := func(n fhir.Node, system, value string) bool {
		return (code == "" || n.Get(value).Text() == code) && (!piped || n.Get(system).Text() == sys)
	}
	for _, p := range paths {
		for _, n := range r.Root().List(p) {
			if n.IsString() {
				if n.Text() == code {
					return true
				}
				continue
			}
			if n.Get("value").Exists() && hit(n, "system", "value") || n.Get("code").Exists() && hit(n, "system", "code") {
				return true
			}
			for _, c := range n.List("coding") {
				if hit(c, "system", "code") {
					return true
				}
			}
		}
	}
	return false
}

// Date search with prefixes. https://hl7.org/fhir/R4/search.html#date
func matchesDate(at time.Time, v string) (bool, error) {
	prefix := "eq"
	if len(v) > 2 && v[0] >= 'a' && v[0] <= 'z' {
		prefix, v = v[:2], v[2:]
	}
	from, ok := fhir.Time(v)
	if !ok {
		return false, fault.E("api.search", fault.Value, "a date is written as 2026, 2026-11, 2026-11-05 or with a time and zone", "date")
	}
	to := from
	switch len(v) {
	case 4:
		to = from.AddDate(1, 0, 0)
	case 7:
		to = from.AddDate(0, 1, 0)
	case 10:
		to = from.AddDate(0, 0, 1)
	default:
		to = from.Add(time.Second)
	}
	if at.IsZero() {
		return false, nil
	}
	switch prefix {
	case "eq":
		return !at.Before(from) && at.Before(to), nil
	case "ne":
		return at.Before(from) || !at.Before(to), nil
	case "gt", "sa":
		return !at.Before(to), nil
	case "ge":
		return !at.Before(from), nil
	case "lt", "eb":
		return at.Before(from), nil
	case "le":
		return at.Before(to), nil
	}
	return false, fault.E("api.search", fault.Value, "the prefixes are eq, ne, gt, ge, lt, le, sa and eb", "date")
}

// sortResults puts what was found in order of date or _lastUpdated; the
// latest first where a minus stands before it.
// https://hl7.org/fhir/R4/search.html#sort
func sortResults(out []result, by string) error {
	if by == "" {
		return nil
	}
	name, down := strings.CutPrefix(by, "-")
	var key func(r *result) time.Time
	switch name {
	case "date":
		key = func(r *result) time.Time { return r.when }
	case "_lastUpdated":
		key = func(r *result) time.Time { return r.recorded }
	default:
		return fault.E("api.search", fault.NotSupported, "it can be sorted by date or _lastUpdated", "_sort")
	}
	slices.SortStableFunc(out, func(a, b result) int {
		c := key(&a).Compare(key(&b))
		if down {
			return -c
		}
		return c
	})
	return nil
}
