package testenv

import (
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"selda/auth"
	"selda/fhir"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Invariant 3, by chance: small records of several sources, with labels,
// versions, deletions and what the citizen decided; a reader of any role asks
// for everything that can be asked. The same record without what the reader may
// not see stands in a second region. Every answer is the same to the byte but
// for times, numbers of versions and the ids that the server makes.
// SELDA_CASES says how many records; 100 are the test of every day.
func TestInvariant3WhatIsHiddenLeavesNoTrace(t *testing.T) {
	cases := os.Getenv("SELDA_CASES")
	if cases == "" {
		cases = "100"
	}
	if testing.Short() {
		cases = "40" // of which rapid takes a fifth
	}
	for name, value := range map[string]string{"rapid.checks": cases, "rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	h := &hidden{T: t, limited: true}
	for i, name := range []string{"full", "without"} {
		env, err := Open(stored(t), filepath.Join(t.TempDir(), name), Start)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = env.Close() })
		h.env[i], h.handler[i] = env, env.Region.Handler()
		// Some of what these organisations wrote is sealed from most of their own staff.
		o := &outside{T: t, Env: env}
		o.seals("G85915", "seals: [{id: a, title: Letters, roles: [nurse], data-sets: [documents, procedures], reason: test}]")
		o.seals("RJZ", "seals: [{id: a, title: Results, roles: [pharmacist], data-sets: [results], reason: test}, {id: b, title: Labels, roles: [nurse], labels: [sexual-health, mental-health-detail, R], reason: test}]")
	}
	rapid.Check(t, h.one)
	t.Logf("%d records, %d answers held against each other, %d items hidden", h.serial, h.compared, h.hid)
}

// hidden is a full region, and one without what the reader may not see.
type hidden struct {
	*testing.T
	env     [2]*Env
	handler [2]http.Handler

	limited bool // what is agreed is not everything

	serial, compared, hid int
}

// piece is one version of one item, as its source sends it.
type piece struct {
	source nhs.Source
	call   string // "PUT Observation/…", "DELETE …"
	typ    string
	id     string
	body   string
	late   bool // comes a day later
}

// record is one citizen's.
type written struct {
	number  nhs.Number
	key     string
	pieces  []piece
	consent []string
	reader  string
	scopes  []string // of the application that the reader uses; none where there is none
	claim   string   // "", "declare", "break-glass"
	began   string   // when the regions first hear of the citizen
	citizen [2]string
}

var hiddenSources = []nhs.Source{"RJ1:API", "RJZ:PAS", "G85915:GP", "RRU:CAD"}

var hiddenLabels = []string{"hiv-sti", "sexual-health", "mental-health-detail", "domestic-abuse", "third-party", "safeguarding", "not-visible-online", "R", "V", "fertility", "safety-plan",
	"termination", "gender-recognition", "adoption", "fgm", "substance-misuse", "convictions"}

// hiddenReaders read; the GP, who looks after every citizen of the test, more often.
var hiddenReaders = []string{"gp", "gp", "gp", "doctor", "visitor", "nurse", "pharmacist", "social", "handler", "advisor", "paramedic", "reception", "hospice", "citizen", "system"}

var hiddenTypes = []string{"Observation", "Condition", "AllergyIntolerance", "MedicationRequest", "DocumentReference", "Flag", "CarePlan", "DiagnosticReport", "Procedure", "ServiceRequest", "Encounter"}

