package testenv

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"selda/fhir"
	"selda/internal/oracle"
	"selda/nhs"
	"selda/policy"
)

// judged is one citizen of the test against the oracle: what was sent of them, what
// is agreed, who asks and what they say.
type judged struct {
	number   nhs.Number
	key      string
	born     string
	sources  []nhs.Source
	stages   [2][]word     // what is sent, then what is sent later
	wait     time.Duration // between them
	reviewed []string      // "Observation/…", between them
	since    time.Duration // and after
	files    []string
	lastly   []word // what the citizen says, and sources once more
	readers  []asker

	together bool              // what comes first comes in one message of each source
	limits   map[string]string // what organisations set for their own staff
	member   bool              // of the team of psychology
	severed  nhs.Source        // whose identity of the citizen is severed; "": none
	acting   map[string]string // as what accounts act for the citizen
	whole    bool              // so that a parent sees all
	ends     bool
	assessed string // what a clinician found of whether they can decide
	refuted  bool   // the practice finds a stated death to be wrong
	// restricted is what the person has the use of stopped; nil: nothing.
	restricted *policy.Restraint
	over       bool // and it is over
}

// word is one thing that a source sends.
type word struct {
	source  nhs.Source
	typ, id string
	body    fhir.Object // nil: deleted
}

// asker is somebody who asks, and what they say first: "declare", a reason, or nothing.
type asker struct {
	user   string
	says   []string
	scopes []string // of the application through which they ask; nil: none
	// purpose is one that they chose; "": what they have by themselves.
	purpose nhs.Purpose
}

var (
	judgedSources = []nhs.Source{"RJ1:API", "RJZ:PAS", "G85915:GP", "RRU:CAD", "708:ASC", "RN7:EPR"}
	judgedLabels  = []string{"sexual-health", "hiv-sti", "termination", "fertility", "gender-recognition", "adoption", "fgm", "substance-misuse", "domestic-abuse", "convictions", "mental-health-detail", "third-party", "safeguarding", "not-visible-online", "safety-plan", "R", "V", "N"}
	judgedUsers   = []string{"gp", "doctor", "visitor", "nurse", "pharmacist", "social", "handler", "advisor", "paramedic", "reception", "hospice", "judged-citizen", "judged-citizen", "judged-proxy", "judged-proxy", "judged-helper", "judged-helper", "system", "privacy", "guardian", "analyst", "admin", "engineer", "governance"}
	judgedTypes   = []string{"Observation", "Observation", "Condition", "Condition", "AllergyIntolerance", "MedicationRequest", "DocumentReference", "Flag", "CarePlan", "DiagnosticReport", "Procedure", "ServiceRequest", "Encounter", "Immunization", "Appointment", "MedicationDispense", "CareTeam", "EpisodeOfCare"}
	judgedKinds   = []string{"demographics", "problems", "medications", "allergies", "results", "observations", "immunisations", "procedures", "encounters", "documents", "plans", "alerts", "referrals", "appointments", "social-care", "care-team", "preferences", "other"}
	judgedOrgs    = []string{"RJ1", "RJZ", "G85915", "RRU", "708", "RN7", "8HX01"}
	judgedReasons = []string{"emergency", "vital-interests", "public-interest", "safeguarding", "statute", "court-order"}
	judgedScopes  = []string{"*.rs", "Observation.rs", "Observation.r", "Condition.rs", "Patient.r", "Observation.rs?category=laboratory", "Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs", "*.s", "DocumentReference.read", "*.cruds"}
)

// sensitiveCodes are some that the lists have, and some that they have not.
var sensitiveCodes = []fhir.Object{
	concept(sct, "86406008", "x"), concept(icd, "B20.1", "x"), concept(icd, "F10.2", "x"), concept(icd, "O04.9", "x"), concept(sct, "52637005", "x"), concept(icd, "Z65.1", "x"), concept(sct, "881081000000100", "x"),
	concept(sct, "836881000000105", "x"), concept(sct, "902961000000107", "x"), concept("", "", "IVF treatment"), concept("", "", "Seen at the adoption panel"), concept("", "", "MARAC meeting"),
	concept(icd, "F32.1", "Depressive episode"), concept("", "", "BLEEDING GUM"), concept(icd, "F17.2", "Smoker"),
}

