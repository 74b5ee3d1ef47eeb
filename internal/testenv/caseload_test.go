package testenv

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"selda/audit"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
)

// practice is a practice's people, some of whom have a high HbA1c that a
// laboratory elsewhere has measured.
type practice struct {
	*outside
	citizens map[string]string // ids, by name
	number   map[string]int    // which of the test range
}

const hba1c = `"code":{"coding":[{"system":"http://snomed.info/sct","code":"999791000000106"}]}`

func atPractice(t *testing.T) *practice {
	p := &practice{known(t), map[string]string{}, map[string]int{}}
	p.citizens["folake"] = p.citizen
	p.measures("folake", 71, "")
	for i, name := range []string{"shown", "low", "objects", "labelled", "stranger", "left"} {
		p.joins(name, i+1)
	}
	p.measures("shown", 64, "")
	p.measures("low", 41, "")
	p.measures("objects", 80, "")
	p.measures("labelled", 81, `"meta":{"security":[{"system":"`+policy.LabelSystem+`","code":"hiv-sti"}]},`)
	p.measures("stranger", 82, "")
	p.measures("left", 83, "")
	p.decides("objects")
	return p
}

// joins has somebody registered at the practice, or not, and known to a hospital.
func (p *practice) joins(name string, i int) {
	p.Helper()
	p.number[name] = i
	who := fmt.Sprintf(`"identifier":[{"system":"%s","value":"%s"}],"name":[{"family":"%s","given":["Ada"]}],"gender":"female","birthDate":"1961-11-05"`, nhs.NumberSystem, testNumber(i).Digits(), strings.ToUpper(name[:1])+name[1:])
	p.writes("RJ1:LAB", "Patient", name+"-lab", who)
	switch name {
	case "stranger":
		p.writes("G85001:GP", "Patient", name+"-gp", who)
	case "left":
		p.writes("G85915:GP", "Patient", name+"-gp", `"active":false,`+who)
	default:
		p.writes("G85915:GP", "Patient", name+"-gp", who)
	}
	id, err := p.Region.Access.ByNumber(p.Context(), testNumber(i))
	if err != nil {
		p.Fatal(err)
	}
	p.citizens[name] = id
}

