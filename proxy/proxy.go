// Package proxy is who acts for whom, as FHIR: a RelatedPerson for each that acts
// for a citizen, a ClinicalImpression for what a clinician found of the citizen's
// capacity to decide. It reads them as the facts of G11 and writes them; how far
// each goes is policy's to say, and who may record them is access's.
//
// https://hl7.org/fhir/R4/relatedperson.html,
// https://hl7.org/fhir/R4/clinicalimpression.html
package proxy

import (
	"strings"
	"time"

	"selda/fhir"
	"selda/fhir/search"
	"selda/nhs"
	"selda/policy"
)

// Source is where the region keeps who acts for whom. What other sources say of
// relatives lets nobody act.
const Source = nhs.Source("SELDA:PROXY")

const (
	userSystem  = "https://selda.example/user"
	kindSystem  = "https://selda.example/acting-as"
	roleSystem  = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
	foundSystem = "https://selda.example/capacity"
	base        = "https://selda.example/StructureDefinition/"
	evidenceURL = base + "acting-evidence"
	decidedURL  = base + "acting-decided"
	deciderURL  = base + "acting-decided-by"
	wholeURL    = base + "acting-whole-record"
	dataSetURL  = base + "acting-data-set"
	stoppedURL  = base + "acting-stopped"
)

// Kind is a kind of acting, in words.
type Kind struct {
	As    policy.ActingAs
	Words string // to staff
	Plain string // to the citizen: "Your parent or guardian"
	Ask   string // what has to be seen
	role  string // v3 RoleCode
}

// Kinds are those of G11.
var Kinds = []Kind{
	{policy.Parent, "Parental responsibility", "They have parental responsibility for you", "Birth certificate or court order, and who they are", "PRN"},
	{policy.Wish, "The person's own wish", "You asked for them to help you", "The person's word, with who both are", "DELEGATEE"},
	{policy.Attorney, "Attorney for health and welfare", "You appointed them to decide for you when you can't", "The lasting power of attorney, with its registration number", "HPOWATT"},
	{policy.Deputy, "Deputy of the Court of Protection", "A court appointed them to decide for you when you can't", "The court's order, with its scope and its end", "GUARD"},
}

// KindOf finds one by its code.
func KindOf(code string) (Kind, bool) {
	for _, k := range Kinds {
		if string(k.As) == code {
			return k, true
		}
	}
	return Kind{}, false
}

// Person is somebody who acts for a citizen, with what is told of it.
type Person struct {
	policy.Acting
	Name    string
	By      string // who decided, with their role
	At      nhs.ODS
	Stopped string // who ended it before its time, in words; "" where nobody did
	Seen    time.Time
}

// Of reads a RelatedPerson; false where it lets nobody act.
func Of(r *fhir.Resource, source nhs.Source) (Person, bool) {
	p := Person{}
	if r.Type != "RelatedPerson" || source != Source {
		return p, false
	}
	p.ID = r.ID
	for _, id := range r.Root().List("identifier") {
		if id.Get("system").Is(userSystem) {
			p.User = id.Get("value").Text()
		}
	}
	for _, c := range r.Root().List("relationship") {
		for _, g := range c.List("coding") {
			if g.Get("system").Is(kindSystem) {
				p.As = policy.ActingAs(g.Get("code").Text())
			}
		}
	}
	for _, n := range r.Root().List("name") {
		p.Name = n.Get("text").Text()
	}
	p.From, _ = fhir.Time(r.Get("period", "start").Text())
	p.To, _ = fhir.Time(r.Get("period", "end").Text())
	p.Ended = r.Get("active").Exists() && !r.Get("active").Bool()
	for _, x := range r.Root().List("extension") {
		switch x.Get("url").Text() {
		case evidenceURL:
			p.Evidence = x.Get("valueString").Text()
		case decidedURL:
			p.Decided, _ = fhir.Time(x.Get("valueInstant").Text())
		case deciderURL:
			p.By = x.Get("valueReference", "display").Text()
			p.At, _ = nhs.ParseODS(x.Get("valueReference", "identifier", "value").Text())
		case wholeURL:
			p.Whole = x.Get("valueBoolean").Bool()
		case dataSetURL:
			p.DataSets |= policy.SetOf(policy.ParseDataSet(x.Get("valueCode").Text()))
		case stoppedURL:
			p.Stopped = x.Get("valueString").Text()
		}
	}
	return p, p.User != ""
}

