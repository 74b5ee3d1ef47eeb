package v2tofhir

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/mapped"
	"selda/nhs"
)

// documentEffects are what an MDM event does. Those without content leave what
// is there.
var documentEffects = map[string]int{"T01": mapped.Patch, "T02": mapped.Put, "T03": mapped.Patch, "T04": mapped.Put, "T05": mapped.Patch,
	"T06": mapped.Put, "T07": mapped.Patch, "T08": mapped.Put, "T09": mapped.Patch, "T10": mapped.Put, "T11": mapped.Remove}

// docStatus is TXA-17, HL7 table 0271.
var docStatus = map[string]string{"AU": "final", "LA": "final", "DI": "preliminary", "DO": "preliminary", "IP": "preliminary",
	"IN": "preliminary", "PA": "preliminary"}

// documentTypes are the words of HL7 table 0270.
var documentTypes = map[string]string{"AR": "Autopsy report", "CD": "Cardiodiagnostics", "CN": "Consultation", "DI": "Diagnostic imaging",
	"DS": "Discharge summary", "ED": "Emergency department report", "HP": "History and physical examination", "OP": "Operative report",
	"PC": "Psychiatric consultation", "PH": "Psychiatric history and physical examination", "PN": "Procedure note", "PR": "Progress note",
	"SP": "Surgical pathology", "TS": "Transfer summary"}

// document opens the document of a TXA. The OBX segments after it are its
// content.
func (w *mapper) document(s hl7v2.Segment) {
	w.closeReport()
	w.last = nil
	if w.typ != "MDM" {
		w.unmapped(s, reasonNoPlace)
		return
	}
	it := w.start("DocumentReference", "subject", s)
	it.key, it.action = w.uniqueKey("DocumentReference", w.own(entity(s.Field(12)))), documentEffects[w.trigger]
	it.encloses = it.action != mapped.Patch // one without its content leaves what is there
	it.o["status"] = "current"
	switch availability := strings.ToUpper(token(s.Comp(19, 1).Text())); {
	case w.trigger == "T11" || availability == "CA":
		it.o["status"], it.action = "entered-in-error", mapped.Remove
		it.encloses = true
		if w.trigger == "T11" {
			it.from("status", w.eventCode())
		} else {
			it.from("status", s.Comp(19, 1))
		}
	case availability == "OB":
		it.o["status"] = "superseded"
		it.from("status", s.Comp(19, 1))
	}
	it.set(it.o, "", "docStatus", docStatus[strings.ToUpper(token(s.Comp(17, 1).Text()))], s.Comp(17, 1))
	if v := s.Field(12).Comp(1).Sub(1); v.Exists() {
		id := fhir.Object{"system": mapped.LocalSystem(w.source, "document")}
		it.put(id, "masterIdentifier", "value", v)
		it.object("masterIdentifier", id)
	}
	kind := w.conceptIn(it, "type", s.Field(2), hl7+"v2-0270")
	if list, _ := kind["coding"].([]fhir.Object); len(list) > 0 && list[0]["display"] == nil && list[0]["system"] == hl7+"v2-0270" {
		list[0]["display"] = documentTypes[strings.ToUpper(list[0]["code"].(string))]
	}
	it.object("type", kind)
	it.put(it.o, "", "description", s.Comp(25, 1))
	w.documentDates(it, s.Comp(6, 1), s.Comp(4, 1))
	var authors []fhir.Object
	for _, n := range []int{9, 5} {
		authors = each("author", s.Field(n), authors, func(p string, v hl7v2.Value) fhir.Object { return w.person(it, p, v) })
		if len(authors) > 0 {
			break
		}
	}
	it.list("author", authors...)
	if v := s.Field(22).Rep(1); v.Exists() {
		it.object("authenticator", w.person(it, "authenticator", v))
	}
	it.o["custodian"] = w.custodian()
	it.states(confidentiality(s.Field(18)))
	it.states(w.order.label)
	w.parentDocument(it, s)
	w.last = it
	w.documentText(it, s)
	w.add(it)
}

func (w *mapper) custodian() fhir.Object {
	return fhir.Object{"type": "Organization", "identifier": fhir.Object{"system": nhs.ODSSystem, "value": string(w.org)}}
}

// documentDates: date is an instant; a time that has no hour is the period's.
func (w *mapper) documentDates(it *item, dates ...hl7v2.Value) {
	ctx := fhir.Object{}
	for _, v := range dates {
		if t, ok := hl7v2.Instant(v.Text()); ok {
			it.set(it.o, "", "date", t, v)
			break
		}
		if t, ok := hl7v2.DateTime(v.Text()); ok {
			p := fhir.Object{}
			it.set(p, "context.period", "start", t, v)
			ctx["period"] = p
			break
		}
	}
	if e := w.encounterRef(); e != nil {
		ctx["encounter"] = []fhir.Object{e}
	}
	it.object("context", ctx)
}

