package cdatofhir

import (
	"strconv"
	"strings"

	"selda/cda"
	"selda/fhir"
	"selda/ingest/mapped"
	"selda/nhs"
)

// patient is a recordTarget's patientRole.
func (m *mapping) patient(role *cda.Element) mapped.Patient {
	p := role.First("patient")
	r := &resource{m: m, typ: "Patient", e: role, body: fhir.Object{"resourceType": "Patient"}}
	out := mapped.Patient{Place: role.Place()}
	out.Identifiers = r.numbers(role)
	r.body["name"] = r.names(p)
	r.body["gender"] = r.gender(p.First("administrativeGenderCode"))
	if born := dateTime(p.First("birthTime").Attr("value")); born != "" {
		day, _, _ := strings.Cut(born, "T")
		r.body["birthDate"] = day
		r.from("birthDate", p.First("birthTime").AttrPlace("value"))
	}
	if !r.timestamp("deceasedDateTime", p.First("deceasedTime")) && p.First("deceasedInd").Attr("value") == "true" {
		r.body["deceasedBoolean"] = true
		r.from("deceasedBoolean", p.First("deceasedInd").AttrPlace("value"))
	}
	r.body["address"] = r.addresses("address", role)
	r.body["telecom"] = r.telecoms("telecom", role)
	r.set("maritalStatus", r.concept("maritalStatus", p.First("maritalStatusCode")))
	r.languages(p)
	r.practice(role.First("providerOrganization"))
	r.contacts(p)
	out.Fallback = r.fallback()
	out.Body = fhir.Marshal(r.body)
	out.Origins = r.kept()
	return out
}

// verification is UK Core's statement of how sure an NHS number is.
const verification = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"

// numbers puts the ids into the Patient, and gives them for finding the
// person: the source's own first. ITK tells a traced number from one that was
// only given by its root; C-CDA does not know NHS numbers.
func (r *resource) numbers(role *cda.Element) []mapped.Identifier {
	var own, national []mapped.Identifier
	var list []fhir.Object
	for _, id := range role.All("id") {
		root, ext := id.Attr("root"), id.Attr("extension")
		if ext == "" || id.Null() != "" {
			continue
		}
		path := "identifier[" + strconv.Itoa(len(list)) + "]"
		r.from(path+".value", id.AttrPlace("extension"))
		one := mapped.Identifier{Value: ext, Place: id.AttrPlace("extension")}
		o := fhir.Object{"value": ext}
		if root == nhsVerified || root == nhsUnverified {
			one.System, one.Verified = nhs.NumberSystem, root == nhsVerified
			status, display := "02", "Number present but not traced"
			if one.Verified {
				status, display = "01", "Number present and verified"
			}
			r.from(path+".extension[0].valueCodeableConcept", id.AttrPlace("root"))
			o["extension"] = []fhir.Object{{"url": verification, "valueCodeableConcept": fhir.Concept("",
				fhir.Coding("https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland", status, display))}}
			national = append(national, one)
		} else {
			authority := root
			if root == localNumber {
				// One root for every organisation: its name tells them apart.
				if org, _, _ := strings.Cut(id.Attr("assigningAuthorityName"), ":"); org != "" {
					authority += "/" + strings.ReplaceAll(strings.TrimSpace(org), " ", "-")
				}
			}
			one.System = mapped.LocalSystem(string(r.m.source), authority)
			r.from(path+".system", id.AttrPlace("root"))
			if name := id.Attr("assigningAuthorityName"); name != "" {
				o["assigner"] = fhir.Object{"display": name}
				r.from(path+".assigner.display", id.AttrPlace("assigningAuthorityName"))
			}
			own = append(own, one)
		}
		o["system"] = one.System
		list = append(list, o)
	}
	r.body["identifier"] = list
	return append(own, national...)
}

var nameUse = map[string]string{"L": "official", "C": "usual", "P": "nickname", "PREFERRED": "usual", "PREVIOUS": "old",
	"PREVIOUS-BIRTH": "maiden", "A": "nickname", "ASGN": "usual"}

