package synth

import "selda/nhs"

// numbers hands out NHS numbers of the test range 999 000 0000 to 999 999
// 9999, each once, in an order that the seed decides.
type numbers struct {
	at, left int
	taken    map[string]bool // those of named people
}

// prefixes is how many first nine digits the test range has; about one in
// eleven has no check digit.
const prefixes = 1_000_000

// stride walks through every prefix before it comes back: it is prime to their number.
const stride = 618_033

func newNumbers(seed uint64, taken ...string) *numbers {
	n := &numbers{at: int(seed*7919%prefixes) + 1, left: prefixes, taken: map[string]bool{}}
	for _, t := range taken {
		n.taken[t] = true
	}
	return n
}

// next is the next number, or "" where the range is used up.
func (n *numbers) next() string {
	for ; n.left > 0; n.left-- {
		n.at = (n.at + stride) % prefixes
		d := [10]byte{9, 9, 9}
		for i, x := 8, n.at; i > 2; i, x = i-1, x/10 {
			d[i] = byte(x % 10)
		}
		c := nhs.CheckDigit(d[:9])
		if c > 9 {
			continue
		}
		d[9] = byte(c)
		for i := range d {
			d[i] += '0'
		}
		if s := string(d[:]); !n.taken[s] {
			n.left--
			return s
		}
	}
	return ""
}
