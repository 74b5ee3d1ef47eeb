package testenv

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"selda/fhir"
	"selda/nhs"
	"selda/policy"
)

var hiddenSources = []nhs.Source{"RJ1:API", "RJZ:PAS", "G85915:GP", "RRU:CAD"}

var hiddenLabels = []string{"hiv-sti", "sexual-health", "mental-health-detail", "domestic-abuse", "third-party", "safeguarding", "not-visible-online", "R", "V", "fertility", "safety-plan",
	"termination", "gender-recognition", "adoption", "fgm", "substance-misuse", "convictions"}

// hiddenReaders read; the GP, who looks after every citizen of the test, more often.
var hiddenReaders = []string{"gp", "gp", "gp", "doctor", "visitor", "nurse", "pharmacist", "social", "handler", "advisor", "paramedic", "reception", "hospice", "citizen", "citizen", "helper", "helper", "system", "examiner"}

// haveChoice are the readers who can say for which purpose they look.
var haveChoice = []string{"gp", "doctor", "visitor", "nurse", "pharmacist", "social", "advisor", "paramedic", "hospice"}

var hiddenTypes = []string{"Observation", "Condition", "AllergyIntolerance", "MedicationRequest", "DocumentReference", "Flag", "CarePlan", "DiagnosticReport", "Procedure", "ServiceRequest", "Encounter", "CareTeam"}

// body writes a resource of a type; few codes, so that sources agree and differ.
func (w *written) body(t *rapid.T, typ, id, label string, others []string) string {
	code := pick(t, []string{"271649006", "44054006", "91936005", "716186003", "271649006", "44054006", "86406008"}, "code") // the last one is sensitive by itself
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
	case "CareTeam": // one that is not active is no relationship
		o["status"], o["name"], o["managingOrganization"] = "inactive", "words "+code, []fhir.Object{org(pick(t, judgedOrgs, "of"))}
	case "Encounter":
		o["status"], o["type"], o["period"] = "planned", []fhir.Object{concept}, fhir.Object{"start": day}
		if oneIn(t, 3, "of a team") {
			o["serviceType"] = fhir.Concept("", fhir.Coding("https://kings.example/clinic", "656", ""))
		}
	}
	// What it refers to may be hidden, and come later or never.
	element := map[string]string{"DiagnosticReport": "result", "MedicationRequest": "reasonReference", "Procedure": "reasonReference", "ServiceRequest": "supportingInfo", "CarePlan": "addresses", "Observation": "derivedFrom"}[typ]
	if element != "" && len(others) > 0 {
		o[element] = []fhir.Object{fhir.Ref(rapid.SampledFrom(suited(others, map[string]string{"DiagnosticReport": "Observation", "Observation": "Observation", "Procedure": "Condition", "MedicationRequest": "Condition"}[typ])).Draw(t, "refers to"))}
	}
	if (typ == "Condition" || typ == "Procedure") && len(others) > 0 && rapid.Bool().Draw(t, "of a visit") {
		o["encounter"] = fhir.Ref(rapid.SampledFrom(suited(others, "Encounter")).Draw(t, "visit"))
	}
	return string(fhir.Marshal(o))
}

// draw makes a record, and who reads it.
func (h *hidden) draw(t *rapid.T) *written {
	h.serial++
	w := &written{number: testNumber(h.serial), key: fmt.Sprintf("h%d", h.serial)}
	w.reader = pick(t, hiddenReaders, "reader")
	w.claim = pick(t, []string{"declare", "declare", "declare", "declare", "break-glass", "break-glass", "nothing"}, "claim")
	if slices.Contains(haveChoice, w.reader) {
		w.purpose = drawPurpose(t)
	}
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
	at := h.env[0].Now().Add(26 * time.Hour)
	for i := range pick(t, []int{0, 0, 1, 2}, "decisions") {
		about := fhir.Object{"identifier": fhir.Object{"system": nhs.NumberSystem, "value": w.number.Digits()}}
		c := piece{source: "SELDA:ME", typ: "Consent", id: fmt.Sprintf("%s-c%d", w.key, i)}
		if oneIn(t, 5, "asserted") && w.reader != "system" { // by a source, for them
			c.source, about = "G85915:GP", fhir.Ref("Patient/"+w.key+"-2")
		}
		c.call, c.body = "PUT Consent/"+c.id, string(fhir.Marshal(drawChoice(t, c.id, about, at, ids)))
		w.consent = append(w.consent, c)
	}
	h.drawPerson(t, w)
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
