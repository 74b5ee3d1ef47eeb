package view

import (
	"encoding/base64"
	"strconv"
	"strings"

	"selda/fhir"
)

// Document is what a document says, to be read in the page, and its files that
// are not text; ref is its own reference, which a stored body does not hold.
// https://hl7.org/fhir/R4/documentreference.html and its like
func Document(ref string, r *fhir.Resource) (pages []Passage, files []File) {
	d := document{ref: ref}
	d.sections(r.Root().List("section"), 0)
	for i, c := range r.Root().List("content") {
		d.attach(c.Get("attachment"), "content["+strconv.Itoa(i)+"].attachment")
	}
	for i, a := range r.Root().List("presentedForm") {
		d.attach(a, "presentedForm["+strconv.Itoa(i)+"]")
	}
	for _, p := range r.Root().List("payload") {
		if t := p.Get("contentString").Text(); t != "" {
			d.pages = append(d.pages, Passage{Text: plainText(t)})
		}
	}
	return d.pages, d.files
}

type document struct {
	ref   string
	pages []Passage
	files []File
}

func (d *document) sections(list []fhir.Node, depth int) {
	for _, s := range list {
		p := Passage{Title: s.Get("title").Text(), Text: Narrative(s.Get("text", "div").Text())}
		if p.Title == "" {
			p.Title = Concept(s.Get("code"))
		}
		if len(p.Text) > 0 || p.Title != "" {
			d.pages = append(d.pages, p)
		}
		if depth < 4 {
			d.sections(s.List("section"), depth+1)
		}
	}
}

const maxInline = 1 << 20

// attach takes an Attachment: text is read in the page, anything else is a file.
// https://hl7.org/fhir/R4/datatypes.html#attachment
func (d *document) attach(a fhir.Node, place string) {
	kind, _, _ := strings.Cut(strings.ToLower(a.Get("contentType").Text()), ";")
	title := a.Get("title").Text()
	data := a.Get("data").Text()
	if data != "" && len(data) < maxInline*4/3 {
		switch kind {
		case "text/plain", "text/html", "application/xhtml+xml", "text/rtf-plain":
			b, err := base64.StdEncoding.DecodeString(data)
			if err != nil {
				break
			}
			text := strings.ToValidUTF8(string(b), "\uFFFD")
			p := Passage{Title: title, Text: plainText(text)}
			if kind != "text/plain" {
				p.Text = Narrative(text)
			}
			d.pages = append(d.pages, p)
			return
		}
	}
	// What is not within the resource is kept in the message that it came in.
	if data != "" || a.Get("url").Exists() || a.Get("hash").Exists() {
		name := title
		if name == "" {
			name = "Attachment"
		}
		d.files = append(d.files, File{Name: name, Type: kind, Ref: d.ref + "#" + place})
	}
}