func (r *resource) names(p *cda.Element) []fhir.Object {
	var list []fhir.Object
	for _, n := range p.All("name") {
		path := "name[" + strconv.Itoa(len(list)) + "]"
		if o := r.name(path, n); o != nil {
			list = append(list, o)
		}
	}
	return list
}

// name is a PN; one without parts is its text.
func (r *resource) name(path string, n *cda.Element) fhir.Object {
	if n == nil {
		return nil
	}
	use, _, _ := strings.Cut(n.Attr("use"), " ")
	o := fhir.Object{"use": nameUse[use]}
	if nameUse[use] != "" {
		r.from(path+".use", n.AttrPlace("use"))
	}
	for _, part := range [][2]string{{"prefix", "prefix"}, {"given", "given"}, {"suffix", "suffix"}} {
		var list []string
		for _, e := range n.All(part[0]) {
			if t := e.Text(); t != "" {
				r.from(path+"."+part[1]+"["+strconv.Itoa(len(list))+"]", e.Place())
				list = append(list, t)
			}
		}
		o[part[1]] = list
	}
	var family []string
	for _, e := range n.All("family") {
		if t := e.Text(); t != "" {
			family = append(family, t)
			r.from(path+".family", e.Place())
		}
	}
	o["family"] = strings.Join(family, " ")
	if len(n.Elements()) == 0 && n.Text() != "" {
		o["text"] = n.Text()
		r.from(path+".text", n.Place())
	}
	if validTime := r.period(path+".period", n.First("validTime")); validTime != nil {
		o["period"] = validTime
	}
	if len(fhir.Marshal(o)) == 0 || o["family"] == "" && o["text"] == nil && len(o["given"].([]string)) == 0 {
		return nil
	}
	return o
}

// gender is the administrative one (G16), by the codes of HL7 and of the NHS.
func (r *resource) gender(e *cda.Element) string {
	code := e.Attr("code")
	out := ""
	switch code {
	case "M", "1":
		out = "male"
	case "F", "2":
		out = "female"
	case "UN", "9":
		out = "other"
	case "UNK", "0", "X":
		out = "unknown"
	}
	if out == "other" && code == "9" {
		out = "unknown" // NHS: not specified
	}
	if out != "" {
		r.from("gender", e.AttrPlace("code"))
	}
	return out
}

var addressUse = map[string]string{"H": "home", "HP": "home", "HV": "home", "WP": "work", "DIR": "work", "PUB": "work",
	"TMP": "temp", "BAD": "old", "OLD": "old"}

func (r *resource) addresses(path string, e *cda.Element) []fhir.Object {
	var list []fhir.Object
	for _, a := range e.All("addr") {
		if o := r.address(path+"["+strconv.Itoa(len(list))+"]", a); o != nil {
			list = append(list, o)
		}
	}
	return list
}

func (r *resource) address(path string, a *cda.Element) fhir.Object {
	use, _, _ := strings.Cut(a.Attr("use"), " ")
	o := fhir.Object{"use": addressUse[use]}
	switch use {
	case "PHYS":
		o["type"] = "physical"
	case "PST":
		o["type"] = "postal"
	}
	if o["type"] != nil || o["use"] != "" {
		r.from(path+".use", a.AttrPlace("use"))
		r.from(path+".type", a.AttrPlace("use"))
	}
	var lines []string
	for _, e := range a.Elements() {
		t := e.Text()
		if t == "" {
			continue
		}
		name := ""
		switch e.Name {
		case "houseNumber", "streetName", "streetAddressLine", "additionalLocator", "precinct", "unitID":
			r.from(path+".line["+strconv.Itoa(len(lines))+"]", e.Place())
			lines = append(lines, t)
			continue
		case "city":
			name = "city"
		case "county":
			name = "district"
		case "state":
			name = "state"
		case "postalCode":
			name = "postalCode"
		case "country":
			name = "country"
		}
		if name != "" && o[name] == nil {
			o[name] = t
			r.from(path+"."+name, e.Place())
		}
	}
	o["line"] = lines
	if len(a.Elements()) == 0 && a.Text() != "" {
		o["text"] = a.Text()
		r.from(path+".text", a.Place())
	}
	for _, name := range []string{"text", "city", "district", "state", "postalCode", "country"} {
		if o[name] != nil {
			return o
		}
	}
	if len(lines) > 0 {
		return o
	}
	return nil
}

