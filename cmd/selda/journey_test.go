package main

import (
	"encoding/json"
	"testing"
	"time"
)

// The verb plays the contract's stories against a region of its own, wherever
// it is called, and says what came of them in one object.
func TestJourney(t *testing.T) {
	for _, name := range []string{"U-A", "U-C"} {
		began := time.Now()
		r := selda(t, t.TempDir(), "journey", name, "--json")
		var got struct {
			Capability *string
			Actors     []struct{ User, Organisation string }
			Messages   *int
			Audit      *int
			Passed     *bool
		}
		if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.code != 0 {
			t.Fatalf("%s: exit %d, %v: %s%s", name, r.code, err, r.out, r.err)
		}
		if got.Capability == nil || *got.Capability != name || got.Passed == nil || !*got.Passed || got.Messages == nil || *got.Messages == 0 ||
			got.Audit == nil || *got.Audit == 0 || len(got.Actors) == 0 || got.Actors[0].User == "" {
			t.Errorf("%s: %s", name, r.out)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("%s took %s", name, took)
		}
	}
}
