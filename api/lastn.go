package api

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
)

func init() {
	offer(operation{name: "lastn", at: onType, types: []string{"Observation"}, definition: core + "Observation-lastn", run: (*request).lastn})
}

// lastn gives the last observations of each code, one where max does not say
// more. https://hl7.org/fhir/R4/observation-operation-lastn.html
func (q *request) lastn(_, _ string) error {
	const op = "api.lastn"
	args, err := q.arguments()
	if err != nil {
		return err
	}
	most := 1
	if m := args.text("max"); m != "" {
		if most, err = strconv.Atoi(m); err != nil || most < 1 {
			return fault.E(op, fault.Value, "max is a number from 1", "max")
		}
	}
	params, err := args.searched(op)
	if err != nil {
		return err
	}
	self := maps.Clone(params)
	params = without(params, "max", "_count", "_sort", "_page")
	params.Set("_sort", "-date")
	params.Set("_count", strconv.Itoa(maxCount))
	if q.professional() && !slices.ContainsFunc(slices.Collect(maps.Keys(params)), namesPatient) {
		return fault.E(op, fault.Required, "say whose: patient=ID", "patient")
	}
	groups := map[string]*codeGroups{} // by citizen, where several are named
	whole := &answers{}
	for offset := 0; ; {
		a, err := q.observations(params, offset)
		if err != nil {
			return err
		}
		for _, h := range a.page {
			if groups[h.citizen] == nil {
				groups[h.citizen] = &codeGroups{}
			}
			if groups[h.citizen].take(h.Res.Get("code")) <= most {
				whole.page = append(whole.page, h)
			}
		}
		whole.query = a.query
		if a.next == nil {
			break
		}
		offset = a.next.Offset
	}
	whole.total, whole.self = len(whole.page), self
	return q.answer("Observation/$lastn", whole)
}

// searched are the parameters of a search, which may stand in Parameters in the
// types that they are about. What can't be asked for so is refused: left out, it
// would have others' resources answer.
func (a *arguments) searched(op string) (url.Values, error) {
	out := url.Values{}
	for name, list := range a.values {
		out[name] = list
	}
	for name, list := range a.parts {
		for _, p := range list {
			typ, v := p.First("value")
			text := v.Text()
			switch {
			case !v.IsObject():
				continue // it is among the values
			case typ == "valueReference":
				text = v.Get("reference").Text()
			case typ == "valueCoding":
				text = token(v)
			case typ == "valueCodeableConcept":
				var codes []string
				for _, c := range v.List("coding") {
					codes = append(codes, token(c))
				}
				text = strings.Join(codes, ",")
			}
			if text == "" {
				return nil, fault.E(op, fault.Value, "give it as in the URL of a search: a valueString", name)
			}
			out[name] = append(out[name], text)
		}
	}
	return out, nil
}

// token is a Coding as a search has it.
func token(c fhir.Node) string {
	if !c.Get("code").Exists() {
		return ""
	}
	return escapedValue(c.Get("system").Text()) + "|" + escapedValue(c.Get("code").Text())
}

// observations is one page of a search for Observations.
func (q *request) observations(params url.Values, offset int) (*answers, error) {
	return q.searchedFrom("Observation", "Observation", params, nil, &cursor{Offset: offset})
}

// namesPatient says whether a parameter, whatever follows its name, names whose
// observations are meant.
func namesPatient(name string) bool {
	name, _, _ = strings.Cut(name, ":")
	name, _, _ = strings.Cut(name, ".")
	return name == "patient" || name == "subject"
}

// codeGroups are groups of codes, and how many were met of each.
type codeGroups struct {
	of  [][]fhir.Node
	met map[int]int
}

// take meets a code, and says how many of its group were met by now.
func (g *codeGroups) take(code fhir.Node) int {
	if g.met == nil {
		g.met = map[int]int{}
	}
	i := group(&g.of, code)
	g.met[i]++
	return g.met[i]
}

// group is which of some groups of codes a code is of; a new one where none
// shares a coding, or the words of one without, with it.
func group(groups *[][]fhir.Node, code fhir.Node) int {
	mine := code.List("coding")
	for i, g := range *groups {
		for _, c := range g {
			if c.Get("text").Exists() && len(mine) == 0 && c.Get("text").Text() == code.Get("text").Text() {
				return i
			}
			if slices.ContainsFunc(mine, func(m fhir.Node) bool {
				return m.Get("code").Exists() && m.Get("code").Text() == c.Get("code").Text() && m.Get("system").Text() == c.Get("system").Text()
			}) {
				(*groups)[i] = append(g, mine...)
				return i
			}
		}
	}
	if len(mine) == 0 {
		mine = []fhir.Node{code}
	}
	*groups = append(*groups, mine)
	return len(*groups) - 1
}
