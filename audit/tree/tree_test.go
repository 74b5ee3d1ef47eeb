package tree

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"selda/fault"
)

var seed = bytes.Repeat([]byte{7}, 32)

func leaves(from, n int) []Hash {
	out := make([]Hash, n)
	for i := range out {
		out[i] = Leaf(fmt.Appendf(nil, "entry %d", from+i))
	}
	return out
}

func grow(t *testing.T, dir Folder, from int, steps ...int) *Log {
	t.Helper()
	l, err := Open(t.Context(), dir, seed)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range steps {
		at, err := l.Latest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Extend(t.Context(), at, leaves(from, n)); err != nil {
			t.Fatal(err)
		}
		from += n
	}
	return l
}

// The tree in tiles is RFC 6962's, whatever the steps in which it grew, and
// every path to a leaf and every way from an older tree is what its verifier takes.
func TestTreeIsThatOfRFC6962(t *testing.T) {
	l := grow(t, Folder(t.TempDir()), 0, 1, 255, 1, 300, 65_300, 3)
	at, err := l.Latest(t.Context())
	if err != nil || at.Size != 65_860 {
		t.Fatal(at.Size, err)
	}
	var stored []Hash // all nodes, as tlog itself keeps them
	kept := tlog.HashReaderFunc(func(x []int64) ([]Hash, error) {
		out := make([]Hash, len(x))
		for i := range x {
			out[i] = stored[x[i]]
		}
		return out, nil
	})
	all := leaves(0, int(at.Size))
	for i, h := range all {
		more, err := tlog.StoredHashesForRecordHash(int64(i), h, kept)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	if want, err := tlog.TreeHash(at.Size, kept); err != nil || want != at.Root {
		t.Fatalf("root %v, want %v: %v", at.Root, want, err)
	}
	for _, i := range []int64{0, 1, 255, 256, 511, 65_535, 65_536, 65_859} {
		proof, err := l.Prove(t.Context(), i, all[i])
		if err != nil {
			t.Fatal(err)
		}
		if index, _, err := CheckProof(proof, all[i], l.Key()); err != nil || index != i {
			t.Errorf("leaf %d: %d, %v", i, index, err)
		}
		if _, err := l.Prove(t.Context(), i, Leaf(nil)); err == nil {
			t.Errorf("leaf %d was proven to be another", i)
		}
	}
	if _, err := l.Prove(t.Context(), at.Size, all[0]); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a leaf beyond the end: %v", err)
	}
}

