package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"selda/auth"
	"selda/cmd/selda/region"
	"selda/nhs"
)

// benchAPICmd measures the FHIR API over HTTP, everything on: each request is
// decided and audited, each write held against R4 and flushed.
type benchAPICmd struct {
	bulkFlags
	Clients []int         `default:"8,64" help:"How many clients ask at once."`
	Only    string        `help:"Only the kinds of request whose name has this."`
	Each    time.Duration `default:"4s" help:"How long each kind of request is measured."`
}

func (c benchAPICmd) Run(e *env) error {
	return c.run(e, "api", func(in *benched) ([]figure, error) {
		if c.Resources > 0 {
			if err := c.fill(e, in); err != nil {
				return nil, err
			}
		}
		stop, err := profile(c.Profile)
		if err != nil {
			return nil, err
		}
		defer stop()
		var list []figure
		err = c.serve(e, in, func(b *apiBench) error {
			if err := b.prepare(); err != nil {
				return err
			}
			for _, n := range c.Clients {
				figures, err := b.all(n, c.Each, c.Only)
				if err != nil {
					return err
				}
				list = append(list, figures...)
			}
			return nil
		})
		return list, err
	})
}

// serve opens a region's doors, and calls f with askers: the source system, and
// a doctor of its organisation.
func (c benchAPICmd) serve(e *env, in *benched, f func(*apiBench) error) error {
	forgetPeak()
	r, err := in.open(e, "fhir")
	if err != nil {
		return err
	}
	b := &apiBench{}
	for _, a := range []auth.Account{{User: "bench", Name: "Bench", Role: nhs.SourceSystem, Organisation: benchSource.Organisation(), Source: benchSource, Provider: "bench"},
		{User: "doctor", Name: "Dr Bench", Role: nhs.HospitalDoctor, Organisation: benchSource.Organisation(), Provider: "bench"}} {
		token := ""
		if err = r.Auth.Accounts.Put(a); err == nil {
			token, err = r.Auth.Token(e.ctx, a.User, nhs.Treatment, time.Hour)
		}
		if err != nil {
			return errors.Join(err, r.Close())
		}
		b.tokens = append(b.tokens, "Bearer "+token)
	}
	b.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: time.Minute}
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	var failed error
	err = r.Serve(ctx, region.Doors{HTTP: "127.0.0.1:0", MLLP: "127.0.0.1:0", Feeds: region.OpenFeeds()}, func(s region.Served) error {
		go func() {
			defer cancel()
			b.base = s.HTTP + "/fhir"
			failed = f(b)
		}()
		return nil
	})
	return errors.Join(err, failed, r.Close())
}

// apiBench asks one server.
type apiBench struct {
	base   string
	tokens []string // of the source system, of a doctor
	client *http.Client

	patients []string // ids of those that are asked for
	citizens []string // the same people, as the doctor finds them
	first    int64    // number of the first of them
	serial   atomic.Int64
}

// person is the number of one of those that are asked for.
func (b *apiBench) person(n int64) int64 { return b.first + n%benchPatients }

// growing is the id of one whose record grows.
func (b *apiBench) growing(n int64) string {
	return fmt.Sprintf("bench-%d", b.first+benchPatients+n%benchGrowing)
}

const (
	benchPatients = 400 // that are asked for
	benchGrowing  = 100 // whose records grow by what is created
	asSystem      = 0
	asDoctor      = 1
)

