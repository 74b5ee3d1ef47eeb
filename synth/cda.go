package synth

import (
	"strconv"
	"strings"
	"time"

	"selda/nhs"
)

// CDA R2 documents with the headers of the NHS Interoperability Toolkit
// (message type, contentId and templateId of its templates) and coded entries
// by the Consolidated CDA templates where a section has them.

const (
	oidNHSNumber = "2.16.840.1.113883.2.1.4.1"
	oidODS       = "2.16.840.1.113883.2.1.3.2.4.19.1"
	oidSNOMED    = "2.16.840.1.113883.6.96"
	oidSNOMEDUK  = "2.16.840.1.113883.2.1.3.2.4.15"
	oidLOINC     = "2.16.840.1.113883.6.1"
	oidLocal     = "2.16.840.1.113883.2.1.3.2.4.18.24"
	oidContent   = "2.16.840.1.113883.2.1.3.2.4.18.16"
	oidTemplate  = "2.16.840.1.113883.2.1.3.2.4.18.2"
)

// xmlDoc is a document under construction.
type xmlDoc struct{ strings.Builder }

var xmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\n", "&#10;")

// open writes a start tag; attributes come as name, value pairs and those
// without a value are left out.
func (x *xmlDoc) open(name string, attrs ...string) { x.tag(name, ">", attrs) }

// empty writes an element without content.
func (x *xmlDoc) empty(name string, attrs ...string) { x.tag(name, "/>", attrs) }

func (x *xmlDoc) tag(name, end string, attrs []string) {
	x.WriteByte('<')
	x.WriteString(name)
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] == "" {
			continue
		}
		x.WriteString(" " + attrs[i] + `="`)
		x.WriteString(xmlEscapes.Replace(attrs[i+1]))
		x.WriteByte('"')
	}
	x.WriteString(end)
}

func (x *xmlDoc) shut(name string) { x.WriteString("</" + name + ">") }

// text writes an element with text.
func (x *xmlDoc) text(name, s string, attrs ...string) {
	x.open(name, attrs...)
	x.WriteString(xmlEscapes.Replace(s))
	x.shut(name)
}

// template writes the Toolkit's contentId and templateId of an element.
func (x *xmlDoc) template(id string) {
	x.empty("templateId", "root", oidTemplate, "extension", id)
}

func (x *xmlDoc) content(id string) {
	x.empty("npfitlc:contentId", "root", oidContent, "extension", id)
}

// clinicalDocument is what a document's header needs.
type clinicalDocument struct {
	messageType, id, code, title string
	made                         time.Time
	x                            *identity
	author                       who
	role                         string
	visit                        *visit
	visitCode, visitTerm         string
	outcome, outcomeTerm         string
}

// uuid makes a document id that is the same each time, from the citizen and a
// count.
func (s *story) uuid(kind int) string {
	s.control++
	h := uint64(s.p.index+1)*0x9E3779B97F4A7C15 ^ uint64(s.control)*0xBF58476D1CE4E5B9 ^ uint64(kind)<<56 ^ s.r.seed*0x94D049BB133111EB
	h ^= h >> 31
	g := h*0xD6E8FEB86659FD93 ^ 0x5DEECE66D
	hex := strings.ToUpper(strconv.FormatUint(h|1<<63, 16) + strconv.FormatUint(g|1<<63, 16))
	return hex[:8] + "-" + hex[8:12] + "-4" + hex[13:16] + "-" + "A" + hex[17:20] + "-" + hex[20:32]
}

