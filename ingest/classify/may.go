package classify

import (
	"strings"
	"unsafe"
)

// This file says quickly of a body whether it may hold anything sensitive: nearly
// none does, and to parse each twice would cost more than all else that labels do.

// filter has a bit for the hash of each word that may mean something.
type filter [1 << 10]uint64

const (
	fnvOffset = 2166136261
	fnvPrime  = 16777619
)

func hashOf(word string) uint32 {
	h := uint32(fnvOffset)
	for i := range len(word) {
		h = (h ^ uint32(letters[word[i]])) * fnvPrime
	}
	return h
}

func (f *filter) add(word string) { h := hashOf(word) >> 16; f[h>>6] |= 1 << (h & 63) }

func (f *filter) has(h uint32) bool { h >>= 16; return f[h>>6]&(1<<(h&63)) != 0 }

// quick makes the filters of what the lists hold.
func (l *Lists) quick() {
	for c := range l.snomed {
		l.may.add(c)
	}
	for c := range l.icd10 {
		l.may.add(c[:3])
		l.categories[c[:3]] = true
	}
	for c := range l.specialty {
		l.may.add(c)
	}
	for c := range l.consents {
		l.may.add(c)
	}
	for w := range l.medicines {
		l.named.add(w)
		l.may.add(w)
	}
	for w := range l.words {
		l.named.add(w)
		l.may.add(w)
	}
	for c := range l.flags {
		w := wordsOf(strings.ToLower(c))
		l.flagged[w[0]] = append(l.flagged[w[0]], w[1:])
		l.may.add(w[0])
	}
}

// system is the hash of a member's name: no label comes of its value, and a third of
// what is written are URLs of systems.
var system = hashOf("system")

// May says whether a body in which no letter is escaped may get a label by what it
// holds. Where it says no, Content finds none.
func (l *Lists) May(body []byte) bool {
	t := unsafe.String(unsafe.SliceData(body), len(body)) // read only, and not kept
	for i := 0; i < len(t); {
		start, h := i, uint32(fnvOffset)
		for i < len(t) && letters[t[i]] != 0 {
			h = (h ^ uint32(letters[t[i]])) * fnvPrime
			i++
			if i-start == 3 && isDigit(t[i-2]) && l.may.has(h) && l.categories[upper3(t[start:i])] {
				return true
			}
		}
		switch {
		case i == start:
			i++
		case h == system && strings.HasPrefix(t[i:], `":"`):
			i += len(`":"`)
			if end := strings.IndexByte(t[i:], '"'); end >= 0 {
				i += end
			}
		case l.may.has(h) && l.means(t[start:i], t[i:]):
			return true
		}
	}
	return false
}

// means says whether a word is one of the lists'.
func (l *Lists) means(word, rest string) bool {
	var buf [24]byte
	if len(word) > len(buf) {
		return false
	}
	for i := range len(word) {
		buf[i] = letters[word[i]]
	}
	low := buf[:len(word)]
	for _, p := range l.words[string(low)] {
		if follows(rest, p.rest) {
			return true
		}
	}
	for _, more := range l.flagged[string(low)] {
		if follows(rest, more) {
			return true
		}
	}
	return l.snomed[word] != 0 || l.specialty[word] != 0 || l.consents[word] != 0 || l.medicines[string(low)] != 0
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func upper3(s string) string {
	b := [3]byte{s[0], s[1], s[2]}
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b[:])
}
