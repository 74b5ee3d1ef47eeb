// Package classify says what is stored beside a resource for the predicate
// and the index: its data set, its labels, its clinical time, whether its
// status is final, and the tokens that it is found by. It is pure, and decides
// nothing about who may see what.
package classify

import (
	"strings"
	"time"

	"selda/fhir"
	"selda/fhir/search"
	"selda/mpi/fold"
	"selda/nhs"
	"selda/policy"
	"selda/relationship"
)

// Class is what is said of one resource.
type Class struct {
	DataSet  policy.DataSet
	Labels   policy.Labels
	Final    bool
	When     time.Time // zero where it has no clinical time
	Reported time.Time // when a result or document was issued (G10); zero where it does not say
	Visit    string    // the encounter that it is of, "Encounter/id"; "" for none
	Tokens   []string
	Ordered  []search.Ordered
}

// By is what resources are classified by. The zero By has R4's parameters, and the
// lists of the box.
type By struct {
	Parameters *search.Parameters
	Lists      *Lists
}

// Index is the number of what Tokens and Ordered mean: an index that was made under
// another is made again, and what is there is labelled again. It goes up with the
// lists of the box, too.
const Index = 14

// Sensitive are the lists to label by.
func (b By) Sensitive() *Lists {
	if b.Lists == nil {
		return Box()
	}
	return b.Lists
}

// Of classifies a resource of a source.
func Of(r *fhir.Resource, source nhs.Source, by By) Class {
	ps := by.Parameters
	if ps == nil {
		ps = search.R4()
	}
	c := Class{DataSet: dataSet(r), Labels: LabelsOf(r, source, by.Sensitive()), Final: final(r), When: when(r), Visit: strings.Clone(Visit(r))}
	c.Tokens, c.Ordered = append(tokens(r, ps), relationship.Tokens(r, source)...), ps.Ordered(r)
	if c.Labels&Sensitive != 0 {
		c.Tokens = append(c.Tokens, toldTokens(c.Labels&Sensitive&^Stated(r))...)
	}
	if c.DataSet == policy.Results || c.DataSet == policy.Documents {
		for _, name := range []string{"issued", "date"} {
			if t, ok := fhir.Time(r.Get(name).Text()); ok {
				c.Reported = t
				break
			}
		}
	}
	return c
}

var byType = map[string]policy.DataSet{
	"Patient": policy.Demographics, "RelatedPerson": policy.Demographics, "Person": policy.Demographics, "Coverage": policy.Demographics,
	"Condition": policy.Problems, "AllergyIntolerance": policy.Allergies, "AdverseEvent": policy.Allergies,
	"MedicationRequest": policy.Medications, "MedicationStatement": policy.Medications, "MedicationDispense": policy.Medications,
	"MedicationAdministration": policy.Medications, "Medication": policy.Medications,
	"DiagnosticReport": policy.Results, "Specimen": policy.Results, "ImagingStudy": policy.Results, "Media": policy.Results,
	"Immunization": policy.Immunisations, "ImmunizationRecommendation": policy.Immunisations,
	"Procedure": policy.Procedures, "DeviceUseStatement": policy.Procedures,
	"Encounter": policy.Encounters, "EpisodeOfCare": policy.Encounters,
	"DocumentReference": policy.Documents, "Composition": policy.Documents, "Binary": policy.Documents, "DocumentManifest": policy.Documents,
	"CarePlan": policy.Plans, "Goal": policy.Plans, "DetectedIssue": policy.Alerts,
	"ServiceRequest": policy.Referrals, "Task": policy.Referrals, "CommunicationRequest": policy.Referrals,
	"Appointment": policy.Appointments, "AppointmentResponse": policy.Appointments, "Schedule": policy.Directory, "Slot": policy.Directory,
	"CareTeam": policy.CareTeam, "Consent": policy.Preferences,
	"Organization": policy.Directory, "Practitioner": policy.Directory, "PractitionerRole": policy.Directory, "Location": policy.Directory,
	"HealthcareService": policy.Directory, "Endpoint": policy.Directory, "OrganizationAffiliation": policy.Directory,
}

