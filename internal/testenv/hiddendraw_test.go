package testenv

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"selda/fhir"
	"selda/nhs"
	"selda/policy"
)

var hiddenSources = []nhs.Source{"RJ1:API", "RJZ:PAS", "G85915:GP", "RRU:CAD"}

var hiddenLabels = []string{"hiv-sti", "sexual-health", "mental-health-detail", "domestic-abuse", "third-party", "safeguarding", "not-visible-online", "R", "V", "fertility", "safety-plan",
	"termination", "gender-recognition", "adoption", "fgm", "substance-misuse", "convictions"}

// hiddenReaders read; the GP, who looks after every citizen of the test, more often.
var hiddenReaders = []string{"gp", "gp", "gp", "doctor", "visitor", "nurse", "pharmacist", "social", "handler", "advisor", "paramedic", "reception", "hospice", "citizen", "system"}

var hiddenTypes = []string{"Observation", "Condition", "AllergyIntolerance", "MedicationRequest", "DocumentReference", "Flag", "CarePlan", "DiagnosticReport", "Procedure", "ServiceRequest", "Encounter"}

// body writes a resource of a type; few codes, so that sources agree and differ.
func (w *written) body(t *rapid.T, typ, id, label string, others []string) string {
	code := rapid.SampledFrom([]string{"271649006", "44054006", "91936005", "716186003"}).Draw(t, "code")
	o := fhir.Object{"resourceType": typ, "id": id, "subject": fhir.Ref("Patient/" + w.key + "-" + strings.SplitN(id, "-", 3)[1]), "identifier": []fhir.Object{{"system": "urn:x", "value": code + w.key}}}
	if label != "" {
		system := policy.LabelSystem
		if label == "R" || label == "V" {
			system = policy.ConfidentialitySystem
		}
		o["meta"] = fhir.Object{"security": []fhir.Object{{"system": system, "code": label}}}
	}
	concept := fhir.Concept("words "+code, fhir.Coding("http://snomed.info/sct", code, ""))
	day := fmt.Sprintf("2026-10-%02d", rapid.IntRange(1, 30).Draw(t, "day"))
	status := rapid.SampledFrom([]string{"final", "final", "preliminary"}).Draw(t, "status")
	switch typ {
	case "Observation":
		o["status"], o["code"], o["effectiveDateTime"], o["issued"] = status, concept, day, day+"T10:00:00Z"
		o["category"] = []fhir.Object{fhir.Concept("", fhir.Coding("", rapid.SampledFrom([]string{"laboratory", "vital-signs"}).Draw(t, "category"), ""))}
		o["valueQuantity"] = fhir.Object{"value": rapid.IntRange(1, 9).Draw(t, "value"), "unit": "mmol/L"}
	case "DiagnosticReport":
		o["status"], o["code"], o["issued"], o["conclusion"] = status, concept, day+"T10:00:00Z", "as "+code
	case "Condition", "AllergyIntolerance":
		o["code"], o["recordedDate"] = concept, day
		o["clinicalStatus"] = fhir.Concept("", fhir.Coding("", rapid.SampledFrom([]string{"active", "resolved"}).Draw(t, "clinical"), ""))
		if typ == "AllergyIntolerance" {
			delete(o, "subject")
			o["patient"] = fhir.Ref("Patient/" + w.key + "-" + strings.SplitN(id, "-", 3)[1])
		}
	case "MedicationRequest":
		o["status"], o["intent"], o["medicationCodeableConcept"], o["authoredOn"] = "active", "order", concept, day
	case "DocumentReference":
		o["status"], o["type"], o["date"] = "current", concept, day+"T10:00:00Z"
		o["content"] = []fhir.Object{{"attachment": fhir.Object{"contentType": "text/plain", "data": "aGVsbG8="}}}
	case "Flag", "CarePlan": // a plan in force would be a relationship, of which its organisation knows
		o["status"] = map[string]string{"Flag": "active", "CarePlan": "completed"}[typ]
		o["code"], o["title"], o["period"] = concept, "plan "+code, fhir.Object{"start": day}
	case "Procedure":
		o["status"], o["code"], o["performedDateTime"] = "completed", concept, day
	case "ServiceRequest":
		o["status"], o["intent"], o["code"], o["authoredOn"] = "completed", "order", concept, day
	case "Encounter":
		o["status"], o["type"], o["period"] = "planned", []fhir.Object{concept}, fhir.Object{"start": day}
	}
	// What it refers to may be hidden, and come later or never.
	element := map[string]string{"DiagnosticReport": "result", "MedicationRequest": "reasonReference", "Procedure": "reasonReference", "ServiceRequest": "supportingInfo", "CarePlan": "addresses", "Observation": "derivedFrom"}[typ]
	if element != "" && len(others) > 0 {
		o[element] = []fhir.Object{fhir.Ref(rapid.SampledFrom(suited(others, map[string]string{"DiagnosticReport": "Observation", "Observation": "Observation", "Procedure": "Condition", "MedicationRequest": "Condition"}[typ])).Draw(t, "refers to"))}
	}
	if typ == "Condition" && len(others) > 0 && rapid.Bool().Draw(t, "of a visit") {
		o["encounter"] = fhir.Ref(rapid.SampledFrom(suited(others, "Encounter")).Draw(t, "visit"))
	}
	return string(fhir.Marshal(o))
}

