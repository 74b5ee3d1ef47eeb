package storetest

import (
	"fmt"
	"slices"
	"strings"

	"selda/fault"
	"selda/ingest"
	"selda/mpi"
	"selda/nhs"
	"selda/store"
)

func (b *box) citizenID(s store.Subject) string {
	b.Helper()
	id, err := b.CitizenID(b.ctx(), s)
	b.must(err)
	return id
}

// linked is a citizen's subjects by its id as at n, "unknown" where it is.
func (b *box) linked(id string, n uint64) string {
	b.Helper()
	f, err := b.Citizen(b.ctx(), id, n)
	if fault.Is(err, fault.NotFound) {
		return "unknown"
	}
	b.must(err)
	out := []string{}
	for _, k := range f.Subjects {
		out = append(out, fmt.Sprint(k.Subject))
	}
	if f.ID != id {
		return "survivor " + strings.Join(out, " ")
	}
	return strings.Join(out, " ")
}

// linkState is all that the link table answers of some subjects and citizens.
func (b *box) linkState(subjects []store.Subject, citizens []string, n uint64) string {
	b.Helper()
	var out []string
	for _, s := range subjects {
		out = append(out, fmt.Sprintf("%d is %s", s, b.citizenID(s)))
	}
	for _, id := range citizens {
		out = append(out, id+" has "+b.linked(id, n))
	}
	return strings.Join(out, "\n")
}

func (b *box) merge(keep, other store.Subject) uint64 {
	b.Helper()
	return b.commit(func(tx ingest.Tx) { b.must(mpi.Merge(tx, keep, other, "merge", "A40", "test", epoch, 0)) })
}

func (b *box) lastEvent() mpi.Event {
	b.Helper()
	list, err := b.Events(b.ctx(), 1)
	b.must(err)
	if len(list) == 0 {
		b.Fatal("there is no change of links")
	}
	return list[0]
}

func (b *box) identify(s store.Subject, source nhs.Source, list ...mpi.Identifier) (dropped []mpi.Identifier) {
	b.Helper()
	b.commit(func(tx ingest.Tx) {
		var err error
		dropped, err = tx.SetIdentities(s, source, list)
		b.must(err)
	})
	return dropped
}

func identifier(system, v string) mpi.Identifier { return mpi.Identifier{System: system, Value: v} }

func number(v string) mpi.Identifier { return mpi.Identifier{System: nhs.NumberSystem, Value: v} }

// identities: numbers of the source's own stay when a message leaves them
// out; an NHS number is replaced by another one.
func identities(b *box) {
	s, other := b.subject(pas), b.subject(lims)
	local := mpi.Identifier{System: "urn:pas", Value: "H1"}
	b.identify(s, pas, local, number("9991234519"))
	b.identify(other, lims, number("9991234519"))
	who := func(id mpi.Identifier) []mpi.Known {
		list, err := b.ByIdentity(b.ctx(), id.System, id.Value)
		b.must(err)
		return list
	}
	b.equal("by NHS number", who(number("9991234519")), []mpi.Known{{Subject: s, Source: pas}, {Subject: other, Source: lims}})
	b.equal("by local number", who(local), []mpi.Known{{Subject: s, Source: pas}})
	if d := b.identify(s, pas, mpi.Identifier{System: "urn:pas", Value: "H2"}); len(d) != 0 {
		b.Errorf("a message without an NHS number dropped %d", len(d))
	}
	b.equal("by the older local number", len(who(local)), 1)
	d := b.identify(s, pas, number("9992048166"))
	b.equal("dropped", d, []mpi.Identifier{number("9991234519")})
	b.equal("by the former NHS number", who(number("9991234519")), []mpi.Known{{Subject: other, Source: lims}})
	b.equal("by the new one", who(number("9992048166")), []mpi.Known{{Subject: s, Source: pas}})
	b.equal("by nobody's", len(who(number("9992048174"))), 0)
}

// linksAsAt: links are read as at n, and a merged-away id answers with the survivor.
func linksAsAt(b *box) {
	s, o := b.subject(pas), b.subject(lims)
	keep, away := b.citizenID(s), b.citizenID(o)
	n1, err := b.N(b.ctx())
	b.must(err)
	n2 := b.merge(s, o)
	both := fmt.Sprint(s, " ", o)
	for _, c := range []struct {
		id   string
		n    uint64
		want string
	}{{keep, n1, fmt.Sprint(s)}, {away, n1, fmt.Sprint(o)}, {keep, n2, both}, {away, n2, "survivor " + both}, {keep, store.Latest, both}, {away, store.Latest, "survivor " + both}} {
		b.equal(fmt.Sprintf("as at %d", c.n), b.linked(c.id, c.n), c.want)
	}
	b.equal("the merged one's citizen", b.citizenID(o), keep)
	alone := b.subject(gp)
	found, err := b.Citizens(b.ctx(), []store.Subject{o, alone, s, 1 << 40})
	b.must(err)
	var ids []string
	for _, f := range found {
		ids = append(ids, fmt.Sprint(f.ID, f.Subjects))
		one, err := b.Citizen(b.ctx(), f.ID, store.Latest)
		b.must(err)
		b.equal("a citizen among others", f, one)
	}
	slices.Sort(ids)
	b.equal("citizens, each once", len(slices.Compact(ids)), 2)
	b.equal("citizens", len(found), 2)
	for _, id := range []string{"", "nobody", "0000000000000"} {
		b.equal("id "+id, b.linked(id, store.Latest), "unknown")
	}
}

