package cda

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/xml"
	"io"
	"strconv"
	"strings"

	"selda/fault"
	"selda/internal/charset"
)

// wrappings is how many packings may lie in each other.
const wrappings = 3

// find reads raw and gives the ClinicalDocument in it, unpacking payloads
// until there is one.
func find(raw []byte, depth int) (*Document, error) {
	const op = "cda.find"
	if len(raw) > MaxBytes {
		return nil, fault.E(op, fault.TooLong, "a document is larger than 64 MB")
	}
	root, text, err := tree(raw)
	if err != nil {
		return nil, err
	}
	d := &Document{Text: text}
	var found, packed []*Element
	root.each(func(e *Element) {
		switch e.Name {
		case Root:
			if e.Space == "" || e.Space == "urn:hl7-org:v3" {
				found = append(found, e)
			}
		case "payload":
			packed = append(packed, e)
		case "header":
			if id := e.Attr("trackingid"); id != "" {
				d.TrackingID = id
			}
		}
	})
	if len(found) > 1 {
		return nil, fault.E(op, fault.NotSupported, "more than one ClinicalDocument in one message: send each by itself", found[1].path())
	}
	if len(found) == 1 {
		d.Root = found[0]
		return d, nil
	}
	for _, p := range packed {
		inner := unpack(p.Text())
		if inner == nil || depth == wrappings {
			continue
		}
		in, err := find(inner, depth+1)
		if err != nil {
			return nil, fault.E(op, err)
		}
		in.TrackingID = d.TrackingID
		return in, nil
	}
	return nil, fault.E(op, fault.Structure, "there is no ClinicalDocument: this is no CDA document, or only a part of one", rootName(root.Name))
}

// roots are the elements that senders begin with where a ClinicalDocument is
// due: parts of one, and envelopes.
const roots = " ClinicalDocument section entry component act observation procedure organizer encounter supply substanceAdministration recordTarget patientRole author " +
	"custodian informant participant documentationOf serviceEvent componentOf encompassingEncounter relatedDocument authorization legalAuthenticator " +
	"dataEnterer authenticator structuredBody nonXMLBody Envelope DistributionEnvelope Bundle text table list "

// rootName is the root element's name where it is one of those, or of an HL7
// v3 interaction; else the name could be anything, and an error does not hold it.
func rootName(name string) string {
	interaction := len(name) > 10 && len(name) <= 20 && name[4] == '_' && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "" && strings.ContainsAny(name, "0123456789")
	if interaction || strings.Contains(roots, " "+name+" ") {
		return name
	}
	return "root element"
}

// printable keeps a root element's name out of an error where it is none that
// a standard would give.
func printable(name string) string {
	if len(name) > 64 || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") != "" {
		return "root element"
	}
	return name
}

// unpack undoes base64 and, within it, gzip or zlib; nil where the text is not
// XML in base64.
func unpack(s string) []byte {
	b := Base64(s)
	if b == nil {
		return nil
	}
	b = inflate(b)
	if t := bytes.TrimLeft(b, "\xEF\xBB\xBF \t\r\n"); len(t) == 0 || t[0] != '<' && !charset.UTF16(t) {
		return nil
	}
	return b
}

// Base64 decodes base64 with white space in it; nil where it is none.
func Base64(s string) []byte {
	s = strings.Map(func(r rune) rune {
		if r == ' ' || r == '\n' || r == '\r' || r == '\t' {
			return -1
		}
		return r
	}, s)
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil || len(b) == 0 {
		return nil
	}
	return b
}

// inflate undoes gzip or zlib by their first bytes; other bytes come back as
// they are, as do those that do not unpack within MaxBytes.
func inflate(b []byte) []byte {
	var r io.Reader
	var err error
	switch {
	case len(b) > 2 && b[0] == 0x1F && b[1] == 0x8B:
		r, err = gzip.NewReader(bytes.NewReader(b))
	case len(b) > 2 && b[0] == 0x78 && (int(b[0])<<8|int(b[1]))%31 == 0:
		r, err = zlib.NewReader(bytes.NewReader(b))
	default:
		return b
	}
	if err != nil {
		return b
	}
	out, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil || len(out) > MaxBytes {
		return b
	}
	return out
}

