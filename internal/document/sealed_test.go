package document_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"selda/internal/document"
	"selda/internal/document/documenttest"
	"selda/internal/seal"
)

func sealed(t *testing.T, dir, file string) document.Sealed {
	t.Helper()
	keys, err := seal.Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return document.Sealed{Store: document.Folder(dir), Keys: keys, Names: []string{"auth/"}}
}

func TestSealedIsAStore(t *testing.T) {
	documenttest.Run(t, sealed(t, t.TempDir(), seal.NewLine()))
}

func TestAFolderOfBeforeIsSealed(t *testing.T) {
	dir := t.TempDir()
	plain := document.Folder(dir)
	for name, text := range map[string]string{"auth/keys.json": "the key", "auth/connected/ab/x.json": "a connection", "mappings/x.json": "a mapping"} {
		if err := plain.Save(name, []byte(text), 0); err != nil {
			t.Fatal(err)
		}
	}
	first := seal.NewLine()
	s := sealed(t, dir, first)
	if n, err := s.SealAll(); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := s.SealAll(); n != 0 || err != nil {
		t.Error("sealed again:", n, err)
	}
	for name, open := range map[string]bool{"auth/keys.json": false, "auth/connected/ab/x.json": false, "mappings/x.json": true} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || bytes.HasPrefix(b, []byte("the ")) || bytes.HasPrefix(b, []byte("a ")) != open {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
	if b, _, err := s.Load("auth/keys.json"); string(b) != "the key" || err != nil {
		t.Errorf("%q %v", b, err)
	}
	// The key is changed: what was sealed by the one of before is sealed anew.
	next := sealed(t, dir, seal.NewLine()+first)
	if n, err := next.SealAll(); n != 2 || err != nil {
		t.Error(n, err)
	}
	if _, _, err := s.Load("auth/keys.json"); err == nil {
		t.Error("the key of before opens it still")
	}
}

// cut is a store whose process dies at a save: that one and those after are not made.
type cut struct {
	document.Store
	left int
}

var errKilled = errors.New("killed")

func (c *cut) Save(name string, b []byte, version int64) error {
	if c.left--; c.left < 0 {
		return errKilled
	}
	return c.Store.Save(name, b, version)
}

// Sealing anew may end at any save: with both keys everything opens, and the next time
// does the rest.
func TestSealingAnewMayEndAnywhere(t *testing.T) {
	first, second := seal.NewLine(), seal.NewLine()
	names := []string{"auth/a", "auth/b", "auth/c/d", "auth/e"}
	for left := range len(names) + 1 {
		dir := t.TempDir()
		old := sealed(t, dir, first)
		for _, n := range names {
			if err := old.Save(n, []byte("secret "+n), 0); err != nil {
				t.Fatal(err)
			}
		}
		both := sealed(t, dir, second+first)
		dying := both
		dying.Store = &cut{document.Folder(dir), left}
		if n, err := dying.SealAll(); n != left || (err == nil) != (left == len(names)) {
			t.Fatal(left, n, err)
		}
		for _, n := range names {
			if b, _, err := both.Load(n); err != nil || string(b) != "secret "+n {
				t.Errorf("ended at %d: %s: %q %v", left, n, b, err)
			}
		}
		if n, err := both.SealAll(); n != len(names)-left || err != nil {
			t.Error(left, n, err)
		}
		for _, n := range names {
			if b, _, err := sealed(t, dir, second).Load(n); err != nil || string(b) != "secret "+n {
				t.Errorf("with the new key alone: %s: %q %v", n, b, err)
			}
		}
	}
}

// What is saved while everything is sealed anew is not lost.
func TestSealingAnewLosesNoSave(t *testing.T) {
	dir := t.TempDir()
	first, second := seal.NewLine(), seal.NewLine()
	s := sealed(t, dir, first)
	s.Turn = &sync.Mutex{}
	if err := s.Save("auth/counter", []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	const most = 300
	var counting sync.WaitGroup
	done := make(chan struct{})
	counted := s
	counting.Go(func() {
		defer close(done)
		for i := range most {
			b, version, err := counted.Load("auth/counter")
			if err == nil && string(b) != strconv.Itoa(i) {
				err = errors.New("it says " + string(b))
			}
			if err == nil {
				err = counted.Save("auth/counter", []byte(strconv.Itoa(i+1)), version)
			}
			if err != nil {
				t.Error(i, err)
				return
			}
		}
	})
	ring, err := seal.NewRing(func() (seal.Keys, error) { return seal.Parse([]byte(first + second)) })
	if err != nil {
		t.Fatal(err)
	}
	other := s
	other.Keys = always{ring}
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		if _, err := other.SealAll(); err != nil {
			t.Fatal(err)
		}
	}
	counting.Wait()
	if b, _, err := s.Load("auth/counter"); string(b) != strconv.Itoa(most) || err != nil {
		t.Errorf("%q %v", b, err)
	}
}

// always seals everything anew.
type always struct{ *seal.Ring }

func (always) Current([]byte) bool { return false }

func TestKeysInUse(t *testing.T) {
	dir := t.TempDir()
	if err := document.Folder(dir).Save("auth/plain", []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	var want []string
	for i, line := range []string{seal.NewLine(), seal.NewLine()} {
		s := sealed(t, dir, line)
		if err := s.Save("auth/"+strconv.Itoa(i), []byte("x"), 0); err != nil {
			t.Fatal(err)
		}
		want = append(want, s.Keys.(seal.Keys).IDs()...)
	}
	got, err := sealed(t, dir, seal.NewLine()).InUse()
	slices.Sort(got)
	want = append(want, "")
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Error(got, want, err)
	}
}
