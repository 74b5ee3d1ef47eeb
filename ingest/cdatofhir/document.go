package cdatofhir

import (
	"crypto/sha1" //nolint:gosec // FHIR's Attachment.hash is SHA-1; it protects nothing here
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"selda/cda"
	"selda/fhir"
	"selda/ingest/mapped"
)

// document is the ClinicalDocument as a DocumentReference. What it replaces is
// taken back, unless it is an earlier version of the same set, which this one
// follows under the same key.
func (m *mapping) document() {
	d := m.root
	r := m.resource("DocumentReference", d)
	r.body["status"] = "current"
	if d.First("legalAuthenticator") != nil {
		r.body["docStatus"] = "final"
		r.from("docStatus", d.First("legalAuthenticator").Place())
	}
	r.set("masterIdentifier", r.identifier("masterIdentifier", d.First("id")))
	if set := r.identifier("identifier[0]", d.First("setId")); set != nil {
		r.body["identifier"] = []fhir.Object{set}
	}
	version, _ := strconv.Atoi(d.First("versionNumber").Attr("value"))
	if version > 0 {
		r.body["extension"] = []fhir.Object{{"url": mapped.DocumentVersion, "valueString": strconv.Itoa(version)}}
		r.from("extension[0].valueString", d.First("versionNumber").AttrPlace("value"))
	}
	r.set("type", r.concept("type", d.First("code")))
	if c := r.coding("securityLabel[0].coding[0]", d.First("confidentialityCode")); c != nil {
		r.body["securityLabel"] = []fhir.Object{fhir.Concept("", c)}
	}
	made := d.First("effectiveTime")
	if t := dateTime(made.Attr("value")); len(t) > len("2006-01-02") {
		r.body["date"] = t // an instant: a day alone is no such thing
		r.from("date", made.AttrPlace("value"))
	}
	var authors []fhir.Object
	for _, a := range d.All("author") {
		if o := r.actor("author["+strconv.Itoa(len(authors))+"]", a.First("assignedAuthor")); o != nil {
			authors = append(authors, o)
		}
	}
	r.body["author"] = authors
	r.set("custodian", r.organisation("custodian", d.First("custodian", "assignedCustodian", "representedCustodianOrganization")))
	r.set("authenticator", r.actor("authenticator", d.First("legalAuthenticator", "assignedEntity")))
	if title := d.First("title"); title.Text() != "" {
		r.body["description"] = title.Text()
		r.from("description", title.Place())
	}
	r.set("context", r.context())
	r.content(made)
	replaced, follows := r.relations()
	r.putAs(m.key)
	own := &m.msg.Resources[len(m.msg.Resources)-1]
	own.Encloses, own.Replaces = true, follows || version > 1
	for _, key := range replaced { // of whomever it was: it may have been the wrong patient's
		m.msg.Resources = append(m.msg.Resources, mapped.Resource{Type: "DocumentReference", Key: key, Patient: mapped.Shared, Action: mapped.Remove,
			Place: d.First("relatedDocument").Place(), Encloses: true})
	}
}

// content names the document itself, and, where the body is not XML, the file
// that it holds.
func (r *resource) content(made *cda.Element) {
	d := r.m.root
	title := d.First("title").Text()
	if title == "" {
		title = d.First("code").Attr("displayName")
	}
	list := []fhir.Object{{"attachment": attachment("text/xml", title, r.m.doc.XML()),
		"format": fhir.Coding("urn:oid:2.16.840.1.113883.1.3", "POCD_HD000040", "HL7 CDA R2")}}
	r.from("content[0].attachment", cda.Root)
	if t := dateTime(made.Attr("value")); t != "" {
		list[0]["attachment"].(fhir.Object)["creation"] = t
		r.from("content[0].attachment.creation", made.AttrPlace("value"))
	}
	if body, ok := r.m.doc.Body(); ok {
		a := attachment(body.ContentType, title, body.Data)
		a["url"] = body.URL
		if body.Data == nil {
			delete(a, "size")
			delete(a, "hash")
		}
		list = append(list, fhir.Object{"attachment": a})
		r.from("content[1].attachment", body.Place)
	}
	r.body["content"] = list
}

