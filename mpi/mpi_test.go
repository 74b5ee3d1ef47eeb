package mpi_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"selda/fault"
	"selda/fhir"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/store"
	"selda/store/sqlite"
)

const (
	pas  = nhs.Source("RJZ:PAS")
	lims = nhs.Source("RJ1:LIMS")
	gp   = nhs.Source("G85001:GP")
	numA = "9991234519"
	numB = "9992048166"
	bad  = "9991234518" // fails Modulus 11
)

var (
	ctx = context.Background()
	now = time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
)

// index is an index under test, with what each source last said.
type index struct {
	tb failer
	db *sqlite.DB
}

type failer interface {
	Helper()
	Fatal(...any)
}

func open(t *testing.T) *index {
	t.Helper()
	db, err := sqlite.Open(t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &index{t, db}
}

func (x *index) do(f func(tx *sqlite.Tx) error) error {
	return x.db.Write(ctx, func(tx *sqlite.Tx) error {
		if _, err := tx.Begin(now, pas, 0); err != nil {
			return err
		}
		return f(tx)
	})
}

func (x *index) must(f func(tx *sqlite.Tx) error) {
	x.tb.Helper()
	if err := x.do(f); err != nil {
		x.tb.Fatal(err)
	}
}

// who is what a message says of somebody.
type who struct {
	source              nhs.Source
	local, number       string
	family, given, born string
}

// arrive has a message of somebody arrive: the subject is resolved and their
// Patient stored, as ingest does.
func (x *index) arrive(w who) (s store.Subject) {
	x.tb.Helper()
	p := mpi.Person{Source: w.source, At: now, Fallback: w.family + "|" + w.given + "|" + w.born}
	if w.local != "" {
		p.Identifiers = append(p.Identifiers, mpi.Identifier{System: "https://selda.example/id/" + string(w.source), Value: w.local})
	}
	if w.number != "" {
		p.Identifiers = append(p.Identifiers, mpi.Identifier{System: nhs.NumberSystem, Value: w.number})
	}
	body := fhir.Object{"resourceType": "Patient", "birthDate": w.born}
	if w.family != "" || w.given != "" {
		body["name"] = []fhir.Object{{"family": w.family, "given": strings.Fields(w.given)}}
	}
	b := fhir.Marshal(body)
	r, err := fhir.ParseTrusted(b)
	if err != nil {
		x.tb.Fatal(err)
	}
	p.Demographics = mpi.FromPatient(r.Root())
	x.must(func(tx *sqlite.Tx) error {
		var err error
		if s, err = mpi.Resolve(tx, p); err != nil {
			return err
		}
		l, _, _, err := tx.ByKey(w.source, "Patient", fmt.Sprint("subject:", s))
		if err != nil {
			return err
		}
		_, err = tx.Write(store.Put{Subject: s, Type: "Patient", Item: l.Item, Source: w.source, DataSet: policy.Demographics, Body: b})
		return err
	})
	return s
}

func (x *index) citizen(s store.Subject) string {
	x.tb.Helper()
	id, err := x.db.CitizenID(ctx, s)
	if err != nil {
		x.tb.Fatal(err)
	}
	return id
}

func (x *index) same(a, b store.Subject) bool { return x.citizen(a) == x.citizen(b) }

func (x *index) reviews() []mpi.Review {
	x.tb.Helper()
	list, err := x.db.Reviews(ctx, 100)
	if err != nil {
		x.tb.Fatal(err)
	}
	return list
}

func (x *index) last() mpi.Event {
	x.tb.Helper()
	list, err := x.db.Events(ctx, 1)
	if err != nil || len(list) == 0 {
		x.tb.Fatal("no change of links", err)
	}
	return list[0]
}

func (x *index) undo(id int64) error {
	return x.do(func(tx *sqlite.Tx) error { return mpi.Undo(tx, id, now) })
}

func (x *index) merge(keep, other store.Subject) {
	x.tb.Helper()
	x.must(func(tx *sqlite.Tx) error { return mpi.Merge(tx, keep, other, "merge", "A40", "test", now, 0) })
}

// G15: a valid number links alone only where the birth date and one name
// agree; otherwise the pair goes to review and both are shown apart.
func TestNumberLinksAloneOnlyWithBirthDateAndOneName(t *testing.T) {
	first := who{pas, "H1", numA, "Adeyemi", "Folake Abimbola", "1951-11-05"}
	for _, c := range []struct {
		name   string
		second who
		linked bool
		review string
	}{
		{"all agrees", who{lims, "L1", numA, "Adeyemi", "Folake", "1951-11-05"}, true, ""},
		{"number with spaces", who{lims, "L1", "999 123 4519", "Adeyemi", "Folake", "1951-11-05"}, true, ""},
		{"family name alone", who{lims, "L1", numA, "ADEYEMI", "F", "1951-11-05"}, true, ""},
		{"a given name alone", who{lims, "L1", numA, "Smith", "Abimbola", "1951-11-05"}, true, ""},
		{"accents and hyphens", who{lims, "L1", numA, "Adé-Yemi", "x", "1951-11-05"}, true, ""},
		{"birth date differs", who{lims, "L1", numA, "Adeyemi", "Folake", "1951-11-06"}, false, "birth dates differ"},
		{"birth date less exact", who{lims, "L1", numA, "Adeyemi", "Folake", "1951"}, false, "birth dates differ"},
		{"no birth date", who{lims, "L1", numA, "Adeyemi", "Folake", ""}, false, "no birth date"},
		{"no name agrees", who{lims, "L1", numA, "Okafor", "Ngozi", "1951-11-05"}, false, "no name agrees"},
		{"no name at all", who{lims, "L1", numA, "", "", "1951-11-05"}, false, "no name agrees"},
		{"nothing but the number", who{lims, "L1", numA, "", "", ""}, false, "no birth date"},
		{"another number", who{lims, "L1", numB, "Adeyemi", "Folake", "1951-11-05"}, false, ""},
		{"no number", who{lims, "L1", "", "Adeyemi", "Folake", "1951-11-05"}, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := open(t)
			a := x.arrive(first)
			b := x.arrive(c.second)
			if a == b {
				t.Fatal("two sources share a subject")
			}
			if got := x.same(a, b); got != c.linked {
				t.Errorf("linked %t, want %t", got, c.linked)
			}
			list := x.reviews()
			switch {
			case c.review == "" && len(list) > 0:
				t.Errorf("in review: %+v", list)
			case c.review != "" && (len(list) != 1 || !strings.Contains(list[0].Reason, c.review) || list[0].Rule != "G15" || list[0].Subject != b || list[0].Other != a):
				t.Errorf("in review: %+v, want one for %q", list, c.review)
			}
			if c.linked {
				if e := x.last(); e.Kind != "auto" || e.Rule != "G15" || len(e.Moves) != 1 {
					t.Errorf("why it was linked: %+v", e)
				}
			}
			x.arrive(c.second)
			if x.same(a, b) != c.linked || len(x.reviews()) != len(list) {
				t.Error("the same message again changed something")
			}
		})
	}
}

