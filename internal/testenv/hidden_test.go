package testenv

import (
	"cmp"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"selda/fhir"
	"selda/ingest"
	"selda/ingest/classify"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Invariant 3, by chance: small records of several sources, with labels,
// versions, deletions and what the citizen decided; a reader of any role asks
// for everything that can be asked. The same record without what the reader may
// not see stands in a second region. Every answer is the same to the byte but
// for times, numbers of versions and the ids that the server makes.
// SELDA_CASES says how many records; 500 are the test of every day. A case is one question
// of one reader about one record, whose answers of both regions are held against each other.
func TestInvariant3WhatIsHiddenLeavesNoTrace(t *testing.T) {
	const pairs = 4
	cases := os.Getenv("SELDA_CASES")
	if cases == "" {
		cases = "500"
	}
	if testing.Short() {
		cases = "40" // of which rapid takes a fifth
	}
	n, err := strconv.Atoi(cases)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"rapid.checks": strconv.Itoa((n + pairs - 1) / pairs), "rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	// Each pair of regions has its share of the records: while one waits for a disk
	// another is asked.
	var all [pairs]hidden
	t.Run("records", func(t *testing.T) {
		for i := range all {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				h := &all[i]
				h.T, h.limited = t, true
				h.open()
				rapid.Check(t, h.one)
			})
		}
	})
	var records, answers, hid int
	for i := range all {
		records, answers, hid = records+all[i].serial, answers+all[i].compared, hid+all[i].hid
	}
	t.Logf("%d cases: answers held against each other, of %d records and their readers, in which %d items were hidden", answers, records, hid)
}

// open makes the full region, and the one without.
func (h *hidden) open() {
	for i, name := range []string{"full", "without"} {
		env, err := Open(stored(h.T), filepath.Join(h.TempDir(), name), Start)
		h.must(err)
		h.Cleanup(func() { _ = env.Close() })
		h.env[i], h.handler[i] = env, env.Region.Handler()
		h.prepare(i)
	}
	h.patterns, h.searched = h.env[0].Region.Patterns(), map[string][][2]string{}
	for _, r := range capability(&outside{T: h.T, Env: h.env[0]}).Rest[0].Resource {
		for _, p := range r.SearchParam {
			h.searched[r.Type] = append(h.searched[r.Type], [2]string{p.Name, p.Type})
		}
	}
}

// hidden is a full region, and one without what the reader may not see.
type hidden struct {
	*testing.T
	env     [2]*Env
	handler [2]http.Handler

	patterns []string               // the routes
	searched map[string][][2]string // the search parameters of a type, and their types

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

	labels policy.Labels // of its version, beside those that its body has by itself
}