// measures writes a laboratory's result.
func (p *practice) measures(name string, value int, meta string) {
	p.Helper()
	subject := name + "-lab"
	if name == "folake" {
		p.writes("RJ1:LAB", "Patient", subject, `"identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+folake+`"}],"name":[{"family":"Adeyemi","given":["Folake"]}],"birthDate":"1951-11-05"`)
	}
	p.writes("RJ1:LAB", "Observation", "hba1c-"+name, meta+`"status":"final",`+hba1c+fmt.Sprintf(`,"subject":{"reference":"Patient/%s"},"effectiveDateTime":"2026-10-01T09:00:00Z","valueQuantity":{"value":%d,"unit":"mmol/mol","system":"http://unitsofmeasure.org","code":"mmol/mol"}`, subject, value))
}

// decides has somebody object to sharing with others than who wrote.
func (p *practice) decides(name string) {
	p.Helper()
	r, err := p.Region.Ingest.Submit(p.Context(), &ingest.Raw{Source: "SELDA:ME", Format: ingest.FHIR, Door: "fhir", Call: "PUT Consent/c-" + name, About: p.citizens[name],
		Body: []byte(`{"resourceType":"Consent","id":"c-` + name + `","status":"active","patient":{"identifier":{"system":"` + nhs.NumberSystem + `","value":"` + testNumber(p.number[name]).Digits() + `"}},"policyRule":{"coding":[{"code":"OPTOUT"}]},"provision":{"type":"deny"}}`)})
	if err != nil {
		p.Fatal(err)
	}
	if out, err := r.Committed(p.Context()); err != nil || out.Err != nil {
		p.Fatal(err, out.Err)
	}
}

// finds gives the ids of a search's matches, page after page, and its total.
func (p *practice) finds(user, path string) (ids []string, total int) {
	p.Helper()
	total = -1
	for path != "" {
		status, body := p.asks(user, "GET", path, "")
		var b struct {
			Total *int
			Link  []struct{ Relation, URL string }
			Entry []struct {
				Search   struct{ Mode string }
				Resource struct{ ID, ResourceType string }
			}
		}
		if err := json.Unmarshal([]byte(body), &b); err != nil || status != 200 {
			p.Fatalf("%s: %d %s", path, status, body)
		}
		if b.Total != nil {
			if total >= 0 && total != *b.Total {
				p.Errorf("%s: %d, and on another page %d", path, total, *b.Total)
			}
			total = *b.Total
		}
		for _, e := range b.Entry {
			if e.Search.Mode == "match" {
				ids = append(ids, e.Resource.ID)
			}
		}
		path = ""
		for _, l := range b.Link {
			if l.Relation == "next" {
				path = strings.TrimPrefix(l.URL, p.HTTP)
			}
		}
	}
	return ids, total
}

// past are the entries of a history, page after page.
func (p *practice) past(user, path string) (out []string) {
	p.Helper()
	for path != "" {
		status, body := p.asks(user, "GET", path, "")
		var b struct {
			Total int
			Link  []struct{ Relation, URL string }
			Entry []struct {
				FullURL string
				Request struct{ Method string }
			}
		}
		if err := json.Unmarshal([]byte(body), &b); err != nil || status != 200 {
			p.Fatalf("%s: %d %s", path, status, body)
		}
		for _, e := range b.Entry {
			out = append(out, e.Request.Method+" "+e.FullURL[strings.LastIndex(e.FullURL, "/")+1:])
		}
		path = ""
		for _, l := range b.Link {
			if l.Relation == "next" {
				path = strings.TrimPrefix(l.URL, p.HTTP)
			}
		}
		if path == "" && len(out) != b.Total {
			p.Errorf("%d entries of %d", len(out), b.Total)
		}
	}
	return out
}

// looks are what the trail of somebody says of a user, the latest first.
func (p *practice) looks(name, user string) (what []string) {
	p.Helper()
	entries, err := p.Trail(p.Context(), audit.Query{Citizen: p.citizens[name], User: user})
	if err != nil {
		p.Fatal(err)
	}
	for _, e := range entries {
		what = append(what, e.Outcome+" "+e.What)
	}
	return what
}

const highHbA1c = "/fhir/Observation?code=http://snomed.info/sct|999791000000106&value-quantity=gt58"

// G3: a GP finds who of the practice's people has a code with a value. Of who
// objects, of an item that is labelled, of a stranger and of who has left, there
// is no trace: not in the totals, on a page, or in a trail that others read.
func TestG3FindingCasesForTheOwnCareTeam(t *testing.T) {
	p := atPractice(t)
	want := []string{"hba1c-folake", "hba1c-shown"}
	for path, want := range map[string][]string{
		highHbA1c:               want,
		highHbA1c + "&_count=1": want,
		highHbA1c + "&date=ge2026-09-01&_sort=value-quantity":                           {"hba1c-shown", "hba1c-folake"},
		highHbA1c + "&date=ge2026-11-01":                                                nil,
		highHbA1c + "&patient.gender=female":                                            {"hba1c-shown"},
		highHbA1c + "&patient.name=Shown":                                               {"hba1c-shown"},
		highHbA1c + "&_include=Observation:subject":                                     want,
		"/fhir/Patient?_has:Observation:patient:value-quantity=gt58":                    {p.citizens["folake"], p.citizens["shown"]},
		"/fhir/Patient?_has:Observation:patient:value-quantity=gt58&birthdate=lt1960":   {p.citizens["folake"]},
		highHbA1c + "&patient=" + p.citizens["shown"] + "," + p.citizens["objects"]:     {"hba1c-shown"},
		highHbA1c + "&patient=" + p.citizens["stranger"] + ",nobody":                    nil,
		highHbA1c + "&patient=" + p.citizens["folake"] + ",shown-lab,shown-gp&_count=1": want,
		"/fhir?code=999791000000106&value-quantity=gt58":                                want,
		highHbA1c + "&status:in=ValueSet/observation-status":                            want,
		highHbA1c + "&status:not-in=http://hl7.org/fhir/ValueSet/observation-status":    nil,
		"/fhir/Observation?patient.name=ada&value-quantity=gt58":                        {"hba1c-shown"},
	} {
		ids, total := p.finds("gp", path)
		slices.Sort(want)
		if sorted := slices.Sorted(slices.Values(ids)); !slices.Equal(sorted, want) && len(sorted)+len(want) > 0 || total != len(want) {
			t.Errorf("%s finds %v of %d, want %v", path, ids, total, want)
		}
	}
	if n := p.total("gp", highHbA1c+"&_summary=count"); n != 2 {
		t.Errorf("%d are counted", n)
	}
	if ids, _ := p.finds("gp", highHbA1c+"&_sort=value-quantity&_count=1"); !slices.Equal(ids, []string{"hba1c-shown", "hba1c-folake"}) {
		t.Errorf("in the order of the values: %v", ids)
	}
	if ids, total := p.finds("doctor", highHbA1c); len(ids) != 0 || total != 0 {
		t.Errorf("who looks after nobody finds %v", ids)
	}
	for _, user := range []string{"reception", "handler", "engineer"} {
		if status, _ := p.asks(user, "GET", highHbA1c, ""); status != 400 {
			t.Errorf("%s, who has no caseload: %d", user, status)
		}
	}
}

// Invariant 2: whoever is shown or counted finds it in their own trail; of
// who is not, there is one entry of the search, which names nobody.
func TestG3ASearchOfTheCaseloadIsInTheTrailOfWhomItShows(t *testing.T) {
	p := atPractice(t)
	if n := p.total("gp", highHbA1c+"&_summary=count"); n != 2 {
		t.Fatalf("%d are counted", n)
	}
	for name, want := range map[string][]string{"folake": {"permit Observation search"}, "shown": {"permit Observation search"}, "low": nil, "objects": nil, "labelled": nil, "stranger": nil, "left": nil} {
		if got := p.looks(name, "gp"); !slices.Equal(got, want) {
			t.Errorf("the trail of %s says %q, want %q", name, got, want)
		}
	}
	entries, err := p.Trail(t.Context(), audit.Query{User: "gp", Action: audit.Search})
	entries = slices.DeleteFunc(entries, func(e audit.Entry) bool { return e.Citizen != "" })
	if err != nil || len(entries) != 1 || entries[0].Citizen != "" || !strings.HasPrefix(entries[0].Rules[0], "G3") {
		t.Errorf("the search itself: %+v %v", entries, err)
	}
	for _, words := range []string{"Dr Adaora Okafor", "Found you in a search"} {
		if where := p.sees("citizen", words, "/me/looked"); len(where) == 0 {
			t.Error("the citizen's page does not say who looked", words)
		}
	}
	// A later page is of who is on it; named people are recorded as reads are.
	if _, total := p.finds("gp", highHbA1c+"&_count=1&_total=none"); total != -1 {
		t.Errorf("a total of %d", total)
	}
	p.finds("gp", highHbA1c+"&patient="+p.citizens["low"]+","+p.citizens["stranger"])
	for name, want := range map[string][]string{"folake": {"permit Observation search", "permit Observation search"}, "shown": {"permit Observation search", "permit Observation search"},
		"low": {"permit Observation search"}, "stranger": {"deny Observation search"}, "objects": nil} {
		if got := p.looks(name, "gp"); !slices.Equal(got, want) {
			t.Errorf("then the trail of %s says %q, want %q", name, got, want)
		}
	}
}

// G7, G9: what a user states opens the record of which it was stated, by name, and
// no search among the people looked after: neither an emergency nor a declaration.
func TestG9AnEmergencyWidensNoCaseload(t *testing.T) {
	p := atPractice(t)
	s, _ := p.Subject("gp")
	for _, name := range []string{"labelled", "objects", "stranger"} {
		if err := p.Region.Access.BreakGlass(t.Context(), s, p.citizens[name], "emergency"); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Region.Access.Declare(t.Context(), s, p.citizens["left"], ""); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"labelled", "left"} {
		if n := p.total("gp", highHbA1c+"&patient="+p.citizens[name]); n != 1 {
			t.Fatalf("the record of %s is not open: %d", name, n)
		}
	}
	if n := p.total("gp", highHbA1c); n != 2 {
		t.Errorf("a search of the caseload finds %d", n)
	}
}

// Whoever has nothing of what is looked for changes no answer, however many they are,
// and the index says who has.
func TestG3ACaseloadOfMany(t *testing.T) {
	p := atPractice(t)
	paths := []string{highHbA1c, highHbA1c + "&_count=1", "/fhir/Observation?code=999791000000106&_sort=-date", "/fhir/Patient?_has:Observation:patient:code=999791000000106", "/fhir/Observation?value-quantity=gt58&subject.family=shown,adeyemi", highHbA1c + "&_revinclude=Provenance:target"}
	ask := func() (out []string) {
		for _, path := range paths {
			ids, total := p.finds("gp", path)
			out = append(out, fmt.Sprint(path, ids, total))
		}
		for _, path := range []string{"/fhir/Observation/_history?_since=2026-11-05T08:00:00Z&_count=1", "/fhir/Observation/_history?_since=2026-11-06T08:00:00Z"} {
			out = append(out, fmt.Sprint(path, p.past("gp", path)))
		}
		return out
	}
	before := ask()
	for i := range 220 {
		name := fmt.Sprintf("other%d", i)
		p.writes("G85915:GP", "Patient", name, fmt.Sprintf(`"identifier":[{"system":"%s","value":"%s"}],"name":[{"family":"Other"}],"birthDate":"1971-11-05"`, nhs.NumberSystem, testNumber(100+i).Digits()))
	}
	for i, after := range ask() {
		if after != before[i] {
			t.Errorf("%s, and among many %s", before[i], after)
		}
	}
	if n := p.total("gp", "/fhir/Patient?_summary=count"); n != 225 {
		t.Errorf("the practice has %d people", n)
	}
}

// The history of a type, and of all, is of the own record, or of the people whom
// the reader's organisation looks after: deletions among it, nothing that is
// hidden, and who is told of finds it in the trail.
func TestG3HistoryOfAType(t *testing.T) {
	p := atPractice(t)
	p.Advance(time.Hour)
	since := p.Now().UTC().Format(time.RFC3339)
	p.measures("shown", 66, "")
	p.measures("objects", 90, "")
	p.measures("stranger", 91, "")
	if r, err := p.Region.Ingest.Submit(p.Context(), raw("RJ1:LAB", "DELETE Observation/hba1c-folake", "{}", "")); err != nil {
		t.Fatal(err)
	} else if out, err := r.Committed(p.Context()); err != nil || out.Err != nil {
		t.Fatal(err, out.Err)
	}
	news := []string{"DELETE hba1c-folake", "PUT hba1c-shown"}
	for path, want := range map[string][]string{
		"/fhir/Observation/_history?_since=" + since:               news,
		"/fhir/Observation/_history?_count=1&_since=" + since:      news,
		"/fhir/_history?_since=" + since:                           news,
		"/fhir/Condition/_history":                                 nil,
		"/fhir/Observation/_history?_count=2":                      append(slices.Clone(news), "POST hba1c-low", "POST hba1c-shown", "POST hba1c-folake"),
		"/fhir/Observation/_history?_at=2026-11-05T09:30:00Z":      {"POST hba1c-low", "POST hba1c-shown", "POST hba1c-folake"},
		"/fhir/Observation/_history?_at=" + p.Now().Format("2006"): append(slices.Clone(news), "POST hba1c-low", "POST hba1c-shown", "POST hba1c-folake"),
	} {
		if got := p.past("gp", path); !slices.Equal(got, want) && len(got)+len(want) > 0 {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := p.past("citizen", "/fhir/Observation/_history"); !slices.Equal(got, []string{"DELETE hba1c-folake", "POST hba1c-folake"}) {
		t.Errorf("a citizen's own: %q", got)
	}
	if status, _ := p.asks("reception", "GET", "/fhir/Observation/_history", ""); status != 400 {
		t.Errorf("without a caseload: %d", status)
	}
	for name, want := range map[string]bool{"shown": true, "low": true, "objects": false, "stranger": false} {
		if got := p.looks(name, "gp"); slices.Contains(got, "permit Observation/_history") != want {
			t.Errorf("the trail of %s: %q", name, got)
		}
	}
}

// A posted search of several people keeps who they are out of the URLs of its pages.
func TestSeveralPeoplePosted(t *testing.T) {
	p := atPractice(t)
	form := url.Values{"patient.identifier": {testNumber(1).Digits() + "," + folake}, "value-quantity": {"gt58"}, "_count": {"1"}}
	a, err := p.Do(t.Context(), "gp", "POST", "/fhir/Observation/_search", []byte(form.Encode()), "Content-Type: application/x-www-form-urlencoded")
	if err != nil || a.Status != 200 {
		t.Fatal(err, a.Status)
	}
	var b struct {
		Total int
		Link  []struct{ Relation, URL string }
	}
	if err := json.Unmarshal(a.Body, &b); err != nil || b.Total != 2 || len(b.Link) != 2 || b.Link[1].Relation != "next" || strings.Contains(b.Link[1].URL, "identifier") {
		t.Fatalf("%v: %s", err, a.Body)
	}
	if ids, total := p.finds("gp", strings.TrimPrefix(b.Link[1].URL, p.HTTP)); total != 2 || len(ids) != 1 {
		t.Errorf("the second page has %v of %d", ids, total)
	}
	if _, body := p.asks("gp", "POST", "/fhir", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Observation?value-quantity=gt58&_summary=count"}}]}`); !strings.Contains(body, `"total":2`) {
		t.Errorf("in a batch: %s", body)
	}
}

// Invariant 3: only what is shown counts towards the bound of a search. What is
// hidden is in neither of two answers between which there is one resource more.
func TestG3TheBoundCountsOnlyWhatIsShown(t *testing.T) {
	p := atPractice(t)
	const code, at = "364075005", "/fhir/Observation?code=364075005&_count=1"
	pulses := func(name string, from, n int) {
		var b strings.Builder
		fmt.Fprintf(&b, `{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"PUT","url":"Patient/%[1]s-lab"},"resource":{"resourceType":"Patient","id":"%[1]s-lab","identifier":[{"system":"%[2]s","value":"%[3]s"}],"name":[{"family":"%[4]s","given":["Ada"]}],"birthDate":"1961-11-05"}}`,
			name, nhs.NumberSystem, testNumber(p.number[name]).Digits(), strings.ToUpper(name[:1])+name[1:])
		for i := from; i < from+n; i++ {
			fmt.Fprintf(&b, `,{"request":{"method":"PUT","url":"Observation/pulse-%[1]s-%[2]d"},"resource":{"resourceType":"Observation","id":"pulse-%[1]s-%[2]d","status":"final","code":{"coding":[{"system":"http://snomed.info/sct","code":"%[3]s"}]},"subject":{"reference":"Patient/%[1]s-lab"}}}`, name, i, code)
		}
		s, err := p.Ingest(t.Context(), "RJ1:LAB", "fhir", "", "pulses.ndjson", []byte(b.String()+"]}\n"))
		if err != nil || s.Quarantined > 0 {
			t.Fatalf("%+v %v", s, err)
		}
	}
	pulses("shown", 0, 5000)
	pulses("low", 0, 5000)
	for _, name := range []string{"objects", "stranger", "left"} {
		pulses(name, 0, 10)
	}
	for range 2 { // what is hidden grows meanwhile
		if status, body := p.asks("gp", "GET", at, ""); status != 200 || !strings.Contains(body, `"total":10000`) {
			t.Fatalf("as many as may be shown: %d %.300s", status, body)
		}
		pulses("objects", 10, 10)
	}
	pulses("low", 5000, 1)
	if status, body := p.asks("gp", "GET", at, ""); status != 422 || !strings.Contains(body, "too-costly") {
		t.Errorf("one more: %d %.300s", status, body)
	}
	if n := p.total("gp", "/fhir/Observation?code="+code+"&_summary=count"); n != 10_001 {
		t.Errorf("%d are counted", n)
	}
}
