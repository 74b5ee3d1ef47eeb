package search

import (
	"math"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
)

// reach is what a number stands for: with 100 everything from 99.5 up to 100.5.
// https://hl7.org/fhir/R4/search.html#number
type reach struct{ low, high, exact float64 }

func reachOf(s string) (reach, bool) {
	if !fhir.IsDecimal(s) {
		return reach{}, false
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return reach{}, false
	}
	n, exponent := decimals(s)
	half := 0.5 * math.Pow10(exponent-n)
	return reach{v - half, v + half, v}, true
}

// scaled is the number in another unit.
func (r reach) scaled(f func(float64) float64) reach {
	return reach{f(r.low), f(r.high), f(r.exact)}
}

// compare asks whether a value, or a range of values, stands to the one searched
// as the prefix says. https://hl7.org/fhir/R4/search.html#prefix
func (r reach) compare(prefix string, low, high float64) bool {
	within := r.low <= low && high < r.high || low == r.exact && high == r.exact
	switch prefix {
	case "", "eq":
		return within
	case "ne":
		return !within
	case "gt":
		return high > r.exact
	case "lt":
		return low < r.exact
	case "ge":
		return high >= r.exact
	case "le":
		return low <= r.exact
	case "sa":
		return low > r.high
	case "eb":
		return high < r.low
	case "ap":
		far := math.Abs(r.exact) / 10
		return low <= r.exact+far && high >= r.exact-far
	}
	return false
}

func numberTest(value string) (test, error) {
	prefix, rest := cutPrefix(value)
	want, ok := reachOf(rest)
	if !ok {
		return nil, fault.E("search.number", fault.Value, "a number is written as 100, 100.00 or 1e2, after eq, ne, gt, ge, lt, le, sa, eb or ap")
	}
	return func(e element) bool {
		if e.typ == "Range" {
			return rangeOf(e, func(low, high float64, _, _, _ string) bool { return want.compare(prefix, low, high) })
		}
		v, err := strconv.ParseFloat(e.text(), 64)
		return err == nil && want.compare(prefix, v, v)
	}, nil
}

// rangeOf gives the ends of a Range; one that is not there is without end.
func rangeOf(e element, f func(low, high float64, system, code, unit string) bool) bool {
	low, high := math.Inf(-1), math.Inf(1)
	l, h := e.node.Get("low"), e.node.Get("high")
	if v, ok := l.Get("value").Number(); ok {
		low = v
	}
	if v, ok := h.Get("value").Number(); ok {
		high = v
	}
	if !l.Exists() {
		l = h
	}
	return l.Exists() && f(low, high, l.Get("system").Text(), l.Get("code").Text(), l.Get("unit").Text())
}

// amounts gives what an element of a quantity's kind says: its value, or the
// ends of its range, with the unit.
func amounts(e element, f func(low, high float64, system, code, unit string) bool) bool {
	switch e.typ {
	case "Range":
		return rangeOf(e, f)
	case "Money":
		v, ok := e.node.Get("value").Number()
		c := e.node.Get("currency").Text()
		return ok && f(v, v, "urn:iso:std:iso:4217", c, c)
	case "SampledData":
		v, ok := e.node.Get("origin", "value").Number()
		o := e.node.Get("origin")
		return ok && f(v, v, o.Get("system").Text(), o.Get("code").Text(), o.Get("unit").Text())
	case "Ratio":
		return false
	}
	v, ok := e.node.Get("value").Number()
	if !ok {
		return false
	}
	low, high := v, v
	switch c := e.node.Get("comparator").Text(); {
	case strings.HasPrefix(c, "<"):
		low = math.Inf(-1)
	case strings.HasPrefix(c, ">"):
		high = math.Inf(1)
	}
	return f(low, high, e.node.Get("system").Text(), e.node.Get("code").Text(), e.node.Get("unit").Text())
}

// ucumSystem is the system of UCUM's units.
const ucumSystem = "http://unitsofmeasure.org"

// quantityTest tests a quantity: number, number|system|code or number||code.
// Units of UCUM are compared whatever they are written in.
// https://hl7.org/fhir/R4/search.html#quantity
func quantityTest(value string) (test, error) {
	meets, err := amountTest(value)
	if err != nil {
		return nil, err
	}
	return func(e element) bool { return amounts(e, meets) }, nil
}

// amountTest is quantityTest of the ends of an amount, with its unit.
func amountTest(value string) (func(low, high float64, system, code, unit string) bool, error) {
	const op = "search.quantity"
	parts := split(value, '|')
	if len(parts) == 2 || len(parts) > 3 {
		return nil, fault.E(op, fault.Value, "a quantity is written as 5.4, 5.4|http://unitsofmeasure.org|mg or 5.4||mg")
	}
	prefix, rest := cutPrefix(parts[0])
	want, ok := reachOf(rest)
	if !ok {
		return nil, fault.E(op, fault.Value, "a quantity begins with a number, after eq, ne, gt, ge, lt, le, sa, eb or ap")
	}
	system, code := "", ""
	if len(parts) == 3 {
		system, code = parts[1], parts[2]
	}
	canonical := canonicalOf(code, system)
	return func(low, high float64, sys, c, unit string) bool {
		switch {
		case code == "" || system == "" && (c == code || unit == code) || sys == system && c == code:
			return want.compare(prefix, low, high)
		case canonical == nil || sys != ucumSystem:
			return false
		}
		theirs := canonicalOf(c, sys)
		if theirs == nil || theirs.units != canonical.units {
			return false
		}
		return want.scaled(canonical.convert).compare(prefix, theirs.convert(low), theirs.convert(high))
	}, nil
}