// mergeUndo: the whole state of the links is as before, at every n too.
func mergeUndo(b *box) {
	subjects := []store.Subject{b.subject(pas), b.subject(lims), b.subject(gp), b.subject(pas)}
	var citizens []string
	for _, s := range subjects {
		citizens = append(citizens, b.citizenID(s))
	}
	b.merge(subjects[1], subjects[2]) // two that were one already
	before := b.linkState(subjects, citizens, store.Latest)
	n0, _ := b.N(b.ctx())
	n1 := b.merge(subjects[0], subjects[1])
	if b.linkState(subjects, citizens, store.Latest) == before {
		b.Fatal("the merge changed nothing")
	}
	e := b.lastEvent()
	b.equal("what it moved", len(e.Moves), 2)
	b.equal("its n", e.N, n1)
	merged := b.linked(citizens[0], n1)
	b.commit(func(tx ingest.Tx) { b.must(mpi.Undo(tx, e.ID, epoch)) })
	if after := b.linkState(subjects, citizens, store.Latest); after != before {
		b.Errorf("after the undo:\n%s\nbefore the merge:\n%s", after, before)
	}
	b.equal("as at the merge, after its undo", b.linked(citizens[0], n1), merged)
	b.equal("as at before the merge", b.linked(citizens[0], n0), fmt.Sprint(subjects[0]))
	list, err := b.Events(b.ctx(), 10)
	b.must(err)
	if len(list) != 3 || list[0].Kind != "undo" || !list[1].Undone || list[2].Undone {
		b.Errorf("events: %+v", list)
	}
	err = b.Commit(b.ctx(), func(tx ingest.Tx) error {
		_, _ = tx.Begin(epoch, pas, 0)
		return mpi.Undo(tx, e.ID, epoch)
	})
	if !fault.Is(err, fault.Conflict) {
		b.Errorf("an undo of what is undone: %v", err)
	}
	err = b.Commit(b.ctx(), func(tx ingest.Tx) error { _, _ = tx.Begin(epoch, pas, 0); return mpi.Undo(tx, 4711, epoch) })
	b.unknown("an undo of what never was", err)
}

// mergeChain: each merged-away id answers with the last survivor; an undo in
// the middle of a chain is refused while what follows stands.
func mergeChain(b *box) {
	var s []store.Subject
	var c []string
	for range 4 {
		s = append(s, b.subject(pas))
		c = append(c, b.citizenID(s[len(s)-1]))
	}
	b.merge(s[1], s[0])
	first := b.lastEvent()
	b.merge(s[2], s[1])
	second := b.lastEvent()
	b.merge(s[3], s[2])
	for i := range 3 {
		b.equal("merged away "+fmt.Sprint(i), b.linked(c[i], store.Latest), "survivor "+fmt.Sprint(s[0], " ", s[1], " ", s[2], " ", s[3]))
	}
	found, err := b.Citizen(b.ctx(), c[0], store.Latest)
	b.must(err)
	former, err := b.Former(b.ctx(), found)
	b.must(err)
	slices.Sort(former)
	want := slices.DeleteFunc(slices.Sorted(slices.Values(c)), func(id string) bool { return id == found.ID })
	b.equal("formerly", former, want)
	for _, e := range []mpi.Event{first, second} {
		err := b.Commit(b.ctx(), func(tx ingest.Tx) error { _, _ = tx.Begin(epoch, pas, 0); return mpi.Undo(tx, e.ID, epoch) })
		if !fault.Is(err, fault.Conflict) {
			b.Errorf("an undo under a later merge: %v", err)
		}
	}
	for _, want := range [][]string{{fmt.Sprint(s[0], " ", s[1], " ", s[2]), fmt.Sprint(s[3])}} {
		e := b.lastEvent()
		b.commit(func(tx ingest.Tx) { b.must(mpi.Undo(tx, e.ID, epoch)) })
		b.equal("third's", b.linked(c[2], store.Latest), want[0])
		b.equal("fourth's", b.linked(c[3], store.Latest), want[1])
	}
	b.commit(func(tx ingest.Tx) { b.must(mpi.Undo(tx, second.ID, epoch)) })
	b.commit(func(tx ingest.Tx) { b.must(mpi.Undo(tx, first.ID, epoch)) })
	for i := range c {
		b.equal("alone again", b.linked(c[i], store.Latest), fmt.Sprint(s[i]))
		found, err := b.Citizen(b.ctx(), c[i], store.Latest)
		b.must(err)
		former, err := b.Former(b.ctx(), found)
		b.must(err)
		b.equal("nobody was merged into them", len(former), 0)
	}
}