// parentDocument is TXA-13: what an addendum adds to, and a replacement
// replaces. What is replaced is void from then on (G24).
func (w *mapper) parentDocument(it *item, s hl7v2.Segment) {
	parent := plainKey(w.own(entity(s.Field(13))))
	if parent == "" || parent == it.key {
		return
	}
	code := ""
	switch w.trigger {
	case "T05", "T06":
		code = "appends"
	case "T09", "T10":
		code = "replaces"
	default:
		return
	}
	it.list("relatesTo", fhir.Object{"code": code, "target": fhir.Ref(mapped.Ref("DocumentReference", parent))})
	it.from("relatesTo[0].target", s.Field(13).Comp(1))
	if code == "replaces" && w.keys["DocumentReference "+parent] == 0 {
		w.uniqueKey("DocumentReference", parent)
		old := w.start("DocumentReference", "", s)
		old.key, old.action, old.encloses, old.patient = parent, mapped.Patch, true, mapped.Shared
		old.o["status"] = "superseded"
		old.from("status", w.eventCode())
		w.add(old)
	}
}

// documentText collects the text lines of the document's OBX segments; other
// parts are added by documentPart as the walk comes to them.
func (w *mapper) documentText(it *item, txa hl7v2.Segment) {
	var text strings.Builder
	n := len(attachments(it))
	for i := txa.Index() + 1; i < w.m.Len(); i++ {
		s := w.m.Segment(i)
		if name := s.Name(); name == "TXA" || name == "PID" {
			break
		} else if name != "OBX" {
			continue
		}
		switch strings.ToUpper(token(s.Comp(2, 1).Text())) {
		case "TX", "FT", "ST":
		case "":
			if isDocument(s.Field(5)) {
				continue
			}
		default:
			continue
		}
		if it.o["description"] == nil && words(s.Field(3)) != "" {
			it.o["description"] = words(s.Field(3))
			it.from("description", s.Field(3))
		}
		for r := range s.Field(5).Reps() {
			if text.Len() > 0 {
				text.WriteByte('\n')
			}
			text.WriteString(strings.TrimRight(scrub(r.Text()), " \t\n"))
			it.from(index("content", n)+".attachment.data", r)
		}
	}
	if strings.TrimSpace(text.String()) == "" {
		return
	}
	it.attach(fhir.Object{"contentType": "text/plain; charset=utf-8", "data": base64.StdEncoding.EncodeToString([]byte(text.String()))})
}

func attachments(it *item) []fhir.Object {
	list, _ := it.o["content"].([]fhir.Object)
	return list
}

func (it *item) attach(a fhir.Object) {
	it.o["content"] = append(attachments(it), fhir.Object{"attachment": a})
}

// documentPart takes an OBX under a TXA: text is there already, a document is
// attached; false of any other value, which is an observation.
func (w *mapper) documentPart(s hl7v2.Segment, kind string) bool {
	switch kind {
	case "TX", "FT", "ST", "":
		return true
	case "ED", "RP":
		if a := w.attachment(w.last, index("content", len(attachments(w.last)))+".attachment", s, kind); a != nil {
			w.last.attach(a)
			w.add(w.last)
		}
		return true
	}
	return false
}

// embedded is a document within a report: a DocumentReference of its own.
func (w *mapper) embedded(s hl7v2.Segment, kind string) {
	it := w.start("DocumentReference", "subject", s)
	r := w.report
	obr := hl7v2.Segment{}
	key := ""
	if r != nil {
		obr, key = r.obr, r.key
		it.states(r.label)
	} else {
		key = w.encounter
	}
	if key != "" {
		key = w.uniqueKey("DocumentReference", key+"/"+codeOf(s.Field(3))+"/"+token(s.Field(4).Text()))
	}
	it.key = key
	it.label(flagged(s.Field(13)))
	it.o["status"] = "current"
	switch status := strings.ToUpper(token(s.Comp(11, 1).Text())); {
	case status == "D" || status == "W" || status == "X" || r != nil && r.it.o["status"] == "cancelled":
		it.o["status"], it.action = "entered-in-error", mapped.Remove
	case status == "P" || status == "R" || status == "S" || status == "I":
		it.set(it.o, "", "docStatus", "preliminary", s.Comp(11, 1))
	case status == "F":
		it.set(it.o, "", "docStatus", "final", s.Comp(11, 1))
	case status == "C":
		it.set(it.o, "", "docStatus", "amended", s.Comp(11, 1))
	}
	name := obr.Field(4)
	if !name.Exists() {
		name = s.Field(3)
	}
	w.coded(it, "type", name)
	if t := words(s.Field(3)); t != "" {
		it.set(it.o, "", "description", t, s.Field(3))
	}
	w.documentDates(it, s.Comp(14, 1), obr.Comp(22, 1), obr.Comp(7, 1), w.m.First("MSH").Comp(7, 1))
	if r != nil {
		w.ofReport(it, r)
	}
	if who := w.person(it, "author[0]", s.Field(16).Rep(1)); who != nil {
		it.list("author", who)
	} else if who := w.person(it, "author[0]", obr.Field(16).Rep(1)); who != nil {
		it.list("author", who)
	}
	it.o["custodian"] = w.custodian()
	if a := w.attachment(it, "content[0].attachment", s, kind); a != nil {
		it.attach(a)
	}
	if r != nil {
		r.docs++
	}
	w.add(it)
	w.last = nil
}

