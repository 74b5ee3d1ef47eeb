// Package decimal is decimal numbers as FHIR and FHIRPath mean them: exact, and
// with the precision in which they were written, so that 1.50 is not 1.5 where
// that matters. It is not for money or for statistics: only what the standards
// ask of a number is here.
// Source: https://hl7.org/fhir/R4/datatypes.html#decimal.
package decimal

import (
	"cmp"
	"math"
	"math/big"
	"math/bits"
	"strconv"
)

// Decimal is n × 10^-scale. The zero Decimal is 0. Its scale says how many
// digits after the point it was written with; it is negative of what was written
// with an exponent, as 1e3.
type Decimal struct {
	n     int64
	large *big.Int // in place of n where that is too small
	scale int32
}

// What is read is bounded, so that no number costs more than its text.
const (
	maxDigits   = 1000
	maxExponent = 400
)

// Int is a whole number.
func Int(n int64) Decimal { return Decimal{n: n} }

// Parse reads a decimal: a sign, digits, a point and digits, an exponent. ok is
// false where s is none, or is longer than any measurement.
func Parse(s string) (d Decimal, ok bool) {
	i, negative := 0, false
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		negative = s[i] == '-'
		i++
	}
	start, point, digits := i, -1, 0
	var n uint64
	small := true
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' && point < 0 && digits > 0 {
			point = i
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		digits++
		if small = small && n <= (math.MaxInt64-9)/10; small {
			n = n*10 + uint64(c-'0')
		}
	}
	if digits == 0 || digits > maxDigits || point == i-1 {
		return Decimal{}, false
	}
	mantissa := s[start:i]
	if point >= 0 {
		d.scale = int32(i - point - 1)
	}
	if i < len(s) {
		exponent, ok := exponent(s[i:])
		if !ok {
			return Decimal{}, false
		}
		d.scale -= exponent
	}
	if small {
		if d.n = int64(n); negative {
			d.n = -d.n
		}
		return d, true
	}
	if point >= 0 {
		mantissa = mantissa[:point-start] + mantissa[point-start+1:]
	}
	d.large, _ = new(big.Int).SetString(mantissa, 10)
	if negative {
		d.large.Neg(d.large)
	}
	return d, true
}

func exponent(s string) (int32, bool) {
	if len(s) < 2 || len(s) > 6 || s[0] != 'e' && s[0] != 'E' {
		return 0, false
	}
	n, err := strconv.ParseInt(s[1:], 10, 32)
	return int32(n), err == nil && n >= -maxExponent && n <= maxExponent
}

// String is the number without an exponent, in its precision.
func (d Decimal) String() string {
	if d.large == nil && d.scale == 0 {
		return strconv.FormatInt(d.n, 10)
	}
	text := d.big().String()
	sign := ""
	if text[0] == '-' {
		sign, text = "-", text[1:]
	}
	switch {
	case d.scale < 0:
		if text != "0" {
			text += zeros(int(-d.scale))
		}
	case d.scale > 0:
		if missing := int(d.scale) + 1 - len(text); missing > 0 {
			text = zeros(missing) + text
		}
		text = text[:len(text)-int(d.scale)] + "." + text[len(text)-int(d.scale):]
	}
	return sign + text
}

func zeros(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0'
	}
	return string(b)
}

// Scale is the number of digits after the point.
func (d Decimal) Scale() int { return int(max(d.scale, 0)) }

func (d Decimal) big() *big.Int {
	if d.large != nil {
		return d.large
	}
	return big.NewInt(d.n)
}

// of makes a Decimal of a large number, small again where it fits.
func of(n *big.Int, scale int32) Decimal {
	if n.IsInt64() {
		return Decimal{n: n.Int64(), scale: scale}
	}
	return Decimal{large: n, scale: scale}
}

var ten = big.NewInt(10)

func pow10(n int32) *big.Int { return new(big.Int).Exp(ten, big.NewInt(int64(n)), nil) }

var small10 = [...]int64{1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000,
	100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000,
	100000000000000000, 1000000000000000000}

func mul64(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	hi, lo := bits.Mul64(uint64(max(a, -a)), uint64(max(b, -b)))
	if hi != 0 || lo > math.MaxInt64 || a == math.MinInt64 || b == math.MinInt64 {
		return 0, false
	}
	if (a < 0) != (b < 0) {
		return -int64(lo), true
	}
	return int64(lo), true
}

// aligned gives both numbers in the finer scale of the two, small where they fit.
func aligned(a, b Decimal) (x, y int64, small bool) {
	if a.large != nil || b.large != nil {
		return 0, 0, false
	}
	up := int(a.scale) - int(b.scale)
	switch {
	case up == 0:
		return a.n, b.n, true
	case up > 0 && up < len(small10):
		y, small = mul64(b.n, small10[up])
		return a.n, y, small
	case up < 0 && -up < len(small10):
		x, small = mul64(a.n, small10[-up])
		return x, b.n, small
	}
	return 0, 0, false
}

func alignedLarge(a, b Decimal) (x, y *big.Int) {
	x, y = a.big(), b.big()
	if a.scale > b.scale {
		y = new(big.Int).Mul(y, pow10(a.scale-b.scale))
	} else if b.scale > a.scale {
		x = new(big.Int).Mul(x, pow10(b.scale-a.scale))
	}
	return x, y
}

