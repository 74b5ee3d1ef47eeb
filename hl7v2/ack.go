package hl7v2

import (
	"strconv"
	"strings"
	"time"
)

// AckCode is a code of HL7 table 0008.
type AckCode string

// The answers of original mode.
const (
	Accepted AckCode = "AA"
	Failed   AckCode = "AE"
	Rejected AckCode = "AR"
)

// Commit is the accept acknowledgement of enhanced mode that says the same:
// CA, CE, CR.
func (c AckCode) Commit() AckCode {
	if len(c) == 2 && c[0] == 'A' {
		return "C" + c[1:]
	}
	return c
}

// Problem is one ERR segment.
type Problem struct {
	Place    string // where in the sender's message: "PID-3[2].1"; may be empty
	Code     int    // HL7 table 0357: 100, 101, 102, 103, 200 to 207
	Severity string // HL7 table 0516: "E", "W", "I"; E where it is ""
	Text     string // for the sender's people; never patient data
}

// conditions are the words of HL7 table 0357.
var conditions = map[int]string{
	0: "Message accepted", 100: "Segment sequence error", 101: "Required field missing", 102: "Data type error",
	103: "Table value not found", 200: "Unsupported message type", 201: "Unsupported event code",
	202: "Unsupported processing id", 203: "Unsupported version id", 204: "Unknown key identifier",
	205: "Duplicate key identifier", 206: "Application record locked", 207: "Application internal error",
}

// AckModes are MSH-15 and MSH-16, for the accept and the application
// acknowledgement: AL always, NE never, ER only of errors, SU only of success,
// "" where the sender does not say. Both empty is original mode: one answer,
// AA, AE or AR.
func (m *Message) AckModes() (accept, application string) {
	return m.header().Comp(15, 1).Text(), m.header().Comp(16, 1).Text()
}

// Acknowledge builds the answer to a message: MSH with sender and receiver
// swapped, MSA with the sender's control id, and an ERR segment for each
// problem, in the form of the sender's version. m may be nil, of input so
// broken that it has no header; the answer is then in standard delimiters and
// names no message. controlID is the answer's own MSH-10, at its MSH-7.
// HL7 v2.5.1 sections 2.9 and 2.15.
func Acknowledge(m *Message, code AckCode, controlID string, at time.Time, problems ...Problem) []byte {
	a := ack{d: Standard, version: "2.5.1", escaped: `^~\&`}
	field := func(int) string { return "" }
	if m != nil {
		a.d = m.d
		a.escaped = m.header().Field(2).Raw()
		field = func(n int) string { return m.header().Field(n).Raw() }
		if v := m.Version(); v != "" {
			a.version = v
		}
	}
	a.segment("MSH", a.escaped, field(5), field(6), field(3), field(4), at.Format("20060102150405-0700"), "",
		a.messageType(m), a.text(controlID), or(field(11), "P"), or(field(12), a.version))
	if m != nil && !ascii(a.b) || !ascii([]byte(field(10))) {
		a.b = append(a.b[:len(a.b)-1], strings.Repeat(string(a.d.Field), 6)+"UNICODE UTF-8\r"...)
	}
	said := ""
	if len(problems) > 0 && !a.late() {
		said = a.text(problems[0].Text) // MSA-3, which 2.5 leaves to ERR
	}
	a.segment("MSA", string(code), field(10), said)
	for _, p := range problems {
		a.problem(p)
	}
	return a.b
}

// ack is an answer under construction.
type ack struct {
	d       Delimiters
	version string
	escaped string // MSH-2
	b       []byte
}

// late says whether the sender's version has the ERR segment of 2.5.
func (a *ack) late() bool { return len(a.version) >= 3 && a.version[:2] == "2." && a.version >= "2.5" }

func (a *ack) segment(name string, fields ...string) {
	for len(fields) > 0 && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	a.b = append(a.b, name...)
	for _, f := range fields {
		a.b = append(a.b, a.d.Field)
		for i := range len(f) { // a header that ran over a line end must not break the answer
			c := f[i]
			if c == '\r' || c == '\n' {
				c = ' '
			}
			a.b = append(a.b, c)
		}
	}
	a.b = append(a.b, '\r')
}

func (a *ack) text(s string) string { return Escape(s, a.d) }

// messageType is MSH-9: the trigger is echoed from 2.3 on, the structure
// named from 2.3.1 on.
func (a *ack) messageType(m *Message) string {
	if m == nil || !m.AtLeast("2.3") || a.d.Component == 0 {
		return "ACK"
	}
	trigger := m.header().Comp(9, 2).Raw()
	if trigger == "" {
		return "ACK"
	}
	t := "ACK" + string(a.d.Component) + trigger
	if m.AtLeast("2.3.1") {
		t += string(a.d.Component) + "ACK"
	}
	return t
}

func (a *ack) problem(p Problem) {
	if conditions[p.Code] == "" {
		p.Code = 207
	}
	code, words := strconv.Itoa(p.Code), conditions[p.Code]
	seg, number, field, rep, comp, sub := splitPlace(p.Place)
	if !a.late() {
		// ERR-1, ELD: segment, its number, field, and the code as a CE below.
		inner := join(a.d.Subcomponent, code, a.text(words), "HL70357")
		a.segment("ERR", join(a.d.Component, seg, number, field, inner))
		return
	}
	where := ""
	if seg != "" {
		where = join(a.d.Component, seg, number, field, rep, comp, sub)
	}
	a.segment("ERR", "", where, join(a.d.Component, code, a.text(words), "HL70357"), or(p.Severity, "E"), "", "", "", a.text(p.Text))
}

// join puts a delimiter between parts, and leaves out empty ones at the end;
// only the first part where there is no such delimiter.
func join(d byte, parts ...string) string {
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	if d == 0 && len(parts) > 0 {
		return parts[0]
	}
	return strings.Join(parts, string(d))
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// splitPlace takes "PID-3[2].1" apart for ERL; all empty where it is no place.
func splitPlace(place string) (seg, num, field, rep, comp, sub string) {
	if len(place) < 3 || strings.ToUpper(place[:3]) != place[:3] {
		return
	}
	n, rest, ok := index(place[3:])
	if !ok || rest != "" && rest[0] != '-' {
		return
	}
	seg, num = place[:3], strconv.Itoa(n)
	f, rest, ok := number(rest, '-')
	if !ok {
		return
	}
	field, rep = strconv.Itoa(f), "1"
	r, rest, ok := index(rest)
	if !ok {
		return
	}
	rep = strconv.Itoa(r)
	if c, rest, ok := number(rest, '.'); ok {
		comp = strconv.Itoa(c)
		if s, _, ok := number(rest, '.'); ok {
			sub = strconv.Itoa(s)
		}
	}
	return
}
