package region

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"selda/fault"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
)

var engineer = policy.Subject{User: "engineer", Role: nhs.Engineer, Organisation: "QKK"}

const tiny = `extract: tiny
about: One problem a row
full: true
dates: yyyy-mm-dd
required: [id, term]
person:
  local_id: id
  set:
    name.family: name
rows:
  - resource: Condition
    key: id
    set:
      code.text: term
totals:
  trailer: END
  rows: 2
`

// What came of an extract, and of one that was not taken, stands on its feed's
// page; nobody else may see it.
func TestExtractsAreReconciled(t *testing.T) {
	r := open(t)
	dir := t.TempDir()
	mapping := filepath.Join(dir, "tiny.yaml")
	if err := os.WriteFile(mapping, []byte(tiny), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func(text string) Summary {
		t.Helper()
		file := filepath.Join(dir, "tiny.csv")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		sum, err := r.IngestFiles(t.Context(), OperatorSubject(), Files{Source: "703:ASC", Mapping: mapping, Paths: []string{file}})
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	load("id,name,term\n1,A,Asthma\n2,B,Gout\nEND,2\n")
	if s := load("id,name,term\n1,A,Asthma\n3,C,COPD\nEND,2\n"); s.Messages != 2 || s.Stored != 1 || s.Duplicates != 1 {
		t.Errorf("a message is a row, and what vanished is none: %+v", s)
	}
	f, err := (desk{r}).Feed(t.Context(), engineer, "703:ASC")
	if err != nil || len(f.Extracts) != 1 {
		t.Fatalf("%+v %v", f, err)
	}
	if e := f.Extracts[0]; e.Rows != 2 || e.Kept != 1 || e.Unchanged != 1 || e.Vanished != 1 || e.Refused != 0 || !e.Checked || e.Problem != "" {
		t.Errorf("%+v", e)
	}
	load("id,name,term\n1,A,Asthma\nEND,2\n")
	f, err = (desk{r}).Feed(t.Context(), engineer, "703:ASC")
	if err != nil || f.Extracts[0].Problem != "the totals say 2 rows, the file has 1" || f.Quarantined != 1 || f.RecentQuarantined != 1 {
		t.Errorf("%+v %v", f, err)
	}
	if _, err := (desk{r}).Feed(t.Context(), policy.Subject{User: "gp", Role: nhs.GP, Organisation: "G1"}, "703:ASC"); !fault.Is(err, fault.Security) {
		t.Errorf("a practitioner sees a feed: %v", err)
	}
}

// An extract that has lost all that it held, or most, takes nothing back until
// a person says that it is so.
func TestASuddenlyEmptyExtractTakesNothingBack(t *testing.T) {
	r := open(t)
	dir := t.TempDir()
	mapping, file := filepath.Join(dir, "tiny.yaml"), filepath.Join(dir, "tiny.csv")
	if err := os.WriteFile(mapping, []byte(tiny), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func(rows int, takeBack bool) (Summary, Reconciliation) {
		t.Helper()
		text := "id,name,term\n"
		for i := range rows {
			text += fmt.Sprintf("%d,N%d,Asthma\n", i, i)
		}
		if err := os.WriteFile(file, []byte(text+fmt.Sprintf("END,%d\n", rows)), 0o600); err != nil {
			t.Fatal(err)
		}
		sum, err := r.IngestFiles(t.Context(), OperatorSubject(), Files{Source: "703:ASC", Mapping: mapping, Paths: []string{file}, TakeBack: takeBack})
		if err != nil {
			t.Fatal(err)
		}
		all, err := r.Reconciliations(t.Context(), OperatorSubject())
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		return sum, all[0]
	}
	load(60, false)
	for _, rows := range []int{0, 20} {
		if s, c := load(rows, false); s.Quarantined != 1 || s.Stored != 0 || c.Vanished != 0 || !strings.Contains(c.Problem, fmt.Sprintf("%d of 60 entries", 60-rows)) {
			t.Errorf("%d rows: %+v %+v", rows, s, c)
		}
	}
	list, err := r.Quarantine(t.Context(), engineer, 10)
	if err != nil || len(list) != 2 || !strings.Contains(list[0].Reason, "--take-back") {
		t.Errorf("the engineer is not told: %+v %v", list, err)
	}
	if _, c := load(40, false); c.Vanished != 20 || c.Problem != "" {
		t.Errorf("a third may go: %+v", c)
	}
	if _, c := load(0, true); c.Vanished != 40 || c.Problem != "" {
		t.Errorf("a person has said so: %+v", c)
	}
}

// All that failed in one way is tried again at once, and only that.
func TestReplayOfMany(t *testing.T) {
	r := open(t)
	submit := func(raw *ingest.Raw) {
		t.Helper()
		rec, err := r.Ingest.Submit(t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := rec.Committed(t.Context()); err != nil || out.State != ingest.Quarantined {
			t.Fatalf("%+v %v", out, err)
		}
	}
	for _, id := range []string{"1", "2"} {
		submit(&ingest.Raw{Source: "703:ASC", Format: ingest.CSV, Mapping: "tiny.yaml", Row: 2, Body: []byte("id,name,term\n" + id + ",A,Asthma\n")})
	}
	submit(&ingest.Raw{Source: "703:ASC", Format: ingest.HL7v2, Body: []byte("MSH|^~\\&|A|B|||||ADT^A01|1|P|2.4\rPV1|1|I\r")})
	list, err := r.Quarantine(t.Context(), engineer, 10)
	if err != nil || len(list) != 3 {
		t.Fatal(list, err)
	}
	if err := r.documents.Save("mappings/tiny.yaml", []byte(tiny), 0); err != nil {
		t.Fatal(err)
	}
	stored, held, err := (desk{r}).ReplayAll(t.Context(), engineer, "703:ASC", list[1].Reason, ingest.KindOfPlace(list[1].Place))
	if err != nil || stored != 2 || held != 0 {
		t.Errorf("%d %d %v", stored, held, err)
	}
	if all, err := r.ReplayAll(t.Context(), engineer, Which{}); err != nil || all != (Replayed{Tried: 1, Held: 1}) {
		t.Errorf("%+v %v", all, err)
	}
}

// The engineer sees what became of each field, and what is not mapped yet: the
// places, and never a value.
func TestTraceTellsOfEachField(t *testing.T) {
	r := open(t)
	send(t, r, "RJZ:PAS", "MSH|^~\\&|PAS|RJZ|SELDA|SEL|20261101090000||ADT^A01|C1|P|2.4\nPID|1||K1^^^RJZ^MRN||ADEYEMI^FOLAKE||19511105|F\nPV1|1|I|WARD1||||||||||||||||V9001\nZPI|1|x\nZPI|2|y\n")
	_, fields, err := (desk{r}).Trace(t.Context(), engineer, "C1")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range fields {
		found = found || f.Place == "PID-7" && f.Element == "birthDate" && strings.HasPrefix(f.Item, "Patient/")
		if strings.Contains(f.Place+f.Item+f.Element, "ADEYEMI") {
			t.Errorf("a value: %+v", f)
		}
	}
	if !found {
		t.Errorf("nothing is said of PID-7: %+v", fields)
	}
	f, err := (desk{r}).Feed(t.Context(), engineer, "RJZ:PAS")
	if err != nil || len(f.Unmapped) != 1 || f.Unmapped[0].Kind != "ZPI" || f.Unmapped[0].Count != 2 || len(f.Latest) != 1 {
		t.Errorf("%+v %v", f, err)
	}
}

// A trace ends in exactly one commit or quarantine, also of what was sent before.
func TestTraceOfADuplicate(t *testing.T) {
	r := open(t)
	msg := "MSH|^~\\&|PAS|RJZ|SELDA|SEL|20261101090000||ADT^A28|C1|P|2.4\rPID|1||K1^^^RJZ^MRN||ADEYEMI^FOLAKE||19511105|F\r"
	var ids []string
	for range 2 {
		rec, err := r.Ingest.Submit(t.Context(), &ingest.Raw{Source: "RJZ:PAS", Format: ingest.HL7v2, Body: []byte(msg)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := rec.Committed(t.Context()); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, rec.Number())
	}
	for _, id := range append(ids, "C1") {
		stages, err := r.Trace(t.Context(), OperatorSubject(), id)
		if err != nil {
			t.Fatal(err)
		}
		ends := 0
		for _, s := range stages {
			if s.Stage == "committed" || s.Stage == "quarantined" {
				ends++
			}
		}
		if last := stages[len(stages)-1]; ends != 1 || last.At.IsZero() || id == ids[1] && last.Detail != "as message "+ids[0] {
			t.Errorf("%s: %+v", id, stages)
		}
	}
}

// A file that is not taken yet waits, as a message that is not committed does.
func TestFilesThatLieInTheDropFolderWait(t *testing.T) {
	r := open(t)
	dir := t.TempDir()
	r.drop.Store(dir)
	if err := os.MkdirAll(filepath.Join(dir, "703_ASC", "done"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.csv", "a.csv.totals", ".b", "done/old.csv"} {
		if err := os.WriteFile(filepath.Join(dir, "703_ASC", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	feeds, err := (desk{r}).Feeds(t.Context(), engineer)
	if err != nil || len(feeds) != 1 || feeds[0].Source != "703:ASC" || feeds[0].Waiting != 1 || feeds[0].Oldest.IsZero() {
		t.Errorf("%+v %v", feeds, err)
	}
}
