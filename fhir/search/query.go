package search

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
)

// Query is a search as it was asked: the conditions, and how the answer shall be.
type Query struct {
	Type     string
	Clauses  []*Clause
	Sort     []Key
	Count    int // -1 where it was not said
	Summary  string
	Elements []string
	Total    string // none, estimate, accurate, or ""
	Include  []Include
	Unknown  []string // parameters that are not known, by name
}

// Key is one thing to sort by.
type Key struct {
	Param *Parameter
	Down  bool
}

// Include is what shall come with the matches.
// https://hl7.org/fhir/R4/search.html#revinclude
type Include struct {
	Reverse bool
	Iterate bool
	Type    string     // of the resource that refers
	By      *Parameter // nil for every reference
	Target  string     // only resources of this type; "" for any
}

// results are the parameters that say how the answer shall be.
var results = []string{"_sort", "_count", "_total", "_summary", "_elements", "_include", "_revinclude", "_include:iterate", "_revinclude:iterate", "_include:recurse", "_revinclude:recurse"}

// Aside are parameters of the request that are none of the search.
var Aside = []string{"_format", "_pretty", "_page"}

// Parse reads the parameters of a search of a type. A parameter that is not
// known is in Unknown; one whose value can't be read is an error of kind Value.
func (q *Scope) Parse(typ string, params url.Values) (*Query, error) {
	out := &Query{Type: typ, Count: -1}
	if tooMany(params) {
		return nil, fault.E("search.Parse", fault.TooCostly, "the search has more than 10000 values: ask in parts")
	}
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names) // so that the same search is always the same
	for _, name := range names {
		if slices.Contains(Aside, name) {
			continue
		}
		for _, value := range params[name] {
			known, err := true, error(nil)
			if slices.Contains(results, name) && value == "" {
				continue // nothing is asked
			}
			if slices.Contains(results, name) {
				known, err = q.result(out, name, value)
			} else if value != "" { // an empty value is no condition
				var c *Clause
				if c, known, err = q.Clause(typ, name, value); c != nil {
					out.Clauses = append(out.Clauses, c)
				}
			} else {
				known = q.knows(typ, name)
			}
			if err != nil {
				return nil, err
			}
			if !known && !slices.Contains(out.Unknown, name) {
				out.Unknown = append(out.Unknown, name)
			}
		}
	}
	return out, nil
}

// maxValues is how many values a search may have in all. Each may be held
// against each resource that is looked at.
const maxValues = 10_000

// tooMany says whether there are more: values with commas between them, the
// comparisons of a filter, the words of a text.
func tooMany(params url.Values) bool {
	n := 0
	for name, list := range params {
		for _, v := range list {
			n += 1 + strings.Count(v, ",")
			switch name {
			case "_filter":
				n += strings.Count(v, " or ") + strings.Count(v, " and ")
			case "_content", "_text":
				n += strings.Count(v, " ")
			}
		}
	}
	return n > maxValues
}

// knows says whether a name is a parameter's, of one that has no value.
func (q *Scope) knows(typ, name string) bool {
	if slices.Contains([]string{"_content", "_text", "_list", "_has", "_filter"}, name) {
		return true
	}
	code, _, _ := strings.Cut(name, ":")
	code, _, _ = strings.Cut(code, ".")
	return q.Parameters.Lookup(typ, code) != nil
}

// result reads a parameter of the answer.
func (q *Scope) result(out *Query, name, value string) (known bool, err error) {
	const op = "search.Parse"
	base, flag, _ := strings.Cut(name, ":")
	switch base {
	case "_count":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return true, fault.E(op, fault.Value, "_count is a number", "_count")
		}
		out.Count = n
	case "_total":
		if out.Total = value; !slices.Contains([]string{"none", "estimate", "accurate"}, value) {
			return true, fault.E(op, fault.Value, "_total is none, estimate or accurate", "_total")
		}
	case "_summary":
		if out.Summary = value; !slices.Contains([]string{"true", "text", "data", "count", "false"}, value) {
			return true, fault.E(op, fault.Value, "_summary is true, text, data, count or false", "_summary")
		}
	case "_elements":
		out.Elements = append(out.Elements, strings.Split(value, ",")...)
	case "_sort":
		for _, by := range strings.Split(value, ",") {
			code, down := strings.CutPrefix(by, "-")
			p := q.Parameters.Lookup(out.Type, code)
			if p == nil || p.Kind == Special || p.Kind == Composite {
				return true, fault.E(op, fault.NotSupported, "it can't be sorted by this: "+code, "_sort")
			}
			out.Sort = append(out.Sort, Key{p, down})
		}
	case "_include", "_revinclude":
		i, err := q.include(value, base == "_revinclude", flag != "")
		if err != nil {
			return true, err
		}
		if i == nil {
			return false, nil
		}
		out.Include = append(out.Include, *i)
	}
	return true, nil
}

// include reads Type:parameter, Type:parameter:Target, Type:* and *.
func (q *Scope) include(value string, reverse, iterate bool) (*Include, error) {
	const op = "search.include"
	name := "_include"
	if reverse {
		name = "_revinclude"
	}
	i := &Include{Reverse: reverse, Iterate: iterate}
	if value == "*" {
		return i, nil
	}
	f := strings.Split(value, ":")
	if len(f) < 2 || len(f) > 3 || !fhir.IsResourceType(f[0]) || len(f) == 3 && f[2] != "" && !fhir.IsResourceType(f[2]) {
		return nil, fault.E(op, fault.Value, "an include is written as Type:parameter, Type:parameter:Target, Type:* or *", name)
	}
	i.Type = f[0]
	if len(f) == 3 {
		i.Target = f[2]
	}
	if f[1] == "*" {
		return i, nil
	}
	if i.By = q.Parameters.Lookup(i.Type, f[1]); i.By == nil || i.By.Kind != Reference {
		return nil, fault.E(op, fault.Value, "there is no reference parameter "+f[1]+" of "+i.Type, name)
	}
	return i, nil
}

// Matches says whether a resource meets every condition of the query.
func (q *Query) Matches(r *Candidate) bool {
	for _, c := range q.Clauses {
		if !c.Matches(r) {
			return false
		}
	}
	return true
}
