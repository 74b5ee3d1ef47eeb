package testenv

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"selda/cmd/selda/region"
	"selda/ingest"
	"selda/ingest/classify"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// said are the labels that say something of an item; the others mark its category.
const said = classify.Sensitive | policy.SafetyPlan | policy.NotVisibleOnline | policy.Restricted | policy.VeryRestricted

// everything is what a test looks at the store itself by.
var everything = &policy.Predicate{Permit: true, Everything: true}

// arrives sends a message of a source through a door, and gives what became of it.
func (o *outside) arrives(source nhs.Source, format, call, body string) []ingest.Item {
	o.Helper()
	r, err := o.Region.Ingest.Submit(o.Context(), &ingest.Raw{Source: source, Format: format, Door: "test", Call: call, Body: []byte(body)})
	if err != nil {
		o.Fatal(err)
	}
	out, err := r.Committed(o.Context())
	if err != nil || out.Err != nil {
		o.Fatal(err, out.Err)
	}
	return out.Items
}

// labelsOf are the labels of each kind of resource that a message made.
func (o *outside) labelsOf(items []ingest.Item) map[string]policy.Labels {
	o.Helper()
	found := map[string]policy.Labels{}
	for _, i := range items {
		v, err := o.Region.Store.Read(o.Context(), i.Type, i.ID, store.Latest, everything)
		if err != nil {
			o.Fatal(err)
		}
		found[i.Type] |= v.Labels & said
	}
	return found
}

// labelsOfExtract are the labels of what an extract of problems makes.
func (o *outside) labelsOfExtract(body string) map[string]policy.Labels {
	o.Helper()
	if sum, err := o.Ingest(o.Context(), ownGP, "csv", "gp-problems", "problems.csv", []byte(body)); err != nil || sum.Stored != 1 {
		o.Fatal(sum, err)
	}
	citizen, err := o.Region.Store.Citizen(o.Context(), o.citizen, store.Latest)
	if err != nil {
		o.Fatal(err)
	}
	found := map[string]policy.Labels{}
	for _, k := range citizen.Subjects {
		all, err := o.Region.Store.Compartment(o.Context(), k.Subject, store.Latest, everything)
		if err != nil {
			o.Fatal(err)
		}
		for _, v := range all {
			found[v.Type] |= v.Labels & said
		}
	}
	return found
}

// feeds has the sources of a feeds file be what it says of them.
func (o *outside) feeds(text string) {
	o.Helper()
	file := filepath.Join(o.TempDir(), "feeds.yaml")
	err := os.WriteFile(file, []byte(text), 0o600)
	if err == nil {
		var f *region.Feeds
		if f, err = region.ReadFeeds(file); err == nil {
			err = o.Region.Wish(f)
		}
	}
	if err != nil {
		o.Fatal(err)
	}
}

const ownGP = "G85915:GP"

func v2(lines ...string) string { return strings.Join(lines, "\r") + "\r" }

func msh(event, id string) string {
	return `MSH|^~\&|EPR|G85915|SELDA|QKK|20261105080000||` + event + `|` + id + `|P|2.4`
}

const pid = `PID|1||` + folake + `^^^NHS^NH||ADEYEMI^FOLAKE||19511105|F`

func condition(about string) string {
	return `{"resourceType":"Condition","id":"c1","code":{` + about + `},` + atGP + `}`
}

func coded(system, code, words string) string {
	return `"coding":[{"system":"` + system + `","code":"` + code + `"}],"text":"` + words + `"`
}

const sct, icd = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10"

// problems is an extract of a practice's problems with one row.
func problems(code, term string) string {
	return "patient_id,nhs_number,nhs_number_status,surname,forename,dob,sex,problem_id,code,term,status,significance,onset_date,end_date,recorded_date,recorded_by\n77," + folake + ",01,Adeyemi,Folake,1951-11-05,F,p1," + code + "," + term + ",active,major,,,,\n"
}

