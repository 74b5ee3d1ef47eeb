// Package hl7v2 reads and answers HL7 version 2 messages (2.1 to 2.8) in the
// vertical-bar encoding. It knows the standard's grammar and nothing of what a
// segment means to this system.
//
// The flow: Split takes a file or batch apart, Parse reads one message,
// Segment and Value walk it, and Acknowledge answers it. A message is kept as
// one text in UTF-8 with the offsets of its segments; fields are found when
// they are asked for. Every Value knows its place ("PID-3[2].1"), and At finds
// the value of a place again.
//
// Parse is liberal: it takes any delimiters, any mix of line ends, MLLP
// framing, unknown segments in any order. What it refuses is input in which no
// message header can be found, or whose header says nothing of its type.
//
// Source: HL7 v2.5.1 chapter 2, control.
package hl7v2

import (
	"iter"
	"strconv"
	"strings"

	"selda/fault"
)

// Delimiters are the characters that MSH-1 and MSH-2 declare; 0 is none.
type Delimiters struct {
	Field, Component, Repetition, Escape, Subcomponent byte
}

// Standard are the delimiters that nearly everyone uses.
var Standard = Delimiters{'|', '^', '~', '\\', '&'}

// Message is one parsed message. It is never changed and may be read by many
// goroutines at once.
type Message struct {
	text string
	d    Delimiters
	segs []segment
	seps []int32 // offsets of field separators, of all segments
}

// segment is the span of one segment in the text, without its line end.
type segment struct {
	start, end int
	number     int // among those of its name, from 1
	first, n   int // its separators in Message.seps; of a very long one, those that come first
}

// maxSeparators are remembered of a segment; fields behind them are looked for.
const maxSeparators = 128

// Parse reads one message. Errors have the kind Structure, Required, TooLong or
// NotSupported, and the place. Where the header could be read, the Message
// comes with the error, so that it can be answered.
func Parse(raw []byte) (*Message, error) {
	const op = "hl7v2.Parse"
	text, badSet := decode(raw)
	d, err := delimiters(text)
	if err != nil {
		return nil, err
	}
	m := &Message{text: text, d: d}
	err = m.cut()
	switch {
	case err != nil:
		return m, err
	case badSet:
		return m, fault.E(op, fault.NotSupported, "the character set is not known, and the text is not UTF-8", "MSH-18")
	case m.Type() == "":
		return m, fault.E(op, fault.Required, "the message has no type", "MSH-9")
	}
	return m, nil
}

// delimiters reads MSH-1 and MSH-2. A character that MSH-2 repeats counts
// once: some senders escape the backslash, and mean ^~\&.
func delimiters(text string) (Delimiters, error) {
	const op = "hl7v2.Parse"
	if len(text) < 3 || text[:3] != "MSH" {
		if len(text) > 3 && (text[:3] == "FHS" || text[:3] == "BHS") {
			return Delimiters{}, fault.E(op, fault.Structure, "this is a batch, to be split first", "segment 1")
		}
		return Delimiters{}, fault.E(op, fault.Structure, "the message does not begin with MSH", "segment 1")
	}
	if len(text) < 5 || !mayDelimit(text[3]) {
		return Delimiters{}, fault.E(op, fault.Structure, "there is no field separator", "MSH-1")
	}
	sep := text[3]
	rest := text[4:]
	end := strings.IndexByte(rest, sep)
	if end < 1 || end > 6 {
		return Delimiters{}, fault.E(op, fault.Structure, "there are no encoding characters", "MSH-2")
	}
	var c [6]byte
	n := 0
	for i := range end {
		if !mayDelimit(rest[i]) {
			return Delimiters{}, fault.E(op, fault.Structure, "an encoding character is none that can be one", "MSH-2")
		}
		if strings.IndexByte(string(c[:n]), rest[i]) < 0 {
			c[n] = rest[i]
			n++
		}
	}
	return Delimiters{sep, c[0], c[1], c[2], c[3]}, nil
}

// mayDelimit says whether c may separate: a visible ASCII character that is
// neither letter nor digit, or a control character that ends no line.
func mayDelimit(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return false
	case c == '\r', c == '\n', c == ' ', c == '"', c == 0, c >= 0x7f:
		return false
	}
	return true
}

// maxSegments is far more than any real message has; it bounds what a small
// input can cost.
const maxSegments = 50_000

