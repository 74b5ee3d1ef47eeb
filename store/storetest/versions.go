package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"selda/ingest"
	"selda/policy"
	"selda/store"
)

// versions: each is kept as it was given, and history is the latest first.
func versions(b *box) {
	s := b.subject(pas)
	first := observation(s, "", "1.10")
	first.Body = []byte(`{"resourceType":"Observation","valueQuantity":{"value":107.00,"unit":"mmol/L"},"note":[{"text":"ä \u0001 <&> ☃"}]}`)
	w, n1 := b.write(first)
	if w.Item == 0 || w.ID == "" || w.Version != 1 || w.Same {
		b.Fatalf("a new resource: %+v", w)
	}
	second := observation(s, "", "two")
	second.Item, second.Labels, second.Final, second.When = w.Item, policy.Restricted, false, time.Time{}
	w2, n2 := b.write(second)
	b.equal("the second version", w2, store.Written{Item: w.Item, ID: w.ID, Version: 2})
	all2, err := b.History(b.ctx(), "Observation", w.ID, store.Latest, all)
	b.must(err)
	b.equal("history", ids(all2), []string{"Observation/" + w.ID + "@2", "Observation/" + w.ID + "@1"})
	v := all2[1]
	if !bytes.Equal(v.Body, first.Body) || v.Origin != first.Origin || v.N != n1 || !v.When.Equal(epoch) || v.Labels != 0 || !v.Final ||
		v.Source != pas || v.DataSet != policy.Observations || v.Subject != s || v.Deleted {
		b.Errorf("the first version is not what was written: %+v", v)
	}
	if v := all2[0]; v.N != n2 || !v.When.IsZero() || v.Labels != policy.Restricted || v.Final || v.Recorded.IsZero() {
		b.Errorf("the second version is not what was written: %+v", v)
	}
	if _, err := b.read("Condition", w.ID, store.Latest, all); err == nil {
		b.Error("an id answered under another type")
	}
	for _, id := range []string{"", "nothing", strings.Repeat("0", 13), strings.Repeat("z", 64), "zzzzzzzzzzzzz"} {
		_, err := b.read("Observation", id, store.Latest, all)
		b.unknown("id "+id, err)
	}
	_, err = b.read("Nonsense", w.ID, store.Latest, all)
	b.unknown("a type that is none", err)
}

// asAt: any older n answers what was in force then.
func asAt(b *box) {
	s := b.subject(pas)
	w, n1 := b.write(observation(s, "", "one"))
	p := observation(s, "", "two")
	p.Item = w.Item
	_, n2 := b.write(p)
	p.Deleted, p.Body = true, nil
	_, n3 := b.write(p)
	other, n4 := b.write(observation(s, "", "later"))
	for _, c := range []struct {
		n    uint64
		want string
		comp int
	}{{n1 - 1, "", 0}, {n1, "one", 1}, {n2, "two", 1}, {n3, "deleted", 0}, {n4, "deleted", 1}, {store.Latest, "deleted", 1}} {
		v, err := b.read("Observation", w.ID, c.n, all)
		got := ""
		switch {
		case err != nil:
			b.unknown("before it came", err)
		case v.Deleted:
			got = "deleted"
		default:
			got = value(v)
		}
		b.equal(fmt.Sprintf("read as at %d", c.n), got, c.want)
		list, err := b.Compartment(b.ctx(), s, c.n, all)
		b.must(err)
		b.equal(fmt.Sprintf("compartment as at %d", c.n), len(list), c.comp)
	}
	if _, err := b.read("Observation", other.ID, n3, all); err == nil {
		b.Error("a resource answered as at a time before it came")
	}
	h, err := b.History(b.ctx(), "Observation", w.ID, n2, all)
	b.must(err)
	b.equal("history as at n2", len(h), 2)
	n, err := b.N(b.ctx())
	b.must(err)
	b.equal("the last n", n, n4)
}

// value is the text of an observation.
func value(v *store.Version) string {
	r, err := v.Resource()
	if err != nil {
		return err.Error()
	}
	return r.Get("valueString").Text()
}

