package cdatofhir

import (
	"slices"

	"selda/cda"
	"selda/fhir"
)

// Templates, by root for C-CDA and by extension for the NHS's.
// C-CDA R2.1, chapters 2 and 3; ITK domain message specifications.
const (
	problemConcern      = "2.16.840.1.113883.10.20.22.4.3"
	problemObservation  = "2.16.840.1.113883.10.20.22.4.4"
	admissionDiagnosis  = "2.16.840.1.113883.10.20.22.4.34"
	dischargeDiagnosis  = "2.16.840.1.113883.10.20.22.4.33"
	preopDiagnosis      = "2.16.840.1.113883.10.20.22.4.65"
	postopDiagnosis     = "2.16.840.1.113883.10.20.22.4.51"
	encounterDiagnosis  = "2.16.840.1.113883.10.20.22.4.80"
	allergyConcern      = "2.16.840.1.113883.10.20.22.4.30"
	allergyObservation  = "2.16.840.1.113883.10.20.22.4.7"
	substanceAllergy    = "2.16.840.1.113883.10.20.24.3.90"
	medicationActivity  = "2.16.840.1.113883.10.20.22.4.16"
	immunizationEvent   = "2.16.840.1.113883.10.20.22.4.52"
	resultOrganizer     = "2.16.840.1.113883.10.20.22.4.1"
	vitalSignsOrganizer = "2.16.840.1.113883.10.20.22.4.26"
	vitalSign           = "2.16.840.1.113883.10.20.22.4.27"
	resultObservation   = "2.16.840.1.113883.10.20.22.4.2"
	procedureAct        = "2.16.840.1.113883.10.20.22.4.12"
	procedureObs        = "2.16.840.1.113883.10.20.22.4.13"
	familyOrganizer     = "2.16.840.1.113883.10.20.22.4.45"
	familyObservation   = "2.16.840.1.113883.10.20.22.4.46"
	careTeamOrganizer   = "2.16.840.1.113883.10.20.22.4.500"
	smokingStatus       = "2.16.840.1.113883.10.20.22.4.78"
	tobaccoUse          = "2.16.840.1.113883.10.20.22.4.85"
	socialHistory       = "2.16.840.1.113883.10.20.22.4.38"
	pregnancy           = "2.16.840.1.113883.10.20.15.3.8"
	birthSex            = "2.16.840.1.113883.10.20.22.4.200"
	goalObservation     = "2.16.840.1.113883.10.20.22.4.121"
	assessmentScale     = "2.16.840.1.113883.10.20.22.4.69"
	functionalStatus    = "2.16.840.1.113883.10.20.22.4.67"
	mentalStatus        = "2.16.840.1.113883.10.20.22.4.74"
	advanceDirective    = "2.16.840.1.113883.10.20.22.4.48"
	advanceOrganizer    = "2.16.840.1.113883.10.20.22.4.108"
	plannedSupply       = "2.16.840.1.113883.10.20.22.4.43"
	entryReference      = "2.16.840.1.113883.10.20.22.4.122"
	plannedImmunization = "2.16.840.1.113883.10.20.22.4.120"

	ukDiagnosis      = "COCD_TP146011UK04#Diagnosis"
	ukProblem        = "COCD_TP146006UK04#Problem"
	ukBloodPressure  = "COCD_TP146013UK04#BloodPressure"
	ukAdministration = "COCD_TP146029UK04#MedicationAdministrationDose"
	ukTypeList       = "COCD_TP146062UK01#CRETypeList"
	ukPermission     = "COCD_TP146050GB01#PermissionToView"
)

// section maps a section's entries, and those of the sections in it.
func (m *mapping) section(s *cda.Element) {
	if s == nil {
		return
	}
	if c := s.First("confidentialityCode"); c != nil {
		m.labels = append(m.labels, c)
		defer func() { m.labels = m.labels[:len(m.labels)-1] }()
	}
	for _, entry := range s.All("entry") {
		for _, e := range entry.Elements() {
			switch e.Name {
			case "act", "observation", "organizer", "substanceAdministration", "supply", "procedure", "encounter", "observationMedia", "regionOfInterest":
				m.entry(s, e)
			}
		}
	}
	for _, c := range s.All("component") {
		m.section(c.First("section"))
	}
}

// entry maps one clinical statement by its class.
func (m *mapping) entry(s, e *cda.Element) {
	if e.First("subject", "relatedSubject") != nil {
		m.left(e, "a statement about somebody else, such as a relative")
		return
	}
	switch e.Name {
	case "act":
		m.act(s, e)
	case "observation":
		m.observed(s, e)
	case "organizer":
		m.organizer(s, e)
	case "substanceAdministration":
		m.substance(e)
	case "procedure":
		m.procedure(e)
	case "encounter":
		m.encounterEntry(s, e)
	case "supply":
		m.left(e, "a supply by itself")
	case "observationMedia", "regionOfInterest":
		m.left(e, "a file or picture: it is shown with the document")
	}
}

