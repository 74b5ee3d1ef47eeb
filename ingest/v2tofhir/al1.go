package v2tofhir

import (
	"strings"
	"unicode"

	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/mapped"
)

var allergyCategories = map[string]string{"DA": "medication", "DRUG": "medication", "FA": "food", "FOOD": "food", "EA": "environment",
	"LA": "environment", "PA": "environment", "AA": "environment"}

var severities = map[string]string{"SV": "severe", "MO": "moderate", "MI": "mild"}
var criticalities = map[string]string{"SV": "high", "MO": "low", "MI": "low", "U": "unable-to-assess"}

// allergy is AL1, or IAM, which can also say that one was an error.
func (w *mapper) allergy(s hl7v2.Segment) {
	w.closeReport()
	iam := s.Name() == "IAM"
	it := w.start("AllergyIntolerance", "patient", s)
	code := w.concept(it, "code", s.Field(3))
	if code == nil {
		w.unmapped(s, "it names no substance")
		return
	}
	it.key = w.pkey + "/" + codeOf(s.Field(3))
	verified := ""
	if iam {
		if id := entity(s.Field(7)); id != "" {
			it.key = w.pkey + "/" + id
		}
		verified = w.allergyStatus(it, s)
	}
	it.key = w.uniqueKey("AllergyIntolerance", it.key)
	if none, ok := noneKnown(s.Field(3)); ok {
		if list, _ := code["coding"].([]fhir.Object); len(list) == 0 || list[0]["code"] != none[0] {
			code["coding"] = append([]fhir.Object{fhir.Coding(systemSnomed, none[0], none[1])}, list...)
			it.origins = renumber(it.origins, "code.coding")
			it.from("code.coding[0].code", s.Field(3))
		}
	}
	it.object("code", code)
	if verified != "entered-in-error" {
		it.o["clinicalStatus"] = fhir.Concept("", fhir.Coding(hl7+"allergyintolerance-clinical", "active", "Active"))
	}
	if c := allergyCategories[strings.ToUpper(token(s.Comp(2, 1).Text()))]; c != "" {
		it.o["category"] = []string{c}
		it.from("category[0]", s.Comp(2, 1))
	}
	w.reaction(it, s)
	if iam {
		if !it.when("onsetDateTime", s.Comp(11, 1)) && s.Comp(12, 1).Exists() {
			it.put(it.o, "", "onsetString", s.Comp(12, 1))
		}
		it.when("recordedDate", s.Comp(13, 1))
	} else {
		it.when("recordedDate", s.Comp(6, 1))
	}
	it.object("encounter", w.encounterRef())
	w.add(it)
	w.last = it
}

// reaction is what happened, and how badly. A severity without a reaction is
// the criticality.
func (w *mapper) reaction(it *item, s hl7v2.Segment) {
	severity := strings.ToUpper(token(s.Comp(4, 1).Text()))
	reaction := fhir.Object{}
	var manifestations []fhir.Object
	for r := range s.Field(5).Reps() {
		if c := w.concept(it, index("reaction[0].manifestation", len(manifestations)), r); c != nil {
			manifestations = append(manifestations, c)
		}
	}
	if len(manifestations) > 0 {
		reaction["manifestation"] = manifestations
		it.set(reaction, "reaction[0]", "severity", severities[severity], s.Comp(4, 1))
		it.list("reaction", reaction)
	} else {
		it.set(it.o, "", "criticality", criticalities[severity], s.Comp(4, 1))
	}
}

// renumber makes room at the front of a list in the origins.
func renumber(list []mapped.Origin, prefix string) []mapped.Origin {
	for i, o := range list {
		rest, ok := strings.CutPrefix(o.Element, prefix+"[")
		if ok && rest != "" && rest[0] >= '0' && rest[0] < '9' {
			list[i].Element = prefix + "[" + string(rest[0]+1) + rest[1:]
		}
	}
	return list
}

// noneKnown is the SNOMED CT concept where code or words say that no allergy
// is known. It must never be read as an allergy to something.
func noneKnown(v hl7v2.Value) ([2]string, bool) {
	for _, n := range []int{1, 2, 4, 5} {
		if c, ok := noAllergy[letters(v.Comp(n).Text())]; ok {
			return c, true
		}
	}
	return [2]string{}, false
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, s)
}

// allergyStatus is IAM-6 and IAM-17: what is deleted at the source was an error.
func (w *mapper) allergyStatus(it *item, s hl7v2.Segment) string {
	status, from := "", s.Comp(17, 1)
	switch strings.ToUpper(token(from.Text())) {
	case "U", "P", "S", "D":
		status = "unconfirmed"
	case "C", "I":
		status = "confirmed"
	case "E":
		status = "entered-in-error"
	}
	if strings.EqualFold(token(s.Comp(6, 1).Text()), "D") {
		status, from = "entered-in-error", s.Comp(6, 1)
	}
	if status == "entered-in-error" {
		it.action = mapped.Remove
	}
	if status != "" {
		it.o["verificationStatus"] = fhir.Concept("", fhir.Coding(hl7+"allergyintolerance-verification", status, ""))
		it.from("verificationStatus.coding[0].code", from)
	}
	return status
}
