// Package fhirtofhir takes FHIR R4 from a source, a Bundle or a lone resource,
// apart into what one message says. It changes no content: it finds whom each
// resource is about, names resources by what the source calls them, and
// rewrites references between them. It does not validate against profiles.
//
// Bundles: https://hl7.org/fhir/R4/bundle.html and, for references within
// them, https://hl7.org/fhir/R4/bundle.html#references.
package fhirtofhir

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/ingest/mapped"
	"selda/mpi/fold"
	"selda/nhs"
)

// verification is UK Core's extension that says whether a number was traced.
const verification = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"

// shared are the types that are of no one person.
var shared = map[string]bool{"Organization": true, "Practitioner": true, "PractitionerRole": true, "Location": true, "HealthcareService": true,
	"Endpoint": true, "Device": true, "Medication": true, "Substance": true, "Schedule": true, "Slot": true, "OrganizationAffiliation": true,
	"InsurancePlan": true, "Group": true}

// refused are the types that are no record of anything.
var refused = map[string]string{"Parameters": "Parameters are the input of an operation, not a record", "OperationOutcome": "an OperationOutcome is an answer, not a record",
	"CapabilityStatement": "a CapabilityStatement describes a server, not a person",
	"Subscription":        "a Subscription is no record, and holds secrets: POST it to /fhir/Subscription"}

// answered are the types that are never kept, also where a system asks for it.
var answered = map[string]bool{"Parameters": true, "OperationOutcome": true, "Subscription": true}

type entry struct {
	place  string
	full   string // fullUrl
	res    *fhir.Resource
	key    string
	local  bool // the key holds within this Bundle only
	method string
	delete [2]string // type and id of a DELETE
}

type mapper struct {
	source  nhs.Source
	out     *mapped.Message
	entries []entry
	byURL   map[string]int // fullUrl and Type/id to entry
	people  map[string]int // how a patient is referred to, to its index
	bundle  bool
	json    []byte // of the whole
}

// Map reads compact JSON of a Bundle or a lone resource.
func Map(compact []byte, source nhs.Source) (*mapped.Message, error) {
	r, err := fhir.ParseTrusted(compact)
	if err != nil {
		return nil, err
	}
	m := &mapper{source: source, byURL: map[string]int{}, people: map[string]int{}, json: compact, out: &mapped.Message{Event: "FHIR " + r.Type}}
	if r.Type == "Bundle" {
		m.bundle = true
		m.out.Event = "Bundle " + r.Get("type").Text()
		m.out.ControlID = r.Get("identifier", "value").Text()
		if m.out.ControlID == "" {
			m.out.ControlID = r.ID
		}
		m.out.Sent = r.Get("timestamp").Text()
		err = m.collect(r, "")
	} else {
		err = m.add(entry{place: "", res: r})
	}
	if err != nil {
		return nil, err
	}
	if len(m.entries) == 0 {
		return nil, fault.E("fhirtofhir.Map", fault.Invalid, "the Bundle has no entry that can be kept", "Bundle.entry")
	}
	m.findPatients()
	for i := range m.entries {
		m.resource(&m.entries[i])
	}
	return m.out, nil
}

func (m *mapper) collect(b *fhir.Resource, within string) error {
	for i, e := range b.Root().List("entry") {
		place := within + "entry[" + strconv.Itoa(i) + "]"
		method, url := e.Get("request", "method").Text(), e.Get("request", "url").Text()
		if method == "DELETE" {
			if typ, id, ok := strings.Cut(url, "/"); ok && fhir.IsResourceType(typ) && fhir.IsID(id) {
				m.entries = append(m.entries, entry{place: place + ".request", method: method, delete: [2]string{typ, id}})
				continue
			}
			return fault.E("fhirtofhir.Map", fault.NotSupported, "a DELETE in a feed names one resource, as Type/id", place+".request.url")
		}
		if !e.Get("resource").Exists() {
			m.out.Unmapped = append(m.out.Unmapped, mapped.Unmapped{Place: place, Reason: "an entry without a resource"})
			continue
		}
		r, err := e.Get("resource").Resource()
		if err != nil {
			return at(err, place+".resource")
		}
		if r.Type == "Bundle" {
			if strings.Count(place, "entry[") > 4 {
				return fault.E("fhirtofhir.Map", fault.TooLong, "Bundles are nested too deep", place)
			}
			if err := m.collect(r, place+".resource."); err != nil {
				return err
			}
			continue
		}
		if err := m.add(entry{place: place + ".resource", full: e.Get("fullUrl").Text(), res: r, method: method}); err != nil {
			return err
		}
	}
	return nil
}

// at gives an error of a resource the place of its entry.
func at(err error, place string) error {
	if p := fault.PlaceOf(err); p != "" {
		place += "." + p
	}
	return fault.E("fhirtofhir.Map", fault.KindOf(err), fault.Reason(err), place)
}

