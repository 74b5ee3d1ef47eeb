package fhirpath

import (
	"encoding/json"
	"strconv"
	"strings"

	"selda/fhir"
	"selda/fhir/decimal"
)

// Kind is which of FHIRPath's own types a value has.
// http://hl7.org/fhirpath/N1/#literals
type Kind uint8

// The kinds. An Element is a node of a resource, or of other JSON, that has not
// been made into a value.
const (
	None Kind = iota
	Element
	BooleanKind
	StringKind
	IntegerKind
	DecimalKind
	Date
	DateTime
	Time
	QuantityKind
	typeKind // what type() gives
)

var kindNames = [...]string{"", "", "Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity", "SimpleTypeInfo"}

// Item is one member of a collection: an element of a resource, or a value that
// was written in the expression or computed by it.
type Item struct {
	node  fhir.Node // the element's value; of a primitive with extensions only, nothing
	under fhir.Node // the id and extensions of a primitive: what JSON has under _name
	typ   *fhir.Datatype
	kind  Kind
	n     int64 // of a Boolean and an Integer
	v     any   // string, decimal.Decimal, *Temporal, *Quantity, typeInfo
}

// Collection is what an expression gives: items in order.
type Collection []Item

// Resource is a resource's root, or one inside it, as an item.
func Resource(n fhir.Node) Item {
	return Item{node: n, typ: fhir.DatatypeOf(n.Member("resourceType").View()), kind: Element}
}

// ElementOf is an element of a known type as an item. under is what JSON has
// beside it under _name, of a primitive; the zero Node where there is none.
func ElementOf(n, under fhir.Node, typ *fhir.Datatype) Item {
	return Item{node: n, under: under, typ: typ, kind: Element}
}

// Boolean is a value as an item.
func Boolean(b bool) Item {
	it := Item{kind: BooleanKind}
	if b {
		it.n = 1
	}
	return it
}

// String is a value as an item.
func String(s string) Item { return Item{kind: StringKind, v: s} }

// Integer is a value as an item.
func Integer(n int64) Item { return Item{kind: IntegerKind, n: n} }

// Decimal is a value as an item.
func Decimal(d decimal.Decimal) Item { return Item{kind: DecimalKind, v: d} }

func temporalItem(t *Temporal) Item { return Item{kind: t.kind, v: t} }

func quantityItem(q *Quantity) Item { return Item{kind: QuantityKind, v: q} }

// Node is the element, nothing where the item is a computed value.
func (it *Item) Node() fhir.Node { return it.node }

// Under is the object with a primitive element's id and extensions, if any.
func (it *Item) Under() fhir.Node { return it.under }

// Datatype is the element's type in FHIR; nil of a computed value and of JSON
// that is no resource.
func (it *Item) Datatype() *fhir.Datatype { return it.typ }

// Type is the name of the item's type: "code" or "HumanName" of FHIR's, "String"
// of FHIRPath's own.
func (it *Item) Type() string {
	if it.typ != nil {
		return it.typ.Name()
	}
	if it.kind == Element {
		if v, ok := it.value(); ok {
			return kindNames[v.kind]
		}
		return "Object"
	}
	return kindNames[it.kind]
}

// TypeInFHIR is Type in the words of FHIR's own types: "integer" of an Integer.
func (it *Item) TypeInFHIR() string {
	name := it.Type()
	if it.typ != nil || name == "Quantity" || name == "Object" || it.kind == typeKind {
		return name
	}
	return strings.ToLower(name[:1]) + name[1:]
}

// System says whether the item's type is one of FHIRPath's own.
func (it *Item) System() bool { return it.typ == nil }

var kindOfForm = [...]Kind{fhir.NoForm: None, fhir.BooleanForm: BooleanKind, fhir.StringForm: StringKind, fhir.IntegerForm: IntegerKind,
	fhir.DecimalForm: DecimalKind, fhir.DateForm: Date, fhir.DateTimeForm: DateTime, fhir.TimeForm: Time, fhir.QuantityForm: QuantityKind}

// value is the item as a value of FHIRPath's own types: a primitive element, or
// a Quantity, is one implicitly. ok is false of any other element, and of a
// primitive that has no value or a malformed one.
// https://hl7.org/fhir/R4/fhirpath.html#types
func (it *Item) value() (v Item, ok bool) {
	if it.kind != Element {
		return *it, it.kind != None
	}
	if it.typ == nil {
		return untyped(it.node)
	}
	switch form := it.typ.Form(); form {
	case fhir.NoForm:
		return v, false
	case fhir.BooleanForm:
		return Boolean(it.node.Bool()), it.node.IsBool()
	case fhir.IntegerForm:
		n, err := strconv.ParseInt(it.node.View(), 10, 64)
		return Integer(n), err == nil && it.node.IsNumber()
	case fhir.DecimalForm:
		d, ok := decimal.Parse(it.node.View())
		return Decimal(d), ok && it.node.IsNumber()
	case fhir.StringForm:
		return String(it.node.View()), it.node.IsString()
	case fhir.QuantityForm:
		q, ok := quantityOf(it.node)
		if !ok {
			return v, false
		}
		return quantityItem(q), true
	default:
		if !it.node.IsString() {
			return v, false
		}
		t, ok := temporal(it.node.View(), kindOfForm[form])
		return Item{kind: t.kind, v: &t, node: it.node}, ok // with its text, for functions of strings
	}
}