func dataSet(r *fhir.Resource) policy.DataSet {
	for _, t := range r.Root().List("meta", "tag") {
		if t.Get("system").Is(policy.DataSetSystem) {
			if d := policy.ParseDataSet(t.Get("code").Text()); d != policy.NoDataSet {
				return d
			}
		}
	}
	switch r.Type {
	case "Observation":
		return observation(r)
	case "Flag":
		return flag(r)
	}
	if d, ok := byType[r.Type]; ok {
		return d
	}
	return policy.Other
}

// observation tells results from what was observed at the bedside.
// https://terminology.hl7.org/CodeSystem-observation-category.html
func observation(r *fhir.Resource) policy.DataSet {
	for _, c := range r.Root().List("category") {
		for _, g := range c.List("coding") {
			switch g.Get("code").Text() {
			case "laboratory", "imaging":
				return policy.Results
			}
		}
	}
	return policy.Observations
}

// flag tells an alert, which says how to deal with a person, from one that is a
// plan in short: a decision about resuscitation is not for a call handler (G12).
// https://terminology.hl7.org/CodeSystem-flag-category.html
func flag(r *fhir.Resource) policy.DataSet {
	for _, c := range r.Root().List("category") {
		for _, g := range c.List("coding") {
			if g.Get("code").Is("advance-directive") {
				return policy.Plans
			}
		}
	}
	return policy.Alerts
}

// LabelsOf are the labels of a resource: what its source says of it, or of all
// that it sends, and what the lists find in it.
func LabelsOf(r *fhir.Resource, source nhs.Source, lists *Lists) policy.Labels {
	stated := Stated(r)
	if r.Type == "Patient" || r.Type == "RelatedPerson" {
		// Here R and V say that the address is withheld: such people are found, and
		// show no place (record.Placeless). They hide nobody.
		stated &^= policy.Restricted | policy.VeryRestricted
	}
	return stated | marks(r) | lists.OfSource(source) | lists.Content(r) | lists.teamOf(r, source)
}

// marks are those of the categories that an application's scopes may name.
func marks(r *fhir.Resource) (l policy.Labels) {
	for _, c := range r.Root().List("category") {
		for _, g := range c.List("coding") {
			l |= policy.CategoryMark(r.Type, g.Get("system").Text(), g.Get("code").Text())
		}
	}
	return l
}

// Stated are the labels that stand in a resource itself: of a document also what it says
// of the document that it is about.
func Stated(r *fhir.Resource) (l policy.Labels) {
	for _, s := range r.Root().List("meta", "security") {
		l |= statedBy(s)
	}
	switch r.Type {
	case "DocumentReference":
		for _, label := range r.Root().List("securityLabel") {
			for _, s := range label.List("coding") {
				l |= statedBy(s)
			}
		}
	case "Composition":
		l |= confidential(r.Get("confidentiality").Text())
	}
	return l
}

func statedBy(s fhir.Node) policy.Labels {
	switch code := s.Get("code").Text(); s.Get("system").Text() {
	case policy.LabelSystem:
		return policy.ParseLabel(code)
	case policy.ConfidentialitySystem, "http://hl7.org/fhir/v3/Confidentiality":
		return policy.ParseLabel(code) | confidential(code)
	case "http://terminology.hl7.org/CodeSystem/v3-ActCode", "http://hl7.org/fhir/v3/ActCode":
		return actCodes[code]
	}
	return 0
}

// confidential is the label of a code of v3-Confidentiality.
func confidential(code string) policy.Labels {
	return policy.ParseLabel(code)&(policy.Restricted|policy.VeryRestricted) | withdrawn[code]
}

// withdrawn are codes that v3-Confidentiality had, and that documents still have: by kind;
// for clinicians (D) or those named (I) alone; of a well-known person (C); to be kept by the
// patient's wish (S); and taboo (T), which the patient learns from their doctor alone (G10).
var withdrawn = map[string]policy.Labels{"HIV": policy.HIVSTI, "ETH": policy.SubstanceMisuse, "PSY": policy.MentalHealthDetail, "SDV": policy.DomesticAbuse,
	"D": policy.Restricted, "I": policy.Restricted, "C": policy.Restricted, "S": policy.Restricted, "T": policy.Restricted | policy.NotVisibleOnline}

