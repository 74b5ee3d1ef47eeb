package search

import (
	"slices"
	"strings"
	"time"

	"selda/fhir"
)

// An index across citizens keeps a few tokens of each resource. A token does
// not say which parameter it is of: "c:" and a code or number, "s:" and
// what a word begins with, "r:" and what is referred to, "u:" and a URI, "p:" and a sound,
// "m:" and a month, "d:" and a day. Who searches asks it for the resources that can match,
// and then each of them whether it does: that a token is there too often costs
// time, that one is missing would lose what was searched. Both sides are made
// here, from the same elements that are matched.

// beginnings are how many letters of a word the index knows it by.
var beginnings = []int{7, 4, 2}

// named are the types that are searched by words. Words of others, such as notes,
// are read when they are searched.
var named = map[string]bool{"Patient": true, "Person": true, "RelatedPerson": true, "Practitioner": true, "Organization": true, "Location": true,
	"HealthcareService": true, "Endpoint": true, "Group": true, "StructureDefinition": true, "ValueSet": true, "CodeSystem": true, "Questionnaire": true}

// ownRecord are the types that stand in the record of whom they are about. A
// reference to one leads to that record, and needs no token.
var ownRecord = map[string]bool{}

func init() {
	for _, t := range strings.Fields(`Account AdverseEvent AllergyIntolerance Appointment AppointmentResponse Basic BodyStructure CarePlan CareTeam Claim ClaimResponse
		ClinicalImpression Communication CommunicationRequest Composition Condition Consent Coverage DetectedIssue DeviceRequest DeviceUseStatement DiagnosticReport
		DocumentManifest DocumentReference Encounter EpisodeOfCare FamilyMemberHistory Flag Goal ImagingStudy Immunization ImmunizationRecommendation List Media
		MedicationAdministration MedicationDispense MedicationRequest MedicationStatement MolecularSequence NutritionOrder Observation Patient Procedure Provenance
		QuestionnaireResponse RelatedPerson RequestGroup RiskAssessment ServiceRequest Specimen SupplyDelivery SupplyRequest Task VisionPrescription`) {
		ownRecord[t] = true
	}
}

// OwnRecord says whether a type stands in the record of whom it is about.
func OwnRecord(typ string) bool { return ownRecord[typ] }

// Tokens are what an index keeps of a resource.
func (ps *Parameters) Tokens(res *fhir.Resource) []string {
	out := make([]string, 0, 16)
	add := func(t string) {
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	for _, p := range ps.Of(res.Type) {
		if p.indexed(res.Type) {
			_ = p.each(res, func(e element) bool {
				p.tokens(res.Type, e, add)
				return false
			})
		}
	}
	for _, n := range res.Root().List("contained") {
		add(containedToken(n.Get("resourceType").Text()))
	}
	return out
}

// containedToken is the token of what contains a resource of a type: a chain may
// lead into it.
func containedToken(typ string) string { return "r:#" + typ }

// phonetic says whether the parameter finds what sounds alike.
func (p *Parameter) phonetic() bool { return p.Code == "phonetic" }

// indexed says whether the parameter gives tokens at all.
func (p *Parameter) indexed(typ string) bool {
	switch p.Kind {
	case Token, URI, Date:
		return p.Code != "_id" && p.Code != "_lastUpdated"
	case String:
		return named[typ]
	case Reference:
		return true
	}
	return false
}

func (p *Parameter) tokens(typ string, e element, add func(string)) {
	switch p.Kind {
	case Token:
		tokens(e, func(_, code, _ string, _ bool) bool {
			if code != "" && e.typ != "boolean" {
				add(CodeToken(code))
			}
			return false
		})
	case String:
		if p.phonetic() {
			eachSound(e, func(s string) bool {
				add("p:" + s)
				return false
			})
			return
		}
		texts(e, func(s string, words bool) bool {
			wordTokens(folded(s), words, add)
			return false
		})
	case Reference:
		if ref, ok := e.reference(); ok && !strings.HasPrefix(ref, "#") {
			if t := ParseReference(ref); !p.places(typ, t) {
				add(targetToken(t, ref))
			}
		}
	case URI:
		if s := e.text(); s != "" {
			add(uriToken(s))
		}
	case Date:
		for _, s := range spans(e) {
			monthTokens(s, add)
			if e.typ == "date" && p.Code == "birthdate" {
				add("d:" + e.text())
			}
		}
	}
}

// CodeToken is the token of a code, a number or a value of any system.
func CodeToken(code string) string { return "c:" + strings.ToUpper(unspaced(code)) }

func uriToken(s string) string {
	s, _, _ = strings.Cut(s, "|")
	return "u:" + s
}

// places says whether a reference says in whose record the resource stands: it
// is found there, and needs no token.
func (p *Parameter) places(typ string, t Target) bool {
	return t.Type == "Patient" && t.URL == "" && (p.Code == "patient" || p.Code == "subject") && ownRecord[typ]
}

// InRecordOf are those in whose records a resource of a type may stand that
// meets the clause; whole is false where it may also be found by its tokens.
// Whoever keeps the index may leave out the token of what stands in the same
// record.
func (c *Clause) InRecordOf(typ string) (records []Target, whole bool) {
	if c.Param == nil || c.Param.Kind != Reference || c.Modifier == "identifier" || c.Modifier == "missing" {
		return nil, false
	}
	whole = true
	note := func(t Target) {
		if ownRecord[typ] && ownRecord[t.Type] {
			records = append(records, t)
		}
		whole = whole && c.Param.places(typ, t)
	}
	if c.Chain != nil {
		for ref := range c.Known {
			if t := ParseReference(ref); t.URL == "" {
				note(t)
			} else {
				whole = false
			}
		}
		return records, whole
	}
	for _, v := range c.Values {
		v = unescape(v)
		switch t := ParseReference(v); {
		case t.Type != "" && t.URL == "":
			note(t)
		case c.Modifier != "":
			note(Target{Type: c.Modifier, ID: v})
		case len(c.Param.Targets) == 0 || strings.ContainsAny(v, "/:"):
			whole = false
		default:
			for _, t := range c.Param.meant() {
				note(Target{Type: t, ID: v})
			}
		}
	}
	return records, whole
}

// meant are the types that an id alone may be of: patient is always a Patient.
func (p *Parameter) meant() []string {
	if p.Code == "patient" {
		return []string{"Patient"}
	}
	return p.Targets
}

// Token is what an index has of a resource that refers to the target.
func (t Target) Token() string { return targetToken(t, t.URL) }

func targetToken(t Target, ref string) string {
	if t.URL != "" {
		return uriToken(ref)
	}
	return ReferenceToken(t)
}

// ReferenceToken is the token of what refers to a resource of no person.
func ReferenceToken(t Target) string { return "r:" + t.Type + "/" + t.ID }

func wordTokens(s string, words bool, add func(string)) {
	for s != "" {
		for _, n := range beginnings {
			if b := runes(s, n); b != "" {
				add("s:" + b)
			}
		}
		if !words {
			return
		}
		_, s, _ = strings.Cut(s, " ")
	}
}

// runes is the first n letters, or "" where there are fewer.
func runes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	if n == 0 {
		return s
	}
	return ""
}

