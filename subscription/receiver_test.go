package subscription_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	wiring "selda/cmd/selda/region"
	"selda/internal/testenv"
)

// region is a region with its doors open, a clock that stands still, and the
// receivers that it tells.
type region struct {
	*testing.T
	env *testenv.Env
	dir string
	dsn string // of the database, where it is kept in one
}

func open(t *testing.T) *region { return openOn(t, "") }

// openOn is open, on a database.
func openOn(t *testing.T, dsn string) *region {
	t.Helper()
	r := &region{T: t, dir: t.TempDir(), dsn: dsn}
	r.start(testenv.Start)
	t.Cleanup(func() {
		if err := r.env.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *region) start(now time.Time) {
	r.Helper()
	var err error
	if r.env, err = testenv.OpenWith(r.Context(), wiring.Options{Data: r.dir, Postgres: r.dsn}, now); err != nil {
		r.Fatal(err)
	}
}

// with starts it with what an operator says of subscriptions in a file.
func (r *region) with(now time.Time, file string) {
	r.Helper()
	said, err := wiring.ReadSubscribing(file)
	if err != nil {
		r.Fatal(err)
	}
	if r.env, err = testenv.OpenWith(r.Context(), wiring.Options{Data: r.dir, Postgres: r.dsn, Subscribing: said}, now); err != nil {
		r.Fatal(err)
	}
}

// restart is a node that ends and another that takes its place, later.
func (r *region) restart() {
	r.Helper()
	now := r.env.Now()
	if err := r.env.Close(); err != nil {
		r.Fatal(err)
	}
	r.start(now)
}

// settle has everything told that is due.
func (r *region) settle() {
	r.Helper()
	if err := r.env.Region.Subscriptions.Settle(context.Background()); err != nil {
		r.Fatal(err)
	}
}

// advance lets time go by, as it does: in steps, with the follower at work.
func (r *region) advance(d, step time.Duration) {
	r.Helper()
	for ; d > 0; d -= step {
		r.env.Advance(step)
		r.settle()
	}
}

func (r *region) do(want int, user, method, path, body string, headers ...string) []byte {
	r.Helper()
	a, err := r.env.Do(context.Background(), user, method, path, []byte(body), headers...)
	if err != nil {
		r.Fatal(err)
	}
	if a.Status != want {
		r.Fatalf("%s %s as %s: %d, want %d: %s", method, path, user, a.Status, want, a.Body)
	}
	return a.Body
}

// patient makes a Patient of the source system.
func (r *region) patient(id, number string) {
	r.Helper()
	identifier := ""
	if number != "" {
		identifier = `"identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"` + number + `"}],`
	}
	r.do(201, "system", "PUT", "/fhir/Patient/"+id, `{"resourceType":"Patient","id":"`+id+`",`+identifier+`"name":[{"family":"`+id+`","given":["A"]}],"birthDate":"1951-11-05"}`)
}

// observe writes a result of a patient, which says what it is.
func (r *region) observe(patient, value string, more ...string) {
	r.Helper()
	r.do(201, "system", "POST", "/fhir/Observation", `{"resourceType":"Observation","status":"final",`+strings.Join(more, "")+
		`"code":{"coding":[{"system":"http://loinc.org","code":"1975-2"}]},"subject":{"reference":"Patient/`+patient+`"},"valueString":"`+value+`"}`)
}

const base = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"

// topical is a Subscription to a topic, as the backport writes it.
func topical(topic, endpoint, content string, more ...string) string {
	filter, channel, kind := "", "", "rest-hook"
	if endpoint != "" {
		channel = `"endpoint":"` + endpoint + `",`
	}
	for _, m := range more {
		switch {
		case strings.HasPrefix(m, "kind="):
			kind = m[5:]
		case strings.HasPrefix(m, `"`):
			channel += m + ","
		default:
			filter = `,"_criteria":{"extension":[{"url":"` + base + `backport-filter-criteria","valueString":"` + m + `"}]}`
		}
	}
	return `{"resourceType":"Subscription","status":"requested","reason":"test","criteria":"https://selda.example/SubscriptionTopic/` + topic + `"` + filter +
		`,"channel":{` + channel + `"type":"` + kind + `","payload":"application/fhir+json",` +
		`"_payload":{"extension":[{"url":"` + base + `backport-payload-content","valueCode":"` + content + `"}]}}}`
}

func (r *region) subscribe(user, body string) (id string) {
	r.Helper()
	return decoded(r.T, r.do(201, user, "POST", "/fhir/Subscription", body)).ID
}

func (r *region) status(user, id string) string {
	r.Helper()
	return decoded(r.T, r.do(200, user, "GET", "/fhir/Subscription/"+id, "")).Status
}

// resource is what tests look at.
type resource struct {
	ResourceType, ID, Status, Type, Criteria, ValueString string
	Total                                                 int
	Error                                                 string
	Channel                                               struct{ Header []string }
	Issue                                                 []struct{ Code, Diagnostics string }
	Entry                                                 []struct {
		FullURL  string
		Resource *resource
		Request  struct{ Method, URL string }
	}
	Parameter []parameter
	EventURI  string
	Subject   struct{ Reference string }
}

type parameter struct {
	Name                                             string
	ValueString, ValueCode, ValueCanonical, ValueURL string
	ValueDateTime, ValueInstant                      string
	ValueReference                                   struct{ Reference string }
	Part                                             []parameter
}

func decoded(t *testing.T, b []byte) *resource {
	t.Helper()
	r := &resource{}
	if err := json.Unmarshal(b, r); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return r
}

// value is a parameter's, by name.
func value(list []parameter, name string) string {
	for _, p := range list {
		if p.Name == name {
			return p.ValueString + p.ValueCode + p.ValueCanonical + p.ValueURL + p.ValueReference.Reference
		}
	}
	return ""
}

// call is one request that a receiver got.
type call struct {
	Method, Path, Kind string
	Header             http.Header
	Body               []byte
}

// receiver is somebody's server that is told.
type receiver struct {
	*httptest.Server
	t     *testing.T
	mu    sync.Mutex
	calls []call
	// answer is what it answers with; 0 is 200, -1 that it closes the
	// connection, -2 that it takes what it is told and then does.
	answer func(c call) int
	wait   chan struct{} // it answers when this is closed
}

// hang has it answer nothing until a channel is closed.
func (v *receiver) hang(until chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wait = until
}

func receive(t *testing.T) *receiver {
	v := &receiver{t: t}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	return v
}

// serve serves a receiver, and gives its address.
func serve(t testing.TB, v *receiver) string {
	s := httptest.NewServer(v)
	t.Cleanup(s.Close)
	return s.URL
}

func (v *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	v.mu.Lock()
	wait := v.wait
	v.mu.Unlock()
	if wait != nil {
		<-wait
	}
	c := call{r.Method, r.URL.Path, r.Header.Get("Content-Type"), r.Header, b}
	v.mu.Lock()
	status := 0
	if v.answer != nil {
		status = v.answer(c)
	}
	if status == 0 || status == -2 {
		v.calls = append(v.calls, c)
	}
	v.mu.Unlock()
	switch {
	case status < 0:
		panic(http.ErrAbortHandler)
	case status > 0:
		w.WriteHeader(status)
	}
}

func (v *receiver) set(answer func(c call) int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answer = answer
}

// got takes what was received.
func (v *receiver) got() []call {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := v.calls
	v.calls = nil
	return out
}

// told is what the notifications of events say, in order: number and value.
func (v *receiver) told() (out []string) {
	for _, c := range v.got() {
		out = append(out, said(v.t, c.Body)...)
	}
	return out
}

// said is what one notification says of its events.
func said(t *testing.T, body []byte) (out []string) {
	t.Helper()
	b := decoded(t, body)
	if b.Type != "history" || len(b.Entry) == 0 || b.Entry[0].Resource.ResourceType != "Parameters" {
		t.Fatalf("no notification: %s", body)
	}
	p := b.Entry[0].Resource.Parameter
	if kind := value(p, "type"); kind != "event-notification" && kind != "query-event" {
		return []string{kind}
	}
	bodies := map[string]string{}
	for _, e := range b.Entry[1:] {
		if e.Resource != nil {
			bodies[e.FullURL] = e.Resource.ValueString
		}
	}
	for _, e := range p {
		if e.Name == "notification-event" {
			focus := value(e.Part, "focus")
			what := bodies[focus]
			if what == "" && focus != "" {
				what = focus[strings.LastIndex(focus, "/fhir/")+6:]
			}
			out = append(out, fmt.Sprintf("%s:%s", value(e.Part, "event-number"), what))
		}
	}
	return out
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
