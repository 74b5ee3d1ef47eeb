package storetest

import (
	"fmt"

	"selda/fhir"
	"selda/policy"
	"selda/store"
)

func (b *box) found(typ string, groups [][]string, p *policy.Predicate, limit int) []string {
	b.Helper()
	list, err := b.Search(b.ctx(), typ, groups, p, limit)
	b.must(err)
	out := []string{}
	for _, f := range list {
		out = append(out, f.ID)
	}
	return out
}

// search: one token of every group, the latest first, up to the limit.
func search(b *box) {
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
	n, err := b.Reindex(b.ctx(), func(r *fhir.Resource) []string { return []string{"says:" + r.Get("valueString").Text()} })
	b.must(err)
	b.equal("indexed", n, 3)
	for token, want := range map[string][]string{"says:x": {"a"}, "says:y": {"c"}, "code:a": {}} {
		b.equal("found by "+token, b.found("Observation", [][]string{{token}}, all, 10), want)
	}
	b.write(observation(s, "d", "z"))
	b.equal("found by its type", b.found("Observation", nil, all, 10), []string{"d", "c", "a"})
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
