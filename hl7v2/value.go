package hl7v2

import (
	"iter"
	"strconv"
	"strings"
)

// Segment is one segment of a message. The zero Segment has no fields.
type Segment struct {
	m *Message
	i int
}

// Exists says whether this is a segment of a message.
func (s Segment) Exists() bool { return s.m != nil && s.i < len(s.m.segs) }

// Name is the three letters of the segment, or "".
func (s Segment) Name() string {
	if !s.Exists() {
		return ""
	}
	at := s.m.segs[s.i].start
	return s.m.text[at : at+3]
}

// Index is the segment's position in the message, from 0.
func (s Segment) Index() int { return s.i }

// Number counts the segment among those of its name, from 1.
func (s Segment) Number() int {
	if !s.Exists() {
		return 0
	}
	return s.m.segs[s.i].number
}

// Text is the segment as it was written.
func (s Segment) Text() string {
	if !s.Exists() {
		return ""
	}
	g := s.m.segs[s.i]
	return s.m.text[g.start:g.end]
}

// Place names the segment: "PID", "OBX[3]".
func (s Segment) Place() string {
	if !s.Exists() {
		return ""
	}
	return string(s.appendPlace(make([]byte, 0, 16)))
}

func (s Segment) appendPlace(b []byte) []byte {
	b = append(b, s.Name()...)
	if n := s.Number(); n > 1 {
		b = append(b, '[')
		b = strconv.AppendInt(b, int64(n), 10)
		b = append(b, ']')
	}
	return b
}

// Value is the segment as a whole, so that a place may name it.
func (s Segment) Value() Value {
	if !s.Exists() {
		return Value{}
	}
	g := s.m.segs[s.i]
	return Value{m: s.m, seg: int32(s.i), start: g.start, end: g.end, opaque: true}
}

// Field is the n-th field, from 1, with all its repetitions. Of MSH the first
// is the field separator itself.
func (s Segment) Field(n int) Value {
	if !s.Exists() || n < 1 {
		return Value{}
	}
	g := s.m.segs[s.i]
	t := s.m.text[:g.end]
	v := Value{m: s.m, seg: int32(s.i), field: int32(n)}
	skip := n
	if name := t[g.start : g.start+3]; name == "MSH" || name == "FHS" || name == "BHS" {
		if n == 1 {
			v.start, v.end, v.opaque = g.start+3, min(g.start+4, g.end), true
			return v
		}
		skip, v.opaque = n-1, n == 2
	}
	seps := s.m.seps[g.first : g.first+g.n]
	if skip <= len(seps) {
		v.start, v.end = int(seps[skip-1])+1, g.end
		if skip < len(seps) {
			v.end = int(seps[skip])
			return v
		}
	} else {
		v.start, v.end = g.end, g.end
		if len(seps) < maxSeparators {
			return v
		}
		at := int(seps[len(seps)-1]) + 1
		for range skip - len(seps) {
			i := strings.IndexByte(t[at:], s.m.d.Field)
			if i < 0 {
				return v
			}
			at += i + 1
		}
		v.start = at
	}
	if len(seps) == maxSeparators {
		if i := strings.IndexByte(t[v.start:], s.m.d.Field); i >= 0 {
			v.end = v.start + i
		}
	}
	return v
}

// Comp is a component of the first repetition of a field.
func (s Segment) Comp(field, component int) Value { return s.Field(field).Rep(1).Comp(component) }

// Value is a field, repetition, component or subcomponent: a span of the
// message that knows its place. A value that is not there has its place still,
// and is empty. The zero Value is nothing, nowhere.
type Value struct {
	m                     *Message
	start, end            int
	seg                   int32
	field, rep, comp, sub int32 // 0 where it was not gone down so far
	opaque                bool  // MSH-1, MSH-2, a whole segment: nothing in it is a delimiter
	level                 int8  // how far it was gone down, divided or not: 1 repetition, 2 component, 3 subcomponent
}

// Raw is the value as it was written.
func (v Value) Raw() string {
	if v.m == nil {
		return ""
	}
	return v.m.text[v.start:v.end]
}

// Text is the value with its escapes decoded; "" where it is empty or null.
// Delimiters of levels that were not gone down to stay as written.
func (v Value) Text() string {
	raw := v.Raw()
	if raw == `""` {
		return ""
	}
	if v.opaque || v.m == nil || v.m.d.Escape == 0 || strings.IndexByte(raw, v.m.d.Escape) < 0 {
		return raw
	}
	return unescape(raw, v.m.d)
}

// Exists says whether the value is there and is not null.
func (v Value) Exists() bool { return v.end > v.start && v.Raw() != `""` }

// Null says whether the sender wrote "": take away what you have.
func (v Value) Null() bool { return v.Raw() == `""` }

// Segment is the segment that the value stands in.
func (v Value) Segment() Segment {
	if v.m == nil {
		return Segment{}
	}
	return Segment{v.m, int(v.seg)}
}

// Span is where the value begins and ends in Message.Text.
func (v Value) Span() (start, end int) { return v.start, v.end }

// SpanInSegment is where the value begins and ends in Segment.Text.
func (v Value) SpanInSegment() (start, end int) {
	if v.m == nil {
		return 0, 0
	}
	at := v.m.segs[v.seg].start
	return v.start - at, v.end - at
}

