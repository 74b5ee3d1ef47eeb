package decimal

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTextIsKept(t *testing.T) {
	for in, want := range map[string]string{"107.00": "107.00", "-0.5": "-0.5", "1e3": "1000", "1.5E-3": "0.0015", "+2": "2", "0.000": "0.000",
		"12345678901234567890.10": "12345678901234567890.10", "-0.05": "-0.05", "0e5": "0"} {
		d, ok := Parse(in)
		if !ok || d.String() != want {
			t.Errorf("%s is %s", in, d)
		}
	}
	for _, in := range []string{"", "-", ".5", "5.", "1..2", "1e", "1e999", "0x1", "1 ", "NaN", "1.2.3", strings.Repeat("9", 2000)} {
		if d, ok := Parse(in); ok {
			t.Errorf("%q was read as %s", in, d)
		}
	}
}

func TestRound(t *testing.T) {
	for _, c := range []struct {
		in    string
		scale int
		mode  Mode
		want  string
	}{{"2.5", 0, HalfAway, "3"}, {"-2.5", 0, HalfAway, "-3"}, {"2.4", 0, HalfAway, "2"}, {"-1.1", 0, Ceiling, "-1"}, {"1.1", 0, Ceiling, "2"},
		{"-1.1", 0, Floor, "-2"}, {"-1.9", 0, Down, "-1"}, {"1.5", 3, HalfAway, "1.500"}, {"123456789012345678.555", 2, HalfAway, "123456789012345678.56"}} {
		d, _ := Parse(c.in)
		if got := d.Round(c.scale, c.mode).String(); got != c.want {
			t.Errorf("%s to %d is %s, not %s", c.in, c.scale, got, c.want)
		}
	}
	if got := Int(2).Quo(Int(3), 8).String(); got != "0.66666667" {
		t.Error(got)
	}
	if got := Int(4).Quo(Int(2), 8).String(); got != "2" {
		t.Error(got)
	}
}

// number draws numbers of all sizes, so that both representations meet.
var number = rapid.Custom(func(t *rapid.T) string {
	s := rapid.StringMatching(`-?[0-9]{1,25}(\.[0-9]{1,12})?`).Draw(t, "number")
	return s
})

// Sums, products and comparisons are those of exact fractions.
func TestArithmeticIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := number.Draw(t, "x"), number.Draw(t, "y")
		a, ok1 := Parse(x)
		b, ok2 := Parse(y)
		if !ok1 || !ok2 {
			t.Fatalf("%s %s are not read", x, y)
		}
		p, _ := new(big.Rat).SetString(x)
		q, _ := new(big.Rat).SetString(y)
		if a.Rat().Cmp(p) != 0 {
			t.Errorf("%s is %s", x, a.Rat())
		}
		if got := a.Add(b).Rat(); got.Cmp(new(big.Rat).Add(p, q)) != 0 {
			t.Errorf("%s + %s = %s", x, y, got)
		}
		if got := a.Sub(b).Rat(); got.Cmp(new(big.Rat).Sub(p, q)) != 0 {
			t.Errorf("%s - %s = %s", x, y, got)
		}
		if got := a.Mul(b).Rat(); got.Cmp(new(big.Rat).Mul(p, q)) != 0 {
			t.Errorf("%s × %s = %s", x, y, got)
		}
		if got := a.Cmp(b); got != p.Cmp(q) {
			t.Errorf("%s against %s is %d", x, y, got)
		}
		if back, ok := Parse(a.String()); !ok || back.Cmp(a) != 0 || back.Scale() != a.Scale() {
			t.Errorf("%s comes back as %s", x, back)
		}
		if q.Sign() != 0 {
			whole, rest := a.Div(b)
			if got := whole.Mul(b).Add(rest); got.Cmp(a) != 0 || rest.Abs().Cmp(b.Abs()) >= 0 {
				t.Errorf("%s div %s is %s, mod %s", x, y, whole, rest)
			}
		}
	})
}

// FuzzParse: what is read is written so that it reads the same, in its precision.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"0", "-1.50", "107.00", "1e3", "1E-400", "9223372036854775808.5", "-0.0", "00.1", "1e400"} {
		f.Add(s, "2.5")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		d, ok := Parse(a)
		if !ok {
			return
		}
		back, ok := Parse(d.String())
		if !ok && len(d.String()) < maxDigits || ok && (back.Cmp(d) != 0 || back.Scale() != d.Scale()) {
			t.Errorf("%s is written %s", a, d)
		}
		if d.Sign() != d.Cmp(Decimal{}) || d.Neg().Neg().Cmp(d) != 0 || d.Trim().Cmp(d) != 0 {
			t.Errorf("%s: sign, negation or trimming", a)
		}
		if e, ok := Parse(b); ok && d.Add(e).Sub(e).Cmp(d) != 0 {
			t.Errorf("%s + %s - %s", a, b, b)
		}
	})
}