// tree reads the whole of an XML text. Byte ranges are in the text it gives.
func tree(raw []byte) (*Element, []byte, error) {
	const op = "cda.tree"
	text, err := charset.XML(raw)
	if err != nil {
		return nil, nil, fault.E(op, err)
	}
	base := 0
	if bytes.HasSuffix(raw, text) {
		// Only a byte order mark or white space went: count in what was given.
		base, text = len(raw)-len(text), raw
	}
	b := builder{dec: xml.NewDecoder(bytes.NewReader(text[base:])), base: base}
	b.dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for {
		begin := b.dec.InputOffset()
		tok, err := b.dec.Token()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = b.take(tok, int32(base)+int32(begin))
		} else {
			line, _ := b.dec.InputPos()
			err = fault.E(op, fault.Structure, "not well-formed XML in line "+strconv.Itoa(line), b.at.path())
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if b.root == nil {
		return nil, nil, fault.E(op, fault.Structure, "there is no XML element")
	}
	return b.root, text, nil
}

// path is where the element stands in what was sent, envelopes and all.
func (e *Element) path() string {
	if e == nil {
		return ""
	}
	if e.parent == nil {
		return printable(e.Name)
	}
	p := e.parent.path() + "." + printable(e.Name)
	if e.index > 1 {
		p += "[" + strconv.Itoa(int(e.index)) + "]"
	}
	return p
}

// builder makes the tree from tokens.
type builder struct {
	dec       *xml.Decoder
	base      int
	root, at  *Element
	counts    [MaxDepth + 1]map[string]int32 // of names seen in each open element
	depth     int
	elements  int
	narrative int // open elements in which blanks between elements matter
}

func (b *builder) take(tok xml.Token, begin int32) error {
	const op = "cda.tree"
	switch t := tok.(type) {
	case xml.StartElement:
		if b.at == nil && b.root != nil {
			return fault.E(op, fault.Structure, "more than one root element")
		}
		if b.depth++; b.depth > MaxDepth {
			return fault.E(op, fault.TooLong, "elements are nested deeper than 128 levels", b.at.path())
		}
		if b.elements++; b.elements > MaxElements {
			return fault.E(op, fault.TooLong, "more than a million elements", b.at.path())
		}
		b.open(&t, begin)
	case xml.EndElement:
		if narrative(b.at.Name) {
			b.narrative--
		}
		b.at.end = int32(b.base) + int32(b.dec.InputOffset())
		b.at = b.at.parent
		b.depth--
	case xml.CharData:
		if b.at == nil {
			if len(bytes.TrimSpace(t)) > 0 {
				return fault.E(op, fault.Structure, "text outside the root element")
			}
			return nil
		}
		if b.narrative > 0 || len(bytes.TrimSpace(t)) > 0 {
			b.at.Children = append(b.at.Children, &Element{text: string(t), parent: b.at})
		}
	case xml.Directive:
		return fault.E(op, fault.Structure, "a document type is not read")
	}
	return nil
}

func narrative(name string) bool { return name == "text" }

func (b *builder) open(t *xml.StartElement, begin int32) {
	e := &Element{Name: t.Name.Local, Space: t.Name.Space, parent: b.at, start: begin, index: 1}
	if len(t.Attr) > 0 {
		e.Attrs = make([]Attr, 0, len(t.Attr))
		for _, a := range t.Attr {
			if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
				e.Attrs = append(e.Attrs, Attr{a.Name.Space, a.Name.Local, a.Value})
			}
		}
	}
	if b.at == nil {
		b.root = e
	} else {
		b.at.Children = append(b.at.Children, e)
		counts := b.counts[b.depth]
		if counts == nil {
			counts = map[string]int32{}
			b.counts[b.depth] = counts
		}
		counts[e.Name]++
		e.index = counts[e.Name]
	}
	if narrative(e.Name) {
		b.narrative++
	}
	if b.depth < MaxDepth {
		clear(b.counts[b.depth+1])
	}
	b.at = e
}