// Place names the value: "PID-3[2].1". It is as short as finds the value
// again; At does that.
func (v Value) Place() string {
	if v.m == nil {
		return ""
	}
	b := v.Segment().appendPlace(make([]byte, 0, 24))
	if v.field == 0 {
		return string(b)
	}
	b = append(b, '-')
	b = strconv.AppendInt(b, int64(v.field), 10)
	if v.rep > 1 || v.rep == 1 && v.comp == 0 {
		b = append(b, '[')
		b = strconv.AppendInt(b, int64(v.rep), 10)
		b = append(b, ']')
	}
	if v.comp > 0 {
		b = append(b, '.')
		b = strconv.AppendInt(b, int64(v.comp), 10)
	}
	if v.sub > 0 {
		if v.comp == 0 {
			b = append(b, '.', '1')
		}
		b = append(b, '.')
		b = strconv.AppendInt(b, int64(v.sub), 10)
	}
	return string(b)
}

// Rep is the n-th repetition of a field, from 1. Like Comp and Sub it gives
// the value itself where n is 1 and nothing is divided.
func (v Value) Rep(n int) Value { return v.part(n, 1) }

// Comp is the n-th component of a repetition, from 1.
func (v Value) Comp(n int) Value { return v.part(n, 2) }

// Sub is the n-th subcomponent of a component, from 1.
func (v Value) Sub(n int) Value { return v.part(n, 3) }

// delimiter is that of a level: repetition, component, subcomponent.
func (v Value) delimiter(level int) byte {
	switch {
	case v.m == nil || v.opaque:
		return 0
	case level == 1:
		return v.m.d.Repetition
	case level == 2:
		return v.m.d.Component
	}
	return v.m.d.Subcomponent
}

func (v Value) at(n, level int) Value {
	switch level {
	case 1:
		v.rep = int32(n)
	case 2:
		v.comp = int32(n)
	default:
		v.sub = int32(n)
	}
	return v
}

func (v Value) part(n, level int) Value {
	if v.m == nil || n < 1 {
		return Value{}
	}
	// What was not gone down to is its first: the component of a field is that
	// of its first repetition.
	for int(v.level) < level-1 {
		v = v.part(1, int(v.level)+1)
	}
	v.level = int8(level)
	d := v.delimiter(level)
	t := v.m.text[v.start:v.end]
	i := -1
	if d != 0 && t != "" {
		i = strings.IndexByte(t, d)
	}
	if i < 0 { // not divided
		if n > 1 {
			v.start = v.end
			return v.at(n, level)
		}
		return v
	}
	at := 0
	for k := 1; k < n; k++ {
		if i < 0 {
			v.start = v.end
			return v.at(n, level)
		}
		at += i + 1
		i = strings.IndexByte(t[at:], d)
	}
	if i >= 0 {
		v.end = v.start + at + i
	}
	v.start += at
	return v.at(n, level)
}

// Reps are the repetitions of a field, empty ones too; none of a field that is
// not there.
func (v Value) Reps() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.end == v.start {
			return
		}
		d := v.delimiter(1)
		rest := v
		for n := 1; ; n++ {
			i := -1
			if d != 0 {
				i = strings.IndexByte(rest.Raw(), d)
			}
			if i < 0 {
				if n > 1 {
					rest = rest.at(n, 1)
				}
				rest.level = 1
				yield(rest)
				return
			}
			one := rest.at(n, 1)
			one.end, one.level = rest.start+i, 1
			if !yield(one) {
				return
			}
			rest.start += i + 1
		}
	}
}

// At is the value that a place names, and whether anything is there:
// "PID-3[2].1", "OBX[3]-5", "OBX[3]".
func (m *Message) At(place string) (Value, bool) {
	if len(place) < 3 {
		return Value{}, false
	}
	name, rest := place[:3], place[3:]
	number, rest, ok := index(rest)
	if !ok {
		return Value{}, false
	}
	for s := range m.All(name) {
		if s.Number() != number {
			continue
		}
		if rest == "" {
			return s.Value(), true
		}
		v, ok := s.down(rest)
		return v, ok && v.end > v.start
	}
	return Value{}, false
}

// down follows the rest of a place, "-3[2].1", from the segment.
func (s Segment) down(rest string) (Value, bool) {
	field, rest, ok := number(rest, '-')
	if !ok {
		return Value{}, false
	}
	v := s.Field(field)
	if rest == "" {
		return v, true
	}
	rep, rest, ok := index(rest)
	if !ok {
		return Value{}, false
	}
	v = v.Rep(rep)
	for level := 2; rest != ""; level++ {
		var n int
		if n, rest, ok = number(rest, '.'); !ok || level > 3 {
			return Value{}, false
		}
		v = v.part(n, level)
	}
	return v, true
}

// index reads "[n]" off the front; 1 where there is none.
func index(s string) (n int, rest string, ok bool) {
	if s == "" || s[0] != '[' {
		return 1, s, true
	}
	n, rest, ok = number(s, '[')
	if !ok || rest == "" || rest[0] != ']' {
		return 0, "", false
	}
	return n, rest[1:], true
}

// number reads a lead character and the number after it off the front.
func number(s string, lead byte) (n int, rest string, ok bool) {
	if s == "" || s[0] != lead {
		return 0, "", false
	}
	i := 1
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9' && i < 10; i++ {
		n = n*10 + int(s[i]-'0')
	}
	return n, s[i:], i > 1 && n > 0
}

// Delimiters are those of the message that the value stands in.
func (v Value) Delimiters() Delimiters {
	if v.m == nil {
		return Delimiters{}
	}
	return v.m.d
}
