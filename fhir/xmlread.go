package fhir

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"

	"selda/fault"
	"selda/internal/charset"
)

// Namespaces of FHIR's XML. https://hl7.org/fhir/R4/xml.html
const (
	fhirNamespace  = "http://hl7.org/fhir"
	xhtmlNamespace = "http://www.w3.org/1999/xhtml"
)

// IsXML says whether in begins as an XML text does, rather than JSON.
func IsXML(in []byte) bool {
	if charset.UTF16(in) {
		return true
	}
	in = bytes.TrimLeft(bytes.TrimPrefix(in, []byte("\xEF\xBB\xBF")), " \t\r\n")
	return len(in) > 0 && in[0] == '<'
}

// FromXML gives a resource's XML form as compact JSON: elements in the order
// in which they stood, numbers as they were written, narrative as text.
// Refused are: a DTD, elements that R4 does not have, nesting beyond MaxDepth.
// An error's place is the path to the element, lists counted from 0.
// https://hl7.org/fhir/R4/xml.html
func FromXML(in []byte) ([]byte, error) {
	const op = "fhir.FromXML"
	text, err := charset.XML(in)
	if err != nil {
		return nil, fault.E(op, err)
	}
	r := newXMLReader(text)
	start, err := r.root()
	if err == nil {
		var out []byte
		if out, err = r.resource(start); err == nil {
			if err = r.end(); err == nil {
				return out, nil
			}
		}
	}
	return nil, r.fail(op, err)
}

// xmlReader walks one XML text.
type xmlReader struct {
	text []byte
	dec  *xml.Decoder
	at   int64    // where the last token began
	path []string // element names from the root, for an error's place
}

func newXMLReader(text []byte) *xmlReader {
	dec := xml.NewDecoder(bytes.NewReader(text))
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	dec.Entity = xml.HTMLEntity // narrative may name HTML's own characters; nothing else can be declared
	return &xmlReader{text: text, dec: dec}
}

// refusal is why an XML text is not taken, before its place is known.
type refusal struct {
	kind   fault.Kind
	reason string
}

func (e *refusal) Error() string { return e.reason }

func refuse(kind fault.Kind, reason string) error { return &refusal{kind, reason} }

// fail puts the place to an error. What encoding/xml says may quote the input,
// so only its line is kept.
func (r *xmlReader) fail(op string, err error) error {
	path := r.path
	for i, part := range path {
		// A name that none of FHIR's could be may be anything: an error does not hold it.
		if name, _, _ := strings.Cut(part, "["); !couldBeElement(name) && !IsResourceType(name) {
			path = path[:i]
			break
		}
	}
	place := strings.Join(path, ".")
	var known *refusal
	if errors.As(err, &known) {
		return fault.E(op, known.kind, known.reason, place)
	}
	line, _ := r.dec.InputPos()
	return fault.E(op, fault.Structure, "not well-formed XML in line "+strconv.Itoa(line), place)
}

// token is the next token that matters; comments and processing instructions
// do not, and a document type is refused.
func (r *xmlReader) token() (xml.Token, error) {
	for {
		r.at = r.dec.InputOffset()
		t, err := r.dec.Token()
		if err != nil {
			return nil, err
		}
		switch t.(type) {
		case xml.StartElement, xml.EndElement, xml.CharData:
			return t, nil
		case xml.Directive:
			return nil, refuse(fault.Structure, "a document type is not read")
		}
	}
}

// next is the next start or end of an element; nil is the end of the one that
// is open. Text between elements is refused.
func (r *xmlReader) next() (*xml.StartElement, error) {
	for {
		t, err := r.token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			return &t, nil
		case xml.EndElement:
			return nil, nil
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return nil, refuse(fault.Structure, "text where an element is due")
			}
		}
	}
}

// root is the resource's own element.
func (r *xmlReader) root() (*xml.StartElement, error) {
	start, err := r.next()
	if err == io.EOF {
		return nil, refuse(fault.Structure, "there is no XML element")
	}
	return start, err
}

// end checks that nothing follows the root element.
func (r *xmlReader) end() error {
	t, err := r.token()
	for err == nil {
		if c, ok := t.(xml.CharData); !ok || len(bytes.TrimSpace(c)) > 0 {
			return refuse(fault.Structure, "more than one XML element")
		}
		t, err = r.token()
	}
	if err == io.EOF {
		return nil
	}
	return err
}

func (r *xmlReader) resource(start *xml.StartElement) ([]byte, error) {
	typ := start.Name.Local
	r.path = append(r.path, typ)
	if start.Name.Space != fhirNamespace && start.Name.Space != "" {
		return nil, refuse(fault.Invalid, "the element is not in the namespace of FHIR")
	}
	if !IsResourceType(typ) {
		return nil, refuse(fault.Invalid, "the element is not a resource of FHIR R4")
	}
	members, err := r.members(xmlTypes()[typ], start)
	if err != nil {
		return nil, err
	}
	r.path = r.path[:len(r.path)-1]
	return appendMembers([]byte(`{"resourceType":"`+typ+`"`), members, false), nil
}

// member is what the elements of one name come to: for each of them its value
// and, of primitives, its id and extensions.
type member struct {
	xmlElement
	values [][]byte
	extras [][]byte // nil where no value has any
}

