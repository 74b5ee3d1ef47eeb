package testenv

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"selda/ingest"
	"selda/nhs"
	"selda/policy"
)

// mark stands in every field that tells where somebody lives, can be reached or met.
const mark = "Zzplace"

// withheld opens a region in which Folake's address is withheld by one source, and the
// others tell of places in everything that they send.
func withheld(t *testing.T, restricted bool) *outside {
	o := known(t)
	person := `"identifier":[{"system":"` + nhs.NumberSystem + `","value":"` + folake + `"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"`
	gp := `"address":[{"line":["1 ` + mark + `"],"city":"` + mark + `","postalCode":"SE99 9ZZ"}],"telecom":[{"system":"phone","value":"07700 900999"},{"system":"email","value":"` + mark + `@example.org"}],
		"contact":[{"name":{"family":"Adeyemi"},"address":{"text":"` + mark + `"},"telecom":[{"value":"07700 900999"}]}],"generalPractitioner":[{"identifier":{"system":"` + nhs.ODSSystem + `","value":"G85915"},"display":"` + mark + ` practice"}],
		"managingOrganization":{"display":"` + mark + `"},"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthPlace","valueAddress":{"city":"` + mark + `"}}]`
	o.writes("G85915:GP", "Patient", "p-g85915", person+","+gp)
	o.writes("G85915:GP", "RelatedPerson", "kin", `"name":[{"family":"Adeyemi"}],"address":[{"text":"`+mark+`"}],"telecom":[{"value":"07700 900999"}],"patient":{"reference":"Patient/p-g85915"}`)
	o.writes("G85915:GP", "Location", "place", `"name":"`+mark+` clinic","address":{"text":"`+mark+`"}`)
	place := `{"reference":"Location/place","display":"` + mark + `"}`
	o.writes("RJZ:PAS", "Encounter", "enc", `"status":"in-progress","class":{"code":"IMP"},"period":{"start":"2026-11-01"},"location":[{"location":`+place+`}],"hospitalization":{"origin":`+place+`,"destination":`+place+`},`+atKings)
	o.writes("G85915:GP", "Appointment", "appt", `"status":"booked","start":"2026-11-05T09:00:00Z","end":"2026-11-05T09:10:00Z","participant":[{"actor":{"reference":"Patient/p-g85915"},"status":"accepted"},{"actor":`+place+`,"status":"accepted"}]`)
	o.writes("G85915:GP", "ServiceRequest", "sr", `"status":"active","intent":"order","code":{"text":"Physio"},"locationReference":[`+place+`],"locationCode":[{"text":"`+mark+`"}],`+atGP)
	o.writes("G85915:GP", "Procedure", "proc", `"status":"completed","code":{"text":"Dressing"},"location":`+place+`,`+atGP)
	o.writes("G85915:GP", "Immunization", "imm", `"status":"completed","vaccineCode":{"text":"Flu"},"occurrenceDateTime":"2026-10-01","location":`+place+`,"patient":{"reference":"Patient/p-g85915"}`)
	o.writes("G85915:GP", "Condition", "cond", `"code":{"text":"Asthma"},`+atGP)
	o.arrives("RJ1:PAS", ingest.HL7v2, "", v2(`MSH|^~\&|PAS|RJ1|SELDA|QKK|20261105080000||ADT^A01^ADT_A01|Z1|P|2.4`,
		`PID|1||`+folake+`^^^NHS^NH~Z77^^^RJ1^MR||ADEYEMI^FOLAKE||19511105|F|||7 `+mark+`^^LONDON^^SE99 9ZZ|`+mark+`|07700900999|07700900999`,
		`PD1|||`+mark+` SURGERY^^G85915|G1^`+mark,
		`NK1|1|ADEYEMI^TUNDE|SPO|7 `+mark+`^^LONDON|07700900999`,
		`PV1|1|I|`+mark+`^BAY^1^RJ1|||OLD`+mark+`^B^2|||||||||||||||Z2`, `DG1|1||J45^Asthma^I10|||A`))
	security := ""
	if restricted {
		security = `"meta":{"security":[{"system":"` + policy.ConfidentialitySystem + `","code":"R"}]},`
	}
	o.writes("RJZ:PAS", "Patient", "p-rjz", security+person)
	return o
}

