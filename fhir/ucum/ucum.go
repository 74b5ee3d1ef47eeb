// Package ucum is the Unified Code for Units of Measure as FHIR needs it: a
// unit's code is read, put into base units, compared with others and converted,
// in exact fractions. Names of units are no matter of this package, and what is
// not valid UCUM is refused rather than guessed at. The table of units is
// UCUM's own, made by internal/ucumgen.
// Source: https://ucum.org/ucum.
package ucum

import (
	_ "embed"
	"math/big"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"selda/fault"
)

//go:embed units.txt
var unitsTable string

// Unit is one unit of measure. It is not changed once it is made.
type Unit struct {
	code   string
	factor *big.Rat // how many base units it is
	offset *big.Rat // what is added before the factor: of degrees Celsius
	dims   [7]int16 // exponents of the base units, in the table's order
	other  string   // units that no base unit measures: "[iU]1"
}

// One is the unit of a number without a unit.
var One = &Unit{code: "1", factor: big.NewRat(1, 1)}

// Code is the unit as it was written.
func (u *Unit) Code() string { return u.code }

// Commensurable says whether both measure the same kind of thing, so that one
// can be converted into the other.
func (u *Unit) Commensurable(v *Unit) bool { return u.dims == v.dims && u.other == v.other }

// Factor is how many base units the unit is. It may not be changed.
func (u *Unit) Factor() *big.Rat { return u.factor }

// Base is a value of this unit in base units, as Canonical names them.
func (u *Unit) Base(value *big.Rat) *big.Rat {
	out := new(big.Rat).Set(value)
	if u.offset != nil {
		out.Add(out, u.offset)
	}
	return out.Mul(out, u.factor)
}

// Convert is a value of this unit in another; false where they measure
// different things.
func (u *Unit) Convert(value *big.Rat, to *Unit) (*big.Rat, bool) {
	if !u.Commensurable(to) {
		return nil, false
	}
	out := u.Base(value)
	out.Quo(out, to.factor)
	if to.offset != nil {
		out.Sub(out, to.offset)
	}
	return out, true
}

// Canonical is the unit's base units, "g.m-1", in one order: units that have the
// same are commensurable, and no others.
func (u *Unit) Canonical() string {
	var b strings.Builder
	term := func(code string, exponent int16) {
		if exponent == 0 {
			return
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(code)
		if exponent != 1 {
			b.WriteString(strconv.Itoa(int(exponent)))
		}
	}
	for i, n := range u.dims {
		term(table().base[i], n)
	}
	for _, w := range strings.Fields(u.other) {
		code, n := splitOther(w)
		term(code, n)
	}
	if b.Len() == 0 {
		return "1"
	}
	return b.String()
}

// Mul is the unit of a product.
func (u *Unit) Mul(v *Unit) *Unit { return u.times(v, 1) }

// Div is the unit of a quotient.
func (u *Unit) Div(v *Unit) *Unit { return u.times(v, -1) }

// times is u × v^n, of one that has no offset.
func (u *Unit) times(v *Unit, n int16) *Unit {
	out := &Unit{factor: new(big.Rat).Mul(u.factor, power(v.factor, n)), dims: u.dims, other: u.other}
	for i, d := range v.dims {
		out.dims[i] += d * n
	}
	if v.other != "" {
		out.other = mergeOther(u.other, v.other, n)
	}
	out.code = out.Canonical()
	return out
}

func power(r *big.Rat, n int16) *big.Rat {
	if n < 0 {
		return power(new(big.Rat).Inv(r), -n)
	}
	e := big.NewInt(int64(n))
	return new(big.Rat).SetFrac(new(big.Int).Exp(r.Num(), e, nil), new(big.Int).Exp(r.Denom(), e, nil))
}

// Units that are read again and again are kept, so many and no more.
const maxKept = 2048

var (
	kept      sync.Map // by code
	keptCount atomic.Int32
)

// keptBits is how large the fraction of a unit that is kept may be.
const keptBits = 2048

// maxCode bounds a unit's code; those in use have some 20 letters.
const maxCode = 128

// Parse reads a unit's code, case sensitive as FHIR has it.
func Parse(code string) (*Unit, error) {
	if u, ok := kept.Load(code); ok {
		return u.(*Unit), nil
	}
	if code == "" || len(code) > maxCode {
		return nil, fault.E("ucum.Parse", fault.Value, "a unit's code has 1 to 128 characters")
	}
	code = strings.Clone(code)
	r := reader{s: code, table: table()}
	u, ok := r.main()
	if !ok {
		return nil, fault.E("ucum.Parse", fault.Value, "not a unit of UCUM", "character "+strconv.Itoa(r.i+1))
	}
	u.code = code
	if keptCount.Load() < maxKept && u.bits() <= keptBits {
		if _, again := kept.LoadOrStore(code, u); !again {
			keptCount.Add(1)
		}
	}
	return u, nil
}
