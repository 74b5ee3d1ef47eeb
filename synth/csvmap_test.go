package synth

import (
	"errors"
	"io"
	"testing"
	"time"

	"selda/ingest/csvtofhir"
)

// Every extract agrees with its mapping and its totals, and every row maps.
func TestExtractsMap(t *testing.T) {
	if testing.Short() {
		t.Skip("walks hundreds of citizens")
	}
	rows, types, files, vanished := map[string]int{}, map[string]int{}, map[string]int{}, 0
	before := map[string][]csvtofhir.Key{}
	for m := range New(3, 1800, time.Time{}).Messages() {
		if m.Format != "csv" {
			continue
		}
		mapping, err := csvtofhir.Named(m.Mapping)
		if err != nil {
			t.Fatal(m.Mapping, err)
		}
		r, err := csvtofhir.NewReader(mapping, m.Body, m.Source)
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		files[m.Mapping]++
		for {
			got, _, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", m.Name, err)
			}
			rows[m.Mapping]++
			for _, x := range got.Resources {
				types[x.Type]++
			}
		}
		if err := r.Check(m.Totals); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
		if last, ok := before[string(m.Source)+m.Mapping]; ok {
			list, err := r.Vanished(last)
			if err != nil {
				t.Error(m.Name, err)
			}
			vanished += len(list)
		}
		before[string(m.Source)+m.Mapping] = r.Keys()
	}
	for _, want := range []string{"gp-problems", "gp-medications", "gp-allergies", "social-care-packages", "community-caseload", "hospice-caseload"} {
		if rows[want] == 0 {
			t.Errorf("no row of %s", want)
		}
	}
	if vanished == 0 {
		t.Error("nothing vanished between one extract and the next")
	}
	t.Log(files, rows, types, "vanished", vanished)
}