// A witness keeps a checkpoint. The tree that goes on from it is told from one that was made anew.
func TestConsistencyWithWhatAWitnessKept(t *testing.T) {
	dir := Folder(t.TempDir())
	l := grow(t, dir, 0, 300)
	old, err := l.Latest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l = grow(t, dir, 300, 500)
	proof, err := l.Extends(t.Context(), old.Note)
	if err != nil {
		t.Fatal(err)
	}
	was, at, err := CheckExtends(proof, old.Note, l.Key())
	if err != nil || was.Size != 300 || at.Size != 800 {
		t.Fatal(was.Size, at.Size, err)
	}
	for name, other := range map[string]*Log{
		"one entry changed": grow(t, Folder(t.TempDir()), 1, 800),
		"entries gone":      grow(t, Folder(t.TempDir()), 0, 200),
	} {
		if _, err := other.Extends(t.Context(), old.Note); fault.KindOf(err) != fault.Conflict {
			t.Errorf("%s: %v", name, err)
		}
		latest, _ := other.Latest(t.Context())
		forged := append(bytes.SplitAfter(proof, []byte("\n\n"))[0], latest.Note...)
		if _, _, err := CheckExtends(forged, old.Note, l.Key()); err == nil {
			t.Errorf("%s: a proof for another tree was taken", name)
		}
	}
	stranger, err := Open(t.Context(), Folder(t.TempDir()), bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Extends(t.Context(), old.Note); fault.KindOf(err) != fault.Conflict {
		t.Errorf("another's checkpoint: %v", err)
	}
}

// Witnesses sign the checkpoint beside the region; it stays one of the region.
// https://c2sp.org/signed-note
func TestCheckpointTakesCosignatures(t *testing.T) {
	l := grow(t, Folder(t.TempDir()), 0, 5)
	at, err := l.Latest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	own, err := note.NewVerifier(l.Key())
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(at.Note, note.VerifierList(own))
	if err != nil || strings.Count(n.Text, "\n") != 3 {
		t.Fatal(n, err)
	}
	secret, _, err := note.GenerateKey(zeros{}, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	witness, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	both, err := note.Sign(n, witness)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := Parse(both, l.Key()); err != nil || c.Size != 5 {
		t.Error(c, err)
	}
	if _, err := Parse(bytes.Replace(both, []byte("\n5\n"), []byte("\n6\n"), 1), l.Key()); err == nil {
		t.Error("a checkpoint that was changed was taken")
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// Tiles are served by the paths of https://c2sp.org/tlog-tiles, each by one path.
func TestTilesByPath(t *testing.T) {
	l := grow(t, Folder(t.TempDir()), 0, 70_000)
	for path, bytes := range map[string]int{"0/000": 8192, "0/272": 8192, "0/273.p/112": 112 * 32, "0/273.p/1": 32, "1/000": 8192, "1/001.p/17": 17 * 32, "2/000.p/1": 32} {
		if b, err := l.Tile(t.Context(), path); err != nil || len(b) != bytes {
			t.Errorf("%s: %d bytes, %v", path, len(b), err)
		}
	}
	for _, path := range []string{"", "0", "0/", "0/273", "0/273.p/113", "0/0", "0/x000/000", "00/000", "64/000", "0/000.p/0", "0/000.p/256", "0/000.p/01", "0/999", "0/-01", "0/+01", "3/000.p/1",
		"entries/000", "0/x999/x999/x999/x999/x999/x999/999", "0/000/000", "0/../../checkpoint"} {
		if b, err := l.Tile(t.Context(), path); err != nil || b != nil {
			t.Errorf("%q: %d bytes, %v", path, len(b), err)
		}
	}
}

// After a crash the levels hold more than the checkpoint counts, or half a hash:
// the next extension writes over it.
func TestWhatACrashLeftIsWrittenOver(t *testing.T) {
	dir := Folder(t.TempDir())
	grow(t, dir, 0, 600)
	for level, rest := range map[string][]byte{"level-0": bytes.Repeat([]byte{1}, 32*50+7), "level-1": {1, 2, 3}} {
		f, err := os.OpenFile(filepath.Join(string(dir), level), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = f.Write(rest)
		_ = f.Close()
	}
	l := grow(t, dir, 600, 500)
	whole := grow(t, Folder(t.TempDir()), 0, 1100)
	a, err := l.Latest(t.Context())
	b, _ := whole.Latest(t.Context())
	if err != nil || a.Root != b.Root {
		t.Error("the tree is another after a crash", err)
	}
	walk(t, l, 0, 1100, "")
}

func walk(t *testing.T, l *Log, from, n int, want string) {
	t.Helper()
	w, err := l.Walk(t.Context())
	for _, h := range leaves(from, n) {
		if err == nil && w.Wants() {
			err = w.Next(h)
		}
	}
	if err == nil {
		_, err = w.End()
	}
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%v, want %q", err, want)
	}
}

// A tree that contradicts its leaves is found, and the first entry is named.
func TestWalkNamesTheFirstEntry(t *testing.T) {
	const n = 1000
	l := grow(t, Folder(t.TempDir()), 0, n)
	walk(t, l, 0, n, "")
	walk(t, l, 0, n+5, "") // the tree is behind
	walk(t, l, 1, n, "entry 1 ")
	walk(t, l, 0, n-1, "entry 1000 ")
	for level, c := range map[string]struct {
		at   int64
		want string
	}{"level-0": {777*32 + 3, "entry 778 "}, "level-1": {2 * 32, "entry 513 "}, "checkpoint": {40, "checkpoint"}} {
		dir := Folder(t.TempDir())
		l := grow(t, dir, 0, n)
		path := filepath.Join(string(dir), level)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[c.at] ^= 1
		_ = os.WriteFile(path, b, 0o600)
		if level == "checkpoint" {
			if _, err := l.Walk(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Error(level, err)
			}
			continue
		}
		walk(t, l, 0, n, c.want)
		_ = os.Truncate(path, c.at)
		walk(t, l, 0, n, "does not hold")
	}
}

func FuzzCheckProof(f *testing.F) {
	dir := Folder(f.TempDir())
	l, err := Open(f.Context(), dir, seed)
	if err != nil {
		f.Fatal(err)
	}
	at, _ := l.Latest(f.Context())
	all := leaves(0, 400)
	if at, err = l.Extend(f.Context(), at, all); err != nil {
		f.Fatal(err)
	}
	for _, i := range []int64{0, 256, 399} {
		p, err := l.Prove(f.Context(), i, all[i])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p, i)
	}
	old, _ := l.Extends(f.Context(), at.Note)
	f.Add(old, int64(0))
	f.Add([]byte("c2sp.org/tlog-proof@v1\nextra eA==\nindex 0\n\n"), int64(1))
	f.Fuzz(func(t *testing.T, proof []byte, i int64) {
		leaf := Leaf(fmt.Appendf(nil, "entry %d", i))
		index, got, err := CheckProof(proof, leaf, l.Key())
		if err == nil && (index != i || i < 0 || i >= 400 || got.Root != at.Root) {
			t.Errorf("leaf %d was taken for the one at %d", i, index)
		}
		_, _, _ = CheckExtends(proof, at.Note, l.Key())
	})
}
