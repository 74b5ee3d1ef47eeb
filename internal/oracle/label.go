package oracle

import (
	"slices"
	"strings"
)

const (
	labelSystem           = "https://selda.example/labels"
	confidentialitySystem = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
)

// Labels that a law keeps: an emergency does not open them (G8: fertility has "its
// statute, not role alone"; gender recognition and adoption have theirs).
var statutory = []string{"fertility", "gender-recognition", "adoption"}

var (
	// told is what no role of another organisation is shown, but in an emergency.
	told = []string{"sexual-health", "hiv-sti", "termination", "fertility", "gender-recognition", "adoption", "convictions"}
	// professionals only, as G8 says: "Safeguarding, domestic abuse and third-party items
	// are visible to treating professionals, and hidden from the citizen, proxies".
	professional = []string{"safeguarding", "domestic-abuse", "third-party"}
	every        = []string{"sexual-health", "hiv-sti", "termination", "fertility", "gender-recognition", "adoption", "fgm", "substance-misuse", "domestic-abuse", "convictions", "mental-health-detail", "third-party", "safeguarding", "R", "V"}
)

// notElsewhere are the labels that keep an item of another organisation from a role.
var notElsewhere = map[string][]string{
	"gp": told, "hospital-doctor": told, "nurse": told, "hospice-nurse": told, "advisor": told, "paramedic": told,
	"pharmacist":    append(slices.Clone(told), "fgm", "mental-health-detail"),
	"social-worker": append(slices.Clone(told), "fgm", "substance-misuse", "mental-health-detail", "R", "V"),
}

// G8: "Each sensitive label states its audience."
func (w World) forAudience(r Reader, history []Sent, own bool) Verdict {
	labels := w.labels(history)
	has := func(list []string) string {
		for _, l := range labels {
			if slices.Contains(list, l) {
				return l
			}
		}
		return ""
	}
	if r.books() {
		if l := has(every); l != "" {
			return hidden("G8: " + l + " is not for booking and registration")
		}
		return shown("")
	}
	switch r.Role {
	case "citizen": // an item that tells of an adoption would join who was severed: G14
		if l := has(append(slices.Clone(professional), "not-visible-online", "adoption")); l != "" {
			return hidden("G8, G10, G14: " + l + " is kept from the citizen's pages")
		}
		return shown("")
	case "proxy": // what is sensitive is for who it is about: G11
		if l := has(append(slices.Clone(every), "not-visible-online")); l != "" {
			return hidden("G8, G10, G11: " + l + " is kept from who acts for somebody")
		}
		return shown("")
	case "handler", "receptionist":
		if l := has(every); l != "" && !w.safetyPlan(r, labels) {
			return hidden("G8: " + l + " is not for the role")
		}
		return shown("")
	}
	if own || w.safetyPlan(r, labels) {
		return shown("")
	}
	for _, l := range labels {
		if slices.Contains(notElsewhere[r.Role], l) && (w.emergency(r) == "" || slices.Contains(statutory, l)) {
			return hidden("G8: " + l + " is not for the role elsewhere")
		}
	}
	return shown("")
}

// G8: "Crisis, safety and risk plans are never hidden from urgent care by a label."
func (w World) safetyPlan(r Reader, labels []string) bool {
	urgent := []string{"gp", "hospital-doctor", "nurse", "hospice-nurse", "pharmacist", "advisor", "paramedic", "handler"}
	return slices.Contains(labels, "safety-plan") && slices.Contains(urgent, r.Role)
}

// labels are those of the last version of an item: what its source set, and what is
// found in it by the lists of what is sensitive. A label that a source set, and does
// not repeat in a version without any, stays.
func (w World) labels(history []Sent) []string {
	var set []string
	together := false
	for i, v := range history {
		if len(at(v.Body, "meta.security")) > 0 {
			set, together = stated(v.Body), false
		}
		// What came with it in its message tells what it is, and stays said, with all that
		// it had then.
		came := w.carried(v, map[string]bool{})
		if together = together || len(came) > 0; together {
			set = append(append(slices.Clone(set), came...), sensitive(w.found(whole(history[:i+1])))...)
		}
	}
	return append(slices.Clone(set), w.found(whole(history))...)
}

// carried are the labels that an item has from what came in the same message. The flow,
// as docs/adr/0017 has it: a report and its results to each other; from a reason, a
// medicine or a request to what names it. Nothing goes on to a person or to an allergy,
// and R, V and what is not for the citizen's pages are said of one item alone.
func (w World) carried(v Sent, visited map[string]bool) (out []string) {
	self := v.Type + "/" + v.ID
	visited[self] = true
	if v.Message == 0 || slices.Contains([]string{"AllergyIntolerance", "Patient", "Encounter", "Consent"}, v.Type) {
		return nil
	}
	for _, x := range w.Sent {
		other := x.Type + "/" + x.ID
		if x.Message != v.Message || visited[other] {
			continue
		}
		from := false
		for _, member := range []string{"medicationReference", "reasonReference", "basedOn", "authorizingPrescription", "partOf", "focus", "result", "hasMember", "derivedFrom"} {
			from = from || slices.Contains(texts(v.Body, member+".reference"), other)
		}
		for _, member := range []string{"result", "hasMember", "derivedFrom"} {
			from = from || slices.Contains(texts(x.Body, member+".reference"), self)
		}
		if from {
			out = append(out, sensitive(append(append(stated(x.Body), w.found(x)...), w.carried(x, visited)...))...)
		}
	}
	return out
}

