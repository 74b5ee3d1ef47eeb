package view

import (
	"encoding/xml"
	"io"
	"strings"
)

// Block is a block of a document's text: a heading, a paragraph, a list item
// or the row of a table. It is text and nothing else, so whatever markup a
// sender wrote, a page shows words.
type Block struct {
	Kind  string   // "h", "p", "li", "tr", "th" (a row of headings), "pre"
	Text  string   // of all but rows
	Cells []string // of rows
}

const (
	maxBlocks    = 5000
	maxNarrative = 2 << 20
)

// Narrative reads XHTML, or the narrative of a CDA section, as blocks. What is
// not well-formed is read as far as it goes: a document is shown rather than
// refused. https://hl7.org/fhir/R4/narrative.html
func Narrative(markup string) []Block {
	if len(markup) > maxNarrative {
		markup = markup[:maxNarrative]
	}
	d := xml.NewDecoder(strings.NewReader(markup))
	d.Strict = false
	d.AutoClose = []string{"br", "hr", "img", "col", "meta", "link", "input"}
	d.Entity = xml.HTMLEntity
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	var n narrator
	for len(n.blocks) < maxBlocks {
		t, err := d.RawToken()
		if err != nil {
			break
		}
		switch t := t.(type) {
		case xml.StartElement:
			n.start(strings.ToLower(t.Name.Local))
		case xml.EndElement:
			n.end(strings.ToLower(t.Name.Local))
		case xml.CharData:
			if n.silent == 0 {
				n.text.Write(t)
			}
		}
	}
	n.flush("p")
	return n.blocks
}

type narrator struct {
	blocks []Block
	text   strings.Builder
	cells  []string
	inRow  bool
	header bool
	pre    int
	silent int // inside what is not text
}

func (n *narrator) start(name string) {
	switch name {
	case "script", "style", "head", "title":
		n.silent++
	case "p", "div", "ul", "ol", "list", "table", "paragraph", "section", "content", "caption", "h1", "h2", "h3", "h4", "h5", "h6", "li", "item", "dt", "dd", "thead", "tbody":
		if n.inRow || name == "content" {
			n.text.WriteByte(' ')
			return
		}
		n.flush("p")
	case "br":
		if n.inRow {
			n.text.WriteByte(' ')
			return
		}
		n.flush("p")
	case "pre":
		n.flush("p")
		n.pre++
	case "tr":
		n.flush("p")
		n.inRow, n.header, n.cells = true, true, nil
	case "td":
		n.header = false
		n.text.Reset()
	case "th":
		n.text.Reset()
	}
}

func (n *narrator) end(name string) {
	switch name {
	case "script", "style", "head", "title":
		n.silent = max(0, n.silent-1)
	case "h1", "h2", "h3", "h4", "h5", "h6", "caption":
		n.flush("h")
	case "li", "item", "dd":
		n.flush("li")
	case "p", "div", "paragraph", "section", "dt":
		n.flush("p")
	case "pre":
		n.flush("pre")
		n.pre = max(0, n.pre-1)
	case "td", "th":
		if n.inRow {
			n.cells = append(n.cells, strings.Join(strings.Fields(n.text.String()), " "))
			n.text.Reset()
		}
	case "tr":
		n.row()
	}
}

func (n *narrator) row() {
	if n.inRow && strings.Join(n.cells, "") != "" {
		kind := "tr"
		if n.header {
			kind = "th"
		}
		n.blocks = append(n.blocks, Block{Kind: kind, Cells: n.cells})
	}
	n.inRow, n.cells = false, nil
	n.text.Reset()
}

// flush ends a block of text.
func (n *narrator) flush(kind string) {
	if n.inRow {
		return
	}
	s := n.text.String()
	n.text.Reset()
	if n.pre > 0 {
		kind = "pre"
	} else {
		s = strings.Join(strings.Fields(s), " ")
	}
	if strings.TrimSpace(s) != "" {
		n.blocks = append(n.blocks, Block{Kind: kind, Text: s})
	}
}

// plainText reads text as paragraphs, keeping its lines.
func plainText(s string) []Block {
	var out []Block
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	if len(s) > maxNarrative {
		s = strings.ToValidUTF8(s[:maxNarrative], "")
	}
	for part := range strings.SplitSeq(s, "\n\n") {
		if strings.TrimSpace(part) != "" && len(out) < maxBlocks {
			out = append(out, Block{Kind: "pre", Text: strings.Trim(part, "\n")})
		}
	}
	return out
}
