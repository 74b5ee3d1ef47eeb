package region

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"selda/audit"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
)

// A backup is made while the region is in use: what was acknowledged before it
// began is in what is restored of it, and the trail holds.
func TestBackupOfARegionInUse(t *testing.T) {
	data := t.TempDir()
	r, err := Open(t.Context(), Options{Data: data, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	var stored []string
	var busy sync.WaitGroup
	for g := range 4 {
		busy.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprintf("p%d-%d", g, i)
				rec, err := r.Ingest.Submit(t.Context(), &ingest.Raw{Source: "RJZ:PAS", Format: ingest.FHIR, Call: "PUT Patient/" + id, Body: fmt.Appendf(nil, `{"resourceType":"Patient","id":"%s"}`, id)})
				if err == nil {
					_, err = rec.Committed(t.Context())
				}
				if err == nil {
					_, err = r.Trail.Append(t.Context(), audit.Entry{Action: audit.Create, What: id})
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				stored = append(stored, id)
				mu.Unlock()
			}
		})
	}
	operator := policy.Subject{User: "operator", Role: nhs.Operator}
	for i := range 12 {
		time.Sleep(30 * time.Millisecond)
		mu.Lock()
		before := slices.Clone(stored)
		mu.Unlock()
		file, there := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "restored")
		if err := r.Backup(t.Context(), operator, file); err != nil {
			t.Fatal(i, err)
		}
		if err := Restore(t.Context(), file, there, ""); err != nil {
			t.Fatal(i, err)
		}
		again, err := Open(t.Context(), Options{Data: there, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(i, err)
		}
		for _, id := range before {
			if _, err := again.Store.Owner(t.Context(), "Patient", id); err != nil {
				t.Fatal(i, id, err)
			}
		}
		if err := again.Close(); err != nil {
			t.Error(i, err)
		}
		if report, err := VerifyTrail(t.Context(), there, ""); err != nil || report.Entries < uint64(len(before)) {
			t.Errorf("backup %d: %d entries, of %d at least: %v", i, report.Entries, len(before), err)
		}
	}
	stop()
	busy.Wait()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}