// G15: an invalid number never links and never identifies, whoever sends it.
func TestInvalidNumberNeverLinks(t *testing.T) {
	x := open(t)
	for _, n := range []string{bad, "999 123 4518", "123", "9991234519X", "0000000001"} {
		a := x.arrive(who{pas, "H" + n, n, "Adeyemi", "Folake", "1951-11-05"})
		b := x.arrive(who{lims, "L" + n, n, "Adeyemi", "Folake", "1951-11-05"})
		if x.same(a, b) {
			t.Errorf("%s linked", n)
		}
		if known, err := x.db.ByIdentity(ctx, nhs.NumberSystem, n); err != nil || len(known) != 0 {
			t.Errorf("%s identifies %v %v", n, known, err)
		}
	}
	if len(x.reviews()) != 0 {
		t.Error("an invalid number is in review")
	}
}

// Local numbers are each source's own.
func TestLocalNumbers(t *testing.T) {
	x := open(t)
	a := x.arrive(who{pas, "1", "", "Adeyemi", "Folake", "1951-11-05"})
	if again := x.arrive(who{pas, "1", "", "Adeyemi", "Folake", "1951-11-05"}); again != a {
		t.Error("the same local number is another subject")
	}
	if other := x.arrive(who{lims, "1", "", "Adeyemi", "Folake", "1951-11-05"}); other == a || x.same(other, a) {
		t.Error("another source's number 1 is the same person")
	}
	if other := x.arrive(who{pas, "2", "", "Adeyemi", "Folake", "1951-11-05"}); other == a || x.same(other, a) {
		t.Error("another local number is the same person")
	}
	// The NHS number comes later, and makes the two one.
	b := x.arrive(who{gp, "G7", numA, "Adeyemi", "Folake", "1951-11-05"})
	if x.same(a, b) {
		t.Fatal("linked by nothing")
	}
	if again := x.arrive(who{pas, "1", numA, "Adeyemi", "Folake", "1951-11-05"}); again != a || !x.same(a, b) {
		t.Error("a message that has both numbers does not link the two")
	}
	if again := x.arrive(who{pas, "1", "", "Adeyemi", "Folake", "1951-11-05"}); again != a || !x.same(a, b) {
		t.Error("a message that leaves the NHS number out takes the link away")
	}
}

