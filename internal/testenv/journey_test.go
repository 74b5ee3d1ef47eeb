package testenv

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"selda/testdata/journeys"
)

var update = flag.Bool("update", false, "rewrite what the journeys see")

// Every journey is played in a fresh region. With -update, what was seen is
// written into the scripts, and the review reads the difference.
func TestJourneys(t *testing.T) {
	names, err := fs.Glob(journeys.FS, "*.txtar")
	if err != nil || len(names) < 9 {
		t.Fatal("the journeys are missing", names, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(name, ".txtar"), func(t *testing.T) {
			if testing.Short() && name != "sealed-item.txtar" && name != "opt-out.txtar" {
				t.Skip("left out by -short")
			}
			text, err := fs.ReadFile(journeys.FS, name)
			if err != nil {
				t.Fatal(err)
			}
			r, err := Play(stored(t), t.TempDir(), text)
			if err != nil {
				t.Fatal(err)
			}
			if r.Capability == "" || len(r.Actors) == 0 || r.Messages == 0 || r.Audit == 0 {
				t.Errorf("the journey says too little of itself: %+v", r)
			}
			if name == "sealed-item.txtar" && r.Compared < 40 {
				t.Errorf("only %d whole answers were held against each other", r.Compared)
			}
			if *update {
				if err := os.WriteFile(filepath.Join("../../testdata/journeys", name), r.Updated, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for _, d := range r.Differences {
				if !*update || strings.Contains(d, "what is hidden") {
					t.Error(d)
				}
			}
		})
	}
}

// A script that is not one says so, and none takes the runner down.
func FuzzParseScript(f *testing.F) {
	f.Add([]byte("words\ncapability: U-A\n-- send --\nMSH\n-- see --\nAA\n"))
	f.Add([]byte("-- see --\n"))
	f.Add([]byte("-- a --\n-- b --\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseScript(text)
		if err != nil {
			return
		}
		again, err := parseScript(s.format())
		if err != nil || string(again.format()) != string(s.format()) {
			t.Errorf("a script does not read back as it was written: %v", err)
		}
	})
}