// cdaProblem is a letter with one coded problem.
func cdaProblem(code, words string) string {
	return `<ClinicalDocument xmlns="urn:hl7-org:v3"><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/><id root="1.2.3" extension="d1"/><code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/><title>Letter</title><effectiveTime value="20261105080000"/><confidentialityCode code="N"/>
<recordTarget><patientRole><id root="2.16.840.1.113883.2.1.4.1" extension="` + folake + `"/><patient><name><given>Folake</given><family>Adeyemi</family></name><administrativeGenderCode code="F"/><birthTime value="19511105"/></patient></patientRole></recordTarget>
<component><structuredBody><component><section><code code="11450-4" codeSystem="2.16.840.1.113883.6.1"/><title>Problems</title><text>x</text>
<entry><act classCode="ACT" moodCode="EVN"><id root="1.2.3.4" extension="a1"/><code code="CONC" codeSystem="2.16.840.1.113883.5.6"/><statusCode code="active"/><effectiveTime><low value="20200101"/></effectiveTime><entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN"><id root="1.2.3.5" extension="o1"/><code code="55607006" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/><effectiveTime><low value="20200101"/></effectiveTime><value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CD" code="` + code + `" codeSystem="2.16.840.1.113883.6.96" displayName="` + words + `"/></observation></entryRelationship></act></entry>
</section></component></structuredBody></component></ClinicalDocument>`
}

// G8: what is sensitive and carries no label gets the label of its class as it comes
// in, through each door; and what came with it and tells of it.
func TestG8SensitiveItemsAreLabelledAtEachDoor(t *testing.T) {
	put := "PUT Condition/c1"
	for _, c := range []struct {
		name, format, call, body string
		typ                      string
		want                     policy.Labels
	}{
		{"HIV, ICD-10 in HL7 v2", ingest.HL7v2, "", v2(msh("ADT^A01^ADT_A01", "1"), pid, "PV1|1|I|W1^^^RJZ||||||||100|||||||||V1", "DG1|1||B20^HIV disease^I10|||A"), "Condition", policy.HIVSTI},
		{"an HIV test in a laboratory's own code", ingest.HL7v2, "", v2(msh("ORU^R01^ORU_R01", "1"), pid, "OBR|1|P1|F1|SER^Serology", "OBX|1|TX|XAB1^HIV 1/2 antibody^L||Not detected||||||F"), "DiagnosticReport", policy.HIVSTI},
		{"chlamydia, SNOMED CT in FHIR", ingest.FHIR, put, condition(coded(sct, "186729003", "x")), "Condition", policy.HIVSTI},
		{"HIV in a letter: the whole letter", ingest.CDA, "", cdaProblem("86406008", "x"), "DocumentReference", policy.HIVSTI},
		{"HIV in an extract", ingest.CSV, "", problems("62479008", "x"), "Condition", policy.HIVSTI},
		{"a visit at a GUM clinic", ingest.HL7v2, "", v2(msh("ADT^A01^ADT_A01", "1"), pid, "PV1|1|O|C1^^^RJZ|||||||360|||||||||V1", "DG1|1||R10^Abdominal pain^I10|||A"), "Condition", policy.SexualHealth},
		{"a medicine for HIV", ingest.FHIR, "PUT MedicationRequest/m1", `{"resourceType":"MedicationRequest","id":"m1","status":"active","intent":"order","medicationCodeableConcept":{"text":"Emtricitabine 200mg / Tenofovir 245mg tablets"},` + atGP + `}`, "MedicationRequest", policy.HIVSTI},
		{"termination, ICD-10", ingest.FHIR, put, condition(coded(icd, "O04.9", "x")), "Condition", policy.Termination},
		{"termination in an extract", ingest.CSV, "", problems("386639001", "x"), "Condition", policy.Termination},
		{"IVF", ingest.FHIR, put, condition(coded(sct, "52637005", "x")), "Condition", policy.Fertility},
		{"gender identity, by ICD-10", ingest.HL7v2, "", v2(msh("ADT^A01^ADT_A01", "1"), pid, "PV1|1|O|||||||||100|||||||||V1", "DG1|1||F64.0^x^I10|||A"), "Condition", policy.GenderRecognition},
		{"adoption, in words", ingest.FHIR, put, condition(`"text":"Adoption medical"`), "Condition", policy.Adoption},
		{"FGM in a letter", ingest.CDA, "", cdaProblem("902961000000107", "x"), "DocumentReference", policy.FGM},
		{"alcohol, ICD-10", ingest.FHIR, put, condition(coded(icd, "F10.2", "x")), "Condition", policy.SubstanceMisuse},
		{"smoking is not of it", ingest.FHIR, put, condition(coded(icd, "F17.2", "x")), "Condition", 0},
		{"domestic abuse", ingest.CSV, "", problems("881081000000100", "x"), "Condition", policy.DomesticAbuse},
		{"a conviction", ingest.FHIR, put, condition(coded(icd, "Z65.1", "x")), "Condition", policy.Convictions},
		{"psychology: the letter", ingest.FHIR, "PUT DocumentReference/d1", `{"resourceType":"DocumentReference","id":"d1","status":"current","content":[{"attachment":{"title":"Letter"}}],"context":{"practiceSetting":{"coding":[{"system":"https://fhir.hl7.org.uk/CodeSystem/UKCore-PracticeSettingCode","code":"656"}]}},` + atGP + `}`, "DocumentReference", policy.MentalHealthDetail},
		{"depression is no detail", ingest.FHIR, put, condition(coded(icd, "F32.1", "Depressive episode")), "Condition", 0},
		{"told by a third party", ingest.FHIR, "PUT Encounter/e1", `{"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"VR"},"type":[{` + coded(sct, "185318008", "x") + `}],` + atGP + `}`, "Encounter", policy.ThirdParty},
		{"safeguarding", ingest.FHIR, put, condition(coded(sct, "836881000000105", "x")), "Condition", policy.Safeguarding},
		{"a crisis plan", ingest.FHIR, "PUT CarePlan/p1", `{"resourceType":"CarePlan","id":"p1","status":"active","intent":"plan","title":"Crisis plan",` + atGP + `}`, "CarePlan", policy.SafetyPlan},
		{"an allergy is never hidden", ingest.FHIR, "PUT AllergyIntolerance/a1", `{"resourceType":"AllergyIntolerance","id":"a1","code":{"text":"Abacavir for HIV"},"patient":{"reference":"Patient/p-g85915"}}`, "AllergyIntolerance", 0},
		{"gum disease is not of a GUM clinic", ingest.FHIR, put, condition(`"text":"BLEEDING GUM"`), "Condition", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := known(t)
			var got policy.Labels
			if c.format == ingest.CSV {
				got = o.labelsOfExtract(c.body)[c.typ]
			} else {
				got = o.labelsOf(o.arrives(ownGP, c.format, c.call, c.body))[c.typ]
			}
			if got != c.want {
				t.Errorf("labelled %q, not %q", got, c.want)
			}
		})
	}
}

