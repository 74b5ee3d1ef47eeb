package tree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"selda/fault"
)

// keptHere keeps a key in memory.
type keptHere struct {
	b    []byte
	dies bool // before anything else is done
}

func (k *keptHere) Read(context.Context) ([]byte, error) { return k.b, nil }

func (k *keptHere) Keep(_ context.Context, was, now []byte) error {
	if !bytes.Equal(k.b, was) {
		return fault.E("test", fault.Conflict, "another has changed it")
	}
	k.b = now
	if k.dies {
		return errors.New("killed")
	}
	return nil
}

// more adds leaves to a log.
func more(t *testing.T, l *Log, from, n int) Checkpoint {
	t.Helper()
	at, err := l.Latest(t.Context())
	if err == nil {
		at, err = l.Extend(t.Context(), at, leaves(from, n))
	}
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// The key changes twice. Whoever holds any of the three keys checks proofs of all times,
// given the hand-overs; without them only those of its own time. A former key signs
// nothing beyond its end.
func TestKeysAreFollowedOverHandovers(t *testing.T) {
	dir := Folder(t.TempDir())
	kept := &keptHere{b: seed}
	l, err := Open(t.Context(), dir, seed)
	if err != nil {
		t.Fatal(err)
	}
	l.KeptBy(kept)
	var keysOf []string
	var proofs [][]byte
	var checkpoints []Checkpoint
	for i := range 3 {
		checkpoints = append(checkpoints, more(t, l, i*10, 10))
		p, err := l.Prove(t.Context(), int64(i*10), Leaf(fmt.Appendf(nil, "entry %d", i*10)))
		if err != nil {
			t.Fatal(err)
		}
		keysOf, proofs = append(keysOf, l.Key()), append(proofs, p)
		if i < 2 {
			if err := l.HandOver(t.Context()); err != nil {
				t.Fatal(err)
			}
			if at, err := l.Latest(t.Context()); err != nil || at.Size != int64(i*10+10) {
				t.Fatal(at, err)
			}
		}
	}
	handovers := l.Handovers()
	if len(handovers) != 2 || keysOf[0] == keysOf[1] || keysOf[1] == keysOf[2] {
		t.Fatal(keysOf, handovers)
	}
	for k, key := range keysOf {
		for p, proof := range proofs {
			leaf := Leaf(fmt.Appendf(nil, "entry %d", p*10))
			if _, at, err := CheckProof(proof, leaf, key, handovers...); err != nil || at.Size != int64(p*10+10) {
				t.Errorf("proof %d by key %d: %v", p, k, err)
			}
			if _, _, err := CheckProof(proof, leaf, key); (err == nil) != (k == p) {
				t.Errorf("proof %d by key %d alone: %v", p, k, err)
			}
		}
	}
	// From the first checkpoint to the last, over both.
	for _, again := range []*Log{l, reopened(t, dir, kept.b)} {
		proof, err := again.Extends(t.Context(), checkpoints[0].Note)
		if err != nil {
			t.Fatal(err)
		}
		if was, at, err := CheckExtends(proof, checkpoints[0].Note, keysOf[0], handovers...); err != nil || was.Size != 10 || at.Size != 30 {
			t.Error(was, at, err)
		}
	}
	// A former key that somebody has signs what it likes, and nobody takes it.
	former, err := parseSigning(seed)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := former.sign(25, checkpoints[2].Root)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keysOf {
		if _, err := Parse(forged, key, handovers...); err == nil || !strings.Contains(err.Error(), "handed over") {
			t.Errorf("taken: %v", err)
		}
	}
	// Nor does it hand over a second time.
	other := strings.Repeat("x", 32)
	again, err := former.next([]byte(other), checkpoints[2])
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{keysOf[0], keysOf[2], again.key} {
		if _, err := Parse(checkpoints[2].Note, key, append(handovers, again.Handovers...)...); err == nil {
			t.Error("two successors of one key are taken")
		}
	}
	// A hand-over that was changed, or that one of the two has not signed, is none.
	for i := range handovers[0] {
		b := []byte(handovers[0])
		b[i] ^= 1
		if _, err := parseHandover(string(b)); err == nil {
			t.Fatalf("changed at %d it holds", i)
		}
	}
	text, _, _ := strings.Cut(handovers[0], "\n\n")
	alone, err := note.Sign(&note.Note{Text: text + "\n"}, former.signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parseHandover(string(alone)); err == nil {
		t.Error("it holds though the next key has not signed it")
	}
}

func reopened(t *testing.T, dir Folder, kept []byte) *Log {
	t.Helper()
	l, err := New(dir, kept)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Latest(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

// Cut off after the new key is kept, the log goes on; a node that knows the former key
// only reads the key again.
func TestAHandOverMayBeCutOff(t *testing.T) {
	dir := Folder(t.TempDir())
	kept := &keptHere{b: seed}
	l, err := Open(t.Context(), dir, seed)
	if err != nil {
		t.Fatal(err)
	}
	l.KeptBy(kept)
	more(t, l, 0, 10)
	other := reopened(t, dir, seed).KeptBy(kept)
	first := l.Key()
	kept.dies = true
	if err := l.HandOver(t.Context()); err == nil {
		t.Fatal("it was not cut off")
	}
	kept.dies = false
	next := reopened(t, dir, kept.b).KeptBy(kept) // as after a start: the checkpoint is of the former key
	at := more(t, next, 10, 10)
	if _, err := Parse(at.Note, first, next.Handovers()...); err != nil || next.Key() == first {
		t.Error("by hand-over:", err)
	}
	if at := more(t, other, 20, 10); at.Size != 30 || other.Key() != next.Key() {
		t.Error("the other node signs by", other.Key())
	}
	if err := other.HandOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if at := more(t, next, 30, 1); at.Size != 31 || next.Key() != other.Key() || len(next.Handovers()) != 2 {
		t.Error(next.Key(), len(next.Handovers()))
	}
	if err := (&Log{tiles: dir, signing: next.now()}).HandOver(t.Context()); err == nil {
		t.Error("a key that is kept nowhere was changed")
	}
}

func FuzzHandover(f *testing.F) {
	s, err := parseSigning(seed)
	if err != nil {
		f.Fatal(err)
	}
	n, err := s.next(bytes.Repeat([]byte{99}, 32), Checkpoint{Size: 3})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(n.Handovers[0], n.key)
	f.Add("selda.example/trail-handover@v1\na\n1\n\n\n\n\n\n— a AAAA\n", s.key)
	f.Fuzz(func(t *testing.T, signed, key string) {
		k, err := trust(key, []string{signed})
		if err == nil && len(k) > 1 && signed != n.Handovers[0] {
			h, err := parseHandover(signed)
			if err != nil || h.former != s.key || h.now != n.key {
				t.Errorf("a forged hand-over is followed: %q", signed)
			}
		}
	})
}
