package consent

import (
	"strings"
	"time"

	"selda/fhir"
	"selda/internal/london"
	"selda/nhs"
	"selda/policy"
)

// Version is what is known of a Consent beside what it says.
type Version struct {
	ID       string
	Source   nhs.Source
	N        uint64
	Recorded time.Time
}

// Statement is a Consent as it is understood.
type Statement struct {
	policy.Preference
	// Decides says that it narrows something for somebody, or states the choice
	// anew. A draft, one that was withdrawn and one about research decide nothing.
	Decides bool
	// Doubts are what could not be told, or is not decided here, and what was
	// done about it.
	Doubts []Doubt
	// Refusal is why it can't be honoured at all; zero where it can. What is
	// refused where it is posted still withholds where it is found.
	Refusal Doubt
}

// Doubt is a place in a Consent, and words about it.
type Doubt struct{ Place, Words string }

// Directory finds the organisations that a Reference names: an Organization
// itself, those of a CareTeam. The nil Directory knows none.
type Directory func(ref fhir.Node) []nhs.ODS

const (
	maxDepth = 8   // provisions within each other
	maxRules = 200 // provisions of a Consent
)

// reader reads the provisions of one Consent.
type reader struct {
	directory Directory
	rules     int
	s         *Statement
}

func (r *reader) doubt(place, words string) {
	r.s.Doubts = append(r.s.Doubts, Doubt{place, words})
}

func (r *reader) refuse(place, words string) {
	if r.s.Refusal.Words == "" {
		r.s.Refusal = Doubt{place, words}
	}
}

// base is what a Consent says of everything that no provision is about.
type base uint8

const (
	unsaid base = iota
	optIn
	optOut
)

// Read understands a Consent.
func Read(c *fhir.Resource, v Version, directory Directory) Statement {
	s := Statement{Preference: policy.Preference{ID: v.ID, By: v.Source, N: v.N, From: v.Recorded}}
	if c.Type != "Consent" {
		return s
	}
	r := &reader{directory: directory, s: &s}
	root := c.Get("provision")
	if !c.Get("status").Is("active") {
		r.doubt("Consent.status", "this is not in force: only a Consent whose status is active is")
		return s
	}
	if words := elsewhere(c, root); words != "" {
		r.doubt("Consent.scope", words)
		return s
	}
	if c.Get("modifierExtension").Exists() || c.Get("implicitRules").Exists() {
		r.refuse("Consent.modifierExtension", "it has an extension that changes its meaning and is not known here")
	}
	o := OriginOf(c)
	s.Own = v.Source == Statements && (o.User == "" || o.Authority.Own)
	if t, ok := fhir.Time(c.Get("dateTime").Text()); ok && t.Before(v.Recorded) {
		s.From = t
	}
	if t, ok := since(root.Get("period", "start").Text()); ok {
		s.From = t
	}
	s.To = inRegion(root.Get("period", "end").Text(), until)
	b := policyOf(c)
	rule, sure := r.whole(b, root)
	s.Rule = rule
	s.Anew = sure && b == optIn && rule.Permit && rule.Whole()
	s.Decides = s.Anew || rule.Denies()
	if s.Decides && !s.To.IsZero() && !s.From.Before(s.To) {
		r.doubt("Consent.provision.period", "its time is over before it begins: it is never in force")
	}
	return s
}

// since is when something begins that is written as a date or a time: a day begins at
// midnight of the region, where the one who wrote it lives.
func since(s string) (time.Time, bool) {
	_, ok := fhir.Time(s)
	return inRegion(s, func(s string) time.Time { t, _ := fhir.Time(s); return t }), ok
}

// inRegion is a moment that a text gives, at midnight of the region where that is of a day.
func inRegion(s string, read func(string) time.Time) time.Time {
	t := read(s)
	if t.IsZero() || len(s) > len("2006-01-02") {
		return t
	}
	from, _ := london.Day(t.Add(12 * time.Hour))
	return from
}

// until is the first moment after an end that is written as a date or a time:
// a day, month or year is over when it has passed.
func until(s string) time.Time {
	t, ok := fhir.Time(s)
	switch {
	case !ok:
		return time.Time{}
	case len(s) == len("2006"):
		return t.AddDate(1, 0, 0)
	case len(s) == len("2006-01"):
		return t.AddDate(0, 1, 0)
	case len(s) == len("2006-01-02"):
		return t.AddDate(0, 0, 1)
	}
	return t
}

// policyOf is the base policy that a Consent names.
// https://terminology.hl7.org/ValueSet-v3-ConsentPolicy.html: OPTIN, OPTINR, OPTOUT, OPTOUTE
func policyOf(c *fhir.Resource) base {
	b := unsaid
	for _, g := range c.Root().List("policyRule", "coding") {
		switch code := g.Get("code").Text(); {
		case strings.HasPrefix(code, "OPTOUT"): // of two that differ the one that withholds
			return optOut
		case strings.HasPrefix(code, "OPTIN"):
			b = optIn
		}
	}
	return b
}

