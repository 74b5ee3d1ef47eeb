package audit

import (
	"testing"
	"time"

	"selda/audit/tree"
)

// BenchmarkLeaf is what an entry costs the tree, but for its place on disk.
func BenchmarkLeaf(b *testing.B) {
	data := b.TempDir()
	tr, err := Open(Options{Data: data, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = tr.Close() }()
	if _, err := tr.Append(b.Context(), Entry{Action: Read, Outcome: Permit, User: "doctor", Name: "Dr A Okafor", Role: "hospital-doctor", Organisation: "RJZ", Purpose: "TREAT", Citizen: "c1", What: "Observation/0123456789",
		Rules: []string{"G7 encounter", "G1 direct care"}}); err != nil {
		b.Fatal(err)
	}
	var record []byte
	if err := tr.chain.Records(b.Context(), 1, func(_ uint64, r []byte) error { record = append(record, r...); return nil }); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		leaf, _, err := leafOf(tr.chain.Key(), record)
		if err != nil {
			b.Fatal(err)
		}
		tree.Leaf(leaf)
	}
}
