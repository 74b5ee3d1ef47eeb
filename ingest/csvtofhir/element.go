package csvtofhir

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"selda/fhir"
)

// maxIndex bounds what a path may say in brackets.
const maxIndex = 20

// set reads the elements of one resource.
func (p *parser) set(typ string, n *yaml.Node) []assertion {
	var list []assertion
	for _, e := range p.entries(n, "set", nil) {
		a := assertion{group: -1}
		p.path(&a, typ, e)
		if p.err != nil {
			return nil
		}
		if slices.ContainsFunc(list, func(b assertion) bool { return b.path == a.path }) {
			p.wrong(e.key, "the element stands twice: number them, as in line[0] and line[1]")
		}
		p.value(&a, e.value)
		if p.err != nil {
			return nil
		}
		list = append(list, a)
	}
	for i := range list {
		if len(list[i].columns) == 0 {
			list[i].group = group(list, list[i].steps)
		}
	}
	// Cells first: a constant stands where a cell gave its object something.
	slices.SortStableFunc(list, func(a, b assertion) int { return min(len(b.columns), 1) - min(len(a.columns), 1) })
	return list
}

// path reads "code.coding.code" or "name.given[1]": a list without a number
// means its first.
func (p *parser) path(a *assertion, typ string, e entry) {
	var names []string
	var canonical []string
	for name := range strings.SplitSeq(e.name, ".") {
		s := step{name: name}
		if base, index, found := strings.Cut(name, "["); found {
			i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
			if err != nil || !strings.HasSuffix(index, "]") || i < 0 || i > maxIndex {
				p.wrong(e.key, "a number in brackets is from [0] to [20]")
				return
			}
			s.name, s.index, s.list = base, i, true
		}
		datatype, lists, ok := fhir.Element(typ, strings.Join(append(names, s.name), "."))
		if !ok {
			p.wrong(e.key, unknown(typ, names, s.name))
			return
		}
		isList := lists[len(lists)-1]
		if s.list && !isList {
			p.wrong(e.key, s.name+" is no list: take away the number in brackets")
			return
		}
		s.list = isList
		s.path = strings.Join(append(canonical, s.name), ".")
		names = append(names, s.name)
		a.steps = append(a.steps, s)
		a.datatype = datatype
		if isList {
			canonical = append(canonical, s.name+"["+strconv.Itoa(s.index)+"]")
		} else {
			canonical = append(canonical, s.name)
		}
	}
	a.path = strings.Join(canonical, ".")
	if names := fhir.Elements(a.datatype); len(names) > 0 || a.datatype == "Resource" || a.datatype == "xhtml" {
		p.wrong(e.key, "the element has parts: say which, such as "+example(e.name, a.datatype))
	}
}

// example is a part of a datatype that an analyst will have meant.
func example(path, datatype string) string {
	for _, part := range []string{"text", "display", "value", "start", "code", "reference"} {
		if slices.Contains(fhir.Elements(datatype), part) {
			return path + "." + part
		}
	}
	return path + ".…"
}

// unknown says that a type has no such element, and which one is near.
func unknown(typ string, names []string, name string) string {
	datatype := typ
	if len(names) > 0 {
		datatype, _, _ = fhir.Element(typ, strings.Join(names, "."))
	}
	near, most := "", 2
	candidates := fhir.Elements(datatype)
	slices.Sort(candidates)
	for _, c := range candidates {
		n := 0
		for n < len(c) && n < len(name) && c[n]|0x20 == name[n]|0x20 {
			n++
		}
		if n > most {
			near, most = c, n
		}
	}
	what := datatype + " has no element " + short(name)
	if near != "" {
		return what + ": did you mean " + near + "?"
	}
	return what
}

// group is how many steps of a constant lead to the innermost object that
// cells give something too; -1 where none does.
func group(list []assertion, steps []step) int {
	for k := len(steps) - 1; k > 0; k-- {
		for _, b := range list {
			if len(b.columns) > 0 && len(b.steps) > k && slices.Equal(b.steps[:k], steps[:k]) {
				return k
			}
		}
	}
	return -1
}

