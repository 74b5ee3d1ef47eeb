package classify

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"selda/fhir"
	"selda/nhs"
	"selda/policy"
)

// This file looks for what is sensitive in a resource (G8): by its codes, by the
// clinic that it is of, and by words where a source has no code.

func itoa(n int) string { return strconv.Itoa(n) }

func sortedSources(m map[nhs.Source]policy.Labels) []nhs.Source { return slices.Sorted(maps.Keys(m)) }

// looked are the types that are looked through. Not among them: people (a Patient
// is found by everybody who may search), allergies (the next dose of what a person
// can't bear is the greater harm), what citizens decide, and the directory.
var looked = map[string]bool{"Condition": true, "Observation": true, "DiagnosticReport": true, "Procedure": true, "ServiceRequest": true, "Encounter": true,
	"EpisodeOfCare": true, "Appointment": true, "MedicationRequest": true, "MedicationStatement": true, "MedicationDispense": true, "MedicationAdministration": true,
	"DocumentReference": true, "DocumentManifest": true, "Composition": true, "CarePlan": true, "CareTeam": true, "Goal": true, "Flag": true, "DetectedIssue": true,
	"Immunization": true, "ImmunizationRecommendation": true, "Specimen": true, "ImagingStudy": true, "Media": true, "Task": true, "Communication": true, "CommunicationRequest": true,
	"QuestionnaireResponse": true, "ClinicalImpression": true, "FamilyMemberHistory": true, "RiskAssessment": true, "List": true, "RequestGroup": true,
	"DeviceUseStatement": true, "DeviceRequest": true, "NutritionOrder": true, "ReferralRequest": true, "BodyStructure": true, "MolecularSequence": true, "VisionPrescription": true}

// skipped are members that say whose and whence a resource is, or are free text:
// a word in a note tells too little to hide an item by.
var skipped = map[string]bool{"meta": true, "note": true, "subject": true, "patient": true, "identifier": true, "div": true, "data": true,
	"recorder": true, "asserter": true, "author": true, "requester": true, "informationSource": true, "verificationHistory": true}

// clinics are the members that name the clinic or specialty.
var clinics = map[string]bool{"serviceType": true, "specialty": true, "practiceSetting": true, "serviceCategory": true, "facilityType": true}

// planned are the types that a plan for a crisis comes as.
var planned = map[string]bool{"CarePlan": true, "DocumentReference": true, "Composition": true, "Flag": true}

// Content are the labels that a resource has by what it says.
func (l *Lists) Content(r *fhir.Resource) policy.Labels {
	if !looked[r.Type] {
		return 0
	}
	s := seeker{l: l, medicine: strings.HasPrefix(r.Type, "Medication")}
	s.object(r.Root(), false)
	if !planned[r.Type] {
		s.found &^= policy.SafetyPlan
	}
	return s.found
}

// Coded are the labels of a code, or of a heading where it has no code.
func (l *Lists) Coded(system, code, display string) policy.Labels {
	s := seeker{l: l}
	if code != "" {
		s.code(system, code, false)
	}
	s.text(display)
	return s.found
}

// seeker is one resource being looked through.
type seeker struct {
	l        *Lists
	medicine bool
	found    policy.Labels
}

func (s *seeker) object(n fhir.Node, clinic bool) {
	var system, code fhir.Node
	for c := n.Children(); c.Next(); {
		v := c.Node()
		if v.IsString() {
			switch string(c.Name()) {
			case "system":
				system = v
			case "code":
				code = v
			case "display", "text", "title", "description":
				s.text(v.View())
			}
			continue
		}
		if v.IsObject() || v.IsArray() {
			if name := c.Name(); len(name) == 0 || !skipped[string(name)] {
				s.object(v, clinic || clinics[string(name)])
			}
		}
	}
	if code.IsString() {
		s.code(system.View(), code.View(), clinic)
	}
}

func (s *seeker) code(system, code string, clinic bool) {
	switch system {
	case "http://snomed.info/sct":
		s.found |= s.l.snomed[code]
	case "http://hl7.org/fhir/sid/icd-10", "http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10-uk":
		s.found |= s.l.icd(code)
	case "https://fhir.nhs.uk/England/CodeSystem/England-FlagCategoryPatient":
		s.found |= s.l.flags[code]
	default:
		if clinic { // a hospital writes the national code in its own system
			s.found |= s.l.specialty[code]
		}
	}
}

// icd are the labels of a code of ICD-10, by its category and what is below it.
func (l *Lists) icd(code string) (found policy.Labels) {
	if len(code) < 3 || len(code) > 12 {
		return 0
	}
	plain := strings.ToUpper(strings.ReplaceAll(code, ".", ""))
	for n := 3; n <= min(len(plain), 5); n++ {
		found |= l.icd10[plain[:n]]
	}
	return found
}

// longest is the length of a text beyond which it is a narrative.
const longest = 300

// text looks for words in the name of something.
func (s *seeker) text(t string) {
	if len(t) > longest {
		return
	}
	var buf [24]byte
	for i := 0; i < len(t); {
		start := i
		n := 0
		for i < len(t) && wordByte(t[i]) {
			if n < len(buf) {
				buf[n] = lower(t[i])
			}
			n++
			i++
		}
		if n == 0 {
			i++
			continue
		}
		if n > len(buf) {
			continue
		}
		if s.medicine {
			s.found |= s.l.medicines[string(buf[:n])]
		}
		for _, p := range s.l.words[string(buf[:n])] {
			if p.exact && t[start:i] != strings.ToUpper(t[start:i]) {
				continue
			}
			if follows(t[i:], p.rest) {
				s.found |= p.label
			}
		}
	}
}

// follows says whether a text goes on with some words.
func follows(t string, rest []string) bool {
	for _, w := range rest {
		i := 0
		for i < len(t) && !wordByte(t[i]) {
			i++
		}
		t = t[i:]
		if len(t) < len(w) || !strings.EqualFold(t[:len(w)], w) || len(t) > len(w) && wordByte(t[len(w)]) {
			return false
		}
		t = t[len(w):]
	}
	return true
}

func wordByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b >= 0x80
}

func lower(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// wordsOf are the words of a text.
func wordsOf(t string) []string {
	return strings.FieldsFunc(t, func(r rune) bool { return r < 0x80 && !wordByte(byte(r)) })
}

// categories are the prefixes that an entry of ICD-10 stands for: "B20-B24" is
// five of them.
func categories(entry string) []string {
	entry = strings.ReplaceAll(entry, ".", "")
	from, to, ok := strings.Cut(entry, "-")
	if !ok {
		return []string{from}
	}
	var out []string
	a, err := strconv.Atoi(from[1:])
	b, err2 := strconv.Atoi(to[1:])
	if err != nil || err2 != nil {
		return []string{from, to}
	}
	for ; a <= b; a++ {
		n := strconv.Itoa(a)
		out = append(out, from[:1]+strings.Repeat("0", len(from)-1-len(n))+n)
	}
	return out
}