// body writes a resource of a type; few codes, so that sources agree and differ.
func (w *written) body(t *rapid.T, typ, id, label string, others []string) string {
	code := rapid.SampledFrom([]string{"271649006", "44054006", "91936005", "716186003"}).Draw(t, "code")
	o := fhir.Object{"resourceType": typ, "id": id, "subject": fhir.Ref("Patient/" + w.key + "-" + strings.SplitN(id, "-", 3)[1]), "identifier": []fhir.Object{{"system": "urn:x", "value": code + w.key}}}
	if label != "" {
		system := policy.LabelSystem
		if label == "R" || label == "V" {
			system = policy.ConfidentialitySystem
		}
		o["meta"] = fhir.Object{"security": []fhir.Object{{"system": system, "code": label}}}
	}
	concept := fhir.Concept("words "+code, fhir.Coding("http://snomed.info/sct", code, ""))
	day := fmt.Sprintf("2026-10-%02d", rapid.IntRange(1, 30).Draw(t, "day"))
	status := rapid.SampledFrom([]string{"final", "final", "preliminary"}).Draw(t, "status")
	switch typ {
	case "Observation":
		o["status"], o["code"], o["effectiveDateTime"], o["issued"] = status, concept, day, day+"T10:00:00Z"
		o["category"] = []fhir.Object{fhir.Concept("", fhir.Coding("", rapid.SampledFrom([]string{"laboratory", "vital-signs"}).Draw(t, "category"), ""))}
		o["valueQuantity"] = fhir.Object{"value": rapid.IntRange(1, 9).Draw(t, "value"), "unit": "mmol/L"}
	case "DiagnosticReport":
		o["status"], o["code"], o["issued"], o["conclusion"] = status, concept, day+"T10:00:00Z", "as "+code
	case "Condition", "AllergyIntolerance":
		o["code"], o["recordedDate"] = concept, day
		o["clinicalStatus"] = fhir.Concept("", fhir.Coding("", rapid.SampledFrom([]string{"active", "resolved"}).Draw(t, "clinical"), ""))
		if typ == "AllergyIntolerance" {
			delete(o, "subject")
			o["patient"] = fhir.Ref("Patient/" + w.key + "-" + strings.SplitN(id, "-", 3)[1])
		}
	case "MedicationRequest":
		o["status"], o["intent"], o["medicationCodeableConcept"], o["authoredOn"] = "active", "order", concept, day
	case "DocumentReference":
		o["status"], o["type"], o["date"] = "current", concept, day+"T10:00:00Z"
		o["content"] = []fhir.Object{{"attachment": fhir.Object{"contentType": "text/plain", "data": "aGVsbG8="}}}
	case "Flag", "CarePlan": // a plan in force would be a relationship, of which its organisation knows
		o["status"] = map[string]string{"Flag": "active", "CarePlan": "completed"}[typ]
		o["code"], o["title"], o["period"] = concept, "plan "+code, fhir.Object{"start": day}
	case "Procedure":
		o["status"], o["code"], o["performedDateTime"] = "completed", concept, day
	case "ServiceRequest":
		o["status"], o["intent"], o["code"], o["authoredOn"] = "completed", "order", concept, day
	case "Encounter":
		o["status"], o["type"], o["period"] = "planned", []fhir.Object{concept}, fhir.Object{"start": day}
	}
	// What it refers to may be hidden, and come later or never.
	element := map[string]string{"DiagnosticReport": "result", "MedicationRequest": "reasonReference", "Procedure": "reasonReference", "ServiceRequest": "supportingInfo", "CarePlan": "addresses", "Observation": "derivedFrom"}[typ]
	if element != "" && len(others) > 0 {
		o[element] = []fhir.Object{fhir.Ref(rapid.SampledFrom(suited(others, map[string]string{"DiagnosticReport": "Observation", "Observation": "Observation", "Procedure": "Condition", "MedicationRequest": "Condition"}[typ])).Draw(t, "refers to"))}
	}
	if typ == "Condition" && len(others) > 0 && rapid.Bool().Draw(t, "of a visit") {
		o["encounter"] = fhir.Ref(rapid.SampledFrom(suited(others, "Encounter")).Draw(t, "visit"))
	}
	return string(fhir.Marshal(o))
}

