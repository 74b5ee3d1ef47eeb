package death

import (
	"testing"
	"time"

	"selda/fhir"
	"selda/nhs"
	"selda/policy"
)

// G20: what is written is what is read, and no other source refutes a death.
func TestG20WrittenAndRead(t *testing.T) {
	n, err := nhs.ParseNumber("9991234519")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	f := Finding{Refuted: policy.Refuted{By: "RJ1:PAS", From: now, Until: now.Add(Holds)}, Reason: "seen this morning", User: "gp", By: "Dr A Okafor"}
	r, err := fhir.ParseTrusted(fhir.Marshal(Build(f, n)))
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := Of(r, Source); !ok || got != f {
		t.Errorf("%+v\n%+v", got, f)
	}
	if _, ok := Of(r, "RJ1:PAS"); ok {
		t.Error("a hospital refutes a death")
	}
}