// whole puts the base policy and the root provision together. R4 has no type
// in the root: it is then an exception to the base policy. Many write one. sure
// is false where what it says could not be told.
func (r *reader) whole(b base, root fhir.Node) (rule policy.Rule, sure bool) {
	rule, told := r.rule(root, "Consent.provision", 1, policyType(b, root))
	// What the root says of time is the preference's own.
	rule.From, rule.To = time.Time{}, time.Time{}
	if rule.Uses == policy.InEmergency { // to object to emergencies alone is to object in them too
		rule.Uses |= policy.InCare
		r.doubt("Consent.provision.purpose", "it names emergencies alone: it is taken as an objection at any time, in an emergency too")
	}
	typ := root.Get("type")
	permits := typ.Is("permit")
	switch {
	case b == unsaid && !typ.Exists():
		r.refuse("Consent.policyRule", "it does not say whether to share: give the policyRule OPTIN or OPTOUT, or provision.type")
		return rule, false
	case b == optOut && permits && !told:
		return policy.Rule{But: rule.But}, false
	case b == optOut && permits && rule.Whole():
		r.refuse("Consent.provision.type", "it is an opt-out, and permits everything: say what is excepted, or make it an OPTIN")
		return policy.Rule{But: denials(rule.But)}, false
	case b == optOut && permits:
		return policy.Rule{But: []policy.Rule{rule}}, true
	case b == optIn && typ.Is("deny") && rule.Whole():
		r.doubt("Consent.provision.type", "it is an opt-in, and denies everything: everything is withheld")
	}
	return rule, told
}

// policyType is how the root provision is to be taken where it has no type.
func policyType(b base, root fhir.Node) string {
	if t := root.Get("type").Text(); t != "" || b == optOut {
		return t
	}
	for _, name := range []string{"actor", "class", "code", "securityLabel", "data", "dataPeriod"} {
		if root.Get(name).Exists() {
			return "deny" // "an exception to the base policy", which is an opt-in
		}
	}
	return "permit"
}

// elsewhere says, in words, that a Consent is about something else than sharing
// for care: research, treatment, advance decisions, or a secondary use alone.
// Such an opt-out does not touch individual care (G3).
func elsewhere(c *fhir.Resource, root fhir.Node) string {
	for _, g := range c.Root().List("scope", "coding") {
		switch g.Get("code").Text() {
		case "research":
			return "this is about research: it changes nothing about who sees the record for care. The national data opt-out is stated to the NHS"
		case "treatment", "adr":
			return "this is about treatment, not about sharing: it changes nothing about who sees the record"
		}
	}
	excepted := root.Get("type").Is("permit") && policyOf(c) == optOut // an opt-out of all but that
	if _, care := purposes(root.List("purpose")); !care && !excepted {
		return "these purposes are not individual care: it changes nothing about who sees the record for care (G3)"
	}
	return ""
}

// secondary are the purposes that are not the care of the person, nor what
// goes with it. https://terminology.hl7.org/ValueSet-v3-PurposeOfUse.html
var secondary = map[string]bool{"HRESCH": true, "BIORCH": true, "CLINTRCH": true, "CLINTRCHNPC": true, "CLINTRCHPC": true, "PRECLINTRCH": true, "DSRCH": true, "POARCH": true, "TRANSRCH": true,
	"PUBHLTH": true, "DISASTER": true, "THREAT": true, "HMARKT": true, "HOPERAT": true, "HQUALIMP": true, "HACCRED": true, "HCOMPL": true, "HDECD": true, "HDIRECT": true, "HDM": true,
	"HLEGAL": true, "HOUTCOMS": true, "HPRGRP": true, "HSYSADMIN": true, "MLTRAINING": true, "METAMGT": true, "DONAT": true, "FRAUD": true, "GOV": true, "TRAIN": true, "LABELING": true,
	"MEMADMIN": true, "MILCDM": true, "PATSFTY": true, "PERFMSR": true, "RECORDMGT": true, "SYSDEV": true, "HTEST": true, "POPHLTH": true}

// purposes reads what a rule is for. none is named: care, and uses is 0. A
// purpose that is not known counts as care.
func purposes(list []fhir.Node) (uses policy.Uses, care bool) {
	if len(list) == 0 {
		return 0, true
	}
	for _, p := range list {
		switch code := p.Get("code").Text(); {
		case code == string(nhs.Emergency) || code == "ETREAT" || code == "ERTREAT":
			uses |= policy.InEmergency
		case !secondary[code]:
			uses |= policy.InCare
		}
	}
	if uses == policy.InCare {
		return 0, true
	}
	return uses, uses != 0
}