// draw makes a record, and who reads it.
func (h *hidden) draw(t *rapid.T) *written {
	h.serial++
	w := &written{number: testNumber(h.serial), key: fmt.Sprintf("h%d", h.serial)}
	w.reader = rapid.SampledFrom(hiddenReaders).Draw(t, "reader")
	w.claim = rapid.SampledFrom([]string{"declare", "declare", "declare", "break-glass"}).Draw(t, "claim")
	var ids []string
	for i := range rapid.IntRange(2, 9).Draw(t, "items") {
		s := rapid.IntRange(0, len(hiddenSources)-1).Draw(t, "source")
		typ := rapid.SampledFrom(hiddenTypes).Draw(t, "type")
		id := fmt.Sprintf("%s-%d-%d", w.key, s, i)
		ids = append(ids, typ+"/"+id)
		versions := rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(t, "versions")
		for v := range versions {
			label := ""
			if rapid.IntRange(0, 2).Draw(t, "labelled") == 0 {
				label = rapid.SampledFrom(hiddenLabels).Draw(t, "label")
			}
			p := piece{source: hiddenSources[s], call: "PUT " + typ + "/" + id, typ: typ, id: id, late: rapid.Bool().Draw(t, "late") || v > 0}
			if v > 0 && rapid.IntRange(0, 5).Draw(t, "deleted") == 0 {
				p.call, p.body = "DELETE "+typ+"/"+id, "{}"
			} else {
				p.body = w.body(t, typ, id, label, ids[:len(ids)-1])
			}
			w.pieces = append(w.pieces, p)
		}
	}
	for i := range rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "decisions") {
		provision := fhir.Object{"type": "deny"}
		switch rapid.IntRange(0, 7).Draw(t, "decision") {
		case 0:
			provision["data"] = []fhir.Object{{"meaning": "instance", "reference": fhir.Ref(rapid.SampledFrom(ids).Draw(t, "sealed"))}}
		case 1:
			provision["class"] = []fhir.Object{fhir.Coding(policy.DataSetSystem, rapid.SampledFrom([]string{"results", "problems", "medications", "documents"}).Draw(t, "class"), "")}
		case 2:
			provision["actor"] = []fhir.Object{{"reference": fhir.Object{"identifier": fhir.Object{"system": nhs.ODSSystem, "value": "RJZ"}}}}
		case 3:
			provision["provision"] = []fhir.Object{{"type": "permit", "class": []fhir.Object{fhir.Coding("", rapid.SampledFrom([]string{"Condition", "results", "Encounter"}).Draw(t, "but"), "")},
				"provision": []fhir.Object{{"type": "deny", "data": []fhir.Object{{"meaning": "authoredby", "reference": fhir.Object{"identifier": fhir.Object{"system": nhs.ODSSystem, "value": "RJ1"}}}}}}}}
		case 4:
			provision["code"] = []fhir.Object{fhir.Concept("", fhir.Coding("http://snomed.info/sct", "44054006", ""))}
		case 5:
			provision["data"] = []fhir.Object{{"meaning": "related", "reference": fhir.Ref(rapid.SampledFrom(ids).Draw(t, "related"))}}
			provision["dataPeriod"] = fhir.Object{"start": "2026-10-10"}
		}
		w.consent = append(w.consent, string(fhir.Marshal(fhir.Object{"resourceType": "Consent", "id": fmt.Sprintf("%s-c%d", w.key, i), "status": "active",
			"patient":    fhir.Object{"identifier": fhir.Object{"system": nhs.NumberSystem, "value": w.number.Digits()}},
			"policyRule": fhir.Concept("", fhir.Coding("", "OPTOUT", "")), "provision": provision})))
	}
	return w
}

// testNumber is the i-th valid number of the test range.
func testNumber(i int) nhs.Number {
	for n := 9_990_000_000 + 20*int64(i); ; n++ {
		if v, err := nhs.ParseNumber(fmt.Sprint(n)); err == nil {
			return v
		}
	}
}

func (h *hidden) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

type kept int

const (
	whole kept = iota
	other
	nothing
)

// submit writes what sources send, in order. Every source speaks of somebody
// else, too: when a feed was last heard of is not about one citizen.
func (h *hidden) submit(e int, list []*ingest.Raw) {
	h.Helper()
	for i, s := range hiddenSources {
		id := fmt.Sprintf("bystander-%d", i)
		list = append(list, raw(s, "PUT Patient/"+id, fmt.Sprintf(`{"resourceType":"Patient","id":"%s","name":[{"family":"Bystander"}],"birthDate":"%s"}`, id, h.env[e].Now().Format(time.DateOnly)), ""))
	}
	var waiting []*ingest.Receipt
	for _, raw := range list {
		r, err := h.env[e].Region.Ingest.Submit(h.Context(), raw)
		h.must(err)
		waiting = append(waiting, r)
	}
	for i, r := range waiting {
		out, err := r.Committed(h.Context())
		h.must(err)
		if out.Err != nil {
			h.Fatalf("%s: %v\n%s", list[i].Call, out.Err, list[i].Body)
		}
	}
}

func raw(source nhs.Source, call, body, about string) *ingest.Raw {
	return &ingest.Raw{Source: source, Format: ingest.FHIR, Door: "fhir", Call: call, Body: []byte(body), About: about}
}

// begin makes the citizen in one region, known to every source.
func (h *hidden) begin(e int, w *written) {
	var list []*ingest.Raw
	for i, s := range hiddenSources {
		id := fmt.Sprintf("%s-%d", w.key, i)
		list = append(list, raw(s, "PUT Patient/"+id, `{"resourceType":"Patient","id":"`+id+`","identifier":[{"system":"`+nhs.NumberSystem+`","value":"`+w.number.Digits()+`"}],"name":[{"family":"`+w.family()+`","given":["Ada"]}],"birthDate":"1951-11-05"}`, ""))
	}
	h.submit(e, list)
	var err error
	w.citizen[e], err = h.env[e].Region.Access.ByNumber(h.Context(), w.number)
	h.must(err)
	if w.reader == "citizen" {
		h.must(h.env[e].Region.Auth.Accounts.Put(auth.Account{User: w.user(), Name: "Ada Hidden", Role: nhs.Citizen, NHSNumber: w.number}))
	}
}

