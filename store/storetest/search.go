package storetest

import (
	"fmt"

	"selda/fhir"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

func (b *box) found(typ string, groups [][]string, p *policy.Predicate, limit int) []string {
	b.Helper()
	list, err := b.Search(b.ctx(), store.Query{Type: typ, Groups: groups, N: store.Latest, Limit: limit}, p)
	b.must(err)
	out := []string{}
	for _, f := range list {
		out = append(out, f.ID)
	}
	return out
}

// searches: one token of every group, the latest first, up to the limit.
func searches(b *box) {
	s := b.subject(pas)
	for _, c := range []struct {
		id     string
		tokens []string
	}{{"a", []string{"family:smith", "born:1951-11-05"}}, {"b", []string{"family:smith"}}, {"c", []string{"family:jones", "born:1951-11-05"}},
		{"d", []string{`odd:" OR "*`, "sp ace", "Zoë"}}, {"e", nil}} {
		p := observation(s, c.id, c.id)
		p.Type, p.Tokens = "Basic", c.tokens
		b.write(p)
	}
	other := observation(s, "f", "f")
	other.Tokens = []string{"family:smith"}
	b.write(other)
	for _, c := range []struct {
		groups [][]string
		limit  int
		want   []string
	}{
		{nil, 10, []string{"e", "d", "c", "b", "a"}},
		{nil, 2, []string{"e", "d"}},
		{[][]string{{"family:smith"}}, 10, []string{"b", "a"}},
		{[][]string{{"family:smith", "family:jones"}}, 10, []string{"c", "b", "a"}},
		{[][]string{{"family:smith"}, {"born:1951-11-05"}}, 10, []string{"a"}},
		{[][]string{{"family:smith"}, {"family:jones"}}, 10, []string{}},
		{[][]string{{"family:smit"}}, 10, []string{}},
		{[][]string{{}}, 10, []string{}}, // none of nothing
		{[][]string{{"family:smith"}, {}}, 10, []string{}},
		{[][]string{{"FAMILY:SMITH"}}, 10, []string{}},
		{[][]string{{`odd:" OR "*`}}, 10, []string{"d"}},
		{[][]string{{`" OR "`}}, 10, []string{}},
		{[][]string{{"sp ace"}}, 10, []string{"d"}},
		{[][]string{{"Zoë"}}, 10, []string{"d"}},
		{nil, 0, []string{}},
	} {
		b.equal(fmt.Sprintf("search %v, %d at most", c.groups, c.limit), b.found("Basic", c.groups, all, c.limit), c.want)
	}
	v, err := b.read("Basic", "a", store.Latest, all)
	b.must(err)
	p := observation(s, "", "now jones")
	p.Type, p.Item, p.Tokens = "Basic", v.Item, []string{"family:jones"}
	b.write(p)
	b.equal("its old name", b.found("Basic", [][]string{{"family:smith"}}, all, 10), []string{"b"})
	b.equal("its new name", len(b.found("Basic", [][]string{{"family:jones"}}, all, 10)), 2)
}

// reindexed: what is found afterwards is found by the tokens of now, and what
// is written afterwards too.
func reindexed(b *box) {
	s := b.subject(pas)
	b.write(observation(s, "a", "x"))
	w, _ := b.write(observation(s, "b", "x"))
	gone := observation(s, "", "")
	gone.Item, gone.Deleted, gone.Body = w.Item, true, nil
	b.write(gone)
	twice, _ := b.write(observation(s, "c", "x"))
	p := observation(s, "", "y")
	p.Item = twice.Item
	b.write(p)
	n, err := b.Reindex(b.ctx(), func(r *fhir.Resource, _ nhs.Source) store.Index {
		return store.Index{Tokens: []string{"says:" + r.Get("valueString").Text()}}
	})
	b.must(err)
	b.equal("indexed", n, 3)
	for token, want := range map[string][]string{"says:x": {"a"}, "says:y": {"c"}, "code:a": {}} {
		b.equal("found by "+token, b.found("Observation", [][]string{{token}}, all, 10), want)
	}
	b.write(observation(s, "d", "z"))
	b.equal("found by its type", b.found("Observation", nil, all, 10), []string{"d", "c", "a"})
}

// searchAsAt: as at an earlier n a search finds what it would have found then,
// and a page goes on where the last one ended.
func searchAsAt(b *box) {
	s := b.subject(pas)
	ask := func(n uint64, before store.ItemID, token string, limit int) (out []string, last store.ItemID) {
		list, err := b.Search(b.ctx(), store.Query{Type: "Observation", Groups: [][]string{{token}}, N: n, Before: before, Limit: limit}, all)
		b.must(err)
		for _, f := range list {
			out, last = append(out, f.ID), f.Item
		}
		return out, last
	}
	put := func(id, token string, item store.ItemID) (store.Written, uint64) {
		p := observation(s, id, id+token)
		p.Tokens, p.Item = []string{token}, item
		return b.write(p)
	}
	a, _ := put("a", "old", 0)
	put("b", "old", 0)
	_, n := put("c", "old", 0)
	put("", "new", a.Item)
	put("d", "old", 0)
	gone := observation(s, "", "")
	v, err := b.read("Observation", "b", store.Latest, all)
	b.must(err)
	gone.Item, gone.Deleted, gone.Body, gone.Tokens = v.Item, true, nil, nil
	b.write(gone)
	got, last := ask(store.Latest, 0, "old", 10)
	b.equal("now", got, []string{"d", "c"})
	got, last = ask(n, 0, "old", 2)
	b.equal("as at then", got, []string{"c", "b"})
	got, _ = ask(n, last, "old", 2)
	b.equal("the page after", got, []string{"a"})
	got, _ = ask(n, 0, "new", 2)
	b.equal("what came later", len(got), 0)
	for at, want := range map[uint64]string{n: "Observation/a@1", store.Latest: "Observation/a@2"} {
		token := map[uint64]string{n: "old", store.Latest: "new"}[at]
		list, err := b.Search(b.ctx(), store.Query{Type: "Observation", Groups: [][]string{{token}}, N: at, Limit: 9, Bodies: true}, all)
		b.must(err)
		v := list[len(list)-1].Version
		b.equal("with its body", ids([]*store.Version{v}), []string{want})
		if len(v.Body) == 0 {
			b.Error("the version has no body")
		}
	}
}

// changes: the log in order, both ways, whole commits, and what is shown only.
func changes(b *box) {
	s := b.subject(pas)
	w, first := b.write(observation(s, "a", "1"))
	_, second := b.write(observation(s, "b", "1"))
	p := observation(s, "", "2")
	p.Item = w.Item
	_, third := b.write(p)
	ask := func(l store.Log, p *policy.Predicate) ([]string, uint64) {
		list, last, err := b.Changes(b.ctx(), l, p)
		b.must(err)
		return ids(list), last
	}
	a1, b1, a2 := "Observation/a@1", "Observation/b@1", "Observation/a@2"
	got, last := ask(store.Log{After: first - 1, Until: store.Latest, Limit: 10}, all)
	b.equal("all", got, []string{a1, b1, a2})
	b.equal("up to", last, third)
	got, last = ask(store.Log{After: first - 1, Until: store.Latest, Limit: 2}, all)
	b.equal("at most two", got, []string{a1, b1})
	b.equal("up to", last, second)
	got, _ = ask(store.Log{After: first, Until: third, Newest: true, Limit: 1}, all)
	b.equal("the newest", got, []string{a2})
	got, _ = ask(store.Log{After: first - 1, Until: second, Types: []string{"Observation"}, Limit: 9}, all)
	b.equal("until", got, []string{a1, b1})
	got, _ = ask(store.Log{Until: store.Latest, Types: []string{"Flag"}, Limit: 9}, all)
	b.equal("of another type", len(got), 0)
	for name, p := range map[string]*policy.Predicate{"zero": {}, "another source's": {Permit: true, OnlySource: lims, DataSets: policy.AllDataSets}} {
		got, _ = ask(store.Log{Until: store.Latest, Limit: 9}, p)
		b.equal(name, len(got), 0)
	}
}

// predicateEverywhere: the zero Predicate shows nothing by any method, and a
// hidden id is as unknown as one that never was.
func predicateEverywhere(b *box) {
	s := b.subject(pas)
	w, n := b.write(observation(s, "", "x"))
	theirs := &policy.Predicate{Permit: true, OnlySource: lims, DataSets: policy.AllDataSets}
	for name, p := range map[string]*policy.Predicate{"zero": {}, "everything but no permit": {Everything: true}, "another source's": theirs} {
		_, err := b.read("Observation", w.ID, store.Latest, p)
		_, err2 := b.read("Observation", "never", store.Latest, p)
		b.unknown(name+": read", err)
		b.equal(name+": the words of the answer", err, err2)
		_, err = b.History(b.ctx(), "Observation", w.ID, n, p)
		b.unknown(name+": history", err)
		for _, at := range []uint64{n, store.Latest} {
			if list, err := b.Compartment(b.ctx(), s, at, p); err != nil || len(list) != 0 {
				b.Errorf("%s: compartment: %v %v", name, ids(list), err)
			}
		}
		b.equal(name+": search", b.found("Observation", nil, p, 10), []string{})
	}
}
