package fhirpath

import (
	"math/big"
	"strings"

	"selda/fhir"
	"selda/fhir/decimal"
	"selda/fhir/ucum"
)

// Quantity is a number with a unit: of UCUM, or of the calendar.
// http://hl7.org/fhirpath/N1/#quantity
type Quantity struct {
	Value    decimal.Decimal
	Unit     string // UCUM's code, or the word "year" … "millisecond"
	Calendar bool
}

// String is the quantity as a literal: 4 days, 5 'mg'.
func (q *Quantity) String() string {
	if q.Calendar && q.Value.Cmp(decimal.Int(1)) != 0 {
		return q.Value.String() + " " + q.Unit + "s"
	}
	if q.Calendar {
		return q.Value.String() + " " + q.Unit
	}
	return q.Value.String() + " '" + q.Unit + "'"
}

// ucumSystem is the code system of UCUM in FHIR.
const ucumSystem = "http://unitsofmeasure.org"

// quantityOf is an element Quantity as one of FHIRPath's: its code where that is
// of UCUM, else its unit. https://hl7.org/fhir/R4/fhirpath.html#quantity
func quantityOf(n fhir.Node) (*Quantity, bool) {
	value := n.Member("value")
	d, ok := decimal.Parse(value.View())
	if !ok || !value.IsNumber() || n.Member("comparator").Exists() { // "less than 5" is no one quantity
		return nil, false
	}
	q := &Quantity{Value: d, Unit: n.Member("unit").View()}
	if n.Member("system").Is(ucumSystem) {
		q.Unit = n.Member("code").View()
	} else if code := n.Member("code"); code.IsString() && q.Unit == "" {
		q.Unit = code.View()
	}
	if q.Unit == "" {
		q.Unit = "1"
	}
	return q, true
}

// parseQuantity reads a quantity's text, as toQuantity() takes it.
// http://hl7.org/fhirpath/N1/#toquantityunit--string--quantity
func parseQuantity(s string) (*Quantity, bool) {
	s = strings.TrimSpace(s)
	end := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' && r != '+' && r != '-' })
	number, unit := s, ""
	if end >= 0 {
		number, unit = s[:end], strings.TrimLeft(s[end:], " \t\r\n")
	}
	d, ok := decimal.Parse(number)
	switch {
	case !ok:
		return nil, false
	case unit == "" && end < 0:
		return &Quantity{Value: d, Unit: "1"}, true
	case len(unit) > 2 && unit[0] == '\'' && unit[len(unit)-1] == '\'':
		return &Quantity{Value: d, Unit: unit[1 : len(unit)-1]}, true
	case calendarUnits[unit] != "" && s[end] == ' ':
		return &Quantity{Value: d, Unit: calendarUnits[unit], Calendar: true}, true
	}
	return nil, false
}

// measure is the quantity's unit as UCUM has it. A year and a month of the
// calendar have no fixed length, so that exact asks for none of them.
func (q *Quantity) measure(exact bool) (*ucum.Unit, bool) {
	code := q.Unit
	if q.Calendar {
		if exact && (code == "year" || code == "month") {
			return nil, false
		}
		code = ucumOf[code]
	}
	u, err := ucum.Parse(code)
	return u, err == nil
}

// compare is -1, 0 or +1; known is false where the units can't be compared, and
// alike where they are of the same kind.
func (q *Quantity) compare(o *Quantity) (order int, known, alike bool) {
	if q.Unit == o.Unit && q.Calendar == o.Calendar {
		return q.Value.Cmp(o.Value), true, true
	}
	if q.Calendar && o.Calendar && yearsAndMonths(q) && yearsAndMonths(o) {
		return months(q).Cmp(months(o)), true, true
	}
	u, ok1 := q.measure(true)
	v, ok2 := o.measure(true)
	if !ok1 || !ok2 {
		return 0, false, false
	}
	if !u.Commensurable(v) {
		return 0, false, true
	}
	return u.Base(q.Value.Rat()).Cmp(v.Base(o.Value.Rat())), true, true
}

// Compare is -1, 0 or +1; known is false where the units can't be compared.
func (q *Quantity) Compare(o *Quantity) (order int, known bool) {
	order, known, _ = q.compare(o)
	return order, known
}

func yearsAndMonths(q *Quantity) bool { return q.Unit == "year" || q.Unit == "month" }