// untyped is a value of JSON of which no type is known.
func untyped(n fhir.Node) (Item, bool) {
	switch {
	case n.IsString():
		return String(n.View()), true
	case n.IsBool():
		return Boolean(n.Bool()), true
	case n.IsNumber():
		if i, err := strconv.ParseInt(n.View(), 10, 64); err == nil {
			return Integer(i), true
		}
		d, ok := decimal.Parse(n.View())
		return Decimal(d), ok
	}
	return Item{}, false
}

func (it *Item) asDecimal() decimal.Decimal {
	if it.kind == DecimalKind {
		return it.v.(decimal.Decimal)
	}
	return decimal.Int(it.n)
}

// letters is the text of a string, and of a date that is an element: FHIR's dates
// are strings to functions of strings.
func (it *Item) letters() (string, bool) {
	if it.kind == StringKind {
		return it.string(), true
	}
	return it.node.View(), it.isTemporal() && it.node.IsString()
}

func (it *Item) string() string      { return it.v.(string) }
func (it *Item) temporal() *Temporal { return it.v.(*Temporal) }
func (it *Item) quantity() *Quantity { return it.v.(*Quantity) }
func (it *Item) numeric() bool       { return it.kind == IntegerKind || it.kind == DecimalKind }
func (it *Item) isTemporal() bool    { return it.kind >= Date && it.kind <= Time }
func (it *Item) primitive() bool     { return it.typ != nil && it.typ.Primitive() }
func (it *Item) hasValue() bool      { return it.kind != Element || it.node.Exists() }

// Bool is the item as a Boolean; ok is false where it is none.
func (it *Item) Bool() (v, ok bool) {
	s, ok := it.value()
	return s.n == 1, ok && s.kind == BooleanKind
}

// Text is the item as a String: of elements that are strings, codes, URIs and
// the like, too. ok is false of everything else.
func (it *Item) Text() (string, bool) {
	s, ok := it.value()
	if !ok || s.kind != StringKind {
		return "", false
	}
	return s.string(), true
}

// Number is the item as a Decimal, of an Integer or a Decimal.
func (it *Item) Number() (decimal.Decimal, bool) {
	s, ok := it.value()
	if !ok || !s.numeric() {
		return decimal.Decimal{}, false
	}
	return s.asDecimal(), true
}

// Temporal is the item as a Date, DateTime or Time.
func (it *Item) Temporal() (*Temporal, bool) {
	s, ok := it.value()
	if !ok || !s.isTemporal() {
		return nil, false
	}
	return s.temporal(), true
}

// Quantity is the item as a Quantity.
func (it *Item) Quantity() (*Quantity, bool) {
	s, ok := it.value()
	if !ok || s.kind != QuantityKind {
		return nil, false
	}
	return s.quantity(), true
}

// String is the text of a value as toString() has it; "" of an element that is
// no value.
func (it *Item) String() string {
	v, ok := it.value()
	if !ok {
		return ""
	}
	switch v.kind {
	case BooleanKind:
		return strconv.FormatBool(v.n == 1)
	case IntegerKind:
		return strconv.FormatInt(v.n, 10)
	case StringKind:
		return v.string()
	case DecimalKind:
		return v.asDecimal().String()
	case QuantityKind:
		return v.quantity().String()
	case typeKind:
		t := v.v.(typeInfo)
		return t.space + "." + t.name
	}
	return v.temporal().String()
}

// JSON is the item as JSON: an element as it was given, a number as a number, a
// Quantity as its literal, any other value as a string. An element that has no
// value, only extensions, is the object of those.
func (it *Item) JSON() []byte {
	if it.kind == Element {
		if it.node.Exists() {
			return it.node.JSON()
		}
		return it.under.JSON()
	}
	switch it.kind {
	case BooleanKind, IntegerKind, DecimalKind:
		return []byte(it.String())
	case typeKind:
		t := it.v.(typeInfo)
		return []byte(`{"namespace":"` + t.space + `","name":"` + t.name + `"}`)
	}
	b, _ := json.Marshal(it.String())
	return b
}