// family is a name of letters, which nobody else has.
func (w *written) family() string {
	return "Hidden" + strings.NewReplacer("0", "q", "1", "r", "2", "s", "3", "t", "4", "u", "5", "v", "6", "w", "7", "x", "8", "y", "9", "z").Replace(w.key)
}

func (w *written) user() string {
	if w.reader == "citizen" {
		return "citizen-" + w.key
	}
	return w.reader
}

// claim has the reader state a relationship, in both regions alike.
func (h *hidden) claim(e int, w *written) {
	s, err := h.env[e].Subject(w.user())
	h.must(err)
	switch {
	case w.reader == "citizen" || w.reader == "system":
		return
	case w.claim == "break-glass" && s.Role.Clinician():
		h.must(h.env[e].Region.Access.BreakGlass(h.Context(), s, w.citizen[e], "emergency"))
	default:
		h.must(h.env[e].Region.Access.Declare(h.Context(), s, w.citizen[e], ""))
	}
}

// shown says what the region without has of each piece, by the decision alone:
// all of it, nothing of an item that is hidden, and of an older version that is
// hidden something else, as that one had been there is told by the number of
// the version in force.
func (h *hidden) shown(w *written) (pieces []kept, consents bool) {
	ctx, r := h.Context(), h.env[0].Region
	s := h.subject(0, w)
	s.Scopes = nil // what they leave out is told by their words alone: covers
	var p *policy.Predicate
	if w.reader == "system" {
		g, err := r.Access.System(ctx, s, "read", "test")
		h.must(err)
		p = g.Predicate()
	} else {
		g, err := r.Access.Record(ctx, s, w.citizen[0], "test")
		h.must(err)
		p = g.Predicate()
	}
	everything := &policy.Predicate{Permit: true, Everything: true}
	seen := map[string]int{}
	for _, x := range w.pieces {
		all, err := r.Store.History(ctx, x.typ, x.id, store.Latest, everything)
		h.must(err)
		slices.Reverse(all)
		v := all[min(seen[x.id], len(all)-1)] // what said nothing new made no version
		if seen[x.id]++; v.Deleted && !strings.HasPrefix(x.call, "DELETE") {
			h.Fatal("a version is not the piece's")
		}
		k := whole
		switch {
		case !p.Shows(&all[len(all)-1].Columns) || !w.covers(x.typ, all):
			k = nothing
		case !p.Shows(&v.Columns) || !w.covers(x.typ, all[:slices.Index(all, v)+1]):
			k = other
		}
		if pieces = append(pieces, k); k != whole {
			h.hid++
		}
	}
	// What the citizen has decided hides the other one, too.
	return pieces, slices.Contains(pieces, other) || p.DataSets.Has(policy.Preferences) && p.OnlySource == ""
}

// one is one record, and all that can be asked of it.
func (h *hidden) one(t *rapid.T) {
	w := h.draw(t)
	w.dedupe()
	h.agree(t)
	if by := w.reader; (by == "gp" || by == "citizen" || by == "system") && rapid.IntRange(0, 2).Draw(t, "by an application") <= map[string]int{"system": 1}[by] {
		w.byApp(t)
	}
	var list [2][]*ingest.Raw
	for _, x := range w.pieces {
		i := 0
		if x.late {
			i = 1
		}
		list[i] = append(list[i], raw(x.source, x.call, x.body, ""))
	}
	for _, env := range h.env { // what others' records got came before
		env.Advance(time.Second)
	}
	w.began = h.env[0].Now().Format(time.RFC3339)
	h.begin(0, w)
	h.begin(1, w)
	h.submit(0, list[0])
	h.consents(0, w)
	h.env[0].Advance(26 * time.Hour)
	h.submit(0, list[1])
	h.claim(0, w)
	keep, consents := h.shown(w)
	list = [2][]*ingest.Raw{}
	for k, x := range w.pieces {
		i := 0
		if x.late {
			i = 1
		}
		switch keep[k] {
		case whole:
			list[i] = append(list[i], raw(x.source, x.call, x.body, ""))
		case other:
			list[i] = append(list[i], raw(x.source, x.call, strings.ReplaceAll(x.body, "words", "other"), ""))
		}
	}
	h.submit(1, list[0])
	if consents {
		h.consents(1, w)
	}
	h.env[1].Advance(26 * time.Hour)
	h.submit(1, list[1])
	h.claim(1, w)
	_, err := h.env[1].Region.Access.Record(h.Context(), h.subject(1, w), w.citizen[1], "test")
	if err != nil && w.reader != "system" {
		h.must(err)
	}
	h.ask(t, w)
}

