package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"selda/fhir/search"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// This file keeps invariant 3: what is hidden leaves no trace. A random
// history is written to one store whole and to another without what a random
// predicate hides; every method must then answer the same of both. What is
// left out still takes its internal number, and ids are asked for, so that
// the two stores agree in all but what they hold.

// step is one version on its way into a store.
type step struct {
	item    int
	put     store.Put
	at      time.Time
	message store.MessageID
}

// world is a random history.
type world struct {
	steps    []step
	types    []string // of each item
	at       int      // the step as at which it is read; all where it is the last
	p        *policy.Predicate
	token    string // unique to this world
	subjects int
}

var (
	worldTypes  = []string{"Observation", "Condition", "DocumentReference"}
	worldLabels = []policy.Labels{0, 0, policy.SexualHealth, policy.SafetyPlan | policy.Restricted, policy.Reviewed, policy.NotVisibleOnline, policy.ThirdParty}
	worldSets   = []policy.DataSet{policy.Observations, policy.Results, policy.Documents, policy.Demographics, policy.Directory}
	worldFrom   = []nhs.Source{pas, lims, gp}
)

func drawWorld(t *rapid.T, serial int) world {
	w := world{token: fmt.Sprintf("w%d", serial), subjects: 2}
	items := rapid.IntRange(1, 6).Draw(t, "items")
	type fixed struct {
		typ    string
		source nhs.Source
	}
	var made []*fixed
	for range items {
		made = append(made, nil)
		w.types = append(w.types, "")
	}
	count := rapid.IntRange(1, 14).Draw(t, "steps")
	for k := range count {
		i := rapid.IntRange(0, items-1).Draw(t, "item")
		if made[i] == nil {
			made[i] = &fixed{rapid.SampledFrom(worldTypes).Draw(t, "type"), rapid.SampledFrom(worldFrom).Draw(t, "source")}
			w.types[i] = made[i].typ
		}
		p := store.Put{Type: made[i].typ, Source: made[i].source, ID: w.id(i), DataSet: rapid.SampledFrom(worldSets).Draw(t, "dataset"),
			Labels: rapid.SampledFrom(worldLabels).Draw(t, "labels"), Final: rapid.Bool().Draw(t, "final"), Deleted: rapid.IntRange(0, 9).Draw(t, "deleted") == 0,
			Subject: store.Subject(rapid.IntRange(1, w.subjects).Draw(t, "subject")), Tokens: []string{w.token}}
		if !p.Deleted {
			n := rapid.IntRange(0, 2).Draw(t, "content")
			p.Body = fmt.Appendf(nil, `{"resourceType":%q,"n":%d}`, p.Type, n)
			if search.HasOrder(p.Type) {
				p.Ordered = ordered(w.token, float64(n), rapid.IntRange(0, 5).Draw(t, "vague") == 0)
			}
			if rapid.Bool().Draw(t, "b") {
				p.Tokens = append(p.Tokens, w.token+"b")
			}
		}
		w.steps = append(w.steps, step{i, p, epoch.Add(time.Duration(k) * time.Hour), store.MessageID(serial*100 + k/2 + 1)})
	}
	w.at = rapid.IntRange(0, count-1).Draw(t, "as at")
	if rapid.Bool().Draw(t, "latest") {
		w.at = count - 1
	}
	w.p = drawPredicate(t, w)
	return w
}

func (w *world) id(item int) string { return fmt.Sprintf("%s-%d", w.token, item) }

