package cdatofhir

import (
	"strings"

	"selda/cda"
	"selda/ingest/mapped"
)

// mostCoded are the codes and headings of a document that are listed.
const mostCoded = 5000

// coded lists what a document's sections are headed by and coded with, whatever
// became of it in FHIR: by that it is known whether the document is sensitive.
func (m *mapping) coded() {
	for _, c := range m.root.First("component", "structuredBody").All("component") {
		m.codedIn(c.First("section"))
	}
}

func (m *mapping) codedIn(e *cda.Element) {
	if e == nil || len(m.msg.Coded) >= mostCoded {
		return
	}
	if code := e.Attr("code"); code != "" && e.Null() == "" {
		m.msg.Coded = append(m.msg.Coded, mapped.Code{System: system(e.Attr("codeSystem")), Code: code, Display: e.Attr("displayName")})
	}
	if title := e.First("title").Text(); title != "" && says(e.First("text").Text()) {
		m.msg.Coded = append(m.msg.Coded, mapped.Code{Display: title})
	}
	for _, child := range e.Elements() {
		m.codedIn(child)
	}
}

// nothing is what stands below a heading that a form always has.
var nothing = map[string]bool{"": true, "none": true, "nil": true, "no": true, "n/a": true, "na": true, "not applicable": true, "not known": true, "none known": true,
	"none recorded": true, "not recorded": true, "no concerns": true, "no information": true, "-": true}

func says(text string) bool {
	return !nothing[strings.ToLower(strings.Trim(strings.Join(strings.Fields(text), " "), " ."))]
}
