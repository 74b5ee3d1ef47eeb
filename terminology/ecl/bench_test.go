package ecl

import (
	"bytes"
	"os"
	"strconv"
	"testing"

	"selda/terminology/index"
	"selda/terminology/rf2"
	"selda/terminology/rf2/rf2test"
)

// BenchmarkEvaluate asks a made-up release of 400,000 concepts, or of as many
// as SELDA_BENCH_CONCEPTS says.
func BenchmarkEvaluate(b *testing.B) {
	n := 400_000
	if s, err := strconv.Atoi(os.Getenv("SELDA_BENCH_CONCEPTS")); err == nil {
		n = s
	}
	dir := b.TempDir()
	if err := rf2test.Write(dir, 1, n); err != nil {
		b.Fatal(err)
	}
	built, err := rf2.Read(os.DirFS(dir))
	if err != nil {
		b.Fatal(err)
	}
	var buf bytes.Buffer
	if err := built.Write(&buf); err != nil {
		b.Fatal(err)
	}
	x, err := index.Open(buf.Bytes())
	if err != nil {
		b.Fatal(err)
	}
	for name, expression := range map[string]string{
		"Subtree":    "<< " + rf2test.Finding,
		"Minus":      "<< " + rf2test.Finding + " MINUS << " + rf2test.Code(n/4+50),
		"Refinement": "< " + rf2test.Finding + " : " + rf2test.Site + " = << " + rf2test.Code(3),
		"Groups":     "< " + rf2test.Finding + " : { " + rf2test.Site + " = << " + rf2test.Code(3) + ", " + rf2test.Morphology + " = * }",
		"Refset":     "<< (^ " + rf2test.Refset + ")",
		"Term":       "< " + rf2test.Finding + ` {{ term = "` + x.Display(index.Concept(n/2)) + `" }}`,
	} {
		e, err := Parse(expression)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := e.Evaluate(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