func drawPredicate(t *rapid.T, w world) *policy.Predicate {
	p := &policy.Predicate{Permit: rapid.IntRange(0, 19).Draw(t, "permit") > 0, Everything: rapid.IntRange(0, 9).Draw(t, "everything") == 0,
		DataSets: policy.AllDataSets, Agreed: drawAgreed(t), Own: rapid.SampledFrom([]nhs.ODS{"", "RJZ", "RJ1"}).Draw(t, "own"),
		Objected: rapid.IntRange(0, 3).Draw(t, "objected") == 0, ShowSafety: rapid.Bool().Draw(t, "safety"),
		Hidden: rapid.SampledFrom(worldLabels).Draw(t, "hidden"), HiddenOwn: rapid.SampledFrom(worldLabels).Draw(t, "hidden own")}
	if rapid.IntRange(0, 3).Draw(t, "narrow") == 0 {
		p.DataSets = policy.SetOf(rapid.SampledFrom(worldSets).Draw(t, "set"), rapid.SampledFrom(worldSets).Draw(t, "set"))
	}
	if rapid.IntRange(0, 3).Draw(t, "kept") == 0 { // by the own organisation's seals
		p.Kept = []policy.Kept{{Sets: policy.SetOf(rapid.SampledFrom(worldSets).Draw(t, "kept set")), Labels: rapid.SampledFrom(worldLabels).Draw(t, "kept labels"),
			Without: rapid.SampledFrom(worldLabels).Draw(t, "own team's")}}
	}
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		p.OnlySource = rapid.SampledFrom(worldFrom).Draw(t, "only")
	case 1:
		p.NotDataSets = policy.SetOf(rapid.SampledFrom(worldSets).Draw(t, "withheld"))
	case 2:
		i := rapid.IntRange(0, len(w.types)-1).Draw(t, "sealed")
		p.Sealed = []policy.Item{{Type: w.types[i], ID: w.id(i)}}
	case 4: // all but one kind, and of that one not one item
		i := rapid.IntRange(0, len(w.types)-1).Draw(t, "excepted")
		p.Withheld = []policy.Withholding{{{But: []policy.Rule{{Permit: true, Data: policy.Data{DataSets: policy.SetOf(rapid.SampledFrom(worldSets).Draw(t, "given back"))},
			But: []policy.Rule{{Data: policy.Data{Items: []policy.Item{{Type: w.types[i], ID: w.id(i)}}}}}}}}}}
	case 3:
		p.Release = &policy.Release{Now: epoch.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "now")) * time.Hour), Delay: 5 * time.Hour,
			Held: policy.SetOf(policy.Results, policy.Documents)}
	}
	return p
}

// drawAgreed is what agreements show: everything, nothing, or some sets of some sources.
func drawAgreed(t *rapid.T) *policy.Agreed {
	sets := rapid.SampledFrom([]policy.DataSets{0, policy.AllDataSets, policy.SetOf(worldSets[0]), policy.SetOf(worldSets...)})
	switch rapid.IntRange(0, 3).Draw(t, "agreed") {
	case 0:
		return nil
	case 1:
		a := &policy.Agreed{Default: sets.Draw(t, "agreed of others")}
		for _, s := range slices.Sorted(slices.Values([]nhs.Source{worldFrom[0], nhs.Source(worldFrom[len(worldFrom)-1].Organisation())})) {
			a.Of = append(a.Of, policy.AgreedWith{Source: s, DataSets: sets.Draw(t, "agreed of one")})
		}
		return a
	}
	return policy.Whole
}

// shown says of each item whether the reader may know of it as at w.at.
func (w *world) shown() []bool {
	last := make([]*policy.Columns, len(w.types))
	body := make([]string, len(w.types))
	for k, s := range w.steps {
		if k > w.at {
			break
		}
		c := &policy.Columns{Type: s.put.Type, ID: s.put.ID, Source: s.put.Source, DataSet: s.put.DataSet, Labels: s.put.Labels, Recorded: s.at, Final: s.put.Final}
		if l := last[s.item]; l != nil && l.Labels == c.Labels && body[s.item] == string(s.put.Body) {
			continue // the same again is no new version
		}
		last[s.item], body[s.item] = c, string(s.put.Body)
	}
	out := make([]bool, len(w.types))
	for i, c := range last {
		out[i] = c != nil && w.p.Shows(c)
	}
	return out
}

