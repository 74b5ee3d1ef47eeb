package audit

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"selda/internal/segment"
)

func open(t *testing.T, data string) *Trail {
	t.Helper()
	tr, err := Open(Options{Data: data, Now: time.Now})
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
	r, err := Verify(data)
	if err != nil || r.Entries != 25 {
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
		if _, err := Verify(data); err == nil {
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
		if _, err := Verify(data); err == nil {
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
		if _, err := Verify(data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_ = os.WriteFile(trailFile(data), whole, 0o600)
	_ = os.WriteFile(filepath.Join(data, "audit", "note.txt"), nil, 0o600)
	if _, err := Verify(data); err == nil {
		t.Error("a foreign file was not found")
	}
}

// The zero Trail refuses.
func TestZeroTrail(t *testing.T) {
	var tr Trail
	if _, err := tr.Append(context.Background(), Entry{}); err == nil {
		t.Error("the zero Trail took an entry")
	}
}
