package ucum

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func rat(t *testing.T, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatal(s)
	}
	return r
}

func TestConvert(t *testing.T) {
	for _, c := range []struct{ value, from, to, want string }{
		{"4", "g", "mg", "4000"},
		{"1", "wk", "d", "7"},
		{"1", "[in_i]", "cm", "2.54"},
		{"185", "[lb_av]", "kg", "83.91458845"},
		{"37.5", "Cel", "K", "310.65"},
		{"98.6", "[degF]", "Cel", "37"},
		{"120", "mm[Hg]", "kPa", "15.9986400"},
		{"5.5", "mmol/L", "umol/mL", "5.5"},
		{"1", "m[H2O]", "Pa", "9806.65"},
		{"3", "10*3/uL", "10*9/L", "3"},
		{"3", "10*3.ul-1", "/nl", "3"},
		{"1", "(kg.m)/s2", "N", "1"},
		{"100", "%", "1", "1"},
		{"2", "mg{creat}/dL", "g/L", "0.02"},
		{"7", "[iU]/L", "m[iU]/mL", "7"},
		{"60", "/min", "Hz", "1"},
		{"1", "deg", "deg", "1"},
		{"5", "[IU]/mL", "k[iU]/L", "5"},
		{"1", "Ki{x}By", "", ""},
	} {
		from, err := Parse(c.from)
		if c.want == "" {
			if err == nil {
				t.Errorf("%s was read as %s", c.from, from.Canonical())
			}
			continue
		}
		to, err2 := Parse(c.to)
		if err != nil || err2 != nil {
			t.Errorf("%s %s: %v %v", c.from, c.to, err, err2)
			continue
		}
		got, ok := from.Convert(rat(t, c.value), to)
		if !ok || got.Cmp(rat(t, c.want)) != 0 {
			t.Errorf("%s %s is %v %s, not %s", c.value, c.from, got, c.to, c.want)
		}
	}
}

func TestWhatIsNotCommensurable(t *testing.T) {
	for _, c := range [][2]string{{"mg", "mL"}, {"[iU]", "[arb'U]"}, {"[iU]", "1"}, {"[pH]", "1"}, {"cm", "s"}} {
		a, err := Parse(c[0])
		b, err2 := Parse(c[1])
		if err != nil || err2 != nil || a.Commensurable(b) {
			t.Error(c, err, err2)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, code := range []string{"", "mgg", "m(", "m)", "{", "m{", "m..s", "m/", "m//s", "Mmin", "wk2x", "m^2", "m 2", "0", "é",
		"k[in_i]", "Cel2", "[lb_av", strings.Repeat("(", 100), strings.Repeat("m.", 100), "m-", "m0"} {
		if u, err := Parse(code); err == nil {
			t.Errorf("%q was read as %s", code, u.Canonical())
		}
	}
}

// Every unit of the table is worth something, and converts into its own base
// units and back to the same number.
func TestEveryUnitOfTheTable(t *testing.T) {
	value := big.NewRat(1234, 100)
	for code, line := range table().lines {
		u, err := Parse(code)
		if err != nil {
			t.Errorf("%s: %v", code, err)
			continue
		}
		base, err := Parse(u.Canonical())
		if err != nil {
			t.Errorf("%s is in %s: %v", code, u.Canonical(), err)
			continue
		}
		there, ok := u.Convert(value, base)
		if !ok {
			t.Errorf("%s does not convert into %s", code, u.Canonical())
			continue
		}
		if back, ok := base.Convert(there, u); !ok || back.Cmp(value) != 0 {
			t.Errorf("12.34 %s comes back as %v", code, back)
		}
		if metric(line) {
			if _, err := Parse("m" + code); err != nil {
				t.Errorf("m%s: %v", code, err)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, code := range []string{"mg/dL", "10*3/uL", "m[H2O]", "kg.m2/s-2", "{score}", "/min", "(a.b)/c", "Cel", "[in_i'H2O]"} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code string) {
		u, err := Parse(code)
		if err != nil {
			return
		}
		v, err := Parse(u.Canonical())
		if err != nil || !u.Commensurable(v) {
			t.Errorf("%q is in %q: %v", code, u.Canonical(), err)
		}
	})
}

// What is converted converts back to the same number, whatever the units.
func TestThereAndBack(t *testing.T) {
	units := []string{"mg", "g", "kg", "[lb_av]", "mmol/L", "/L", "umol/mL", "Cel", "[degF]", "K", "mm[Hg]", "kPa", "[in_i]", "cm", "m", "10*9/L", "/uL", "d", "wk", "h", "min"}
	rapid.Check(t, func(t *rapid.T) {
		from, _ := Parse(rapid.SampledFrom(units).Draw(t, "from"))
		to, _ := Parse(rapid.SampledFrom(units).Draw(t, "to"))
		value := big.NewRat(rapid.Int64().Draw(t, "n"), rapid.Int64Range(1, 1_000_000).Draw(t, "d"))
		there, ok := from.Convert(value, to)
		if ok != from.Commensurable(to) {
			t.Fatalf("%s into %s: %v", from.Code(), to.Code(), ok)
		}
		if !ok {
			return
		}
		if back, ok := to.Convert(there, from); !ok || back.Cmp(value) != 0 {
			t.Fatalf("%s %s is %s %s, and back %s", value, from.Code(), there, to.Code(), back)
		}
	})
}

// Units that nobody uses, with many exponents, are not kept, and the largest not read.
func TestLargeFractions(t *testing.T) {
	if _, err := Parse("[pi]30"); err != nil {
		t.Fatal(err)
	}
	if _, ok := kept.Load("[pi]30"); ok {
		t.Error("it is kept")
	}
	if _, err := Parse(strings.TrimSuffix(strings.Repeat("[pi]99.", 18), ".")); err == nil {
		t.Error("a fraction of hundreds of thousands of bits is worked out")
	}
	before := keptCount.Load()
	for range 3 {
		if _, err := Parse("mg/dL{kept once}"); err != nil {
			t.Fatal(err)
		}
	}
	if n := keptCount.Load() - before; n != 1 {
		t.Errorf("counted %d times", n)
	}
}
