package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"selda/audit/tree"
	"selda/fault"
	"selda/internal/segment"
)

func checkpoint(t *testing.T, data string) ([]byte, string) {
	t.Helper()
	tr := open(t, data)
	at, err := tr.Grow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key := tr.Tree().Key()
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	return at.Note, key
}

// R14: what a file proves is checked with the public key alone; whatever is
// changed in it is found.
func TestProofOfAnEntry(t *testing.T) {
	data := t.TempDir()
	fill(t, data, 300)
	tr := open(t, data)
	defer func() { _ = tr.Close() }()
	e := Entry{Action: BreakGlass, Outcome: Permit, User: "doctor", Name: "Dr A Okafor", Citizen: "c1", What: "Observation/1", Reason: "unconscious", Signs: []string{"same family name"}}
	seq, err := tr.Append(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	file, err := tr.Prove(t.Context(), seq, PartAct, PartName, PartReason)
	if err != nil {
		t.Fatal(err)
	}
	for _, hidden := range []string{"doctor\"", "Observation/1", "same family name"} {
		if strings.Contains(string(file), hidden) {
			t.Errorf("the file shows what was to be kept back: %s", hidden)
		}
	}
	got, err := CheckFile(file, tr.Tree().Key())
	if err != nil || got.Entry.Seq != 301 || got.Entry.Name != e.Name || got.Entry.Action != BreakGlass || got.Entry.Reason != e.Reason || got.Entry.User != "" || len(got.Kept) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, change := range [][2]string{{"Dr A Okafor", "Dr B Okafor"}, {"unconscious", "conscious"}, {`\"seq\":301`, `\"seq\":300`}, {"break-glass", "read"}, {"index 300", "index 299"}, {"chain ", "chain A"}} {
		bad := strings.Replace(string(file), change[0], change[1], 1)
		if _, err := CheckFile([]byte(bad), tr.Tree().Key()); bad == string(file) || err == nil {
			t.Errorf("%s was taken for %s", change[1], change[0])
		}
	}
	var p Proof
	if err := json.Unmarshal(file, &p); err != nil {
		t.Fatal(err)
	}
	p.Shown[PartUser] = Shown{Text: `{"user":"nurse"}`}
	forged, _ := json.Marshal(p)
	if _, err := CheckFile(forged, tr.Tree().Key()); err == nil {
		t.Error("a part that was made up was taken")
	}
	_, other := checkpoint(t, t.TempDir())
	if _, err := CheckFile(file, other); err == nil {
		t.Error("another region's key was taken")
	}
	for _, none := range []uint64{0, 302, 1 << 40} {
		if _, err := tr.Prove(t.Context(), none, Parts()...); fault.KindOf(err) != fault.NotFound {
			t.Errorf("entry %d: %v", none, err)
		}
	}
}

// Whatever entry of several files is asked for, it is the one that is proven.
func TestProofOfEveryEntry(t *testing.T) {
	data := t.TempDir()
	fill(t, data, 40)
	tr := open(t, data)
	defer func() { _ = tr.Close() }()
	for i := range 40 {
		seq := uint64(i*17%40) + 1
		file, err := tr.Prove(t.Context(), seq, Parts()...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := CheckFile(file, tr.Tree().Key())
		if err != nil || got.Entry.User != fmt.Sprintf("user%d", seq-1) || len(got.Kept) != 0 {
			t.Errorf("entry %d: %+v, %v", seq, got, err)
		}
	}
}

// R14: an insider who has the chain's key writes history anew, chain, head, tree
// and all. Nothing in the region contradicts it: the checkpoint that a witness kept does.
func TestHistoryWrittenAnewIsFoundByAnOlderCheckpoint(t *testing.T) {
	data := t.TempDir()
	fill(t, data, 500)
	kept, key := checkpoint(t, data)
	fill(t, data, 20)
	tr := open(t, data)
	if proof, err := tr.Tree().Extends(t.Context(), kept); err != nil {
		t.Fatal(err)
	} else if _, _, err := tree.CheckExtends(proof, kept, key); err != nil {
		t.Fatal(err)
	}
	_ = tr.Close()
	rewrite(t, data, func(e *Entry) bool {
		if e.Seq == 250 {
			e.User = "somebody else"
		}
		return true
	})
	if r, err := Verify(data, nil); err == nil || !strings.Contains(err.Error(), "entry 250 ") {
		t.Errorf("a chain that its tree contradicts: %+v, %v", r, err)
	}
	// The tree too, signed with the region's own key.
	if err := os.RemoveAll(filepath.Join(data, TreeFolder)); err != nil {
		t.Fatal(err)
	}
	seed, err := os.ReadFile(filepath.Join(data, SignerName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Open(t.Context(), tree.Folder(filepath.Join(data, TreeFolder)), seed); err != nil {
		t.Fatal(err)
	}
	if now, again := checkpoint(t, data); again != key {
		t.Fatal("the test's insider signs with another key", now)
	}
	if r, err := Verify(data, nil); err != nil || r.Entries != 520 || r.Tree != 520 {
		t.Fatalf("the insider left traces, so that this test shows nothing: %+v, %v", r, err)
	}
	tr = open(t, data)
	defer func() { _ = tr.Close() }()
	if _, err := tr.Tree().Extends(t.Context(), kept); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "does not go on") {
		t.Errorf("history that was written anew: %v", err)
	}
}

// rewrite makes a trail anew with the region's own keys; the clock is the entries' own.
func rewrite(t *testing.T, data string, change func(*Entry) bool) {
	t.Helper()
	var all []Entry
	if _, err := segment.Scan(filepath.Join(data, "audit"), 0, func(_ segment.Position, b []byte) error {
		e, err := entryOf(b)
		all = append(all, e)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.RemoveAll(filepath.Join(data, "audit")), os.Remove(filepath.Join(data, HeadFolder, "head"))); err != nil {
		t.Fatal(err)
	}
	var now time.Time
	f, err := openFiles(Options{Data: data, Now: func() time.Time { return now }, FileBytes: 1 << 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if now = e.At; !change(&e) {
			continue
		}
		durable, err := f.Append(t.Context(), e)
		if err == nil {
			_, err = durable()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// What can be done to the tree: each is found, and the entry is named where
// there is one. Reading goes on, and the tree is not begun again behind one's back.
func TestVerifyFindsWhatIsDoneToTheTree(t *testing.T) {
	good := t.TempDir()
	fill(t, good, 600)
	flip := func(path string, at int) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[at] ^= 1
		_ = os.WriteFile(path, b, 0o600)
	}
	for name, c := range map[string]struct {
		do   func(data, tree string)
		want string
	}{
		"a leaf changed":         {func(_, tree string) { flip(filepath.Join(tree, "level-0"), 32*99) }, "entry 100 "},
		"a node changed":         {func(_, tree string) { flip(filepath.Join(tree, "level-1"), 32) }, "entry 257 "},
		"cut":                    {func(_, tree string) { _ = os.Truncate(filepath.Join(tree, "level-0"), 32*300) }, "does not hold"},
		"the checkpoint changed": {func(_, tree string) { flip(filepath.Join(tree, "checkpoint"), 45) }, "checkpoint"},
		"no checkpoint":          {func(_, tree string) { _ = os.Remove(filepath.Join(tree, "checkpoint")) }, "checkpoint"},
		"taken away":             {func(_, tree string) { _ = os.RemoveAll(tree) }, "checkpoint"},
		"its key gone":           {func(data, _ string) { _ = os.Remove(filepath.Join(data, SignerName)) }, "key"},
		"the tail of the trail gone": {func(data, _ string) {
			rewrite(t, data, func(e *Entry) bool { return e.Seq <= 590 })
		}, "entry 591 "},
	} {
		data := filepath.Join(t.TempDir(), "data")
		if err := os.CopyFS(data, os.DirFS(good)); err != nil {
			t.Fatal(err)
		}
		c.do(data, filepath.Join(data, TreeFolder))
		for range 2 {
			if _, err := Verify(data, nil); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s", name, err, c.want)
			}
			if name == "its key gone" {
				continue
			}
			tr := open(t, data)
			if _, err := tr.Append(t.Context(), Entry{Action: Read}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			_ = tr.Close()
		}
	}
}

// A trail from before there was a tree gets one; a crash while it is begun is no damage.
func TestTreeOfAnOlderTrail(t *testing.T) {
	data := t.TempDir()
	fill(t, data, 30)
	if err := errors.Join(os.RemoveAll(filepath.Join(data, TreeFolder)), os.Remove(filepath.Join(data, SignerName))); err != nil {
		t.Fatal(err)
	}
	if r, err := Verify(data, nil); err != nil || r.Tree != 0 {
		t.Fatal(r, err)
	}
	lost := tree.Folder(filepath.Join(data, TreeFolder)) // begun under a key that a crash took
	if _, err := tree.Open(t.Context(), lost, make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	fill(t, data, 5)
	if r, err := Verify(data, nil); err != nil || r.Tree != 35 {
		t.Fatal(r, err)
	}
}

// The tree holds an entry within five seconds, with nobody asking for it.
func TestTreeFollowsWithinFiveSeconds(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	tr := open(t, t.TempDir())
	defer func() { _ = tr.Close() }()
	for range 2 {
		if _, err := tr.Append(t.Context(), Entry{Action: Read}); err != nil {
			t.Fatal(err)
		}
		for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
			if n, err := tr.Behind(t.Context()); err != nil {
				t.Fatal(err)
			} else if n == 0 {
				break
			}
			if time.Since(began) > 5*time.Second {
				t.Fatal("an entry is not in the tree after five seconds")
			}
		}
	}
}

func FuzzCheckFile(f *testing.F) {
	data := f.TempDir()
	tr, err := Open(Options{Data: data, Now: time.Now})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = tr.Close() })
	for i := range 5 {
		if _, err := tr.Append(f.Context(), Entry{Action: Read, User: fmt.Sprint(i), Name: "Dr A"}); err != nil {
			f.Fatal(err)
		}
	}
	key := tr.Tree().Key()
	for seq := range 5 {
		file, err := tr.Prove(f.Context(), uint64(seq)+1, Parts()[:seq]...)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if got, err := CheckFile(file, key); err == nil && (got.Entry.Seq < 1 || got.Entry.Seq > 5 || got.Entry.Name != "" && got.Entry.Name != "Dr A") {
			t.Errorf("%+v was proven, which was never written", got.Entry)
		}
	})
}

// The key that signs the checkpoints changes: a proof of before and one of now hold by
// either key, offline, and the trail verifies.
func TestTheSignerHandsOver(t *testing.T) {
	data := t.TempDir()
	open := func() *Trail {
		t.Helper()
		tr, err := Open(Options{Data: data, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		return tr
	}
	tr := open()
	add := func() {
		t.Helper()
		if _, err := tr.Append(t.Context(), Entry{Action: Read, What: "record"}); err != nil {
			t.Fatal(err)
		}
	}
	add()
	first := tr.Tree().Key()
	before, err := tr.Prove(t.Context(), 1, Parts()...)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.HandOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	add()
	second := tr.Tree().Key()
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	tr = open()
	defer func() { _ = tr.Close() }()
	if tr.Tree().Key() != second || second == first {
		t.Fatal("opened again it signs by another key")
	}
	now, err := tr.Prove(t.Context(), 2, Parts()...)
	if err != nil {
		t.Fatal(err)
	}
	handovers := tr.Tree().Handovers()
	for name, c := range map[string]struct {
		file  []byte
		key   string
		more  []string
		holds bool
	}{
		"of before, by its key":                      {before, first, nil, true},
		"of before, by the new key":                  {before, second, handovers, true},
		"of before, by the new key alone":            {before, second, nil, false},
		"of now, by its key":                         {now, second, nil, true},
		"of now, by the former key: it leads there":  {now, first, nil, true},
		"of now, by a key that is of another region": {now, "selda.example/trail/x+00000000+AQ==", nil, false},
	} {
		if _, err := CheckFile(c.file, c.key, c.more...); (err == nil) != c.holds {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r, err := Verify(data, nil); err != nil || r.Tree != 2 {
		t.Error(r, err)
	}
}