func (m *mapper) add(e entry) error {
	if why, no := refused[e.res.Type]; no {
		if !m.bundle {
			return fault.E("fhirtofhir.Map", fault.NotSupported, why, "resourceType")
		}
		m.out.Unmapped = append(m.out.Unmapped, mapped.Unmapped{Place: e.place, Reason: why})
		return nil
	}
	e.key = e.res.ID
	if e.key == "" {
		e.key = strings.TrimPrefix(strings.TrimPrefix(e.full, "urn:uuid:"), "urn:oid:")
		if strings.HasPrefix(e.full, "urn:uuid:") && !isUUID(e.key) {
			// A placeholder such as urn:uuid:patient, which the sender's next
			// Bundle uses for somebody else: it names nothing beyond this one.
			e.key, e.local = e.key+"#"+m.digest(), true
		}
	}
	if e.key == "" { // it has no name but its place in this very message: sent again, it is the same
		e.key, e.local = strconv.Itoa(len(m.entries))+"#"+m.digest(), true
	}
	i := len(m.entries)
	if e.full != "" {
		m.byURL[e.full] = i
	}
	if e.res.ID != "" {
		if _, taken := m.byURL[e.res.Type+"/"+e.res.ID]; !taken {
			m.byURL[e.res.Type+"/"+e.res.ID] = i
		}
		m.byURL["urn:uuid:"+e.res.ID] = i
	}
	m.entries = append(m.entries, e)
	return nil
}

// digest tells this Bundle from every other.
func (m *mapper) digest() string {
	h := sha256.Sum256(m.json)
	return hex.EncodeToString(h[:8])
}

// isUUID says whether s is 8-4-4-4-12 hexadecimal digits.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f'):
			return false
		}
	}
	return true
}

func (m *mapper) findPatients() {
	for i := range m.entries {
		e := &m.entries[i]
		if e.res == nil || e.res.Type != "Patient" {
			continue
		}
		index := len(m.out.Patients)
		p := Person(e.res, m.source, e.place)
		if e.key != "" && !e.local {
			p.Identifiers = append(p.Identifiers, mapped.Identifier{System: idSystem(m.source), Value: e.key, Place: join(e.place, "id")})
		}
		p.Body = m.rewrite(fhir.Bare(e.res.JSON), e)
		m.out.Patients = append(m.out.Patients, p)
		m.people[e.full] = index
		m.people["Patient/"+e.key] = index
		m.people["urn:uuid:"+e.key] = index
	}
}

func idSystem(source nhs.Source) string { return mapped.LocalSystem(string(source), "fhir") }

func join(place, element string) string {
	if place == "" {
		return element
	}
	return place + "." + element
}

// Person reads who a FHIR Patient is.
func Person(r *fhir.Resource, source nhs.Source, place string) mapped.Patient {
	p := mapped.Patient{Place: place}
	for i, id := range r.Root().List("identifier") {
		sys, v := id.Get("system").Text(), strings.TrimSpace(id.Get("value").Text())
		if v == "" {
			continue
		}
		out := mapped.Identifier{System: sys, Value: v, Place: join(place, "identifier["+strconv.Itoa(i)+"].value")}
		switch {
		case sys == nhs.NumberSystem:
			out.Verified = verified(id)
		case sys == "" || sys == "http://hl7.org/fhir/sid/us-ssn" || strings.HasPrefix(sys, "urn:oid:2.16.840.1.113883.4.3."):
			out.System = mapped.LocalSystem(string(source), sys) // a number that others may give too does not identify beyond the source
		}
		p.Identifiers = append(p.Identifiers, out)
	}
	n := r.Get("name")
	given := n.Get("given").Text()
	if f, b := fold.Name(n.Get("family").Text()), r.Get("birthDate").Text(); f != "" && given != "" && b != "" {
		p.Fallback = f + "|" + fold.Name(given) + "|" + b + "|" + r.Get("gender").Text()
	}
	return p
}

func verified(id fhir.Node) bool {
	for _, x := range id.List("extension") {
		if x.Get("url").Is(verification) {
			c := x.Get("valueCodeableConcept", "coding", "code")
			return c.Is("01") || c.Is("number-present-and-verified")
		}
	}
	return false
}

// resource adds what one entry says.
func (m *mapper) resource(e *entry) {
	if e.res == nil {
		m.out.Resources = append(m.out.Resources, mapped.Resource{Type: e.delete[0], Key: e.delete[1], Patient: mapped.Shared,
			Action: mapped.Remove, Place: e.place})
		return
	}
	if e.res.Type == "Patient" {
		return
	}
	m.out.Resources = append(m.out.Resources, mapped.Resource{Type: e.res.Type, Key: e.key, Patient: m.about(e),
		Body: m.rewrite(fhir.Bare(e.res.JSON), e), Place: e.place, Origins: []mapped.Origin{{Place: e.place}}})
}

