package testenv

import (
	"slices"
	"strings"
	"testing"
	"time"

	"selda/audit"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
)

// relation is one line of G7's list: how it arrives, whom it opens the record to and
// by which rule, how it ends, and how long it lasts after that.
type relation struct {
	name, user, rule string
	begins, ends     func(o *outside)
	tail             time.Duration
}

// sends sends an HL7 v2 message through the MLLP door.
func (o *outside) sends(lines ...string) {
	o.Helper()
	ack, err := o.Send(o.Context(), []byte(v2(lines...)))
	if err != nil {
		o.Fatal(err)
	}
	if code := ack.First("MSA").Comp(1, 1).Text(); code != "AA" {
		o.Fatal(lines[0], code, ack.First("MSA").Comp(3, 1).Text())
	}
}

// stamp is a time as HL7 v2 and CDA write it.
func stamp(t time.Time) string { return t.UTC().Format("20060102150405") + "+0000" }

// call111 is what NHS 111 reports of a call, to a service that is to act on it.
func call111(id, to string, from time.Time, until string) string {
	version := "1"
	if until != "" {
		until, version = `<high value="`+until+`"/>`, "2"
	}
	return `<ClinicalDocument xmlns="urn:hl7-org:v3"><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/><id root="1.2.3.111" extension="` + id + version + `"/><code code="819551000000100" codeSystem="2.16.840.1.113883.2.1.3.2.4.15"/><title>NHS 111 Report</title><effectiveTime value="` + stamp(from) + `"/><confidentialityCode code="N"/><setId root="1.2.3.111" extension="` + id + `"/><versionNumber value="` + version + `"/>
<recordTarget><patientRole><id root="2.16.840.1.113883.2.1.4.1" extension="` + folake + `"/><patient><name><given>Folake</given><family>Adeyemi</family></name><administrativeGenderCode code="F"/><birthTime value="19511105"/></patient></patientRole></recordTarget>
<informationRecipient typeCode="PRCP"><intendedRecipient classCode="ASSIGNED"><receivedOrganization classCode="ORG" determinerCode="INSTANCE"><id root="2.16.840.1.113883.2.1.3.2.4.19.1" extension="` + to + `"/></receivedOrganization></intendedRecipient></informationRecipient>
<componentOf><encompassingEncounter classCode="ENC" moodCode="EVN"><id root="2.16.840.1.113883.2.1.3.2.4.18.34" extension="` + id + `"/><code code="NHS111Encounter" codeSystem="2.16.840.1.113883.2.1.3.2.4.17.326" displayName="NHS111 Encounter"/><effectiveTime><low value="` + stamp(from) + `"/>` + until + `</effectiveTime></encompassingEncounter></componentOf>
<component><structuredBody><component><section><title>Patient's reported condition</title><text>Chest pain</text></section></component></structuredBody></component></ClinicalDocument>`
}

// adt is an ADT message of a visit.
func (o *outside) adt(application, facility, event, class, visit, ended string) {
	o.Helper()
	now := stamp(o.Now())
	pv1 := make([]string, 46)
	pv1[0], pv1[2], pv1[19], pv1[44], pv1[45] = "PV1", class, visit, stamp(o.Now().Add(-time.Hour)), ended

	o.sends(`MSH|^~\&|`+application+`|`+facility+`|SELDA|QKK|`+now+`||ADT^`+event+`|`+visit+event+`|P|2.4`, `EVN|`+event+`|`+now, pid, strings.Join(pv1, "|"))
}

// siu is a message about an appointment.
func (o *outside) siu(event, number string, at time.Time) {
	o.Helper()
	o.sends(`MSH|^~\&|PAS|RJZ|SELDA|QKK|`+stamp(o.Now())+`||SIU^`+event+`|`+number+event+`|P|2.4`, `SCH|`+number+`|`+number+`|||||||30|MIN|^^30^`+stamp(at)+`^`+stamp(at.Add(30*time.Minute)), pid)
}

