package region

import (
	"slices"
	"strings"
	"testing"

	"selda/ingest"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// send takes an HL7 v2 message in, with | for field separators and a line a segment.
func send(t *testing.T, r *Region, source nhs.Source, msg string) ingest.Outcome {
	t.Helper()
	rec, err := r.Ingest.Submit(t.Context(), &ingest.Raw{Source: source, Format: ingest.HL7v2, Body: []byte(strings.ReplaceAll(msg, "\n", "\r"))})
	if err != nil {
		t.Fatal(err)
	}
	out, err := rec.Committed(t.Context())
	if err != nil || out.State != ingest.Stored {
		t.Fatalf("%+v %v", out, err)
	}
	return out
}

func body(t *testing.T, r *Region, out ingest.Outcome, typ string) string {
	t.Helper()
	for _, i := range out.Items {
		if i.Type == typ {
			v, err := r.Store.Read(t.Context(), typ, i.ID, store.Latest, &policy.Predicate{Permit: true, Everything: true})
			if err != nil {
				t.Fatal(err)
			}
			return string(v.Body)
		}
	}
	t.Fatalf("no %s in %+v", typ, out.Items)
	return ""
}

// What a later message leaves out of a person or a visit is not gone.
func TestLaterMessagesAdd(t *testing.T) {
	r := open(t)
	admit := "MSH|^~\\&|PAS|RJZ|SELDA|SEL|20261101090000||ADT^A01|1|P|2.4\nEVN|A01|20261101090000\nPID|1||K100^^^RJZ^MRN~9991234519^^^NHS^NHS||ADEYEMI^FOLAKE||19511105|F\nPD1|||OLD KENT ROAD^^G85915\nPV1|1|I|WARD1^^^RJZ||||||||||||||||V9001|||||||||||||||||||||||||20261101090000\n"
	out := send(t, r, "RJZ:PAS", admit)
	if b := body(t, r, out, "Patient"); !strings.Contains(b, "generalPractitioner") {
		t.Fatal(b)
	}
	discharge := "MSH|^~\\&|PAS|RJZ|SELDA|SEL|20261105090000||ADT^A03|2|P|2.4\nEVN|A03|20261105090000\nPID|1||K100^^^RJZ^MRN||ADEYEMI^FOLAKE||19511105|F\nPV1|1|I|||||||||||||||||V9001||||||||||||||||||||||||||20261105090000\n"
	out = send(t, r, "RJZ:PAS", discharge)
	if b := body(t, r, out, "Patient"); !strings.Contains(b, "G85915") || !strings.Contains(b, "9991234519") {
		t.Errorf("a discharge without PD1 has wiped the practice, or the NHS number: %s", b)
	}
	e := body(t, r, out, "Encounter")
	if !strings.Contains(e, `"start":"2026-11-01`) || !strings.Contains(e, `"end":"2026-11-05`) || !strings.Contains(e, `"status":"finished"`) {
		t.Errorf("the discharge has lost the admission: %s", e)
	}
}

// R02: a laboratory that knows the hospital number only speaks of the same
// citizen as the administration system of its hospital; another hospital's
// same number is another's.
func TestR02HospitalNumberLinksWithinItsOrganisation(t *testing.T) {
	r := open(t)
	result := func(org, control string) string {
		return "MSH|^~\\&|LAB|" + org + "|SELDA|SEL|20261102090000||ORU^R01|" + control + "|P|2.4\nPID|1||K200^^^RJZ^MRN||ADEYEMI^FOLAKE||19511105|F\nOBR|1|P" + control + "|F" + control + "|UE^Urea\nOBX|1|NM|CREA^Creatinine||142|umol/L|||||F\n"
	}
	send(t, r, "RJZ:PAS", "MSH|^~\\&|PAS|RJZ|SELDA|SEL|20261101090000||ADT^A28|1|P|2.4\nPID|1||K200^^^RJZ^MRN~9991234519^^^NHS^NHS||ADEYEMI^FOLAKE||19511105|F\n")
	send(t, r, "RJZ:LAB", result("RJZ", "7"))
	send(t, r, "RJ2:LAB", result("RJ2", "8"))
	number, _ := nhs.ParseNumber("9991234519")
	id, err := r.Access.ByNumber(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	found, err := r.Store.Citizen(t.Context(), id, store.Latest)
	if err != nil || len(found.Subjects) != 2 {
		t.Errorf("%+v %v: the hospital's laboratory and administration are not one, or another hospital is in it", found, err)
	}
}

// A number that is used again for somebody else does not take the first one's result away.
func TestNumbersUsedTwiceDoNotMoveItems(t *testing.T) {
	r := open(t)
	oru := func(control, mrn, name, value, status string) string {
		return "MSH|^~\\&|LAB|RJZ|SELDA|SEL|20261102090000||ORU^R01|" + control + "|P|2.4\nPID|1||" + mrn + "^^^RJZ^MRN||" + name + "^A||19500101|F\nOBR|1||FILLER00001|UE^Urea\nOBX|1|NM|CREA^Creatinine||" + value + "|umol/L|||||" + status + "\n"
	}
	first := send(t, r, "RJZ:LAB", oru("1", "K1", "ONE", "100", "F"))
	send(t, r, "RJZ:LAB", oru("2", "K2", "TWO", "200", "F"))
	if b := body(t, r, first, "Observation"); !strings.Contains(b, "100") {
		t.Errorf("the first citizen's result is gone: %s", b)
	}
	// A correction does go where its source says that it belongs (G19).
	moved := send(t, r, "RJZ:LAB", oru("3", "K3", "THREE", "100", "C"))
	for _, i := range moved.Items {
		if i.Type == "Observation" && !i.Existed {
			t.Error("the correction is a new item: the first citizen keeps what is not theirs")
		}
	}
}

// A visit to which its source gives no number is one visit from its admission
// to its discharge, and the next admission is another.
func TestVisitsWithoutANumber(t *testing.T) {
	r := open(t)
	adt := func(trigger, at, ward string) ingest.Outcome {
		return send(t, r, "RJZ:PAS", "MSH|^~\\&|PAS|RJZ|SELDA|SEL|202611"+at+"||ADT^"+trigger+"|"+trigger+at+"|P|2.3\nEVN|"+trigger+"|202611"+at+"\nPID|1||K1^^^RJZ^MRN||ADEYEMI^FOLAKE||19511105|F\nPV1|1|I|"+ward+"\n")
	}
	first := adt("A01", "01090000", "WARD1")
	adt("A02", "02090000", "WARD2")
	adt("A03", "03090000", "WARD2")
	if b := body(t, r, first, "Encounter"); !strings.Contains(b, `"finished"`) || !strings.Contains(b, "WARD2") || !strings.Contains(b, `"start":"2026-11-01T09`) || !strings.Contains(b, `"end":"2026-11-03T09`) {
		t.Errorf("admitted, moved and discharged: %s", b)
	}
	adt("A13", "03100000", "WARD2")
	if b := body(t, r, first, "Encounter"); !strings.Contains(b, `"in-progress"`) || strings.Contains(b, `"end"`) {
		t.Errorf("the discharge was taken back: %s", b)
	}
	adt("A03", "04090000", "WARD2")
	second := adt("A01", "10090000", "WARD3")
	adt("A11", "10093000", "WARD3")
	if b := body(t, r, first, "Encounter"); !strings.Contains(b, `"finished"`) {
		t.Errorf("the first visit was touched: %s", b)
	}
	if b := body(t, r, second, "Encounter"); !strings.Contains(b, `"cancelled"`) {
		t.Errorf("the second was cancelled: %s", b)
	}
	if out := adt("A03", "20090000", "WARD3"); len(out.Items) == 0 || slices.ContainsFunc(out.Items, func(i ingest.Item) bool { return i.Type == "Encounter" }) {
		t.Errorf("a discharge from no visit made one: %+v", out.Items)
	}
}

// A field that holds "" says that there is no value any more; an empty one says
// nothing. HL7 v2.5.1 section 2.5.3.1.
func TestNullDeletes(t *testing.T) {
	r := open(t)
	adt := func(at, rest string) ingest.Outcome {
		return send(t, r, "RJZ:PAS", "MSH|^~\\&|PAS|RJZ|SELDA|SEL|202611010"+at+"00||ADT^A31|"+at+"|P|2.4\nPID|1||K1^^^RJZ^MRN||ADEYEMI^FOLAKE||19511105|"+rest+"\n")
	}
	first := adt("900", "F|||1 High St^^London^^SE1 1AA||0207 1|0207 2")
	adt("910", "|||||")
	if b := body(t, r, first, "Patient"); !strings.Contains(b, "High St") || !strings.Contains(b, `"female"`) || !strings.Contains(b, "0207") {
		t.Errorf("empty fields have taken something away: %s", b)
	}
	adt("920", `""|||""||""|0207 3`)
	if b := body(t, r, first, "Patient"); strings.Contains(b, "High St") || strings.Contains(b, "gender") || strings.Contains(b, "0207 1") || !strings.Contains(b, "0207 3") {
		t.Errorf("what was deleted stays: %s", b)
	}
	adt("915", "F|||2 Old St^^London^^SE1 1AA")
	if b := body(t, r, first, "Patient"); !strings.Contains(b, "0207 3") {
		t.Errorf("a late message: %s", b)
	}
}