// G8: what belongs together is labelled together: a report and its results, a
// prescription and its reason, what was done at a sensitive visit; not the person,
// an allergy, or the visit at which it was one of many.
func TestG8LabelsGoOnToWhatBelongsTogether(t *testing.T) {
	o := known(t)
	items := o.arrives("RJZ:LAB", ingest.HL7v2, "", v2(strings.Replace(msh("ORU^R01^ORU_R01", "9"), "G85915", "RJZ", 1), pid, "PV1|1|O|||||||||300|||||||||V9",
		"OBR|1|P1|F1|GUM1^Screen", "OBX|1|TX|A1^Chlamydia trachomatis PCR^L||Detected||||||F", "OBX|2|NM|B1^Haemoglobin^L||120|g/L|||||F"))
	labels := o.labelsOf(items)
	if labels["DiagnosticReport"] != policy.HIVSTI || labels["Observation"] != policy.HIVSTI || labels["Encounter"]&policy.HIVSTI != 0 || labels["Patient"] != 0 {
		t.Errorf("%v", labels)
	}
	for _, i := range items {
		if v, err := o.Region.Store.Read(t.Context(), i.Type, i.ID, store.Latest, everything); err != nil || i.Type == "Observation" && v.Labels&said != policy.HIVSTI {
			t.Errorf("a result of the report: %v %v", v.Labels, err)
		}
	}
	o.writes(ownGP, "Encounter", "gum", `"status":"finished","class":{"code":"AMB"},"serviceType":{"text":"Sexual health clinic"},`+atGP)
	visit := `"encounter":{"reference":"Encounter/gum"},`
	o.writes(ownGP, "Condition", "there", visit+`"code":{"text":"Rash"},`+atGP)
	o.writes(ownGP, "MedicationRequest", "rx", visit+`"status":"active","intent":"order","medicationCodeableConcept":{"text":"Doxycycline"},`+atGP)
	o.writes(ownGP, "AllergyIntolerance", "allergy", visit+`"code":{"text":"Penicillin"},"patient":{"reference":"Patient/p-g85915"}`)
	for id, want := range map[string]policy.Labels{"Condition/there": policy.SexualHealth, "MedicationRequest/rx": policy.SexualHealth, "AllergyIntolerance/allergy": 0} {
		typ, name, _ := strings.Cut(id, "/")
		if v, err := o.Region.Store.Read(t.Context(), typ, name, store.Latest, everything); err != nil || v.Labels&said != want {
			t.Errorf("%s: %v %v", id, v.Labels, err)
		}
	}
	o.declares("doctor")
	if n := o.total("doctor", "/fhir/Condition?patient={citizen}"); n != 0 {
		t.Errorf("another organisation finds %d of them", n)
	}
	if n := o.total("gp", "/fhir/Condition?patient={citizen}"); n != 1 {
		t.Errorf("who wrote it finds %d", n)
	}
}

