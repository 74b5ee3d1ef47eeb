package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"selda/auth"
	"selda/cmd/selda/region"
	"selda/fhir"
	"selda/ingest"
	"selda/nhs"
)

type benchRecordCmd struct {
	Citizens []int  `default:"20000,200000" help:"Sizes of the region to compare."`
	Items    int    `default:"500" help:"Items of a whole record that is read."`
	Few      int    `default:"6" help:"Items of each other citizen."`
	Records  int    `default:"128" help:"How many such whole records there are."`
	Readers  int    `default:"16" help:"Readers at once."`
	Reads    int    `default:"4000" help:"Reads with warm caches."`
	Dir      string `help:"Folder to work in, deleted afterwards." type:"path"`
	JSON     bool   `name:"json" help:"Print one JSON object."`
	Profile  string `hidden:"" help:"Write a CPU profile of the reads with cold caches here."`
}

const benchPractice = nhs.Source("G85999:GP")

func (c benchRecordCmd) Run(e *env) error {
	var list []figure
	var p95 []float64
	for _, n := range c.Citizens {
		dir, err := os.MkdirTemp(c.Dir, "selda-bench-")
		if err != nil {
			return err
		}
		figures, cold, err := c.size(e, dir, n)
		if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
			return err
		}
		list = append(list, figures...)
		p95 = append(p95, cold)
	}
	if len(p95) > 1 {
		list = append(list, figure{"cold p95, largest against smallest", p95[len(p95)-1] / p95[0], "times", ""})
	}
	dir, err := os.MkdirTemp(c.Dir, "selda-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	machine, err := (&benched{dir: dir}).limits(e.ctx)
	if err != nil {
		return err
	}
	return e.figures("record", c.JSON, append(list, machine...))
}

// size measures one size of the region.
func (c benchRecordCmd) size(e *env, dir string, citizens int) ([]figure, float64, error) {
	data := filepath.Join(dir, "data")
	r, err := region.Open(e.ctx, region.Options{Data: data, Log: e.log})
	if err != nil {
		return nil, 0, err
	}
	whole, err := c.load(e.ctx, r, citizens)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, 0, err
	}
	cold, err := c.read(e, data, whole, true)
	if err != nil {
		return nil, 0, err
	}
	warm, err := c.read(e, data, whole, false)
	if err != nil {
		return nil, 0, err
	}
	at := fmt.Sprintf("%d citizens", citizens)
	return []figure{
		{at + ", cold caches, p95", ms(cold, 95), "ms", fmt.Sprintf("%d records of %d items, each read once after a restart with the database out of the page cache; the others have %d items", len(whole), c.Items, c.Few)},
		{at + ", cold caches, p50", ms(cold, 50), "ms", ""},
		{at + ", warm, p95", ms(warm, 95), "ms", fmt.Sprintf("%d readers at once: decided, audited, read and rendered", c.Readers)},
		{at + ", warm, p50", ms(warm, 50), "ms", ""},
	}, ms(cold, 95), nil
}

func ms(d []time.Duration, percent int) float64 {
	return float64(d[min(len(d)-1, len(d)*percent/100)].Microseconds()) / 1000
}

// load makes the citizens, through the door of a practice's FHIR feed, and
// gives the ids of those with whole records.
func (c benchRecordCmd) load(ctx context.Context, r *region.Region, citizens int) ([]string, error) {
	every := max(1, citizens/c.Records)
	var receipts []*ingest.Receipt
	var whole []string
	settle := func() error {
		for _, rec := range receipts {
			out, err := rec.Committed(ctx)
			if err != nil {
				return err
			}
			if out.State != ingest.Stored {
				return fmt.Errorf("a record of the benchmark was not stored: %s", out.Reason)
			}
			if len(out.Items) > c.Items {
				s, err := r.Store.Owner(ctx, "Patient", out.Items[0].ID)
				if err != nil {
					return err
				}
				id, err := r.Store.CitizenID(ctx, s)
				if err != nil {
					return err
				}
				whole = append(whole, id)
			}
		}
		receipts = receipts[:0]
		return nil
	}
	for i := range citizens {
		items := c.Few
		if i%every == 0 && i/every < c.Records {
			items = c.Items
		}
		rec, err := r.Ingest.Submit(ctx, &ingest.Raw{Source: benchPractice, Format: ingest.FHIR, Door: "file", Body: benchBundle(i, items)})
		if err != nil {
			return nil, err
		}
		if receipts = append(receipts, rec); len(receipts) == 2048 {
			if err := settle(); err != nil {
				return nil, err
			}
		}
	}
	return whole, settle()
}