// fill writes a world; where keep is not nil, only the items in it. It gives
// the subjects and the number of each step's commit.
func (w *world) fill(t *rapid.T, a Adapter, keep []bool) (subjects []store.Subject, ns []uint64) {
	err := a.Commit(t.Context(), func(tx ingest.Tx) error {
		if _, err := tx.Begin(epoch, pas, 0); err != nil {
			return err
		}
		for range w.subjects {
			s, err := tx.NewSubject(pas)
			if err != nil {
				return err
			}
			subjects = append(subjects, s)
		}
		made := map[int]store.ItemID{}
		for _, s := range w.steps {
			n, err := tx.Begin(s.at, s.put.Source, s.message)
			if err != nil {
				return err
			}
			ns = append(ns, n)
			item, known := made[s.item]
			if !known {
				item, _ = tx.NewID()
				made[s.item] = item
			}
			if err := tx.SaveMessage(ingest.Record{ID: s.message, Source: s.put.Source, Format: ingest.FHIR, Received: s.at, State: ingest.Stored, N: n}); err != nil {
				return err
			}
			if keep != nil && !keep[s.item] {
				continue
			}
			p := s.put
			p.Subject, p.Item, p.Message = subjects[p.Subject-1], item, s.message
			if _, err := tx.Write(p); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && rapid.Bool().Draw(t, "fold") {
		err = a.Fold(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return subjects, ns
}

// answers is everything that the reader can ask, in one text.
func (w *world) answers(t *rapid.T, a Adapter, subjects []store.Subject, ns []uint64) string {
	var b strings.Builder
	ctx := t.Context()
	tell := func(what string, list []*store.Version, err error) {
		fmt.Fprintf(&b, "%s: %v\n", what, err)
		for _, v := range list {
			fmt.Fprintf(&b, "  %s/%s %d n%d m%d subject %d %v deleted %t final %t %s %s %s\n", v.Type, v.ID, v.Version, v.N, v.Message, v.Subject, v.Recorded, v.Deleted, v.Final, v.DataSet, v.Labels, v.Body)
		}
	}
	n := ns[w.at]
	latest := w.at == len(ns)-1
	if latest {
		n = store.Latest
	}
	for i, typ := range w.types {
		if typ == "" {
			continue
		}
		v, err := a.Read(ctx, typ, w.id(i), n, w.p)
		var one []*store.Version
		if v != nil {
			one = append(one, v)
		}
		tell("read", one, err)
		list, err := a.History(ctx, typ, w.id(i), n, w.p)
		tell("history", list, err)
	}
	for _, s := range subjects {
		for range 2 { // from the table, then from a cache
			list, err := a.Compartment(ctx, s, n, w.p)
			tell("compartment", list, err)
		}
		list, err := a.Compartment(ctx, s, n, w.p, "Observation")
		tell("compartment of a type", list, err)
	}
	at := n
	if latest {
		at = store.Latest
	}
	for _, typ := range worldTypes {
		for _, groups := range [][][]string{{{w.token}}, {{w.token}, {w.token + "b"}}, {{w.token + "b", w.token}}} {
			for _, limit := range []int{1, 2, 100} {
				found, err := a.Search(ctx, store.Query{Type: typ, Groups: groups, N: at, Limit: limit}, w.p)
				fmt.Fprintf(&b, "search %s %v %d: %v %v\n", typ, groups, limit, found, err)
			}
		}
	}
	for _, typ := range worldTypes {
		for _, limit := range []int{0, 1, 100} {
			found, err := a.Ranged(ctx, atLeastOne(typ, at, limit, w.token, w.token+"b"), w.p)
			fmt.Fprintf(&b, "ranged %s %d: %v %v\n", typ, limit, found, err)
			if limit == 0 && search.HasOrder(typ) {
				w.agrees(t, a, typ, at, found)
			}
		}
	}
	for _, limit := range []int{1, 1000} {
		list, err := walked(ctx, a, store.Walk{N: at, After: store.Key{Subject: subjects[0]}, Since: epoch.Add(-1), Limit: limit}, w.p)
		tell("walk", list, err)
	}
	if !latest {
		return b.String()
	}
	for _, newest := range []bool{false, true} {
		list, _, err := a.Changes(ctx, store.Log{After: ns[0] - 1, Until: store.Latest, Newest: newest, Types: worldTypes, Limit: 1000}, w.p)
		tell("changes", list, err)
	}
	for _, s := range w.steps {
		list, err := a.OfMessage(ctx, s.message, w.p)
		tell("of message", list, err)
	}
	return b.String()
}

// agrees fails where the ordered values count another number than a search finds.
func (w *world) agrees(t *rapid.T, a Adapter, typ string, at uint64, found store.Ranged) {
	list, err := a.Search(t.Context(), store.Query{Type: typ, Groups: [][]string{{w.token}}, N: at, Limit: 100, Bodies: true}, w.p)
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, f := range list {
		if !strings.Contains(string(f.Version.Body), `"n":0`) {
			want++
		}
	}
	read, err := a.Items(t.Context(), found.Items, at, w.p)
	got := found.Sure
	for _, v := range read {
		if !strings.Contains(string(v.Body), `"n":0`) {
			got++
		}
	}
	if err != nil || got != want {
		t.Fatalf("the ordered values of %s count %d as at %d (%d of them read), a search %d: %v", typ, got, at, len(found.Items), want, err)
	}
}

func interference(t *testing.T, whole, without Adapter) {
	serial := 0
	hidden, shown := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		serial++
		w := drawWorld(rt, serial)
		keep := w.shown()
		for i := range keep {
			if w.types[i] == "" {
				continue
			}
			if keep[i] {
				shown++
			} else {
				hidden++
			}
		}
		subjects, ns := w.fill(rt, whole, nil)
		subjects2, ns2 := w.fill(rt, without, keep)
		a, b := w.answers(rt, whole, subjects, ns), w.answers(rt, without, subjects2, ns2)
		if a != b {
			rt.Fatalf("what is hidden left a trace.\nwith it:\n%s\nwithout it:\n%s", a, b)
		}
	})
	t.Logf("%d worlds, %d items shown, %d hidden", serial, shown, hidden)
}