// record is one citizen's.
type written struct {
	number  nhs.Number
	key     string
	pieces  []piece
	consent []piece
	reader  string
	scopes  []string    // of the application that the reader uses; none where there is none
	claim   string      // "declare", "break-glass", "nothing"
	purpose nhs.Purpose // that the reader chose; "": what their role has by itself
	person              // who the citizen is, and who acts for them
	whole   bool        // what comes first comes in one message of each source
	follows string      // of which topic the reader is told by a subscription
	told    [2]string
	began   string // when the regions first hear of the citizen
	citizen [2]string
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

// family is a name of letters, which nobody else has.
func (w *written) family() string {
	return "Hidden" + strings.NewReplacer("0", "q", "1", "r", "2", "s", "3", "t", "4", "u", "5", "v", "6", "w", "7", "x", "8", "y", "9", "z").Replace(w.key)
}

// shown says what the region without has of each piece, by the decision alone:
// all of it, nothing of an item that is hidden, and of an older version that is
// hidden something else, as that one had been there is told by the number of
// the version in force.
func (h *hidden) shown(w *written) (pieces []kept, consents, opens bool) {
	ctx, r := h.Context(), h.env[0].Region
	s := h.subject(0, w)
	s.Scopes = nil // what they leave out is told by their words alone: covers
	var p *policy.Predicate
	opens = true
	if w.reader == "system" {
		g, err := r.Access.System(ctx, s, "read", "test")
		h.must(err)
		p = g.Predicate()
	} else if g, err := r.Access.Record(ctx, s, w.citizen[0], "test"); err == nil {
		p = g.Predicate()
	} else {
		p, opens = &policy.Predicate{}, false // who may not open the record knows of nothing in it
	}
	everything := &policy.Predicate{Permit: true, Everything: true}
	seen := map[string]int{}
	for i := range w.pieces {
		x := &w.pieces[i]
		all, err := r.Store.History(ctx, x.typ, x.id, store.Latest, everything)
		h.must(err)
		slices.Reverse(all)
		v := all[min(seen[x.id], len(all)-1)] // what said nothing new made no version
		if seen[x.id]++; v.Deleted && !strings.HasPrefix(x.call, "DELETE") {
			h.Fatal("a version is not the piece's")
		}
		k := whole
		switch {
		case !p.Shows(&all[len(all)-1].Columns) || !w.covers(x.typ, all) || w.severed >= 0 && x.source == hiddenSources[w.severed]:
			k = nothing
		case !p.Shows(&v.Columns) || !w.covers(x.typ, all[:slices.Index(all, v)+1]):
			k = other
			if !v.Deleted { // what was deleted says nothing
				said, err := fhir.ParseTrusted([]byte(x.body))
				h.must(err)
				x.labels = v.Labels & classify.Sensitive &^ classify.LabelsOf(said, x.source, classify.Box())
			}
		}
		if pieces = append(pieces, k); k != whole {
			h.hid++
		}
	}
	// What the citizen has decided hides the other one, too, and what the practice has filed.
	return pieces, slices.Contains(pieces, other) || w.acts == "attorney" || w.wrong || p.DataSets.Has(policy.Preferences) && p.OnlySource == "", opens
}

// one is one record, and all that can be asked of it.
func (h *hidden) one(t *rapid.T) {
	w := h.draw(t)
	w.dedupe()
	h.agree(t)
	if by := w.reader; (by == "gp" || by == "citizen" || by == "system") && rapid.IntRange(0, 2).Draw(t, "by an application") <= map[string]int{"system": 1}[by] {
		w.byApp(t)
	}
	for _, env := range h.env { // what others' records got came before
		env.Advance(time.Second)
	}
	h.limit(t, w)
	w.began = h.env[0].Now().Format(time.RFC3339)
	keep := make([]kept, len(w.pieces)) // the full region has them whole
	consents, opened := true, [2]bool{}
	for e := range h.env {
		h.begin(e, w)
		h.submit(e, w.early(keep))
		if consents {
			h.consents(e, w)
		}
		h.parts(e, w)
		h.env[e].Advance(26 * time.Hour)
		h.decided(e, w)
		h.restricts(e, w)
		h.claim(e, w)
		h.subscribed(e, w)
		h.submit(e, w.later(keep))
		h.dies(e, w)
		h.notified(e, w)
		if e == 0 {
			keep, consents, opened[0] = h.shown(w)
		}
	}
	if opened[1] = h.opens(1, w); opened[0] != opened[1] {
		t.Fatalf("as %s: the full record opens: %t, the one without what is hidden: %t", w.reader, opened[0], opened[1])
	}
	h.ask(t, w)
}

// early is what comes first, as the region without what is hidden has it, where keep
// says so.
func (w *written) early(keep []kept) (list []*ingest.Raw) {
	together, versions := map[nhs.Source][]string{}, map[string]int{}
	for _, x := range w.pieces {
		if !x.late {
			versions[x.id]++
		}
	}
	for i, x := range w.pieces {
		raw := x.as(keep[i])
		switch {
		case x.late || raw == nil:
		case w.whole && versions[x.id] == 1: // of an item that is in the message once
			together[x.source] = append(together[x.source], `{"request":{"method":"PUT","url":"`+strings.TrimPrefix(raw.Call, "PUT ")+`"},"resource":`+string(raw.Body)+`}`)
		default:
			list = append(list, raw)
		}
	}
	for _, s := range hiddenSources {
		if entries := together[s]; entries != nil {
			list = append(list, raw(s, "POST", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Join(entries, ",")+`]}`, ""))
		}
	}
	return list
}

// later is what comes a day later.
func (w *written) later(keep []kept) (list []*ingest.Raw) {
	for i, x := range w.pieces {
		if raw := x.as(keep[i]); x.late && raw != nil {
			list = append(list, raw)
		}
	}
	return list
}

// as is a piece as a region has it; nil where it has nothing of it.
func (x *piece) as(k kept) *ingest.Raw {
	switch k {
	case whole:
		return raw(x.source, x.call, x.body, "")
	case other:
		return raw(x.source, x.call, x.said(), "")
	}
	return nil
}

// said is what the region without says in the place of a hidden version: something else,
// which tells of what that one was labelled by what came with it, or by its visit. It is in
// words, since what a source sets would go on to the next version.
func (x *piece) said() string {
	other := "other"
	for _, code := range x.labels.Codes() {
		other += " " + tellsOf[code]
	}
	return strings.ReplaceAll(x.body, "words", other)
}

// tellsOf are words of each list of what is sensitive.
var tellsOf = map[string]string{
	"sexual-health": "GUM clinic", "hiv-sti": "HIV", "termination": "termination of pregnancy", "fertility": "IVF treatment", "gender-recognition": "gender identity clinic", "adoption": "adoption panel", "fgm": "FGM",
	"substance-misuse": "drug misuse", "domestic-abuse": "domestic abuse", "convictions": "criminal record", "mental-health-detail": "psychotherapy", "third-party": "third party information", "safeguarding": "safeguarding",
}

// opens says whether the reader opens the record in one region.
func (h *hidden) opens(e int, w *written) bool {
	if w.reader == "system" {
		return true
	}
	_, err := h.env[e].Region.Access.Record(h.Context(), h.subject(e, w), w.citizen[e], "test")
	return err == nil
}

func (h *hidden) subject(e int, w *written) policy.Subject {
	s, err := h.env[e].Subject(w.user())
	h.must(err)
	s.Purpose = cmp.Or(w.purpose, s.Purpose)
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
	switch {
	case w.scopes != nil:
		t, err = h.env[e].AppToken(h.Context(), w.user(), w.citizen[e], strings.Join(w.scopes, " "))
	case w.purpose != "":
		t, err = h.env[e].Region.Auth.Token(h.Context(), w.user(), w.purpose, time.Hour)
	default:
		t, err = h.env[e].Token(h.Context(), w.user())
	}
	h.must(err)
	return t
}

// byApp has the reader use an application, whose scopes hide the rest: what it
// is shown is what there is in a region that holds nothing else. What is withheld
// stays out, since what somebody withholds may hang on what no scope is for.
func (w *written) byApp(t *rapid.T) {
	w.consent, w.purpose = nil, ""
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
	for _, c := range w.consent {
		about := ""
		if c.source == "SELDA:ME" {
			about = w.citizen[e]
		}
		list = append(list, raw(c.source, c.call, c.body, about))
	}
	h.submit(e, list)
}