// Someone without any number is the same only as somebody of that source with
// the same name and birth date; by the NHS number only where these agree.
func TestWithoutLocalNumber(t *testing.T) {
	x := open(t)
	a := x.arrive(who{gp, "", "", "Unknown", "Male", "1970-01-01"})
	if x.arrive(who{gp, "", "", "Unknown", "Male", "1970-01-01"}) != a {
		t.Error("the same unnumbered person is another subject")
	}
	if x.arrive(who{gp, "", "", "Unknown", "Male", "1971-01-01"}) == a || x.arrive(who{pas, "", "", "Unknown", "Male", "1970-01-01"}) == a {
		t.Error("another unnumbered person is the same subject")
	}
	b := x.arrive(who{gp, "", numA, "Adeyemi", "Folake", "1951-11-05"})
	if x.arrive(who{gp, "", numA, "Adeyemi", "Folake", "1951-11-05"}) != b {
		t.Error("the same NHS number in one source is another subject")
	}
	if c := x.arrive(who{gp, "", numA, "Okafor", "Ngozi", "1980-02-03"}); c == b || x.same(c, b) {
		t.Error("another person under the same NHS number became the same subject")
	}
}

// A source corrects an NHS number: what only the former one had linked parts,
// whichever of the two was there first. What a source stated stays.
func TestNumberChanged(t *testing.T) {
	w := who{pas, "H1", numA, "Adeyemi", "Folake", "1951-11-05"}
	l := who{lims, "L1", numA, "Adeyemi", "Folake", "1951-11-05"}
	for _, c := range []struct {
		name    string
		changed who
		stated  bool
	}{{"the first to come", w, false}, {"the second to come", l, false}, {"the first, but stated", w, true}, {"the second, but stated", l, true}} {
		t.Run(c.name, func(t *testing.T) {
			x := open(t)
			a := x.arrive(w)
			if c.stated {
				l.number = ""
			} else {
				l.number = numA
			}
			b := x.arrive(l)
			if c.stated {
				x.merge(a, b)
				l.number = numA
				x.arrive(l)
			}
			if !x.same(a, b) {
				t.Fatal("not linked to begin with")
			}
			c.changed.number = numB
			x.arrive(c.changed)
			if got := x.same(a, b); got != c.stated {
				t.Errorf("linked %t after the number was corrected", got)
			}
			known, err := x.db.ByIdentity(ctx, nhs.NumberSystem, numB)
			if err != nil || len(known) != 1 {
				t.Errorf("under the new number: %v %v", known, err)
			}
		})
	}
}