// members reads the attributes and elements of the open element, to its end.
func (r *xmlReader) members(t xmlType, start *xml.StartElement) ([]member, error) {
	if len(r.path) > MaxDepth {
		return nil, refuse(fault.TooLong, "XML is nested deeper than 64 levels")
	}
	var list []member
	for _, a := range start.Attr {
		if a.Name.Space != "" || a.Name.Local == "xmlns" {
			continue
		}
		e, known := t[a.Name.Local]
		if !known || !e.attr {
			return nil, refuse(fault.Invalid, "an attribute that this element does not have in FHIR R4")
		}
		list = append(list, member{xmlElement: e, values: [][]byte{appendString(nil, a.Value)}})
	}
	// R4 has an order for them; what real systems send does not always, and it says nothing.
	for {
		child, err := r.next()
		if err != nil || child == nil {
			return list, err
		}
		e, known := t[child.Name.Local]
		i := 0
		for i < len(list) && list[i].name != child.Name.Local {
			i++
		}
		if i == len(list) {
			list = append(list, member{xmlElement: e})
		}
		m := &list[i]
		r.path = append(r.path, e.step(child.Name.Local, len(m.values)))
		switch {
		case !known || e.attr || child.Name.Space != fhirNamespace && child.Name.Space != "" && e.shape != xhtmlShape:
			return nil, refuse(fault.Invalid, "an element that is not of FHIR R4")
		case len(m.values) > 0 && !e.list:
			return nil, refuse(fault.Structure, "an element stands twice that may stand once")
		}
		if err := r.value(m, child); err != nil {
			return nil, err
		}
		r.path = r.path[:len(r.path)-1]
	}
}

func (e xmlElement) step(name string, i int) string {
	if e.list {
		return name + "[" + strconv.Itoa(i) + "]"
	}
	return name
}

// value reads one element into m.
func (r *xmlReader) value(m *member, start *xml.StartElement) error {
	switch m.shape {
	case xhtmlShape:
		text, err := r.xhtml(start)
		m.values = append(m.values, appendString(nil, string(text)))
		return err
	case resourceShape:
		child, err := r.next()
		if err != nil {
			return err
		}
		if child == nil {
			return refuse(fault.Structure, "there is no resource in the element")
		}
		out, err := r.resource(child)
		if err != nil {
			return err
		}
		m.values = append(m.values, out)
		if child, err = r.next(); child != nil {
			return refuse(fault.Structure, "more than one resource in an element")
		}
		return err
	case complexShape:
		list, err := r.members(xmlTypes()[m.typ], start)
		m.values = append(m.values, appendMembers([]byte{'{'}, list, true))
		return err
	}
	return r.primitive(m, start)
}

// primitive reads a value attribute, and the id and extensions beside it.
func (r *xmlReader) primitive(m *member, start *xml.StartElement) error {
	var value []byte
	rest := *start
	rest.Attr = nil
	for _, a := range start.Attr {
		if a.Name.Space != "" || a.Name.Local != "value" {
			rest.Attr = append(rest.Attr, a)
			continue
		}
		switch m.shape {
		case stringShape:
			value = appendString(nil, a.Value)
		case numberShape:
			if !isNumber(a.Value) {
				return refuse(fault.Value, "the value is not a number")
			}
			value = []byte(a.Value)
		case booleanShape:
			if a.Value != "true" && a.Value != "false" {
				return refuse(fault.Value, "the value is neither true nor false")
			}
			value = []byte(a.Value)
		}
	}
	list, err := r.members(xmlTypes()["Element"], &rest)
	if err != nil {
		return err
	}
	if value == nil && len(list) == 0 {
		return refuse(fault.Value, "the element has neither a value nor extensions: leave it out")
	}
	m.values = append(m.values, value)
	if len(list) > 0 {
		for len(m.extras) < len(m.values)-1 {
			m.extras = append(m.extras, nil)
		}
		m.extras = append(m.extras, appendMembers([]byte{'{'}, list, true))
	}
	return nil
}

// appendMembers writes members after an open '{' or after a first member, and
// closes the object.
func appendMembers(b []byte, list []member, first bool) []byte {
	name := func(prefix, n string) {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(append(append(append(b, '"'), prefix...), n...), '"', ':')
	}
	for _, m := range list {
		if some(m.values) {
			name("", m.name)
			b = m.append(b, m.values)
		}
		if some(m.extras) {
			name("_", m.name)
			b = m.append(b, m.extras)
		}
	}
	return append(b, '}')
}

func some(values [][]byte) bool {
	for _, v := range values {
		if v != nil {
			return true
		}
	}
	return false
}

func (m *member) append(b []byte, values [][]byte) []byte {
	if !m.list {
		return append(b, values[0]...)
	}
	b = append(b, '[')
	for i := range m.values {
		if i > 0 {
			b = append(b, ',')
		}
		if i >= len(values) || values[i] == nil {
			b = append(b, "null"...)
		} else {
			b = append(b, values[i]...)
		}
	}
	return append(b, ']')
}

// isNumber says whether s is a JSON number. Its digits are not counted, as
// they are for a decimal that this system makes itself.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	digits := func() bool {
		n := len(s)
		s = strings.TrimLeft(s, "0123456789")
		return len(s) < n
	}
	if len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9' || !digits() {
		return false
	}
	if rest, found := strings.CutPrefix(s, "."); found {
		if s = rest; !digits() {
			return false
		}
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		if s = s[1:]; s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if !digits() {
			return false
		}
	}
	return s == ""
}