func (h *hidden) subject(e int, w *written) policy.Subject {
	s, err := h.env[e].Subject(w.user())
	h.must(err)
	if w.scopes != nil {
		s.Scopes = &policy.Scopes{App: "app", Patient: w.citizen[e]}
		for _, word := range w.scopes {
			scope, ok := policy.ParseScope(word)
			if !ok {
				h.Fatal(word)
			}
			s.Scopes.List = append(s.Scopes.List, scope)
		}
	}
	return s
}

// covers says whether a scope of the reader's application is for an item as it is
// after some versions, the latest last: a deletion is of the category that was.
func (w *written) covers(typ string, versions []*store.Version) bool {
	category := ""
	for _, v := range versions {
		for _, c := range []string{"laboratory", "vital-signs"} {
			if strings.Contains(string(v.Body), `"category":[{"coding":[{"code":"`+c+`"`) {
				category = c
			}
		}
	}
	for _, s := range w.scopes {
		_, s, _ = strings.Cut(s, "/")
		if of, only, narrowed := strings.Cut(s, ".rs?category="); of == typ && narrowed && only == category || s == typ+".rs" {
			return true
		}
	}
	return w.scopes == nil
}

// token is what the reader asks with.
func (h *hidden) token(e int, w *written) (t string) {
	var err error
	if w.scopes != nil {
		t, err = h.env[e].AppToken(h.Context(), w.user(), w.citizen[e], strings.Join(w.scopes, " "))
	} else {
		t, err = h.env[e].Token(h.Context(), w.user())
	}
	h.must(err)
	return t
}

// byApp has the reader use an application, whose scopes hide the rest: what it
// is shown is what there is in a region that holds nothing else. What is withheld
// stays out, since what somebody withholds may hang on what no scope is for.
func (w *written) byApp(t *rapid.T) {
	w.consent = nil
	level := map[string]string{"system": "system"}[w.reader]
	if level == "" {
		level = rapid.SampledFrom([]string{"patient", "user"}).Draw(t, "level")
	}
	w.scopes = []string{level + "/Patient.rs"}
	for _, typ := range hiddenTypes {
		if rapid.Bool().Draw(t, "scope") {
			continue
		}
		scope := level + "/" + typ + ".rs"
		if typ == "Observation" && rapid.Bool().Draw(t, "narrow") {
			scope += "?category=" + rapid.SampledFrom([]string{"laboratory", "vital-signs"}).Draw(t, "of")
		}
		w.scopes = append(w.scopes, scope)
	}
}

// dedupe takes out what would say nothing new: a version is a piece.
func (w *written) dedupe() {
	last := map[string]string{}
	w.pieces = slices.DeleteFunc(w.pieces, func(p piece) bool {
		same := last[p.id] == p.body
		last[p.id] = p.body
		return same
	})
	// An early piece comes before a late one: within an item that is their order.
	late := map[string]bool{}
	for i := range w.pieces {
		p := &w.pieces[i]
		p.late = p.late || late[p.id]
		late[p.id] = p.late
	}
	slices.SortStableFunc(w.pieces, func(a, b piece) int {
		switch {
		case a.late == b.late:
			return 0
		case b.late:
			return -1
		}
		return 1
	})
}

func (h *hidden) consents(e int, w *written) {
	var list []*ingest.Raw
	for i, c := range w.consent {
		list = append(list, raw("SELDA:ME", fmt.Sprintf("PUT Consent/%s-c%d", w.key, i), c, w.citizen[e]))
	}
	h.submit(e, list)
}

