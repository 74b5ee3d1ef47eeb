package v2tofhir

import (
	"encoding/json"
	"strings"

	"selda/fhir"
	"selda/fhir/ucum"
	"selda/hl7v2"
)

// comparators are those of FHIR, longest first.
var comparators = []string{"<=", ">=", "<", ">"}

func comparator(s string) (cmp, rest string) {
	s = strings.TrimSpace(s)
	for _, c := range comparators {
		if r, ok := strings.CutPrefix(s, c); ok {
			return c, strings.TrimSpace(r)
		}
	}
	return "", s
}

// quantity sets valueQuantity of a number, with or without a comparator
// before it; false where the value is no number.
func (w *mapper) quantity(it *item, o fhir.Object, path string, v hl7v2.Value, u *unit) bool {
	cmp, rest := comparator(v.Comp(1).Text())
	n := number(rest)
	if n == "" || v.Comp(2).Exists() {
		return false
	}
	path = join(path, "valueQuantity")
	o["valueQuantity"] = w.measured(it, path, n, cmp, v, u)
	return true
}

// measured is a Quantity.
func (w *mapper) measured(it *item, path string, n fhir.Decimal, cmp string, v hl7v2.Value, u *unit) json.RawMessage {
	it.from(join(path, "value"), v)
	if cmp != "" {
		it.from(join(path, "comparator"), v)
	}
	return u.quantity(it, path, n, cmp)
}

// unit is OBX-6 or the like: the unit as sent, and its UCUM code where it is
// known, each with its place.
type unit struct {
	text, code         string
	textFrom, codeFrom hl7v2.Value
}

func unitOf(v hl7v2.Value) (u unit) {
	code, text := v.Comp(1), v.Comp(2)
	u.textFrom, u.codeFrom = text, code
	if !text.Exists() {
		u.textFrom = code
	}
	if u.text = clean(u.textFrom.Text()); u.text == "" {
		return u
	}
	u.code = ucumCode(clean(code.Text()))
	if u.code == "" && strings.EqualFold(token(v.Comp(3).Text()), "UCUM") {
		if _, err := ucum.Parse(token(code.Text())); err == nil { // else it is called so and is not
			u.code = token(code.Text())
		}
	}
	if u.code == "" {
		u.code, u.codeFrom = ucumCode(clean(text.Text())), text
	}
	return u
}

// quantity is n in this unit.
func (u *unit) quantity(it *item, path string, n fhir.Decimal, cmp string) json.RawMessage {
	system := ""
	if u.text != "" {
		it.from(join(path, "unit"), u.textFrom)
	}
	if u.code != "" {
		it.from(join(path, "code"), u.codeFrom)
		system = systemUCUM
	}
	return raw(nil).text("code", u.code).text("comparator", cmp).text("system", system).text("unit", u.text).json("value", []byte(n)).end()
}

// structuredNumeric is SN: a comparator, a number, a separator, a number.
func (w *mapper) structuredNumeric(it *item, o fhir.Object, path string, v hl7v2.Value, u *unit) bool {
	cmp, _ := comparator(clean(v.Comp(1).Text()))
	first, second := number(v.Comp(2).Text()), number(v.Comp(4).Text())
	sep := clean(v.Comp(3).Text())
	quantity := func(name string, n fhir.Decimal, at hl7v2.Value) json.RawMessage {
		return w.measured(it, join(path, name), n, "", at, u)
	}
	switch {
	case first != "" && second == "" && sep == "":
		if c := clean(v.Comp(1).Text()); c != "" && c != "=" && cmp == "" {
			return false
		}
		o["valueQuantity"] = w.measured(it, join(path, "valueQuantity"), first, cmp, v.Comp(2), u)
		return true
	case first != "" && second != "" && sep == "-":
		o["valueRange"] = fhir.Object{"low": quantity("valueRange.low", first, v.Comp(2)), "high": quantity("valueRange.high", second, v.Comp(4))}
		return true
	case first != "" && second != "" && (sep == ":" || sep == "/"):
		o["valueRatio"] = fhir.Object{"numerator": quantity("valueRatio.numerator", first, v.Comp(2)), "denominator": quantity("valueRatio.denominator", second, v.Comp(4))}
		return true
	}
	return false
}

// bounds reads "3.5 - 5.3", "[ 0.04 - 0.40 ]", "70_105", "< 0.21", ">60".
func bounds(s string) (low, high fhir.Decimal) {
	s = strings.TrimSpace(strings.Trim(strings.TrimSpace(s), "[]()"))
	if cmp, rest := comparator(s); cmp != "" {
		n := number(rest)
		if cmp[0] == '<' {
			return "", n
		}
		return n, ""
	}
	for _, sep := range []string{" - ", "_", " to ", "-"} {
		at := strings.Index(s, sep)
		if at == 0 && len(s) > 1 { // a minus sign
			if at = strings.Index(s[1:], sep); at >= 0 {
				at++
			}
		}
		if at <= 0 {
			continue
		}
		low, high = number(s[:at]), number(s[at+len(sep):])
		if low != "" && high != "" {
			return low, high
		}
	}
	return "", ""
}
