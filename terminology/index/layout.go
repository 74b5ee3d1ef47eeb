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

// Write lays the code system out. The Builder is spent.
func (b *Builder) Write(w io.Writer) error {
	if len(b.codes) > 1<<28 || len(b.descs) > math.MaxInt32 || len(b.attrs) > math.MaxInt32/attrWords {
		return fault.E("index.Write", fault.TooLong, "the code system is too large")
	}
	b.resolve()
	g := b.hierarchy()
	l := &layout{b: b, g: g}
	l.concepts()
	l.relations()
	l.descriptions()
	l.attributes()
	l.refsets()
	return l.write(w)
}

// layout is the sections under construction.
type layout struct {
	b *Builder
	g *graph
	s [sectionCount][]byte
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
}

// descriptions stand in order of their concepts, the display first.
func (l *layout) descriptions() {
	b := l.b
	slices.SortStableFunc(b.descs, func(x, y desc) int {
		return cmp.Or(cmp.Compare(l.g.number[x.concept], l.g.number[y.concept]), cmp.Compare(b.meta.Kinds[x.kind].Role, b.meta.Kinds[y.kind].Role))
	})
	l.s[sTexts] = make([]byte, 0, len(b.texts))
	d := 0
	for i := range l.g.node {
		l.put(sDescOff, uint32(d))
		for ; d < len(b.descs) && l.g.number[b.descs[d].concept] == uint32(i); d++ {
			e := b.descs[d]
			l.put(sDescText, uint32(len(l.s[sTexts])))
			l.put(sDescOwner, uint32(i))
			l.s[sDescKind] = append(l.s[sDescKind], e.kind)
			l.s[sTexts] = append(l.s[sTexts], b.texts[e.at:e.at+e.size]...)
		}
	}
	l.put(sDescOff, uint32(d))
	l.put(sDescText, uint32(len(l.s[sTexts])))
	b.descs, b.texts = nil, nil
	l.wordIndex()
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
}

func (l *layout) write(w io.Writer) error {
	meta, err := json.Marshal(l.b.meta)
	if err != nil {
		return fault.E("index.Write", fault.Exception, err)
	}
	l.s[sMeta] = meta
	head := []byte(magic)
	at := uint64(headerSize)
	for _, s := range l.s {
		head = binary.LittleEndian.AppendUint64(head, at)
		head = binary.LittleEndian.AppendUint64(head, uint64(len(s)))
		at += uint64(len(s))
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	for i := range l.s {
		if _, err := w.Write(l.s[i]); err != nil {
			return err
		}
	}
	return nil
}