// ask makes requests of every kind in both regions: some of each, so that many
// records are asked for in the time that there is.
func (h *hidden) ask(t *rapid.T, w *written) {
	one := func(n int) bool { return rapid.IntRange(1, n).Draw(t, "asked") == 1 }
	if w.reader == "citizen" {
		for _, p := range []string{"/me", "/me/record", "/me/medicines", "/me/results", "/me/letters", "/me/plans", "/me/people", "/me/sharing", "/me/looked"} {
			if one(2) {
				h.same(t, w, "GET", p, "")
			}
		}
	}
	items := map[string]bool{}
	for _, x := range w.pieces {
		items[x.typ+"/"+x.id] = true
	}
	var refs, ids []string
	for ref := range items {
		refs = append(refs, ref)
	}
	slices.Sort(refs)
	who := "patient={citizen}"
	if w.reader == "system" {
		who = "patient=" + w.key + "-0"
	}
	for _, ref := range refs {
		typ, id, _ := strings.Cut(ref, "/")
		ids = append(ids, id)
		h.same(t, w, "GET", "/fhir/"+ref, "")
		h.same(t, w, "GET", "/fhir/"+ref+"/_history", "")
		for _, q := range []string{"HEAD /fhir/" + ref, "GET /fhir/" + ref + "?_format=xml", "GET /fhir/" + typ + "?" + who + "&_id=" + id, "GET /fhir/" + typ + "?_id=" + id, "GET /fhir/" + ref + "/_history/99",
			"GET /record/{citizen}/origin/" + ref, "GET /record/{citizen}/file/" + ref + "?at=content[0].attachment", "GET /me/file/" + ref + "?at=content[0].attachment",
			"PUT /fhir/" + ref, "DELETE /fhir/" + ref} {
			method, path, _ := strings.Cut(q, " ")
			if write := method == "PUT" || method == "DELETE"; write && w.reader == "system" || !one(4) {
				continue // to a system it is its own id, or one that is not free
			}
			h.same(t, w, method, path, "")
		}
	}
	for _, typ := range hiddenTypes {
		base := "/fhir/" + typ + "?" + who
		for _, more := range []string{"", "&_count=0", "&_sort=-date", "&_sort=_lastUpdated", "&code=271649006", "&code=http://snomed.info/sct|91936005,44054006", "&status=final", "&clinical-status=active",
			"&date=ge2026-10-15", "&date=lt2026-10-15", "&_lastUpdated=gt2026-11-05", "&identifier=urn:x|271649006" + w.key, "&category=laboratory", "&_total=accurate", "&_summary=count",
			"&_include=*", "&_has:Provenance:target:agent=1", "&_id=" + strings.Join(ids, ","), "&_revinclude=*", "&_include=" + typ + ":*&_include:iterate=*", "&_revinclude=Provenance:target&_count=1",
			"&_content=diabetes", "&_text=x", "&_filter=" + url.QueryEscape("_lastUpdated ge 2026-01-01 and not (code eq 271649006)"), "&code:not=271649006", "&code:text=pressure", "&code:missing=true", "&_security:not=R",
			"&_tag=x", "&_sort=code,-_lastUpdated", "&_summary=true", "&_elements=code", "&_has:Observation:has-member:status=final", "&encounter.status=finished", "&encounter:missing=false", "&subject.name=ada",
			"&_list=" + w.key + "-l", "&value-quantity=gt1", "&_total=none&_count=1"} {
			if one(16) {
				h.same(t, w, "GET", base+more, "")
			}
		}
		if one(4) {
			h.pages(t, w, base+"&_count=1")
		}
	}
	for _, p := range []string{"/fhir/Patient/{citizen}", "/fhir/Patient/{citizen}/$everything", "/fhir/Patient/{citizen}/_history", "/fhir/Patient/" + w.key + "-0", "/fhir/Patient/" + w.key + "-1/_history",
		"/fhir/Patient?identifier=" + w.number.Digits(), "/fhir/Patient?family=" + w.family(), "/fhir/Patient?_id={citizen}", "/fhir/Consent?patient={citizen}", "/fhir/Patient?name=ada&birthdate=1951-11-05&family=" + w.family(),
		"/fhir/Patient/{citizen}/Observation?_sort=code", "/fhir/Patient/{citizen}/*", "/fhir/Patient/" + w.key + "-0/Condition", "/fhir/Observation/$lastn?" + who, "/fhir/Observation/$lastn?" + who + "&max=3",
		"/fhir/Patient?_id={citizen}&_revinclude=Observation:patient&_revinclude=Condition:subject", "/fhir/Patient?_id={citizen}&_has:Observation:patient:code=271649006", "/fhir/Patient?_id={citizen}&_has:Condition:patient:_has:Provenance:target:agent=1",
		"/fhir/Observation?patient.identifier=" + w.number.Digits(), "/fhir/Condition?subject:identifier=" + w.number.Digits(), "/fhir/Patient?_tag=https://selda.example/tags|source&_id={citizen}", "/fhir/Patient/{citizen}/$meta",
		"/fhir?_type=Observation,Condition,DocumentReference&" + who, "/fhir/Patient/{citizen}/$everything?_type=Observation&_count=1", "/fhir/Patient/{citizen}/$everything?start=2026-10-15",
		"/fhir/Provenance?patient={citizen}", "/fhir/AuditEvent?patient={citizen}",
		"/fhir/Observation?patient={citizen},nobody," + w.key + "-1", "/fhir/Condition?patient=nobody,{citizen}&_sort=code&_count=1",
		"/fhir/Observation?patient=" + w.key + "-0," + w.key + "-1&_total=none", "/fhir/Observation?patient.family=" + w.family() + "&patient._has:Condition:patient:code=44054006", "/fhir/Procedure?patient={citizen}," + w.key + "-2&_revinclude=*",
		"/record/{citizen}/emergency", "/feeds", "/privacy"} {
		if one(3) {
			h.same(t, w, "GET", p, "")
		}
	}
	h.caseload(t, w, one)
	h.same(t, w, "GET", "/record/{citizen}", "")
	for _, section := range []string{"problems", "medicines", "allergies", "results", "observations", "immunisations", "procedures", "documents", "plans", "referrals", "social-care", "encounters", "timeline", "care-team", "other"} {
		if one(5) {
			h.same(t, w, "GET", "/record/{citizen}/"+section, "")
		}
	}
	var gets, links []string
	for _, ref := range refs {
		links = append(links, `{"reference":"`+ref+`"}`)
		typ, _, _ := strings.Cut(ref, "/")
		for _, q := range []string{ref + "/$meta", ref + "/$validate", ref + "/$document", "Encounter/" + strings.TrimPrefix(ref, typ+"/") + "/$everything", "Encounter/" + strings.TrimPrefix(ref, typ+"/") + "/Observation", ref + "?_summary=text", typ + "?" + who + "&_has:Provenance:target:recorded=gt2020&_revinclude=Provenance:target"} {
			if one(10) {
				h.same(t, w, "GET", "/fhir/"+q, "")
			}
		}
		gets = append(gets, `{"request":{"method":"GET","url":"`+ref+`"}}`, `{"request":{"method":"GET","url":"`+strings.SplitN(ref, "/", 2)[0]+`?`+who+`&_count=0"}}`)
	}
	h.same(t, w, "POST", "/fhir", `{"resourceType":"Bundle","type":"batch","entry":[`+strings.Join(gets, ",")+`]}`)
	h.same(t, w, "POST", "/fhir/Basic/$validate", `{"resourceType":"Basic","code":{"text":"x"},"extension":[{"url":"http://x.example/e","valueReference":`+strings.Join(links, `},{"url":"http://x.example/e","valueReference":`)+`}]}`)
	h.same(t, w, "POST", "/search", "q="+url.QueryEscape(w.number.Digits()))
	h.same(t, w, "POST", "/fhir/Observation/_search", who)
	patient := strings.TrimPrefix(who, "patient=")
	all := `{ id ObservationList(_reference: patient, _count: 1000) { id status code { text } subject { resource(optional: true) { ...on Patient { id birthDate } } } } ConditionConnection(_reference: patient) { count next edges { resource { id } } } }`
	h.same(t, w, "GET", "/fhir/Patient/"+patient+"/$graphql?query="+url.QueryEscape(all), "")
	h.same(t, w, "POST", "/fhir/$graphql", `{"query":"{ DiagnosticReportList(patient: \"`+patient+`\") { id conclusion } Patient(id: \"`+patient+`\") { id } }"}`)
	h.same(t, w, "POST", "/fhir/Patient/$match", `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Patient","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"`+w.number.Digits()+`"}],"birthDate":"1951-11-05"}}]}`)
	h.wider(t, w, one, refs)
	h.exported(t, w)
}

