package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"selda/cmd/selda/region"
	"selda/fhir/search"
	"selda/ingest"
	"selda/ingest/mllp"
	"selda/policy"
	"selda/store"
)

// Invariant 1: what was acknowledged is never lost, and nothing is there
// twice, wherever the process is killed. Every door is open and busy; the
// process is killed at a random moment, again and again, and what every
// sender was told is held against what is there at the end. SELDA_KILLS says
// how often; a run of 200 is the whole test.
func TestKilledAnywhereNothingAcknowledgedIsLost(t *testing.T) {
	kills := 10
	if testing.Short() {
		kills = 3
	}
	if n, err := strconv.Atoi(os.Getenv("SELDA_KILLS")); err == nil {
		kills = n
	}
	w := newWar(t, "")
	for k := range kills {
		if k%5 == 4 {
			w.killWhileStarting()
			continue
		}
		w.run(k)
	}
	w.finish()
	w.check()
}

// war is what the senders know.
type war struct {
	t     *testing.T
	data  string
	dsn   string // of the database; "" where it is the data folder
	drop  string
	token string
	dice  *rand.Rand

	serial atomic.Int64
	mu     sync.Mutex
	acked  map[string]bool     // control ids that got AA
	sent   map[string]string   // control ids that got no answer, with the message: sent again, as senders do
	made   map[string]bool     // identifiers of creates that were answered
	groups map[string][]string // of each transaction, its identifiers
	whole  map[string]bool     // transactions that were answered
	files  map[string][]string // control ids in each dropped file of HL7 v2
	rows   []string            // vaccinations, a row each, in dropped extracts
	facts  []string            // conditions in dropped Bundles
}

func newWar(t *testing.T, dsn string) *war {
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	w := &war{t: t, data: t.TempDir(), dsn: dsn, drop: t.TempDir(), dice: rand.New(rand.NewPCG(seed, 1)), acked: map[string]bool{}, sent: map[string]string{},
		made: map[string]bool{}, groups: map[string][]string{}, whole: map[string]bool{}, files: map[string][]string{}}
	s := start(t, w.data, "demo", w.on("--citizens", "3")...)
	w.token = strings.TrimSpace(ok(t, w.data, w.on("token", "--user", "system", "--hours", "8")...))
	if code, body := s.get(t, w.token, "PUT", "/fhir/Patient/killed-1", `{"resourceType":"Patient","id":"killed-1","name":[{"family":"Killed","given":["Often"]}],"birthDate":"1951-11-05"}`); code != 201 {
		t.Fatalf("the patient: %d %s", code, body)
	}
	if code := s.stop(t); code != 0 {
		t.Fatalf("the demonstration did not stop: %d %s", code, s.errs)
	}
	if err := os.MkdirAll(filepath.Join(w.drop, "RJZ_DROP"), 0o700); err != nil {
		t.Fatal(err)
	}
	return w
}

// on is a command line on the region that the war is in.
func (w *war) on(args ...string) []string {
	if w.dsn != "" {
		args = append(args, "--postgres", w.dsn)
	}
	return args
}

func (w *war) next(kind string) string { return fmt.Sprintf("%s%06d", kind, w.serial.Add(1)) }