// G8: a label that was derived is derived again; one that the source set stays where
// the next version says nothing of it, and goes where it does; one that was added
// stays until it is taken away. `selda reindex` labels what is there by the lists of
// now, in history too.
func TestG8LabelsOfLaterVersions(t *testing.T) {
	o := known(t)
	is := func(what string, want policy.Labels) {
		t.Helper()
		v, err := o.Region.Store.Read(t.Context(), "Condition", "c1", store.Latest, everything)
		if err != nil || v.Labels&said != want {
			t.Errorf("%s: %q %v, want %q", what, v.Labels, err, want)
		}
	}
	security := func(code string) string {
		return `"meta":{"security":[{"system":"` + policy.LabelSystem + `","code":"` + code + `"}]},`
	}
	o.writes(ownGP, "Condition", "c1", `"code":{`+coded(icd, "B20", "x")+`},`+atGP)
	is("derived", policy.HIVSTI)
	o.writes(ownGP, "Condition", "c1", `"code":{"text":"Coded by mistake"},`+atGP)
	is("corrected", 0)
	o.writes(ownGP, "Condition", "c1", security("safeguarding")+`"code":{"text":"Bruises"},`+atGP)
	is("set by the source", policy.Safeguarding)
	o.writes(ownGP, "Condition", "c1", `"code":{"text":"More bruises"},`+atGP)
	is("not repeated", policy.Safeguarding)
	o.writes(ownGP, "Condition", "c1", security("third-party")+`"code":{"text":"Bruises"},`+atGP)
	is("the source says another", policy.ThirdParty)
	if n, err := o.Region.Store.Relabel(t.Context(), Start, func(all []*store.Version) []policy.Labels { return make([]policy.Labels, len(all)) }); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	is("lists that had nothing", 0)
	if _, err := o.Region.Reindex(t.Context(), region.OperatorSubject()); err != nil {
		t.Fatal(err)
	}
	is("after reindex", policy.ThirdParty)
	history, err := o.Region.Store.History(t.Context(), "Condition", "c1", store.Latest, everything)
	if err != nil {
		t.Fatal(err)
	}
	var labels []policy.Labels
	for _, v := range history {
		labels = append(labels, v.Labels)
	}
	if want := []policy.Labels{policy.ThirdParty, policy.Safeguarding, policy.Safeguarding, 0, policy.HIVSTI}; !slices.Equal(labels, want) {
		t.Errorf("history: %v, want %v", labels, want)
	}
}

// G8: a clinic whose feed is sensitive as a whole has all of its items labelled, the
// person that it speaks of too: that somebody is known there tells enough.
func TestG8AWholeFeedIsLabelled(t *testing.T) {
	o := known(t)
	o.feeds("feeds:\n  - source: RJ1:GUM\n    labels: [sexual-health]\n")
	labels := o.labelsOf(o.arrives("RJ1:GUM", ingest.HL7v2, "", v2(msh("ADT^A01^ADT_A01", "1"), pid, "PV1|1|O|||||||||100|||||||||V1", "AL1|1|DA|PEN^Penicillin")))
	for typ, l := range labels {
		if l != policy.SexualHealth {
			t.Errorf("%s: %q", typ, l)
		}
	}
	if len(labels) < 3 {
		t.Error(labels)
	}
	o.declares("doctor")
	for _, path := range []string{"/fhir/Encounter?patient={citizen}", "/fhir/AllergyIntolerance?patient={citizen}"} {
		if n := o.total("doctor", path); n != 0 {
			t.Errorf("%s: %d", path, n)
		}
	}
	if where := o.sees("doctor", "RJ1", "/record/{citizen}", "/fhir/Patient/{citizen}", "/fhir/Patient/{citizen}/$everything"); len(where) != 0 {
		t.Errorf("that the clinic knows the person shows at %v", where)
	}
}