// caseload asks searches that name nobody, of what only this citizen has. An
// emergency opens no search of a caseload: who looks in one sees less in it than
// elsewhere, and the other region has what is seen elsewhere.
func (h *hidden) caseload(t *rapid.T, w *written, one func(int) bool) {
	if w.claim == "break-glass" && h.subject(0, w).Role.Clinician() {
		return
	}
	code := "identifier=urn:x|271649006" + w.key
	for _, p := range []string{"/fhir/Observation?code=271649006&" + code, "/fhir/Condition?identifier=urn:x|44054006" + w.key, "/fhir/Observation?value-quantity=gt1&" + code, "/fhir/Patient?_has:Observation:patient:" + code,
		"/fhir/Patient?_has:Condition:patient:identifier=urn:x|44054006" + w.key + "&gender:missing=true", "/fhir/Condition?identifier=urn:x|44054006" + w.key + "&_include=*&_count=1", "/fhir/DiagnosticReport?" + code + "&_summary=count",
		"/fhir/Observation?" + code + "&encounter.status=finished", "/fhir/Condition?_revinclude=*&" + code, "/fhir?_type=Observation,Condition&" + code,
		"/fhir/_history?_since=" + w.began, "/fhir/Observation/_history?_since=" + w.began, "/fhir/Condition/_history?_count=1&_since=" + w.began, "/fhir/Patient/_history?_since=" + w.began} {
		if one(3) {
			h.same(t, w, "GET", p, "")
		}
	}
	if one(3) {
		h.pages(t, w, "/fhir/Observation?_count=1&"+code)
	}
}

