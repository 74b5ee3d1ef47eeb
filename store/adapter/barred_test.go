package adapter

import (
	"encoding/binary"
	"testing"

	"selda/store"
)

// What is not barred is told from a million things that are by a hash and a search in memory.
func BenchmarkNotBarred(b *testing.B) {
	prints := NewPrints(make([]byte, 32))
	all := make([]store.Print, 1_000_000)
	for i := range all {
		all[i] = prints.print("x", string(binary.BigEndian.AppendUint64(nil, uint64(i))))
	}
	barred := NewBarred(all)
	n := store.Named{Source: "RJZ:PAS", Type: "Observation", Key: "F1/718-7"}
	for b.Loop() {
		if barred.May(prints.Of(n)) {
			b.Fatal("it is barred")
		}
	}
}

// A print tells apart whatever differs, wherever one part ends and the next begins.
func TestPrintsTellApart(t *testing.T) {
	p, other := NewPrints([]byte("a")), NewPrints([]byte("b"))
	seen := map[store.Print]int{}
	for i, n := range []store.Named{
		{Source: "RJZ:PAS", Type: "Observation", Key: "1"}, {Source: "RJZ:PAS", Type: "Observation", ID: "1"}, {Source: "RJZ:PAS", System: "Observation", Value: "1"},
		{Source: "RJZ:PAS", System: "Observation1"}, {Source: "RJZ:PA", Type: "SObservation", ID: "1"}, {Source: "RJZ:PAS", Type: "Observation", Subject: 1, Body: []byte("1")},
		{Source: "RJZ:PAS", Type: "Observation", Subject: 2, Body: []byte("1")},
	} {
		if before, is := seen[p.Of(n)]; is {
			t.Errorf("%d is taken for %d", i, before)
		}
		if p.Of(n) == other.Of(n) {
			t.Errorf("%d needs no key", i)
		}
		seen[p.Of(n)] = i
	}
}