// A40 and A34: what a source states is taken, and undone exactly; a pair that
// a person has parted is not linked again by a number.
func TestMergeAndUndo(t *testing.T) {
	x := open(t)
	a := x.arrive(who{pas, "H1", numA, "Adeyemi", "Folake", "1951-11-05"})
	b := x.arrive(who{pas, "H2", "", "Adeyemi", "Folake", "1951-11-05"})
	l := who{lims, "L1", numA, "Adeyemi", "Folake", "1951-11-05"}
	c := x.arrive(l)
	before := x.state(a, b, c)
	x.merge(a, b)
	if !x.same(a, b) {
		t.Fatal("not merged")
	}
	e := x.last()
	if e.Kind != "merge" || e.Rule != "A40" || !slices.Equal(e.Moves, []mpi.Move{{Subject: b, From: e.Moves[0].From, To: e.Moves[0].To, With: a}}) {
		t.Errorf("the merge: %+v", e)
	}
	x.merge(a, b) // the same again says nothing new
	if x.last().ID != e.ID {
		t.Error("a merge of what is one is a new event")
	}
	if err := x.undo(e.ID); err != nil {
		t.Fatal(err)
	}
	if after := x.state(a, b, c); after != before {
		t.Errorf("after the undo %s, before %s", after, before)
	}
	// The laboratory's copy was linked by number. A person parts them.
	if !x.same(a, c) {
		t.Fatal("the number did not link")
	}
	events, _ := x.db.Events(ctx, 10)
	auto := events[slices.IndexFunc(events, func(e mpi.Event) bool { return e.Kind == "auto" })]
	if err := x.undo(auto.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		x.arrive(l)
		x.arrive(who{pas, "H1", numA, "Adeyemi", "Folake", "1951-11-05"})
	}
	if x.same(a, c) || len(x.reviews()) != 0 {
		t.Error("what a person parted was linked or suggested again")
	}
	// A source's word is a new statement, and links.
	x.merge(a, c)
	if !x.same(a, c) {
		t.Error("a merge that a source states was refused")
	}
}

func TestUndoIsRefused(t *testing.T) {
	x := open(t)
	a := x.arrive(who{pas, "H1", "", "A", "A", "1951-11-05"})
	b := x.arrive(who{pas, "H2", "", "B", "B", "1952-11-05"})
	c := x.arrive(who{pas, "H3", "", "C", "C", "1953-11-05"})
	x.merge(a, b)
	first := x.last()
	x.merge(c, a)
	second := x.last()
	if err := x.undo(first.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("an undo beneath a later merge: %v", err)
	}
	if err := x.undo(999); !fault.Is(err, fault.NotFound) {
		t.Errorf("an undo of what never was: %v", err)
	}
	for _, id := range []int64{second.ID, first.ID} {
		if err := x.undo(id); err != nil {
			t.Fatal(err)
		}
		if err := x.undo(id); !fault.Is(err, fault.Conflict) {
			t.Errorf("an undo of what is undone: %v", err)
		}
		if err := x.undo(x.last().ID); !fault.Is(err, fault.Conflict) {
			t.Errorf("an undo of an undo: %v", err)
		}
	}
	if x.same(a, b) || x.same(a, c) || x.same(b, c) {
		t.Error("not apart again")
	}
}

// A37 takes a link apart, and it stays apart; its undo joins again.
func TestUnlink(t *testing.T) {
	x := open(t)
	w := who{pas, "H1", numA, "Adeyemi", "Folake", "1951-11-05"}
	l := who{lims, "L1", numA, "Adeyemi", "Folake", "1951-11-05"}
	a, b := x.arrive(w), x.arrive(l)
	x.must(func(tx *sqlite.Tx) error { return mpi.Unlink(tx, a, b, "ADT^A37", now, 0) })
	if x.same(a, b) {
		t.Fatal("still linked")
	}
	x.arrive(l)
	x.arrive(w)
	if x.same(a, b) || len(x.reviews()) > 0 {
		t.Error("linked or suggested again by the number")
	}
	var unlink mpi.Event
	events, _ := x.db.Events(ctx, 10)
	for _, e := range events {
		if e.Kind == "unlink" {
			unlink = e
		}
	}
	if err := x.undo(unlink.ID); err != nil {
		t.Fatal(err)
	}
	if !x.same(a, b) {
		t.Error("the undo did not join them again")
	}
}

