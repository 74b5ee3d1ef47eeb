package unmapped

import (
	"strings"
	"testing"
	"time"

	"selda/ingest/mapped"
	"selda/internal/document"
)

// Two nodes count into one tally, and nothing of either is lost.
func TestNodesCountTogether(t *testing.T) {
	kept := document.Folder(t.TempDir())
	a, b := Open(kept), Open(kept)
	at := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	for i := range 10 {
		a.Add("G85915:GP", []mapped.Code{{System: "urn:x", Code: "one", Display: "One"}}, at.Add(time.Duration(i)*time.Hour))
		b.Add("G85915:GP", []mapped.Code{{System: "urn:x", Code: "one"}, {System: "urn:x", Code: "two"}}, at.Add(-time.Hour))
		if i == 5 {
			if _, err := a.List(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	list, err := a.List()
	if err != nil || len(list) != 2 || list[0] != (Entry{"G85915:GP", "urn:x", "one", "One", 20, at.Add(-time.Hour), at.Add(9 * time.Hour)}) || list[1].Count != 10 {
		t.Errorf("%v %+v", err, list)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// A code without end takes neither the tally's room nor what was counted before.
func TestALongCodeLosesNoOther(t *testing.T) {
	l := Open(document.Folder(t.TempDir()))
	at := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	l.Add("G85915:GP", []mapped.Code{{System: "urn:" + strings.Repeat("x", 1<<20), Code: strings.Repeat("é", 60)}}, at)
	for range 2 {
		l.Add("G85915:GP", []mapped.Code{{System: "urn:x", Code: "one"}}, at)
		if _, err := l.List(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	list, err := l.List()
	if err != nil || len(list) != 2 || list[0].Code != "one" || list[0].Count != 2 || list[1].Code != strings.Repeat("é", 50) {
		t.Errorf("%v %.300v", err, list)
	}
}