// same: the content of the version in force makes no new one; a change of
// labels alone does.
func same(b *box) {
	s := b.subject(pas)
	p := observation(s, "", "one")
	w, _ := b.write(p)
	p.Item = w.Item
	again, n := b.write(p)
	if !again.Same || again.Version != 1 || again.ID != w.ID {
		b.Errorf("the same again: %+v", again)
	}
	v, err := b.read("Observation", w.ID, store.Latest, all)
	b.must(err)
	if v.N == n {
		b.Error("the same again took a new n")
	}
	p.Labels = policy.SexualHealth
	if labelled, _ := b.write(p); labelled.Same || labelled.Version != 2 {
		b.Errorf("a new label: %+v", labelled)
	}
	p.Labels, p.Body = 0, observation(s, "", "two").Body
	b.write(p)
	p.Body = observation(s, "", "one").Body
	if back, _ := b.write(p); back.Same || back.Version != 4 {
		b.Errorf("an older content again: %+v", back)
	}
}

func deletion(b *box) {
	s := b.subject(pas)
	w, _ := b.write(observation(s, "gone-1", "one"))
	p := observation(s, "", "")
	p.Item, p.Deleted, p.Body, p.Tokens = w.Item, true, nil, nil
	d, _ := b.write(p)
	b.equal("the deletion's version", d.Version, 2)
	if again, _ := b.write(p); !again.Same {
		b.Error("a deletion of what is deleted made a version")
	}
	v, err := b.read("Observation", "gone-1", store.Latest, all)
	b.must(err)
	if !v.Deleted || len(v.Body) != 0 {
		b.Errorf("read of a deleted resource: %+v", v)
	}
	b.equal("found", b.found("Observation", nil, all, 10), []string{})
	p = observation(s, "", "back")
	p.Item = w.Item
	if back, _ := b.write(p); back.Version != 3 || back.ID != "gone-1" {
		b.Errorf("written again after its deletion: %+v", back)
	}
	b.equal("found", b.found("Observation", nil, all, 10), []string{"gone-1"})
}

// askedIDs: an id that a system chose is its own in every answer; it is of
// one type, and it is not given twice.
func askedIDs(b *box) {
	s := b.subject(pas)
	w, _ := b.write(observation(s, "mine.1-A", "x"))
	b.equal("the id", w.ID, "mine.1-A")
	other := observation(s, "mine.1-A", "y")
	other.Type = "Condition"
	if w2, _ := b.write(other); w2.ID != "mine.1-A" || w2.Item == w.Item {
		b.Errorf("the same id under another type: %+v", w2)
	}
	err := b.Update(b.ctx(), func(tx store.Tx) error {
		if _, err := tx.Begin(epoch, pas, 0); err != nil {
			return err
		}
		_, err := tx.Write(observation(s, "mine.1-A", "z"))
		return err
	})
	if err == nil {
		b.Error("an id was given twice")
	}
	v, err := b.read("Observation", "mine.1-A", store.Latest, all)
	b.must(err)
	b.equal("what it answers", value(v), "x")
	b.commit(func(tx ingest.Tx) {
		l, ok, err := tx.ByID("Observation", "mine.1-A")
		b.must(err)
		if !ok || l.Item != w.Item || l.Subject != s || l.Source != pas || l.Version != 1 || l.Type != "Observation" {
			b.Errorf("located: %+v", l)
		}
		if _, ok, err := tx.ByID("Observation", "nobody"); ok || err != nil {
			b.Error("an unknown id was located", err)
		}
		// An id that only looks like the server's is one that a system may choose.
		_, given := tx.NewID()
		if _, ok, _ := tx.ByID("Observation", given); ok {
			b.Error("an id that was only reserved was located")
		}
	})
	mine := "0123456789abc"
	w3, _ := b.write(observation(s, mine, "thirteen"))
	b.equal("an id of the server's length", w3.ID, mine)
	if v, err := b.read("Observation", mine, store.Latest, all); err != nil || v.Item != w3.Item {
		b.Errorf("it does not answer: %v", err)
	}
}