// sensitive leaves out what is said of one item alone.
func sensitive(labels []string) (out []string) {
	for _, l := range labels {
		if !slices.Contains([]string{"R", "V", "not-visible-online", "safety-plan"}, l) {
			out = append(out, l)
		}
	}
	return out
}

// notOfVisit are the types that a psychologist's visit does not label: "what a
// psychologist or psychiatrist prescribed or diagnosed is not hidden from a pharmacist".
var notOfVisit = []string{"MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration", "Condition", "Procedure", "Immunization", "CarePlan", "Flag"}

// stated are the labels in a resource.
func stated(body map[string]any) (out []string) {
	for _, c := range at(body, "meta.security") {
		switch code := text(c, "code"); text(c, "system") {
		case labelSystem:
			out = append(out, code)
		case confidentialitySystem:
			if code == "R" || code == "V" {
				out = append(out, code)
			}
		}
	}
	return out
}

// found are the labels of what an item says, and of the visit at which it was.
// Allergies and people are never labelled by what they say.
func (w World) found(s Sent) (out []string) {
	if s.Type == "AllergyIntolerance" || s.Type == "Patient" {
		return nil
	}
	said := sayings(s.Body, false)
	for _, list := range w.Lists {
		if label, is := matches(list, said); is {
			out = append(out, label)
		}
	}
	if visit, is := strings.CutPrefix(text(s.Body, "encounter.reference"), "Encounter/"); is {
		out = append(out, w.ofVisit(s, visit)...)
	}
	return out
}

// ofVisit is what was known of the visit when the item came: "from a visit at a
// sensitive clinic to what was done there".
func (w World) ofVisit(s Sent, visit string) (out []string) {
	var known []Sent
	for _, v := range w.versions("Encounter", visit) {
		if v.Order < s.Order && v.Source == s.Source {
			known = append(known, v)
		}
	}
	if len(known) == 0 {
		return nil
	}
	for _, l := range sensitive(w.labels(known)) {
		if l != "mental-health-detail" || !slices.Contains(notOfVisit, s.Type) {
			out = append(out, l)
		}
	}
	return out
}

// matches says whether a list of what is sensitive has something of what a resource
// says. A line is "system | code | words | origin".
func matches(list string, said []saying) (label string, is bool) {
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		if l, ok := strings.CutPrefix(line, "label:"); ok {
			label = strings.TrimSpace(l)
		}
		cell := strings.Split(line, "|")
		if len(cell) < 3 || strings.HasPrefix(line, "#") {
			continue
		}
		for i := range cell {
			cell[i] = strings.TrimSpace(cell[i])
		}
		system, entry := cell[0], strings.TrimPrefix(cell[1], "<<")
		words := plain(entry)
		for _, s := range said {
			switch {
			case system == "flag" && s.code == entry:
				return label, true
			case system == "specialty" && s.clinic && s.code == entry: // a national code, in whosever system
				return label, true
			case systems[system] != "" && systems[system] == s.system && (s.code == entry || system == "icd10" && inICD(s.code, entry)):
				return label, true
			case (system == "words" || system == "medicine") && strings.Contains(s.words, words):
				return label, true
			}
		}
	}
	return label, false
}

var systems = map[string]string{"snomed": "http://snomed.info/sct", "icd10": "http://hl7.org/fhir/sid/icd-10"}

// clinics are the members that name one.
var clinics = []string{"serviceType", "specialty", "practiceSetting", "serviceCategory", "facilityType"}

// saying is a code, or words, that stand anywhere in a resource.
type saying struct {
	system, code, words string
	clinic              bool // it names the clinic or the specialty
}

// sayings are all of a resource's.
func sayings(v any, clinic bool) (out []saying) {
	switch v := v.(type) {
	case map[string]any:
		s := saying{clinic: clinic}
		s.system, _ = v["system"].(string)
		s.code, _ = v["code"].(string)
		for _, name := range []string{"text", "display", "title", "description"} {
			if words, is := v[name].(string); is {
				s.words += plain(words)
			}
		}
		out = append(out, s)
		for name, e := range v {
			if name != "meta" {
				out = append(out, sayings(e, clinic || slices.Contains(clinics, name))...)
			}
		}
	case []any:
		for _, e := range v {
			out = append(out, sayings(e, clinic)...)
		}
	}
	return out
}

// inICD says whether a code is one of ICD-10's block or range: B20-B24, N98.
func inICD(code, entry string) bool {
	first, last, is := strings.Cut(entry, "-")
	if !is {
		last = first
	}
	within := func(edge string) string { return code[:min(len(code), len(edge))] }
	return within(first) >= first && within(last) <= last
}

// plain is a text as whole words with a space around each, to be looked for in another.
func plain(s string) string {
	return " " + strings.Join(strings.FieldsFunc(strings.ToLower(s), func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9')
	}), " ") + " "
}