// refers is a referral of a practice to RN7, or what either side says of it.
func (o *outside) refers(application, facility, message, status, number string) {
	o.Helper()
	o.sends(`MSH|^~\&|`+application+`|`+facility+`|SELDA|QKK|`+stamp(o.Now())+`||`+message+`|`+number+facility+strings.ReplaceAll(message, "^", "")+`|P|2.4`,
		`RF1|`+status+`|R|||O|`+number+`|`+stamp(o.Now()), `PRD|RT|^^^^^|||||RN7^ODS`, `PRD|RP|^^^^^|||||G85915^ODS`, pid)
}

func at(system, code string) string {
	return `{"identifier":{"system":"` + system + `","value":"` + code + `"}}`
}

var toRN7 = at(nhs.ODSSystem, "RN7")

// midnight moves the clock to the region's next day.
func (o *outside) midnight() {
	o.Advance(o.Now().Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(o.Now()))
}

func (o *outside) now() string { return o.Now().Format(time.RFC3339) }

// fhirs writes a resource of a source's, and its end as another version.
func fhirs(source nhs.Source, typ, id, about string) func(*outside) {
	return func(o *outside) { o.writes(source, typ, id, strings.ReplaceAll(about, "{now}", o.now())) }
}

func relations() []relation {
	person := `"identifier":[{"system":"` + nhs.NumberSystem + `","value":"` + folake + `"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"`
	visit := func(class, status, more string) string {
		return `"status":"` + status + `","class":{"code":"` + class + `"},"period":{"start":"{now}"` + more + `},` + atKings
	}
	episode := `"patient":{"reference":"Patient/p-rjz"}`
	order := `"intent":"order","code":{"text":"Cardiology"},"performer":[` + toRN7 + `],` + atGP
	task := `"intent":"order","for":{"reference":"Patient/p-g85915"},"owner":` + toRN7
	dispensed := `"medicationCodeableConcept":{"text":"x"},` + atKings
	none := func(*outside) {}
	at111 := func(o *outside, id, to, until string) {
		o.arrives("RRU:111", ingest.CDA, "", call111(id, to, o.Now().Add(-20*time.Minute), until))
	}
	return []relation{
		{"registered, as the practice says; she moves away", "gp", "registration", fhirs(ownGP, "Patient", "p-g85915", person), fhirs(ownGP, "Patient", "p-g85915", person+`,"active":false`), 0},
		{"a stay, by HL7 v2; discharged", "doctor", "encounter", func(o *outside) { o.adt("PAS", "RJZ", "A01", "I", "stay1", "") }, func(o *outside) { o.adt("PAS", "RJZ", "A03", "I", "stay1", stamp(o.Now())) }, policy.AfterCare},
		{"a stay, by HL7 v2; the admission is cancelled", "doctor", "encounter", func(o *outside) { o.adt("PAS", "RJZ", "A01", "I", "stay2", "") }, func(o *outside) { o.adt("PAS", "RJZ", "A11", "I", "stay2", "") }, 0},
		{"a visit, by FHIR; entered in error", "doctor", "encounter", fhirs("RJZ:PAS", "Encounter", "v3", visit("EMER", "in-progress", "")), fhirs("RJZ:PAS", "Encounter", "v3", visit("EMER", "entered-in-error", "")), 0},
		{"an incident, by HL7 v2; closed", "paramedic", "incident", func(o *outside) { o.adt("CAD", "RRU", "A04", "E", "inc1", "") }, func(o *outside) { o.adt("CAD", "RRU", "A03", "E", "inc1", stamp(o.Now())) }, policy.AfterCare},
		{"an incident, by FHIR; closed", "paramedic", "incident", fhirs("RJZ:PAS", "Encounter", "inc2", visit("FLD", "in-progress", "")+`,"serviceProvider":`+at(nhs.ODSSystem, "RRU")),
			fhirs("RJZ:PAS", "Encounter", "inc2", visit("FLD", "finished", `,"end":"{now}"`)+`,"serviceProvider":`+at(nhs.ODSSystem, "RRU")), policy.AfterCare},
		{"a 111 call, by its report; closed", "handler", "call", func(o *outside) { at111(o, "case1", "8HX01", "") }, func(o *outside) { at111(o, "case1", "8HX01", stamp(o.Now())) }, policy.AfterCare},
		{"a 111 call, by HL7 v2; closed", "advisor", "call", func(o *outside) { o.adt("111", "RRU", "A04", "VR", "call2", "") }, func(o *outside) { o.adt("111", "RRU", "A03", "VR", "call2", stamp(o.Now())) }, policy.AfterCare},
		{"a 111 report to whom is to act; four weeks later", "visitor", "call", func(o *outside) { at111(o, "case3", "RN7", "") }, func(o *outside) { o.Advance(-20 * time.Minute) }, policy.AfterCare},
		{"a 999 case handed over by a Task; declined by whom it was handed to", "visitor", "referral", fhirs("RRU:CAD", "Task", "t1", `"status":"requested","intent":"order","authoredOn":"{now}","for":{"reference":"Patient/p-rru"},"owner":`+toRN7),
			fhirs("RN7:PAS", "Task", "t2", `"status":"rejected","intent":"order","for":{"reference":"Patient/p-rn7"},"focus":{"reference":"Task/t1"}`), 0},
		{"a Task; done", "visitor", "referral", fhirs(ownGP, "Task", "t3", `"status":"accepted",`+task), fhirs(ownGP, "Task", "t3", `"status":"completed",`+task), 0},
		{"referred, by HL7 v2; called off", "visitor", "referral", func(o *outside) { o.refers("EPR", "G85915", "REF^I12", "P", "refer1") }, func(o *outside) { o.refers("EPR", "G85915", "REF^I14", "P", "refer1") }, 0},
		{"referred, by HL7 v2; declined by whom she was referred to", "visitor", "referral", func(o *outside) { o.refers("EPR", "G85915", "REF^I12", "P", "refer2") }, func(o *outside) { o.refers("PAS", "RN7", "RRI^I12", "R", "refer2") }, 0},
		{"referred, by FHIR; revoked", "visitor", "referral", fhirs(ownGP, "ServiceRequest", "s3", `"status":"active",`+order), fhirs(ownGP, "ServiceRequest", "s3", `"status":"revoked",`+order), 0},
		{"referred, by FHIR; completed", "visitor", "referral", fhirs(ownGP, "ServiceRequest", "s4", `"status":"active",`+order), fhirs(ownGP, "ServiceRequest", "s4", `"status":"completed",`+order), 0},
		{"an episode; discharged", "doctor", "caseload", fhirs("RJZ:PAS", "EpisodeOfCare", "ep1", `"status":"active",`+episode), fhirs("RJZ:PAS", "EpisodeOfCare", "ep1", `"status":"finished","period":{"end":"{now}"},`+episode), policy.AfterCare},
		{"an episode; entered in error", "doctor", "caseload", fhirs("RJZ:PAS", "EpisodeOfCare", "ep2", `"status":"active",`+episode), fhirs("RJZ:PAS", "EpisodeOfCare", "ep2", `"status":"entered-in-error",`+episode), 0},
		{"a team; dissolved", "doctor", "caseload", fhirs("RJZ:PAS", "CareTeam", "ct1", `"status":"active",`+atKings), fhirs("RJZ:PAS", "CareTeam", "ct1", `"status":"inactive",`+atKings), 0},
		{"a plan; revoked", "doctor", "caseload", fhirs("RJZ:PAS", "CarePlan", "cp1", `"status":"active","intent":"plan",`+atKings), fhirs("RJZ:PAS", "CarePlan", "cp1", `"status":"revoked","intent":"plan",`+atKings), 0},
		{"an appointment today; cancelled", "doctor", "appointment", func(o *outside) { o.siu("S12", "app10001", o.Now()) }, func(o *outside) { o.siu("S15", "app10001", o.Now()) }, 0},
		{"an appointment today; she did not attend", "doctor", "appointment", func(o *outside) { o.siu("S12", "app10002", o.Now()) }, func(o *outside) { o.siu("S26", "app10002", o.Now()) }, 0},
		{"an appointment today; moved to tomorrow", "doctor", "appointment", func(o *outside) { o.siu("S12", "app10003", o.Now()) }, func(o *outside) {
			o.siu("S13", "app10003", o.Now().AddDate(0, 0, 1))
			o.siu("S15", "app10003", o.Now().AddDate(0, 0, 1))
		}, 0},
		{"an appointment today; ended early", "doctor", "appointment", func(o *outside) { o.siu("S12", "app10004", o.Now()) }, func(o *outside) { o.siu("S16", "app10004", o.Now()) }, 0},
		{"an appointment today; the day is over", "doctor", "appointment", func(o *outside) { o.siu("S12", "app10005", o.Now()) }, (*outside).midnight, 0},
		{"a dispensing today; stopped", "pharmacist", "dispensing", fhirs("RJZ:PAS", "MedicationDispense", "d1", `"status":"preparation",`+dispensed), fhirs("RJZ:PAS", "MedicationDispense", "d1", `"status":"cancelled",`+dispensed), 0},
		{"a dispensing today; collected, and the day is over", "pharmacist", "dispensing", fhirs("RJZ:PAS", "MedicationDispense", "d2", `"status":"completed","whenHandedOver":"{now}",`+dispensed), (*outside).midnight, 0},
		{"in front of me, in one tap; half a day later", "visitor", "declared by the user", func(o *outside) { o.posts("visitor", "/record/"+o.citizen+"/declare", "why=here") }, none, policy.ClaimLasts},
	}
}

