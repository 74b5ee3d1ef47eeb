package cda

import "strings"

// Narrative is the document as a person reads it.
type Narrative struct {
	Title       string
	Facts       []Fact       // what the header says, in its order
	Sections    []Section    // depth first
	Attachments []Attachment // the non-XML body, and media of the sections
}

// Fact is one line of the header.
type Fact struct{ Label, Value, Place string }

// Section is one section of the body.
type Section struct {
	Title string
	Level int    // 1 for the body's own sections
	HTML  string // safe: see html.go
	Code  string // of the section, with its system's OID: "10160-0"
	OID   string
	Place string
}

// Narrative gives the document as it was written. Nothing in it needs to be
// escaped or checked again: HTML holds no elements but text and tables, no
// styles, no events, and links only to http, https and mailto.
func (d *Document) Narrative() Narrative {
	n := Narrative{Title: d.Root.First("title").Text(), Facts: d.facts()}
	if n.Title == "" {
		n.Title = d.Root.First("code").Attr("displayName")
	}
	if body, ok := d.Body(); ok {
		n.Attachments = append(n.Attachments, body)
	}
	n.Attachments = append(n.Attachments, d.Media()...)
	for _, c := range d.Root.First("component", "structuredBody").All("component") {
		n.section(c.First("section"), 1)
	}
	return n
}

func (n *Narrative) section(s *Element, level int) {
	if s == nil {
		return
	}
	code := s.First("code")
	sec := Section{Title: s.First("title").Text(), Level: level, HTML: HTML(s.First("text")),
		Code: code.Attr("code"), OID: code.Attr("codeSystem"), Place: s.Place()}
	if sec.Title == "" && sec.HTML != "" {
		sec.Title = code.Attr("displayName")
	}
	inner := level
	if sec.Title != "" || sec.HTML != "" {
		n.Sections = append(n.Sections, sec)
		inner++
	}
	for _, c := range s.All("component") {
		n.section(c.First("section"), inner)
	}
}

// facts are what the header says that a reader would want above the text.
func (d *Document) facts() []Fact {
	var list []Fact
	say := func(label, value string, e *Element, attr string) {
		if value == "" || e == nil {
			return
		}
		place := e.Place()
		if attr != "" {
			place = e.AttrPlace(attr)
		}
		list = append(list, Fact{label, value, place})
	}
	r := d.Root
	say("Type", r.First("code").Attr("displayName"), r.First("code"), "displayName")
	say("Date", Day(r.First("effectiveTime").Attr("value")), r.First("effectiveTime"), "value")
	say("Version", r.First("versionNumber").Attr("value"), r.First("versionNumber"), "value")
	say("Confidentiality", r.First("confidentialityCode").Attr("displayName"), r.First("confidentialityCode"), "displayName")
	for _, t := range r.All("recordTarget") {
		p := t.First("patientRole", "patient")
		say("Patient", personName(p.First("name")), p.First("name"), "")
		say("Born", Day(p.First("birthTime").Attr("value")), p.First("birthTime"), "value")
		org := t.First("patientRole", "providerOrganization", "name")
		say("Registered with", org.Text(), org, "")
	}
	for _, a := range r.All("author") {
		who := a.First("assignedAuthor")
		say("Author", described(who, "assignedPerson", "representedOrganization"), who, "")
	}
	custodian := r.First("custodian", "assignedCustodian", "representedCustodianOrganization", "name")
	say("Kept by", custodian.Text(), custodian, "")
	for _, t := range r.All("informationRecipient") {
		who := t.First("intendedRecipient")
		say("Sent to", described(who, "informationRecipient", "receivedOrganization"), who, "")
	}
	if enc := r.First("componentOf", "encompassingEncounter"); enc != nil {
		when := enc.First("effectiveTime")
		say("Encounter", enc.First("code").Attr("displayName"), enc.First("code"), "displayName")
		say("From", Day(when.First("low").Attr("value")), when.First("low"), "value")
		say("To", Day(when.First("high").Attr("value")), when.First("high"), "value")
		place := enc.First("location", "healthCareFacility", "location", "name")
		say("Where", place.Text(), place, "")
		out := enc.First("dischargeDispositionCode")
		say("Outcome", out.Attr("displayName"), out, "displayName")
	}
	return list
}

// described is a participant in words: name, what they are, organisation.
func described(e *Element, person, organisation string) string {
	var parts []string
	for _, s := range []string{personName(e.First(person, "name")), e.First("assignedAuthoringDevice", "softwareName").Text(),
		e.First("code").Attr("displayName"), e.First(organisation, "name").Text()} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}

// personName is a name in the order in which it is spoken: prefix, given,
// family, suffix; a name without parts as it stands.
func personName(e *Element) string {
	if e == nil || len(e.Elements()) == 0 {
		return e.Text()
	}
	var parts []string
	for _, kind := range []string{"prefix", "given", "family", "suffix"} {
		for _, p := range e.All(kind) {
			if t := p.Text(); t != "" {
				parts = append(parts, t)
			}
		}
	}
	return strings.Join(parts, " ")
}

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// Day is a V3 timestamp as professionals read it, 05-Nov-2026 14:30, as
// precise as it was given; what is no timestamp comes back as it is.
func Day(ts string) string {
	digits := 0
	for digits < len(ts) && ts[digits] >= '0' && ts[digits] <= '9' {
		digits++
	}
	if digits < 4 {
		return ts
	}
	out := ts[:4]
	if digits >= 6 {
		m := int(ts[4]-'0')*10 + int(ts[5]-'0')
		if m < 1 || m > 12 {
			return ts
		}
		out = months[m*3-3:m*3] + "-" + out
	}
	if digits >= 8 {
		out = ts[6:8] + "-" + out
	}
	if digits >= 12 {
		out += " " + ts[8:10] + ":" + ts[10:12]
	}
	return out
}