func (m *mapping) act(s, e *cda.Element) {
	switch {
	case e.Is(allergyConcern):
		m.within(e, []string{allergyObservation, substanceAllergy}, func(o *cda.Element) { m.allergy(e, o) })
	case e.Is(ukProblem):
		m.ukProblem(e)
	case e.Is(problemConcern), e.Is(admissionDiagnosis), e.Is(dischargeDiagnosis), e.Is(preopDiagnosis), e.Is(postopDiagnosis), e.Is(encounterDiagnosis):
		m.within(e, []string{problemObservation}, func(o *cda.Element) { m.problem(s, e, o) })
	case e.Is(procedureAct):
		m.procedure(e)
	case e.Is(entryReference):
		// It repeats what is told elsewhere in the document.
	case planned(e):
		m.request(e)
	default:
		// An act that only gathers: what it gathers may be known.
		some := false
		for _, rel := range e.All("entryRelationship") {
			for _, o := range rel.Elements() {
				if o.Is(problemObservation) || o.Is(allergyObservation) || o.Is(medicationActivity) || o.Is(immunizationEvent) {
					m.entry(s, o)
					some = true
				}
			}
		}
		if !some {
			m.left(e, "an act of a kind that is not mapped")
		}
	}
}

// within calls f for the observations that an act is about: those of a known
// template, or, where there is none such, all that the act does not only refer to.
func (m *mapping) within(act *cda.Element, templates []string, f func(*cda.Element)) {
	var known, others []*cda.Element
	for _, rel := range act.All("entryRelationship") {
		o := rel.First("observation")
		switch {
		case o == nil:
		case slices.ContainsFunc(templates, o.Is):
			known = append(known, o)
		case rel.Attr("typeCode") == "SUBJ":
			others = append(others, o)
		}
	}
	if len(known) == 0 {
		known = others
	}
	for _, o := range known {
		f(o)
	}
	if len(known) == 0 && act.Null() == "" {
		m.left(act, "a concern without an observation")
	}
}

func (m *mapping) observed(s, e *cda.Element) {
	switch {
	case e.Is(allergyObservation), e.Is(substanceAllergy):
		m.allergy(nil, e)
	case e.Is(problemObservation), e.Is(ukDiagnosis):
		m.problem(s, nil, e)
	case e.Is(procedureObs):
		m.procedure(e)
	case e.Is(goalObservation), e.Attr("moodCode") == "GOL":
		m.goal(e)
	case e.Is(ukTypeList):
		// An index of the other entries.
	case e.Is(ukPermission):
		m.left(e, "permission to view, as the sender recorded it")
	case e.Is(familyObservation), e.Is(advanceDirective):
		m.left(e, "an observation of a kind that is not mapped")
	case planned(e):
		m.request(e)
	default:
		m.observation(s, e, nil)
	}
}

func (m *mapping) organizer(s, e *cda.Element) {
	switch {
	case e.Is(resultOrganizer):
		m.report(s, e)
	case e.Is(ukBloodPressure):
		m.panel(e)
	case e.Is(familyOrganizer), e.Is(careTeamOrganizer), e.Is(advanceOrganizer):
		m.left(e, "an organizer of a kind that is not mapped")
	default:
		some := false
		for _, c := range e.All("component") {
			if o := c.First("observation"); o != nil {
				if o.First("effectiveTime") == nil && e.First("effectiveTime") != nil {
					m.observation(s, o, e)
				} else {
					m.entry(s, o)
				}
				some = true
			}
			if p := c.First("procedure"); p != nil {
				m.entry(s, p)
				some = true
			}
		}
		if !some {
			m.left(e, "an organizer without observations")
		}
	}
}

// planned says whether a statement is of what is to be done.
func planned(e *cda.Element) bool {
	switch e.Attr("moodCode") {
	case "INT", "RQO", "PRP", "PRMS", "ARQ", "APT":
		return true
	}
	return false
}

// intent is a mood as the intent of a request, "plan" of an intention.
func intent(e *cda.Element) string {
	switch e.Attr("moodCode") {
	case "RQO":
		return "order"
	case "PRP":
		return "proposal"
	}
	return "plan"
}

// negated says whether the statement is that it is not so.
func negated(e *cda.Element) bool { return e.Attr("negationInd") == "true" }

// status is an act's state by FHIR's name in the list; fallback where it says
// nothing that the list knows.
func (r *resource) status(e *cda.Element, names map[string]string, fallback string) string {
	code := e.First("statusCode").Attr("code")
	if s := names[code]; s != "" {
		r.from("status", e.First("statusCode").AttrPlace("code"))
		return s
	}
	return fallback
}

// note is an entry's comment: the Comment Activity in it.
func (r *resource) notes() {
	var list []fhir.Object
	for _, rel := range r.e.All("entryRelationship") {
		act := rel.First("act")
		if act.Is("2.16.840.1.113883.10.20.22.4.64") || act.First("code").Attr("code") == "48767-8" {
			if text, place := r.m.referred(act.First("text")); text != "" {
				r.from("note["+itoa(len(list))+"].text", place)
				list = append(list, fhir.Object{"text": text})
			}
		}
	}
	r.body["note"] = list
}