// G7: a legitimate relationship is registration; an open encounter, referral, call or
// incident; a caseload; an appointment or dispensing today; the patient in front of me.
// Each, from the message that brings it to the access that it gives, and to its end.
func TestG7EachRelationshipFromItsMessageToItsEnd(t *testing.T) {
	o := known(t)
	person := `"identifier":[{"system":"` + nhs.NumberSystem + `","value":"` + folake + `"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"`
	for _, s := range []nhs.Source{"RRU:CAD", "RN7:PAS"} { // known there, and that alone is none
		o.writes(s, "Patient", "p-"+strings.ToLower(string(s.Organisation())), person)
	}
	o.writes(ownGP, "Patient", "p-g85915", person+`,"active":false`)
	for _, r := range relations() {
		t.Run(r.name, func(t *testing.T) {
			o := &outside{T: t, Env: o.Env, citizen: o.citizen}
			may := func() bool {
				t.Helper()
				switch status, body := o.asks(r.user, "GET", "/record/{citizen}", ""); status {
				case 200:
					return true
				case 403:
				default:
					t.Fatal(status, body)
				}
				return false
			}
			if may() {
				t.Fatal("the record is open before it begins")
			}
			r.begins(o)
			if !may() {
				t.Fatal("it begins, and the record is closed")
			}
			entries, err := o.Trail(t.Context(), audit.Query{User: r.user, Action: audit.Read, Limit: 1})
			if err != nil || len(entries) == 0 || !slices.Contains(entries[0].Rules, "G7 "+r.rule) {
				t.Fatal("the trail does not name it:", entries, err)
			}
			r.ends(o)
			if r.tail > 0 {
				o.Advance(r.tail - time.Minute)
				if !may() {
					t.Fatal("the record is closed before the time after its end is over")
				}
				o.Advance(2 * time.Minute)
			}
			if may() {
				t.Error("it has ended, and the record is open")
			}
		})
	}
}
