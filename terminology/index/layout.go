package index

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"slices"
	"strings"

	"selda/fault"
)

// Bytes is the code system laid out. The Builder is spent.
func (b *Builder) Bytes() ([]byte, error) {
	var buf bytes.Buffer
	err := b.Write(&buf)
	return buf.Bytes(), err
}

// Index is the code system laid out in memory, to be read. The Builder is spent.
func (b *Builder) Index() (*Index, error) {
	raw, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	return Open(raw)
}

// Write lays the code system out. The Builder is spent: what is written is let
// go of at once, so that a large one needs little more than it had.
func (b *Builder) Write(w io.Writer) error {
	if len(b.codes) > 1<<28 || len(b.descs) > math.MaxInt32 || len(b.attrs) > math.MaxInt32/attrWords {
		return fault.E("index.Write", fault.TooLong, "the code system is too large")
	}
	b.resolve()
	b.byCode = nil
	g := b.hierarchy()
	b.edges = nil
	l := &layout{b: b, g: g, w: w}
	l.write([]byte(magic))
	l.concepts()
	l.relations()
	l.descriptions()
	l.attributes()
	l.refsets()
	return l.end()
}

// layout is the sections under construction.
type layout struct {
	b     *Builder
	g     *graph
	w     io.Writer
	at    uint64
	err   error // the first of w's
	s     [sectionCount][]byte
	table [sectionCount][2]uint64 // where each section is, and how long
}

func (l *layout) write(b []byte) {
	if l.err == nil {
		_, l.err = l.w.Write(b)
		l.at += uint64(len(b))
	}
}

// flush writes sections that are whole.
func (l *layout) flush(sections ...int) {
	for _, i := range sections {
		l.table[i] = [2]uint64{l.at, uint64(len(l.s[i]))}
		l.write(l.s[i])
		l.s[i] = nil
	}
}

func put(b []byte, values ...uint32) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

func (l *layout) put(section int, values ...uint32) { l.s[section] = put(l.s[section], values...) }

// strings writes texts one after another, with where each begins.
func (l *layout) strings(off, text int, list func(i int) string, n int) {
	for i := range n {
		l.put(off, uint32(len(l.s[text])))
		l.s[text] = append(l.s[text], list(i)...)
	}
	l.put(off, uint32(len(l.s[text])))
}

func (l *layout) concepts() {
	n := len(l.b.codes)
	l.strings(sCodeOff, sCodes, func(i int) string { return l.b.codes[l.g.node[i]] }, n)
	l.s[sFlags] = make([]byte, n)
	size := 4
	for size < 2*n {
		size *= 2
	}
	table := make([]uint32, size)
	for i, m := range l.g.node {
		l.s[sFlags][i] = l.b.flags[m]
		code := l.b.codes[m]
		if l.b.meta.IgnoreCase {
			code = strings.ToLower(code)
		}
		h := hashOf(code) & uint32(size-1)
		for table[h] != 0 {
			h = (h + 1) & uint32(size-1)
		}
		table[h] = uint32(i + 1)
	}
	l.s[sHash] = put(make([]byte, 0, 4*size), table...)
	l.flush(sCodeOff, sCodes, sFlags, sHash)
}

func (l *layout) relations() {
	g := l.g
	spans := g.spans()
	for _, m := range g.node {
		l.put(sParentOff, uint32(len(l.s[sParents])/4))
		l.put(sChildOff, uint32(len(l.s[sChildren])/4))
		l.put(sSpanOff, uint32(len(l.s[sSpans])/8))
		for _, p := range g.up.of(m) {
			l.put(sParents, g.number[p])
		}
		for _, c := range g.down.of(m) {
			l.put(sChildren, g.number[c])
		}
		l.put(sSpans, spans[m]...)
		spans[m] = nil
	}
	l.put(sParentOff, uint32(len(l.s[sParents])/4))
	l.put(sChildOff, uint32(len(l.s[sChildren])/4))
	l.put(sSpanOff, uint32(len(l.s[sSpans])/8))
	l.flush(sParentOff, sParents, sChildOff, sChildren, sSpanOff, sSpans)
}