// A37 after A24: both people have back what they had, of every source, under
// the citizens that they were.
func TestUnlinkRestoresBothPeople(t *testing.T) {
	for name, link := range map[string]func(a, b store.Subject) (keep, other store.Subject){
		"the one who joined leaves": func(a, b store.Subject) (store.Subject, store.Subject) { return a, b },
		"or the one who was joined": func(a, b store.Subject) (store.Subject, store.Subject) { return b, a },
	} {
		x := open(t)
		a := x.arrive(who{pas, "H1", numA, "Adeyemi", "Folake", "1951-11-05"})
		b := x.arrive(who{pas, "H2", numB, "Okafor", "Ada", "1960-01-01"})
		labs := x.arrive(who{lims, "L2", numB, "Okafor", "Ada", "1960-01-01"})
		before := []string{x.citizen(a), x.citizen(b), x.citizen(labs)}
		if before[1] != before[2] || before[0] == before[1] {
			t.Fatal("not as it should be at first")
		}
		x.must(func(tx *sqlite.Tx) error { return mpi.Merge(tx, a, b, "link", "ADT^A24", "said", now, 0) })
		if !x.same(a, labs) {
			t.Fatal("not linked")
		}
		keep, other := link(a, b)
		x.must(func(tx *sqlite.Tx) error { return mpi.Unlink(tx, keep, other, "ADT^A37", now, 0) })
		if after := []string{x.citizen(a), x.citizen(b), x.citizen(labs)}; !slices.Equal(after, before) {
			t.Errorf("%s: %v, not %v", name, after, before)
		}
	}
}

// Whoever is joined to somebody who was joined before is that one's, not the
// other's: an undo in the wrong order says which comes first, and A37 takes
// them along.
func TestWhatIsJoinedLaterFollows(t *testing.T) {
	setUp := func() (x *index, a, b, c store.Subject, before []string) {
		x = open(t)
		a = x.arrive(who{pas, "H1", "", "Adeyemi", "Folake", "1951-11-05"})
		b = x.arrive(who{pas, "H2", "", "Okafor", "Ada", "1960-01-01"})
		c = x.arrive(who{pas, "H3", "", "Okafor", "Ada", "1960-01-01"})
		before = []string{x.citizen(a), x.citizen(b), x.citizen(c)}
		x.must(func(tx *sqlite.Tx) error { return mpi.Merge(tx, a, b, "merge", "ADT^A40", "said", now, 0) })
		x.must(func(tx *sqlite.Tx) error { return mpi.Merge(tx, b, c, "merge", "ADT^A40", "said", now, 0) })
		if !x.same(a, c) {
			t.Fatal("not merged")
		}
		return x, a, b, c, before
	}
	x, a, b, c, before := setUp()
	events, _ := x.db.Events(ctx, 2)
	if err := x.undo(events[1].ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("the earlier merge was undone under the later one: %v", err)
	}
	for _, e := range events {
		if err := x.undo(e.ID); err != nil {
			t.Fatal(err)
		}
	}
	if after := []string{x.citizen(a), x.citizen(b), x.citizen(c)}; !slices.Equal(after, before) {
		t.Errorf("%v, not %v", after, before)
	}
	x, a, b, c, before = setUp()
	x.must(func(tx *sqlite.Tx) error { return mpi.Unlink(tx, a, b, "ADT^A37", now, 0) })
	if x.same(a, b) || !x.same(b, c) || x.citizen(a) != before[0] || x.citizen(b) != before[1] {
		t.Errorf("after A37: %s %s %s, before: %v", x.citizen(a), x.citizen(b), x.citizen(c), before)
	}
}