// Cmp is -1, 0 or +1: 1.0 and 1 are equal.
func (d Decimal) Cmp(e Decimal) int {
	if x, y, ok := aligned(d, e); ok {
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	x, y := alignedLarge(d, e)
	return x.Cmp(y)
}

// Sign is -1, 0 or +1.
func (d Decimal) Sign() int {
	if d.large != nil {
		return d.large.Sign()
	}
	return cmp.Compare(d.n, 0)
}

// Neg is -d.
func (d Decimal) Neg() Decimal {
	if d.large == nil && d.n != math.MinInt64 {
		return Decimal{n: -d.n, scale: d.scale}
	}
	return of(new(big.Int).Neg(d.big()), d.scale)
}

// Abs is |d|.
func (d Decimal) Abs() Decimal {
	if d.Sign() < 0 {
		return d.Neg()
	}
	return d
}

// Add is d + e, exactly.
func (d Decimal) Add(e Decimal) Decimal {
	scale := max(d.scale, e.scale)
	if x, y, ok := aligned(d, e); ok {
		if s := x + y; (s > x) == (y > 0) {
			return Decimal{n: s, scale: scale}
		}
	}
	x, y := alignedLarge(d, e)
	return of(new(big.Int).Add(x, y), scale)
}

// Sub is d - e, exactly.
func (d Decimal) Sub(e Decimal) Decimal { return d.Add(e.Neg()) }

// Mul is d × e, exactly.
func (d Decimal) Mul(e Decimal) Decimal {
	if d.large == nil && e.large == nil {
		if n, ok := mul64(d.n, e.n); ok {
			return Decimal{n: n, scale: d.scale + e.scale}
		}
	}
	return of(new(big.Int).Mul(d.big(), e.big()), d.scale+e.scale)
}

// Quo is d ÷ e to at most scale digits after the point, rounded, and without
// zeros at its end. e is not 0.
func (d Decimal) Quo(e Decimal, scale int) Decimal {
	return FromRat(new(big.Rat).Quo(d.Rat(), e.Rat()), scale)
}

// Div is the whole part of d ÷ e, and what remains of d. e is not 0.
func (d Decimal) Div(e Decimal) (whole, rest Decimal) {
	x, y := alignedLarge(d, e)
	q, r := new(big.Int).QuoRem(x, y, new(big.Int))
	return of(q, 0), of(r, max(d.scale, e.scale))
}

// How a number loses digits.
type Mode uint8

// The modes.
const (
	HalfAway Mode = iota // to the nearest, a half away from 0
	Down                 // towards 0
	Floor                // towards minus infinity
	Ceiling              // towards plus infinity
)

// Round is d with so many digits after the point; zeros are put behind one that
// has fewer.
func (d Decimal) Round(scale int, mode Mode) Decimal {
	cut := d.scale - int32(scale)
	if cut <= 0 {
		if up := int(-cut); d.large == nil && up < len(small10) {
			if n, ok := mul64(d.n, small10[up]); ok {
				return Decimal{n: n, scale: int32(scale)}
			}
		}
		return of(new(big.Int).Mul(d.big(), pow10(-cut)), int32(scale))
	}
	unit := pow10(cut)
	q, r := new(big.Int).QuoRem(d.big(), unit, new(big.Int))
	away := false
	switch mode {
	case HalfAway:
		twice := new(big.Int).Lsh(r, 1)
		away = twice.CmpAbs(unit) >= 0
	case Floor:
		away = r.Sign() < 0
	case Ceiling:
		away = r.Sign() > 0
	}
	if away {
		q.Add(q, big.NewInt(int64(d.Sign())))
	}
	return of(q, int32(scale))
}

// Trim is d without zeros at the end of its fraction.
func (d Decimal) Trim() Decimal {
	if d.large == nil {
		for d.scale > 0 && d.n%10 == 0 {
			d.n, d.scale = d.n/10, d.scale-1
		}
		return d
	}
	for d.scale > 0 {
		q, r := new(big.Int).QuoRem(d.big(), ten, new(big.Int))
		if r.Sign() != 0 {
			break
		}
		d = of(q, d.scale-1)
	}
	return d
}

// Int64 is d as a whole number; false where it is none, or too large.
func (d Decimal) Int64() (int64, bool) {
	if d.large == nil && d.scale == 0 {
		return d.n, true
	}
	whole, rest := d.Div(Int(1))
	return whole.n, rest.Sign() == 0 && whole.large == nil
}

// Rat is d as a fraction.
func (d Decimal) Rat() *big.Rat {
	r := new(big.Rat).SetInt(d.big())
	if d.scale > 0 {
		return r.Quo(r, new(big.Rat).SetInt(pow10(d.scale)))
	}
	return r.Mul(r, new(big.Rat).SetInt(pow10(-d.scale)))
}

// FromRat is a fraction to at most scale digits after the point, rounded, and
// without zeros at its end.
func FromRat(r *big.Rat, scale int) Decimal {
	n := new(big.Int).Mul(r.Num(), pow10(int32(scale)))
	q, rest := new(big.Int).QuoRem(n, r.Denom(), new(big.Int))
	if rest.Lsh(rest, 1).CmpAbs(r.Denom()) >= 0 {
		q.Add(q, big.NewInt(int64(r.Sign())))
	}
	return of(q, int32(scale)).Trim()
}

// Float is the nearest binary number.
func (d Decimal) Float() float64 {
	f, _ := d.Rat().Float64()
	return f
}

// FromFloat is a binary number to at most scale digits after the point; false
// where it is no number.
func FromFloat(f float64, scale int) (Decimal, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Decimal{}, false
	}
	d, ok := Parse(strconv.FormatFloat(f, 'f', -1, 64))
	if ok && d.Scale() > scale {
		d = d.Round(scale, HalfAway).Trim()
	}
	return d, ok
}

// Digits is how many digits the number has without its point.
func (d Decimal) Digits() int {
	if d.large != nil {
		return len(d.large.String())
	}
	return len(strconv.FormatInt(d.n, 10))
}

// Shift is d × 10^n.
func (d Decimal) Shift(n int) Decimal {
	d.scale -= int32(n)
	return d
}
