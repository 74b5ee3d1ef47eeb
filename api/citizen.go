package api

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"selda/access/record"
	"selda/fhir"
	"selda/nhs"
)

// SourceTag is the system of the tag under which a source's own Patients are found.
const SourceTag = "https://selda.example/tags"

// verification is UK Core's extension on an NHS number.
const verification = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"

// Citizen is the merged Patient of a citizen: what the sources that the
// reader may see say together, with links to their own Patients.
func Citizen(v *record.View) (resource []byte, version string, updated time.Time) {
	p := &v.Person
	o := fhir.Object{"resourceType": "Patient", "active": !p.Deceased, "gender": p.Gender, "birthDate": p.Born}
	var ids []fhir.Object
	if !p.NHSNumber.IsZero() {
		code, words := "02", "Number present but not traced"
		if p.Verified {
			code, words = "01", "Number present and verified"
		}
		ids = append(ids, fhir.Object{"system": nhs.NumberSystem, "value": p.NHSNumber.Digits(), "extension": []fhir.Object{{"url": verification,
			"valueCodeableConcept": fhir.Concept("", fhir.Coding("https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland", code, words))}}})
	}
	told := map[[2]string]bool{} // several systems of one hospital use one number
	for _, n := range p.OtherNumbers {
		if key := [2]string{n.System, n.Value}; !told[key] {
			told[key] = true
			ids = append(ids, fhir.Object{"system": n.System, "value": n.Value})
		}
	}
	o["identifier"] = ids
	if p.Family != "" || p.Given != "" {
		o["name"] = []fhir.Object{{"use": "official", "family": p.Family, "given": []string{p.Given}, "prefix": []string{p.Title}}}
	}
	if len(p.Address) > 0 || p.Postcode != "" {
		o["address"] = []fhir.Object{{"line": p.Address, "postalCode": p.Postcode}}
	}
	var phones []fhir.Object
	for _, t := range p.Phones {
		phones = append(phones, fhir.Object{"system": "phone", "value": t})
	}
	o["telecom"] = phones
	switch {
	case p.DeceasedAt != "":
		o["deceasedDateTime"] = p.DeceasedAt
	case p.Deceased:
		o["deceasedBoolean"] = true
	}
	if p.PracticeODS != "" {
		o["generalPractitioner"] = []fhir.Object{{"identifier": fhir.Object{"system": nhs.ODSSystem, "value": string(p.PracticeODS)}}}
	}
	var at time.Time
	var links []fhir.Object
	for _, i := range v.Of("Patient") {
		links = append(links, fhir.Object{"other": fhir.Ref("Patient/" + i.ID), "type": "seealso"})
		if i.Recorded.After(at) {
			at = i.Recorded
		}
	}
	o["link"] = links
	if p.Restricted {
		o["meta"] = fhir.Object{"security": []fhir.Object{fhir.Coding("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "R", "restricted")}}
	}
	body := fhir.Marshal(o)
	sum := sha256.Sum256(body)
	version = hex.EncodeToString(sum[:8]) // of what the reader sees: it has no other
	return fhir.Dress(body, v.Citizen, version, at), version, at
}
