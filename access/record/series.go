package record

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"selda/fhir"
	"selda/policy"
)

// Series is one thing measured over time: a result or an observation.
type Series struct {
	Title  string
	Key    string
	Unit   string
	Points []Point // the latest first
}

// Point is one measurement.
type Point struct {
	When     time.Time
	WhenText string
	Value    float64
	Numeric  bool
	Text     string // value with unit, as given: "142 µmol/L", "Positive"
	Unit     string // as given, which may be spelt otherwise than the series' own
	Flag     string // "high", "low", "abnormal", "critical" or ""
	Low      *float64
	High     *float64
	Range    string // reference range in words
	Status   string
	Report   string // the report's title, where it is part of one
	Item     Item
}

// Results are laboratory and imaging results as series, the latest first.
func (v *View) Results() []Series { return v.series(policy.Results) }

// Observations are what was observed at the bedside, as series.
func (v *View) Observations() []Series { return v.series(policy.Observations) }

// measure is one value of an Observation, with the series that it belongs to.
type measure struct {
	title, key, series string
	point              Point
}

// measures are the values of an Observation, its components' too.
func measures(i Item) []measure {
	return i.Derived(func() any {
		var out []measure
		add := func(n fhir.Node) {
			if p, unit, ok := point(i, n); ok {
				p.Unit = unit
				key := codeKey(n.Get("code"))
				out = append(out, measure{Words(n.Get("code")), key, key + "|" + unitKey(unit), p})
			}
		}
		r := i.Res.Root()
		if r.Get("status").Is("entered-in-error") {
			return out
		}
		add(r)
		for _, c := range r.List("component") {
			add(c)
		}
		return out
	}).([]measure)
}

func (v *View) series(d policy.DataSet) []Series {
	var all []*measure
	for k := range v.Items {
		if i := v.Items[k]; i.Type == "Observation" && i.DataSet == d {
			list := measures(i)
			for m := range list {
				all = append(all, &list[m])
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *measure) int { return b.point.When.Compare(a.point.When) })
	count := map[string]int{}
	for _, m := range all {
		count[m.series]++
	}
	out := make([]Series, 0, len(count))
	at := make(map[string]int, len(count))
	for _, m := range all {
		i, ok := at[m.series]
		if !ok {
			i = len(out)
			at[m.series] = i
			out = append(out, Series{Title: m.title, Key: m.key, Unit: m.point.Unit, Points: make([]Point, 0, count[m.series])})
		}
		out[i].Points = append(out[i].Points, m.point)
	}
	return out
}

// unitKey is a unit without the ways in which it is written: µmol/L is umol/L,
// mL/min/{1.73_m2} is mL/min/1.73m². Values of other units are never of one
// series.
func unitKey(u string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(u) {
		switch c {
		case ' ', '*', '^', '_', '{', '}', '[', ']', '×':
		case 'µ', 'μ':
			b.WriteByte('u')
		case '²':
			b.WriteByte('2')
		case '³':
			b.WriteByte('3')
		case '⁹':
			b.WriteByte('9')
		case '¹':
			b.WriteByte('1')
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// point reads a value; false where there is none, as of a panel's parent.
func point(i Item, r fhir.Node) (Point, string, bool) {
	p := Point{When: i.When, WhenText: date(i.Res.Root(), "effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued"), Item: i,
		Status: i.Res.Get("status").Text(), Flag: flag(r)}
	unit := ""
	name, value := r.First("value")
	switch name {
	case "valueQuantity":
		p.Value, p.Numeric = value.Get("value").Number()
		unit = cmp.Or(value.Get("unit").Text(), value.Get("code").Text())
		p.Text = strings.TrimSpace(value.Get("comparator").Text() + value.Get("value").Text() + " " + unit)
		p.Numeric = p.Numeric && !value.Get("comparator").Exists()
	case "valueInteger":
		p.Value, p.Numeric = value.Number()
		p.Text = value.Text()
	case "valueCodeableConcept":
		p.Text = Words(value)
	case "valueRatio":
		p.Text = value.Get("numerator", "value").Text() + ":" + value.Get("denominator", "value").Text()
	case "valueRange":
		p.Text = value.Get("low", "value").Text() + " to " + value.Get("high", "value").Text() + " " + value.Get("high", "unit").Text()
	case "valueBoolean":
		p.Text = map[string]string{"true": "Yes", "false": "No"}[value.Text()]
	default:
		p.Text = value.Text()
	}
	if p.Text == "" {
		if p.Text = Words(r.Get("dataAbsentReason")); p.Text == "" {
			return p, "", false
		}
	}
	p.reference(r.Get("referenceRange"))
	return p, unit, true
}

func (p *Point) reference(n fhir.Node) {
	if n.IsArray() {
		n = n.Get("0")
	}
	if !n.Exists() {
		return
	}
	if f, ok := n.Get("low", "value").Number(); ok {
		p.Low = &f
	}
	if f, ok := n.Get("high", "value").Number(); ok {
		p.High = &f
	}
	lo, hi := n.Get("low", "value").Text(), n.Get("high", "value").Text()
	switch {
	case lo != "" && hi != "":
		p.Range = lo + " to " + hi
	case lo != "":
		p.Range = "at least " + lo
	case hi != "":
		p.Range = "at most " + hi
	default:
		p.Range = n.Get("text").Text()
	}
}

func flag(r fhir.Node) string {
	for _, c := range r.List("interpretation") {
		switch code(c) {
		case "H", "HU", ">":
			return "high"
		case "L", "LU", "<":
			return "low"
		case "HH", "LL", "AA":
			return "critical"
		case "A":
			return "abnormal"
		}
	}
	return ""
}
