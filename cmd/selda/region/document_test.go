package region

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"selda/ingest"
	"selda/ingest/classify"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// letter is a CDA document with a problem for each code.
func letter(id, more, number string, problems ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><id root="1.2.3" extension="%s"/>`+
		`<code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/><title>Letter</title><effectiveTime value="20261101100000+0000"/>%s`+
		`<recordTarget><patientRole><id root="2.16.840.1.113883.2.1.4.1" extension="%s"/><patient><name><given>Folake</given><family>Adeyemi</family></name><birthTime value="19511105"/></patient></patientRole></recordTarget>`+
		`<component><structuredBody><component><section><code code="11450-4" codeSystem="2.16.840.1.113883.6.1"/>`, id, more, number)
	for _, code := range problems {
		fmt.Fprintf(&b, `<entry><act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.3"/><id root="9.9" extension="act-%[1]s"/><statusCode code="active"/>`+
			`<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.4"/><id root="9.9" extension="%[1]s"/>`+
			`<statusCode code="completed"/><value xsi:type="CD" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" code="%[1]s" codeSystem="2.16.840.1.113883.6.96" displayName="Problem %[1]s"/></observation></entryRelationship></act></entry>`, code)
	}
	b.WriteString(`</section></component></structuredBody></component></ClinicalDocument>`)
	return b.String()
}

const (
	folake = "9991234519"
	other  = "9990000018"
)