// pages walks through every page of a search in both regions.
func (h *hidden) pages(t *rapid.T, w *written, path string) {
	next := [2]string{path, path}
	for round := range 12 {
		answers := h.both(t, w, "GET", next, "")
		for i, a := range answers {
			next[i] = ""
			if r, err := fhir.ParseTrusted(a.Body.Bytes()); err == nil {
				for _, l := range r.Root().List("link") {
					if l.Get("relation").Is("next") {
						next[i] = strings.TrimPrefix(l.Get("url").Text(), "http://selda.example")
					}
				}
			}
		}
		if round == 0 {
			h.sealed(t, w, path, next)
		}
		if next[0] == "" {
			return
		}
	}
}

func (h *hidden) same(t *rapid.T, w *written, method, path, body string) {
	h.both(t, w, method, [2]string{path, path}, body)
}

// both asks in both regions, and holds the answers against each other.
func (h *hidden) both(t *rapid.T, w *written, method string, path [2]string, body string) (answers [2]*httptest.ResponseRecorder) {
	var told [2]string
	for i := range h.env {
		p := strings.ReplaceAll(path[i], "{citizen}", w.citizen[i])
		req := httptest.NewRequestWithContext(h.Context(), method, "http://selda.example"+p, strings.NewReader(strings.ReplaceAll(body, "{citizen}", w.citizen[i])))
		token := h.token(i, w)
		req.Header.Set("Authorization", "Bearer "+token)
		if strings.HasSuffix(path[i], "/search") || strings.HasSuffix(path[i], "/_search") {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		answers[i] = httptest.NewRecorder()
		h.handler[i].ServeHTTP(answers[i], req)
		told[i] = h.plain(w, i, answers[i])
	}
	h.compared++
	if told[0] != told[1] {
		at := 0
		for at < min(len(told[0]), len(told[1])) && told[0][at] == told[1][at] {
			at++
		}
		around := func(s string) string { return s[max(0, at-300):min(len(s), at+500)] }
		t.Fatalf("%s %s as %s %v: what is hidden left a trace\nwith it:\n… %s …\nwithout it:\n… %s …", method, path[0], w.reader, w.scopes, around(told[0]), around(told[1]))
	}
	return answers
}

// What may differ: numbers of versions and of the trail, times, sealed cursors.
var mayDiffer = []*regexp.Regexp{
	regexp.MustCompile(`"versionId":"[0-9a-f]+"`), regexp.MustCompile(`versionId value="[0-9a-f]+"`), regexp.MustCompile(`W/\\?"[0-9a-f]+\\?"`), regexp.MustCompile(`_page=[A-Za-z0-9_-]+`),
	regexp.MustCompile(`"request":{"method":"(PUT|POST)"`), regexp.MustCompile(`selda\.example/trail/[0-9a-f]+`),
	// How often it was asked how an export stands is in the trail: its numbers differ by that.
	regexp.MustCompile(`AuditEvent/[0-9]+`), regexp.MustCompile(`"id":"[0-9]+"`), regexp.MustCompile(`/proof/[0-9]+`), regexp.MustCompile(`/ask/[0-9]+`),
}

// plain is an answer with what may differ made alike.
func (h *hidden) plain(w *written, e int, a *httptest.ResponseRecorder) string {
	var b bytes.Buffer
	fmt.Fprintln(&b, a.Code)
	_ = a.Header().Write(&b)
	b.Write(a.Body.Bytes())
	s := strings.ReplaceAll(b.String(), w.citizen[e], "{citizen}")
	for _, r := range mayDiffer {
		s = r.ReplaceAllString(s, "…")
	}
	names := map[string]string{}
	return serverID.ReplaceAllStringFunc(s, func(id string) string {
		if names[id] == "" {
			names[id] = fmt.Sprintf("<%d>", len(names)+1)
		}
		return names[id]
	})
}
