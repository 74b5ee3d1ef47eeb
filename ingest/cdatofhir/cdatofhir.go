// Package cdatofhir puts a CDA document into FHIR R4: whom it is about, the
// document itself as a DocumentReference, and its coded entries as resources,
// each element with the place that it was read from. It decides nothing about
// identity or access, and it leaves the narrative where it is: the document is
// read as it was written (cda.Document.Narrative).
//
// Flow: header.go (patient, document, encounter), then every section's entries
// by entry.go, which knows them by template, class and mood, and a file for
// each kind of resource. What has no place in FHIR here is named in Unmapped.
//
// Sources: C-CDA R1.1 and R2.1 templates, NHS ITK and NHS 111 templates
// (COCD_TP146…), HL7 "C-CDA on FHIR" for the choice of resources.
package cdatofhir

import (
	"strconv"
	"strings"

	"selda/cda"
	"selda/fault"
	"selda/fhir"
	"selda/ingest/mapped"
	"selda/nhs"
)

// Map puts one document into FHIR. A document that names no patient is an
// error of kind Required.
func Map(d *cda.Document, source nhs.Source) (*mapped.Message, error) {
	const op = "cdatofhir.Map"
	m := &mapping{doc: d, root: d.Root, source: source, msg: &mapped.Message{}, bodies: map[string]string{}}
	m.key = m.documentKey()
	if m.key == "" {
		return nil, fault.E(op, fault.Required, "the document has no id", "id")
	}
	for _, t := range m.root.All("recordTarget") {
		if role := t.First("patientRole"); role != nil {
			m.msg.Patients = append(m.msg.Patients, m.patient(role))
		}
	}
	if len(m.msg.Patients) == 0 {
		return nil, fault.E(op, fault.Required, "the document names no patient", "recordTarget")
	}
	if p := &m.msg.Patients[0]; len(p.Identifiers) == 0 && p.Fallback == "" {
		return nil, fault.E(op, fault.Required, "the patient has neither a number nor a name", p.Place)
	}
	code := m.root.First("code")
	m.msg.Event = strings.TrimSpace("CDA " + code.Attr("code"))
	id, _ := identity(m.root.First("id"))
	m.msg.ControlID = id
	m.msg.Sent = dateTime(m.root.First("effectiveTime").Attr("value"))
	m.labels = []*cda.Element{m.root.First("confidentialityCode")}
	m.encounter()
	m.document()
	for _, c := range m.root.First("component", "structuredBody").All("component") {
		m.section(c.First("section"))
	}
	m.coded()
	return m.msg, nil
}

// mapping is one document on its way.
type mapping struct {
	doc      *cda.Document
	root     *cda.Element
	source   nhs.Source
	msg      *mapped.Message
	key      string                  // the document's own
	visit    string                  // key of the encompassing encounter
	labels   []*cda.Element          // confidentialityCode of the document and of the sections that are open
	findings map[string]*cda.Element // entries by id, once asked for
	bodies   map[string]string       // bodies by type and key, of what was put
}

// left notes what was read and has no place in FHIR here.
func (m *mapping) left(e *cda.Element, reason string) {
	m.msg.Unmapped = append(m.msg.Unmapped, mapped.Unmapped{Place: e.Place(), Reason: reason})
}

// documentKey is what the source calls the document through all its versions.
func (m *mapping) documentKey() string {
	for _, name := range []string{"setId", "id"} {
		if key, ok := identity(m.root.First(name)); ok {
			return key
		}
	}
	return ""
}

// identity is an II as one string: its root, with the extension after it.
func identity(e *cda.Element) (string, bool) {
	root, ext := e.Attr("root"), e.Attr("extension")
	if root == "" && ext == "" || e.Null() != "" {
		return "", false
	}
	if strings.Count(root, "-") == 4 {
		root = strings.ToLower(root) // a UUID, which senders write in either case
	}
	if ext == "" {
		return root, true
	}
	return root + ":" + ext, true
}