// cut finds the segments. A line that does not begin as a segment belongs to
// the one before it: it is text with a line end in it.
func (m *Message) cut() error {
	t := m.text
	m.segs = make([]segment, 0, 4+len(t)/90)
	counts := map[uint32]int{}
	cr, lf := -1, -1 // the next of each
	for at := 0; at < len(t); {
		if cr < at {
			cr = indexFrom(t, at, '\r')
		}
		if lf < at {
			lf = indexFrom(t, at, '\n')
		}
		end := min(cr, lf)
		switch {
		case m.begins(t[at:end]):
			name := uint32(t[at])<<16 | uint32(t[at+1])<<8 | uint32(t[at+2])
			counts[name]++
			m.segs = append(m.segs, segment{start: at, end: end, number: counts[name]})
			if len(m.segs) > maxSegments {
				m.separate()
				return fault.E("hl7v2.Parse", fault.TooLong, "the message has more segments than are read", "segment "+strconv.Itoa(len(m.segs)))
			}
			if counts[name] == 2 && t[at:at+3] == "MSH" {
				m.separate()
				return fault.E("hl7v2.Parse", fault.Structure, "a second message header stands in the message", "MSH[2]")
			}
		case strings.TrimSpace(t[at:end]) != "":
			m.segs[len(m.segs)-1].end = end
		}
		at = end + 1
	}
	m.separate()
	return nil
}

// indexFrom is where c stands next, or the end.
func indexFrom(t string, at int, c byte) int {
	if i := strings.IndexByte(t[at:], c); i >= 0 {
		return at + i
	}
	return len(t)
}

// separate finds the field separators of every segment.
func (m *Message) separate() {
	m.seps = make([]int32, 0, 16*len(m.segs))
	for i := range m.segs {
		g := &m.segs[i]
		g.first = len(m.seps)
		for at := g.start; g.n < maxSeparators; g.n++ {
			j := strings.IndexByte(m.text[at:g.end], m.d.Field)
			if j < 0 {
				break
			}
			m.seps = append(m.seps, int32(at+j))
			at += j + 1
		}
	}
}

// begins says whether a line begins as a segment does: a capital and two
// capitals or digits, then the field separator or nothing.
func (m *Message) begins(line string) bool {
	if len(line) < 3 || len(line) > 3 && line[3] != m.d.Field {
		return false
	}
	for i := range 3 {
		c := line[i]
		if (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// Text is the whole message in UTF-8, as it came but for framing and outer
// blanks. Offsets of Value.Span count its bytes.
func (m *Message) Text() string { return m.text }

// Delimiters are the message's own.
func (m *Message) Delimiters() Delimiters { return m.d }

// Len is the number of segments.
func (m *Message) Len() int { return len(m.segs) }

// Segment is the i-th segment, from 0; the zero Segment where there is none.
func (m *Message) Segment(i int) Segment {
	if i < 0 || i >= len(m.segs) {
		return Segment{}
	}
	return Segment{m, i}
}

// First is the first segment of a name, or the zero Segment.
func (m *Message) First(name string) Segment {
	for s := range m.All(name) {
		return s
	}
	return Segment{}
}

// All are the segments of a name, in order; every segment where name is "".
func (m *Message) All(name string) iter.Seq[Segment] {
	return func(yield func(Segment) bool) {
		for i := range m.segs {
			s := Segment{m, i}
			if (name == "" || s.Name() == name) && !yield(s) {
				return
			}
		}
	}
}

// header is MSH: Parse has seen to it that it is the first segment.
func (m *Message) header() Segment { return Segment{m, 0} }

// Type is MSH-9.1: "ADT".
func (m *Message) Type() string { return strings.TrimSpace(m.header().Comp(9, 1).Text()) }

// Trigger is MSH-9.2, or EVN-1 where that is empty: "A01".
func (m *Message) Trigger() string {
	if t := strings.TrimSpace(m.header().Comp(9, 2).Text()); t != "" {
		return t
	}
	return strings.TrimSpace(m.First("EVN").Comp(1, 1).Text())
}

// Event is type and trigger: "ADT^A01".
func (m *Message) Event() string {
	if t := m.Trigger(); t != "" {
		return m.Type() + "^" + t
	}
	return m.Type()
}

// ControlID is MSH-10, the sender's own id of the message.
func (m *Message) ControlID() string { return m.header().Comp(10, 1).Text() }

// SendingApplication is MSH-3.1.
func (m *Message) SendingApplication() string { return m.header().Comp(3, 1).Text() }

// SendingFacility is MSH-4.1.
func (m *Message) SendingFacility() string { return m.header().Comp(4, 1).Text() }

// ReceivingApplication is MSH-5.1.
func (m *Message) ReceivingApplication() string { return m.header().Comp(5, 1).Text() }

// ReceivingFacility is MSH-6.1.
func (m *Message) ReceivingFacility() string { return m.header().Comp(6, 1).Text() }

// Processing is MSH-11.1: P production, T training, D debugging.
func (m *Message) Processing() string { return m.header().Comp(11, 1).Text() }

// Version is MSH-12.1: "2.4"; "" where the sender does not say.
func (m *Message) Version() string { return m.header().Comp(12, 1).Text() }

// Sent is MSH-7 as a FHIR dateTime, or "".
func (m *Message) Sent() string {
	s, _ := DateTime(m.header().Comp(7, 1).Text())
	return s
}

// AtLeast says whether the sender's version is v ("2.5") or later. A message
// that does not say counts as 2.3.
func (m *Message) AtLeast(v string) bool {
	own := m.Version()
	if len(own) < 3 || own[:2] != "2." {
		own = "2.3"
	}
	return own >= v
}
