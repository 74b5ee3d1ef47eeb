package cdatofhir

import (
	"selda/cda"
	"selda/fhir"
)

const (
	allergyState = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
	allergySure  = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
)

// anySubstance are codes that mean a substance as such.
var anySubstance = map[string]bool{"": true, "105590001": true, "410942007": true, "373873005": true, "762766007": true, "NA": true}

// noAllergy are what a negated allergy of each type, to no substance in
// particular, states (G6: positively none known).
var noAllergy = map[string][2]string{
	"416098002": {"409137002", "No known drug allergy"}, "419511003": {"409137002", "No known drug allergy"}, "59037007": {"409137002", "No known drug allergy"},
	"414285001": {"429625007", "No known food allergy"}, "418471000": {"429625007", "No known food allergy"}, "235719002": {"429625007", "No known food allergy"},
	"426232007": {"428607008", "No known environmental allergy"},
}

// stated are the codes that say by themselves that there is none.
var stated = map[string]bool{"716186003": true, "409137002": true, "429625007": true, "428607008": true, "160244002": true}

var allergyKinds = map[string][2]string{ // type, category
	"416098002": {"allergy", "medication"}, "419511003": {"", "medication"}, "59037007": {"intolerance", "medication"},
	"414285001": {"allergy", "food"}, "418471000": {"", "food"}, "235719002": {"intolerance", "food"},
	"426232007": {"allergy", "environment"}, "419199007": {"allergy", ""}, "418038007": {"", ""}, "420134006": {"", ""},
	"232347008": {"allergy", "environment"},
}

// allergy is an Allergy - Intolerance Observation, alone or in its act.
func (m *mapping) allergy(act, e *cda.Element) {
	r := m.resource("AllergyIntolerance", e)
	r.identifiers()
	kind := e.First("value")
	if k := allergyKinds[kind.Attr("code")]; k != [2]string{} {
		r.body["type"] = k[0]
		r.from("type", kind.AttrPlace("code"))
		if k[1] != "" {
			r.body["category"] = []string{k[1]}
			r.from("category[0]", kind.AttrPlace("code"))
		}
	}
	sure := r.agent(e, kind)
	if r.body["code"] == nil {
		m.left(e, "an allergy without a substance or words")
		return
	}
	r.body["verificationStatus"] = fhir.Concept("", fhir.Coding(allergySure, sure, ""))
	when := e.First("effectiveTime")
	if !negated(e) && !r.timestamp("onsetDateTime", when.First("low")) {
		r.timestamp("onsetDateTime", when)
	}
	ended := when.First("high").Attr("value") != ""
	if sure != "refuted" {
		state := r.clinicalState(act, e, ended)
		r.body["clinicalStatus"] = fhir.Concept("", fhir.Coding(allergyState, allergyStates[state], ""))
	}
	r.criticality(e)
	r.reactions(e)
	r.recorded(act, e)
	r.notes()
	r.put()
}

// allergyStates are the states that an allergy knows, by those of a problem.
var allergyStates = map[string]string{"active": "active", "recurrence": "active", "relapse": "active", "inactive": "inactive",
	"remission": "inactive", "resolved": "resolved"}

// agent puts the substance, or that there is none, and gives how sure it is.
func (r *resource) agent(e, kind *cda.Element) string {
	var entity *cda.Element
	for _, p := range e.All("participant") {
		if p.Attr("typeCode") == "CSM" || entity == nil {
			entity = p.First("participantRole", "playingEntity")
		}
	}
	code := entity.First("code")
	if stated[kind.Attr("code")] {
		r.set("code", r.concept("code", kind))
		return "confirmed"
	}
	if negated(e) && anySubstance[code.Attr("code")] {
		none, known := noAllergy[kind.Attr("code")]
		if !known {
			none = [2]string{"716186003", "No known allergy"}
		}
		r.body["code"] = fhir.Concept(none[1], fhir.Coding(snomed, none[0], none[1]))
		r.from("code", e.AttrPlace("negationInd"))
		delete(r.body, "type")
		return "confirmed"
	}
	c := r.concept("code", code)
	if c == nil && entity.First("name").Text() != "" {
		c = fhir.Object{"text": entity.First("name").Text()}
		r.from("code.text", entity.First("name").Place())
	}
	if c == nil && entity == nil && kind.Attr("code") != "" {
		c = r.concept("code", kind)
	}
	if c == nil {
		c = r.conceptOr("code", nil)
	}
	if c != nil {
		r.body["code"] = c
	}
	if negated(e) {
		r.from("verificationStatus", e.AttrPlace("negationInd"))
		return "refuted"
	}
	return "confirmed"
}

var criticalities = map[string]string{"CRITL": "low", "CRITH": "high", "CRITU": "unable-to-assess"}

func (r *resource) criticality(e *cda.Element) {
	for _, rel := range e.All("entryRelationship") {
		o := rel.First("observation")
		if c := criticalities[o.First("value").Attr("code")]; c != "" {
			r.body["criticality"] = c
			r.from("criticality", o.First("value").AttrPlace("code"))
		}
	}
}

var severities = map[string]string{"255604002": "mild", "371923003": "mild", "6736007": "moderate", "371924009": "moderate",
	"24484000": "severe", "399166001": "severe", "L": "mild", "M": "moderate", "H": "severe"}

// reactions are the Reaction Observations with their severity; a severity of
// the allergy itself goes to each that has none of its own.
func (r *resource) reactions(e *cda.Element) {
	var list []fhir.Object
	severity := func(path string, of *cda.Element) string {
		for _, rel := range of.All("entryRelationship") {
			o := rel.First("observation")
			if s := severities[o.First("value").Attr("code")]; s != "" && o.First("code").Attr("code") == "SEV" {
				r.from(path, o.First("value").AttrPlace("code"))
				return s
			}
		}
		return ""
	}
	for _, rel := range e.All("entryRelationship") {
		o := rel.First("observation")
		if rel.Attr("typeCode") != "MFST" && !o.Is("2.16.840.1.113883.10.20.22.4.9") || o == nil {
			continue
		}
		path := "reaction[" + itoa(len(list)) + "]"
		what := r.concept(path+".manifestation[0]", o.First("value"))
		if what == nil {
			if text, place := r.m.referred(o.First("text")); text != "" {
				what = fhir.Object{"text": text}
				r.from(path+".manifestation[0].text", place)
			}
		}
		if what == nil {
			continue
		}
		one := fhir.Object{"manifestation": []fhir.Object{what}}
		if one["severity"] = severity(path+".severity", o); one["severity"] == "" {
			one["severity"] = severity(path+".severity", e)
		}
		if t := dateTime(o.First("effectiveTime", "low").Attr("value")); t != "" {
			one["onset"] = t
			r.from(path+".onset", o.First("effectiveTime", "low").AttrPlace("value"))
		}
		list = append(list, one)
	}
	r.body["reaction"] = list
}