func concept(system, code, words string) fhir.Object {
	if code == "" {
		return fhir.Concept(words)
	}
	return fhir.Concept(words, fhir.Coding(system, code, ""))
}

func pick[T any](t *rapid.T, list []T, what string) T { return rapid.SampledFrom(list).Draw(t, what) }

// oneIn is true of one in n.
func oneIn(t *rapid.T, n int, what string) bool { return rapid.IntRange(1, n).Draw(t, what) == n }

func org(code string) fhir.Object {
	return fhir.Object{"identifier": fhir.Object{"system": nhs.ODSSystem, "value": code}}
}

// drawJudged draws a citizen, and who asks.
func drawJudged(t *rapid.T, serial int, now time.Time) *judged {
	j := &judged{number: testNumber(serial), key: fmt.Sprintf("j%d", serial)}
	j.born = now.AddDate(-pick(t, []int{3, 10, 11, 12, 15, 16, 40, 70, 75, 90}, "age"), 0, pick(t, []int{-40, -1, 0, 1, 40}, "birthday")).Format(time.DateOnly)
	j.wait = pick(t, []time.Duration{time.Second, 3 * time.Hour, 11 * time.Hour, 26 * time.Hour, 6 * 24 * time.Hour}, "wait")
	j.since = pick(t, []time.Duration{time.Second, time.Second, 11 * time.Hour, 13 * time.Hour, 26 * time.Hour, 7*24*time.Hour - 2*time.Second, 7 * 24 * time.Hour, 29 * 24 * time.Hour}, "since")
	j.sources = append(j.sources, judgedSources[2]) // the practice's, or another
	for _, s := range judgedSources {
		if s != j.sources[0] && rapid.Bool().Draw(t, "source") {
			j.sources = append(j.sources, s)
		}
	}
	if oneIn(t, 4, "no practice") && len(j.sources) > 1 {
		j.sources = j.sources[1:]
	}
	for i := range j.sources {
		j.stages[0] = append(j.stages[0], j.person(t, i, now, false))
	}
	var refs []string
	at := now.Add(j.wait + j.since)
	for i := range rapid.IntRange(3, 10).Draw(t, "items") {
		s, typ := rapid.IntRange(0, len(j.sources)-1).Draw(t, "of"), pick(t, judgedTypes, "type")
		id := fmt.Sprintf("%s-i%d", j.key, i)
		deleted := true
		for v := range pick(t, []int{1, 1, 1, 2, 3}, "versions") {
			x := word{source: j.sources[s], typ: typ, id: id}
			if deleted = !deleted && oneIn(t, 6, "deleted"); !deleted {
				x.body = j.item(t, s, typ, id, v, at, refs)
			}
			stage := 0
			if v > 0 || oneIn(t, 3, "later") {
				stage = 1
			}
			j.stages[stage] = append(j.stages[stage], x)
		}
		refs = append(refs, typ+"/"+id)
		if oneIn(t, 4, "reviewed") && (typ == "Observation" || typ == "DiagnosticReport" || typ == "DocumentReference") {
			j.reviewed = append(j.reviewed, typ+"/"+id)
		}
	}
	for i := range pick(t, []int{0, 0, 1, 1, 2}, "choices") {
		j.lastly = append(j.lastly, j.choice(t, i, at, refs))
	}
	if oneIn(t, 10, "dies") {
		j.lastly = append(j.lastly, j.person(t, 0, now, true))
		if oneIn(t, 3, "and does not") {
			j.lastly = append(j.lastly, j.person(t, 0, now, false))
		}
	}
	j.drawDecided(t)
	j.files = drawAgreements(t, at)
	for range 3 {
		j.readers = append(j.readers, drawAsker(t))
	}
	return j
}