// draw makes a record, and who reads it.
func (h *hidden) draw(t *rapid.T) *written {
	h.serial++
	w := &written{number: testNumber(h.serial), key: fmt.Sprintf("h%d", h.serial)}
	w.reader = rapid.SampledFrom(hiddenReaders).Draw(t, "reader")
	w.claim = rapid.SampledFrom([]string{"declare", "declare", "declare", "break-glass"}).Draw(t, "claim")
	var ids []string
	for i := range rapid.IntRange(2, 9).Draw(t, "items") {
		s := rapid.IntRange(0, len(hiddenSources)-1).Draw(t, "source")
		typ := rapid.SampledFrom(hiddenTypes).Draw(t, "type")
		id := fmt.Sprintf("%s-%d-%d", w.key, s, i)
		ids = append(ids, typ+"/"+id)
		versions := rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(t, "versions")
		for v := range versions {
			label := ""
			if rapid.IntRange(0, 2).Draw(t, "labelled") == 0 {
				label = rapid.SampledFrom(hiddenLabels).Draw(t, "label")
			}
			p := piece{source: hiddenSources[s], call: "PUT " + typ + "/" + id, typ: typ, id: id, late: rapid.Bool().Draw(t, "late") || v > 0}
			if v > 0 && rapid.IntRange(0, 5).Draw(t, "deleted") == 0 {
				p.call, p.body = "DELETE "+typ+"/"+id, "{}"
			} else {
				p.body = w.body(t, typ, id, label, ids[:len(ids)-1])
			}
			w.pieces = append(w.pieces, p)
		}
	}
	for i := range rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "decisions") {
		provision := fhir.Object{"type": "deny"}
		switch rapid.IntRange(0, 7).Draw(t, "decision") {
		case 0:
			provision["data"] = []fhir.Object{{"meaning": "instance", "reference": fhir.Ref(rapid.SampledFrom(ids).Draw(t, "sealed"))}}
		case 1:
			provision["class"] = []fhir.Object{fhir.Coding(policy.DataSetSystem, rapid.SampledFrom([]string{"results", "problems", "medications", "documents"}).Draw(t, "class"), "")}
		case 2:
			provision["actor"] = []fhir.Object{{"reference": fhir.Object{"identifier": fhir.Object{"system": nhs.ODSSystem, "value": "RJZ"}}}}
		case 3:
			provision["provision"] = []fhir.Object{{"type": "permit", "class": []fhir.Object{fhir.Coding("", rapid.SampledFrom([]string{"Condition", "results", "Encounter"}).Draw(t, "but"), "")},
				"provision": []fhir.Object{{"type": "deny", "data": []fhir.Object{{"meaning": "authoredby", "reference": fhir.Object{"identifier": fhir.Object{"system": nhs.ODSSystem, "value": "RJ1"}}}}}}}}
		case 4:
			provision["code"] = []fhir.Object{fhir.Concept("", fhir.Coding("http://snomed.info/sct", "44054006", ""))}
		case 5:
			provision["data"] = []fhir.Object{{"meaning": "related", "reference": fhir.Ref(rapid.SampledFrom(ids).Draw(t, "related"))}}
			provision["dataPeriod"] = fhir.Object{"start": "2026-10-10"}
		}
		w.consent = append(w.consent, string(fhir.Marshal(fhir.Object{"resourceType": "Consent", "id": fmt.Sprintf("%s-c%d", w.key, i), "status": "active",
			"patient":    fhir.Object{"identifier": fhir.Object{"system": nhs.NumberSystem, "value": w.number.Digits()}},
			"policyRule": fhir.Concept("", fhir.Coding("", "OPTOUT", "")), "provision": provision})))
	}
	return w
}

// testNumber is the i-th valid number of the test range.
func testNumber(i int) nhs.Number {
	for n := 9_990_000_000 + 20*int64(i); ; n++ {
		if v, err := nhs.ParseNumber(fmt.Sprint(n)); err == nil {
			return v
		}
	}
}
