package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// What lies fresh is found as what is in the index is: in the same order, on the
// same pages, as at any n, also after the folder was closed and opened.
func TestFreshPostingsAreFoundAsOthersAre(t *testing.T) {
	ctx, source := context.Background(), nhs.Source("RJZ:PAS")
	var random *rand.Rand
	var items []store.ItemID
	var ns []uint64
	write := func(db *DB) {
		err := db.Write(ctx, func(tx *Tx) error {
			n, err := tx.Begin(time.UnixMilli(int64(len(ns)+1)), source, 1)
			if err != nil {
				return err
			}
			ns = append(ns, n)
			for range 1 + random.IntN(4) {
				p := store.Put{Subject: 1, Type: []string{"Basic", "Observation"}[random.IntN(2)], Source: source, Body: fmt.Appendf(nil, `{"v":%d}`, random.Int())}
				for range random.IntN(3) {
					p.Tokens = append(p.Tokens, fmt.Sprint("t", random.IntN(4)))
				}
				if len(items) > 0 && random.IntN(3) == 0 {
					p.Item = items[random.IntN(len(items))]
					l, _, err := tx.db.located(tx.c, p.Item)
					if err != nil {
						return err
					}
					if p.Type = l.Type; random.IntN(3) == 0 {
						p.Deleted, p.Body, p.Tokens = true, nil, nil
					}
				}
				w, err := tx.Write(p)
				if err != nil {
					return err
				}
				items = append(items, w.Item)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// found are the answers to every query, in pages of three.
	found := func(db *DB) (out []string) {
		for _, typ := range []string{"Basic", "Observation"} {
			for _, groups := range [][][]string{nil, {{"t0"}}, {{"t0", "t1"}}, {{"t2"}, {"t3", "t0"}}} {
				for _, n := range []uint64{store.Latest, ns[len(ns)/2], ns[len(ns)-1]} {
					q := store.Query{Type: typ, Groups: groups, N: n, Limit: 3}
					for {
						list, err := db.Search(ctx, q, &policy.Predicate{Permit: true, Everything: true})
						if err != nil {
							t.Fatal(err)
						}
						out = append(out, fmt.Sprint(typ, groups, n))
						for _, f := range list {
							out, q.Before = append(out, fmt.Sprint(f.Item)), f.Item
						}
						if len(list) < q.Limit {
							break
						}
					}
				}
			}
		}
		return out
	}
	for seed := range uint64(8) {
		var answers [3][]string
		for i, fresh := range []int{1, 7, 1 << 20} {
			dir := t.TempDir()
			random, items, ns = rand.New(rand.NewPCG(seed, 1)), nil, nil
			for range 3 {
				db, err := Open(dir, Options{Fresh: fresh})
				if err != nil {
					t.Fatal(err)
				}
				opened := time.Now()
				for range 12 {
					write(db)
				}
				answers[i] = append(answers[i], found(db)...)
				if lies := len(db.posted); fresh == 1 && lies > 0 || fresh > 7 && lies == 0 && time.Since(opened) < longestFresh {
					t.Fatalf("%d postings lie fresh of at most %d", lies, fresh)
				}
				db.post()
				if len(db.posted) > 0 {
					t.Fatal("postings lie fresh after they were brought in")
				}
				answers[i] = append(answers[i], found(db)...)
				write(db)
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !reflect.DeepEqual(answers[0], answers[1]) || !reflect.DeepEqual(answers[0], answers[2]) {
			t.Fatalf("seed %d: what is found depends on what lies fresh", seed)
		}
	}
}

// A folder of schema 3, in which no posting could lie fresh, opens, and says of
// itself that an older program can't read it.
func TestFolderOfSchemaThreeOpens(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		db, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := db.writer.int64(`PRAGMA user_version`); err != nil || v != schemaVersion {
			t.Error("schema", v, err)
		}
		if err := db.writer.Exec(`DROP TABLE fresh_posting; PRAGMA user_version=3`); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What a search pays for postings that lie fresh: nothing lies fresh, then 60.
func BenchmarkSearchBesideFresh(b *testing.B) {
	ctx, source := context.Background(), nhs.Source("RJZ:PAS")
	for _, fresh := range []int{0, 60} {
		b.Run(fmt.Sprint(fresh), func(b *testing.B) {
			db, err := Open(b.TempDir(), Options{Fresh: 1 << 20})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			write := func(n int) {
				for range n / 3 {
					if err := db.Write(ctx, func(tx *Tx) error {
						if _, err := tx.Begin(time.UnixMilli(1), source, 1); err != nil {
							return err
						}
						for range 3 {
							p := store.Put{Subject: 1, Type: "Patient", Source: source, Body: []byte(`{}`)}
							for i := range 30 {
								p.Tokens = append(p.Tokens, fmt.Sprint("t", i, rand.IntN(1000)))
							}
							if _, err := tx.Write(p); err != nil {
								return err
							}
						}
						return nil
					}); err != nil {
						b.Fatal(err)
					}
				}
			}
			write(3000)
			db.post()
			write(fresh)
			q := store.Query{Type: "Patient", Groups: [][]string{{"t1500"}, {"t2600", "t2700"}}, N: store.Latest, Limit: 50}
			for b.Loop() {
				if _, err := db.Search(ctx, q, &policy.Predicate{Permit: true, Everything: true}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSearchUnderPredicate is what a predicate costs a search by token and one of the
// whole compartment, of the same answers: of the exchange itself, and of a clinician to whom
// agreements of single sources, labels, seals and an objection to some kinds apply.
func BenchmarkSearchUnderPredicate(b *testing.B) {
	db, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	ctx := context.Background()
	sources := []nhs.Source{"RJZ:PAS", "RJ1:LIMS", "G85001:GP"}
	for i := 0; i < 100_000; {
		if err := db.Update(ctx, func(tx store.Tx) error {
			for range 1000 {
				if i%20 == 0 {
					if _, err := tx.Begin(time.UnixMilli(int64(i)), sources[i/20%3], 1); err != nil {
						return err
					}
				}
				if _, err := tx.Write(store.Put{Subject: store.Subject(1 + i/100), Type: "Observation", Source: sources[i/20%3], DataSet: policy.Observations, Final: true,
					Body: []byte(`{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"8867-4"}]}}`), Tokens: []string{fmt.Sprint("c:", i%50), fmt.Sprint("p:", i/100)}}); err != nil {
					return err
				}
				i++
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Fold(ctx); err != nil {
		b.Fatal(err)
	}
	agreed := &policy.Agreed{}
	for _, s := range []nhs.Source{"G85001", "G85002", "G85003", "G85004", "RJ1", "RJ2", "RJZ", "RN7", "RPG", "RRU", "RV5"} {
		agreed.Of = append(agreed.Of, policy.AgreedWith{Source: s, DataSets: policy.AllDataSets &^ policy.SetOf(policy.SocialCare)})
	}
	clinician := &policy.Predicate{Permit: true, DataSets: policy.AllDataSets &^ policy.SetOf(policy.Preferences), Agreed: agreed, Own: "RJZ", Hidden: policy.SexualHealth | policy.HIVSTI | policy.Adoption,
		ShowSafety: true, NotDataSets: policy.SetOf(policy.Documents), Sealed: []policy.Item{{Type: "Condition", ID: "x"}, {Type: "Observation", ID: "y"}}}
	for _, q := range []struct {
		name string
		ask  func(p *policy.Predicate) (int, error)
	}{
		{"20 of a code", func(p *policy.Predicate) (int, error) {
			f, err := db.Search(ctx, store.Query{Type: "Observation", Groups: [][]string{{"c:7"}}, N: store.Latest, Limit: 20, Bodies: true}, p)
			return len(f), err
		}},
		{"all 2,000 of a code", func(p *policy.Predicate) (int, error) {
			f, err := db.Search(ctx, store.Query{Type: "Observation", Groups: [][]string{{"c:7"}}, N: store.Latest, Limit: 5000}, p)
			return len(f), err
		}},
		{"code and person", func(p *policy.Predicate) (int, error) {
			f, err := db.Search(ctx, store.Query{Type: "Observation", Groups: [][]string{{"c:7"}, {"p:500"}}, N: store.Latest, Limit: 20, Bodies: true}, p)
			return len(f), err
		}},
		{"a compartment", func(p *policy.Predicate) (int, error) {
			v, err := db.Compartment(ctx, 500, store.Latest, p)
			return len(v), err
		}},
	} {
		want, err := q.ask(&policy.Predicate{Permit: true, Everything: true})
		if err != nil || want == 0 {
			b.Fatal(q.name, want, err)
		}
		for name, p := range map[string]*policy.Predicate{"everything": {Permit: true, Everything: true}, "a clinician": clinician} {
			b.Run(q.name+", "+name, func(b *testing.B) {
				for b.Loop() {
					if got, err := q.ask(p); err != nil || got != want {
						b.Fatal(got, want, err)
					}
				}
			})
		}
	}
}
