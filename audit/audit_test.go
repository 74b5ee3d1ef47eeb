package audit

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"selda/fault"
	"selda/internal/segment"
)

func open(t *testing.T, data string) *Trail {
	t.Helper()
	tr, err := Open(Options{Data: data, Now: time.Now, FileBytes: 1 << 10})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func fill(t *testing.T, data string, n int) {
	tr := open(t, data)
	for i := range n {
		if _, err := tr.Append(t.Context(), Entry{Action: Read, Outcome: Permit, User: fmt.Sprintf("user%d", i), What: "record"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
}

func trailFile(data string) string { return filepath.Join(data, "audit", segment.FileName(0)) }

func TestVerifyWholeAndAfterReopening(t *testing.T) {
	data := t.TempDir()
	fill(t, data, 20)
	fill(t, data, 5)
	r, err := Verify(data, nil)
	if err != nil || r.Entries != 25 || r.Files < 3 {
		t.Fatal(r, err)
	}
}

// R14: any changed byte is found, wherever it is.
func TestVerifyFindsEveryChangedByte(t *testing.T) {
	data := t.TempDir()
	fill(t, data, 4)
	whole, _ := os.ReadFile(trailFile(data))
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 0x20
		_ = os.WriteFile(trailFile(data), b, 0o600)
		if _, err := Verify(data, nil); err == nil {
			t.Fatalf("a change of byte %d of %d was not found", i, len(whole))
		} else if !strings.Contains(err.Error(), "entry ") {
			t.Fatalf("the entry is not named: %v", err)
		}
	}
}

func TestVerifyFindsEveryCutTail(t *testing.T) {
	data := t.TempDir()
	fill(t, data, 4)
	whole, _ := os.ReadFile(trailFile(data))
	for cut := range len(whole) {
		_ = os.WriteFile(trailFile(data), whole[:cut], 0o600)
		if _, err := Verify(data, nil); err == nil {
			t.Fatalf("a cut to %d of %d bytes was not found", cut, len(whole))
		}
	}
	if _, err := Open(Options{Data: data, Now: time.Now}); err == nil {
		t.Error("a cut trail was opened for writing")
	}
}

func TestVerifyFindsRemovedMovedAndAddedEntries(t *testing.T) {
	data := t.TempDir()
	fill(t, data, 6)
	whole, _ := os.ReadFile(trailFile(data))
	var cuts []int
	_, _ = segment.Scan(filepath.Join(data, "audit"), 0, func(p segment.Position, d []byte) error {
		cuts = append(cuts, int(p))
		return nil
	})
	piece := func(i int) []byte {
		if i+1 == len(cuts) {
			return whole[cuts[i]:]
		}
		return whole[cuts[i]:cuts[i+1]]
	}
	join := func(order ...int) []byte {
		var b []byte
		for _, i := range order {
			b = append(b, piece(i)...)
		}
		return b
	}
	for name, c := range map[string]struct {
		body []byte
		want string
	}{
		"removed first": {join(1, 2, 3, 4, 5), "entry 1 "},
		"removed":       {join(0, 1, 3, 4, 5), "entry 3 "},
		"moved":         {join(0, 2, 1, 3, 4, 5), "entry 2 "},
		"doubled":       {join(0, 1, 1, 2, 3, 4, 5), "entry 3 "},
		"last removed":  {join(0, 1, 2, 3, 4), "entry 6 "},
		"added at end":  {join(0, 1, 2, 3, 4, 5, 5), "entry 7 "},
		"emptied":       {nil, "entry 1 "},
	} {
		_ = os.WriteFile(trailFile(data), c.body, 0o600)
		if _, err := Verify(data, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What can be done to a trail of several files and to its head: each is found,
// and the first entry that does not hold is named.
func TestVerifyFindsWhatIsDoneToFiles(t *testing.T) {
	good := t.TempDir()
	fill(t, good, 20)
	old := t.TempDir()
	if err := os.CopyFS(old, os.DirFS(good)); err != nil {
		t.Fatal(err)
	}
	fill(t, good, 20)
	files, err := filepath.Glob(filepath.Join(good, "audit", "*"))
	if err != nil || len(files) < 6 {
		t.Fatal(files, err)
	}
	names := make([]string, len(files))
	first := make([]uint64, len(files)+1) // entry of each file
	for i, f := range files {
		names[i] = filepath.Base(f)
		first[i] = 1
		if i > 0 {
			dir := t.TempDir()
			for _, f := range files[:i] {
				b, _ := os.ReadFile(f)
				_ = os.WriteFile(filepath.Join(dir, filepath.Base(f)), b, 0o600)
			}
			_, _ = segment.Scan(dir, 0, func(segment.Position, []byte) error { first[i]++; return nil })
		}
	}
	last := len(names) - 1
	write := func(name string, change func([]byte) []byte) {
		b, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(name, change(b), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	add := func(s string) func([]byte) []byte { return func(b []byte) []byte { return append(b, s...) } }
	for name, c := range map[string]struct {
		do   func(data, audit string)
		want string
	}{
		"two files swapped": {func(_, audit string) {
			a, b := filepath.Join(audit, names[2]), filepath.Join(audit, names[4])
			_ = os.Rename(a, a+".x")
			_ = os.Rename(b, a)
			_ = os.Rename(a+".x", b)
		}, fmt.Sprintf("entry %d ", first[2])},
		"the first file gone":   {func(_, audit string) { _ = os.Remove(filepath.Join(audit, names[0])) }, "entry 1 "},
		"a file gone":           {func(_, audit string) { _ = os.Remove(filepath.Join(audit, names[3])) }, fmt.Sprintf("entry %d ", first[3])},
		"the last file gone":    {func(_, audit string) { _ = os.Remove(filepath.Join(audit, names[last])) }, fmt.Sprintf("entry %d ", first[last])},
		"the last file emptied": {func(_, audit string) { _ = os.Truncate(filepath.Join(audit, names[last]), 0) }, fmt.Sprintf("entry %d ", first[last])},
		"a file emptied":        {func(_, audit string) { _ = os.Truncate(filepath.Join(audit, names[2]), 0) }, fmt.Sprintf("entry %d ", first[2])},
		"the folder gone":       {func(_, audit string) { _ = os.RemoveAll(audit) }, "entry 1 "},
		"the folder of yesterday": {func(_, audit string) {
			_ = os.RemoveAll(audit)
			_ = os.CopyFS(audit, os.DirFS(filepath.Join(old, "audit")))
		}, "entry 21 "},
		"a byte at the end":     {func(_, audit string) { write(filepath.Join(audit, names[last]), add("x")) }, "entry 41 "},
		"bytes at the end":      {func(_, audit string) { write(filepath.Join(audit, names[last]), add(strings.Repeat("x", 99))) }, "entry 41 "},
		"bytes at a file's end": {func(_, audit string) { write(filepath.Join(audit, names[2]), add("x")) }, fmt.Sprintf("entry %d ", first[3])},
		"a byte of a middle file": {func(_, audit string) {
			write(filepath.Join(audit, names[3]), func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
		}, fmt.Sprintf("entry %d ", first[4]-1)},
		"a foreign file":            {func(_, audit string) { _ = os.WriteFile(filepath.Join(audit, "note.txt"), nil, 0o600) }, "note.txt"},
		"a file under another name": {func(_, audit string) { _ = os.Rename(filepath.Join(audit, names[0]), filepath.Join(audit, "00.seg")) }, "entry 1 "},
		"the head emptied, and cut": {func(data, audit string) {
			_ = os.Truncate(filepath.Join(data, "audit-head", "head"), 0)
			_ = os.Remove(filepath.Join(audit, names[last]))
		}, "head"},
		"the head of yesterday, cut": {func(data, audit string) {
			_ = os.RemoveAll(filepath.Join(data, "audit-head", "head"))
			_ = os.Remove(filepath.Join(audit, names[last]))
		}, "head"},
	} {
		data := filepath.Join(t.TempDir(), "data")
		if err := os.CopyFS(data, os.DirFS(good)); err != nil {
			t.Fatal(err)
		}
		c.do(data, filepath.Join(data, "audit"))
		if _, err := Verify(data, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	data := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(data, os.DirFS(good)); err != nil {
		t.Fatal(err)
	}
	_ = os.Truncate(filepath.Join(data, "audit-head", "head"), 0)
	if tr, err := Open(Options{Data: data, Now: time.Now}); err == nil {
		_ = tr.Close()
		t.Error("a trail whose head was emptied was opened for writing")
	}
}

// Verify beside a writer at work finds nothing wrong.
func TestVerifyWhileWriting(t *testing.T) {
	data := t.TempDir()
	tr := open(t, data)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := tr.Append(context.Background(), Entry{Action: Read, What: strings.Repeat("x", 300)}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 30 {
		if _, err := Verify(data, nil); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
}

// G21: the append is durable, and where it fails the trail takes nothing more:
// nothing is read without it.
func TestG21NothingAfterAFailedAppend(t *testing.T) {
	data := t.TempDir()
	tr := open(t, data)
	if _, err := tr.Append(t.Context(), Entry{Action: Read}); err != nil {
		t.Fatal(err)
	}
	if err := tr.chain.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if seq, err := tr.Append(t.Context(), Entry{Action: Read}); err == nil || seq != 0 || fault.KindOf(err) != fault.NoStore {
			t.Errorf("an entry that can't be written got number %d: %v", seq, err)
		}
	}
	_ = tr.Close()
	if r, err := Verify(data, nil); err != nil || r.Entries != 1 {
		t.Error(r, err)
	}
}

// The zero Trail refuses.
func TestZeroTrail(t *testing.T) {
	var tr Trail
	if _, err := tr.Append(context.Background(), Entry{}); err == nil {
		t.Error("the zero Trail took an entry")
	}
}