// G14: a severed pair is never matched, suggested or redirected, whatever
// arrives afterwards.
func TestSevered(t *testing.T) {
	x := open(t)
	w := who{pas, "H1", numA, "Adeyemi", "Folake", "1951-11-05"}
	l := who{lims, "L1", numA, "Adeyemi", "Folake", "1951-11-05"}
	a, b := x.arrive(w), x.arrive(l)
	old := x.citizen(a)
	x.must(func(tx *sqlite.Tx) error { _, err := mpi.Sever(tx, b, now); return err })
	fresh := x.citizen(b)
	check := func(when string) {
		t.Helper()
		if x.same(a, b) {
			t.Errorf("%s: linked again", when)
		}
		if list := x.reviews(); len(list) > 0 {
			t.Errorf("%s: suggested: %+v", when, list)
		}
	}
	check("at once")
	x.arrive(l)
	x.arrive(w)
	check("after their messages")
	third := x.arrive(who{gp, "G1", numA, "Adeyemi", "Folake", "1951-11-05"})
	check("after a third source")
	if x.same(third, a) == x.same(third, b) {
		t.Error("the third source's subject belongs to both or to none")
	}
	other := x.arrive(who{pas, "H9", "", "Adeyemi", "Folake", "1951-11-05"})
	x.merge(other, a)
	x.arrive(l)
	check("after one of them was merged away")
	if f, err := x.db.Citizen(ctx, fresh, store.Latest); err != nil || !slices.ContainsFunc(f.Subjects, func(k mpi.Known) bool { return k.Subject == b }) {
		t.Errorf("the fresh citizen: %+v %v", f, err)
	}
	if f, err := x.db.Citizen(ctx, old, store.Latest); err != nil || slices.ContainsFunc(f.Subjects, func(k mpi.Known) bool { return k.Subject == b }) {
		t.Errorf("the old citizen leads to the severed one: %+v %v", f, err)
	}
	for _, kind := range []string{"undo", "sever"} {
		events, _ := x.db.Events(ctx, 100)
		for _, e := range events {
			if e.Kind == kind {
				t.Errorf("a severance is listed: %+v", e)
			}
		}
	}
}

// state is the partition of subjects into citizens, by their ids.
func (x *index) state(subjects ...store.Subject) string {
	var out []string
	for _, s := range subjects {
		out = append(out, fmt.Sprint(s, "=", x.citizen(s)))
	}
	return strings.Join(out, " ")
}

// Whatever arrives, is merged and undone: every subject is of one citizen, a
// citizen has the subjects that say so, and an undo puts back exactly.
func TestAnySequence(t *testing.T) {
	x := open(t)
	serial := 0
	numbers := validNumbers(400)
	rapid.Check(t, func(rt *rapid.T) {
		x.tb = rt
		serial++
		mine := []string{"", numbers[serial*3%400], numbers[(serial*3+1)%400], bad}
		var subjects []store.Subject
		for range rapid.IntRange(2, 14).Draw(rt, "steps") {
			switch kind := rapid.IntRange(0, 5).Draw(rt, "kind"); {
			case kind < 3 || len(subjects) < 2:
				s := x.arrive(who{rapid.SampledFrom([]nhs.Source{pas, lims, gp}).Draw(rt, "source"), fmt.Sprintf("%d-%d", serial, rapid.IntRange(0, 3).Draw(rt, "local")),
					rapid.SampledFrom(mine).Draw(rt, "number"), rapid.SampledFrom([]string{"Adeyemi", "Okafor"}).Draw(rt, "family"), "Folake",
					rapid.SampledFrom([]string{"1951-11-05", "1951-11-06"}).Draw(rt, "born")})
				if !slices.Contains(subjects, s) {
					subjects = append(subjects, s)
				}
			default:
				before := x.state(subjects...)
				x.merge(rapid.SampledFrom(subjects).Draw(rt, "keep"), rapid.SampledFrom(subjects).Draw(rt, "other"))
				if kind == 3 && x.state(subjects...) != before {
					if err := x.undo(x.last().ID); err != nil {
						rt.Fatal(err)
					}
					if after := x.state(subjects...); after != before {
						rt.Fatalf("after the undo %s, before the merge %s", after, before)
					}
				}
			}
			for _, s := range subjects {
				f, err := x.db.Citizen(ctx, x.citizen(s), store.Latest)
				if err != nil {
					rt.Fatal(err)
				}
				n := 0
				for _, k := range f.Subjects {
					if k.Subject == s {
						n++
					} else if x.citizen(k.Subject) != f.ID {
						rt.Fatalf("subject %d is of another citizen than the one that has it", k.Subject)
					}
				}
				if n != 1 {
					rt.Fatalf("subject %d is %d times in its citizen", s, n)
				}
			}
		}
	})
}

// validNumbers are of the test range, with their check digit.
func validNumbers(n int) []string {
	var out []string
	for i := 0; len(out) < n; i++ {
		nine := fmt.Sprintf("999%06d", i*7)
		d := make([]byte, 9)
		for j := range nine {
			d[j] = nine[j] - '0'
		}
		if c := nhs.CheckDigit(d); c < 10 {
			out = append(out, nine+fmt.Sprint(c))
		}
	}
	return out
}
