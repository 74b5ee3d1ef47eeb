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

func (v *View) series(d policy.DataSet) []Series {
	var out []Series
	at := map[string]int{}
	add := func(title, key, unit string, p Point) {
		i, ok := at[key+"|"+unitKey(unit)]
		if !ok {
			i = len(out)
			at[key+"|"+unitKey(unit)] = i
			out = append(out, Series{Title: title, Key: key, Unit: unit})
		}
		p.Unit = unit
		out[i].Points = append(out[i].Points, p)
	}
	for _, i := range v.Of("Observation") {
		if i.DataSet != d || i.Res.Get("status").Is("entered-in-error") {
			continue
		}
		r := i.Res.Root()
		if p, unit, ok := point(i, r); ok {
			add(Words(r.Get("code")), codeKey(r.Get("code")), unit, p)
		}
		for _, c := range r.List("component") {
			if p, unit, ok := point(i, c); ok {
				add(Words(c.Get("code")), codeKey(c.Get("code")), unit, p)
			}
		}
	}
	for i := range out {
		slices.SortStableFunc(out[i].Points, func(a, b Point) int { return b.When.Compare(a.When) })
	}
	slices.SortStableFunc(out, func(a, b Series) int { return b.Points[0].When.Compare(a.Points[0].When) })
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
