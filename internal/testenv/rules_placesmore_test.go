package testenv

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// heard is an endpoint that keeps what it is sent.
type heard struct {
	*httptest.Server
	mu   sync.Mutex
	said []string
}

func listens(t *testing.T) *heard {
	t.Helper()
	h := &heard{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.said = append(h.said, string(b))
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *heard) all() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.said, "\n")
}

// subscribes has somebody be told of a topic in whole resources, and of a search in R4's own way.
func (o *outside) subscribes(user, to, topic, search string) {
	o.Helper()
	const ext = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
	body := `{"resourceType":"Subscription","status":"requested","reason":"care","criteria":"https://selda.example/SubscriptionTopic/` + topic + `","_criteria":{"extension":[{"url":"` + ext + `backport-filter-criteria","valueString":"` + search + `"}]},
		"channel":{"type":"rest-hook","endpoint":"` + to + `","payload":"application/fhir+json","_payload":{"extension":[{"url":"` + ext + `backport-payload-content","valueCode":"full-resource"}]}}}`
	if status, answer := o.asks(user, "POST", "/fhir/Subscription", body); status != 201 {
		o.Fatal(status, answer)
	}
	if status, answer := o.asks(user, "POST", "/fhir/Subscription", `{"resourceType":"Subscription","status":"requested","reason":"care","criteria":"`+search+`","channel":{"type":"rest-hook","endpoint":"`+to+`","payload":"application/fhir+json"}}`); status != 201 {
		o.Fatal(status, answer)
	}
}

// exports is all that an export of somebody's gives: its manifest and its files.
func (o *outside) exports(user, path string) string {
	o.Helper()
	a, err := o.Do(o.Context(), user, "GET", path, nil, "Prefer: respond-async")
	if err != nil || a.Status != 202 {
		o.Fatal(a.Status, string(a.Body), err)
	}
	at := strings.TrimPrefix(a.Header.Get("Content-Location"), o.HTTP)
	for until := time.Now().Add(20 * time.Second); a.Status == 202 && time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		if a, err = o.Do(o.Context(), user, "GET", at, nil); err != nil {
			o.Fatal(err)
		}
	}
	all := string(a.Body)
	for _, part := range strings.Split(all, `"url":"`)[1:] {
		url, _, _ := strings.Cut(part, `"`)
		_, body := o.asks(user, "GET", strings.TrimPrefix(url, o.HTTP), "")
		all += body
	}
	return all
}

// G13: no place of a citizen whose address is withheld shows in what leaves by itself
// either: notifications of every kind of item, exports, pages on paper, GraphQL about one
// item, and the other forms of an answer.
func TestG13RestrictedCitizensShowNoPlaceInWhatIsSentOut(t *testing.T) {
	for _, restricted := range []bool{false, true} {
		o := withheld(t, restricted)
		o.declares("doctor")
		h := listens(t)
		for topic, search := range map[string]string{"encounter": "Encounter", "appointment": "Appointment", "referral": "ServiceRequest"} {
			o.subscribes("doctor", h.URL, topic, search+"?patient="+o.citizen)
		}
		if status, answer := o.asks("doctor", "POST", "/fhir/Subscription", `{"resourceType":"Subscription","status":"requested","reason":"care","criteria":"Procedure?patient=`+o.citizen+`","channel":{"type":"rest-hook","endpoint":"`+h.URL+`","payload":"application/fhir+json"}}`); status != 201 {
			t.Fatal(status, answer)
		}
		settle := func() {
			if err := o.Region.Subscriptions.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		settle()
		place := `{"reference":"Location/place","display":"` + mark + `"}`
		o.writes("RJZ:PAS", "Encounter", "enc2", `"status":"in-progress","class":{"code":"IMP"},"period":{"start":"2026-11-05"},"location":[{"location":`+place+`}],"hospitalization":{"origin":`+place+`,"destination":`+place+`},`+atKings)
		o.writes("G85915:GP", "Appointment", "appt2", `"status":"booked","start":"2026-11-06T09:00:00Z","end":"2026-11-06T09:10:00Z","participant":[{"actor":{"reference":"Patient/p-g85915"},"status":"accepted"},{"actor":`+place+`,"status":"accepted"}]`)
		o.writes("G85915:GP", "ServiceRequest", "sr2", `"status":"active","intent":"order","code":{"text":"Physio"},"locationReference":[`+place+`],"locationCode":[{"text":"`+mark+`"}],`+atGP)
		o.writes("G85915:GP", "Procedure", "proc2", `"status":"completed","code":{"text":"Dressing"},"location":`+place+`,`+atGP)
		settle()
		out := map[string]string{"notifications": h.all()}
		if status, _ := o.asks("doctor", "GET", "/fhir/Patient/{citizen}/$export", "", "Prefer: respond-async"); status == 202 {
			out["export"] = o.exports("doctor", "/fhir/Patient/"+o.citizen+"/$export")
		}
		for _, p := range []string{"/fhir/Encounter/enc/$graphql?query=%7Blocation%7Blocation%7Bdisplay%20reference%7D%7D%7D", "/fhir/Encounter?patient={citizen}&_format=xml", "/fhir/Encounter?patient={citizen}&_include=Encounter:location",
			"/fhir/Appointment?patient={citizen}&_summary=true", "/fhir/Patient/{citizen}/$summary", "/fhir/Encounter/enc2?_format=xml", "/record/{citizen}/encounters", "/record/{citizen}/timeline", "/record/{citizen}/file/Encounter/enc",
			"/cds-services"} {
			_, out[p] = o.asks("doctor", "GET", p, "")
		}
		shown := 0
		for door, text := range out {
			for _, where := range []string{mark, strings.ToUpper(mark), "SE99", "900999"} {
				if !strings.Contains(text, where) {
					continue
				}
				if shown++; restricted {
					at := strings.Index(text, where)
					t.Errorf("%s: %s shows: …%s…", door, where, text[max(0, at-200):min(len(text), at+60)])
				}
			}
		}
		if !restricted && (shown < 4 || !strings.Contains(out["notifications"], mark)) {
			t.Errorf("places show at %d doors to begin with: %.300s", shown, out["notifications"])
		}
		if restricted && (!strings.Contains(out["notifications"], "enc2") || !strings.Contains(out["notifications"], "Dressing")) {
			t.Errorf("they are not told at all: %.600s", out["notifications"])
		}
	}
}
