package classify

import "unsafe"

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
		h = (h ^ uint32(lower(word[i]))) * fnvPrime
	}
	return h
}

func (f *filter) add(word string) { h := hashOf(word) >> 16; f[h>>6] |= 1 << (h & 63) }

func (f *filter) has(h uint32) bool { h >>= 16; return f[h>>6]&(1<<(h&63)) != 0 }

// quick makes the filter of what the lists hold.
func (l *Lists) quick() {
	for c := range l.snomed {
		l.may.add(c)
	}
	for c := range l.icd10 {
		l.may.add(c[:3])
		l.categories[c[:3]] = true
	}
	for _, m := range []map[string]bool{keys(l.specialty), keys(l.medicines), keys(l.words)} {
		for w := range m {
			l.may.add(w)
		}
	}
}

func keys[V any](m map[string]V) map[string]bool {
	out := make(map[string]bool, len(m))
	for k := range m {
		out[k] = true
	}
	return out
}

// May says whether a body that this system wrote, in which no letter is escaped,
// may get a label by what it holds. Where it says no, Content finds none.
func (l *Lists) May(body []byte) bool {
	t := unsafe.String(unsafe.SliceData(body), len(body)) // read only, and not kept
	for i := 0; i < len(t); {
		start, h := i, uint32(fnvOffset)
		for i < len(t) && wordByte(t[i]) {
			h = (h ^ uint32(lower(t[i]))) * fnvPrime
			i++
			if i-start == 3 && l.may.has(h) && l.categories[upper3(t[start:i])] {
				return true
			}
		}
		if i == start {
			i++
			continue
		}
		if l.may.has(h) && l.means(t[start:i], t[i:]) {
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
		buf[i] = lower(word[i])
	}
	low := buf[:len(word)]
	for _, p := range l.words[string(low)] {
		if follows(rest, p.rest) {
			return true
		}
	}
	return l.snomed[word] != 0 || l.specialty[word] != 0 || l.medicines[string(low)] != 0
}

func upper3(s string) string {
	b := [3]byte{s[0], s[1], s[2]}
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b[:])
}