// keysFirst: what refers to a resource may come before it.
func keysFirst(b *box) {
	var before string
	var item store.ItemID
	b.commit(func(tx ingest.Tx) {
		l, id, exists, err := tx.ByKey(pas, "Practitioner", "C1234567")
		b.must(err)
		if exists || id == "" || l.Item == 0 {
			b.Fatalf("a key that is new: %+v %q %t", l, id, exists)
		}
		before, item = id, l.Item
	})
	_, err := b.Shared(b.ctx(), "Practitioner", before)
	b.unknown("before it came", err)
	b.commit(func(tx ingest.Tx) {
		l, id, exists, err := tx.ByKey(pas, "Practitioner", "C1234567")
		b.must(err)
		if exists || id != before || l.Item != item {
			b.Fatalf("the key again: %+v %q %t", l, id, exists)
		}
		_, err = tx.Write(store.Put{Type: "Practitioner", Item: l.Item, Source: pas, DataSet: policy.Directory, Body: []byte(`{"resourceType":"Practitioner"}`)})
		b.must(err)
		for _, other := range []struct{ typ, key string }{{"Practitioner", "C7654321"}, {"Organization", "C1234567"}} {
			if _, id, exists, _ := tx.ByKey(pas, other.typ, other.key); exists || id == before {
				b.Errorf("%s %s is another key", other.typ, other.key)
			}
		}
		if _, id, exists, _ := tx.ByKey(lims, "Practitioner", "C1234567"); exists || id == before {
			b.Error("another source's key is another resource")
		}
	})
	v, err := b.Shared(b.ctx(), "Practitioner", before)
	b.must(err)
	b.equal("its id", v.ID, before)
	b.commit(func(tx ingest.Tx) {
		l, id, exists, err := tx.ByKey(pas, "Practitioner", "C1234567")
		b.must(err)
		if !exists || id != before || l.Version != 1 {
			b.Errorf("the key after it came: %+v %q %t", l, id, exists)
		}
	})
}

// compartment: all of one subject and nothing of another, in order of type
// and age, of the types asked for; again after a change.
func compartment(b *box) {
	s, other := b.subject(pas), b.subject(pas)
	for _, c := range []struct{ typ, id string }{{"Observation", "o1"}, {"Condition", "c1"}, {"Observation", "o2"}, {"Encounter", "e1"}} {
		p := observation(s, c.id, c.id)
		p.Type = c.typ
		b.write(p)
	}
	b.write(observation(other, "x1", "not theirs"))
	list, err := b.Compartment(b.ctx(), s, store.Latest, all)
	b.must(err)
	types := []string{}
	for _, v := range list {
		types = append(types, v.Type)
	}
	if len(list) != 4 || len(slices.Compact(types)) != 3 {
		b.Errorf("compartment: %v", ids(list))
	}
	list, err = b.Compartment(b.ctx(), s, store.Latest, all, "Observation")
	b.must(err)
	b.equal("by type, by age", ids(list), []string{"Observation/o1@1", "Observation/o2@1"})
	p := observation(s, "", "changed")
	p.Item = list[0].Item
	b.write(p)
	if value(list[0]) != "o1" {
		b.Error("a version that was given out changed")
	}
	list, err = b.Compartment(b.ctx(), s, store.Latest, all, "Observation", "Nonsense")
	b.must(err)
	b.equal("after a change", ids(list), []string{"Observation/o1@2", "Observation/o2@1"})
	list, err = b.Compartment(b.ctx(), 999999, store.Latest, all)
	if err != nil || len(list) != 0 {
		b.Errorf("a subject that is none: %v %v", list, err)
	}
}

