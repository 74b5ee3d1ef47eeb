package ucum

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// units is the table: atoms are worked out when they are first asked for.
type units struct {
	prefix map[string]*big.Rat
	base   []string
	lines  map[string][]string
	mu     sync.Mutex
	atoms  map[string]*Unit
}

var table = sync.OnceValue(func() *units {
	t := &units{prefix: map[string]*big.Rat{}, lines: make(map[string][]string, 320), atoms: map[string]*Unit{}}
	for line := range strings.Lines(unitsTable) {
		words := strings.Fields(line)
		switch words[0] {
		case "prefix":
			t.prefix[words[1]], _ = new(big.Rat).SetString(words[2])
		case "base":
			u := &Unit{factor: big.NewRat(1, 1)}
			u.dims[len(t.base)] = 1
			t.base = append(t.base, words[1])
			t.atoms[words[1]] = u
			t.lines[words[1]] = words
		default:
			t.lines[words[1]] = words
		}
	}
	return t
})

// metric says whether a unit takes prefixes.
func metric(line []string) bool { return line[0] == "base" || strings.HasPrefix(line[0], "metric") }

// atom is a unit of the table, with or without a prefix before it.
func (t *units) atom(name string) *Unit {
	if t.lines[name] != nil {
		return t.known(name)
	}
	for _, n := range [2]int{1, 2} { // da, Ki and their like have two letters
		if len(name) <= n {
			break
		}
		p, line := t.prefix[name[:n]], t.lines[name[n:]]
		if p == nil || line == nil || !metric(line) {
			continue
		}
		u := t.known(name[n:])
		if u == nil {
			return nil
		}
		scaled := *u
		scaled.factor = new(big.Rat).Mul(u.factor, p)
		if u.offset != nil {
			scaled.offset = new(big.Rat).Quo(u.offset, p)
		}
		return &scaled
	}
	return nil
}

func (t *units) known(name string) *Unit {
	t.mu.Lock()
	u := t.atoms[name]
	t.mu.Unlock()
	if u != nil {
		return u
	}
	line := t.lines[name]
	switch {
	case strings.HasSuffix(line[0], "-arbitrary"):
		// An arbitrary unit is measured by its own procedure, and no other
		// says the same. https://ucum.org/ucum#section-Arbitrary-Units
		u = &Unit{factor: big.NewRat(1, 1), other: name + "\x001"}
	case strings.HasSuffix(line[0], "-special"):
		u = t.special(name, line)
	default:
		u = t.worth(line)
	}
	if u != nil {
		t.mu.Lock()
		t.atoms[name] = u
		t.mu.Unlock()
	}
	return u
}

// worth is a value and a unit of a line.
func (t *units) worth(line []string) *Unit {
	value, ok := new(big.Rat).SetString(line[2])
	r := reader{s: line[3], table: t}
	u, read := r.main()
	if !ok || !read {
		return nil
	}
	out := *u
	out.factor = new(big.Rat).Mul(u.factor, value)
	return &out
}

// offsets are the degrees at which absolute zero stands, on the scales of
// temperature. https://ucum.org/ucum#section-Special-Units-on-non-ratio-Scales
var offsets = map[string]*big.Rat{"Cel": big.NewRat(27315, 100), "degF": big.NewRat(45967, 100), "degRe": big.NewRat(21852, 100)}

// special is a unit on a scale of its own. Those of temperature convert; the
// others, most of them logarithms, do so only into themselves.
func (t *units) special(name string, line []string) *Unit {
	offset := offsets[line[4]]
	if offset == nil {
		return &Unit{factor: big.NewRat(1, 1), other: name + "\x001"}
	}
	u := t.worth(line)
	if u != nil {
		u.offset = offset
	}
	return u
}

// splitOther takes a unit and its exponent apart.
func splitOther(w string) (string, int16) {
	code, n, _ := strings.Cut(w, "\x00")
	e, _ := strconv.Atoi(n)
	return code, int16(e)
}

