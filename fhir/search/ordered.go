package search

import (
	"slices"
	"time"

	"selda/fhir"
)

// Ordered is what an index of ordered values keeps of one code of a resource:
// enough to say of most of them whether they meet a code with a range of dates
// or amounts, and to count them, without reading one.
type Ordered struct {
	Code, System string // as given
	Part         bool   // it is the code of a component, and the amount is that component's
	Vague        bool   // there is more to the resource than fits here: it has to be read
	Dates        [2]Span
	Amount       *Amount // nil where there is none
}

// Span is a stretch of time in milliseconds from 1970: from, and up to but
// without to. Of the zero Span there is none.
type Span struct{ From, To int64 }

// Amount is a quantity, or the ends of a range. An end that is open is infinite.
type Amount struct {
	Low, High          float64
	System, Code, Unit string
}

// Key is what the index keeps it under. It says nothing of the system.
func (o *Ordered) Key() string { return CodeToken(o.Code) }

// order names the parameters whose values are kept in order.
type order struct {
	code   string    // of kind token
	dates  [2]string // of kind date; "" for none
	amount string    // of kind quantity, and the composites of it with a code:
	whole  string    // of the resource
	part   string    // of its components
	either string    // of both
}

var orders = map[string]order{
	"Observation": {code: "code", dates: [2]string{"date"}, amount: "value-quantity", whole: "code-value-quantity",
		part: "component-code-value-quantity", either: "combo-code-value-quantity"},
	"Condition":         {code: "code", dates: [2]string{"onset-date", "recorded-date"}},
	"Procedure":         {code: "code", dates: [2]string{"date"}},
	"Encounter":         {code: "type", dates: [2]string{"date"}},
	"Immunization":      {code: "vaccine-code", dates: [2]string{"date"}},
	"MedicationRequest": {code: "code", dates: [2]string{"authoredon"}},
	"DiagnosticReport":  {code: "code", dates: [2]string{"date", "issued"}},
}

// HasOrder says whether the values of a type are kept in order.
func HasOrder(typ string) bool {
	_, ok := orders[typ]
	return ok
}

// Ordered gives what the index of ordered values keeps of a resource, for each
// of its codes; nothing of a type that has none.
func (ps *Parameters) Ordered(res *fhir.Resource) []Ordered {
	by, ok := orders[res.Type]
	if !ok {
		return nil
	}
	var all Ordered
	for i, name := range by.dates {
		ps.eachElement(res, name, func(e element) {
			for _, s := range spans(e) {
				all.Vague = all.Vague || all.Dates[i] != (Span{}) || s.from >= s.to
				all.Dates[i] = Span{s.from, s.to}
			}
		})
	}
	whole := all
	ps.eachElement(res, by.amount, whole.measure)
	var out []Ordered
	ps.eachElement(res, by.code, func(e element) { out = whole.coded(out, e) })
	if p := ps.Lookup(res.Type, by.part); by.part != "" && p != nil && len(p.Components) == 2 {
		_ = p.each(res, func(e element) bool {
			part := all
			part.Part = true
			_ = p.Components[1].parameter.within(e, func(v element) bool { part.measure(v); return false })
			_ = p.Components[0].parameter.within(e, func(v element) bool { out = part.coded(out, v); return false })
			return false
		})
	}
	return out
}

func (ps *Parameters) eachElement(res *fhir.Resource, code string, f func(element)) {
	if code == "" {
		return
	}
	if p := ps.Lookup(res.Type, code); p != nil {
		_ = p.each(res, func(e element) bool { f(e); return false })
	}
}

// measure notes an amount.
func (o *Ordered) measure(e element) {
	amounts(e, func(low, high float64, system, code, unit string) bool {
		o.Vague = o.Vague || o.Amount != nil
		o.Amount = &Amount{low, high, system, code, unit}
		return false
	})
}

// coded adds one for each code of an element.
func (o Ordered) coded(out []Ordered, e element) []Ordered {
	tokens(e, func(system, code, _ string, anySystem bool) bool {
		if code != "" {
			o.Code, o.System, o.Vague = code, system, o.Vague || anySystem
			out = append(out, o)
		}
		return false
	})
	return out
}

// Verdict says whether something meets a query.
type Verdict uint8

// Perhaps is what only the resource itself can tell.
const (
	No Verdict = iota
	Yes
	Perhaps
)

// Ranged is a query as the index of ordered values can answer it.
type Ranged struct {
	Keys   []string // it is under one of them
	Narrow bool     // dates or amounts are asked for, not the code alone
	tests  []func(*Ordered) bool
	vague  bool // something else is asked for, too
}

// Meets says whether an entry, and so its resource, meets the query.
func (r *Ranged) Meets(o *Ordered) Verdict {
	if o.Vague {
		return Perhaps
	}
	for _, t := range r.tests {
		if !t(o) {
			return No
		}
	}
	if r.vague {
		return Perhaps
	}
	return Yes
}

