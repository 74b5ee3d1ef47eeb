package classify

import (
	"selda/fhir"
	"selda/fhir/search"
	"selda/nhs"
	"selda/policy"
)

// This file says which labels are told to who sees an item (G8), so that whoever takes
// it further can honour them, and how: in meta.security, in SELDA's words and in HL7's.

// told are HL7's codes for what the exchange's own labels say, for systems that
// honour those. https://terminology.hl7.org/ValueSet-v3-InformationSensitivityPolicy.html
var told = map[policy.Labels]string{policy.SexualHealth: "SEX", policy.HIVSTI: "STD", policy.SubstanceMisuse: "SUD", policy.MentalHealthDetail: "PSY", policy.DomesticAbuse: "SDV"}

const systemActCode = "http://terminology.hl7.org/CodeSystem/v3-ActCode"

// Found are the labels that the exchange found in a resource itself, beside those that
// its source set, of the labels that it is stored with. One that only came from another
// item is none of them: that item may be hidden, and would show by it (invariant 3).
func (l *Lists) Found(r *fhir.Resource, source nhs.Source, stored policy.Labels) policy.Labels {
	if stored&Sensitive == 0 {
		return 0
	}
	return LabelsOf(r, source, l) & stored & Sensitive &^ Stated(r)
}

// Tell adds labels to the meta.security of a body. Where there are none it is as it was.
func Tell(body []byte, labels policy.Labels) []byte {
	list := codings(labels)
	if len(list) == 0 {
		return body
	}
	add := fhir.Marshal(fhir.Object{"x": list})
	for _, value := range fhir.Members(add) {
		add = value
	}
	var meta []byte
	for name, value := range fhir.Members(body) {
		if name == "meta" {
			meta = value
		}
	}
	out, had := []byte{'{'}, false
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
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(out, `"security":`...), add...)
	}
	return fhir.Overlay(body, append(append([]byte(`{"meta":`), append(out, '}')...), '}'))
}

// codings are labels as meta.security has them.
func codings(labels policy.Labels) (list []fhir.Object) {
	for l := policy.Labels(1); l != 0 && l <= labels; l <<= 1 {
		if labels&l == 0 {
			continue
		}
		list = append(list, fhir.Coding(policy.LabelSystem, l.String(), ""))
		if code := told[l]; code != "" {
			list = append(list, fhir.Coding(systemActCode, code, ""))
		}
	}
	return list
}

// toldTokens are what labels are found by with _security, as what a source set is.
func toldTokens(labels policy.Labels) (tokens []string) {
	for _, c := range codings(labels) {
		tokens = append(tokens, search.CodeToken(c["code"].(string)))
	}
	return tokens
}
