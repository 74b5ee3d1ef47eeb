package rights

import (
	"bytes"
	"html"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"selda/fhir"
)

// This file makes the copy that people read: one file of HTML that needs nothing else,
// made of the very resources that were released and of nothing more.

// writer writes HTML; text is escaped.
type writer struct{ bytes.Buffer }

func (w *writer) tag(name, text string) {
	if text != "" {
		w.WriteString("<" + name + ">" + html.EscapeString(text) + "</" + name + ">\n")
	}
}

func (w *writer) list(heading string, items []string) {
	if len(items) == 0 {
		return
	}
	w.tag("h2", heading)
	w.WriteString("<ul>\n")
	for _, i := range items {
		w.tag("li", i)
	}
	w.WriteString("</ul>\n")
}

// page is the copy for a person.
func page(entries []Entry, resources [][]byte, a About, told []string) ([]byte, error) {
	w := &writer{}
	w.WriteString("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n" +
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>A copy of your record</title>\n<style>" + a.Stylesheet + "</style></head>\n<body><main>\n")
	w.tag("h1", "A copy of your record")
	w.tag("p", a.Person)
	w.tag("p", "From "+a.Controller+", "+a.Made+".")
	for _, t := range told {
		w.tag("p", t)
	}
	w.tag("p", leftOut)
	w.list("What it is used for", a.Purposes)
	w.list("Who is given it", a.Recipients)
	w.list("Where it is from", a.Sources)
	w.list("How long it is kept", a.Retention)
	w.list("Your rights", yours)
	w.tag("h2", "What is kept about you")
	if len(entries) == 0 {
		w.tag("p", "Nothing.")
	}
	last := ""
	for i := range entries {
		e := &entries[i]
		if e.Item.Type != last {
			last = e.Item.Type
			w.tag("h3", words(last))
		}
		w.WriteString("<section>\n")
		ref := e.Item.Type + "/" + e.Item.ID
		if t := a.Titles[ref]; t != "" {
			w.tag("h4", t)
		}
		from := a.Names[string(e.Source)]
		if from == "" {
			from = string(e.Source)
		}
		w.tag("p", "From "+from+", recorded here on "+e.Recorded.Format("2 January 2006"))
		if err := w.object(resources[i], 0); err != nil {
			return nil, err
		}
		if err := w.earlier(e); err != nil {
			return nil, err
		}
		w.WriteString("</section>\n")
	}
	if len(a.Looks) > 0 {
		w.tag("h2", "Who has looked")
		w.WriteString("<table><thead><tr><th>When</th><th>Who</th><th>Where</th><th>What</th><th>Why</th></tr></thead><tbody>\n")
		for _, l := range a.Looks {
			w.WriteString("<tr>")
			for _, cell := range []string{l.When, l.Who, l.Where, l.Did, l.Why} {
				w.WriteString("<td>" + html.EscapeString(cell) + "</td>")
			}
			w.WriteString("</tr>\n")
		}
		w.WriteString("</tbody></table>\n")
	}
	w.WriteString("</main></body></html>\n")
	return w.Bytes(), nil
}

// earlier writes the versions that were replaced.
func (w *writer) earlier(e *Entry) error {
	for _, x := range e.Earlier {
		w.WriteString("<details><summary>" + html.EscapeString("As it was until "+x.Replaced.Format("2 January 2006")+", when it was replaced. Recorded here on "+x.Recorded.Format("2 January 2006")) + "</summary>\n")
		if err := w.object(x.Body, 0); err != nil {
			return err
		}
		w.WriteString("</details>\n")
	}
	if e.Older > 0 {
		w.tag("p", "There are "+strconv.Itoa(e.Older)+" older versions. Ask the organisation for them.")
	}
	return nil
}

// unread are the members that say nothing to a person.
var unread = map[string]bool{"resourceType": true, "id": true, "meta": true, "system": true, "url": true, "reference": true, "div": true, "data": true, "contentType": true, "hash": true, "size": true, "use": true}

// object writes the members of a resource as a list of words and what they are.
func (w *writer) object(v []byte, depth int) error {
	if depth > maxDepth {
		return nil
	}
	w.WriteString("<dl>\n")
	for name, x := range fhir.Members(v) {
		if unread[name] || depth == 0 && name == "text" && jsontext.Value(x).Kind() == jsontext.KindBeginObject {
			continue
		}
		if err := w.member(words(name), x, depth); err != nil {
			return err
		}
	}
	w.WriteString("</dl>\n")
	return nil
}

func (w *writer) member(name string, v []byte, depth int) error {
	switch jsontext.Value(v).Kind() {
	case jsontext.KindBeginArray:
		d := jsontext.NewDecoder(bytes.NewReader(v))
		if _, err := d.ReadToken(); err != nil {
			return err
		}
		for d.PeekKind() != jsontext.KindEndArray {
			item, err := d.ReadValue()
			if err != nil {
				return err
			}
			if err := w.member(name, bytes.Clone(item), depth+1); err != nil {
				return err
			}
		}
		return nil
	case jsontext.KindBeginObject:
		if text, ok := short(v); ok {
			w.tag("dt", name)
			w.tag("dd", text)
			return nil
		}
		w.tag("dt", name)
		w.WriteString("<dd>")
		err := w.object(v, depth+1)
		w.WriteString("</dd>\n")
		return err
	case jsontext.KindString:
		s, err := unquoted(v)
		w.tag("dt", name)
		w.tag("dd", s)
		return err
	}
	w.tag("dt", name)
	w.tag("dd", string(v))
	return nil
}

// short is a coded value or an amount in one line.
func short(v []byte) (string, bool) {
	m := map[string]string{}
	for name, x := range fhir.Members(v) {
		switch jsontext.Value(x).Kind() {
		case jsontext.KindString:
			s, err := unquoted(x)
			if err != nil {
				return "", false
			}
			m[name] = s
		case jsontext.KindNumber:
			m[name] = string(x)
		case jsontext.KindBeginArray:
			if name != "coding" {
				return "", false
			}
		default:
			return "", false
		}
	}
	switch {
	case m["text"] != "":
		return m["text"], true
	case m["value"] != "" && m["unit"] != "":
		return m["value"] + " " + m["unit"], true
	case m["display"] != "" && len(m) <= 4:
		return m["display"], true
	}
	return "", false
}

// words are a name of FHIR in words: "bodySite" is "Body site".
func words(name string) string {
	name = strings.TrimPrefix(name, "_")
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteRune(' ')
			r = unicode.ToLower(r)
		}
		if i == 0 {
			r = unicode.ToUpper(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}
