package auth

import (
	_ "embed"
	"html/template"
	"net/http"
	"strings"

	"selda/auth/provider"
	"selda/policy"
)

//go:embed connect.html
var connectHTML string

var connectTemplate = template.Must(template.New("connect").Parse(connectHTML))

// connectPage is what a screen shows.
type connectPage struct {
	Title, Stylesheet, App, Action, Error string
	Redirect                              string // where the browser goes next
	// Whose record.
	Search, Looked bool
	Text           string
	Patients       []Patient
	// The decision.
	Consent, Citizen, Keeps, Online, Name bool
	Owner, Contact, About, Until, Self    string
	For                                   string // the purpose, of people who have several
	Patient                               *Patient
	Scopes                                []scopeRow
}

// scopeRow is one scope, and what it means.
type scopeRow struct{ Value, Words string }

func (a *Auth) page(w http.ResponseWriter, status int, p connectPage) {
	p.Stylesheet = a.conf.Stylesheet
	provider.Render(w, status, p.Redirect, connectTemplate, p)
}

// kinds are what people call the resources of a type.
var kinds = map[string]string{
	policy.AnyType: "everything in the record", "Patient": "name, date of birth, address and NHS number", "Observation": "test results and measurements",
	"DiagnosticReport": "reports of tests", "Condition": "health conditions", "AllergyIntolerance": "allergies", "MedicationRequest": "prescribed medicines",
	"MedicationStatement": "medicines being taken", "MedicationDispense": "medicines that were handed out", "MedicationAdministration": "medicines that were given",
	"Medication": "details of medicines", "Immunization": "vaccinations", "Procedure": "operations and procedures", "Encounter": "visits and stays in hospital",
	"DocumentReference": "letters and documents", "Binary": "the files of letters and documents", "Composition": "documents", "CarePlan": "care plans", "Goal": "goals of care",
	"CareTeam": "the care team", "Appointment": "appointments", "ServiceRequest": "referrals and requests", "Consent": "sharing choices", "RelatedPerson": "family and carers",
	"Practitioner": "names of staff", "PractitionerRole": "roles of staff", "Organization": "names of hospitals and practices", "Location": "places of care", "Flag": "alerts",
}

// categoryWords are what people call categories.
var categoryWords = map[string]string{"laboratory": "laboratory tests", "vital-signs": "vital signs, such as blood pressure", "social-history": "smoking, alcohol and the like", "survey": "questionnaires",
	"imaging": "scans", "exam": "examinations", "procedure": "from procedures", "therapy": "from treatments", "activity": "physical activity",
	"problem-list-item": "on the list of problems", "encounter-diagnosis": "diagnosed at a visit", "health-concern": "health concerns", "clinical-note": "notes by clinicians"}

// scopeWords say a scope in plain words.
func scopeWords(s policy.Scope, citizen bool) string {
	what, known := kinds[s.Type]
	if !known {
		what = "records of the kind " + s.Type
	}
	if s.Marks != 0 {
		var only []string
		_, query, _ := strings.Cut(s.String(), "?category=")
		for c := range strings.SplitSeq(query, ",") {
			only = append(only, categoryWords[c])
		}
		what += ": only " + strings.Join(only, "; ")
	}
	var do []string
	if s.Do&(policy.ToRead|policy.ToSearch) != 0 {
		do = append(do, "See")
	}
	if s.Do&policy.ToCreate != 0 {
		do = append(do, "Add")
	}
	if s.Do&policy.ToUpdate != 0 {
		do = append(do, "Change")
	}
	if s.Do&policy.ToDelete != 0 {
		do = append(do, "Delete")
	}
	for i := range do[1:] {
		do[i+1] = strings.ToLower(do[i+1])
	}
	verb := strings.Join(do, ", ")
	if i := strings.LastIndex(verb, ", "); i > 0 {
		verb = verb[:i] + " and " + verb[i+2:]
	}
	whose := ""
	if s.Level == policy.UserLevel && !citizen {
		whose = " – of every patient whose record you may open"
	}
	return verb + " " + what + whose
}
