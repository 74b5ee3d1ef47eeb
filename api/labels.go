package api

import (
	"selda/fhir"
	"selda/ingest/classify"
	"selda/policy"
	"selda/store"
)

// actCodes are HL7's codes for what the exchange's own labels say, for systems that
// honour those. https://terminology.hl7.org/ValueSet-v3-InformationSensitivityPolicy.html
var actCodes = map[policy.Labels]string{policy.SexualHealth: "SEX", policy.HIVSTI: "STD", policy.SubstanceMisuse: "SUD", policy.MentalHealthDetail: "PSY", policy.DomesticAbuse: "SDV"}

const systemActCode = "http://terminology.hl7.org/CodeSystem/v3-ActCode"

// told adds to a version's meta.security the labels that the exchange found in it (G8),
// so that whoever takes it further can honour them. Whom a label hides an item from never
// gets the item, so nobody is told of a label whose audience they are not of. A label that
// only came from another item is not told: that one may be hidden (invariant 3). A
// source's own system reads back what it wrote.
func (q *request) told(v *store.Version, body []byte) []byte {
	if q.system() || v.Labels&classify.Sensitive == 0 {
		return body
	}
	r, err := v.Resource()
	if err != nil {
		return body
	}
	lists := classify.Box()
	if q.Lists != nil {
		lists = q.Lists()
	}
	found := classify.LabelsOf(r, v.Source, lists) & v.Labels & classify.Sensitive &^ classify.Stated(r)
	if found == 0 {
		return body
	}
	var codings []fhir.Object
	for l := policy.Labels(1); l != 0 && l <= found; l <<= 1 {
		if found&l == 0 {
			continue
		}
		codings = append(codings, fhir.Coding(policy.LabelSystem, l.String(), ""))
		if code := actCodes[l]; code != "" {
			codings = append(codings, fhir.Coding(systemActCode, code, ""))
		}
	}
	return secured(body, fhir.Marshal(fhir.Object{"x": codings}))
}

// secured is a dressed body with more in its meta.security: more is {"x":[…]}.
func secured(body, more []byte) []byte {
	var meta, add []byte
	for name, value := range fhir.Members(body) {
		if name == "meta" {
			meta = value
		}
	}
	for _, value := range fhir.Members(more) {
		add = value
	}
	if meta == nil || len(add) < 2 {
		return body
	}
	out := []byte{'{'}
	had := false
	for name, value := range fhir.Members(meta) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), name...), `":`...)
		if name == "security" && len(value) > 2 {
			had = true
			value = append(append(append([]byte(nil), value[:len(value)-1]...), ','), add[1:]...)
		}
		out = append(out, value...)
	}
	if !had {
		out = append(append(out, `,"security":`...), add...)
	}
	return fhir.Overlay(body, append(append([]byte(`{"meta":`), append(out, '}')...), '}'))
}