// Ranged reads a query as one of a code with ranges; nil where it is none.
func (q *Scope) Ranged(query *Query) *Ranged {
	by, ok := orders[query.Type]
	if !ok {
		return nil
	}
	r := &Ranged{}
	for _, c := range query.Clauses {
		if r.code(c, by) || q.codes(r, c, by) || r.within(c, by, q.Now) {
			continue
		}
		if _, ok := c.Tokens(); ok {
			return nil // what else is asked for may be rarer
		}
		r.vague = true
	}
	if len(r.Keys) == 0 {
		return nil
	}
	return r
}

// plain says whether a clause asks for values of a parameter, and no more.
func (c *Clause) plain(code string) bool {
	return code != "" && c.Param != nil && c.Param.Code == code && c.Modifier == "" && c.Chain == nil && c.Has == nil && c.direct == nil
}

// code takes the first clause of codes, alone or with their amounts, as what
// entries are found under.
func (r *Ranged) code(c *Clause, by order) bool {
	parts, others := false, true
	switch {
	case len(r.Keys) > 0:
		return false
	case c.plain(by.code):
	case c.plain(by.whole):
	case c.plain(by.part):
		parts, others = true, false
	case c.plain(by.either):
		parts = true
	default:
		return false
	}
	var keys []string
	var any []func(*Ordered) bool
	for _, v := range c.Values {
		value := ""
		if !c.plain(by.code) {
			halves := split(v, '$')
			if len(halves) != 2 {
				return false
			}
			v, value = halves[0], halves[1]
		}
		key, meets, ok := codeOf(v)
		if !ok {
			return false
		}
		if value != "" {
			amount, err := amountTest(value)
			if err != nil {
				return false
			}
			coded := meets
			meets = func(o *Ordered) bool { return coded(o) && o.amounts(amount) }
		}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
		any = append(any, meets)
	}
	r.Keys, r.Narrow = keys, r.Narrow || !c.plain(by.code)
	r.tests = append(r.tests, func(o *Ordered) bool {
		return (o.Part && parts || !o.Part && others) && slices.ContainsFunc(any, func(t func(*Ordered) bool) bool { return t(o) })
	})
	return true
}

// mostOrdered is how many codes of a value set are looked up among the ordered values.
const mostOrdered = 100_000

// codes takes a clause of the codes in a value set, or below another, as code does.
func (q *Scope) codes(r *Ranged, c *Clause, by order) bool {
	if len(r.Keys) > 0 || c.Param == nil || c.Param.Code != by.code || c.Chain != nil || c.Modifier != "in" && c.Modifier != "below" {
		return false
	}
	listed := q.listed(c, mostOrdered)
	var any []func(system, code string) bool
	for _, v := range c.Values {
		meets, err := q.codeUnder(split(v, '|'), c.Modifier)
		if c.Modifier == "in" {
			meets, err = q.codeIn(v)
		}
		if err != nil {
			return false
		}
		any = append(any, meets)
	}
	for _, code := range listed {
		r.Keys = append(r.Keys, CodeToken(code))
	}
	r.Narrow = r.Narrow || len(listed) > mostListed
	r.tests = append(r.tests, func(o *Ordered) bool {
		return !o.Part && slices.ContainsFunc(any, func(is func(system, code string) bool) bool { return is(o.System, o.Code) })
	})
	return true
}

// codeOf reads code, system|code or |code.
func codeOf(value string) (key string, meets func(*Ordered) bool, ok bool) {
	parts := split(value, '|')
	code := parts[len(parts)-1]
	if code == "" || len(parts) > 2 {
		return "", nil, false
	}
	if len(parts) == 1 {
		return CodeToken(code), func(o *Ordered) bool { return o.Code == code }, true
	}
	return CodeToken(code), func(o *Ordered) bool { return o.Code == code && o.System == parts[0] }, true
}

func (o *Ordered) amounts(meets func(low, high float64, system, code, unit string) bool) bool {
	a := o.Amount
	return a != nil && meets(a.Low, a.High, a.System, a.Code, a.Unit)
}

// within takes a clause of dates or amounts, of which an entry must meet one.
func (r *Ranged) within(c *Clause, by order, now time.Time) bool {
	var any []func(*Ordered) bool
	for _, v := range c.Values {
		switch {
		case c.plain(by.amount):
			meets, err := amountTest(v)
			if err != nil {
				return false
			}
			any = append(any, func(o *Ordered) bool { return !o.Part && o.amounts(meets) })
		case c.plain(by.dates[0]), c.plain(by.dates[1]):
			i := slices.Index(by.dates[:], c.Param.Code)
			meets, err := timeTest(unescape(v), now)
			if err != nil {
				return false
			}
			any = append(any, func(o *Ordered) bool {
				d := o.Dates[i]
				return d != (Span{}) && meets(span{d.From, d.To})
			})
		default:
			return false
		}
	}
	r.Narrow = true
	r.tests = append(r.tests, func(o *Ordered) bool {
		return slices.ContainsFunc(any, func(t func(*Ordered) bool) bool { return t(o) })
	})
	return true
}
