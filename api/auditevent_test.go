package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"selda/access"
	"selda/audit"
	"selda/fhir"
	"selda/fhir/definition"
	"selda/fhir/validate"
	"selda/internal/referee"
	"selda/nhs"
	"selda/policy"
	"selda/terminology"
)

var (
	nobody   policy.Subject
	balpMeta = regexp.MustCompile(`"profile":\["https://profiles\.ihe\.net[^\]]*\],`)
)

// eventsOfEveryKind are AuditEvents of every action, done and refused, of somebody's
// record and of nobody's, as an officer and as a citizen reads them.
func eventsOfEveryKind(t *testing.T) map[string][]byte {
	t.Helper()
	trail, err := audit.Open(audit.Options{Data: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = trail.Close() })
	q := &request{API: &API{Access: &access.Access{Trail: trail}, Organisation: func(nhs.ODS) string { return "King's College Hospital" }}, base: "https://selda.example/fhir"}
	out := map[string][]byte{}
	for _, action := range append(slices.Collect(maps.Keys(deeds)), "an act of tomorrow") {
		for _, outcome := range []string{audit.Permit, audit.Deny} {
			for _, citizen := range []string{"", "674sdcgavq8n0"} {
				for _, what := range []string{"", "Observation/abc", "record", "trace of 12", "Nonsense/1"} {
					for _, plain := range []bool{false, true} {
						e := audit.Entry{Seq: 7, At: time.Date(2026, 11, 26, 9, 0, 0, 5e6, time.UTC), Action: action, Outcome: outcome, Citizen: citizen, What: what}
						if what != "trace of 12" {
							e.User, e.Name, e.Role, e.Organisation, e.Purpose, e.Rules = "doctor", "Dr J Whitfield", nhs.HospitalDoctor, "RJZ", nhs.Treatment, []string{"G7 encounter", "G1 agreement x"}
							e.From, e.Request, e.App, e.Signs, e.Reason, e.About = "192.0.2.7", "r-1", "growth-chart", []string{access.SignFamily}, "unconscious", 3
						}
						if plain {
							e, _ = access.Seen(nobody, e)
						}
						out[fmt.Sprintf("%s %s %q %q plain=%v", action, outcome, citizen, what, plain)] = q.auditEvent(e, plain)
					}
				}
			}
		}
	}
	return out
}

// R14: every AuditEvent is valid R4, and keeps what IHE BALP says of its profile.
// https://profiles.ihe.net/ITI/BALP/content.html
func TestAuditEventsAreBALP(t *testing.T) {
	v := validate.New(definition.R4, terminology.New(terminology.R4))
	profiles := map[string]bool{}
	for name, body := range eventsOfEveryKind(t) {
		r, err := fhir.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		for _, issue := range append(v.Structure(r), v.Profiles(r)...) {
			if issue.Severity == validate.Error {
				t.Errorf("%s: %v", name, issue)
			}
		}
		for _, p := range balp(t, name, body) {
			profiles[p] = true
		}
	}
	for _, p := range balpProfiles() {
		if !profiles[p] {
			t.Errorf("nothing is made by %s", p)
		}
	}
}

// balp holds an AuditEvent against what the profile that it names says, and gives that.
func balp(t *testing.T, name string, body []byte) []string {
	t.Helper()
	type coding struct{ System, Code string }
	type concept struct{ Coding []coding }
	var e struct {
		Meta            struct{ Profile []string }
		Type            coding
		Subtype         []coding
		Action, Outcome string
		Agent           []struct {
			Type      concept
			Requestor *bool
			Who       map[string]any
			Network   map[string]any
		}
		Entity []struct {
			Type, Role coding
			What       map[string]any
			Query      map[string]any `json:"_query"`
			Detail     []any
		}
	}
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatal(err)
	}
	must := func(ok bool, what string) {
		t.Helper()
		if !ok {
			t.Errorf("%s: %s: %s", name, what, body)
		}
	}
	requestors := 0
	for _, a := range e.Agent {
		if must(a.Requestor != nil, "an agent is a requestor or not"); *a.Requestor {
			requestors++
		}
	}
	must(requestors == 1, "one agent asked")
	if len(e.Meta.Profile) == 0 {
		return nil
	}
	must(e.Outcome == "0" && e.Type.Code == "rest", "a profile is of what succeeded over REST")
	profile := strings.TrimPrefix(e.Meta.Profile[0], balpProfile)
	bare := strings.TrimPrefix(profile, "Patient")
	want := map[string]struct{ action, subtype, client, server string }{"Read": {"R", "read", "110152", "110153"}, "Query": {"E", "search", "110153", "110152"}, "Create": {"C", "create", "110153", "110152"},
		"Update": {"U", "update", "110153", "110152"}, "Delete": {"D", "delete", "110153", "110152"}}[bare]
	must(e.Action == want.action && e.Subtype[0].Code == want.subtype, "action and subtype")
	for _, role := range []string{want.client, want.server} {
		n := 0
		for _, a := range e.Agent {
			if a.Type.Coding[0].Code == role {
				n++
				must(len(a.Who) > 0 && len(a.Network) > 0, "a client and a server have a name and a network")
			}
		}
		must(n == 1, "one client and one server")
	}
	sources := []string{"AUT", "INF", "CST"} // BALP's DataSources
	if bare == "Read" || bare == "Query" {
		sources = []string{"IRCP"}
	}
	for _, a := range e.Agent {
		if *a.Requestor {
			must(slices.Contains(sources, a.Type.Coding[0].Code) && len(a.Who) > 0 && a.Network == nil, "the user is a receiver or a source, has a name and is no machine")
		}
	}
	patients, data := 0, 0
	for _, x := range e.Entity {
		switch x.Type.Code + "/" + x.Role.Code {
		case "1/1":
			patients++
			reference, _ := x.What["reference"].(string)
			must(strings.HasPrefix(reference, "Patient/"), "the patient is referred to")
		case "2/24":
			data++
			must(bare == "Query" && x.What == nil && x.Query != nil && x.Detail == nil, "a query has its element and nothing else")
		case "XrequestId/":
			must(x.What["identifier"] != nil, "a request has its id")
		case "2/4":
			data++
			must(bare != "Query" && x.What != nil, "data are named")
		}
	}
	must(data == 1, "one thing was asked for")
	must((patients == 1) == strings.HasPrefix(profile, "Patient"), "one patient, where the profile has one")
	return e.Meta.Profile
}

// HL7's own validator agrees.
func TestAuditEventsToHL7Validator(t *testing.T) {
	events := eventsOfEveryKind(t)
	names := slices.Sorted(maps.Keys(events))
	bodies := make([][]byte, len(names))
	for i, n := range names {
		bodies[i] = bytes.Clone(events[n])
		// The profiles of BALP are not here: they are held by TestAuditEventsAreBALP.
		bodies[i] = balpMeta.ReplaceAll(bodies[i], nil)
	}
	for i, errors := range referee.Errors(t, bodies) {
		if len(errors) > 0 {
			t.Errorf("%s: %v\n%s", names[i], errors, bodies[i])
		}
	}
}
