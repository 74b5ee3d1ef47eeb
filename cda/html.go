package cda

import "strings"

// htmlName is what each element of CDA narrative becomes, and of the HTML that
// senders put there against the standard. An element that is not here is left
// out and its text stays. CDA R2, 4.3.5 Section Narrative Block.
var htmlName = map[string]string{"paragraph": "p", "p": "p", "br": "br", "sub": "sub", "sup": "sup",
	"list": "ul", "ul": "ul", "ol": "ol", "item": "li", "li": "li",
	"table": "table", "caption": "caption", "thead": "thead", "tbody": "tbody", "tfoot": "tfoot", "tr": "tr", "th": "th", "td": "td",
	"b": "b", "strong": "b", "i": "i", "em": "i", "u": "u", "pre": "pre", "hr": "hr", "blockquote": "blockquote",
	"h1": "h4", "h2": "h4", "h3": "h4", "h4": "h4", "h5": "h5", "h6": "h6", "div": "div", "linkHtml": "a", "a": "a", "footnote": "small"}

// unseen are elements whose text is no text for a reader.
var unseen = map[string]bool{"script": true, "style": true, "head": true, "object": true, "iframe": true, "svg": true, "math": true,
	"template": true, "noscript": true, "title": true, "renderMultiMedia": true}

// onlyElements are elements between whose children HTML allows no text.
var onlyElements = map[string]bool{"table": true, "thead": true, "tbody": true, "tfoot": true, "tr": true, "list": true, "ul": true, "ol": true}

// HTML is a section's text as safe HTML: a few elements, no attributes but the
// spans and scope of table cells and the address of a link, everything else
// as text.
func HTML(text *Element) string {
	if text == nil {
		return ""
	}
	var b strings.Builder
	for _, c := range text.Children {
		c.html(&b)
	}
	return strings.TrimSpace(b.String())
}

func (e *Element) html(b *strings.Builder) {
	if e.Name == "" {
		if !onlyElements[e.parent.Name] {
			escape(b, blanks(e.text))
		}
		return
	}
	if unseen[e.Name] || e.Name == "caption" && e.parent.Name == "list" {
		return
	}
	if e.Name == "list" {
		// A caption has no place within a list of HTML: it goes before it.
		for _, c := range e.All("caption") {
			b.WriteString("<p><b>")
			c.inner(b)
			b.WriteString("</b></p>")
		}
	}
	name, href := e.tag()
	styles := e.styles()
	if name != "" {
		e.open(b, name, href)
		if name == "br" || name == "hr" {
			return
		}
	}
	for _, s := range styles {
		b.WriteString("<" + s + ">")
	}
	e.inner(b)
	for i := len(styles) - 1; i >= 0; i-- {
		b.WriteString("</" + styles[i] + ">")
	}
	if name != "" {
		b.WriteString("</" + name + ">")
	}
}

// tag is the HTML element that it becomes, "" for none, and, of a link, where
// it leads.
func (e *Element) tag() (name, href string) {
	name = htmlName[e.Name]
	switch {
	case e.Name == "list" && e.Attr("listType") == "ordered":
		return "ol", ""
	case e.Name == "caption" && e.parent.Name != "table":
		return "b", ""
	case name == "a":
		if href = safeLink(e.Attr("href")); href == "" {
			return "", ""
		}
	}
	return name, href
}

// open writes the start tag.
func (e *Element) open(b *strings.Builder, name, href string) {
	b.WriteString("<" + name)
	if href != "" {
		b.WriteString(` href="`)
		escape(b, href)
		b.WriteString(`" rel="noopener noreferrer"`)
	}
	if name == "td" || name == "th" {
		e.span(b, "colspan")
		e.span(b, "rowspan")
		if s := e.Attr("scope"); s == "row" || s == "col" {
			b.WriteString(` scope="` + s + `"`)
		}
	}
	b.WriteByte('>')
}

func (e *Element) inner(b *strings.Builder) {
	for _, c := range e.Children {
		c.html(b)
	}
}

// blanks is text with each run of white space as one blank.
func blanks(s string) string {
	t := collapse(s)
	if t == "" {
		return " "
	}
	if isSpace(s[0]) {
		t = " " + t
	}
	if isSpace(s[len(s)-1]) {
		t += " "
	}
	return t
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// styles are the elements that a content's styleCode stands for.
func (e *Element) styles() []string {
	if e.Name != "content" {
		return nil
	}
	var out []string
	for s := range strings.FieldsSeq(e.Attr("styleCode")) {
		switch s {
		case "Bold":
			out = append(out, "b")
		case "Italics", "Emphasis":
			out = append(out, "i")
		case "Underline":
			out = append(out, "u")
		}
	}
	return out
}

// span writes colspan or rowspan, where it is a small number.
func (e *Element) span(b *strings.Builder, name string) {
	s := e.Attr(name)
	if s == "" || len(s) > 3 || strings.Trim(s, "0123456789") != "" || s == "1" || strings.HasPrefix(s, "0") {
		return
	}
	b.WriteString(" " + name + `="` + s + `"`)
}

// safeLink is the address where it is one that a page may link to.
func safeLink(href string) string {
	lower := strings.ToLower(href)
	for _, scheme := range []string{"https://", "http://", "mailto:"} {
		if strings.HasPrefix(lower, scheme) {
			return href
		}
	}
	return ""
}

func escape(b *strings.Builder, s string) {
	last := 0
	for i := 0; i < len(s); i++ {
		rep := ""
		switch s[i] {
		case '&':
			rep = "&amp;"
		case '<':
			rep = "&lt;"
		case '>':
			rep = "&gt;"
		case '"':
			rep = "&#34;"
		case '\'':
			rep = "&#39;"
		default:
			continue
		}
		b.WriteString(s[last:i])
		b.WriteString(rep)
		last = i + 1
	}
	b.WriteString(s[last:])
}