// actCodes are HL7's codes of sensitivity, and GP Connect's mark of what is not
// for the patient, as labels.
// https://terminology.hl7.org/ValueSet-v3-InformationSensitivityPolicy.html
var actCodes = map[string]policy.Labels{
	"HIV": policy.HIVSTI, "STD": policy.HIVSTI, "SEX": policy.SexualHealth,
	"ETH": policy.SubstanceMisuse, "ETHUD": policy.SubstanceMisuse, "SUD": policy.SubstanceMisuse, "OPIOIDUD": policy.SubstanceMisuse,
	"PSY": policy.MentalHealthDetail, "PSYTHPN": policy.MentalHealthDetail, "MH": policy.MentalHealthDetail, "BH": policy.MentalHealthDetail,
	"SDV": policy.DomesticAbuse, "VIO": policy.DomesticAbuse,
	"NOPAT": policy.NotVisibleOnline,
}

func final(r *fhir.Resource) bool {
	switch s := r.Get("status"); r.Type {
	case "Observation", "DiagnosticReport":
		return s.Is("final") || s.Is("amended") || s.Is("corrected") || s.Is("appended")
	case "DocumentReference", "Composition":
		return !r.Get("docStatus").Is("preliminary") && !s.Is("preliminary")
	}
	return true
}

// whens are where each type has its clinical time, best first; a Period counts by its start.
var whens = []string{"effectiveDateTime", "effectivePeriod", "effectiveInstant", "onsetDateTime", "onsetPeriod", "performedDateTime", "performedPeriod",
	"occurrenceDateTime", "occurrencePeriod", "period", "start", "authoredOn", "date", "whenHandedOver", "issued", "recordedDate", "dateAsserted",
	"created", "dateTime", "servicedPeriod", "billablePeriod", "context"}

func when(r *fhir.Resource) time.Time {
	for _, name := range whens {
		n := r.Get(name)
		if n.IsObject() {
			if name == "context" {
				n = n.Get("period")
			}
			n = n.Get("start")
		}
		if n.IsString() {
			if t, ok := fhir.Time(n.Text()); ok {
				return t
			}
		}
	}
	return time.Time{}
}

// tokens are what a resource says that it is found by across citizens: those of
// the search parameters, and for the pages those of a Patient's demographics and
// of an organisation's code.
func tokens(r *fhir.Resource, ps *search.Parameters) []string {
	var out []string
	switch r.Type {
	case "Patient":
		out = patientTokens(r)
	case "Organization":
		for _, id := range r.Root().List("identifier") {
			if v := id.Get("value").Text(); v != "" {
				out = append(out, Identifier(id.Get("system").Text(), v))
			}
		}
	}
	return append(out, ps.Tokens(r)...)
}

func patientTokens(r *fhir.Resource) []string {
	var out []string
	for _, n := range r.Root().List("name") {
		if f := fold.Name(n.Get("family").Text()); f != "" {
			out = append(out, Family(f))
		}
		for _, g := range n.List("given") {
			for _, w := range strings.Fields(g.Text()) {
				if f := fold.Name(w); f != "" {
					out = append(out, Given(f))
				}
			}
		}
	}
	if b := r.Get("birthDate").Text(); b != "" {
		out = append(out, BirthDate(b))
	}
	for _, a := range r.Root().List("address") {
		if p := nhs.Postcode(a.Get("postalCode").Text()); p != "" {
			out = append(out, Postcode(p))
		}
	}
	for _, id := range r.Root().List("identifier") {
		if v := id.Get("value").Text(); v != "" {
			out = append(out, Value(v), Identifier(id.Get("system").Text(), v))
		}
	}
	if r.Get("deceasedBoolean").Bool() || r.Get("deceasedDateTime").Exists() {
		out = append(out, "deceased")
	}
	return out
}

// The tokens of a Patient. Names are folded.

// Family is the token of a family name.
func Family(folded string) string { return "family:" + folded }

// Given is the token of one given name.
func Given(folded string) string { return "given:" + folded }

// BirthDate is the token of a birth date, YYYY-MM-DD.
func BirthDate(d string) string { return "born:" + d }

// Postcode is the token of a postcode in its usual form.
func Postcode(p string) string { return "post:" + p }

// Value is the token of an identifier's value in any system.
func Value(v string) string { return "value:" + strings.ToUpper(strings.ReplaceAll(v, " ", "")) }

// Identifier is the token of an identifier.
func Identifier(system, v string) string { return "id:" + system + "|" + v }
