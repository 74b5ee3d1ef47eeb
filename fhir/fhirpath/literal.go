package fhirpath

import (
	"strconv"

	"selda/fhir/decimal"
)

// numberLiteral is an Integer, or a Decimal where there is a point or where the
// number is too large.
func numberLiteral(t *token) (Item, error) {
	if n, err := strconv.ParseInt(t.text, 10, 64); err == nil {
		return Integer(n), nil
	}
	d, ok := decimal.Parse(t.text)
	if !ok {
		return Item{}, syntax(t.pos, "not a number")
	}
	return Decimal(d), nil
}

// temporalLiteral is what stands behind @.
func temporalLiteral(t *token) (*node, error) {
	kind, text := Date, t.text
	switch t.kind {
	case dateTimeToken:
		kind = DateTime
	case timeToken:
		kind, text = Time, text[1:]
	}
	v, ok := temporal(text, kind)
	if !ok {
		return nil, syntax(t.pos, "not a date or time")
	}
	return &node{op: opLiteral, value: temporalItem(&v), pos: t.pos}, nil
}