func months(q *Quantity) decimal.Decimal {
	if q.Unit == "year" {
		return q.Value.Mul(decimal.Int(12))
	}
	return q.Value
}

// equivalent compares both in the coarser unit, to the precision of the less
// precise. http://hl7.org/fhirpath/N1/#equivalent
func (q *Quantity) equivalent(o *Quantity) bool {
	u, ok1 := q.measure(false)
	v, ok2 := o.measure(false)
	if !ok1 || !ok2 {
		return q.Unit == o.Unit && equivalentNumbers(q.Value, o.Value)
	}
	if u.Factor().Cmp(v.Factor()) < 0 {
		u, v, q, o = v, u, o, q
	}
	in, ok := v.Convert(o.Value.Rat(), u)
	if !ok {
		return false
	}
	converted := decimal.FromRat(in, 28)
	return equivalentNumbers(q.Value, converted)
}

// equivalentNumbers compares to the precision of the less precise.
func equivalentNumbers(a, b decimal.Decimal) bool {
	scale := min(a.Trim().Scale(), b.Trim().Scale())
	return a.Round(scale, decimal.HalfAway).Cmp(b.Round(scale, decimal.HalfAway)) == 0
}

// combine is the sum, or difference, of two quantities in the first one's unit;
// false where they are of different kinds.
func (q *Quantity) combine(o *Quantity, sign int) (*Quantity, bool) {
	value := o.Value
	if q.Unit != o.Unit || q.Calendar != o.Calendar {
		u, ok1 := q.measure(true)
		v, ok2 := o.measure(true)
		if !ok1 || !ok2 {
			return nil, false
		}
		in, ok := v.Convert(o.Value.Rat(), u)
		if !ok {
			return nil, false
		}
		value = decimal.FromRat(in, 28)
	}
	if sign < 0 {
		value = value.Neg()
	}
	return &Quantity{Value: q.Value.Add(value), Unit: q.Unit, Calendar: q.Calendar}, true
}

// scaled is a product or quotient of quantities. Units that are not simply one
// and the same are put into base units.
func (q *Quantity) scaled(o *Quantity, divide bool) (*Quantity, bool) {
	if divide && o.Value.Sign() == 0 {
		return nil, false
	}
	number := func() decimal.Decimal {
		if divide {
			return quotient(q.Value, o.Value)
		}
		return q.Value.Mul(o.Value)
	}
	switch {
	case o.Unit == "1":
		return &Quantity{Value: number(), Unit: q.Unit, Calendar: q.Calendar}, true
	case q.Unit == "1" && !divide:
		return &Quantity{Value: number(), Unit: o.Unit, Calendar: o.Calendar}, true
	case divide && q.Unit == o.Unit && q.Calendar == o.Calendar:
		return &Quantity{Value: number(), Unit: "1"}, true
	}
	u, ok1 := q.measure(false)
	v, ok2 := o.measure(false)
	if !ok1 || !ok2 {
		return nil, false
	}
	a, b := u.Base(q.Value.Rat()), v.Base(o.Value.Rat())
	if divide {
		w := u.Div(v)
		return &Quantity{Value: decimal.FromRat(new(big.Rat).Quo(a, b), 28), Unit: w.Canonical()}, true
	}
	w := u.Mul(v)
	return &Quantity{Value: decimal.FromRat(new(big.Rat).Mul(a, b), 28), Unit: w.Canonical()}, true
}

// quotient is a ÷ b to 16 digits after the point, or to those of the finer of the
// two. FHIRPath asks for 8 at least.
func quotient(a, b decimal.Decimal) decimal.Decimal {
	return a.Quo(b, max(16, a.Scale(), b.Scale()))
}

// in is the quantity in another unit, as toQuantity(unit) has it.
func (q *Quantity) in(unit string) (*Quantity, bool) {
	to := &Quantity{Unit: unit}
	if word := calendarUnits[unit]; word != "" {
		to.Unit, to.Calendar = word, true
	}
	u, ok1 := q.measure(false)
	v, ok2 := to.measure(false)
	if !ok1 || !ok2 {
		return q, q.Unit == unit
	}
	value, ok := u.Convert(q.Value.Rat(), v)
	if ok {
		to.Value = decimal.FromRat(value, 28)
	}
	return to, ok
}
