package testenv

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"selda/audit"
	"selda/cmd/selda/region"
	"selda/fault"
	"selda/nhs"
)

// downtime is a copy that is served while its region can't be used.
type downtime struct {
	*outside
	region *region.Region
	http   string
	stop   func() error
}

// serves opens a copy and serves it.
func (o *outside) serves(dir string) *downtime {
	o.Helper()
	d, err := region.ReadDowntime(dir)
	o.agreed("the copy", err)
	r, err := region.Open(o.Context(), region.Options{Data: dir, Now: o.Now, Log: slog.New(slog.DiscardHandler), Downtime: &d})
	o.agreed("open the copy", err)
	ctx, cancel := context.WithCancel(o.Context())
	ready, served := make(chan region.Served, 1), make(chan error, 1)
	go func() {
		served <- r.ServeDowntime(ctx, region.OperatorSubject(), "127.0.0.1:0", "the data centre is flooded", func(s region.Served) error { ready <- s; return nil })
	}()
	select {
	case s := <-ready:
		c := &downtime{outside: o, region: r, http: s.HTTP}
		c.stop = func() error { cancel(); err := <-served; _ = r.Close(); return err }
		return c
	case err := <-served:
		o.Fatal(err)
	}
	return nil
}

// asks makes a request of the copy as somebody.
func (c *downtime) asks(user, method, path, body string) (int, string) {
	c.Helper()
	token, err := c.region.Auth.Token(c.Context(), user, nhs.Treatment, time.Hour)
	c.agreed("token", err)
	req, err := http.NewRequestWithContext(c.Context(), method, c.http+path, strings.NewReader(body))
	c.agreed("request", err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/fhir+json")
	resp, err := http.DefaultClient.Do(req)
	c.agreed("answer", err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	c.agreed("answer", err)
	return resp.StatusCode, string(b)
}

// G21: where the region can't be used a copy shows who somebody is, allergies,
// medicines, alerts and plans, to those who may see them and to nobody else; each
// look is recorded, and comes into the region's trail once.
func TestG21ADowntimeCopy(t *testing.T) {
	o := known(t)
	o.writes("G85915:GP", "AllergyIntolerance", "a1", `"code":{"text":"Penicillin"},"patient":{"reference":"Patient/p-g85915"}`)
	o.writes("G85915:GP", "MedicationRequest", "m1", `"status":"active","intent":"order","medicationCodeableConcept":{"text":"Apixaban"},`+atGP)
	o.writes("RJZ:PAS", "CarePlan", "p1", `"status":"active","intent":"plan","title":"Heart plan",`+atKings)
	o.writes("G85915:GP", "Condition", "c1", `"code":{"text":"Asthma"},`+atGP)
	o.writes("G85915:GP", "AllergyIntolerance", "sealed", `"code":{"text":"Latex"},"patient":{"reference":"Patient/p-g85915"}`)
	o.objects(`,"data":[{"meaning":"instance","reference":{"reference":"AllergyIntolerance/sealed"}}]`)
	o.declares("nurse")
	dir := filepath.Join(t.TempDir(), "copy")
	s := region.OperatorSubject()
	made, err := o.Region.CopyForDowntime(t.Context(), s, dir)
	o.agreed("copy", err)
	if made.Citizens != 1 {
		t.Errorf("%+v", made)
	}
	c := o.serves(dir)
	citizen, err := c.region.Access.ByNumber(t.Context(), number(folake))
	o.agreed("citizen", err)
	if status, body := c.asks("doctor", "GET", "/record/"+citizen, ""); status != 200 || strings.Contains(body, "Asthma") || !strings.Contains(body, "Penicillin") ||
		!strings.Contains(body, "Emergency mode: this is a copy of") || strings.Contains(body, "Latex") {
		t.Errorf("the doctor, of whose trust it is: %d %s", status, body)
	}
	if status, body := c.asks("doctor", "GET", "/record/"+citizen+"/plans", ""); status != 200 || !strings.Contains(body, "Heart plan") {
		t.Errorf("the plan: %d", status)
	}
	for path, want := range map[string]string{"AllergyIntolerance": `"total":1`, "MedicationRequest": `"total":1`, "Condition": `"total":0`} {
		if status, body := c.asks("nurse", "GET", "/fhir/"+path+"?patient="+citizen, ""); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, body := c.asks("gp", "GET", "/fhir/AllergyIntolerance?patient="+citizen, ""); status != 200 || !strings.Contains(body, `"total":2`) {
		t.Errorf("the practice's own item is sealed from it: %d %s", status, body)
	}
	if status, _ := c.asks("visitor", "GET", "/fhir/AllergyIntolerance/a1", ""); status != 404 {
		t.Errorf("whom nothing connects sees it: %d", status)
	}
	visitor, err := o.Subject("visitor")
	o.agreed("visitor", err)
	o.agreed("break glass", c.region.Access.BreakGlass(t.Context(), visitor, citizen, "emergency"))
	if status, _ := c.asks("visitor", "GET", "/fhir/AllergyIntolerance/a1", ""); status != 200 {
		t.Errorf("in an emergency: %d", status)
	}
	for _, q := range [][2]string{{"POST", "/fhir/Condition"}, {"PUT", "/fhir/Condition/c1"}, {"DELETE", "/fhir/AllergyIntolerance/a1"}, {"POST", "/fhir"}} {
		if status, _ := c.asks("system", q[0], q[1], `{"resourceType":"Condition"}`); status != 503 {
			t.Errorf("%s %s: %d", q[0], q[1], status)
		}
	}
	if _, err := o.Region.CopyForDowntime(t.Context(), s, dir); err == nil {
		t.Error("a copy whose trail is not included was replaced")
	}
	o.agreed("stop", c.stop())
	if _, err := o.Region.CopyForDowntime(t.Context(), s, dir); !fault.Is(err, fault.Conflict) {
		t.Errorf("a copy whose trail is not included was replaced: %v", err)
	}
	o.Advance(time.Hour)
	n, err := o.Region.IncludeDowntime(t.Context(), s, dir)
	o.agreed("include", err)
	again, err := o.Region.IncludeDowntime(t.Context(), s, dir)
	o.agreed("include again", err)
	if n < 8 || again > 2 { // that the copy was opened for it is an entry, too
		t.Errorf("%d entries included, then %d", n, again)
	}
	found, err := o.Region.Trail.Find(t.Context(), audit.Query{Citizen: o.citizen, User: "visitor", Limit: 100})
	o.agreed("trail", err)
	broke := 0
	for _, e := range found {
		if e.Action == audit.BreakGlass && e.Journal != "" && o.Now().Sub(e.Happened) >= time.Hour {
			broke++
		}
	}
	if broke != 1 {
		t.Errorf("the emergency access is %d times in the region's trail: %+v", broke, found)
	}
	if where := o.sees("citizen", "Priya", "/me/looked"); len(where) == 0 {
		t.Error("the citizen does not read of it")
	}
	if _, err := o.Region.CopyForDowntime(t.Context(), s, dir); err != nil {
		t.Errorf("included, and can't be replaced: %v", err)
	}
}

func number(digits string) nhs.Number { n, _ := nhs.ParseNumber(digits); return n }