// G8: what came with an item in one message told that it is sensitive: it stays so when its
// next version comes alone, until the source says something of labels itself; and what is of a
// sensitive visit stays so when the visit is deleted.
func TestG8WhatWasToldOfAnItemStaysSaid(t *testing.T) {
	o := known(t)
	send := func(call, body string) {
		t.Helper()
		r, err := o.Region.Ingest.Submit(t.Context(), raw("RJZ:PAS", call, body, ""))
		o.done(r, err)
	}
	entry := func(typ, id, about string) string {
		return `{"request":{"method":"PUT","url":"` + typ + `/` + id + `"},"resource":{"resourceType":"` + typ + `","id":"` + id + `",` + about + `,` + atKings + `}}`
	}
	report := func(more string) string {
		return `{"resourceType":"DiagnosticReport","id":"r","status":"final","code":{"text":"Blood"},"result":[{"reference":"Observation/o"}],"issued":"2026-10-01T10:00:00Z",` + more + atKings + `}`
	}
	send("POST", `{"resourceType":"Bundle","type":"transaction","entry":[`+entry("Observation", "o", `"status":"final","code":{"coding":[{"system":"http://snomed.info/sct","code":"86406008"}]}`)+`,`+
		entry("DiagnosticReport", "r", `"status":"final","code":{"text":"Blood"},"result":[{"reference":"Observation/o"}]`)+`]}`)
	o.declares("visitor")
	hidden := func(when, path string, want bool) {
		t.Helper()
		if status, _ := o.asks("visitor", "GET", path, ""); (status != 200) != want {
			t.Errorf("%s: %s answers %d", when, path, status)
		}
	}
	hidden("with its result", "/fhir/DiagnosticReport/r", true)
	send("PUT DiagnosticReport/r", report(`"conclusion":"seen",`))
	hidden("alone", "/fhir/DiagnosticReport/r", true)
	send("PUT DiagnosticReport/r", strings.Replace(report(""), "Blood", "HIV", 1))
	send("PUT DiagnosticReport/r", report(`"conclusion":"not of itself any more",`))
	hidden("what it had of itself, too, has gone", "/fhir/DiagnosticReport/r", true)
	if _, err := o.Region.Reindex(t.Context(), region.OperatorSubject()); err != nil {
		t.Fatal(err)
	}
	hidden("labelled again", "/fhir/DiagnosticReport/r", true)
	send("DELETE DiagnosticReport/r", "{}")
	send("PUT DiagnosticReport/r", report(`"conclusion":"again",`))
	hidden("deleted and sent again", "/fhir/DiagnosticReport/r", true)
	send("PUT DiagnosticReport/r", report(`"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"N"}]},`))
	hidden("as its source says", "/fhir/DiagnosticReport/r", false)

	o.writes("RJZ:PAS", "Encounter", "e", `"status":"planned","class":{"code":"AMB"},"meta":{"security":[{"system":"https://selda.example/labels","code":"sexual-health"}]},`+atKings)
	o.writes("RJZ:PAS", "Observation", "v", `"status":"final","code":{"text":"Weight"},"encounter":{"reference":"Encounter/e"},`+atKings)
	hidden("of a sensitive visit", "/fhir/Observation/v", true)
	send("DELETE Encounter/e", "{}")
	o.writes("RJZ:PAS", "Observation", "v", `"status":"amended","code":{"text":"Weight"},"encounter":{"reference":"Encounter/e"},`+atKings)
	hidden("the visit deleted", "/fhir/Observation/v", true)
}

// done waits until what was submitted is there.
func (o *outside) done(r *ingest.Receipt, err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
	if out, err := r.Committed(o.Context()); err != nil || out.Err != nil {
		o.Fatal(err, out.Err)
	}
}
