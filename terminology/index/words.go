package index

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxWord is the longest part of a word that is indexed, in bytes.
const maxWord = 40

// Words are the words of a text as they are compared: in lower case, without
// accents, cut at whatever is neither letter nor digit.
func Words(text string) []string {
	var out []string
	eachWord([]byte(text), func(w []byte) { out = append(out, string(w)) })
	return out
}

// MaxWords is how many words a search may have: each costs a pass over what it
// finds.
const MaxWords = 32

func eachWord(text []byte, f func(w []byte)) {
	word := make([]byte, 0, 64)
	end := func() {
		if len(word) > 0 {
			f(word[:min(len(word), maxWord)])
			word = word[:0]
		}
	}
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
				word = append(word, c)
			case c >= 'A' && c <= 'Z':
				word = append(word, c+'a'-'A')
			default:
				end()
			}
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) {
			i += size
			end()
			continue
		}
		for _, d := range norm.NFD.String(string(text[i : i+size])) {
			if !unicode.Is(unicode.Mn, d) {
				word = utf8.AppendRune(word, unicode.ToLower(d))
			}
		}
		i += size
	}
	end()
}

// wordIndex lists, for each word, the descriptions that have it. Definitions
// are prose and are not searched.
func (l *layout) wordIndex() {
	number := map[string]uint32{}
	var names []string
	var count []uint32
	l.eachWord(func(w []byte, _ uint32) {
		i, ok := number[string(w)]
		if !ok {
			i = uint32(len(names))
			names, count = append(names, string(w)), append(count, 0)
			number[names[i]] = i
		}
		count[i]++
	})
	first := make([]uint32, len(names)+1)
	for i, n := range count {
		first[i+1] = first[i] + n
	}
	next := slices.Clone(first)
	posts := make([]uint32, first[len(names)])
	l.eachWord(func(w []byte, d uint32) {
		i := number[string(w)]
		posts[next[i]] = d
		next[i]++
	})
	slices.Sort(names)
	var buf [binary.MaxVarintLen32]byte
	l.strings(sWordOff, sWords, func(i int) string { return names[i] }, len(names))
	for _, name := range names {
		l.put(sPostOff, uint32(len(l.s[sPosts])))
		w := number[name]
		before := uint32(0)
		for k, d := range posts[first[w]:first[w+1]] {
			if k > 0 && d == before {
				continue
			}
			l.s[sPosts] = append(l.s[sPosts], buf[:binary.PutUvarint(buf[:], uint64(d-before))]...)
			before = d
		}
	}
	l.put(sPostOff, uint32(len(l.s[sPosts])))
	l.flush(sWordOff, sWords, sPostOff, sPosts)
}

// eachWord gives the words of the descriptions in turn.
func (l *layout) eachWord(f func(w []byte, desc uint32)) {
	for d, e := range l.b.descs {
		if l.b.meta.Kinds[e.kind].Role != Definition {
			eachWord(l.b.texts[e.at:e.at+e.size], func(w []byte) { f(w, uint32(d)) })
		}
	}
}

// Hit is a concept that a search found, with the name that it was found by.
type Hit struct {
	Concept Concept
	Text    string
}

// Search finds the concepts within a set (nil: all) that have a name with all
// the words, each as the beginning of a word of it. Best come first: concepts in
// use before others, whole words before beginnings, short names before long
// ones. It gives at most limit hits (0: all) and how many concepts there are.
func (x *Index) Search(words []string, within *Set, limit int) (hits []Hit, total int) {
	found, whole := x.withAll(words, false), x.withAll(words, true)
	var best []uint64   // rank and description
	worst := ^uint64(0) // of those that are kept, once there are as many as are asked for
	owner, own := Concept(0), ^uint64(0)
	take := func() {
		if own == ^uint64(0) {
			return
		}
		total++
		if own < worst {
			if best = append(best, own); limit > 0 && len(best) >= 4*limit {
				slices.Sort(best)
				best = best[:limit]
				worst = best[limit-1]
			}
		}
		own = ^uint64(0)
	}
	for i, w := range found {
		for ; w != 0; w &= w - 1 {
			d := i<<6 + bits.TrailingZeros64(w)
			c := Concept(x.descOwner.at(d))
			if within != nil && !within.Has(c) {
				continue
			}
			if c != owner { // the descriptions of a concept stand together
				take()
				owner = c
			}
			own = min(own, x.rank(d, c, whole != nil && whole[i]>>(d&63)&1 != 0)<<32|uint64(d))
		}
	}
	take()
	slices.Sort(best)
	if limit > 0 && len(best) > limit {
		best = best[:limit]
	}
	for _, r := range best {
		d := int(uint32(r))
		hits = append(hits, Hit{Concept(x.descOwner.at(d)), string(run(x.descText, x.texts, d))})
	}
	return hits, total
}

// rank is lower the better a description answers.
func (x *Index) rank(d int, c Concept, whole bool) uint64 {
	r := uint64(min(x.descText.at(d+1)-x.descText.at(d), 1<<16))<<2 + uint64(min(x.meta.Kinds[x.descKind[d]].Role, 3))
	if !whole {
		r |= 1 << 20
	}
	if x.Inactive(c) {
		r |= 1 << 21
	}
	return r
}

// Matches says whether Search would find a concept.
func (x *Index) Matches(c Concept, words []string) bool {
	for d, end := x.Names(c); d < end; d++ {
		if x.meta.Kinds[x.descKind[d]].Role != Definition && HasWords(string(run(x.descText, x.texts, d)), words) {
			return true
		}
	}
	return false
}

// HasWords says whether a text has all the words, each as the beginning of one
// of its own. No words are in no text.
func HasWords(text string, words []string) bool {
	have := Words(text)
	for _, w := range words {
		if !slices.ContainsFunc(have, func(h string) bool { return strings.HasPrefix(h, w) }) {
			return false
		}
	}
	return len(words) > 0
}

// Matching is the set of concepts that Search would find.
func (x *Index) Matching(words []string) *Set {
	s := x.NewSet()
	for i, w := range x.withAll(words, false) {
		for ; w != 0; w &= w - 1 {
			s.Add(Concept(x.descOwner.at(i<<6 + bits.TrailingZeros64(w))))
		}
	}
	return s
}

// withAll is, as bits, the descriptions that have words beginning with each of
// those asked for, or those words whole; nil where there are none.
func (x *Index) withAll(words []string, whole bool) []uint64 {
	var found []uint64
	for _, w := range words {
		one := make([]uint64, (len(x.descKind)+63)/64)
		first, end := x.prefixed(w)
		if whole && first < end {
			if string(run(x.wordOff, x.words, first)) != w {
				return nil
			}
			end = first + 1
		}
		if first == end {
			return nil
		}
		for i := first; i < end; i++ {
			post := run(x.postOff, x.posts, i)
			for d := uint64(0); len(post) > 0; {
				step, size := binary.Uvarint(post)
				if size <= 0 {
					break
				}
				post = post[size:]
				d += step
				one[d>>6] |= 1 << (d & 63)
			}
		}
		if found == nil {
			found = one
			continue
		}
		for i := range found {
			found[i] &= one[i]
		}
	}
	return found
}

// prefixed are the words from first up to end that begin with p.
func (x *Index) prefixed(p string) (first, end int) {
	n := max(x.wordOff.len()-1, 0)
	at := func(i int) string { return string(run(x.wordOff, x.words, i)) }
	first = sort.Search(n, func(i int) bool { return at(i) >= p })
	end = first + sort.Search(n-first, func(i int) bool { return !strings.HasPrefix(at(first+i), p) })
	return first, end
}
