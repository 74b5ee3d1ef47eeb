package fhir

import (
	"bytes"
	"encoding/xml"
	"unicode/utf8"

	"selda/fault"
)

// xhtml is the narrative's div, whose start was just read, as the text that
// JSON carries. Where it stands by itself it is kept to the byte; where it
// leans on prefixes or on HTML's named characters it is written anew.
// https://hl7.org/fhir/R4/narrative.html
func (r *xmlReader) xhtml(start *xml.StartElement) ([]byte, error) {
	if start.Name.Local != "div" {
		return nil, refuse(fault.Structure, "narrative is a div")
	}
	from := r.at
	asWritten := false
	for _, a := range start.Attr {
		asWritten = asWritten || a.Name.Space == "" && a.Name.Local == "xmlns" && a.Value == xhtmlNamespace
	}
	asWritten = asWritten && r.plainTag(start)
	w, opened := appendStart(nil, start, true), 0
	for depth := 1; depth > 0; {
		t, err := r.token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth++; depth > MaxDepth {
				return nil, refuse(fault.TooLong, "XML is nested deeper than 64 levels")
			}
			asWritten = asWritten && t.Name.Space == xhtmlNamespace && r.plainTag(&t)
			w = appendStart(w, &t, false)
			opened = len(w)
		case xml.EndElement:
			depth--
			if void[t.Name.Local] && opened == len(w) {
				w = append(w[:len(w)-1], "/>"...) // a browser takes <br></br> for two
				continue
			}
			w = append(append(append(w, "</"...), t.Name.Local...), '>')
		case xml.CharData:
			asWritten = asWritten && plain(r.text[r.at:r.dec.InputOffset()])
			w = appendEscaped(w, string(t), false)
		}
	}
	if asWritten {
		return r.text[from:r.dec.InputOffset()], nil
	}
	return w, nil
}

// void are the elements of narratives that hold nothing.
var void = map[string]bool{"br": true, "hr": true, "img": true, "col": true}

// plainTag says whether the start tag just read stands by itself.
func (r *xmlReader) plainTag(start *xml.StartElement) bool {
	for _, a := range start.Attr {
		if a.Name.Space != "" && a.Name.Space != "xml" {
			return false
		}
	}
	raw := r.text[r.at:r.dec.InputOffset()]
	return bytes.HasPrefix(raw[1:], []byte(start.Name.Local)) && plain(raw)
}

// plain says whether raw names no characters but those that XML itself knows.
func plain(raw []byte) bool {
	for {
		i := bytes.IndexByte(raw, '&')
		if i < 0 {
			return true
		}
		raw = raw[i+1:]
		end := bytes.IndexByte(raw, ';')
		if end < 1 {
			return true // within CDATA: the reader took it
		}
		switch name := raw[:end]; {
		case name[0] == '#', string(name) == "amp", string(name) == "lt", string(name) == "gt", string(name) == "quot", string(name) == "apos":
		default:
			return false
		}
	}
}

// appendStart writes a start tag with its attributes, without namespaces but
// for the one that root declares.
func appendStart(b []byte, start *xml.StartElement, root bool) []byte {
	b = append(append(b, '<'), start.Name.Local...)
	if root {
		b = append(b, ` xmlns="`+xhtmlNamespace+`"`...)
	}
	for _, a := range start.Attr {
		switch {
		case a.Name.Space == "xml" || a.Name.Space == "http://www.w3.org/XML/1998/namespace":
			b = append(b, " xml:"...)
		case a.Name.Space != "" || a.Name.Local == "xmlns":
			continue
		default:
			b = append(b, ' ')
		}
		b = append(append(b, a.Name.Local...), '=', '"')
		b = append(appendEscaped(b, a.Value, true), '"')
	}
	return append(b, '>')
}

// appendEscaped writes text for XML; within an attribute white space other
// than blanks is written as a reference, since a reader would change it.
func appendEscaped(b []byte, s string, attr bool) []byte {
	for _, c := range s {
		switch {
		case c == '&':
			b = append(b, "&amp;"...)
		case c == '<':
			b = append(b, "&lt;"...)
		case c == '>':
			b = append(b, "&gt;"...)
		case c == '"' && attr:
			b = append(b, "&quot;"...)
		case c == '\r':
			b = append(b, "&#xD;"...)
		case c == '\n' && attr:
			b = append(b, "&#xA;"...)
		case c == '\t' && attr:
			b = append(b, "&#x9;"...)
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return b
}

// inXML says whether XML 1.0 can hold every character of s.
func inXML(s string) bool {
	for _, c := range s {
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' || c == 0xFFFE || c == 0xFFFF {
			return false
		}
	}
	return true
}