const (
	longest  = 36  // months that a stretch of time is kept by; of a longer one it is said that it is long
	mostIn   = 240 // months that are asked for
	anyMonth = "m:*"
)

// monthTokens are the months that a stretch of time touches.
func monthTokens(s span, add func(string)) {
	if s.from == ever || s.to == never {
		add(anyMonth)
		return
	}
	if !months(s, longest, add) {
		add(anyMonth)
	}
}

func months(s span, most int, add func(string)) bool {
	from, last := time.UnixMilli(s.from).UTC(), time.UnixMilli(s.to-1).UTC()
	a, b := from.Year()*12+int(from.Month())-1, last.Year()*12+int(last.Month())-1
	if b-a >= most {
		return false
	}
	for m := a; m <= b; m++ {
		add("m:" + time.Date(m/12, time.Month(m%12+1), 1, 0, 0, 0, 0, time.UTC).Format("2006-01"))
	}
	return true
}

// Tokens gives the tokens of which a resource that meets the clause has one,
// but for those that are found in somebody's record (InRecordOf); ok is false
// where the index does not narrow the search.
func (c *Clause) Tokens() (anyOf []string, ok bool) {
	if c.Within.Type != "" {
		return []string{ReferenceToken(c.Within)}, true
	}
	if c.Chain != nil {
		for ref := range c.Known {
			anyOf = append(anyOf, targetToken(ParseReference(ref), ref))
		}
		for _, typ := range c.Chain.Types {
			anyOf = append(anyOf, containedToken(typ))
		}
		return anyOf, true
	}
	if c.Param == nil || c.Modifier == "missing" || c.Modifier == "not" || !c.Param.indexed(c.Param.Base) {
		return nil, false
	}
	if c.listed != nil {
		for _, code := range c.listed {
			anyOf = append(anyOf, CodeToken(code))
		}
		return anyOf, true
	}
	for _, v := range c.Values {
		some, ok := c.Param.asked(v, c.Modifier)
		if !ok {
			return nil, false
		}
		anyOf = append(anyOf, some...)
	}
	return anyOf, len(anyOf) > 0
}

// asked are the tokens of one value.
func (p *Parameter) asked(value, modifier string) ([]string, bool) {
	switch p.Kind {
	case Token:
		parts := split(value, '|')
		code := parts[len(parts)-1]
		if modifier != "" && modifier != "of-type" || code == "" || code == "true" || code == "false" {
			return nil, false
		}
		return []string{CodeToken(code)}, true
	case String:
		if modifier == "contains" || modifier == endsWith {
			return nil, false
		}
		word, _, _ := strings.Cut(folded(unescape(value)), " ")
		if p.phonetic() && modifier == "" {
			return []string{"p:" + sound(word)}, true
		}
		for _, n := range beginnings {
			if b := runes(word, n); b != "" {
				return []string{"s:" + b}, true
			}
		}
	case Reference:
		if modifier == "identifier" {
			return nil, false
		}
		return p.askedReference(unescape(value), modifier)
	case URI:
		if modifier == "" {
			return []string{uriToken(unescape(value))}, true
		}
	case Date:
		return askedDate(unescape(value), p.Code == "birthdate")
	}
	return nil, false
}

func (p *Parameter) askedReference(value, modifier string) ([]string, bool) {
	if strings.ContainsAny(value, "/:") {
		t := ParseReference(value)
		// A server's own base is taken off what is in the index: a URL may be both.
		if t.URL != "" && t.Type != "" {
			return []string{uriToken(value), ReferenceToken(t)}, true
		}
		return []string{targetToken(t, value)}, true
	}
	targets := p.meant()
	if modifier != "" {
		targets = []string{modifier}
	}
	var out []string
	for _, t := range targets {
		out = append(out, ReferenceToken(Target{Type: t, ID: value}))
	}
	return out, len(out) > 0
}

func askedDate(value string, birth bool) ([]string, bool) {
	prefix, rest := cutPrefix(value)
	s, ok := searchSpan(rest)
	if !ok || prefix != "" && prefix != "eq" {
		return nil, false
	}
	if birth && len(rest) == len(time.DateOnly) {
		return []string{"d:" + rest}, true
	}
	out := []string{}
	ok = months(s, mostIn, func(t string) { out = append(out, t) })
	return append(out, anyMonth), ok
}
