package region

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"selda/access/origin"
	"selda/fhir"
	"selda/ingest"
	"selda/policy"
	"selda/store"
	"selda/synth"
)

// Provenance: of random items of every format, the field that the origin
// names holds the value that the item shows, or what it was translated from.
func TestOriginsHoldTheirValues(t *testing.T) {
	r := open(t)
	l := &load{r: r, ctx: t.Context(), sum: &Summary{}}
	citizens := 40
	if testing.Short() {
		citizens = 5
	}
	for m := range synth.New(3, citizens, time.Time{}).Messages() {
		l.files = Files{Source: m.Source, Mapping: m.Mapping}
		var err error
		if m.Format == ingest.CSV {
			err = l.extract(m.Name, m.Body, m.Totals)
		} else {
			err = l.submit(&ingest.Raw{Source: m.Source, Format: m.Format, Door: "drop", Name: m.Name, Body: m.Body})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := l.drain(0); err != nil {
		t.Fatal(err)
	}
	everything := &policy.Predicate{Permit: true, Everything: true}
	operator := OperatorSubject()
	rng := rand.New(rand.NewPCG(1, 2))
	o := &origin.Origins{Raws: r.Journal}
	type tally struct{ items, elements, same int }
	tallies := map[string]*tally{}
	var subjects []store.Subject
	for c := store.Subject(1); ; c++ {
		versions, err := r.Store.Compartment(t.Context(), c, store.Latest, everything, "Patient")
		if err != nil {
			t.Fatal(err)
		}
		if len(versions) == 0 {
			break
		}
		subjects = append(subjects, c)
	}
	rng.Shuffle(len(subjects), func(i, j int) { subjects[i], subjects[j] = subjects[j], subjects[i] })
	for _, c := range subjects[:min(len(subjects), 120)] {
		id, err := r.Store.CitizenID(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		g, err := r.Access.Record(t.Context(), operator, id, "test")
		if err != nil {
			t.Fatal(err)
		}
		view, err := r.Records.Open(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		for range 6 {
			item := view.Items[rng.IntN(len(view.Items))]
			if item.Message == 0 {
				continue
			}
			others, err := r.Records.OfMessage(t.Context(), view, item.Message)
			if err != nil {
				t.Fatal(err)
			}
			got, err := o.Of(t.Context(), view, item, others)
			if err != nil {
				t.Fatalf("%s/%s of %s at %s: %v", item.Type, item.ID, item.Source, item.Origin, err)
			}
			x := tallies[got.Format]
			if x == nil {
				x = &tally{}
				tallies[got.Format] = x
			}
			x.items++
			if len(got.Lines) == 0 && item.Type != "DocumentReference" {
				t.Errorf("%s of %s shows nothing of its %s message (%s)", item.Type, item.Source, got.Format, item.Origin)
			}
			if got.Format == ingest.FHIR {
				x.elements++
				if fhirHolds(got, item.Res) {
					x.same++
				}
				continue
			}
			for _, e := range got.Elements {
				node := at(item.Res.Root(), e.Name)
				if !node.Exists() || node.IsObject() {
					continue
				}
				if e.Value == "" && got.Format != ingest.CDA { // an element may hold only others
					t.Errorf("%s.%s of %s: nothing stands at %s", item.Type, e.Name, got.Format, e.Place)
				}
				x.elements++
				if alike(node.Text(), e.Value) {
					x.same++
				}
			}
		}
	}
	for _, format := range []string{ingest.HL7v2, ingest.FHIR, ingest.CDA, ingest.CSV} {
		x := tallies[format]
		if x == nil || x.items == 0 {
			if !testing.Short() {
				t.Errorf("no item of %s was looked at", format)
			}
			continue
		}
		t.Logf("%s: %d items, %d elements, %d show the field's own value, the others what it was translated to", format, x.items, x.elements, x.same)
		if x.same*10 < x.elements*5 {
			t.Errorf("%s: only %d of %d elements hold their value", format, x.same, x.elements)
		}
	}
}

// fhirHolds says whether the resource that is shown has the item's own code,
// status and dates.
func fhirHolds(o *origin.Origin, r *fhir.Resource) bool {
	var b strings.Builder
	for _, l := range o.Lines {
		b.WriteString(l.Text)
	}
	text := b.String()
	for _, path := range [][]string{{"status"}, {"code", "coding", "code"}, {"birthDate"}, {"name", "family"}, {"effectiveDateTime"}} {
		if v := r.Get(path...).Text(); v != "" && !strings.Contains(text, v) {
			return false
		}
	}
	return strings.Contains(text, `"`+r.Type+`"`)
}

// at follows "valueQuantity.value" and "code.coding[0].code".
func at(n fhir.Node, path string) fhir.Node {
	for part := range strings.SplitSeq(path, ".") {
		name, index, indexed := strings.Cut(strings.TrimSuffix(part, "]"), "[")
		n = n.Get(name)
		if indexed {
			n = n.Get(index)
		}
	}
	return n
}

// alike says whether a field holds an element's value: the same text, digits
// or letters.
func alike(value, field string) bool {
	fold := func(s string) string {
		return strings.Map(func(c rune) rune {
			if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' {
				return c
			}
			if c >= 'A' && c <= 'Z' {
				return c + 32
			}
			if c > 127 {
				return c
			}
			return -1
		}, s)
	}
	v, f := fold(value), fold(field)
	return v == f || len(f) >= 4 && strings.HasPrefix(v, f) || len(v) >= 4 && strings.HasPrefix(f, v) || strings.Contains(f, v) && len(v) > 2 || strings.Contains(v, f) && len(f) > 2
}