// descriptions stand in order of their concepts, the display first.
func (l *layout) descriptions() {
	b := l.b
	slices.SortStableFunc(b.descs, func(x, y desc) int {
		return cmp.Or(cmp.Compare(l.g.number[x.concept], l.g.number[y.concept]), cmp.Compare(b.meta.Kinds[x.kind].Role, b.meta.Kinds[y.kind].Role))
	})
	l.table[sTexts][0] = l.at
	d, size := 0, uint32(0)
	for i := range l.g.node {
		l.put(sDescOff, uint32(d))
		for ; d < len(b.descs) && l.g.number[b.descs[d].concept] == uint32(i); d++ {
			e := b.descs[d]
			l.put(sDescText, size)
			l.put(sDescOwner, uint32(i))
			l.s[sDescKind] = append(l.s[sDescKind], e.kind)
			l.write(b.texts[e.at : e.at+e.size])
			size += e.size
		}
	}
	l.table[sTexts][1] = uint64(size)
	l.put(sDescOff, uint32(d))
	l.put(sDescText, size)
	l.flush(sDescOff, sDescText, sDescOwner, sDescKind)
	l.wordIndex()
	if err := l.stamps(); l.err == nil {
		l.err = err
	}
	b.descs, b.texts, b.stamped = nil, nil, nil
}

func (l *layout) attributes() {
	b := l.b
	slices.SortStableFunc(b.attrs, func(x, y attr) int {
		return cmp.Or(cmp.Compare(l.g.number[x.concept], l.g.number[y.concept]), cmp.Compare(x.group, y.group))
	})
	a := 0
	for i := range l.g.node {
		l.put(sAttrOff, uint32(a))
		for ; a < len(b.attrs) && l.g.number[b.attrs[a].concept] == uint32(i); a++ {
			e := b.attrs[a]
			if e.typ == ConceptValue {
				e.value = l.g.number[e.value]
			}
			l.put(sAttrs, e.name<<8|uint32(e.typ), e.value, e.group)
		}
	}
	l.put(sAttrOff, uint32(a))
	b.attrs = nil
	l.flush(sAttrOff, sAttrs)
}

func (l *layout) refsets() {
	b := l.b
	total := 0
	for _, refset := range b.order {
		r := b.refsets[refset]
		for i := range r.list {
			e := &r.list[i]
			e.member = l.g.number[e.member]
			if r.concepts {
				e.target = l.g.number[e.target]
			}
		}
		slices.SortStableFunc(r.list, func(x, y row) int {
			return cmp.Or(cmp.Compare(x.member, y.member), cmp.Compare(x.group, y.group), cmp.Compare(x.priority, y.priority))
		})
		r.list = slices.Compact(r.list)
		for _, e := range r.list {
			l.put(sRows, e.member, e.target, e.group, e.priority, e.rule, e.advice)
		}
		b.meta.Refsets = append(b.meta.Refsets, Refset{Concept: Concept(l.g.number[refset]), Rows: len(r.list), First: total, Targets: r.targets, Concepts: r.concepts})
		total += len(r.list)
		r.list = nil
	}
	l.strings(sLiteralOff, sLiterals, func(i int) string { return b.literal[i] }, len(b.literal))
	l.flush(sRows, sLiteralOff, sLiterals)
}

// end writes what is said of the whole, and where the sections are.
func (l *layout) end() error {
	meta, err := json.Marshal(l.b.meta)
	if err != nil {
		return fault.E("index.Write", fault.Exception, err)
	}
	l.s[sMeta] = meta
	l.flush(sMeta)
	var foot []byte
	for _, t := range l.table {
		foot = binary.LittleEndian.AppendUint64(foot, t[0])
		foot = binary.LittleEndian.AppendUint64(foot, t[1])
	}
	l.write(foot)
	return l.err
}