// drawDecided draws what the practice, and the organisations of the readers, decide.
func (j *judged) drawDecided(t *rapid.T) {
	j.together, j.member = oneIn(t, 3, "in one message"), rapid.Bool().Draw(t, "of the team")
	j.whole, j.ends = rapid.Bool().Draw(t, "sees all"), oneIn(t, 4, "acts until")
	j.refuted = oneIn(t, 2, "found wrong")
	j.assessed = pick(t, []string{"", "able", "lacking"}, "assessed")
	j.acting = map[string]string{"judged-helper": pick(t, []string{"parental-responsibility", "own-wish", "attorney", "deputy"}, "acts as")}
	if oneIn(t, 8, "severed") && len(j.sources) > 1 {
		j.severed = pick(t, j.sources[1:], "from")
	}
	if oneIn(t, 4, "restricted") {
		j.restricted = &policy.Restraint{}
		switch source := pick(t, j.sources, "of"); rapid.IntRange(0, 3).Draw(t, "as a whole") {
		case 0:
			j.restricted.Source = source
		case 1:
			j.restricted.Organisation = source.Organisation()
		default:
			for range rapid.IntRange(1, 3).Draw(t, "items of it") {
				x := pick(t, append(slices.Clone(j.stages[0]), j.stages[1]...), "one")
				j.restricted.Items = append(j.restricted.Items, policy.Item{Type: x.typ, ID: x.id})
			}
		}
		j.over = oneIn(t, 4, "over")
	}
	j.limits = map[string]string{"RJZ": drawSeals(t, "pharmacist"), "G85915": drawSeals(t, "nurse")}
}

// drawSeals draws a file of what an organisation keeps from its own staff.
func drawSeals(t *rapid.T, others string) string {
	file := "teams:\n  - {name: Psychology, groups: [\"655694018104\"], wrote: [\"656\"]}\n  - {name: Imaging, wrote: [\"810\"]}\nseals:\n"
	for i := range pick(t, []int{0, 1, 2}, "seals") {
		whom := pick(t, []string{"teams: [Psychology]", "teams: [Imaging]", "roles: [" + others + "]", "roles: [nurse], teams: [Psychology]"}, "who sees it")
		what := pick(t, []string{"data-sets: [documents, procedures]", "data-sets: [results]", "data-sets: [problems, medications], of: [Psychology]", "labels: [sexual-health, mental-health-detail, R]", "of: [Psychology]", "of: [Psychology, Imaging], labels: [hiv-sti, V]"}, "what is sealed")
		file += fmt.Sprintf("  - {id: s%d, title: Drawn, %s, %s, reason: test}\n", i, whom, what)
	}
	return file
}

// drawPurpose draws what a professional acts for: in most cases what their role does.
func drawPurpose(t *rapid.T) nhs.Purpose {
	return pick(t, []nhs.Purpose{"", "", "", "", "", "", "", "", nhs.RecordAdmin, nhs.RecordAdmin, nhs.RecordAdmin, nhs.Complaint, nhs.Research}, "purpose")
}

func drawAsker(t *rapid.T) asker {
	a := asker{user: pick(t, judgedUsers, "reader"), purpose: drawPurpose(t)}
	switch rapid.IntRange(0, 9).Draw(t, "says") {
	case 0, 1, 2, 3, 4:
		a.says = []string{"declare"}
	case 5, 6, 7:
		a.says = []string{pick(t, judgedReasons, "why")}
	}
	if oneIn(t, 5, "app") {
		level := map[bool]string{true: "system/", false: "patient/"}[a.user == "system"]
		for range rapid.IntRange(1, 3).Draw(t, "scopes") {
			a.scopes = append(a.scopes, level+pick(t, judgedScopes, "scope"))
		}
	}
	return a
}

// person is what a source says of who it is.
func (j *judged) person(t *rapid.T, source int, now time.Time, dead bool) word {
	id := fmt.Sprintf("%s-%d", j.key, source)
	o := fhir.Object{"resourceType": "Patient", "id": id, "identifier": []fhir.Object{{"system": nhs.NumberSystem, "value": j.number.Digits()}}, "name": []fhir.Object{{"family": "Judged", "given": []string{"Ada"}}}, "birthDate": j.born}
	if j.sources[source].Organisation() == "G85915" && oneIn(t, 4, "left") {
		o["active"] = false
	}
	if j.sources[source].Organisation() != "G85915" && oneIn(t, 4, "practice") {
		o["generalPractitioner"] = []fhir.Object{org("G85915")}
	}
	if dead && rapid.Bool().Draw(t, "when") {
		o["deceasedDateTime"] = now.Format(time.DateOnly)
	} else if dead {
		o["deceasedBoolean"] = true
	} else if oneIn(t, 5, "lives") {
		o["deceasedBoolean"] = false
	}
	return word{j.sources[source], "Patient", id, o}
}

