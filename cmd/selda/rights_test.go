package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// G18 at the command line: a request is written down with its clock and extended; what was
// kept long enough is listed without a change, proposed, held, and approved by nobody who has
// proposed it; a schedule that does not hold is refused in words.
func TestRightsAtTheCommandLine(t *testing.T) {
	data, away := t.TempDir(), t.TempDir()
	at := func(name string) string { return filepath.Join(away, name) }
	write(t, at("a.json"), `{"resourceType":"Bundle","type":"transaction","entry":[
		{"fullUrl":"urn:uuid:8a3f7b1e-0000-4000-8000-000000000001","resource":{"resourceType":"Patient","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9991234519"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"},"request":{"method":"POST","url":"Patient"}},
		{"resource":{"resourceType":"Condition","code":{"text":"Fracture"},"recordedDate":"2011-03-01","subject":{"reference":"urn:uuid:8a3f7b1e-0000-4000-8000-000000000001"}},"request":{"method":"POST","url":"Condition"}}]}`)
	ok(t, data, "ingest", "--source", "RJZ:PAS", at("a.json"))
	s := start(t, data, "serve")
	refused := func(want string, args ...string) {
		t.Helper()
		if r := selda(t, data, args...); r.code == 0 || !strings.Contains(r.err, want) {
			t.Errorf("%v: %+v", args, r)
		}
	}
	refused("keeps nothing here", "rights", "open", "--number", "9991234519", "--organisation", "RV5", "--kind", "access", "--asker", "by letter")
	id := strings.TrimSpace(ok(t, data, "rights", "open", "--number", "9991234519", "--organisation", "RJZ", "--kind", "access", "--asker", "by letter", "--identity", "passport seen"))
	if list := ok(t, data, "rights", "list"); !strings.Contains(list, id) || !strings.Contains(list, "days left") || strings.Contains(list, "Adeyemi") {
		t.Error(list)
	}
	if line := ok(t, data, "rights", "list", "--json"); !strings.Contains(line, `"kind":"access"`) || !strings.Contains(line, `"overdue":false`) {
		t.Error(line)
	}
	ok(t, data, "rights", "extend", id, "--why", "many systems")
	refused("once", "rights", "extend", id, "--why", "again")
	if shown := ok(t, data, "rights", "show", id); !strings.Contains(shown, "extended by two months") {
		t.Error(shown)
	}
	refused("another person decides", "rights", "decide", id, "--outcome", "nothing")

	if due := ok(t, data, "rights", "dispose", "due", "--organisation", "RJZ", "--class", "health"); !strings.Contains(due, "all that is kept: 2 items") || !strings.Contains(due, "1 person, 2 items: 1 Condition, 1 Patient") {
		t.Error(due)
	}
	proposed := strings.Fields(ok(t, data, "rights", "dispose", "propose", "--organisation", "RJZ", "--class", "health"))
	disposal := proposed[len(proposed)-1]
	refused("another person approves", "rights", "dispose", "approve", disposal)
	refused("nobody has approved it", "rights", "dispose", "carry-out", disposal)
	hold := strings.TrimSpace(ok(t, data, "rights", "hold", "--source", "RJZ:LAB", "--why", "public inquiry", "--until", "2099-03-31"))
	refused("write the day", "rights", "hold", "--source", "RJZ:LAB", "--why", "public inquiry", "--until", "soon")
	refused("write why it ends", "rights", "hold", "--end", hold)
	ok(t, data, "rights", "hold", "--end", hold, "--why", "it reported")
	refused("another person agrees", "rights", "hold", "--end", hold, "--agree")
	if list := ok(t, data, "rights", "hold"); !strings.Contains(list, "public inquiry") || !strings.Contains(list, "asks that it ends: it reported") {
		t.Error(list)
	}

	write(t, at("bad.yaml"), "schedule: x\nrules: [{class: a, title: A, years: 1}]\n")
	refused("say why", "rights", "retention", at("bad.yaml"))
	schedule := ok(t, data, "rights", "retention")
	write(t, at("longer.yaml"), strings.Replace(schedule, "years: 8\n    child: true", "years: 30\n    child: true", 1))
	ok(t, data, "rights", "retention", at("longer.yaml"))
	refused("nothing is due", "rights", "dispose", "propose", "--organisation", "RJZ", "--class", "health")
	ok(t, data, "backup", at("backup"))
	write(t, at("lists"), ok(t, data, "rights", "dispose", "lists"))
	if code := s.stop(t); code != 0 {
		t.Fatal(code, s.errs)
	}
	other := t.TempDir()
	if r := selda(t, filepath.Join(other, "a"), "restore", at("backup")); r.code != 0 || !strings.Contains(r.err, "--disposed") {
		t.Errorf("%+v", r)
	}
	if out := ok(t, filepath.Join(other, "b"), "restore", at("backup"), "--disposed", at("lists")); !strings.Contains(out, "0 items that were destroyed since") {
		t.Error(out)
	}
}