// keyOf is what the source calls an entry, or, where it has no id, where it
// stands in which document.
func (m *mapping) keyOf(e *cda.Element) string {
	for _, id := range e.All("id") {
		if key, ok := identity(id); ok {
			return key
		}
	}
	return m.key + "#" + e.Place()
}

// resource is one resource under construction.
type resource struct {
	m       *mapping
	typ     string
	e       *cda.Element // the entry that it is made of
	body    fhir.Object
	origins []mapped.Origin
}

func (m *mapping) resource(typ string, e *cda.Element) *resource {
	r := &resource{m: m, typ: typ, e: e, body: fhir.Object{"resourceType": typ}}
	subject := fhir.Object{"reference": mapped.PatientRef(0)}
	switch typ {
	case "AllergyIntolerance", "Immunization":
		r.body["patient"] = subject
	default:
		r.body["subject"] = subject
	}
	if l := r.label(); l != nil {
		r.body["meta"] = fhir.Object{"security": []fhir.Object{l}}
	}
	return r
}

// label is the confidentiality of where the resource stands. Normal is not
// written: it is what everything is.
func (r *resource) label() fhir.Object {
	c := r.m.labels[len(r.m.labels)-1]
	if code := c.Attr("code"); c.Null() != "" || code == "" || code == "N" {
		return nil
	}
	return r.coding("meta.security[0]", c)
}

// from notes where an element was read.
func (r *resource) from(element, place string) {
	if place != "" {
		r.origins = append(r.origins, mapped.Origin{Element: element, Place: place})
	}
}

// set puts an object under name, where it holds anything.
func (r *resource) set(name string, o fhir.Object) {
	if len(o) > 0 {
		r.body[name] = o
	}
}

// identifiers gives the resource the entry's ids.
func (r *resource) identifiers() {
	var list []fhir.Object
	for _, id := range r.e.All("id") {
		if o := r.identifier("identifier["+strconv.Itoa(len(list))+"]", id); o != nil {
			list = append(list, o)
		}
	}
	r.body["identifier"] = list
}

// put ends the resource and gives its key. The same key with the same content
// is one resource; with other content (ids that were copied along) the place
// tells them apart.
func (r *resource) put() string { return r.putAs(r.m.keyOf(r.e)) }

func (r *resource) putAs(key string) string {
	m := r.m
	body := string(fhir.Marshal(r.body))
	for {
		before, twice := m.bodies[r.typ+"|"+key]
		if !twice {
			break
		}
		if before == body {
			return key
		}
		key += "#" + r.e.Place()
	}
	m.bodies[r.typ+"|"+key] = body
	m.msg.Resources = append(m.msg.Resources, mapped.Resource{Type: r.typ, Key: key, Patient: 0, Action: mapped.Put,
		Body: []byte(body), Place: r.e.Place(), Origins: r.kept()})
	return key
}

// kept are the origins of what is in the body in the end, of each element the
// last that was noted.
func (r *resource) kept() []mapped.Origin {
	last := make(map[string]int, len(r.origins))
	for i, o := range r.origins {
		last[o.Element] = i
	}
	out := make([]mapped.Origin, 0, len(last))
	for i, o := range r.origins {
		if last[o.Element] == i && stands(r.body, o.Element) {
			out = append(out, o)
		}
	}
	return out
}

// stands says whether the body has something at a path.
func stands(at any, path string) bool {
	for path != "" {
		step, rest, _ := strings.Cut(path, ".")
		name, index, listed := strings.Cut(step, "[")
		o, ok := at.(fhir.Object)
		if !ok {
			return false
		}
		at = o[name]
		if listed {
			i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
			if err != nil {
				return false
			}
			switch list := at.(type) {
			case []fhir.Object:
				if i >= len(list) {
					return false
				}
				at = list[i]
			case []string:
				return i < len(list)
			default:
				return false
			}
		}
		path = rest
	}
	switch v := at.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case fhir.Object:
		return len(v) > 0
	}
	return true
}