// value reads what an element is made of: "= text" is the text itself, a name
// a column, and more is said as {column: …, map: …}.
func (p *parser) value(a *assertion, v *yaml.Node) {
	if v.Kind == yaml.ScalarNode {
		s := p.scalar(v, "a value")
		if constant, is := strings.CutPrefix(s, "="); is {
			p.constant(a, v, strings.TrimSpace(constant))
		} else {
			a.columns = []int{p.column(v, s)}
		}
		p.dated(a, v)
		return
	}
	var named string
	for _, e := range p.entries(v, "a value", []string{"column", "columns", "join", "map", "dates", "default", "constant"}) {
		switch e.name {
		case "column":
			a.columns = []int{p.column(e.value, p.scalar(e.value, "column"))}
		case "columns":
			for _, s := range p.list(e.value, "columns") {
				a.columns = append(a.columns, p.column(e.value, s))
			}
			a.join = " "
		case "map":
			named = p.scalar(e.value, "map")
			if a.values = p.maps[named]; a.values == nil {
				p.wrong(e.value, "there is no such map: write it under maps:")
			}
		case "dates":
			a.dates = p.layouts(e.value)
		case "default":
			a.fallback = p.scalar(e.value, "default")
			if _, why := convert(a.datatype, a.fallback); why != "" {
				p.wrong(e.value, "the default "+why)
			}
		case "constant":
			p.constant(a, e.value, p.scalar(e.value, "constant"))
		}
	}
	for _, e := range p.entries(v, "a value", nil) {
		if e.name == "join" && e.value.Kind == yaml.ScalarNode {
			a.join = e.value.Value
		}
	}
	if p.err == nil && len(a.columns) == 0 && a.constant == "" {
		p.wrong(v, "a value needs column: or columns:, or is = and a text")
	}
	if p.err == nil && len(a.columns) > 0 && a.constant != "" {
		p.wrong(v, "a value is a column or a constant, not both")
	}
	for from, to := range a.values {
		if _, why := convert(a.datatype, to); why != "" && to != "" {
			p.wrong(v, "in the map "+short(named)+" the value for "+strconv.Quote(short(from))+" "+why)
		}
	}
	p.dated(a, v)
}

func (p *parser) constant(a *assertion, n *yaml.Node, s string) {
	if s == "" {
		p.wrong(n, "a constant is = and a text")
		return
	}
	if _, why := convert(a.datatype, s); why != "" {
		p.wrong(n, "the constant "+why)
	}
	a.constant = s
}

// dated gives a date its layouts, and asks for them where there are none.
func (p *parser) dated(a *assertion, n *yaml.Node) {
	switch a.datatype {
	case "date", "dateTime", "instant":
	default:
		return
	}
	if a.dates == nil {
		a.dates = p.m.dates
	}
	if p.err == nil && len(a.dates) == 0 && len(a.columns) > 0 && a.values == nil {
		p.wrong(n, "nothing says how dates are written: add dates: dd/mm/yyyy (or as they are) to the mapping")
	}
}

// convert is a text as the datatype has it; why says what is wrong with it.
// Dates are as FHIR writes them.
func convert(datatype, s string) (value any, why string) {
	switch datatype {
	case "boolean":
		switch fold(s) {
		case "true", "yes", "y", "1", "t":
			return true, ""
		case "false", "no", "n", "0", "f":
			return false, ""
		}
		return nil, "is neither true nor false (yes, no, y, n, 1, 0)"
	case "decimal", "integer", "positiveInt", "unsignedInt":
		if !fhir.IsDecimal(s) {
			return nil, "is not a number"
		}
		if datatype != "decimal" && strings.ContainsAny(s, ".eE") || datatype[0] != 'd' && datatype != "integer" && s[0] == '-' || datatype == "positiveInt" && s == "0" {
			return nil, "is not a whole number as the element needs it"
		}
		return fhir.Decimal(s), ""
	case "code":
		if strings.ContainsAny(s, "\t\r\n") || strings.Contains(s, "  ") {
			return nil, "is not a code: it holds more than single blanks"
		}
	case "uri", "url", "canonical", "oid", "uuid", "id":
		if strings.ContainsAny(s, " \t\r\n") {
			return nil, "holds a blank, which the element does not allow"
		}
	case "date", "dateTime", "instant":
		if len(s) < 4 || strings.Trim(s, "0123456789-:.TZ+") != "" {
			return nil, "is not a date as FHIR writes it: 2026-11-05"
		}
	}
	return s, ""
}
