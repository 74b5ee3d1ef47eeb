package subscription

import (
	"net/url"
	"slices"
	"strings"

	"selda/fault"
	"selda/fhir/search"
)

// allow gives a filter of a type in the names of search parameters, where the
// topic offers it; whose record it is about may always be said.
// https://hl7.org/fhir/R5/subscription-definitions.html#Subscription.filterBy
func (t *Topic) allow(ps *search.Parameters, typ string, params url.Values) (url.Values, error) {
	var offered []FilterBy
	for _, f := range t.Filters {
		if f.Type == typ || f.Type == "" {
			offered = append(offered, f)
		}
	}
	if len(offered) == 0 {
		return params, nil
	}
	out := url.Values{}
	for key, values := range params {
		name, modifier, _ := strings.Cut(key, ":")
		if slices.Contains(aims, name) || typ == "Patient" && name == "_id" {
			out[key] = values
			continue
		}
		i := slices.IndexFunc(offered, func(f FilterBy) bool { return f.Name == name })
		if i < 0 {
			return nil, refuse(fault.NotSupported, "the topic can't be filtered by "+name+", but by "+names(offered), inFilter)
		}
		f := &offered[i]
		if p := ps.Defined(f.Definition); p != nil {
			name = p.Code
		}
		if way := f.other(ps.Lookup(typ, name), modifier, values); way != "" {
			return nil, refuse(fault.NotSupported, "the topic lets "+f.Name+" be asked for with "+strings.Join(f.Ways, ", ")+", not with "+way, inFilter)
		}
		if modifier != "" {
			name += ":" + modifier
		}
		out[name] = append(out[name], values...)
	}
	return out, nil
}

const inFilter = "Subscription.criteria.extension"

func names(list []FilterBy) string {
	var out []string
	for _, f := range list {
		out = append(out, f.Name)
	}
	return strings.Join(out, ", ")
}

// other is a comparator or a modifier that the filter may not have, and has; ""
// where there is none. That a value is equal may always be asked.
func (f *FilterBy) other(p *search.Parameter, modifier string, values []string) string {
	if len(f.Ways) == 0 {
		return ""
	}
	if modifier != "" && !slices.Contains(f.Ways, modifier) {
		return modifier
	}
	if p == nil || p.Kind != search.Number && p.Kind != search.Date && p.Kind != search.Quantity {
		return ""
	}
	for _, v := range values {
		for v := range strings.SplitSeq(v, ",") {
			if c := search.Comparator(v); c != "" && c != "eq" && !slices.Contains(f.Ways, c) {
				return c
			}
		}
	}
	return ""
}
