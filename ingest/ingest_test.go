package ingest_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"selda/fhir"
	"selda/ingest"
	"selda/ingest/fhirtofhir"
	"selda/ingest/mapped"
	"selda/policy"
	"selda/store"
	"selda/store/sqlite"
)

// mended has the mapper close an object that was left open.
var mended bool

func fhirMapper(r *ingest.Raw) (*mapped.Message, error) {
	if mended {
		return fhirtofhir.Map(append(r.Body, '}'), r.Source)
	}
	c, err := fhir.Compact(r.Body)
	if err != nil {
		return nil, err
	}
	return fhirtofhir.Map(c, r.Source)
}

type door struct {
	*ingest.Pipeline
	db   *sqlite.DB
	stop func()
}

func openDoor(t testing.TB, dir string) *door {
	t.Helper()
	db, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	j, err := ingest.OpenJournal(t.Context(), filepath.Join(dir, "raw"), db)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ingest.Open(t.Context(), ingest.Options{Journal: j, Store: db, Mapper: fhirMapper, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	d := &door{p, db, func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		_, _ = j.Close(), db.Close()
	}}
	return d
}

func (d *door) send(t testing.TB, source, body string) ingest.Outcome {
	t.Helper()
	r, err := d.Submit(t.Context(), &ingest.Raw{Source: "RJZ:" + "PAS", Format: ingest.FHIR, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	o, err := r.Committed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

var everything = &policy.Predicate{Permit: true, Everything: true}

func TestBundleIsStoredOnceAndReferencesResolve(t *testing.T) {
	d := openDoor(t, t.TempDir())
	defer d.stop()
	const b = `{"resourceType":"Bundle","type":"transaction","entry":[
	 {"fullUrl":"urn:uuid:o1","resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:p1"},"performer":[{"reference":"Practitioner/later"}]}},
	 {"fullUrl":"urn:uuid:p1","resource":{"resourceType":"Patient","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9991234519"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"}}]}`
	o := d.send(t, "RJZ:PAS", b)
	if o.State != ingest.Stored || len(o.Items) != 2 {
		t.Fatalf("%+v", o)
	}
	if again := d.send(t, "RJZ:PAS", b); again.State != ingest.Duplicate {
		t.Errorf("the same again: %+v", again)
	}
	obs, err := d.db.Read(t.Context(), "Observation", o.Items[1].ID, store.Latest, everything)
	if err != nil {
		t.Fatal(err)
	}
	if want := `"subject":{"reference":"Patient/` + o.Items[0].ID + `"}`; !strings.Contains(string(obs.Body), want) {
		t.Errorf("%s has not %s", obs.Body, want)
	}
	d.send(t, "RJZ:PAS", `{"resourceType":"Practitioner","id":"later","name":[{"family":"Okafor"}]}`)
	res, _ := obs.Resource()
	ref := res.Get("performer", "reference").Text()
	if _, err := d.db.Shared(t.Context(), "Practitioner", strings.TrimPrefix(ref, "Practitioner/")); err != nil {
		t.Errorf("what was referred to before it came is not found at %s: %v", ref, err)
	}
	q := d.send(t, "RJZ:PAS", `{"resourceType":"Patient","resourceType":"Patient"}`)
	if q.State != ingest.Quarantined || q.Reason == "" {
		t.Errorf("%+v", q)
	}
}

// A quarantined message is tried again after the fix, is stored once, and
// keeps its id; one that is still bad stays as it is, and may be traced.
func TestReplay(t *testing.T) {
	d := openDoor(t, t.TempDir())
	defer d.stop()
	id := store.MessageID(0)
	q := d.send(t, "RJZ:PAS", `{"resourceType":"Basic","id":"b1","subject":{"reference":"Patient/x"},"status":true`)
	list, err := d.db.InQuarantine(t.Context(), 10)
	if err != nil || len(list) != 1 || q.State != ingest.Quarantined {
		t.Fatalf("%+v %v %v", q, list, err)
	}
	id = list[0].ID
	out, err := d.Replay(t.Context(), id)
	if err != nil || out.State != ingest.Quarantined || out.Reason == "" {
		t.Errorf("still bad: %+v %v", out, err)
	}
	mended = true
	defer func() { mended = false }()
	out, err = d.Replay(t.Context(), id)
	if err != nil || out.State != ingest.Stored || len(out.Items) != 2 {
		t.Fatalf("after the fix: %+v %v", out, err)
	}
	rec, err := d.db.Message(t.Context(), id)
	if err != nil || rec.State != ingest.Stored || rec.N == 0 {
		t.Errorf("the message: %+v %v", rec, err)
	}
	if list, _ = d.db.InQuarantine(t.Context(), 10); len(list) != 0 {
		t.Errorf("still in quarantine: %+v", list)
	}
	if made, err := d.db.OfMessage(t.Context(), id, everything); err != nil || len(made) != 2 {
		t.Errorf("what it made: %v %v", made, err)
	}
}

// Bundles whose fullUrls are placeholders speak of different people under the
// same words: nothing of one may overwrite the other.
func TestPlaceholdersNameNothingBeyondTheirBundle(t *testing.T) {
	d := openDoor(t, t.TempDir())
	defer d.stop()
	bundle := func(number, family, text string) string {
		return `{"resourceType":"Bundle","type":"transaction","entry":[
	 {"fullUrl":"urn:uuid:patient","resource":{"resourceType":"Patient","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"` + number + `"}],"name":[{"family":"` + family + `","given":["A"]}],"birthDate":"1951-11-05"}},
	 {"fullUrl":"urn:uuid:obs","resource":{"resourceType":"Observation","status":"final","code":{"text":"` + text + `"},"subject":{"reference":"urn:uuid:patient"}}}]}`
	}
	first := d.send(t, "RJZ:PAS", bundle("9991234519", "Adeyemi", "one"))
	other := d.send(t, "RJZ:PAS", bundle("9992048166", "Mensah", "one"))
	again := d.send(t, "RJZ:PAS", bundle("9991234519", "Adeyemi", "two"))
	for i := range 2 {
		if first.Items[i].ID == other.Items[i].ID {
			t.Errorf("%s of two people is one resource", first.Items[i].Type)
		}
	}
	if first.Items[0].ID != again.Items[0].ID || first.Items[1].ID == again.Items[1].ID {
		t.Errorf("a later Bundle of the same person: %+v after %+v", again.Items, first.Items)
	}
	if o := d.send(t, "RJZ:PAS", bundle("9992048166", "Mensah", "one")); o.State != ingest.Duplicate {
		t.Errorf("the same again: %s", o.State)
	}
}

func TestSynthea(t *testing.T) {
	files, _ := filepath.Glob("../../shared/material/synthea-r4/*.json")
	if len(files) == 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("the material is missing")
		}
		t.Skip("no Synthea bundles at ../shared/material/synthea-r4")
	}
	dir := t.TempDir()
	d := openDoor(t, dir)
	n := 0
	for _, f := range files {
		b, _ := os.ReadFile(f)
		o := d.send(t, "RJZ:PAS", string(b))
		if o.State != ingest.Stored {
			t.Errorf("%s: %+v", f, o.Reason)
		}
		n += len(o.Items)
	}
	d.stop()
	var size int64
	_ = filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
		if i, err := e.Info(); err == nil && !e.IsDir() {
			size += i.Size()
			t.Log(p, i.Size())
		}
		return nil
	})
	t.Log(n, "resources,", size/int64(n), "bytes each")
}
