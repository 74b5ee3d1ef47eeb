// Package bulktest is the one suite for whatever keeps jobs and their files.
package bulktest

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"selda/bulk"
)

// Run runs the suite on a store that is empty. Where others may share it, a job
// is one holder's at a time: shared says so.
func Run(t *testing.T, s bulk.Store, shared bool) {
	b := box{t, s}
	k := bulk.Kept{ID: "a", State: []byte{0, 1, 255}}
	b.must(s.Create(k, ""))
	b.must(s.Create(bulk.Kept{ID: "at-once", State: []byte{2}}, "one"))
	b.listed(false, "a", "at-once")
	if got, err := s.Load("a"); err != nil || !bytes.Equal(got.State, k.State) || !got.Ended.IsZero() {
		t.Errorf("loaded: %+v %v", got, err)
	}
	for _, id := range []string{"nobody", "../a", ""} {
		if _, err := s.Load(id); !errors.Is(err, bulk.ErrUnknown) {
			t.Errorf("%q: %v", id, err)
		}
	}
	b.takes("a", "one", true)
	b.takes("a", "one", true)
	b.blocks(k)
	if shared {
		b.held(k)
	}
	k.State, k.Ended, k.Stored = []byte{3}, time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC), 6
	b.must(s.Save(k, "one"))
	b.listed(true, "a")
	b.takes("a", "one", false)
	if got, err := s.Load("a"); err != nil || !got.Ended.Equal(k.Ended) || !bytes.Equal(got.State, k.State) {
		t.Errorf("ended: %+v %v", got, err)
	}
	if used, err := s.Used(); err != nil || used < k.Stored {
		t.Errorf("used: %d %v", used, err)
	}
	b.must(s.Remove("a"))
	b.must(s.Remove("a"))
	b.listed(true)
	b.listed(false, "at-once")
	if _, err := s.Load("a"); !errors.Is(err, bulk.ErrUnknown) {
		t.Errorf("one that was removed: %v", err)
	}
	if err := s.Put(bulk.Block{Job: "a", File: "f", Sealed: []byte{1}}, "one"); !errors.Is(err, bulk.ErrTaken) {
		t.Errorf("written to one that was removed: %v", err)
	}
	if err := s.Save(k, "one"); !errors.Is(err, bulk.ErrTaken) {
		t.Errorf("saved, one that was removed: %v", err)
	}
}

type box struct {
	*testing.T
	bulk.Store
}

func (b box) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b box) listed(ended bool, want ...string) {
	b.Helper()
	list, err := b.List(ended)
	b.must(err)
	var ids []string
	for _, k := range list {
		ids = append(ids, k.ID)
	}
	if slices.Sort(ids); !slices.Equal(ids, want) {
		b.Errorf("listed: %v, want %v", ids, want)
	}
}

func (b box) takes(id, holder string, want bool) {
	b.Helper()
	ok, err := b.Take(id, holder)
	b.must(err)
	if ok != want {
		b.Errorf("%s takes %s: %t", holder, id, ok)
	}
}

// blocks: a file is its blocks, each as it was put last.
func (b box) blocks(k bulk.Kept) {
	b.Helper()
	long := bytes.Repeat([]byte{7}, 20000)
	for n, sealed := range [][]byte{{1, 2}, long, {9}} {
		at := int64([]int{0, 2, 2 + len(long)}[n])
		b.must(b.Put(bulk.Block{Job: k.ID, File: "f.ndjson", N: n, At: at, Raw: 10 * n, Sealed: sealed}, "one"))
	}
	b.must(b.Put(bulk.Block{Job: k.ID, File: "g", N: 0, Raw: 5, Sealed: []byte{5}}, "one"))
	b.must(b.Put(bulk.Block{Job: k.ID, File: "f.ndjson", N: 1, At: 2, Raw: 11, Sealed: []byte{3, 4, 5}}, "one"))
	b.must(b.Put(bulk.Block{Job: k.ID, File: "f.ndjson", N: 2, At: 5, Raw: 12, Sealed: []byte{6}}, "one"))
	b.must(b.Save(k, "one"))
	sizes, err := b.Sizes(k.ID, "f.ndjson", 3)
	b.must(err)
	if want := []bulk.Size{{Sealed: 2, Raw: 0}, {Sealed: 3, Raw: 11}, {Sealed: 1, Raw: 12}}; !slices.Equal(sizes, want) {
		b.Errorf("sizes: %v, want %v", sizes, want)
	}
	if first, err := b.Sizes(k.ID, "f.ndjson", 1); err != nil || len(first) != 1 {
		b.Errorf("of the first: %v %v", first, err)
	}
	if got, err := b.Get(k.ID, "f.ndjson", 1, 2, 3); err != nil || !bytes.Equal(got, []byte{3, 4, 5}) {
		b.Errorf("a block: %v %v", got, err)
	}
	if _, err := b.Get(k.ID, "f.ndjson", 9, 1<<20, 3); err == nil {
		b.Error("a block that is not there was read")
	}
}

// held: what one holder carries out another one can't, until it is left.
func (b box) held(k bulk.Kept) {
	b.Helper()
	b.takes("a", "two", false)
	if still, err := b.Renew("one", []string{"a", "nobody"}); err != nil || !slices.Equal(still, []string{"a"}) {
		b.Errorf("renewed: %v %v", still, err)
	}
	if still, err := b.Renew("two", []string{"a"}); err != nil || len(still) != 0 {
		b.Errorf("renewed by another: %v %v", still, err)
	}
	b.must(b.Leave("a", "two"))
	b.takes("a", "two", false)
	b.must(b.Leave("a", "one"))
	b.takes("a", "two", true)
	if err := b.Put(bulk.Block{Job: "a", File: "f.ndjson", N: 1, At: 2, Raw: 1, Sealed: []byte{8}}, "one"); !errors.Is(err, bulk.ErrTaken) {
		b.Errorf("written by a former holder: %v", err)
	}
	if err := b.Save(k, "one"); !errors.Is(err, bulk.ErrTaken) {
		b.Errorf("saved by a former holder: %v", err)
	}
	b.must(b.Leave("a", "two"))
	b.takes("a", "one", true)
}