// item is a version of an item.
func (j *judged) item(t *rapid.T, source int, typ, id string, version int, at time.Time, refs []string) fhir.Object {
	patient := fhir.Ref(fmt.Sprintf("Patient/%s-%d", j.key, source))
	o := fhir.Object{"resourceType": typ, "id": id, "subject": patient, "identifier": []fhir.Object{{"system": "urn:x", "value": fmt.Sprint(id, " ", version)}}}
	if oneIn(t, 3, "labelled") {
		label := pick(t, judgedLabels, "label")
		system := policy.LabelSystem
		if len(label) == 1 {
			system = policy.ConfidentialitySystem
		}
		o["meta"] = fhir.Object{"security": []fhir.Object{{"system": system, "code": label}}}
	}
	code := concept(sct, pick(t, []string{"271649006", "44054006", "195967001"}, "code"), "words")
	if oneIn(t, 4, "sensitive") {
		code = pick(t, sensitiveCodes, "of")
	}
	day := at.AddDate(0, 0, -rapid.IntRange(0, 40).Draw(t, "days")).Format(time.DateOnly)
	if visits := slices.DeleteFunc(slices.Clone(refs), func(r string) bool { return !strings.HasPrefix(r, "Encounter/") }); len(visits) > 0 && oneIn(t, 3, "of a visit") {
		switch typ {
		case "Observation", "Condition", "Procedure", "DiagnosticReport", "MedicationRequest":
			o["encounter"] = fhir.Ref(pick(t, visits, "visit"))
		}
	}
	j.content(t, o, typ, code, day, at, patient)
	if element := map[string]string{"ServiceRequest": "supportingInfo", "CarePlan": "addresses", "DiagnosticReport": "result", "Observation": "derivedFrom", "MedicationRequest": "reasonReference", "Procedure": "reasonReference"}[typ]; element != "" && len(refs) > 0 && rapid.Bool().Draw(t, "refers") {
		o[element] = []fhir.Object{fhir.Ref(pick(t, refs, "to"))}
	}
	if _, has := o["patient"]; has {
		delete(o, "subject")
		o["patient"] = patient
	}
	return o
}

