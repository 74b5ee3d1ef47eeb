package fhir

import (
	"encoding/xml"
	"io"
	"strings"
	"sync"
)

// narrativeTable is what XHTML a narrative may have: the attributes of each
// element, beside those that every element may have.
// https://hl7.org/fhir/R4/narrative.html#xhtml
var narrativeTable = sync.OnceValue(func() map[string]map[string]bool {
	const (
		cell  = "abbr axis headers scope rowspan colspan char charoff valign nowrap width height bgcolor"
		row   = "char charoff valign bgcolor"
		col   = "span width char charoff valign"
		every = "title style class id lang dir accesskey tabindex align xmlns space"
	)
	own := map[string]string{"a": "href name rel rev type charset hreflang shape coords target", "area": "shape coords href nohref alt",
		"bdo": "dir", "br": "clear", "hr": "size width noshade", "li": "value type", "map": "name", "ol": "type start compact",
		"img": "src alt height width border longdesc usemap ismap hspace vspace name", "ul": "type compact", "pre": "width",
		"q": "cite", "blockquote": "cite", "td": cell, "th": cell, "tr": row, "thead": row, "tbody": row, "tfoot": row,
		"col": col, "colgroup": col, "table": "border cellpadding cellspacing width summary frame rules bgcolor"}
	table := map[string]map[string]bool{}
	for element := range words(`a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt
		em h1 h2 h3 h4 h5 h6 hr i img kbd li map ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var`) {
		table[element] = words(every + " " + own[element])
	}
	return table
})

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// NarrativeFault says what is wrong with a narrative's div, "" where nothing is:
// it is well-formed, in XHTML's namespace, holds only the elements and attributes
// that a narrative may have, and says something.
// https://hl7.org/fhir/R4/narrative.html#Narrative
func NarrativeFault(div string) string {
	if plainNarrative(div) {
		return ""
	}
	return narrativeFault(div, false)
}

// NarrativeDanger says why nobody should take a narrative, "" where they may: it
// is not one well-formed div, so that it can't be given as XML, or it could do
// something in a reader's browser. What is only untidy is let pass: a namespace
// that was forgotten, a harmless attribute, a div that says nothing.
// https://hl7.org/fhir/R4/security.html#narrative
func NarrativeDanger(div string) string {
	if plainNarrative(div) && !mayRun(div) {
		return ""
	}
	return narrativeFault(div, true)
}

// narrativeFault reads a div as XML; lenient passes over what does no harm.
func narrativeFault(div string, lenient bool) string {
	dec := xml.NewDecoder(strings.NewReader(div))
	dec.Entity = xml.HTMLEntity
	depth, says := 0, false
	for first := true; ; {
		t, err := dec.Token()
		if err == io.EOF && depth == 0 && !first {
			break
		}
		if err != nil {
			return "it is not well-formed XHTML"
		}
		switch t := t.(type) {
		case xml.StartElement:
			if fault := narrativeTag(&t, first, lenient); fault != "" {
				return fault
			}
			if first, depth = false, depth+1; depth > MaxDepth {
				return "it is nested deeper than 64 levels"
			}
			says = says || t.Name.Local == "img"
		case xml.EndElement:
			depth--
		case xml.CharData:
			text := strings.TrimSpace(string(t)) != ""
			if text && depth == 0 {
				return "there is text outside its div"
			}
			says = says || text
		case xml.Directive, xml.ProcInst:
			return "it has more than elements, text and comments"
		}
	}
	if !says && !lenient {
		return "it says nothing"
	}
	return ""
}

func narrativeTag(t *xml.StartElement, first, lenient bool) string {
	switch {
	case t.Name.Space != xhtmlNamespace && !(lenient && t.Name.Space == ""):
		return "an element is not in the namespace of XHTML"
	case first && t.Name.Local != "div":
		return "it is not a div"
	case narrativeTable()[t.Name.Local] == nil:
		return "it has an element that a narrative may not have"
	}
	for _, a := range t.Attr {
		if lenient {
			if active(a) {
				return "it has an attribute that could run a program"
			}
			continue
		}
		if a.Name.Space != "" && a.Name.Space != "xmlns" && a.Name.Space != "xml" && !strings.HasSuffix(a.Name.Space, "/namespace") ||
			a.Name.Space != "xmlns" && !narrativeTable()[t.Name.Local][a.Name.Local] {
			return "it has an attribute that a narrative may not have"
		}
	}
	return ""
}

// active says whether an attribute could make a browser do something: a handler of
// events, or a link to a program.
func active(a xml.Attr) bool {
	if len(a.Name.Local) > 2 && strings.EqualFold(a.Name.Local[:2], "on") {
		return true
	}
	link := strings.Map(func(r rune) rune { // as browsers read it
		if r <= ' ' {
			return -1
		}
		return r
	}, strings.ToLower(a.Value))
	for _, scheme := range []string{"javascript:", "vbscript:", "data:text/html"} {
		if strings.HasPrefix(link, scheme) {
			return true
		}
	}
	return false
}

// mayRun says whether a div that is written plainly has what the link to a program
// could begin with, however it is written: then it is read as XML, to see what the
// link is.
func mayRun(div string) bool {
	links := false
	for _, name := range []string{"href=", "src=", "cite=", "longdesc="} {
		links = links || strings.Contains(div, name)
	}
	if !links {
		return false
	}
	flat := strings.ToLower(strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(div))
	for _, s := range []string{"script:", "data:", "&#", "&tab;", "&newline;", "&colon;"} {
		if strings.Contains(flat, s) {
			return true
		}
	}
	return false
}
