package rf2

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"testing"

	"selda/terminology/index"
	"selda/terminology/rf2/rf2test"
)

// large is a release of the size that SELDA_BENCH_CONCEPTS says, 400,000 where
// it says nothing.
func large(b *testing.B) *index.Index {
	b.Helper()
	n := 400_000
	if s, err := strconv.Atoi(os.Getenv("SELDA_BENCH_CONCEPTS")); err == nil {
		n = s
	}
	dir := b.TempDir()
	if err := rf2test.Write(dir, 1, n); err != nil {
		b.Fatal(err)
	}
	built, err := Read(os.DirFS(dir))
	if err != nil {
		b.Fatal(err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.Logf("heap after reading: %d MB", m.HeapAlloc>>20)
	var buf bytes.Buffer
	if err := built.Write(&buf); err != nil {
		b.Fatal(err)
	}
	runtime.ReadMemStats(&m)
	b.Logf("system memory: %d MB, index %d MB", m.Sys>>20, buf.Len()>>20)
	x, err := index.Open(buf.Bytes())
	if err != nil {
		b.Fatal(err)
	}
	return x
}

func BenchmarkLargeRelease(b *testing.B) {
	x := large(b)
	find := func(code string) index.Concept {
		c, ok := x.Find(code)
		if !ok {
			b.Fatalf("no concept %s", code)
		}
		return c
	}
	finding := find(rf2test.Finding)
	var codes []string
	for i := range 1000 {
		codes = append(codes, rf2test.Code(i*(x.Len()-20)/1000))
	}
	b.Run("Subsumes", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			a, _ := x.Find(codes[i%1000])
			d, _ := x.Find(codes[(i*7+3)%1000])
			x.Subsumes(a, d)
		}
	})
	b.Run("Descendants", func(b *testing.B) {
		for b.Loop() {
			s := x.NewSet()
			if x.AddDescendants(s, finding); s.Len() < x.Len()/2 {
				b.Fatal("too few")
			}
		}
	})
	words := index.Words(x.Display(find(rf2test.Code(x.Len() / 2))))
	b.Run("SearchTwoWords", func(b *testing.B) {
		for b.Loop() {
			x.Search(words[:2], nil, 20)
		}
	})
	b.Run("SearchPrefix", func(b *testing.B) {
		for b.Loop() {
			x.Search([]string{"b"}, nil, 20)
		}
	})
}