// run serves, has every door busy, and kills at a random moment.
func (w *war) run(k int) {
	s := start(w.t, w.data, "serve", "--drop", w.drop, "--drop-every", "10ms")
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	var wg sync.WaitGroup
	var answered atomic.Int64
	enough := make(chan struct{})
	target := int64(w.dice.IntN(60) + 1)
	count := func() {
		if answered.Add(1) == target {
			close(enough)
		}
	}
	for _, sender := range []func(context.Context, *server, func()){w.hl7, w.hl7, w.creates, w.transactions, w.dropped} {
		wg.Go(func() { sender(ctx, s, count) })
	}
	late := time.NewTimer(20 * time.Second)
	select {
	case <-enough:
	case <-late.C:
		w.t.Errorf("kill %d: only %d answers in 20 s: %s", k, answered.Load(), s.errs)
	}
	late.Stop()
	// At once after an answer, or somewhere in the work for the next ones:
	// between a write, a flush and a commit.
	if k%2 == 1 {
		until := time.Now().Add(time.Duration(w.dice.IntN(8000)) * time.Microsecond)
		for time.Now().Before(until) {
		}
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	cancel()
	wg.Wait()
}

// killWhileStarting kills a server that is taking up what the last one left.
func (w *war) killWhileStarting() {
	cmd := exec.Command(binary, "serve", "--data", w.data, "--http", "127.0.0.1:0", "--mllp", "127.0.0.1:0", "--drop", w.drop, "--drop-every", "10ms")
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	timer := time.NewTimer(time.Duration(w.dice.IntN(250)) * time.Millisecond)
	<-timer.C
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// hl7 sends messages one after the other, those without an answer first.
func (w *war) hl7(ctx context.Context, s *server, count func()) {
	c, err := mllp.Dial(ctx, s.MLLP)
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	for ctx.Err() == nil {
		control, message := w.unanswered()
		ack, err := c.Send(ctx, []byte(message))
		if err != nil || !strings.Contains(string(ack), "MSA|AA|"+control) {
			if err == nil {
				w.t.Errorf("answer: %q", ack)
			}
			w.mu.Lock()
			w.sent[control] = message
			w.mu.Unlock()
			return
		}
		w.mu.Lock()
		w.acked[control] = true
		w.mu.Unlock()
		count()
	}
}

func (w *war) unanswered() (control, message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for control, message := range w.sent {
		delete(w.sent, control)
		return control, message
	}
	control = w.next("K")
	return control, strings.ReplaceAll(admission(control, "H"+control, "", "KILLED"), "\n", "\r")
}

const killSystem = "urn:killed"

func condition(id string) string {
	return `{"resourceType":"Condition","identifier":[{"system":"` + killSystem + `","value":"` + id + `"}],"code":{"text":"` + id + `"},"subject":{"reference":"Patient/killed-1"}}`
}

func (w *war) post(ctx context.Context, s *server, path, body string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.HTTP+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func (w *war) creates(ctx context.Context, s *server, count func()) {
	for ctx.Err() == nil {
		id := w.next("C")
		w.mu.Lock()
		w.made[id] = false
		w.mu.Unlock()
		status, err := w.post(ctx, s, "/fhir/Condition", condition(id))
		if err != nil {
			return
		}
		if status != http.StatusCreated {
			w.t.Errorf("a create was answered %d", status)
			return
		}
		w.mu.Lock()
		w.made[id] = true
		w.mu.Unlock()
		count()
	}
}

func (w *war) transactions(ctx context.Context, s *server, count func()) {
	for ctx.Err() == nil {
		group := w.next("T")
		var ids, entries []string
		for i := range 3 {
			ids = append(ids, fmt.Sprintf("%s.%d", group, i))
			entries = append(entries, `{"resource":`+condition(ids[i])+`,"request":{"method":"POST","url":"Condition"}}`)
		}
		w.mu.Lock()
		w.groups[group] = ids
		w.mu.Unlock()
		status, err := w.post(ctx, s, "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Join(entries, ",")+`]}`)
		if err != nil {
			return
		}
		if status != http.StatusOK {
			w.t.Errorf("a transaction was answered %d", status)
			return
		}
		w.mu.Lock()
		w.whole[group] = true
		w.mu.Unlock()
		count()
	}
}

// otherColumns are those that a vaccination extract has besides.
const otherColumns = "PERSON_GENDER_CODE|PERSON_POSTCODE|VACCINATION_PROCEDURE_CODE|VACCINATION_PROCEDURE_TERM|VACCINE_PRODUCT_CODE|VACCINE_PRODUCT_TERM|RECORDED_DATE|PRIMARY_SOURCE|VACCINE_MANUFACTURER|BATCH_NUMBER|EXPIRY_DATE|SITE_OF_VACCINATION_CODE|SITE_OF_VACCINATION_TERM|ROUTE_OF_VACCINATION_CODE|ROUTE_OF_VACCINATION_TERM|DOSE_AMOUNT|DOSE_UNIT_TERM|DOSE_UNIT_CODE|INDICATION_CODE|DOSE_SEQUENCE|LOCATION_CODE_TYPE_URI|LOCATION_CODE|SITE_CODE_TYPE_URI|SITE_CODE|PERFORMING_PROFESSIONAL_FORENAME|PERFORMING_PROFESSIONAL_SURNAME"

// dropped drops a file of each kind: HL7 v2, an extract, a Bundle. A file is
// acknowledged by being moved to `done`.
func (w *war) dropped(ctx context.Context, _ *server, _ func()) {
	for tick := time.NewTicker(30 * time.Millisecond); ctx.Err() == nil; <-tick.C {
		w.drops()
	}
}

func (w *war) drops() {
	var body strings.Builder
	var controls, rows, facts []string
	for range 3 {
		control := w.next("D")
		controls = append(controls, control)
		body.WriteString(strings.ReplaceAll(admission(control, "H"+control, "", "KILLED"), "\n", "\r"))
	}
	name := w.next("F") + ".hl7"
	extract := "NHS_NUMBER|PERSON_SURNAME|PERSON_FORENAME|PERSON_DOB|DATE_AND_TIME|UNIQUE_ID|UNIQUE_ID_URI|ACTION_FLAG|" + otherColumns + "\n"
	for range 3 {
		row := w.next("R")
		rows = append(rows, row)
		extract += "9992048166|KILLED|Often|19511105|20261105T09000000|" + row + "|" + killSystem + "|new" + strings.Repeat("|", strings.Count(otherColumns, "|")+1) + "\n"
	}
	bundle := `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"dropped","name":[{"family":"Killed","given":["Often"]}],"birthDate":"1951-11-05"}}`
	for range 3 {
		fact := w.next("B")
		facts = append(facts, fact)
		bundle += `,{"resource":` + strings.Replace(strings.Replace(condition(fact), "killed-1", "dropped", 1), `"identifier"`, `"id":"`+fact+`","identifier"`, 1) + `}`
	}
	w.mu.Lock()
	w.files[name] = controls
	w.rows, w.facts = append(w.rows, rows...), append(w.facts, facts...)
	w.mu.Unlock()
	dir := filepath.Join(w.drop, "RJZ_DROP")
	for file, text := range map[string]string{name: body.String(), w.next("F") + "-immunisations.csv": extract, w.next("F") + ".json": bundle + "]}"} {
		if err := os.WriteFile(filepath.Join(dir, "."+file), []byte(text), 0o600); err != nil {
			w.t.Error(err)
			return
		}
		if err := os.Rename(filepath.Join(dir, "."+file), filepath.Join(dir, file)); err != nil {
			w.t.Error(err)
		}
	}
}

// finish serves once more until every dropped file is taken, and stops.
func (w *war) finish() {
	s := start(w.t, w.data, "serve", w.on("--drop", w.drop, "--drop-every", "10ms")...)
	deadline := time.Now().Add(2 * time.Minute)
	for {
		left, err := filepath.Glob(filepath.Join(w.drop, "RJZ_DROP", "*.*"))
		if err != nil {
			w.t.Fatal(err)
		}
		if len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%d dropped files are not taken", len(left))
		}
		<-time.After(20 * time.Millisecond)
	}
	// The sender sends again what was not answered.
	for control, message := range w.sent {
		if ack := s.send(w.t, message); !strings.Contains(ack, "MSA|AA|"+control) {
			w.t.Errorf("sent again: %q", ack)
		}
		w.acked[control] = true
	}
	if code := s.stop(w.t); code != 0 {
		w.t.Errorf("the last stop: exit %d: %s", code, s.errs)
	}
}

// check holds what the senders were told against what is there.
func (w *war) check() {
	ctx := w.t.Context()
	if out := ok(w.t, w.data, w.on("audit", "verify", "--json")...); !strings.Contains(out, `"holds":true`) {
		w.t.Errorf("the trail: %s", out)
	}
	sample := 0
	for control := range w.acked {
		if sample++; sample > 10 {
			break
		}
		if got := settled(trace(w.t, w.data, control, w.on()...)); fmt.Sprint(got) != "[committed]" {
			w.t.Errorf("trace %s: %v", control, got)
		}
	}
	r, err := region.Open(ctx, region.Options{Data: w.data, Postgres: w.dsn, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	all := &policy.Predicate{Permit: true, Everything: true}
	once := func(typ, id string) int {
		found, err := r.Store.Search(ctx, store.Query{Type: typ, Groups: [][]string{{search.CodeToken(id)}}, N: store.Latest, Limit: 10}, all)
		if err != nil {
			w.t.Fatal(err)
		}
		return len(found)
	}
	stored := func(control string) {
		list, err := r.Store.ByControl(ctx, control)
		if err != nil {
			w.t.Fatal(err)
		}
		n := 0
		for _, m := range list {
			if m.State == ingest.Stored {
				n++
			} else if m.State != ingest.Duplicate {
				w.t.Errorf("%s is %s: %s", control, m.State, m.Reason)
			}
			if _, err := r.Journal.Read(m.ID); err != nil {
				w.t.Errorf("the raw bytes of %s: %v", control, err)
			}
		}
		if n != 1 {
			w.t.Errorf("%s was acknowledged and is stored %d times (%d records)", control, n, len(list))
		}
		if n := once("Encounter", "VH"+control); n != 1 {
			w.t.Errorf("what %s says is there %d times", control, n)
		}
	}
	for control := range w.acked {
		stored(control)
	}
	inFiles := 0
	for _, controls := range w.files {
		for _, control := range controls {
			inFiles++
			stored(control)
		}
	}
	for typ, ids := range map[string][]string{"Immunization": w.rows, "Condition": w.facts} {
		for _, id := range ids {
			if n := once(typ, id); n != 1 {
				w.t.Errorf("%s %s of a dropped file is there %d times", typ, id, n)
			}
		}
	}
	for id, answered := range w.made {
		if n := once("Condition", id); n > 1 || answered && n != 1 {
			w.t.Errorf("create %s, answered %t, is there %d times", id, answered, n)
		}
	}
	for group, ids := range w.groups {
		n := 0
		for _, id := range ids {
			k := once("Condition", id)
			if k > 1 {
				w.t.Errorf("%s of a transaction is there %d times", id, k)
			}
			n += k
		}
		if n != 0 && n != len(ids) || w.whole[group] && n == 0 {
			w.t.Errorf("transaction %s, answered %t, has %d of %d", group, w.whole[group], n, len(ids))
		}
	}
	if _, err := region.VerifyTrail(ctx, w.data, w.dsn); err != nil {
		w.t.Error(err)
	}
	w.t.Logf("%d HL7 v2 messages acknowledged, %d creates, %d transactions; dropped: %d messages, %d rows and %d facts", len(w.acked), len(w.made), len(w.groups), inFiles, len(w.rows), len(w.facts))
}