// enclosing: the compartment of whom a resource belongs to, if the resource is shown.
func enclosing(b *box) {
	s := b.subject(pas)
	b.write(observation(s, "o1", "one"))
	_, n := b.write(observation(s, "o2", "two"))
	b.write(observation(s, "o3", "three"))
	org, _ := b.write(store.Put{Type: "Organization", Source: pas, DataSet: policy.Directory, Body: []byte(`{"resourceType":"Organization"}`)})
	ask := func(typ, id string, n uint64, p *policy.Predicate, types ...string) ([]string, store.Subject, error) {
		list, subject, err := b.Enclosing(b.ctx(), typ, id, n, p, types...)
		return ids(list), subject, err
	}
	got, subject, err := ask("Observation", "o1", store.Latest, all)
	b.must(err)
	b.equal("all", got, []string{"Observation/o1@1", "Observation/o2@1", "Observation/o3@1"})
	b.equal("whose", subject, s)
	got, _, err = ask("Observation", "o1", n, all, "Observation")
	b.must(err)
	b.equal("as at then", got, []string{"Observation/o1@1", "Observation/o2@1"})
	got, _, err = ask("Observation", "o1", store.Latest, all, "Flag")
	b.must(err)
	b.equal("of another type", got, []string{})
	got, subject, err = ask("Organization", org.ID, store.Latest, all)
	b.must(err)
	b.equal("of no person", fmt.Sprint(got, subject), "[] 0")
	for _, id := range []string{"never", "o3"} {
		_, _, err = ask("Observation", id, n, all)
		b.unknown("not there then: "+id, err)
	}
	_, _, err = ask("Observation", "o1", store.Latest, &policy.Predicate{Permit: true, OnlySource: lims, DataSets: policy.AllDataSets})
	b.unknown("hidden", err)
	_, _, err = ask("Observation", "o1", store.Latest, &policy.Predicate{})
	b.unknown("nothing is permitted", err)
}

// sharedResources are of no person, and their changes are seen at once.
func sharedResources(b *box) {
	put := func(item store.ItemID, name string) (store.Written, uint64) {
		return b.write(store.Put{Type: "Organization", Item: item, Source: pas, DataSet: policy.Directory, Body: []byte(`{"resourceType":"Organization","name":"` + name + `"}`)})
	}
	w, n1 := put(0, "old")
	for range 2 {
		list, err := b.Compartment(b.ctx(), store.Shared, store.Latest, all)
		b.must(err)
		b.equal("the directory", len(list), 1)
	}
	put(w.Item, "new")
	v, err := b.Shared(b.ctx(), "Organization", w.ID)
	b.must(err)
	b.equal("version", v.Version, 2)
	list, err := b.Compartment(b.ctx(), store.Shared, store.Latest, all)
	b.must(err)
	b.equal("the directory after a change", ids(list), []string{"Organization/" + w.ID + "@2"})
	list, err = b.Compartment(b.ctx(), store.Shared, n1, all)
	b.must(err)
	b.equal("the directory as at n1", ids(list), []string{"Organization/" + w.ID + "@1"})
	s := b.subject(pas)
	o, _ := b.write(observation(s, "", "x"))
	_, err = b.Shared(b.ctx(), "Observation", o.ID)
	b.unknown("what is of a person is not shared", err)
}

// manyVersions: a resource with hundreds of versions is found by what its
// last one says, and by nothing that an older one said.
func manyVersions(b *box) {
	s := b.subject(pas)
	var item store.ItemID
	b.commit(func(tx ingest.Tx) {
		for i := range 300 {
			p := observation(s, "many", fmt.Sprint(i))
			p.Item, p.Tokens = item, []string{fmt.Sprintf("code:%d", i)}
			w, err := tx.Write(p)
			b.must(err)
			item = w.Item
		}
	})
	v, err := b.read("Observation", "many", store.Latest, all)
	b.must(err)
	b.equal("version", v.Version, 300)
	for i := range 300 {
		want := []string{}
		if i == 299 {
			want = []string{"many"}
		}
		if got := b.found("Observation", [][]string{{fmt.Sprintf("code:%d", i)}}, all, 10); !slices.Equal(got, want) {
			b.Fatalf("found by what version %d said: %v", i+1, got)
		}
	}
	b.equal("found once", b.found("Observation", nil, all, 10), []string{"many"})
}

