package region

import (
	"strings"
	"testing"

	"selda/ingest"
)

// dies has the hospital state that its patient of a number has died.
func dies(t *testing.T, r *Region, number string) {
	t.Helper()
	rec, err := r.Ingest.Submit(t.Context(), &ingest.Raw{Source: "RJZ:PAS", Format: ingest.HL7v2,
		Body: []byte("MSH|^~\\&|PAS|RJZ|SELDA|QKK|20261121120000||ADT^A08^ADT_A01|D1|P|2.4\rEVN|A08|20261121120000\rPID|1||" + number + "^^^RJZ^MR||ADEYEMI^FOLAKE||19511105|F|||||||||||||||||||||20261120|Y\rPV1|1|N\r")})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := rec.Committed(t.Context()); err != nil || out.State != ingest.Stored {
		t.Fatal(out, err)
	}
}

// death is what the practice sees of a death that one source states and another does not: who
// states it, that the sources differ, and how to say that it is wrong (G20).
func (b *tab) death() {
	b.at(":")
	b.says("Died 20-Nov-2026")
	b.look("summary-died")
	b.Width(360)
	if shown := b.Eval("[...document.querySelectorAll('.s-banner dl > div')].filter(d => d.offsetParent).map(d => d.textContent.trim().replace(/\\s+/g, ' ')).join(' | ')"); strings.Contains(shown, "20-Nov-2026") {
		b.t.Errorf("narrow, the day of death stands without its word beside the number: %s", shown)
	}
	b.Width(1280)
	b.at(":/death")
	b.says("King's College Hospital")
	b.look("death-stated")
}
