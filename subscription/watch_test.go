package subscription

import (
	"slices"
	"testing"
	"time"

	"selda/fhir"
	"selda/fhir/search"
)

// A resourceTrigger as R5 has it: which interactions; a search before and one
// after, both or either, and what stands for the side that is not there; a FHIRPath.
// https://hl7.org/fhir/R5/subscriptiontopic-definitions.html#SubscriptionTopic.resourceTrigger
func TestTriggers(t *testing.T) {
	with := func(status string) *side {
		if status == "" {
			return &side{}
		}
		r, err := fhir.Parse([]byte(`{"resourceType":"Encounter","id":"e","status":"` + status + `","class":{"code":"IMP"}}`))
		if err != nil {
			t.Fatal(err)
		}
		return &side{search.Candidate{Type: "Encounter", ID: "e", Res: r}}
	}
	all := Trigger{Type: "Encounter", Create: true, Update: true, Delete: true}
	crit := func(previous, current string, both, onCreate, onDelete bool) Trigger {
		x := all
		x.Previous, x.Current, x.Both, x.OnCreate, x.OnDelete = previous, current, both, onCreate, onDelete
		return x
	}
	path := func(p string) Trigger { x := all; x.Path = p; return x }
	both := crit("status=planned", "status=finished", false, false, false)
	both.Path = "%current.class.code = 'AMB'"
	const planned, finished = "status=planned", "status=finished"
	for _, c := range []struct {
		what    string
		trigger Trigger
		// What is told of: made planned, made finished, planned to finished, finished
		// to planned, planned to planned, deleted when planned, deleted when finished.
		told string
	}{
		{"all interactions", all, "1111111"},
		{"creates", Trigger{Type: "Encounter", Create: true}, "1100000"},
		{"updates", Trigger{Type: "Encounter", Update: true}, "0011100"},
		{"deletes", Trigger{Type: "Encounter", Delete: true}, "0000011"},
		{"after", crit("", finished, false, false, false), "0110000"},
		{"after, and deletes pass", crit("", finished, false, false, true), "0110011"},
		{"before", crit(planned, "", false, false, false), "0010110"},
		{"before, and creates pass", crit(planned, "", false, true, false), "1110110"},
		{"before, both are asked for", crit(planned, "", true, false, false), "0010110"},
		{"either", crit(planned, finished, false, false, false), "0110110"},
		{"both", crit(planned, finished, true, false, false), "0010000"},
		{"both, and creates pass", crit(planned, finished, true, true, false), "0110000"},
		{"both, and deletes pass", crit(planned, finished, true, false, true), "0010010"},
		{"a path of the current side", path("status = 'finished'"), "0110001"},
		{"a path of both sides", path("%previous.status = 'planned' and %current.status = 'finished'"), "0010000"},
		{"a path of what was not there", path("%previous.empty() or %current.empty()"), "1100011"},
		{"a path that gives nothing", path("%current.length"), "0000000"},
		{"searches and a path", both, "0000000"},
	} {
		w, err := (&reading{scope: &search.Scope{Parameters: search.R4(), Now: time.Unix(0, 0)}}).watch(c.trigger)
		if err != nil {
			t.Fatal(c.what, err)
		}
		got := ""
		for _, s := range []struct {
			change  Change
			was, is string
		}{{Created, "", "planned"}, {Created, "", "finished"}, {Updated, "planned", "finished"}, {Updated, "finished", "planned"}, {Updated, "planned", "planned"}, {Deleted, "planned", ""}, {Deleted, "finished", ""}} {
			if w.matches(s.change, with(s.was), with(s.is)) {
				got += "1"
			} else {
				got += "0"
			}
		}
		if got != c.told {
			t.Errorf("%s: %s, want %s", c.what, got, c.told)
		}
	}
}

// Of the guide's own topic, what R4 has no parameters for is said.
func TestWhatATopicSaysBeyondWhatThereIs(t *testing.T) {
	topic := &Topic{Triggers: []Trigger{changed("Encounter")}, Filters: []FilterBy{{Type: "Encounter", Name: "subject"}, {Type: "Encounter", Name: "_in"}, {Type: "Encounter", Name: "long", Definition: "http://hl7.org/fhir/SearchParameter/Encounter-length"}},
		Shapes: []Shape{{Type: "Encounter", Directives: slices.Concat(directives("Encounter:patient&iterate=Patient.link", false), directives("Encounter:observation", false), directives("Encounter:length", false), directives("Observation:encounter", true))}}}
	if got := bare().beyond(topic); !slices.Equal(got, []string{"Encounter:_in", "Encounter:observation", "Encounter:length"}) {
		t.Errorf("beyond: %q", got)
	}
}