// ask asks once, and gives the answer's body where it is wanted.
func (b *apiBench) ask(who int, method, path, body string, want bool) ([]byte, error) {
	req, err := http.NewRequest(method, b.base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", b.tokens[who])
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := b.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 || want {
		out, err := io.ReadAll(resp.Body)
		if resp.StatusCode >= 300 {
			err = fmt.Errorf("%s %s: %s: %.300s", method, path, resp.Status, out)
		}
		return out, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return nil, err
}

func benchPatient(id string, n int64) string {
	return fmt.Sprintf(`{"resourceType":"Patient","id":"%s","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"%s"},{"system":"urn:bench","value":"B%d"}],"name":[{"use":"official","family":"%s","given":["Folake","Ada"]}],"gender":"female","birthDate":"%d-%02d-%02d","address":[{"line":["%d Rye Lane"],"city":"London","postalCode":"SE15 5BS"}]}`,
		id, benchNumber(n), n, benchFamily(n), 1930+n%80, 1+n%12, 1+n%28, n%300)
}

// benchNumber is a valid NHS number of the range that is for tests (999), the n-th.
func benchNumber(n int64) string {
	digits := fmt.Sprintf("999%06d", n*11%1_000_000)
	sum := 0
	for i := range 9 {
		sum += int(digits[i]-'0') * (10 - i)
	}
	if check := (11 - sum%11) % 11; check < 10 {
		return digits + fmt.Sprint(check)
	}
	return digits[:8] + fmt.Sprint((int(digits[8]-'0')+1)%10) + "0" // not valid, and stored as such
}

// benchFamily is one of many names, some of which begin alike.
func benchFamily(n int64) string {
	parts := []string{"adey", "okon", "smi", "wil", "pat", "kha", "mar", "bro", "ode", "tay"}
	return strings.ToUpper(parts[n%10][:1]) + parts[n%10][1:] + parts[n/10%10] + parts[n/100%10]
}

func benchObservation(patient string, n int64) string {
	return fmt.Sprintf(`{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"718-%d","display":"Hemoglobin"}]},"subject":{"reference":"Patient/%s"},"effectiveDateTime":"2026-%02d-%02dT10:30:00Z","issued":"2026-03-02T11:00:00Z","valueQuantity":{"value":%d.5,"unit":"g/L","system":"http://unitsofmeasure.org","code":"g/L"}}`,
		n%10, patient, 1+n%12, 1+n%28, 100+n%60)
}

// transaction is one person with 200 resources.
func (b *apiBench) transaction() string {
	var t bytes.Buffer
	n := b.serial.Add(1)
	fmt.Fprintf(&t, `{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:%08d-0000-4000-8000-000000000000","resource":%s,"request":{"method":"POST","url":"Patient"}}`, n, strings.Replace(benchPatient("", n), `"id":"",`, "", 1))
	for i := range int64(199) {
		o := strings.Replace(benchObservation("x", i), "Patient/x", fmt.Sprintf("urn:uuid:%08d-0000-4000-8000-000000000000", n), 1)
		fmt.Fprintf(&t, `,{"resource":%s,"request":{"method":"POST","url":"Observation"}}`, o)
	}
	t.WriteString("]}")
	return t.String()
}

// prepare makes the people that are asked for, each with 20 observations, and an
// open stay that lets the doctor see them. They are others than those of an earlier
// run on the same region, whose records have grown by what it measured.
func (b *apiBench) prepare() error {
	b.first = time.Now().Unix() % 97 * 10_000
	b.serial.Store(b.first + benchPatients + benchGrowing)
	for i := range int64(benchGrowing) {
		if _, err := b.ask(asSystem, "PUT", "/Patient/"+b.growing(i), benchPatient(b.growing(i), b.first+benchPatients+i), false); err != nil {
			return err
		}
	}
	for i := range int64(benchPatients) {
		id := fmt.Sprintf("bench-%d", b.person(i))
		if _, err := b.ask(asSystem, "PUT", "/Patient/"+id, benchPatient(id, b.person(i)), false); err != nil {
			return err
		}
		entries := []string{`{"resource":{"resourceType":"Encounter","status":"in-progress","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"IMP"},"subject":{"reference":"Patient/` + id + `"},"period":{"start":"` + time.Now().AddDate(0, 0, -2).Format(time.RFC3339) + `"}},"request":{"method":"POST","url":"Encounter"}}`}
		for j := range int64(20) {
			entries = append(entries, `{"resource":`+benchObservation(id, j)+`,"request":{"method":"POST","url":"Observation"}}`)
		}
		if _, err := b.ask(asSystem, "POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Join(entries, ",")+`]}`, false); err != nil {
			return err
		}
		b.patients = append(b.patients, id)
	}
	for i := range int64(40) {
		body, err := b.ask(asDoctor, "GET", fmt.Sprintf("/Patient?identifier=urn:bench|B%d", b.person(i)), "", true)
		if err != nil {
			return err
		}
		var found struct {
			Entry []struct{ Resource struct{ ID string } }
		}
		if err := json.Unmarshal(body, &found); err != nil || len(found.Entry) == 0 {
			return fmt.Errorf("the doctor does not find somebody of the benchmark: %w", err)
		}
		b.citizens = append(b.citizens, found.Entry[0].Resource.ID)
	}
	return nil
}

// kind is one kind of request; units are the resources in one.
type benchKind struct {
	name  string
	units float64
	unit  string
	do    func(n int64) error
}

func (b *apiBench) kinds() []benchKind {
	one := func(who int, method, path string, body func(n int64) string) func(int64) error {
		return func(n int64) error {
			p, sent := path, ""
			if strings.Contains(p, "%d") {
				p = fmt.Sprintf(p, b.person(n))
			}
			if body != nil {
				sent = body(n)
			}
			_, err := b.ask(who, method, p, sent, false)
			return err
		}
	}
	citizen := func(path string) func(int64) error {
		return func(n int64) error {
			_, err := b.ask(asDoctor, "GET", fmt.Sprintf(path, b.citizens[int(n)%len(b.citizens)]), "", false)
			return err
		}
	}
	return []benchKind{
		{"create Patient", 1, "/s", one(asSystem, "POST", "/Patient", func(int64) string {
			n := b.serial.Add(1)
			return strings.Replace(benchPatient("", n), `"id":"",`, "", 1)
		})},
		{"create Observation", 1, "/s", one(asSystem, "POST", "/Observation", func(n int64) string { return benchObservation(b.growing(n), n) })},
		{"update Patient", 1, "/s", func(n int64) error {
			id := b.patients[n%benchPatients]
			_, err := b.ask(asSystem, "PUT", "/Patient/"+id, strings.Replace(benchPatient(id, b.person(n)), "Rye Lane", fmt.Sprint("Rye Lane ", b.serial.Add(1)), 1), false)
			return err
		}},
		{"transaction of 200", 200, "resources/s", one(asSystem, "POST", "", func(int64) string { return b.transaction() })},
		{"read by id", 1, "/s", one(asSystem, "GET", "/Patient/bench-%d", nil)},
		{"Observation by patient and code", 1, "/s", one(asSystem, "GET", "/Observation?patient=bench-%d&code=http://loinc.org|718-3", nil)},
		{"Patient by name and birth date", 1, "/s", func(n int64) error {
			n = b.person(n)
			_, err := b.ask(asSystem, "GET", fmt.Sprintf("/Patient?family=%s&birthdate=%d-%02d-%02d", url.QueryEscape(benchFamily(n)), 1930+n%80, 1+n%12, 1+n%28), "", false)
			return err
		}},
		{"Patient by identifier", 1, "/s", one(asSystem, "GET", "/Patient?identifier=urn:bench|B%d", nil)},
		{"count by code and dates", 1, "/s", one(asSystem, "GET", "/Observation?_summary=count&code=http://loinc.org|8302-2&date=ge2012-03&date=lt2019", nil)},
		{"count by code and values", 1, "/s", one(asSystem, "GET", "/Observation?_summary=count&code-value-quantity=http://loinc.org|8302-2$gt150.5|http://unitsofmeasure.org|cm", nil)},
		{"a page by code and dates", 1, "/s", one(asSystem, "GET", "/Observation?_count=20&code=http://loinc.org|8302-2&date=ge2012-03&date=lt2012-05", nil)},
		{"$everything", 22, "resources/s", one(asSystem, "GET", "/Patient/bench-%d/$everything", nil)},
		{"a doctor: Observation by patient and code", 1, "/s", citizen("/Observation?patient=%s&code=http://loinc.org|718-3")},
		{"a doctor: $everything", 22, "resources/s", citizen("/Patient/%s/$everything")},
		{"a doctor: count by code, values and dates, of the people looked after", 1, "/s", one(asDoctor, "GET", "/Observation?_summary=count&code=http://loinc.org|718-3&value-quantity=gt110&date=ge2026-02", nil)},
		{"a doctor: Patient by name and birth date", 1, "/s", func(n int64) error {
			n = b.first + n%int64(len(b.citizens))
			_, err := b.ask(asDoctor, "GET", fmt.Sprintf("/Patient?family=%s&birthdate=%d-%02d-%02d", url.QueryEscape(benchFamily(n)), 1930+n%80, 1+n%12, 1+n%28), "", false)
			return err
		}},
	}
}

// all measures every kind with some clients at once.
func (b *apiBench) all(clients int, each time.Duration, only string) ([]figure, error) {
	var list []figure
	for _, k := range b.kinds() {
		if !strings.Contains(k.name, only) {
			continue
		}
		times, took, err := b.measure(k, clients, each)
		if err != nil {
			return nil, err
		}
		slices.Sort(times)
		list = append(list, figure{fmt.Sprintf("%s, %d clients", k.name, clients), float64(len(times)) * k.units / took.Seconds(), k.unit,
			fmt.Sprintf("p50 %.1f ms, p99 %.1f ms", ms(times, 50), ms(times, 99))})
	}
	return list, nil
}

// measure has clients ask one kind of request for a while.
func (b *apiBench) measure(k benchKind, clients int, each time.Duration) ([]time.Duration, time.Duration, error) {
	var mu sync.Mutex
	var times []time.Duration
	var failed error
	var serial atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range clients {
		all.Go(func() {
			var mine []time.Duration
			for time.Since(began) < each {
				at := time.Now()
				if err := k.do(serial.Add(1)); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
					return
				}
				mine = append(mine, time.Since(at))
			}
			mu.Lock()
			times = append(times, mine...)
			mu.Unlock()
		})
	}
	all.Wait()
	if failed == nil && len(times) == 0 {
		failed = errors.New("nothing was answered in time")
	}
	return times, time.Since(began), failed
}