// header writes everything before the body.
func (s *story) header(x *xmlDoc, d clinicalDocument) {
	x.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	x.WriteString(`<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:npfitlc="NPFIT:HL7:Localisation" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" classCode="DOCCLIN" moodCode="EVN">`)
	x.empty("typeId", "root", "2.16.840.1.113883.1.3", "extension", "POCD_HD000040")
	x.empty("npfitlc:messageType", "root", "2.16.840.1.113883.2.1.3.2.4.18.17", "extension", d.messageType)
	x.empty("id", "root", d.id)
	x.empty("code", "code", d.code, "codeSystem", oidSNOMEDUK, "displayName", d.title)
	x.text("title", d.title)
	x.empty("effectiveTime", "value", cdaTime(d.made))
	x.empty("confidentialityCode", "code", "N", "codeSystem", "2.16.840.1.113883.5.25", "displayName", "normal")
	x.empty("languageCode", "code", "en-GB")
	x.empty("setId", "root", d.id)
	x.empty("versionNumber", "value", "1")
	y := d.x.current(d.made).as(d.made)
	s.recordTarget(x, &y)
	x.open("author", "typeCode", "AUT", "contextControlCode", "OP")
	x.content("COCD_TP145200GB01#AssignedAuthor")
	x.empty("time", "value", cdaTime(d.made))
	x.open("assignedAuthor", "classCode", "ASSIGNED")
	x.template("COCD_TP145200GB01#AssignedAuthor")
	x.empty("id", "root", oidLocal, "extension", d.author.code)
	x.empty("code", "code", "NR0050", "codeSystem", "2.16.840.1.113883.2.1.3.2.4.17.196", "displayName", d.role)
	x.open("assignedPerson", "classCode", "PSN", "determinerCode", "INSTANCE")
	x.template("COCD_TP145200GB01#assignedPerson")
	x.person(d.author.title, d.author.given, d.author.family)
	x.shut("assignedPerson")
	x.organisation("representedOrganization", "COCD_TP145200GB01#representedOrganization", d.x.org)
	x.shut("assignedAuthor")
	x.shut("author")
	x.open("custodian", "typeCode", "CST")
	x.content("COCD_TP145018UK03#AssignedCustodian")
	x.open("assignedCustodian", "classCode", "ASSIGNED")
	x.template("COCD_TP145018UK03#AssignedCustodian")
	x.organisation("representedCustodianOrganization", "COCD_TP145018UK03#representedCustodianOrganization", d.x.org)
	x.shut("assignedCustodian")
	x.shut("custodian")
	x.open("informationRecipient", "typeCode", "PRCP")
	x.content("COCD_TP145203GB03#IntendedRecipient")
	x.open("intendedRecipient", "classCode", "ASSIGNED")
	x.template("COCD_TP145203GB03#IntendedRecipient")
	x.organisation("receivedOrganization", "COCD_TP145203GB03#representedOrganization", s.p.practice)
	x.shut("intendedRecipient")
	x.shut("informationRecipient")
	s.encompassing(x, d)
}

func (x *xmlDoc) person(title, given, family string) {
	x.open("name")
	if title != "" {
		x.text("prefix", title)
	}
	x.text("given", given)
	x.text("family", family)
	x.shut("name")
}

func (x *xmlDoc) organisation(element, template string, o *Organisation) {
	x.open(element, "classCode", "ORG", "determinerCode", "INSTANCE")
	x.template(template)
	x.empty("id", "root", oidODS, "extension", string(o.Code))
	x.text("name", o.Name)
	x.shut(element)
}

// recordTarget is the person as the organisation has them.
func (s *story) recordTarget(x *xmlDoc, who *identity) {
	p := s.p
	x.open("recordTarget", "typeCode", "RCT", "contextControlCode", "OP")
	x.content("COCD_TP145201GB01#PatientRole")
	x.open("patientRole", "classCode", "PAT")
	x.template("COCD_TP145201GB01#PatientRole")
	if who.nhs != "" {
		x.empty("id", "root", oidNHSNumber, "extension", who.nhs)
	}
	x.empty("id", "root", oidLocal, "extension", who.number, "assigningAuthorityName", string(who.org.Code)+":"+who.org.Name)
	x.open("addr", "use", "H")
	x.text("streetAddressLine", p.home.line)
	x.text("streetAddressLine", "London")
	x.text("postalCode", p.home.postcode)
	x.shut("addr")
	x.empty("telecom", "value", "tel:"+p.mobile, "use", "MC")
	x.open("patient", "classCode", "PSN", "determinerCode", "INSTANCE")
	x.template("COCD_TP145201GB01#patientPatient")
	x.person(p.title, who.given, who.family)
	code, words := "2", "Female"
	if who.sex == 'M' {
		code, words = "1", "Male"
	}
	x.empty("administrativeGenderCode", "code", code, "codeSystem", "2.16.840.1.113883.2.1.3.2.4.16.25", "displayName", words)
	x.empty("birthTime", "value", hl7Date(who.born))
	if p.language != "" {
		x.open("languageCommunication")
		x.template("COCD_TP145201GB01#languageCommunication")
		x.empty("languageCode", "code", p.language)
		x.empty("preferenceInd", "value", "true")
		x.shut("languageCommunication")
	}
	x.shut("patient")
	x.open("providerOrganization", "classCode", "ORG", "determinerCode", "INSTANCE")
	x.template("COCD_TP145201GB01#providerOrganization")
	x.empty("id", "root", oidODS, "extension", string(p.practice.Code))
	x.text("name", p.practice.Name)
	x.empty("standardIndustryClassCode", "code", "001", "codeSystem", "2.16.840.1.113883.2.1.3.2.4.17.289", "displayName", "GP Practice")
	x.shut("providerOrganization")
	x.shut("patientRole")
	x.shut("recordTarget")
}

