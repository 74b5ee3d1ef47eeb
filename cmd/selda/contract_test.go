package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"selda/synth"
)

// This file holds the binary to its contract, as a black box.

func TestServeDrainsAndContinues(t *testing.T) {
	data := t.TempDir()
	s := start(t, data, "serve")
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ready"} {
		if code, body := s.get(t, "", "GET", path, ""); code != 200 || !strings.HasPrefix(body, want) {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if code, body := s.get(t, "", "GET", "/fhir/metadata", ""); code != 200 || !strings.Contains(body, `"CapabilityStatement"`) {
		t.Errorf("metadata without sign-in: %d", code)
	}
	if code, _ := s.get(t, "", "GET", "/fhir/Patient?family=x", ""); code != http.StatusUnauthorized {
		t.Errorf("a search without sign-in: %d", code)
	}
	if ack := s.send(t, admission("C1", "H1", "9991234519", "ADEYEMI")); !strings.Contains(ack, "MSA|AA|C1") {
		t.Fatalf("answer: %q", ack)
	}
	if info, err := os.Stat(filepath.Join(data, "selda.sock")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v %v", info, err)
	}

	again := selda(t, data, "serve", "--http", "127.0.0.1:0", "--mllp", "127.0.0.1:0")
	if again.code != 1 || !strings.Contains(again.err, "in use") || again.out != "" {
		t.Errorf("a second server on the folder: %+v", again)
	}
	if got := settled(trace(t, data, "C1")); fmt.Sprint(got) != "[committed]" {
		t.Errorf("trace over the socket: %v", got)
	}
	if code := s.stop(t); code != 0 {
		t.Errorf("SIGTERM: exit %d: %s", code, s.errs)
	}
	if got := settled(trace(t, data, "C1")); fmt.Sprint(got) != "[committed]" {
		t.Errorf("trace without a server: %v", got)
	}

	s = start(t, data, "serve")
	if ack := s.send(t, admission("C2", "H1", "9991234519", "ADEYEMI")); !strings.Contains(ack, "MSA|AA|C2") {
		t.Fatalf("answer of the second run: %q", ack)
	}
	for _, id := range []string{"C1", "C2"} {
		if got := settled(trace(t, data, id)); fmt.Sprint(got) != "[committed]" {
			t.Errorf("trace %s in the second run: %v", id, got)
		}
	}
	// Gone without a word: the socket is stale, and the verbs open the folder.
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	if got := settled(trace(t, data, "C2")); fmt.Sprint(got) != "[committed]" {
		t.Errorf("trace after a crash: %v", got)
	}
	if out := ok(t, data, "audit", "verify", "--json"); !strings.Contains(out, `"holds":true`) {
		t.Errorf("the trail after a crash: %s", out)
	}
	s = start(t, data, "serve")
	if code := s.stop(t); code != 0 {
		t.Errorf("SIGTERM of the third run: exit %d", code)
	}
}

// What a sender gets: AA, AE with a place, AR.
func TestAcknowledgements(t *testing.T) {
	data := t.TempDir()
	s := start(t, data, "serve")
	for _, c := range []struct{ name, message, want string }{
		{"whole", admission("A1", "H1", "9991234519", "ADEYEMI"), "MSA|AA|A1"},
		{"invalid number", admission("A2", "H2", "9991234518", "ADEYEMI"), "MSA|AA|A2"},
		{"no patient", "MSH|^~\\&|PAS|RJZ|SELDA|QKK|20261105||ADT^A01|A3|P|2.4\nEVN|A01", "MSA|AE|A3"},
		{"not HL7", "hello", "MSA|AR"},
	} {
		if ack := s.send(t, c.message); !strings.Contains(ack, c.want) {
			t.Errorf("%s: %q, want %s", c.name, ack, c.want)
		}
	}
	if got := settled(trace(t, data, "A3")); fmt.Sprint(got) != "[quarantined]" {
		t.Errorf("what got AE: %v", got)
	}
	if list := lines(t, ok(t, data, "quarantine", "list", "--json")); len(list) != 1 || list[0]["source"] != "RJZ:PAS" || list[0]["reason"] == "" {
		t.Errorf("quarantine: %v", list)
	}
	s.stop(t)
	feeds := filepath.Join(t.TempDir(), "feeds.yaml")
	write(t, feeds, "feeds:\n  - source: RJ1:PAS\n    facility: RJ1\n")
	s = start(t, data, "serve", "--feeds", feeds)
	if ack := s.send(t, admission("A4", "H1", "9991234519", "ADEYEMI")); !strings.Contains(ack, "MSA|AR|A4") {
		t.Errorf("a sender that is not admitted: %q", ack)
	}
	if r := selda(t, data, "trace", "A4"); r.code != 1 {
		t.Errorf("trace of what was refused: exit %d", r.code)
	}
}

func write(t testing.TB, name, body string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
}

// document is a CDA document that a synthetic system would send.
func document(t testing.TB) string {
	t.Helper()
	for m := range synth.New(1, 0, time.Time{}).Messages() {
		if m.Format == "cda" && m.Fault == "" {
			return string(m.Body)
		}
	}
	t.Fatal("the synthetic region sends no document")
	return ""
}

const allergies = `patient_id,nhs_number,nhs_number_status,surname,forename,dob,sex,allergy_id,code,term,type,category,criticality,reaction,severity,status,onset_date,recorded_date,recorded_by
P1,9991234519,01,Adeyemi,Folake,05/11/1951,F,A1,91936005,Penicillin,allergy,drug,high,Anaphylaxis,severe,active,10/06/1987,10/06/1987,Dr Okafor
P1,9991234519,01,Adeyemi,Folake,05/11/1951,F,A2,300913006,Shellfish,allergy,food,low,Rash,mild,active,10/06/1987,10/06/1987,Dr Okafor
P1,9991234519,01,Adeyemi,Folake,05/11/1951,F,A3,300913006,Nuts,allergy,food,low,Rash,mild,active,32/13/1987,10/06/1987,Dr Okafor
`

// files makes one of every kind that a folder may hold, and says how many
// messages of each state they are.
func files(t testing.TB, dir string) {
	patient := `{"resourceType":"Patient","id":"p1","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9991234519"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"}`
	cr := func(s string) string { return strings.ReplaceAll(s, "\n", "\r") }
	one, two := cr(admission("F1", "H1", "9991234519", "ADEYEMI")), cr(admission("F2", "H2", "9992048166", "MENSAH"))
	write(t, filepath.Join(dir, "a.hl7"), one)
	write(t, filepath.Join(dir, "b.er7"), "FHS|^~\\&|PAS|RJZ\rBHS|^~\\&|PAS|RJZ\r"+two+one+"BTS|2\rFTS|1\r") // the second is a.hl7's again
	write(t, filepath.Join(dir, "c.txt"), "this is no message at all")
	write(t, filepath.Join(dir, "d.json"), `{"resourceType":"Bundle","type":"collection","entry":[{"resource":`+patient+`},{"resource":{"resourceType":"Condition","id":"c1","code":{"text":"Asthma"},"subject":{"reference":"Patient/p1"}}}]}`)
	write(t, filepath.Join(dir, "e.ndjson"), patient+"\n"+`{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}`+"\n"+`{"resourceType":"Observation","resourceType":"Patient"}`+"\n")
	write(t, filepath.Join(dir, "f.xml"), `<?xml version="1.0"?><Patient xmlns="http://hl7.org/fhir"><id value="px"/><identifier><system value="https://fhir.nhs.uk/Id/nhs-number"/><value value="9992048174"/></identifier><name><family value="Mensah"/><given value="Kofi"/></name><birthDate value="2020-04-19"/></Patient>`)
	write(t, filepath.Join(dir, "g.xml"), document(t))
	write(t, filepath.Join(dir, "sub", "gp-allergies.csv"), allergies)
	write(t, filepath.Join(dir, "sub", "gp-allergies.csv.totals"), "rows=3\n")
	write(t, filepath.Join(dir, "notes.pdf"), "%PDF")
}

type counts struct{ Files, Messages, Stored, Resources, Quarantined, Duplicates int }

func ingested(t testing.TB, data string, args ...string) (c counts) {
	t.Helper()
	if err := json.Unmarshal([]byte(ok(t, data, append([]string{"ingest", "--json"}, args...)...)), &c); err != nil {
		t.Fatal(err)
	}
	if c.Messages != c.Stored+c.Quarantined+c.Duplicates {
		t.Errorf("the counts do not add up: %+v", c)
	}
	return c
}

func TestIngestCounts(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	files(t, dir)
	first := ingested(t, data, "--source", "RJZ:PAS", dir)
	want := counts{Files: 10, Messages: 13, Stored: 8, Resources: first.Resources, Quarantined: 3, Duplicates: 2}
	if first != want {
		t.Errorf("first: %+v, want %+v\n%s", first, want, ok(t, data, "quarantine", "list"))
	}
	if first.Resources < 12 {
		t.Errorf("only %d resources", first.Resources)
	}
	for _, q := range lines(t, ok(t, data, "quarantine", "list", "--json")) {
		for _, key := range []string{"id", "source", "reason", "received"} {
			if v, _ := q[key].(string); v == "" {
				t.Errorf("a quarantined message has no %s: %v", key, q)
			}
		}
	}
	// The same again is known, with a server running on the folder.
	s := start(t, data, "serve")
	second := ingested(t, data, "--source", "RJZ:PAS", dir)
	if second.Stored != 0 || second.Messages != first.Messages || second.Quarantined != first.Quarantined {
		t.Errorf("the same files again: %+v after %+v", second, first)
	}
	s.stop(t)
	for _, format := range []struct{ format, file, message string }{{"hl7v2", "a.hl7", ""}, {"fhir", "d.json", ""}, {"cda", "g.xml", ""}, {"auto", "notes.pdf", ""}} {
		c := ingested(t, t.TempDir(), "--source", "RJZ:PAS", "--format", format.format, filepath.Join(dir, format.file))
		if c.Messages != 1 || format.file != "notes.pdf" && c.Stored != 1 {
			t.Errorf("%s as %s: %+v", format.file, format.format, c)
		}
	}
}

func TestTrace(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	files(t, dir)
	ingested(t, data, "--source", "RJZ:PAS", dir)
	stages := trace(t, data, "F1")
	if fmt.Sprint(settled(stages)) != "[committed]" || stages[0]["stage"] != "received" {
		t.Errorf("by control id: %v", stages)
	}
	item, message := "", stages[0]["message"].(string)
	for _, s := range stages {
		if d, _ := s["detail"].(string); s["stage"] == "written" && strings.HasPrefix(d, "Encounter/") {
			item = d
		}
	}
	if item == "" {
		t.Fatalf("it wrote no Encounter: %v", stages)
	}
	for _, id := range []string{message, item} {
		if again := trace(t, data, id); fmt.Sprint(again) != fmt.Sprint(stages) {
			t.Errorf("by %s: %v, by control id %v", id, again, stages)
		}
	}
	for _, q := range lines(t, ok(t, data, "quarantine", "list", "--json")) {
		if got := settled(trace(t, data, q["id"].(string))); fmt.Sprint(got) != "[quarantined]" {
			t.Errorf("of a quarantined message: %v", got)
		}
	}
	for _, unknown := range []string{"nobody", "Observation/nothing", "0123456789abc", "F9"} {
		if r := selda(t, data, "trace", unknown, "--json"); r.code != 1 || r.out != "" || r.err == "" {
			t.Errorf("trace %s: %+v", unknown, r)
		}
	}
}

func TestQuarantine(t *testing.T) {
	data := t.TempDir()
	file := filepath.Join(t.TempDir(), "bad.hl7")
	write(t, file, "MSH|^~\\&|PAS|RJZ|SELDA|QKK|20261105||ADT^A01|Q1|P|2.4\rEVN|A01\rPV1|1|I|SECRETWARD\r")
	ingested(t, data, "--source", "RJZ:PAS", file)
	list := lines(t, ok(t, data, "quarantine", "list", "--json"))
	if len(list) != 1 {
		t.Fatalf("in quarantine: %v", list)
	}
	id := list[0]["id"].(string)
	if strings.Contains(ok(t, data, "quarantine", "show", id), "SECRETWARD") {
		t.Error("values without --show")
	}
	if !strings.Contains(ok(t, data, "quarantine", "show", id, "--show"), "SECRETWARD") {
		t.Error("no values with --show")
	}
	if r := selda(t, data, "quarantine", "replay", id); r.code != 1 || !strings.Contains(r.err, "stays in quarantine") {
		t.Errorf("a replay of what is still bad: %+v", r)
	}
	for _, verb := range []string{"show", "replay"} {
		if r := selda(t, data, "quarantine", verb, "0123456789abc"); r.code != 1 {
			t.Errorf("%s of an unknown id: %+v", verb, r)
		}
	}
}

func TestLinksAndUndo(t *testing.T) {
	data := t.TempDir()
	file := filepath.Join(t.TempDir(), "a.hl7")
	write(t, file, strings.ReplaceAll(admission("L1", "H1", "9991234519", "ADEYEMI")+admission("L2", "H2", "9992048166", "OKAFOR")+
		"MSH|^~\\&|PAS|RJZ|SELDA|QKK|20261105090000||ADT^A40^ADT_A39|L3|P|2.4\nEVN|A40|20261105090000\nPID|1||H1^^^RJZ^MR||ADEYEMI^FOLAKE||19511105|F\nMRG|H2^^^RJZ^MR\n", "\n", "\r"))
	if c := ingested(t, data, "--source", "RJZ:PAS", file); c.Stored != 3 {
		t.Fatalf("%+v", c)
	}
	list := lines(t, ok(t, data, "link", "list", "--json"))
	if len(list) != 1 || list[0]["kind"] != "merge" || list[0]["undone"] != false {
		t.Fatalf("links: %v", list)
	}
	id := fmt.Sprint(list[0]["id"])
	ok(t, data, "link", "undo", id)
	if list = lines(t, ok(t, data, "link", "list", "--json")); len(list) != 2 || list[0]["kind"] != "undo" || list[1]["undone"] != true {
		t.Errorf("links after the undo: %v", list)
	}
	for _, bad := range []string{id, "4711"} {
		if r := selda(t, data, "link", "undo", bad); r.code != 1 {
			t.Errorf("undo %s: %+v", bad, r)
		}
	}
}

func TestAuditVerify(t *testing.T) {
	data := t.TempDir()
	file := filepath.Join(t.TempDir(), "a.hl7")
	write(t, file, strings.ReplaceAll(admission("V1", "H1", "9991234519", "ADEYEMI"), "\n", "\r"))
	for range 3 {
		ingested(t, data, "--source", "RJZ:PAS", file)
	}
	if out := ok(t, data, "audit", "verify"); !strings.Contains(out, "holds") {
		t.Errorf("verify: %s", out)
	}
	segments, _ := filepath.Glob(filepath.Join(data, "audit", "*"))
	if len(segments) == 0 {
		t.Fatal("there is no trail")
	}
	b, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(segments[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := selda(t, data, "audit", "verify"); r.code != 1 || !strings.Contains(r.err, "entry ") {
		t.Errorf("verify after a changed byte: %+v", r)
	}
}

func TestWrongUse(t *testing.T) {
	data := t.TempDir()
	file := filepath.Join(t.TempDir(), "a.hl7")
	write(t, file, strings.ReplaceAll(admission("W1", "H1", "9991234519", "ADEYEMI"), "\n", "\r"))
	ingested(t, data, "--source", "RJZ:PAS", file)
	for _, c := range []struct {
		args string
		code int
	}{
		{"nonsense", 2}, {"serve --nonsense", 2}, {"trace", 2}, {"ingest --json " + file, 2}, {"ingest --source RJZ:no/such " + file, 2},
		{"link undo seven", 2}, {"token", 2}, {"demo --citizens many", 2}, {"journey", 2},
		{"ingest --source RJZ:PAS /nowhere/at/all", 1}, {"ingest --source RJZ:PAS --format pdf " + file, 2}, {"token --user gp", 1}, {"journey nonsense", 1},
		{"hl7v2 map /nowhere", 1}, {"serve --feeds /nowhere", 1},
		{"help", 0}, {"--help", 0}, {"trace --help", 0}, {"version", 0}, {"user list --json", 0},
	} {
		r := selda(t, data, strings.Fields(c.args)...)
		if r.code != c.code {
			t.Errorf("selda %s: exit %d, want %d: %s", c.args, r.code, c.code, r.err)
		}
		if c.code != 0 && (r.err == "" || strings.Contains(r.err, "panic") || r.out != "" && c.code == 1) {
			t.Errorf("selda %s says %q and %q", c.args, r.out, r.err)
		}
	}
	empty := filepath.Join(t.TempDir(), "none")
	for _, args := range []string{"trace C1", "quarantine list", "link list", "user list", "audit verify"} {
		if r := selda(t, empty, strings.Fields(args)...); r.code != 1 || r.err == "" {
			t.Errorf("selda %s where there is no region: %+v", args, r)
		}
		if _, err := os.Stat(filepath.Join(empty, "record.db")); err == nil {
			t.Fatalf("selda %s made a region", args)
		}
	}
	// --data stands before or after the arguments.
	for _, args := range []string{"--data " + data + " trace W1 --json", "trace W1 --json --data " + data, "trace --data=" + data + " W1 --json"} {
		if r := selda(t, empty, strings.Fields(args)...); r.code != 0 || len(lines(t, r.out)) == 0 {
			t.Errorf("selda %s: %+v", args, r)
		}
	}
}

// A flag is said on the command line, else by the environment, else by
// selda.yaml, whether or not a server runs on the folder.
func TestFlagsByEnvironmentAndFile(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	file := filepath.Join(dir, "a.hl7")
	write(t, file, strings.ReplaceAll(admission("Y1", "H1", "9991234519", "ADEYEMI"), "\n", "\r"))
	run := func(env []string, args ...string) result {
		cmd := exec.CommandContext(t.Context(), binary, args...)
		cmd.Dir, cmd.Env = dir, append(slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "SELDA_") }), env...)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		_ = cmd.Run()
		return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
	}
	check := func(where string) {
		t.Helper()
		for _, c := range []struct {
			name, yaml string
			env        []string
			args       string
			want       int
		}{
			{"the data folder in the file", "data: " + data + "\n", nil, "trace Y1 --json", 0},
			{"the data folder in the environment", "", []string{"SELDA_DATA=" + data}, "trace Y1 --json", 0},
			{"the environment before the file", "data: /nowhere\n", []string{"SELDA_DATA=" + data}, "trace Y1 --json", 0},
			{"the command line before both", "data: /nowhere\n", []string{"SELDA_DATA=/nowhere"}, "trace Y1 --json --data " + data, 0},
			{"a verb's flag in the environment", "", []string{"SELDA_DATA=" + data, "SELDA_JSON=true", "SELDA_SOURCE=RJZ:PAS"}, "ingest " + file, 0},
			{"a verb's flag in the file", "data: " + data + "\ningest:\n  source: RJZ:PAS\n  json: true\n", nil, "ingest " + file, 0},
			{"a verb's flag nowhere", "", []string{"SELDA_DATA=" + data}, "ingest " + file, 2},
			{"a file that is none", "data: [\n", nil, "trace Y1", 1},
		} {
			write(t, filepath.Join(dir, "selda.yaml"), c.yaml)
			if c.yaml == "" {
				_ = os.Remove(filepath.Join(dir, "selda.yaml"))
			}
			r := run(c.env, strings.Fields(c.args)...)
			if r.code != c.want || strings.Contains(r.err, "panic") || c.want == 0 && len(lines(t, r.out)) == 0 {
				t.Errorf("%s, %s: %+v", where, c.name, r)
			}
		}
	}
	ingested(t, data, "--source", "RJZ:PAS", file)
	check("without a server")
	s := start(t, data, "serve")
	check("with a server")
	s.stop(t)
}

