package rights

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Removed stands where words were taken out: it is as long whatever was there.
const Removed = "[removed]"

// Words are what is to be taken out of a text, however it is written there: letters and
// digits alone count, without case and accents, whatever stands between them.
type Words struct {
	list [][]rune
}

// shortWord is how many letters a word needs for its longer forms to be meant too: of
// shorter ones there are too many others that begin so.
const shortWord = 4

// NewWords makes them of lines. A line without a letter or digit is none.
func NewWords(lines []string) Words {
	var w Words
	for _, l := range lines {
		if folded, _, _ := folded(l); len(folded) > 0 {
			w.list = append(w.list, folded)
		}
	}
	slices.SortStableFunc(w.list, func(a, b []rune) int { return len(b) - len(a) })
	return w
}

// None says whether there is nothing to take out.
func (w Words) None() bool { return len(w.list) == 0 }

// folded are the letters and digits of a text in the form in which they are compared, with
// where in the text each begins and ends.
func folded(s string) (runes []rune, from, to []int) {
	for at := 0; at < len(s); {
		// A letter and what is combined with it are one.
		n := 1
		for at+n < len(s) && !utf8.RuneStart(s[at+n]) {
			n++
		}
		for at+n < len(s) {
			r, size := utf8.DecodeRuneInString(s[at+n:])
			if !unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Cf, r) {
				break
			}
			n += size
		}
		for _, r := range norm.NFKD.String(s[at : at+n]) {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				runes, from, to = append(runes, unicode.ToLower(r)), append(from, at), append(to, at+n)
			}
		}
		at += n
	}
	return runes, from, to
}

// Out is a text without the words, and whether there was any of them.
func (w Words) Out(s string) (string, bool) {
	if w.None() {
		return s, false
	}
	runes, from, to := folded(s)
	var b strings.Builder
	kept, found := 0, false
	for i := 0; i < len(runes); {
		n := w.at(runes, from, to, i)
		if n == 0 {
			i++
			continue
		}
		b.WriteString(s[kept:from[i]])
		b.WriteString(Removed)
		kept, found = to[i+n-1], true
		i += n
	}
	if !found {
		return s, false
	}
	b.WriteString(s[kept:])
	return b.String(), true
}

// at is how many letters from the i-th on are one of the words; 0 where none begins there.
func (w Words) at(runes []rune, from, to []int, i int) int {
	if i > 0 && from[i] < to[i-1] || i > 0 && to[i-1] == from[i] { // in the middle of a word
		return 0
	}
	for _, x := range w.list {
		if len(runes)-i < len(x) || !slices.Equal(runes[i:i+len(x)], x) {
			continue
		}
		n := len(x)
		end := i+n == len(runes) || to[i+n-1] != from[i+n]
		for len(x) >= shortWord && i+n < len(runes) && to[i+n-1] == from[i+n] { // a longer form goes whole
			n, end = n+1, true
		}
		if end {
			return n
		}
	}
	return 0
}

// In says whether a text has any of the words, as it is or within what text is often
// wrapped in: entities, percent signs, base64, hexadecimal.
func (w Words) In(s string) bool { return w.within(s, 0) }

// wrappings is how deep one wrapping is looked for in another.
const wrappings = 3

func (w Words) within(s string, depth int) bool {
	if _, found := w.Out(s); found {
		return true
	}
	if depth == wrappings || w.None() {
		return false
	}
	for _, u := range unwrapped(s) {
		if u != s && w.within(u, depth+1) {
			return true
		}
	}
	return false
}

// unwrapped are what a text may be a wrapping of.
func unwrapped(s string) (out []string) {
	if strings.Contains(s, "&") {
		out = append(out, html.UnescapeString(s))
	}
	if strings.Contains(s, "<") {
		out = append(out, untagged(s))
	}
	if strings.Contains(s, "%") {
		if u, err := url.QueryUnescape(s); err == nil {
			out = append(out, u)
		}
	}
	for _, token := range strings.FieldsFunc(s, func(r rune) bool { return !isEncoded(r) }) {
		if len(token) < 6 {
			continue
		}
		bare := strings.TrimRight(token, "=")
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if b, err := e.DecodeString(bare); err == nil && utf8.Valid(b) {
				out = append(out, string(b))
			}
		}
		if b, err := hex.DecodeString(token); err == nil && utf8.Valid(b) {
			out = append(out, string(b))
		}
	}
	return out
}

func isEncoded(r rune) bool {
	return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("+/=-_", r))
}

// untagged is markup without its tags: a word may have one in its middle.
func untagged(s string) string {
	var b strings.Builder
	in := false
	for _, r := range s {
		switch {
		case r == '<':
			in = true
		case r == '>':
			in = false
		case !in:
			b.WriteRune(r)
		}
	}
	return b.String()
}