// Build makes the RelatedPerson. subject is the citizen's NHS number. It is kept
// as a preference of the citizen's is: who else acts for somebody is not for
// everybody who treats them, nor for another who acts for them.
func Build(p Person, subject nhs.Number) fhir.Object {
	kind, _ := KindOf(string(p.As))
	extension := []fhir.Object{
		{"url": evidenceURL, "valueString": p.Evidence},
		{"url": decidedURL, "valueInstant": fhir.Instant(p.Decided)},
		{"url": deciderURL, "valueReference": fhir.Object{"type": "Organization", "identifier": fhir.Object{"system": nhs.ODSSystem, "value": string(p.At)}, "display": p.By}},
	}
	if p.Whole {
		extension = append(extension, fhir.Object{"url": wholeURL, "valueBoolean": true})
	}
	for d := policy.Demographics; d <= policy.Other; d++ {
		if p.DataSets.Has(d) {
			extension = append(extension, fhir.Object{"url": dataSetURL, "valueCode": d.String()})
		}
	}
	if p.Stopped != "" {
		extension = append(extension, fhir.Object{"url": stoppedURL, "valueString": p.Stopped})
	}
	period := fhir.Object{"start": fhir.Instant(p.From)}
	if !p.To.IsZero() {
		period["end"] = fhir.Instant(p.To)
	}
	o := fhir.Object{
		"resourceType": "RelatedPerson", "active": !p.Ended,
		"meta":         fhir.Object{"tag": []fhir.Object{fhir.Coding(policy.DataSetSystem, policy.Preferences.String(), "")}},
		"extension":    extension,
		"identifier":   []fhir.Object{{"system": userSystem, "value": p.User}},
		"patient":      fhir.Object{"identifier": fhir.Object{"system": nhs.NumberSystem, "value": subject.Digits()}},
		"relationship": []fhir.Object{fhir.Concept(kind.Words, fhir.Coding(kindSystem, string(p.As), kind.Words), fhir.Coding(roleSystem, kind.role, ""))},
		"name":         []fhir.Object{{"text": p.Name}},
		"period":       period,
	}
	if p.ID != "" {
		o["id"] = p.ID
	}
	return o
}

// Token is by what the index finds the RelatedPersons of an account, and of one
// that differs by case alone.
func Token(user string) string { return search.CodeToken(user) }

// Assessment is what a clinician found of somebody's capacity, and who did.
type Assessment struct {
	policy.Capacity
	User, By string
	At       nhs.ODS
	About    string // what it was about, and how it was found
}

// AssessmentOf reads a ClinicalImpression; false where it is none of capacity.
func AssessmentOf(r *fhir.Resource, source nhs.Source) (Assessment, bool) {
	a := Assessment{}
	if r.Type != "ClinicalImpression" || source != Source || !r.Get("status").Is("completed") {
		return a, false
	}
	found := ""
	for _, f := range r.Root().List("finding") {
		for _, g := range f.Get("itemCodeableConcept").List("coding") {
			if g.Get("system").Is(foundSystem) {
				found = g.Get("code").Text()
			}
		}
	}
	if found != "able" && found != "lacking" {
		return a, false
	}
	a.Able = found == "able"
	a.Assessed, _ = fhir.Time(r.Get("effectivePeriod", "start").Text())
	a.Review, _ = fhir.Time(r.Get("effectivePeriod", "end").Text())
	a.User, a.By, a.About = r.Get("assessor", "identifier", "value").Text(), r.Get("assessor", "display").Text(), r.Get("summary").Text()
	return a, true
}

// BuildAssessment makes the ClinicalImpression.
func BuildAssessment(a Assessment, subject nhs.Number) fhir.Object {
	code, words := "lacking", "Can't decide about their care record for themselves"
	if a.Able {
		code, words = "able", "Can decide about their care record for themselves"
	}
	return fhir.Object{
		"resourceType": "ClinicalImpression", "status": "completed",
		"code":            fhir.Concept("Capacity to decide"),
		"subject":         fhir.Object{"identifier": fhir.Object{"system": nhs.NumberSystem, "value": subject.Digits()}},
		"effectivePeriod": fhir.Object{"start": fhir.Instant(a.Assessed), "end": fhir.Instant(a.Review)},
		"date":            fhir.Instant(a.Assessed),
		"assessor":        fhir.Object{"type": "Practitioner", "identifier": fhir.Object{"system": userSystem, "value": a.User}, "display": a.By},
		"summary":         strings.TrimSpace(a.About),
		"finding":         []fhir.Object{{"itemCodeableConcept": fhir.Concept(words, fhir.Coding(foundSystem, code, words))}},
	}
}