// The demonstration: what the contract promises of its accounts and citizen.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short")
	}
	data := t.TempDir()
	s := start(t, data, "demo", "--citizens", "3")
	users := lines(t, ok(t, data, "user", "list", "--json"))
	if len(users) != len(synth.Accounts()) {
		t.Errorf("%d accounts, want %d", len(users), len(synth.Accounts()))
	}
	for _, u := range users {
		if u["user"] == "" || u["name"] == "" || u["role"] == "" {
			t.Errorf("an account says too little: %v", u)
		}
	}
	token := func(user string, more ...string) string {
		out := ok(t, data, append([]string{"token", "--user", user}, more...)...)
		if strings.Count(out, "\n") != 1 {
			t.Errorf("token prints more than a token: %q", out)
		}
		return strings.TrimSpace(out)
	}
	citizen := token("citizen")
	code, body := s.get(t, citizen, "GET", "/fhir/Patient", "")
	var found struct {
		Total int
		Entry []struct{ Resource struct{ ID string } }
	}
	if err := json.Unmarshal([]byte(body), &found); err != nil || code != 200 || found.Total != 1 {
		t.Fatalf("the citizen's own Patient: %d %s", code, body)
	}
	id := found.Entry[0].Resource.ID
	total := func(user, typ string) int {
		t.Helper()
		code, body := s.get(t, token(user), "GET", "/fhir/"+typ+"?patient="+id+"&_count=1000", "")
		var b struct{ Total int }
		if err := json.Unmarshal([]byte(body), &b); err != nil || code != 200 {
			t.Fatalf("%s %s: %d %s", user, typ, code, body)
		}
		return b.Total
	}
	for _, user := range []string{"gp", "doctor", "visitor"} {
		if n := total(user, "Observation"); n < 5 {
			t.Errorf("%s sees %d Observations", user, n)
		}
	}
	code, body = s.get(t, citizen, "POST", "/fhir/Consent", `{"resourceType":"Consent","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],
		"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTOUT"}]},"provision":{"type":"deny"}}`)
	if code != 201 {
		t.Fatalf("the objection: %d %s", code, body)
	}
	for _, typ := range []string{"Observation", "Condition", "MedicationRequest", "AllergyIntolerance", "Encounter", "DocumentReference"} {
		if n := total("visitor", typ); n != 0 {
			t.Errorf("after the objection visitor sees %d of %s", n, typ)
		}
	}
	if total("gp", "Condition") == 0 || total("doctor", "Encounter") == 0 {
		t.Error("after the objection gp and doctor do not see what their own organisations wrote")
	}
	if code, _ := s.get(t, token("visitor"), "GET", "/fhir/Patient/"+id, ""); code != 200 {
		t.Errorf("after the objection visitor gets no demographics: %d", code)
	}
	for _, bad := range [][]string{{"--user", "nobody"}, {"--user", "gp", "--hours", "0"}, {"--user", "gp", "--purpose", "CURIOSITY"}, {"--user", "citizen", "--purpose", "TREAT"}} {
		if r := selda(t, data, append([]string{"token"}, bad...)...); r.code == 0 || r.out != "" {
			t.Errorf("token %v: %+v", bad, r)
		}
	}
	if code := s.stop(t); code != 0 {
		t.Errorf("SIGTERM: exit %d: %s", code, s.errs)
	}
	ok(t, data, "audit", "verify")
}

// A real identity service is only configuration: it is on the sign-in page,
// and passwords are not where the file says so.
func TestSignOnFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sign-on.yaml")
	text := "public_url: http://localhost\npasswords: false\nproviders:\n- {name: cis2, title: NHS Care Identity, issuer: 'https://cis2.example', client_id: selda, client_secret: s, claims: cis2, roles: {R8000: gp}}\n" +
		"- {name: nhs-login, title: NHS login, issuer: 'https://login.example', client_id: selda, client_secret: s, claims: nhs-login, role_for_all: citizen}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, t.TempDir(), "serve", "--sign-on", file)
	if code, body := s.get(t, "", "GET", "/login", ""); code != 200 || !strings.Contains(body, "NHS Care Identity") || !strings.Contains(body, "NHS login") || strings.Contains(body, "password") {
		t.Errorf("%d %s", code, body)
	}
	if err := os.WriteFile(file, []byte("providers: [{name: x}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := selda(t, t.TempDir(), "serve", "--sign-on", file); r.code != 1 || !strings.Contains(r.err, "public_url") {
		t.Errorf("%+v", r)
	}
}