var telecomUse = map[string]string{"H": "home", "HP": "home", "HV": "home", "WP": "work", "DIR": "work", "MC": "mobile",
	"TMP": "temp", "EC": "temp", "BAD": "old"}

func (r *resource) telecoms(path string, e *cda.Element) []fhir.Object {
	var list []fhir.Object
	for _, t := range e.All("telecom") {
		value := t.Attr("value")
		if value == "" {
			continue
		}
		scheme, rest, found := strings.Cut(value, ":")
		kind := ""
		switch strings.ToLower(scheme) {
		case "tel":
			kind = "phone"
		case "mailto":
			kind = "email"
		case "fax", "x-text-fax":
			kind = "fax"
		case "http", "https":
			kind, rest = "url", value
		}
		if !found || kind == "" {
			kind, rest = "other", value
		}
		use, _, _ := strings.Cut(t.Attr("use"), " ")
		at := path + "[" + strconv.Itoa(len(list)) + "]"
		r.from(at+".value", t.AttrPlace("value"))
		r.from(at+".system", t.AttrPlace("value"))
		if telecomUse[use] != "" {
			r.from(at+".use", t.AttrPlace("use"))
		}
		list = append(list, fhir.Object{"system": kind, "value": rest, "use": telecomUse[use]})
	}
	return list
}

func (r *resource) languages(p *cda.Element) {
	var list []fhir.Object
	for _, l := range p.All("languageCommunication") {
		code := l.First("languageCode")
		if code.Attr("code") == "" {
			continue
		}
		path := "communication[" + strconv.Itoa(len(list)) + "]"
		r.from(path+".language.coding[0].code", code.AttrPlace("code"))
		o := fhir.Object{"language": fhir.Concept("", fhir.Coding("urn:ietf:bcp:47", code.Attr("code"), ""))}
		if l.First("preferenceInd").Attr("value") == "true" {
			o["preferred"] = true
			r.from(path+".preferred", l.First("preferenceInd").AttrPlace("value"))
		}
		list = append(list, o)
	}
	r.body["communication"] = list
}

// practice is where the person is registered: with the NHS a GP practice.
func (r *resource) practice(org *cda.Element) {
	if org == nil {
		return
	}
	name := "managingOrganization"
	for _, id := range org.All("id") {
		if root := id.Attr("root"); root == odsOrg || root == odsSite {
			name = "generalPractitioner"
		}
	}
	if name == "managingOrganization" {
		r.set(name, r.organisation(name, org))
		return
	}
	if o := r.organisation(name+"[0]", org); o != nil {
		r.body[name] = []fhir.Object{o}
	}
}

func (r *resource) contacts(p *cda.Element) {
	var list []fhir.Object
	for _, g := range p.All("guardian") {
		path := "contact[" + strconv.Itoa(len(list)) + "]"
		o := fhir.Object{}
		if name := r.name(path+".name", g.First("guardianPerson", "name")); name != nil {
			o["name"] = name
		}
		if rel := r.concept(path+".relationship[0]", g.First("code")); rel != nil {
			o["relationship"] = []fhir.Object{rel}
		}
		o["telecom"] = r.telecoms(path+".telecom", g)
		if a := g.First("addr"); a != nil {
			o["address"] = r.address(path+".address", a)
		}
		list = append(list, o)
	}
	r.body["contact"] = list
}

// fallback tells the person apart where there is no number.
func (r *resource) fallback() string {
	names, _ := r.body["name"].([]fhir.Object)
	if len(names) == 0 {
		return ""
	}
	family, _ := names[0]["family"].(string)
	if family == "" {
		family, _ = names[0]["text"].(string)
	}
	given := ""
	if list, _ := names[0]["given"].([]string); len(list) > 0 {
		given = list[0]
	}
	born, _ := r.body["birthDate"].(string)
	sex, _ := r.body["gender"].(string)
	return strings.ToLower(family + "|" + given + "|" + born + "|" + sex)
}