// mergeOther adds exponents, those of b n times.
func mergeOther(a, b string, n int16) string {
	sum := map[string]int16{}
	for _, w := range strings.Fields(a) {
		code, e := splitOther(w)
		sum[code] += e
	}
	for _, w := range strings.Fields(b) {
		code, e := splitOther(w)
		sum[code] += e * n
	}
	var out []string
	for code, e := range sum {
		if e != 0 {
			out = append(out, code+"\x00"+strconv.Itoa(int(e)))
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// reader reads the grammar of https://ucum.org/ucum#section-Grammar-of-Units-and-Unit-Terms.
type reader struct {
	s     string
	i     int
	depth int
	table *units
}

const maxNesting = 16

func (r *reader) peek() byte {
	if r.i < len(r.s) {
		return r.s[r.i]
	}
	return 0
}

func (r *reader) main() (*Unit, bool) {
	u, ok := r.term()
	return u, ok && r.i == len(r.s) && u.bounded()
}

// maxExponent bounds exponents, those of the base units too, and maxBits the
// fraction that a unit is worth: those in use have some 200 bits.
const (
	maxExponent = 99
	maxBits     = 16_384
)

func (u *Unit) bits() int { return u.factor.Num().BitLen() + u.factor.Denom().BitLen() }

func (u *Unit) bounded() bool {
	for _, n := range u.dims {
		if n > maxExponent || n < -maxExponent {
			return false
		}
	}
	for _, w := range strings.Fields(u.other) {
		if _, n := splitOther(w); n > maxExponent || n < -maxExponent {
			return false
		}
	}
	return true
}

// term is components with . and / between them, from left to right.
func (r *reader) term() (*Unit, bool) {
	var u *Unit
	sign := int16(1)
	if r.peek() == '/' {
		u, sign = One, -1
		r.i++
	}
	for {
		c, ok := r.component()
		if !ok {
			return nil, false
		}
		next := r.peek()
		if u == nil {
			u = c
		} else if c.offset != nil || u.offset != nil { // a scale can't be multiplied
			if !c.isOne() && !u.isOne() || sign < 0 {
				return nil, false
			}
			if u.isOne() {
				u = c
			}
		} else {
			u = u.times(c, sign)
		}
		if u.bits() > maxBits {
			return nil, false
		}
		switch next {
		case '.':
			sign = 1
		case '/':
			sign = -1
		default:
			return u, true
		}
		r.i++
	}
}

func (u *Unit) isOne() bool {
	return u.offset == nil && u.other == "" && u.dims == [7]int16{} && u.factor.Cmp(One.factor) == 0
}

func (r *reader) component() (*Unit, bool) {
	switch c := r.peek(); {
	case c == '(':
		if r.depth++; r.depth > maxNesting {
			return nil, false
		}
		r.i++
		u, ok := r.term()
		if !ok || r.peek() != ')' {
			return nil, false
		}
		r.i++
		r.depth--
		return u, r.annotation()
	case c == '{':
		return One, r.annotation()
	}
	start := r.i
	r.symbol()
	if r.i == start {
		return nil, false
	}
	u, ok := r.simple(r.s[start:r.i])
	if !ok {
		r.i = start
		return nil, false
	}
	return u, r.annotation()
}

// symbol goes to the end of a unit with its exponent.
func (r *reader) symbol() {
	for ; r.i < len(r.s); r.i++ {
		switch c := r.s[r.i]; {
		case c == '[':
			end := strings.IndexByte(r.s[r.i:], ']')
			if end < 0 {
				return
			}
			r.i += end
		case c == '.' || c == '/' || c == '(' || c == ')' || c == '{' || c == '}' || c <= ' ' || c > '~':
			return
		}
	}
}

// annotation passes over {what is said of a unit}.
func (r *reader) annotation() bool {
	if r.peek() != '{' {
		return true
	}
	for i := r.i + 1; i < len(r.s); i++ {
		switch c := r.s[i]; {
		case c == '}':
			r.i = i + 1
			return true
		case c == '{' || c < ' ' || c > '~':
			return false
		}
	}
	return false
}

// simple is a number, or a unit with an exponent.
func (r *reader) simple(s string) (*Unit, bool) {
	if strings.Trim(s, "0123456789") == "" {
		n, ok := new(big.Rat).SetString(s)
		if !ok || n.Sign() == 0 || len(s) > 30 {
			return nil, false
		}
		return &Unit{factor: n}, true
	}
	at := len(s)
	for at > 0 && s[at-1] >= '0' && s[at-1] <= '9' {
		at--
	}
	if at > 0 && at < len(s) && (s[at-1] == '-' || s[at-1] == '+') {
		at--
	}
	exponent := int16(1)
	if at < len(s) && at > 0 {
		n, err := strconv.Atoi(s[at:])
		if err != nil || n == 0 || n > maxExponent || n < -maxExponent {
			return nil, false
		}
		exponent = int16(n)
		s = s[:at]
	}
	u := r.table.atom(s)
	if u == nil || exponent != 1 && u.offset != nil {
		return nil, false
	}
	if exponent == 1 {
		return u, true
	}
	out := &Unit{factor: power(u.factor, exponent), dims: u.dims}
	for i := range out.dims {
		out.dims[i] *= exponent
	}
	if u.other != "" {
		out.other = mergeOther("", u.other, exponent)
	}
	return out, true
}