func attachment(contentType, title string, data []byte) fhir.Object {
	sum := sha1.Sum(data) //nolint:gosec // see the import
	return fhir.Object{"contentType": contentType, "title": title, "size": len(data), "hash": base64.StdEncoding.EncodeToString(sum[:])}
}

// context is what care the document tells of.
func (r *resource) context() fhir.Object {
	d := r.m.root
	o := fhir.Object{}
	if r.m.visit != "" {
		o["encounter"] = []fhir.Object{mapped.Reference("Encounter", r.m.visit, "")}
		r.from("context.encounter[0].reference", d.First("componentOf", "encompassingEncounter").Place())
	}
	event := d.First("documentationOf", "serviceEvent")
	if c := r.concept("context.event[0]", event.First("code")); c != nil {
		o["event"] = []fhir.Object{c}
	}
	if p := r.period("context.period", event.First("effectiveTime")); p != nil {
		o["period"] = p
	}
	facility := d.First("componentOf", "encompassingEncounter", "location", "healthCareFacility", "code")
	if c := r.concept("context.facilityType", facility); c != nil {
		o["facilityType"] = c
	}
	// To whom it was sent: an objection does not hide it from them.
	var to []fhir.Object
	for _, x := range d.All("informationRecipient") {
		if o := r.organisation("context.related["+itoa(len(to))+"]", x.First("intendedRecipient", "receivedOrganization")); o != nil {
			o["type"] = "Organization"
			to = append(to, o)
		}
	}
	if len(to) > 0 {
		o["related"] = to
	}
	return o
}

var relation = map[string]string{"RPLC": "replaces", "APND": "appends", "XFRM": "transforms"}

// relations puts what the document says of others, and gives the keys of those
// that it replaces: by the number of their set, and by their own. follows says
// that one is of this document's own set.
func (r *resource) relations() (replaced []string, follows bool) {
	var list []fhir.Object
	for _, rel := range r.m.root.All("relatedDocument") {
		code := relation[rel.Attr("typeCode")]
		parent := rel.First("parentDocument")
		key, ok := identity(parent.First("setId"))
		if !ok {
			key, ok = identity(parent.First("id"))
		}
		if code == "" || !ok {
			r.m.left(rel, "a related document without an id or a known relation")
			continue
		}
		path := "relatesTo[" + strconv.Itoa(len(list)) + "]"
		r.from(path+".code", rel.AttrPlace("typeCode"))
		target := fhir.Object{"identifier": r.identifier(path+".target.identifier", parent.First("id"))}
		if key != r.m.key {
			target["reference"] = mapped.Ref("DocumentReference", key)
			r.from(path+".target.reference", parent.Place())
		}
		if code == "replaces" {
			follows = follows || key == r.m.key
			number, _ := identity(parent.First("id"))
			for _, k := range []string{key, number} {
				if k != "" && k != r.m.key && !slices.Contains(replaced, k) {
					replaced = append(replaced, k)
				}
			}
		}
		list = append(list, fhir.Object{"code": code, "target": target})
	}
	r.body["relatesTo"] = list
	return replaced, follows
}

// encounter is the encompassingEncounter: what the document was written in.
func (m *mapping) encounter() {
	e := m.root.First("componentOf", "encompassingEncounter")
	if e == nil {
		return
	}
	r := m.resource("Encounter", e)
	r.identifiers()
	when := e.First("effectiveTime")
	r.body["status"] = "unknown"
	r.body["class"] = encounterClass(r, e.First("code"))
	if c := r.concept("type[0]", e.First("code")); c != nil {
		r.body["type"] = []fhir.Object{c}
	}
	if p := r.wholePeriod("period", when); p != nil {
		r.body["period"] = p
		if p["end"] != nil {
			r.body["status"] = "finished"
			r.from("status", when.Place())
		} else if e.First("code").Attr("code") == call111 { // the report is sent while the call goes on
			r.body["status"] = "in-progress"
			r.from("status", when.Place())
		}
	}
	if c := r.concept("hospitalization.dischargeDisposition", e.First("dischargeDispositionCode")); c != nil {
		r.body["hospitalization"] = fhir.Object{"dischargeDisposition": c}
	}
	var people []fhir.Object
	add := func(who *cda.Element) {
		if o := r.actor("participant["+strconv.Itoa(len(people))+"].individual", who); o != nil {
			people = append(people, fhir.Object{"individual": o})
		}
	}
	add(e.First("responsibleParty", "assignedEntity"))
	for _, p := range e.All("encounterParticipant") {
		add(p.First("assignedEntity"))
	}
	r.body["participant"] = people
	facility := e.First("location", "healthCareFacility")
	name := facility.First("location", "name")
	if text := name.Text(); text != "" {
		r.body["location"] = []fhir.Object{{"location": fhir.Object{"display": text}}}
		r.from("location[0].location.display", name.Place())
	}
	r.set("serviceProvider", r.organisation("serviceProvider", facility.First("serviceProviderOrganization")))
	m.visit = r.put()
}

