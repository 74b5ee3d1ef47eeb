package index

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// made is a random hierarchy with some concepts under several parents.
func made(t testing.TB, n int, seed uint64) (*Index, map[string][]string) {
	r := rand.New(rand.NewPCG(seed, 1))
	b := NewBuilder(Meta{System: "urn:test"})
	parents := map[string][]string{}
	order := r.Perm(n)
	for _, i := range order {
		code := fmt.Sprintf("C%d", i)
		b.Concept(code)
		if i == 0 {
			continue
		}
		for range 1 + r.IntN(3) {
			p := fmt.Sprintf("C%d", r.IntN(i))
			parents[code] = append(parents[code], p)
			b.Parent(b.Concept(code), b.Concept(p))
		}
	}
	return laid(t, b), parents
}

func laid(t testing.TB, b *Builder) *Index {
	t.Helper()
	x, err := b.Index()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestSubsumptionIsReachabilityInTheHierarchy(t *testing.T) {
	for seed := range uint64(8) {
		x, parents := made(t, 120, seed)
		above := map[string]map[string]bool{}
		var up func(c string) map[string]bool
		up = func(c string) map[string]bool {
			if above[c] == nil {
				above[c] = map[string]bool{c: true}
				for _, p := range parents[c] {
					for a := range up(p) {
						above[c][a] = true
					}
				}
			}
			return above[c]
		}
		for a := range Concept(x.Len()) {
			below, over := x.NewSet(), x.NewSet()
			x.AddDescendants(below, a)
			x.AddAncestors(over, a)
			for b := range Concept(x.Len()) {
				want := up(x.Code(b))[x.Code(a)]
				if x.Subsumes(a, b) != want || below.Has(b) != want || over.Has(b) != up(x.Code(a))[x.Code(b)] {
					t.Fatalf("seed %d: %s above %s: want %v", seed, x.Code(a), x.Code(b), want)
				}
			}
		}
	}
}

func TestACircleIsLeftOutAndCounted(t *testing.T) {
	b := NewBuilder(Meta{System: "urn:test"})
	for _, e := range [][2]string{{"b", "a"}, {"c", "b"}, {"a", "c"}, {"d", "c"}} {
		b.Parent(b.Concept(e[0]), b.Concept(e[1]))
	}
	x := laid(t, b)
	if x.Meta().Cycles != 1 || x.Len() != 4 {
		t.Fatalf("%d circles, %d concepts", x.Meta().Cycles, x.Len())
	}
	b1, _ := x.Find("b")
	d, _ := x.Find("d")
	if !x.Subsumes(b1, d) || x.Subsumes(d, b1) {
		t.Error("what is outside the circle's closing edge holds")
	}
}

func TestConceptsKeepWhatWasSaid(t *testing.T) {
	b := NewBuilder(Meta{System: "urn:test", IgnoreCase: true})
	n := b.Concept("Abc")
	for _, d := range []Designation{{Kind{Role: Synonym, Language: "de"}, "Käse"}, {Kind{Role: Display}, "Cheese"}, {Kind{Role: Definition}, "made of milk"}} {
		if err := b.Describe(n, d.Kind, d.Text); err != nil {
			t.Fatal(err)
		}
	}
	b.Inactive(b.Concept("old"))
	part := b.Name(PropertyName{Code: "part"})
	b.Property(n, part, 2, CodeValue, "old")
	b.Property(n, part, 1, CodeValue, "elsewhere")
	b.Associate(b.Concept("set"), b.Concept("old"), n)
	b.Map(b.Concept("map"), n, "X1", 1, 2, "TRUE", "always X1")
	x := laid(t, b)
	c, ok := x.Find("aBC")
	if !ok || x.Code(c) != "Abc" || x.Display(c) != "Cheese" || x.Definition(c) != "made of milk" || len(x.Designations(c)) != 3 {
		t.Fatalf("%v %q %q", ok, x.Code(c), x.Display(c))
	}
	if p, q := x.Property(c, 0), x.Property(c, 1); x.PropertyCount(c) != 2 || p.Type != CodeValue || p.Text() != "elsewhere" || q.Type != ConceptValue || q.Text() != "old" || q.Group != 2 {
		t.Errorf("properties %+v %+v", p, q)
	}
	old, _ := x.Find("OLD")
	if !x.Inactive(old) || x.All(false).Has(old) || !x.All(true).Has(old) {
		t.Error("a concept that is not in use")
	}
	set, _ := x.Find("set")
	if r, ok := x.Refset(set); !ok || len(x.RowsOf(r, old)) != 1 || x.RowsOf(r, old)[0].Target != "Abc" {
		t.Error("the association is lost")
	}
	m, _ := x.Find("map")
	if r, _ := x.Refset(m); !slices.Equal(x.RowsOf(r, c), []Row{{c, "X1", 1, 2, "TRUE", "always X1"}}) {
		t.Errorf("map %+v", x.RowsOf(r, c))
	}
}

func TestSearchFindsByBeginningsAndRanks(t *testing.T) {
	b := NewBuilder(Meta{System: "urn:test"})
	for i, s := range []string{"Asthmatic bronchitis", "Asthma", "Childhood asthma", "Ménière's disease", "Bronchial asthma (disorder)"} {
		if err := b.Describe(b.Concept(fmt.Sprint(i)), Kind{}, s); err != nil {
			t.Fatal(err)
		}
	}
	b.Inactive(b.Concept("1"))
	x := laid(t, b)
	for _, c := range []struct {
		ask  string
		want []string
	}{
		{"asthma", []string{"Childhood asthma", "Bronchial asthma (disorder)", "Asthmatic bronchitis", "Asthma"}},
		{"bronch asth", []string{"Asthmatic bronchitis", "Bronchial asthma (disorder)"}},
		{"MENIERE", []string{"Ménière's disease"}},
		{"nothing", nil},
	} {
		hits, total := x.Search(Words(c.ask), nil, 10)
		var got []string
		for _, h := range hits {
			got = append(got, h.Text)
		}
		if !slices.Equal(got, c.want) || total != len(c.want) {
			t.Errorf("%s: %q, total %d", c.ask, got, total)
		}
	}
}
