package sqlite

import (
	"context"
	"testing"
	"time"

	"selda/fhir/search"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// BenchmarkCountsByCode counts 200,000 observations of one code with a range of
// amounts, for the exchange itself and for a clinician of an organisation that
// wrote a third of them, from whom labels hide another tenth.
func BenchmarkCountsByCode(b *testing.B) {
	db, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	const all = 200_000
	sources := []nhs.Source{"RJZ:PAS", "RJ1:LIMS", "G85001:GP"}
	body := []byte(`{"resourceType":"Observation"}`)
	want := 0
	for i := 0; i < all; {
		if err := db.Update(context.Background(), func(tx store.Tx) error {
			for range 2000 {
				source, labels := sources[i%3], policy.Labels(0)
				if i%10 == 7 {
					labels = policy.SexualHealth
				}
				if i%2000 == 0 || i%50 == 0 {
					if _, err := tx.Begin(time.UnixMilli(int64(i)), source, 1); err != nil {
						return err
					}
				}
				amount := float64(i%97) + 0.5
				if _, err := tx.Write(store.Put{Subject: store.Subject(1 + i/100), Type: "Observation", Source: source, DataSet: policy.Observations, Labels: labels, Final: true, Body: body,
					Ordered: []search.Ordered{{Code: "8867-4", System: "http://loinc.org", Dates: [2]search.Span{{From: int64(i) * 1000, To: int64(i)*1000 + 1000}},
						Amount: &search.Amount{Low: amount, High: amount, System: "http://unitsofmeasure.org", Code: "/min", Unit: "/min"}}}}); err != nil {
					return err
				}
				if amount > 48 && (labels == 0 || source == sources[0]) {
					want++
				}
				i++
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Fold(context.Background()); err != nil {
		b.Fatal(err)
	}
	q := store.Range{Type: "Observation", Keys: []string{search.CodeToken("8867-4")}, N: store.Latest, Meets: func(o *search.Ordered) search.Verdict {
		if o.Amount.Low > 48 {
			return search.Yes
		}
		return search.No
	}}
	for _, c := range []struct {
		name string
		p    *policy.Predicate
		want int
	}{
		{"everything", &policy.Predicate{Permit: true, Everything: true}, 0},
		{"a clinician", &policy.Predicate{Permit: true, DataSets: policy.AllDataSets, Agreed: policy.Whole, Own: "RJZ", Hidden: policy.SexualHealth}, want},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				r, err := db.Ranged(context.Background(), q, c.p)
				if err != nil || c.want > 0 && r.Sure != c.want {
					b.Fatal(r.Sure, c.want, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/all, "ns/entry")
		})
	}
}