// wholePeriod is a period of which also the one moment is known: its start.
func (r *resource) wholePeriod(path string, e *cda.Element) fhir.Object {
	if p := r.period(path, e); p != nil {
		return p
	}
	for _, at := range []*cda.Element{e, e.First("center")} {
		if t := dateTime(at.Attr("value")); t != "" {
			r.from(path+".start", at.AttrPlace("value"))
			return fhir.Object{"start": t}
		}
	}
	return nil
}

// call111 is what an NHS 111 report has for the encounter that it tells of
// (vocabulary 2.16.840.1.113883.2.1.3.2.4.17.326).
const call111 = "NHS111Encounter"

// encounterClass is the class that a code of v3 ActCode states; unknown where
// nothing is said, since the element must be there.
func encounterClass(r *resource, code *cda.Element) fhir.Object {
	const actCode = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	for _, c := range append([]*cda.Element{code}, code.All("translation")...) {
		if system(c.Attr("codeSystem")) == actCode && c.Attr("code") != "" {
			return r.coding("class", c)
		}
	}
	if code.Attr("code") == call111 {
		return fhir.Coding(actCode, "VR", "virtual")
	}
	return fhir.Coding("http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "UNK", "unknown")
}

// actor is somebody who took part, as a reference by number and name: CDA says
// it in words each time, and does not keep a directory.
func (r *resource) actor(path string, e *cda.Element) fhir.Object {
	if e == nil {
		return nil
	}
	o := fhir.Object{}
	for _, id := range e.All("id") {
		if i := r.identifier(path+".identifier", id); i != nil && i["system"] != "urn:ietf:rfc:3986" {
			o["identifier"] = i
			break
		}
	}
	var words []string
	say := func(s, place string) {
		if s != "" {
			words = append(words, s)
			r.from(path+".display", place)
		}
	}
	for _, kind := range []string{"assignedPerson", "relatedPerson", "associatedPerson", "informationRecipient", "playingEntity"} {
		if name := e.First(kind, "name"); name != nil {
			say(spoken(name), name.Place())
			break
		}
	}
	if device := e.First("assignedAuthoringDevice"); device != nil {
		name := device.First("softwareName")
		if name.Text() == "" {
			name = device.First("manufacturerModelName")
		}
		say(name.Text(), name.Place())
	}
	if org := e.First("representedOrganization", "name"); org != nil {
		say(org.Text(), org.Place())
	}
	o["display"] = strings.Join(words, ", ")
	if o["display"] == "" && o["identifier"] == nil {
		return nil
	}
	return o
}

func spoken(name *cda.Element) string {
	if len(name.Elements()) == 0 {
		return name.Text()
	}
	var parts []string
	for _, kind := range []string{"prefix", "given", "family"} {
		for _, p := range name.All(kind) {
			if t := p.Text(); t != "" {
				parts = append(parts, t)
			}
		}
	}
	return strings.Join(parts, " ")
}

// organisation is a reference to one by its code and name.
func (r *resource) organisation(path string, e *cda.Element) fhir.Object {
	if e == nil {
		return nil
	}
	o := fhir.Object{}
	for _, id := range e.All("id") {
		if i := r.identifier(path+".identifier", id); i != nil && i["system"] != "urn:ietf:rfc:3986" {
			o["identifier"] = i
			break
		}
	}
	if name := e.First("name"); name.Text() != "" {
		o["display"] = name.Text()
		r.from(path+".display", name.Place())
	}
	if len(o) == 0 {
		return nil
	}
	return o
}