func sendAs(t *testing.T, r *Region, source nhs.Source, format, body string) ingest.Outcome {
	t.Helper()
	rec, err := r.Ingest.Submit(t.Context(), &ingest.Raw{Source: source, Format: format, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	out, err := rec.Committed(t.Context())
	if err != nil || out.State != ingest.Stored {
		t.Fatalf("%+v %v", out, err)
	}
	return out
}

// says are the codes of the Conditions in force of whoever has an NHS number,
// and the states of their documents.
func says(t *testing.T, r *Region, number string) string {
	t.Helper()
	n, err := nhs.ParseNumber(number)
	if err != nil {
		t.Fatal(err)
	}
	id, err := r.Access.ByNumber(t.Context(), n)
	if err != nil {
		return "nobody"
	}
	found, err := r.Store.Citizen(t.Context(), id, store.Latest)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, k := range found.Subjects {
		all, err := r.Store.Compartment(t.Context(), k.Subject, store.Latest, &policy.Predicate{Permit: true, Everything: true}, "Condition", "DocumentReference", "Observation")
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range all {
			res, err := v.Resource()
			switch {
			case err != nil:
				t.Fatal(err)
			case v.Type == "DocumentReference":
				out = append(out, "document "+res.Get("status").Text())
			default:
				out = append(out, res.Get("code", "coding", "code").Text())
			}
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// G19: what a document said goes when it is replaced, and its history stays;
// what another document says too remains.
func TestG19WhatAReplacedDocumentSaidGoesWithIt(t *testing.T) {
	set := func(version int) string {
		return fmt.Sprintf(`<setId root="7.7"/><versionNumber value="%d"/>`, version)
	}
	replaces := func(parent string) string {
		return `<relatedDocument typeCode="RPLC"><parentDocument>` + parent + `</parentDocument></relatedDocument>`
	}
	byID := `<id root="1.2.3" extension="a"/>`
	for _, c := range []struct {
		name    string
		letters []string
		want    string
		his     string // of the other person
	}{
		{"a later version of the set", []string{letter("a", set(1), folake, "11", "22"), letter("b", set(2), folake, "11")}, "11, document current", "nobody"},
		{"three versions, one problem in all", []string{letter("a", set(1), folake, "11", "22"), letter("b", set(2), folake, "11", "33"), letter("c", set(3), folake, "33")}, "33, document current", "nobody"},
		{"by its number", []string{letter("a", "", folake, "11", "22"), letter("b", replaces(byID), folake, "22")}, "22, document current", "nobody"},
		{"by its number, though it is of a set", []string{letter("a", set(1), folake, "11"), letter("b", replaces(byID), folake, "22")}, "22, document current", "nobody"},
		{"what another letter says stays", []string{letter("a", "", folake, "11", "22"), letter("x", "", folake, "11"), letter("b", replaces(byID), folake)}, "11, document current, document current", "nobody"},
		{"it was the wrong patient's", []string{letter("a", "", folake, "11"), letter("b", replaces(byID), other, "11")}, "", "11, document current"},
		{"a set that was the wrong patient's", []string{letter("a", set(1), folake, "11"), letter("b", set(2), other, "11")}, "", "11, document current"},
		{"the replacement comes first", []string{letter("b", replaces(byID), folake, "22"), letter("a", "", folake, "11")}, "22, document current", "nobody"},
		{"the later version comes first", []string{letter("b", set(2), folake, "22"), letter("a", set(1), folake, "11")}, "22, document current", "nobody"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := open(t)
			var first ingest.Outcome
			for i, l := range c.letters {
				out := sendAs(t, r, "RJZ:DOCS", ingest.CDA, l)
				if i == 0 {
					first = out
				}
			}
			if got := says(t, r, folake); got != c.want {
				t.Errorf("the record says %q, not %q", got, c.want)
			}
			if got := says(t, r, other); got != c.his {
				t.Errorf("the other record says %q, not %q", got, c.his)
			}
			for _, i := range first.Items {
				if i.Type == "Condition" {
					if _, err := r.Store.History(t.Context(), i.Type, i.ID, store.Latest, &policy.Predicate{Permit: true, Everything: true}); err != nil {
						t.Errorf("history has lost %s/%s: %v", i.Type, i.ID, err)
					}
				}
			}
		})
	}
}

// G19: the same of HL7 v2 documents: edited (T08), replaced (T10), cancelled (T11).
func TestG19DocumentsOfHL7v2(t *testing.T) {
	mdm := func(trigger, at, number, parent, code string) string {
		m := "MSH|^~\\&|DOCS|RJZ|SELDA|SEL|202611010" + at + "00||MDM^" + trigger + "|" + trigger + at + "|P|2.5\nPID|1||K1^^^RJZ^MRN~" + folake + "^^^NHS^NHS||ADEYEMI^FOLAKE||19511105|F\nTXA|1|DS|TX||20261101|||||||" + number + "|" + parent + "||||AU\nOBX|1|TX|DOC^Letter||As discussed.\n"
		if code != "" {
			m += "OBX|2|NM|" + code + "^Weight||70|kg|||||F\n"
		}
		return m
	}
	first := mdm("T02", "900", "DOC00001", "", "WT")
	for _, c := range []struct {
		name string
		then []string
		want string
	}{
		{"edited, still said", []string{first, mdm("T08", "910", "DOC00001", "", "WT")}, "WT, document current"},
		{"edited away", []string{first, mdm("T08", "910", "DOC00001", "", "")}, "document current"},
		{"an addendum takes nothing away", []string{first, mdm("T06", "910", "DOC00002", "DOC00001", "")}, "WT, document current, document current"},
		{"replaced", []string{first, mdm("T10", "910", "DOC00002", "DOC00001", "HT")}, "HT, document current, document superseded"},
		{"cancelled", []string{first, mdm("T11", "910", "DOC00001", "", "")}, "document entered-in-error"},
		{"cancelled before it came", []string{mdm("T11", "910", "DOC00001", "", ""), first}, ""},
		{"cancelled, and made again", []string{mdm("T11", "850", "DOC00001", "", ""), first}, "WT, document current"},
		{"replaced before it came", []string{mdm("T10", "910", "DOC00002", "DOC00001", "HT"), first}, "HT, document current"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := open(t)
			for _, m := range c.then {
				send(t, r, "RJZ:DOCS", m)
			}
			if got := says(t, r, folake); got != c.want {
				t.Errorf("the record says %q, not %q", got, c.want)
			}
		})
	}
}

// A message that was sent before one that is known already fills gaps only:
// feeds deliver late and out of order, and replay what they failed to.
func TestLateMessagesChangeNothingThatALaterOneSaid(t *testing.T) {
	adt := func(trigger, at, pv1 string) string {
		return "MSH|^~\\&|PAS|RJZ|SELDA|SEL|202611010" + at + "00||ADT^" + trigger + "|" + trigger + at + "|P|2.4\nEVN|" + trigger + "|202611010" + at + "00\nPID|1||K1^^^RJZ^MRN~" + folake + "^^^NHS^NHS||ADEYEMI^FOLAKE||19511105|F\nPV1|1|I|" + pv1 + "||||||||||||||||V9001\n"
	}
	for _, c := range []struct {
		name, want, not string
		then            []string
	}{
		{"a discharge before its admission", `"status":"finished"`, "WARD1", []string{adt("A03", "930", "WARD2"), adt("A01", "900", "WARD1")}},
		{"and the beginning is filled in", `"start":"2026-11-01T09:00`, "in-progress", []string{adt("A03", "930", "WARD2"), adt("A01", "900", "WARD1")}},
		{"a cancelled admission stays so", `"status":"cancelled"`, "in-progress", []string{adt("A11", "930", ""), adt("A01", "900", "WARD1")}},
		{"an old transfer", "WARD3", "WARD2", []string{adt("A01", "900", "WARD1"), adt("A02", "940", "WARD3"), adt("A02", "920", "WARD2")}},
		{"a cancellation that was sent before", `"status":"in-progress"`, "cancelled", []string{adt("A01", "930", "WARD1"), adt("A11", "900", "WARD1")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := open(t)
			var first ingest.Outcome
			for i, m := range c.then {
				if out := send(t, r, "RJZ:PAS", m); i == 0 {
					first = out
				}
			}
			if b := body(t, r, first, "Encounter"); !strings.Contains(b, c.want) || strings.Contains(b, c.not) {
				t.Errorf("not %s, or %s: %s", c.want, c.not, b)
			}
		})
	}
}

// Who lay in the hospital when its feed was joined is there: the admission was
// missed, a change tells when it was.
func TestAVisitWhoseAdmissionWasMissedGoesOn(t *testing.T) {
	for when, want := range map[string]string{"20261030080000": `"status":"in-progress"`, "": `"status":"unknown"`, "20991030080000": `"status":"unknown"`} {
		r := open(t)
		out := send(t, r, "RJZ:PAS", "MSH|^~\\&|PAS|RJZ|SELDA|SEL|20261101090000||ADT^A08|1|P|2.4\nPID|1||K1^^^RJZ^MRN||ADEYEMI^FOLAKE||19511105|F\nPV1|1|I|WARD1||||||||||||||||V9001"+strings.Repeat("|", 25)+when+"\n")
		if b := body(t, r, out, "Encounter"); !strings.Contains(b, want) {
			t.Errorf("begun %q: %s", when, b)
		}
	}
}

// G19: what was said of a visit that is called off goes with it, a result of
// the laboratory does not; a person who is taken back is found no more, and
// comes back when the source says so.
func TestG19CancelledVisitsAndPeople(t *testing.T) {
	adt := func(trigger, at, more string) string {
		return "MSH|^~\\&|PAS|RJZ|SELDA|SEL|202611010" + at + "00||ADT^" + trigger + "|" + trigger + at + "|P|2.4\nPID|1||K1^^^RJZ^MRN~" + folake + "^^^NHS^NHS||ADEYEMI^FOLAKE||19511105|F\nPV1|1|I|WARD1||||||||||||||||V9001\n" + more
	}
	said := "DG1|1||J18.9^Pneumonia^I10|||A\nOBX|1|NM|8867-4^Pulse^LN||80|/min|||||F\n"
	result := "MSH|^~\\&|PAS|RJZ|SELDA|SEL|20261101091500||ORU^R01|r|P|2.4\nPID|1||K1^^^RJZ^MRN\nPV1|1|I|WARD1||||||||||||||||V9001\nOBR|1||F00001|UE^Urea\nOBX|1|NM|CREA^Creatinine||142|umol/L|||||F\n"
	for trigger, want := range map[string]string{"A11": "8867-4, CREA", "A23": "CREA", "A08": "8867-4, CREA, J18.9", "A29": "8867-4, CREA, J18.9"} {
		r := open(t)
		first := send(t, r, "RJZ:PAS", adt("A01", "900", said))
		send(t, r, "RJZ:PAS", result)
		send(t, r, "RJZ:PAS", adt(trigger, "930", ""))
		if got := says(t, r, folake); got != want {
			t.Errorf("after %s the record says %q, not %q", trigger, got, want)
		}
		if trigger == "A11" { // sent before the admission, and come after it
			r := open(t)
			send(t, r, "RJZ:PAS", adt("A01", "900", said))
			send(t, r, "RJZ:PAS", adt("A11", "850", ""))
			if got := says(t, r, folake); got != "8867-4, J18.9" {
				t.Errorf("a cancellation of an earlier admission has taken back %q", got)
			}
		}
		find := func() bool {
			found, err := r.Store.Search(t.Context(), store.Query{Type: "Patient", Groups: [][]string{{classify.Identifier(nhs.NumberSystem, folake)}}, N: store.Latest, Limit: 10}, &policy.Predicate{Permit: true, Everything: true})
			return err == nil && len(found) == 1
		}
		if find() == (trigger == "A29") {
			t.Errorf("after %s the person is found: %v", trigger, find())
		}
		if send(t, r, "RJZ:PAS", adt("A31", "940", "")); !find() || !strings.Contains(body(t, r, first, "Patient"), "ADEYEMI") {
			t.Errorf("after %s, the source has said anew who it is, and nobody is found", trigger)
		}
	}
}

// G19: a report that is cancelled takes its results with it, and no other
// report's; a result that could not be had has no value, nor the old one's.
func TestG19CancelledReports(t *testing.T) {
	r := open(t)
	oru := func(at, groups string) ingest.Outcome {
		return send(t, r, "RJZ:LAB", "MSH|^~\\&|LAB|RJZ|SELDA|SEL|202611010"+at+"00||ORU^R01|"+at+"|P|2.4\nPID|1||K1^^^RJZ^MRN~"+folake+"^^^NHS^NHS||ADEYEMI^FOLAKE||19511105|F\n"+groups)
	}
	obr := func(n, status string) string {
		return "OBR|" + n + "||FILL000" + n + "|X^Panel" + strings.Repeat("|", 21) + status + "\n"
	}
	first := oru("900", obr("1", "F")+"OBX|1|NM|CREA^Creatinine||142|umol/L|60-110|H|||F\n"+obr("2", "F")+"OBX|1|NM|HB^Haemoglobin||120|g/L|||||F\n")
	oru("910", obr("2", "X"))
	if got := says(t, r, folake); got != "CREA" {
		t.Errorf("after the second report was cancelled the record says %q", got)
	}
	oru("912", obr("3", "F")+"OBX|1|ED|PDF^Histology||^application^pdf^Base64^JVBERi0xLjQK||||||F\n")
	if got := says(t, r, folake); got != "CREA, document current" {
		t.Errorf("with a report's document the record says %q", got)
	}
	oru("914", obr("3", "X"))
	if got := says(t, r, folake); got != "CREA" {
		t.Errorf("after the report with a document was cancelled the record says %q", got)
	}
	oru("920", obr("1", "F")+"OBX|1|NM|CREA^Creatinine||||||||X\n")
	b := body(t, r, first, "Observation")
	if !strings.Contains(b, `"cancelled"`) || !strings.Contains(b, "dataAbsentReason") || strings.Contains(b, "142") || strings.Contains(b, "interpretation") || strings.Contains(b, "60-110") {
		t.Errorf("a result that could not be had: %s", b)
	}
	oru("930", obr("1", "C")+"OBX|1|ST|CREA^Creatinine||see note||||||C\n")
	if b := body(t, r, first, "Observation"); !strings.Contains(b, "see note") || strings.Contains(b, "dataAbsentReason") {
		t.Errorf("corrected again: %s", b)
	}
}