func (s *story) encompassing(x *xmlDoc, d clinicalDocument) {
	x.open("componentOf", "typeCode", "COMP")
	x.content("COCD_TP146232GB01#EncompassingEncounter")
	x.open("encompassingEncounter", "classCode", "ENC", "moodCode", "EVN")
	x.template("COCD_TP146232GB01#EncompassingEncounter")
	x.empty("id", "root", oidLocal, "extension", d.visit.number)
	x.empty("code", "code", d.visitCode, "codeSystem", oidSNOMEDUK, "displayName", d.visitTerm)
	x.open("effectiveTime")
	x.empty("low", "value", cdaTime(d.visit.from))
	x.empty("high", "value", cdaTime(d.visit.to))
	x.shut("effectiveTime")
	if d.outcome != "" {
		x.empty("dischargeDispositionCode", "code", d.outcome, "codeSystem", "2.16.840.1.113883.2.1.3.2.4.17.325", "displayName", d.outcomeTerm)
	}
	if d.visit.where != nil {
		x.open("location", "typeCode", "LOC")
		x.template("COCD_TP146232GB01#location")
		x.open("healthCareFacility", "classCode", "SDLOC")
		x.empty("id", "root", oidODS, "extension", d.visit.where.code)
		x.open("location", "classCode", "PLC", "determinerCode", "INSTANCE")
		x.text("name", d.visit.where.name+", "+d.visit.ward)
		x.shut("location")
		x.shut("healthCareFacility")
		x.shut("location")
	}
	x.shut("encompassingEncounter")
	x.shut("componentOf")
}

// section writes a section's frame: its templates, code, title and narrative
// as a list; entries are written by more.
func (x *xmlDoc) section(template, loinc, title string, lines []string, more func()) {
	x.open("component", "typeCode", "COMP", "contextConductionInd", "true")
	x.open("section", "classCode", "DOCSECT", "moodCode", "EVN")
	if template != "" {
		x.empty("templateId", "root", template)
	}
	x.template("COCD_TP146246GB01#Section1")
	if loinc != "" {
		x.empty("code", "code", loinc, "codeSystem", oidLOINC, "displayName", title)
	}
	x.text("title", title)
	x.open("text")
	if len(lines) == 1 {
		x.text("paragraph", lines[0])
	} else {
		x.open("list")
		for _, l := range lines {
			x.text("item", l)
		}
		x.shut("list")
	}
	x.shut("text")
	if more != nil {
		more()
	}
	x.shut("section")
	x.shut("component")
}

// body writes the structured body and closes the document.
func (x *xmlDoc) body(sections func()) {
	x.open("component", "typeCode", "COMP", "contextConductionInd", "true")
	x.open("structuredBody", "classCode", "DOCBODY", "moodCode", "EVN")
	sections()
	x.shut("structuredBody")
	x.shut("component")
	x.shut("ClinicalDocument")
}

// deliver sends a finished document.
func (s *story) deliver(src nhs.Source, who *identity, made time.Time, x *xmlDoc) {
	s.speaks(src, who, made)
	s.send(src, "cda", made, []byte(x.String()))
}
