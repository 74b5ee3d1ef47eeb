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
// can't bear is the greater harm), what citizens decide about sharing, and the directory.
var looked = map[string]bool{"Condition": true, "Observation": true, "DiagnosticReport": true, "Procedure": true, "ServiceRequest": true, "Encounter": true,
	"EpisodeOfCare": true, "Appointment": true, "MedicationRequest": true, "MedicationStatement": true, "MedicationDispense": true, "MedicationAdministration": true,
	"DocumentReference": true, "DocumentManifest": true, "Composition": true, "CarePlan": true, "CareTeam": true, "Goal": true, "Flag": true, "DetectedIssue": true,
	"Immunization": true, "ImmunizationRecommendation": true, "Specimen": true, "ImagingStudy": true, "Media": true, "Task": true, "Communication": true, "CommunicationRequest": true,
	"QuestionnaireResponse": true, "ClinicalImpression": true, "FamilyMemberHistory": true, "RiskAssessment": true, "List": true, "RequestGroup": true,
	"DeviceUseStatement": true, "DeviceRequest": true, "NutritionOrder": true, "ReferralRequest": true, "BodyStructure": true, "MolecularSequence": true, "VisionPrescription": true}

// agreed says whether a Consent is to a treatment: that tells of it. One about sharing
// names what it withholds, and is in force whatever that is.
func agreed(r *fhir.Resource) bool {
	if r.Type != "Consent" {
		return false
	}
	for _, g := range r.Root().List("scope", "coding") {
		if g.Get("code").Is("treatment") {
			return true
		}
	}
	return false
}

// skipped are members that say whose and whence a resource is, or are free text:
// a word in a note tells too little to hide an item by.
func skipped(member string) bool {
	switch member {
	case "meta", "note", "subject", "patient", "identifier", "div", "data", "recorder", "asserter", "author", "requester", "informationSource", "verificationHistory":
		return true
	}
	return false
}

// clinics are the members that name the clinic or specialty.
func clinics(member string) bool {
	switch member {
	case "serviceType", "specialty", "practiceSetting", "serviceCategory", "facilityType":
		return true
	}
	return false
}

// planned are the types that a plan for a crisis comes as.
var planned = map[string]bool{"CarePlan": true, "DocumentReference": true, "Composition": true, "Flag": true}

// Content are the labels that a resource has by what it says.
func (l *Lists) Content(r *fhir.Resource) policy.Labels {
	if !looked[r.Type] && !agreed(r) {
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
			if name := c.Name(); len(name) == 0 || !skipped(string(name)) {
				s.object(v, clinic || clinics(string(name)))
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
	case "http://terminology.hl7.org/CodeSystem/v2-0496":
		s.found |= s.l.consents[code]
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
	for i := 0; i < len(t); {
		start, h := i, uint32(fnvOffset)
		for i < len(t) && letters[t[i]] != 0 {
			h = (h ^ uint32(letters[t[i]])) * fnvPrime
			i++
		}
		switch {
		case i == start:
			i++
		case s.l.named.has(h):
			s.word(t[start:i], t[i:])
		}
	}
}

// word looks for one word of a name, and what follows it.
func (s *seeker) word(word, rest string) {
	var buf [24]byte
	if len(word) > len(buf) {
		return
	}
	for i := range len(word) {
		buf[i] = letters[word[i]]
	}
	low := buf[:len(word)]
	if s.medicine {
		s.found |= s.l.medicines[string(low)]
	}
	for _, p := range s.l.words[string(low)] {
		if (!p.exact || word == strings.ToUpper(word)) && follows(rest, p.rest) {
			s.found |= p.label
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

// letters are the bytes that words are of, in lower case; 0 is of none.
var letters = func() (t [256]byte) {
	for b := range t {
		if c := byte(b); c >= 'a' && c <= 'z' || isDigit(c) || c >= 0x80 {
			t[b] = c
		}
	}
	for c := byte('A'); c <= 'Z'; c++ {
		t[c] = c + 'a' - 'A'
	}
	return t
}()

func wordByte(b byte) bool { return letters[b] != 0 }

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