// ofReport names the report that a document was embedded in by its number: one
// that is cancelled takes the document along.
func (w *mapper) ofReport(it *item, r *report) {
	ids, _ := r.it.o["identifier"].([]fhir.Object)
	if len(ids) == 0 {
		return
	}
	ctx, _ := it.o["context"].(fhir.Object)
	if ctx == nil {
		ctx = fhir.Object{}
	}
	ctx["related"] = []fhir.Object{{"type": "DiagnosticReport", "identifier": ids[0]}}
	it.object("context", ctx)
}

// attachment is an ED, or an RP that only points to its content. nil where
// there is neither.
func (w *mapper) attachment(it *item, path string, s hl7v2.Segment, kind string) fhir.Object {
	v := s.Field(5).Rep(1)
	a := fhir.Object{"contentType": contentType(token(v.Comp(2).Text()), token(v.Comp(3).Text()))}
	if kind == "RP" {
		a["contentType"] = contentType(token(v.Comp(3).Text()), token(v.Comp(4).Text()))
		if !it.put(a, path, "url", v.Comp(1)) {
			return nil
		}
		return a
	}
	data := v.Comp(5)
	if !data.Exists() {
		w.unmapped(s, "an embedded document without content")
		return a
	}
	encoded, ok := toBase64(data.Text(), token(v.Comp(4).Text()), a["contentType"].(string))
	if !ok {
		w.unmapped(s, "an embedded document that is not what its encoding says")
		return a
	}
	it.set(a, path, "data", encoded, data)
	return a
}

// toBase64 gives an ED's data as base64, from base64, hexadecimal digits or
// text. Where no encoding is named, text of a textual type is text.
func toBase64(s, encoding, mime string) (string, bool) {
	switch encoding = strings.ToUpper(encoding); encoding {
	case "A", "ASCII", "NONE", "":
		if encoding != "" || strings.HasPrefix(mime, "text/") || strings.HasPrefix(s, `{\rtf`) {
			return base64.StdEncoding.EncodeToString([]byte(s)), true
		}
	case "HEX", "HEXADECIMAL":
		b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
		return base64.StdEncoding.EncodeToString(b), err == nil
	}
	if strings.ContainsAny(s, " \t\r\n") {
		s = strings.Join(strings.Fields(s), "")
	}
	bare := strings.TrimRight(s, "=")
	if b, err := base64.RawStdEncoding.DecodeString(bare); err != nil || len(b) == 0 {
		return "", false
	}
	for len(bare)%4 != 0 {
		bare += "="
	}
	return bare, true
}

// contentTypes are MIME types by what senders write as ED's subtype.
var contentTypes = map[string]string{"pdf": "application/pdf", "rtf": "application/rtf", "jpeg": "image/jpeg", "jpg": "image/jpeg",
	"png": "image/png", "gif": "image/gif", "tiff": "image/tiff", "tif": "image/tiff", "html": "text/html", "htm": "text/html", "xml": "text/xml",
	"txt": "text/plain", "text": "text/plain", "plain": "text/plain", "doc": "application/msword", "msword": "application/msword",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "cda": "text/xml", "x-hl7-cda-level-one": "text/xml",
	"basic": "audio/basic", "dicom": "application/dicom", "zip": "application/zip"}

func contentType(typ, sub string) string {
	typ, sub = strings.ToLower(typ), strings.ToLower(sub)
	if strings.Contains(typ, "/") {
		return typ
	}
	if strings.Contains(sub, "/") {
		return sub
	}
	if c := contentTypes[sub]; c != "" {
		return c
	}
	if c := contentTypes[typ]; c != "" {
		return c
	}
	return "application/octet-stream"
}
