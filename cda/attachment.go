package cda

import (
	"bytes"
	"compress/flate"
	"io"
	"strings"
)

// Attachment is content that stands in the document whole: a non-XML body, or
// an observationMedia.
type Attachment struct {
	Title       string
	ContentType string // mediaType as stated; "text/plain" where it is not
	Data        []byte // unpacked; nil where the document only refers to it
	URL         string // where it only refers to it
	Place       string // of the element that holds it
}

// Body is the non-XML body; false where the document is structured.
func (d *Document) Body() (Attachment, bool) {
	e := d.Root.First("component", "nonXMLBody", "text")
	if e == nil {
		return Attachment{}, false
	}
	a := encapsulated(e)
	a.Title = d.Root.First("title").Text()
	return a, true
}

// Media are the observationMedia of the document.
func (d *Document) Media() []Attachment {
	var out []Attachment
	d.Root.each(func(e *Element) {
		if v := e.First("value"); e.Name == "observationMedia" && v != nil {
			out = append(out, encapsulated(v))
		}
	})
	return out
}

// encapsulated reads the datatype ED: text, or base64 that may be compressed,
// or a reference. HL7 V3 Data Types, 2.4.
func encapsulated(e *Element) Attachment {
	a := Attachment{ContentType: strings.ToLower(e.Attr("mediaType")), Place: e.Place()}
	if a.ContentType == "" {
		a.ContentType = "text/plain"
	}
	if ref := e.First("reference"); ref != nil {
		a.URL = ref.Attr("value")
	}
	text := e.own()
	if strings.EqualFold(e.Attr("representation"), "B64") {
		a.Data = Base64(text)
		switch strings.ToUpper(e.Attr("compression")) {
		case "DF":
			a.Data = deflate(a.Data)
		case "GZ", "ZL":
			a.Data = inflate(a.Data)
		}
	} else if t := strings.TrimSpace(text); t != "" {
		a.Data = []byte(t)
	}
	return a
}

// own is the text that stands in the element itself, line breaks kept.
func (e *Element) own() string {
	var b strings.Builder
	for _, c := range e.Children {
		b.WriteString(c.text)
	}
	return b.String()
}

// deflate undoes RFC 1951, or RFC 1950 which some senders mean by it.
func deflate(b []byte) []byte {
	if out := inflate(b); len(out) != len(b) || !bytes.Equal(out, b) {
		return out
	}
	out, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b)), MaxBytes+1))
	if err != nil || len(out) > MaxBytes {
		return b
	}
	return out
}
