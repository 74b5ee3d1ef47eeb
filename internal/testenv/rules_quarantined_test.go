package testenv

import (
	"slices"
	"strings"
	"testing"
	"time"

	"selda/cmd/selda/region"
	"selda/fault"
	"selda/ingest"
)

// G18: a message of somebody's that could not be used is kept, and so it is looked through for the
// copy of their record; it is destroyed with the last that their source keeps of them, and so is one
// that said again what was known. Somebody else's stays.
func TestG18QuarantinedMessagesOfAPerson(t *testing.T) {
	o := known(t)
	o.another("second", "RJZ")
	ctx, operator := t.Context(), region.OperatorSubject()
	letters := []byte(marker)
	slices.Reverse(letters)
	backwards := string(letters)
	unusable := func(id, pid, text string) string {
		return v2(strings.Replace(msh("ADT^A40^ADT_A39", id), "G85915", "RJZ", 1), pid, "NTE|1||"+text)
	}
	held := func(source, format, body string) ingest.Outcome {
		t.Helper()
		out := o.submits("RJZ:OLD", format, "", body)
		if out.State != ingest.Quarantined {
			t.Fatal(source, out.State, out.Reason)
		}
		return out
	}
	hers := `PID|1||H77^^^RJZ^MR~` + folake + `^^^NHS^NH||ADEYEMI^FOLAKE||19511105|F`
	his := `PID|1||H78^^^RJZ^MR||ADEYEMI^BOLA||19761105|M`
	first := visitOf("ADT^A01^ADT_A01", "1", "AL1|1|DA|PEN^Penicillin^L|SV|Rash "+marker)
	o.arrives("RJZ:OLD", ingest.HL7v2, "", first)
	o.arrives("RJZ:OLD", ingest.HL7v2, "", strings.NewReplacer("|1|P", "|2|P", "A01", "A08", "20261105080000", "20261105081000").Replace(first))
	held("hers", ingest.HL7v2, unusable("3", hers, marker))
	held("his", ingest.HL7v2, unusable("4", his, backwards))

	o.asksFor("access", "", "")
	id := o.caseOf("privacy")
	_, page := o.asks("privacy", "GET", "/privacy/cases/"+id, "")
	o.must(200, page, "A message that could not be used yet", marker)
	if strings.Contains(page, backwards) {
		t.Error("somebody else's message is put into the copy")
	}
	o.Advance(9 * 366 * 24 * time.Hour)
	o.disposes("health")
	if where := (planted{text: marker}).on(t, o.Dir); where != nil {
		t.Errorf("her bytes are in %v", where)
	}
	left, err := o.Region.Quarantine(ctx, operator, 100)
	if err != nil || len(left) != 1 {
		t.Fatalf("in quarantine: %+v %v", left, err)
	}
	raw, err := o.Region.Journal.Read(left[0].ID)
	if err != nil || !strings.Contains(string(raw.Body), backwards) {
		t.Error("his message is gone", err)
	}
	stages, err := o.Region.Trace(ctx, operator, o.Region.Store.MessageID(left[0].ID-1))
	if err != nil && !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	for _, s := range stages {
		if strings.Contains(s.Detail, "A40") || strings.Contains(s.Detail, marker) {
			t.Error("the trace still tells of what was destroyed", s)
		}
	}
}