// read has the readers open each whole record once (cold), or many times.
func (c benchRecordCmd) read(e *env, data string, whole []string, cold bool) ([]time.Duration, error) {
	if cold {
		stop, err := profile(c.Profile)
		if err != nil {
			return nil, err
		}
		defer stop()
		if err := dropCache(filepath.Join(data, "record.db")); err != nil {
			return nil, err
		}
	}
	r, err := region.Open(e.ctx, region.Options{Data: data, Log: e.log})
	if err != nil {
		return nil, err
	}
	if err := r.Auth.Accounts.Put(auth.Account{User: "bench", Name: "Dr Bench", Role: nhs.GP, Organisation: benchPractice.Organisation(), Provider: "bench"}); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	token, err := r.Auth.Token(e.ctx, "bench", nhs.Treatment, time.Hour)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	var times []time.Duration
	var readErr error
	err = r.Serve(ctx, region.Doors{HTTP: "127.0.0.1:0", MLLP: "127.0.0.1:0", Feeds: region.OpenFeeds()}, func(s region.Served) error {
		go func() {
			defer cancel()
			work := slices.Clone(whole)
			if !cold {
				if _, readErr = c.readAll(ctx, s.HTTP, token, whole); readErr != nil {
					return
				}
				for len(work) < c.Reads {
					work = append(work, whole...)
				}
				rand.Shuffle(len(work), func(i, j int) { work[i], work[j] = work[j], work[i] })
			}
			times, readErr = c.readAll(ctx, s.HTTP, token, work)
		}()
		return nil
	})
	return times, errors.Join(err, readErr, r.Close())
}

// readAll has a process of its own read the pages: readers that share a
// scheduler with the server would wait for it, as no reader does.
func (c benchRecordCmd) readAll(ctx context.Context, base, token string, work []string) ([]time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	in, err := json.Marshal(readers{Base: base, Token: token, Work: work, Readers: c.Readers})
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "bench", "readers")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var times []time.Duration
	return times, json.Unmarshal(out, &times)
}

// readers is what the process of readers is told on its standard input.
type readers struct {
	Base, Token string
	Work        []string
	Readers     int
}

// benchReadersCmd is that process: it prints how long each page took.
type benchReadersCmd struct{}

func (benchReadersCmd) Run(e *env) error {
	var c readers
	if err := json.NewDecoder(os.Stdin).Decode(&c); err != nil {
		return err
	}
	times, err := c.run(e.ctx)
	if err != nil {
		return err
	}
	return e.printJSON(times)
}