// moved: a source says that an item was on the wrong patient. It leaves the
// first one with all its versions.
func moved(b *box) {
	s, other := b.subject(pas), b.subject(pas)
	w, _ := b.write(observation(s, "wrong", "one"))
	stay, _ := b.write(observation(s, "stays", "mine"))
	for range 2 { // the second from the cache
		if _, err := b.Compartment(b.ctx(), s, store.Latest, all); err != nil {
			b.Fatal(err)
		}
	}
	p := observation(other, "", "one")
	p.Item = w.Item
	b.write(p)
	list, err := b.Compartment(b.ctx(), s, store.Latest, all)
	b.must(err)
	b.equal("the first subject", ids(list), []string{"Observation/" + stay.ID + "@1"})
	list, err = b.Compartment(b.ctx(), other, store.Latest, all)
	b.must(err)
	b.equal("the second subject", ids(list), []string{"Observation/wrong@1"})
	b.equal("its subject", list[0].Subject, other)
	owner, err := b.Owner(b.ctx(), "Observation", "wrong")
	b.must(err)
	b.equal("owner", owner, other)
	p.Body = observation(other, "", "two").Body
	b.write(p)
	h, err := b.History(b.ctx(), "Observation", "wrong", store.Latest, all)
	b.must(err)
	b.equal("history", ids(h), []string{"Observation/wrong@2", "Observation/wrong@1"})
	f, err := b.Search(b.ctx(), store.Query{Type: "Observation", Groups: [][]string{{"code:a"}}, N: store.Latest, Limit: 10}, all)
	b.must(err)
	for _, hit := range f {
		if hit.ID == "wrong" && hit.Subject != other {
			b.Error("search still gives it to the first subject")
		}
	}
}

// rollback: an Update that fails leaves nothing: no version, subject, key,
// source, number or posting.
func rollback(b *box) {
	s := b.subject(pas)
	before, err := b.N(b.ctx())
	b.must(err)
	var id string
	err = b.Commit(b.ctx(), func(tx ingest.Tx) error {
		if _, err := tx.Begin(epoch, "NEW:SRC", 1); err != nil {
			return err
		}
		p := observation(s, "rolled-back", "x")
		p.Source = "NEW:SRC"
		if _, err := tx.Write(p); err != nil {
			return err
		}
		if _, id, _, err = tx.ByKey(pas, "Condition", "k"); err != nil {
			return err
		}
		n, err := tx.NewSubject("NEW:SRC")
		if err != nil {
			return err
		}
		if _, err := tx.NewCitizen(n); err != nil {
			return err
		}
		return errStop
	})
	if err == nil {
		b.Fatal("the error of an Update was swallowed")
	}
	_, err = b.read("Observation", "rolled-back", store.Latest, all)
	b.unknown("what was rolled back", err)
	b.equal("search", b.found("Observation", nil, all, 10), []string{})
	after, err := b.N(b.ctx())
	b.must(err)
	b.equal("n", after, before)
	list, err := b.Compartment(b.ctx(), s, store.Latest, all)
	b.must(err)
	b.equal("compartment", len(list), 0)
	b.commit(func(tx ingest.Tx) {
		if _, again, exists, err := tx.ByKey(pas, "Condition", "k"); exists || err != nil || again == "" {
			b.Error("the key", id, again, exists, err)
		}
	})
	// The same again goes through, the new source with it.
	p := observation(s, "rolled-back", "x")
	p.Source = "NEW:SRC"
	b.write(p)
	v, err := b.read("Observation", "rolled-back", store.Latest, all)
	b.must(err)
	b.equal("its source", v.Source, "NEW:SRC")
}

// wholeCommits: a reader sees all of a commit or nothing of it.
func wholeCommits(b *box) {
	s := b.subject(pas)
	a, _ := b.write(observation(s, "", "0"))
	c, _ := b.write(observation(s, "", "0"))
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				list, err := b.Compartment(b.ctx(), s, store.Latest, all)
				if err != nil || len(list) != 2 || value(list[0]) != value(list[1]) {
					b.Errorf("half a commit was seen: %v %v", ids(list), err)
					return
				}
			}
		})
	}
	for i := range 20 {
		b.commit(func(tx ingest.Tx) {
			for _, w := range []store.Written{a, c} {
				p := observation(s, "", fmt.Sprint(i+1))
				p.Item = w.Item
				_, err := tx.Write(p)
				b.must(err)
			}
		})
	}
	close(stop)
	wg.Wait()
}