// doors are all ways in which a professional reads a record.
func (o *outside) doors(user string) (paths []string) {
	o.Helper()
	for _, s := range []string{"", "/problems", "/medicines", "/results", "/documents", "/plans", "/encounters", "/timeline", "/care-team", "/emergency"} {
		paths = append(paths, "/record/{citizen}"+s)
	}
	paths = append(paths, "/fhir/Patient/{citizen}", "/fhir/Patient/{citizen}/$everything", "/fhir/Patient?identifier="+folake, "/fhir/Patient?family=adeyemi&birthdate=1951-11-05&_revinclude=*")
	for _, q := range []string{`{EncounterList(patient:"{citizen}"){location{location{display}}}}`, `{PatientList(identifier:"` + folake + `"){address{city} telecom{value} contact{address{text}}}}`} {
		paths = append(paths, "/fhir/$graphql?query="+url.QueryEscape(strings.ReplaceAll(q, "{citizen}", o.citizen)))
	}
	for _, typ := range []string{"RelatedPerson", "Encounter", "Appointment", "ServiceRequest", "Procedure", "Immunization", "Condition"} {
		paths = append(paths, "/fhir/"+typ+"?patient={citizen}", "/fhir/"+typ+"?patient={citizen}&_elements=location,address")
		_, body := o.asks(user, "GET", "/fhir/"+typ+"?patient={citizen}", "")
		var b struct {
			Entry []struct {
				Resource struct{ ID string }
				Search   struct{ Mode string }
			}
		}
		if err := json.Unmarshal([]byte(body), &b); err != nil || len(b.Entry) == 0 {
			o.Fatal(typ, err, body)
		}
		for _, e := range b.Entry {
			item := typ + "/" + e.Resource.ID
			paths = append(paths, "/fhir/"+item, "/fhir/"+item+"/_history", "/fhir/"+item+"/_history/1", "/record/{citizen}/origin/"+item)
		}
	}
	_, body := o.asks(user, "GET", "/fhir/Patient/{citizen}", "")
	var p struct {
		Link []struct{ Other struct{ Reference string } }
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil || len(p.Link) < 3 {
		o.Fatal(err, body)
	}
	for _, l := range p.Link {
		paths = append(paths, "/fhir/"+l.Other.Reference, "/fhir/"+l.Other.Reference+"/_history", "/record/{citizen}/origin/"+l.Other.Reference)
	}
	return paths
}

// G13: a citizen whose address is withheld is found by who they are, and no door shows
// where they live, how to reach them, or where they can be met; nobody finds them by
// such a thing, or learns by a search that it is theirs.
func TestG13RestrictedCitizensShowNoPlace(t *testing.T) {
	users := []string{"doctor", "gp", "reception", "social", "paramedic"}
	open := withheld(t, false)
	open.declares("doctor")
	for _, text := range []string{mark, "SE99", "900999"} {
		if len(open.sees("doctor", text, open.doors("doctor")...)) == 0 {
			t.Fatalf("%s is not there to begin with", text)
		}
	}
	o := withheld(t, true)
	for _, u := range users {
		o.declares(u)
	}
	paths := o.doors("doctor")
	for _, u := range users {
		for _, text := range []string{mark, strings.ToUpper(mark), "SE99", "SE1 1AA", "Hidden Street", "900999"} {
			if where := o.sees(u, text, paths...); len(where) > 0 {
				t.Errorf("%s: %s shows at %v", u, text, where)
			}
		}
	}
	for _, q := range []string{"Patient?address=" + mark, "Patient?address-city=" + mark, "Patient?address-postalcode=SE99+9ZZ", "Patient?phone=07700+900999", "Patient?telecom=07700+900999", "Patient?email=" + mark + "@example.org",
		"Patient?family=adeyemi&address-postalcode=SE99+9ZZ", "Patient?family=adeyemi&address=" + mark, "Patient?family=adeyemi&organization:missing=false", "Patient?family=adeyemi&general-practitioner:missing=false", "Patient?family=adeyemi&phone:missing=false",
		"RelatedPerson?patient={citizen}&address=" + mark, "Encounter?patient={citizen}&location=Location/place", "Encounter?patient={citizen}&location:missing=false", "Appointment?patient={citizen}&location=Location/place", "Appointment?patient={citizen}&actor=Location/place",
		"Procedure?patient={citizen}&location=Location/place", "Immunization?patient={citizen}&location=Location/place", "Patient?_has:Encounter:patient:location=Location/place&family=adeyemi"} {
		if status, body := o.asks("doctor", "GET", "/fhir/"+q, ""); status == 200 {
			if n := o.total("doctor", "/fhir/"+q); n != 0 {
				t.Errorf("%s finds %d: %.200s", q, n, body)
			}
		}
	}
	for _, q := range []string{"SE99 9ZZ", "Adeyemi SE99 9ZZ", "Adeyemi SE1 1AA"} {
		if _, body := o.posts("doctor", "/search", "q="+strings.ReplaceAll(q, " ", "+")); strings.Contains(body, "ADEYEMI") {
			t.Errorf("a search for %q finds them", q)
		}
	}
	if _, body := o.posts("doctor", "/search", "q=Adeyemi+5/11/1951"); !strings.Contains(body, "ADEYEMI") || strings.Contains(body, mark) {
		t.Error("they are not found by who they are, or a place shows")
	}
	if where := o.sees("doctor", "Asthma", "/record/{citizen}/problems", "/fhir/Condition?patient={citizen}"); len(where) != 2 {
		t.Error("what is no place is gone too:", where)
	}
}