func (c readers) run(ctx context.Context) ([]time.Duration, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: c.Readers, DisableCompression: true}}
	defer client.CloseIdleConnections()
	next := make(chan string)
	var mu sync.Mutex
	var times []time.Duration
	var failed error
	var wg sync.WaitGroup
	for range c.Readers {
		wg.Go(func() {
			for id := range next {
				began := time.Now()
				err := readPage(ctx, client, c.Base+"/record/"+id, c.Token)
				took := time.Since(began)
				mu.Lock()
				times = append(times, took)
				if failed == nil {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
	for _, id := range c.Work {
		next <- id
	}
	close(next)
	wg.Wait()
	slices.Sort(times)
	return times, failed
}

func readPage(ctx context.Context, client *http.Client, url, token string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	n, err := io.Copy(io.Discard, resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || n < 1000) {
		err = fmt.Errorf("the page answered %s with %d bytes", resp.Status, n)
	}
	return err
}

// dropCache has the system forget a file's pages.
func dropCache(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := f.Sync(); err != nil {
		return err
	}
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}

var (
	benchCodes = [][3]string{{"2160-0", "Creatinine", "umol/L"}, {"718-7", "Haemoglobin", "g/L"}, {"2823-3", "Potassium", "mmol/L"}, {"2951-2", "Sodium", "mmol/L"},
		{"8480-6", "Systolic blood pressure", "mm[Hg]"}, {"29463-7", "Body weight", "kg"}, {"4548-4", "HbA1c", "mmol/mol"}, {"8867-4", "Heart rate", "/min"}}
	benchProblems = [][2]string{{"38341003", "Hypertension"}, {"44054006", "Type 2 diabetes mellitus"}, {"195967001", "Asthma"}, {"84114007", "Heart failure"},
		{"49436004", "Atrial fibrillation"}, {"709044004", "Chronic kidney disease"}, {"35489007", "Depression"}, {"396275006", "Osteoarthritis"}}
	benchDrugs = [][2]string{{"317896006", "Bisoprolol 2.5mg tablets"}, {"323509004", "Amoxicillin 500mg capsules"}, {"317935006", "Ramipril 5mg capsules"},
		{"319773006", "Atorvastatin 20mg tablets"}, {"325072002", "Co-codamol 8mg/500mg tablets"}, {"321204004", "Furosemide 40mg tablets"}}
)

// benchBundle is one citizen of a practice, with a mix of items as a long
// record has it.
func benchBundle(i, items int) []byte {
	rng := rand.New(rand.NewPCG(uint64(i), 77))
	patient := fmt.Sprintf("p%d", i)
	subject := fhir.Ref("Patient/" + patient)
	day := func() string {
		return time.Date(2016, 1, 1, 9, 0, 0, 0, time.UTC).AddDate(0, 0, rng.IntN(3900)).Format("2006-01-02T15:04:05Z")
	}
	entries := []fhir.Object{{"fullUrl": "Patient/" + patient, "resource": fhir.Object{"resourceType": "Patient", "id": patient, "gender": []string{"female", "male"}[i%2],
		"name":       []fhir.Object{{"use": "official", "family": fmt.Sprintf("Bench%d", i), "given": []string{"Alex"}}},
		"identifier": []fhir.Object{{"system": "https://bench.selda.example/mrn", "value": fmt.Sprint(i)}}, "birthDate": fmt.Sprintf("%d-06-%02d", 1930+rng.IntN(80), 1+rng.IntN(28))}}}
	for k := range items {
		o := fhir.Object{"id": fmt.Sprintf("%s-%d", patient, k), "subject": subject, "status": "final"}
		switch k % 10 {
		case 0:
			p := benchProblems[rng.IntN(len(benchProblems))]
			o["resourceType"], o["onsetDateTime"], o["code"] = "Condition", day(), fhir.Concept(p[1], fhir.Coding("http://snomed.info/sct", p[0], p[1]))
			delete(o, "status")
			o["clinicalStatus"] = fhir.Concept("", fhir.Coding("http://terminology.hl7.org/CodeSystem/condition-clinical", []string{"active", "resolved"}[rng.IntN(2)], ""))
		case 1, 2:
			m := benchDrugs[rng.IntN(len(benchDrugs))]
			o["resourceType"], o["status"], o["intent"], o["authoredOn"] = "MedicationRequest", []string{"active", "stopped"}[rng.IntN(2)], "order", day()
			o["medicationCodeableConcept"] = fhir.Concept(m[1], fhir.Coding("http://snomed.info/sct", m[0], m[1]))
			o["dosageInstruction"] = []fhir.Object{{"text": "One to be taken each day"}}
		case 3:
			o["resourceType"], o["status"], o["period"] = "Encounter", "finished", fhir.Object{"start": day()}
			o["class"] = fhir.Coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB", "ambulatory")
		default:
			x := benchCodes[rng.IntN(len(benchCodes))]
			o["resourceType"], o["effectiveDateTime"] = "Observation", day()
			o["category"] = []fhir.Object{fhir.Concept("", fhir.Coding("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory", "Laboratory"))}
			o["code"] = fhir.Concept(x[1], fhir.Coding("http://loinc.org", x[0], x[1]))
			o["valueQuantity"] = fhir.Object{"value": fhir.Decimal(fmt.Sprintf("%d.%d", 40+rng.IntN(100), rng.IntN(10))), "unit": x[2], "system": "http://unitsofmeasure.org", "code": x[2]}
		}
		entries = append(entries, fhir.Object{"fullUrl": fmt.Sprintf("%s/%s", o["resourceType"], o["id"]), "resource": o})
	}
	return fhir.Marshal(fhir.Object{"resourceType": "Bundle", "type": "transaction", "entry": entries})
}
