package testenv

import (
	"fmt"
	"strings"
	"testing"

	"selda/cmd/selda/region"
	"selda/ingest"
	"selda/policy"
)

// G8: a label that a source set by HL7 v2 stays whatever its next messages leave out, and
// goes when the source deletes it, which the trace of that message says.
func TestG8ALabelStaysUntilItsSourceDeletesIt(t *testing.T) {
	o := known(t)
	n := 0
	visit := func(event, vip string) ([]ingest.Item, string) {
		n++
		id := "L" + string(rune('0'+n))
		return o.arrives(ownGP, ingest.HL7v2, "", v2(strings.Replace(msh(event, id), "20261105080000", "2026110508000"+string(rune('0'+n)), 1), pid, "PV1|1|I|W1^^^G85915|||||||100||||||"+vip+"|||V1")), id
	}
	for _, c := range []struct {
		event, vip string
		want       policy.Labels
	}{
		{"ADT^A01^ADT_A01", "VIP", policy.Restricted}, {"ADT^A08^ADT_A01", "", policy.Restricted}, {"ADT^A08^ADT_A01", "N", policy.Restricted},
		{"ADT^A01^ADT_A01", "", policy.Restricted}, {"ADT^A08^ADT_A01", `""`, 0}, {"ADT^A08^ADT_A01", "", 0},
	} {
		items, id := visit(c.event, c.vip)
		if got := o.labelsOf(items)["Encounter"]; got != c.want {
			t.Errorf("message %s, %s with %q: %q, want %q", id, c.event, c.vip, got, c.want)
		}
		if c.vip != `""` {
			continue
		}
		stages, err := o.Region.Trace(t.Context(), region.OperatorSubject(), id)
		if said := fmt.Sprint(stages); err != nil || !strings.Contains(said, "taken back a label") {
			t.Error("the trace does not say that the label was taken back:", said, err)
		}
	}
}

// G4: a release of information that was refused, as a source recorded it (CON), keeps what
// others wrote from whom they did not write it for, until it is rescinded or given; what was
// said of an operation changes nothing about who sees the record, and tells of the operation.
func TestG4ARefusedReleaseOfInformation(t *testing.T) {
	o := known(t)
	o.writes(ownGP, "Condition", "asthma", `"code":{"text":"Asthma"},`+atGP)
	o.declares("visitor")
	n := 0
	says := func(con string) []ingest.Item {
		n++
		return o.arrives(ownGP, ingest.HL7v2, "", v2(strings.Replace(msh("ADT^A08^ADT_A01", "C"+string(rune('0'+n))), "20261105080000", "2026110508000"+string(rune('0'+n)), 1), pid, "PV1|1|N", con))
	}
	for _, c := range []struct {
		con  string
		want int
	}{
		{"CON|1|002^Hip replacement|||||||||R||202611050800", 1},
		{"CON|1|001||F1|||||||R||202611050801", 0},
		{"CON|1|001||F1|||||||X||202611050802", 1},
		{"CON|1|001||F1|||||||R||202611050803", 0},
		{"CON|1|001||F1|||||||A||202611050804", 1},
	} {
		says(c.con)
		if got := o.total("visitor", "/fhir/Condition?patient={citizen}"); got != c.want {
			t.Errorf("after %s the visitor finds %d, want %d", c.con, got, c.want)
		}
		if got := o.total("gp", "/fhir/Condition?patient={citizen}"); got != 1 {
			t.Errorf("after %s who wrote it finds %d", c.con, got)
		}
	}
	if got := o.labelsOf(says("CON|1|004|||||||||A||202611050805"))["Consent"]; got != policy.Termination {
		t.Errorf("an agreement to a termination tells of it, and is labelled %q", got)
	}
}
