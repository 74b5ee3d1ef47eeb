package adapter

import (
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"selda/fhir/search"
	"selda/policy"
	"selda/store"
)

var anEntry = rapid.Custom(func(t *rapid.T) Entry {
	text := rapid.SampledFrom([]string{"", "8867-4", "http://loinc.org", "http://unitsofmeasure.org", "/min", "mm[Hg]", "µ"})
	number := rapid.OneOf(rapid.SampledFrom([]float64{0, 72, 36.6, 1e-7, 1 << 51, math.Inf(1), math.Inf(-1), math.Copysign(0, -1)}), rapid.Float64())
	e := Entry{Key: rapid.Uint64Range(1, 5).Draw(t, "key"), Item: store.ItemID(rapid.Int64Range(1, 1<<40).Draw(t, "item")), Version: rapid.IntRange(1, 300).Draw(t, "version"),
		N: rapid.Uint64Range(1, 1<<40).Draw(t, "n"), Stamp: Stamp{rapid.Int64Range(1, 9).Draw(t, "source"), policy.DataSet(rapid.IntRange(0, 20).Draw(t, "data set")),
			policy.Labels(rapid.Uint32Range(0, 1<<16).Draw(t, "labels")), rapid.Bool().Draw(t, "final")}}
	e.Code, e.System = text.Draw(t, "code"), text.Draw(t, "system")
	e.Part, e.Vague = rapid.Bool().Draw(t, "part"), rapid.Bool().Draw(t, "vague")
	for i := range e.Dates {
		if rapid.Bool().Draw(t, "dated") {
			from := rapid.OneOf(rapid.Just(int64(-1)<<62), rapid.Int64Range(-1<<42, 1<<42)).Draw(t, "from")
			e.Dates[i] = search.Span{From: from, To: rapid.OneOf(rapid.Just(int64(1)<<62), rapid.Int64Range(-1<<42, 1<<42)).Draw(t, "to")}
		}
	}
	if rapid.Bool().Draw(t, "measured") {
		e.Amount = &search.Amount{Low: number.Draw(t, "low"), High: number.Draw(t, "high"), System: text.Draw(t, "s"), Code: text.Draw(t, "c"), Unit: text.Draw(t, "u")}
	}
	return e
})

// Entries come back as they were.
func TestEntriesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOfN(anEntry, 0, 40).Draw(t, "entries")
		var out []Entry
		if err := EachInRun(PackRun(in), func(e *Entry) bool { out = append(out, e.Kept()); return true }); err != nil {
			t.Fatal(err)
		}
		if len(in)+len(out) > 0 && !reflect.DeepEqual(in, out) {
			t.Fatalf("\n%+v\n%+v", in, out)
		}
	})
}

// Whatever bytes stand in the database, reading them ends, with an error or without.
func FuzzEntries(f *testing.F) {
	f.Add(PackEntries([]Entry{anEntry.Example(1), anEntry.Example(2)}))
	f.Add([]byte{200, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		n := 0
		_ = EachEntry(in, func(*Entry) bool { n++; return n < 1000 })
	})
}