// about is whom a resource is about.
func (m *mapper) about(e *entry) int {
	if shared[e.res.Type] {
		return mapped.Shared
	}
	r := e.res.Root()
	named := false // somebody or something whom the message does not know
	for _, name := range []string{"subject", "patient", "beneficiary", "for", "individual"} {
		n := r.Get(name)
		if i, ok := m.person(n, join(e.place, name)); ok {
			return i
		}
		if ref := n.Get("reference"); ref.Exists() && !strings.HasPrefix(ref.Text(), "#") {
			named = true
		}
	}
	for _, p := range r.List("participant") {
		if i, ok := m.person(p.Get("actor"), join(e.place, "participant")); ok {
			return i
		}
	}
	for _, t := range append(r.List("target"), r.List("focus")...) {
		if i, ok := m.person(t, join(e.place, "target")); ok {
			return i
		}
	}
	if named {
		m.out.Unmapped = append(m.out.Unmapped, mapped.Unmapped{Place: e.place, Reason: "it is about someone whom the message does not name: it is kept, and shown with nobody"})
		return mapped.Shared
	}
	if len(m.out.Patients) == 1 {
		return 0
	}
	return mapped.Shared
}

// person finds whom a Reference names; one who is not in the message is
// known by the reference or its identifier alone.
func (m *mapper) person(ref fhir.Node, place string) (int, bool) {
	if !ref.IsObject() {
		return 0, false
	}
	reference := ref.Get("reference").Text()
	if i, ok := m.people[reference]; ok && reference != "" {
		return i, true
	}
	rel := relative(reference)
	if i, ok := m.people[rel]; ok && rel != "" {
		return i, true
	}
	var id mapped.Identifier
	switch {
	case strings.HasPrefix(reference, "Patient?identifier="):
		system, value, _ := strings.Cut(unescaped(strings.TrimPrefix(reference, "Patient?identifier=")), "|")
		id = mapped.Identifier{System: system, Value: value, Place: place + ".reference"}
	case strings.HasPrefix(rel, "Patient/"):
		id = mapped.Identifier{System: idSystem(m.source), Value: rel[len("Patient/"):], Place: place + ".reference"}
	case ref.Get("identifier", "system").Is(nhs.NumberSystem) || ref.Get("type").Is("Patient"):
		id = mapped.Identifier{System: ref.Get("identifier", "system").Text(), Value: ref.Get("identifier", "value").Text(), Place: place + ".identifier.value"}
	}
	if id.Value == "" {
		return 0, false
	}
	known := id.System + "|" + id.Value
	if i, ok := m.people[known]; ok {
		return i, true
	}
	i := len(m.out.Patients)
	m.out.Patients = append(m.out.Patients, mapped.Patient{Identifiers: []mapped.Identifier{id}, Place: place})
	m.people[known] = i
	if rel != "" {
		m.people[rel] = i
	}
	if strings.Contains(reference, "?") {
		m.people[reference] = i
	}
	return i, true
}

// unescaped is the value of a query; what is not well written stays as it is.
func unescaped(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// relative is Type/id of a reference to a resource, versions cut off; "" of others.
func relative(url string) string {
	url, _, _ = strings.Cut(url, "/_history/")
	parts := strings.Split(url, "/")
	if len(parts) < 2 {
		return ""
	}
	typ, id := parts[len(parts)-2], parts[len(parts)-1]
	if !fhir.IsResourceType(typ) || !fhir.IsID(id) {
		return ""
	}
	return typ + "/" + id
}

// rewrite turns references that name resources of the source into keys.
func (m *mapper) rewrite(body []byte, e *entry) []byte {
	return fhir.RewriteReferences(body, func(ref string) string {
		if ref == "" || ref[0] == '#' {
			return ref
		}
		if i, ok := m.people[ref]; ok {
			return mapped.PatientRef(i)
		}
		if i, ok := m.byURL[ref]; ok && m.entries[i].key != "" {
			return m.refTo(i)
		}
		if strings.Contains(ref, "?") {
			return ref
		}
		rel := relative(ref)
		if rel == "" {
			return ref
		}
		if ref != rel && !strings.HasPrefix(ref, rel+"/_history/") && base(ref) != base(e.full) {
			return ref // another server's
		}
		if i, ok := m.people[rel]; ok {
			return mapped.PatientRef(i)
		}
		typ, id, _ := strings.Cut(rel, "/")
		if typ == "Patient" {
			return ref // nobody that this message speaks of
		}
		return mapped.Ref(typ, id)
	})
}

func (m *mapper) refTo(i int) string {
	e := &m.entries[i]
	if e.res.Type == "Patient" {
		if p, ok := m.people["Patient/"+e.key]; ok {
			return mapped.PatientRef(p)
		}
	}
	return mapped.Ref(e.res.Type, e.key)
}

// base is the server that an absolute URL of a resource is on.
func base(url string) string {
	if rel := relative(url); rel != "" {
		b, _, _ := strings.Cut(url, rel)
		return b
	}
	return ""
}