// content is what each type says.
func (j *judged) content(t *rapid.T, o fhir.Object, typ string, code fhir.Object, day string, at time.Time, patient fhir.Object) {
	status := func(list ...string) { o["status"] = pick(t, list, "status") }
	switch typ {
	case "Observation":
		status("final", "final", "preliminary", "amended")
		o["code"], o["effectiveDateTime"] = code, day
		if c := pick(t, []string{"laboratory", "vital-signs", ""}, "category"); c != "" {
			o["category"] = []fhir.Object{fhir.Concept("", fhir.Coding("http://terminology.hl7.org/CodeSystem/observation-category", c, ""))}
		}
	case "DiagnosticReport":
		status("final", "preliminary", "corrected")
		o["code"], o["effectiveDateTime"] = code, day
		if oneIn(t, 3, "issued") {
			o["issued"] = at.Add(-pick(t, []time.Duration{time.Hour, 7*24*time.Hour - time.Minute, 7 * 24 * time.Hour, 9 * 24 * time.Hour}, "issued")).Format(time.RFC3339)
		}
	case "Condition":
		o["code"], o["recordedDate"] = code, day
	case "AllergyIntolerance":
		o["code"], o["recordedDate"], o["patient"] = code, day, true
	case "MedicationRequest":
		status("active", "stopped")
		o["intent"], o["medicationCodeableConcept"], o["authoredOn"] = "order", code, day
		if oneIn(t, 4, "sent to") {
			o["dispenseRequest"] = fhir.Object{"performer": org(pick(t, judgedOrgs, "to"))}
		}
	case "DocumentReference":
		o["status"], o["type"], o["date"] = "current", code, day+"T10:00:00Z"
		o["content"] = []fhir.Object{{"attachment": fhir.Object{"contentType": "text/plain", "data": "aGVsbG8="}}}
		if oneIn(t, 3, "sent to") {
			o["context"] = fhir.Object{"related": []fhir.Object{org(pick(t, judgedOrgs, "to"))}}
		}
	case "Flag":
		status("active", "inactive")
		o["code"], o["period"] = code, fhir.Object{"start": day}
	case "CarePlan":
		status("active", "completed", "draft")
		o["intent"], o["title"], o["period"] = "plan", pick(t, []string{"Plan", "Crisis plan"}, "title"), fhir.Object{"start": day}
	case "Procedure":
		o["status"], o["code"], o["performedDateTime"] = "completed", code, day
	case "ServiceRequest":
		status("active", "completed", "draft")
		o["intent"], o["code"], o["authoredOn"] = "order", code, day
		if rapid.Bool().Draw(t, "to somebody") {
			o["performer"] = []fhir.Object{org(pick(t, judgedOrgs, "to"))}
		}
	case "Encounter":
		status("planned", "in-progress", "finished", "finished", "cancelled")
		if oneIn(t, 4, "of a team") {
			o["serviceType"] = fhir.Concept("", fhir.Coding("https://kings.example/clinic", "656", ""))
		}
		o["class"], o["type"] = fhir.Coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", "IMP", ""), []fhir.Object{code}
		_, nth, _ := strings.Cut(fmt.Sprint(o["id"]), "-i") // no two begin at once: the last three can be told
		period := fhir.Object{"start": day + "T00:0" + nth[:1] + ":00Z"}
		if o["status"] == "finished" {
			period["end"] = at.Add(-pick(t, []time.Duration{0, 24 * time.Hour, 27 * 24 * time.Hour, 28*24*time.Hour + time.Hour, 60 * 24 * time.Hour}, "ended")).Format(time.RFC3339)
			period["start"] = at.AddDate(0, 0, -90).Format(time.DateOnly) + "T00:0" + nth[:1] + ":00Z"
		}
		o["period"] = period
		if oneIn(t, 3, "provider") {
			o["serviceProvider"] = org(pick(t, judgedOrgs, "at"))
		}
	case "Immunization":
		o["status"], o["vaccineCode"], o["occurrenceDateTime"], o["patient"] = "completed", code, day, true
	case "Appointment":
		status("booked", "arrived", "cancelled", "proposed")
		delete(o, "subject")
		start := at.Add(pick(t, []time.Duration{-24 * time.Hour, 0, 24 * time.Hour}, "when"))
		o["start"], o["end"] = start.Format(time.RFC3339), start.Add(time.Hour).Format(time.RFC3339)
		o["participant"] = []fhir.Object{{"status": "accepted", "actor": patient}, {"status": "accepted", "actor": org(pick(t, judgedOrgs, "with"))}}
	case "MedicationDispense":
		o["status"], o["medicationCodeableConcept"], o["whenHandedOver"] = "completed", code, at.Add(-pick(t, []time.Duration{time.Hour, 30 * time.Hour}, "ago")).Format(time.RFC3339)
	case "CareTeam":
		status("active", "inactive")
		o["managingOrganization"] = []fhir.Object{org(pick(t, judgedOrgs, "of"))}
	case "EpisodeOfCare":
		status("active", "finished", "planned")
		o["patient"], o["managingOrganization"] = true, org(pick(t, judgedOrgs, "of"))
	}
}

// choice is a Consent, of the citizen or as a source asserts it.
func (j *judged) choice(t *rapid.T, i int, at time.Time, refs []string) word {
	x := word{source: "SELDA:ME", typ: "Consent", id: fmt.Sprintf("%s-c%d", j.key, i)}
	about := fhir.Object{"identifier": fhir.Object{"system": nhs.NumberSystem, "value": j.number.Digits()}}
	if oneIn(t, 5, "asserted") {
		x.source, about = j.sources[0], fhir.Ref("Patient/"+j.key+"-0")
	}
	x.body = drawChoice(t, x.id, about, at, refs)
	return x
}