func (b *box) sever(s store.Subject) {
	b.Helper()
	b.commit(func(tx ingest.Tx) { _, err := mpi.Sever(tx, s, epoch); b.must(err) })
}

// apart says whether two subjects' citizens are kept apart.
func (b *box) apart(x, y store.Subject) (apart bool) {
	b.Helper()
	b.must(b.Commit(b.ctx(), func(tx ingest.Tx) error {
		cx, err := tx.CitizenOf(x)
		if err != nil {
			return err
		}
		cy, err := tx.CitizenOf(y)
		if err != nil {
			return err
		}
		apart, err = tx.Apart(cx, cy)
		return err
	}))
	return apart
}

// listed says whether any of the subjects stands in the list of links or in
// the review list.
func (b *box) listed(subjects ...store.Subject) bool {
	b.Helper()
	events, err := b.Events(b.ctx(), 100)
	b.must(err)
	for _, e := range events {
		if slices.ContainsFunc(e.Moves, func(m mpi.Move) bool { return slices.Contains(subjects, m.Subject) }) {
			return true
		}
	}
	pairs, err := b.Reviews(b.ctx(), 100)
	b.must(err)
	return slices.ContainsFunc(pairs, func(r mpi.Review) bool { return slices.Contains(subjects, r.Subject) })
}

// severed: never redirected, never matched, never listed.
func severed(b *box) {
	alone := b.subject(pas)
	old := b.citizenID(alone)
	b.sever(alone)
	fresh := b.citizenID(alone)
	if fresh == old {
		b.Fatal("a severed subject kept its citizen")
	}
	b.equal("the old id", b.linked(old, store.Latest), "unknown")
	b.equal("the new id", b.linked(fresh, store.Latest), fmt.Sprint(alone))
	if b.listed(alone) {
		b.Error("the severance is listed")
	}

	// One of two: the id that it had before it was joined must not lead to the other.
	s, t := b.subject(pas), b.subject(lims)
	own, shared := b.citizenID(s), b.citizenID(t)
	b.merge(t, s)
	if !b.listed(s) {
		b.Fatal("the merge is not listed")
	}
	b.sever(s)
	b.equal("the id of the other", b.linked(shared, store.Latest), fmt.Sprint(t))
	b.equal("the former id", b.linked(own, store.Latest), "unknown")
	if !b.apart(s, t) || !b.apart(t, s) {
		b.Error("a severed pair is not kept apart")
	}
	if b.listed(s) {
		b.Error("how a severed pair came together is listed")
	}
	b.commit(func(tx ingest.Tx) {
		b.must(tx.AddReview(mpi.Review{At: epoch, Subject: s, Other: t, Rule: "G15", Reason: "test", State: "open"}))
	})
	if b.listed(s) {
		b.Error("a severed pair is in the review list")
	}
}

// severedThenMerged: the other side is merged into somebody. They stay apart.
func severedThenMerged(b *box) {
	s, t, x, unrelated := b.subject(pas), b.subject(lims), b.subject(gp), b.subject(gp)
	old := b.citizenID(t)
	b.merge(t, s)
	b.sever(s)
	b.merge(x, t)
	b.equal("the old id", b.linked(old, store.Latest), "survivor "+fmt.Sprint(t, " ", x))
	if !b.apart(s, x) || !b.apart(x, s) {
		b.Error("a severed pair is no longer kept apart once one of them was merged")
	}
	if b.apart(s, unrelated) || b.apart(x, unrelated) || b.apart(s, s) {
		b.Error("somebody unrelated is kept apart")
	}
	b.commit(func(tx ingest.Tx) {
		b.must(tx.AddReview(mpi.Review{At: epoch, Subject: s, Other: x, Rule: "G15", Reason: "test", State: "open"}))
	})
	pairs, err := b.Reviews(b.ctx(), 10)
	b.must(err)
	b.equal("in review", len(pairs), 0)
}

// reviews: the same pair under the same rule stands once, the latest first.
func reviews(b *box) {
	s, t := b.subject(pas), b.subject(lims)
	add := func(rule string) {
		b.commit(func(tx ingest.Tx) {
			b.must(tx.AddReview(mpi.Review{At: epoch, Subject: s, Other: t, Rule: rule, Reason: "the birth dates differ", State: "open"}))
		})
	}
	add("G15")
	add("G15")
	add("A40")
	list, err := b.Reviews(b.ctx(), 10)
	b.must(err)
	if len(list) != 2 || list[0].Rule != "A40" || list[1].Rule != "G15" || list[1].Subject != s || list[1].Other != t || list[1].Reason == "" || !list[1].At.Equal(epoch) {
		b.Errorf("reviews: %+v", list)
	}
	list, err = b.Reviews(b.ctx(), 1)
	b.must(err)
	b.equal("one at most", len(list), 1)
}
