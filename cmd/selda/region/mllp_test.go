package region

import (
	"context"
	"net"
	"strings"
	"testing"

	"selda/hl7v2"
	"selda/ingest"
)

// A batch that comes in one frame is answered in one: each of its messages by
// its own control id, and what is none refused by itself.
func TestBatchInAFrame(t *testing.T) {
	r := open(t)
	one := func(control, pid string) string {
		return "MSH|^~\\&|PAS|RJZ|SELDA|SEL|20261101090000||ADT^A28|" + control + "|P|2.4\r" + pid
	}
	frame := "FHS|^~\\&|PAS|RJZ\rBHS|^~\\&|PAS|RJZ\r" + one("B1", "PID|1||K1^^^RJZ^MRN||ADEYEMI^FOLAKE\r") + one("B2", "") + one("B3", "PID|1||K3^^^RJZ^MRN||OKAFOR^ADA\r") + "BTS|3\rFTS|1\r"
	here := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
	answer := answering(r, OpenFeeds())(t.Context(), here, []byte(frame))
	acks := hl7v2.Split(answer)
	if !strings.HasPrefix(string(answer), "BHS|") || !strings.HasSuffix(string(answer), "BTS|3\r") || len(acks) != 3 {
		t.Fatalf("%q", answer)
	}
	for i, want := range []string{"\rMSA|AA|B1", "\rMSA|AE|B2", "\rMSA|AA|B3"} {
		if !strings.Contains(string(acks[i]), want) {
			t.Errorf("%q has not %q", acks[i], want)
		}
	}
	if err := r.Ingest.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	for control, want := range map[string]string{"B1": ingest.Stored, "B2": ingest.Quarantined, "B3": ingest.Stored} {
		if list, err := r.Store.ByControl(t.Context(), control); err != nil || len(list) != 1 || list[0].State != want {
			t.Errorf("%s: %+v %v", control, list, err)
		}
	}
	if answer := answering(r, OpenFeeds())(t.Context(), here, []byte("FHS|^~\\&\rFTS|0\r")); len(hl7v2.Split(answer)) != 0 {
		t.Errorf("an empty batch: %q", answer)
	}
}

// Every answer has a control id of its own, refusals included (MSH-10 is required).
func TestAnswersHaveTheirOwnControlID(t *testing.T) {
	r := open(t)
	abroad := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}
	for name, frame := range map[string]string{"none of HL7": "hello", "not admitted": "MSH|^~\\&|PAS|RJZ|||20261101||ADT^A28|1|P|2.4\rPID|1||K1\r"} {
		m, err := hl7v2.Parse(answering(r, OpenFeeds())(t.Context(), abroad, []byte(frame)))
		if err != nil || m.ControlID() == "" || m.First("MSA").Comp(1, 1).Text() != "AR" {
			t.Errorf("%s: %v %v", name, m, err)
		}
	}
}

// answering is what the door answers by feeds.
func answering(r *Region, f *Feeds) func(ctx context.Context, peer net.Addr, frame []byte) []byte {
	r.admitted.Store(f)
	return r.answer()
}