// drawAgreements are up to three files; in most cases one shares all with all.
func drawAgreements(t *rapid.T, at time.Time) (files []string) {
	day := func(days int) string { return at.AddDate(0, 0, days).Format(time.DateOnly) }
	moment := func(d time.Duration) string { return at.Add(d).Format(time.RFC3339) }
	parties := func(list []string, most int) string {
		var some []string
		for range rapid.IntRange(1, most).Draw(t, "parties") {
			if p := pick(t, list, "party"); !slices.Contains(some, p) {
				some = append(some, p)
			}
		}
		b, _ := json.Marshal(some)
		return strings.ReplaceAll(string(b), ",", ", ")
	}
	from := append([]string{"all", "all", "all", "trusts", "RJ1:API", "G85915:GP"}, judgedOrgs...)
	with := append([]string{"all", "all", "all", "trusts"}, judgedOrgs...)
	for i := range 3 {
		var b strings.Builder
		say := func(format string, values ...any) { fmt.Fprintf(&b, format+"\n", values...) }
		begins, ends := -400, 400
		if oneIn(t, 6, "not yet") {
			begins = pick(t, []int{-1, 0, 1}, "begins")
		}
		if oneIn(t, 4, "over") {
			ends = pick(t, []int{-30, -1, 0, 1}, "ends")
			begins = min(begins, ends)
		}
		say("agreement: drawn-%d   # one of those of this citizen\ntitle: Drawn", i)
		say("purposes: [%s]", pick(t, []string{"direct-care, emergency, citizen-access", "direct-care, emergency, citizen-access", "direct-care", "citizen-access", "emergency", "direct-care, citizen-access"}, "purposes"))
		say("begins: %s\nends: %s", day(begins), day(ends))
		say("basis:\n  data-protection: UK GDPR Art 6(1)(e) and 9(2)(h)\n  confidentiality: implied consent\nauthority: the duty to share\ncontact: somebody\ngroups:\n  trusts: [RJ1, RJZ, RN7]\nshares:")
		for range rapid.IntRange(1, 2).Draw(t, "shares") {
			if i == 0 && oneIn(t, 2, "whole") {
				say("  - from: [all]\n    kinds: [all]\n    with: [all]")
				continue
			}
			say("  - from: %s", parties(from, 3))
			if oneIn(t, 3, "not") {
				say("    kinds: [all]\n    not: %s", parties(judgedKinds, 2))
			} else {
				say("    kinds: %s", parties(append([]string{"all", "all", "all", "all", "all"}, judgedKinds...), 4))
			}
			say("    with: %s", parties(with, 3))
			if oneIn(t, 4, "roles") {
				say("    roles: %s", parties([]string{"gp", "nurse", "hospital-doctor", "pharmacist", "paramedic", "social-worker"}, 3))
			}
			if oneIn(t, 4, "citizens") {
				say("    citizens:\n      from-age: %d\n      to-age: %d", pick(t, []int{1, 11, 16, 70}, "from"), pick(t, []int{75, 120}, "to"))
				if oneIn(t, 2, "registered") {
					say("      registered: [G85915]")
				}
			}
		}
		say("signed:")
		if oneIn(t, 2, "jointly") {
			say("  - {organisation: QKK, name: C, office: lead, signed: %s, for: [all]}", day(begins))
		} else {
			for _, o := range judgedOrgs[:6] {
				if oneIn(t, 3, "signs") {
					say("  - organisation: %s\n    name: C\n    office: guardian\n    signed: %s", o, pick(t, []string{day(-20), day(0), moment(-time.Second), moment(time.Hour), day(1)}, "on"))
				}
			}
			say("  - {organisation: RJ1, name: C, office: guardian, signed: %s, for: [RJ1, RRU]}", day(-5))
		}
		if oneIn(t, 4, "suspended") {
			say("suspended:\n  - from: %s\n    since: %s", parties(append([]string{"all"}, judgedOrgs[:6]...), 2), pick(t, []string{moment(-time.Hour), moment(time.Hour), moment(-48 * time.Hour)}, "since"))
			if oneIn(t, 2, "lifted") {
				say("    until: %s", pick(t, []string{moment(-time.Minute), moment(24 * time.Hour), moment(2 * time.Hour)}, "until"))
			}
			say("    reason: a feed that mixed people up")
		}
		if oneIn(t, 10, "withdrawn") {
			say("withdrawn: %s", pick(t, []string{day(-1), day(0), day(1), moment(time.Hour), moment(-time.Hour)}, "when"))
		}
		files = append(files, b.String())
	}
	return files
}

// sent is what the oracle is told of something said.
func sent(x word, order int, at time.Time) oracle.Sent {
	s := oracle.Sent{Source: string(x.source), Order: order, At: at, Type: x.typ, ID: x.id}
	if x.body != nil {
		if err := json.Unmarshal(fhir.Marshal(x.body), &s.Body); err != nil {
			panic(err)
		}
	}
	return s
}
