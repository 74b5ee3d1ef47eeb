// Package rf2test writes releases in the format of SNOMED CT that are made up:
// as large and as branched as the real one, with words that mean nothing, the
// same for the same seed. It is for tests and benchmarks.
package rf2test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Root, IsA and the others are the concepts that every release has; Attributes
// are types of relationships, Refset is a simple reference set.
const (
	Root       = "138875005"
	IsA        = "116680003"
	Finding    = "404684003"
	Structure  = "123037004"
	Model      = "900000000000441003"
	Attribute  = "410662002"
	Site       = "363698007"
	Morphology = "116676008"
	Refset     = "700043003"
	British    = "900000000000508004"
)

const (
	module   = "900000000000207008"
	date     = "20250101"
	inferred = "900000000000011006"
)

// Code is the i-th concept of those that are made up.
func Code(i int) string { return strconv.Itoa(1_000_000+i*7) + "009" }

type writer struct {
	r     *rand.Rand
	files map[string]*bufio.Writer
	close []func() error
	words []string
	id    int
}

// Write writes a release of about n concepts into a folder.
func Write(dir string, seed uint64, n int) error {
	w := &writer{r: rand.New(rand.NewPCG(seed, 2)), files: map[string]*bufio.Writer{}, id: 10_000}
	for _, f := range [][2]string{
		{"sct2_Concept_Snapshot", "id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId"},
		{"sct2_Description_Snapshot-en", "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId"},
		{"sct2_Relationship_Snapshot", "id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId\trelationshipGroup\ttypeId\tcharacteristicTypeId\tmodifierId"},
		{"der2_cRefset_LanguageSnapshot-en", "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\tacceptabilityId"},
		{"der2_Refset_SimpleSnapshot", "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId"},
	} {
		out, err := os.Create(filepath.Join(dir, f[0]+"_TEST_"+date+".txt"))
		if err != nil {
			return err
		}
		b := bufio.NewWriterSize(out, 1<<16)
		w.files[f[0]] = b
		w.close = append(w.close, b.Flush, out.Close)
		fmt.Fprintf(b, "%s\r\n", f[1])
	}
	for range 4000 {
		w.words = append(w.words, w.word())
	}
	w.fixed()
	w.madeUp(n)
	for _, c := range w.close {
		if err := c(); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) word() string {
	const consonants, vowels = "bcdfglmnprstv", "aeiou"
	var b strings.Builder
	for range 2 + w.r.IntN(3) {
		b.WriteByte(consonants[w.r.IntN(len(consonants))])
		b.WriteByte(vowels[w.r.IntN(len(vowels))])
	}
	return b.String()
}

func (w *writer) row(file string, fields ...string) {
	b := w.files[file]
	for i, f := range fields {
		if i > 0 {
			_ = b.WriteByte('\t')
		}
		_, _ = b.WriteString(f)
	}
	_, _ = b.WriteString("\r\n")
}

func (w *writer) concept(code, term, tag string, parents ...string) {
	w.row("sct2_Concept_Snapshot", code, date, "1", module, "900000000000074008")
	w.describe(code, "900000000000003001", term+" ("+tag+")", true)
	w.describe(code, "900000000000013009", term, true)
	for _, p := range parents {
		w.relate(code, IsA, p, 0)
	}
}

func (w *writer) describe(code, typ, term string, preferred bool) {
	w.id++
	id := strconv.Itoa(w.id) + "013"
	w.row("sct2_Description_Snapshot-en", id, date, "1", module, code, "en", typ, term, "900000000000448009")
	acceptability := "900000000000549004"
	if preferred {
		acceptability = "900000000000548007"
	}
	w.row("der2_cRefset_LanguageSnapshot-en", "8a000000-0000-4000-8000-"+fmt.Sprintf("%012d", w.id), date, "1", module, British, id, acceptability)
}

func (w *writer) relate(from, typ, to string, group int) {
	w.id++
	w.row("sct2_Relationship_Snapshot", strconv.Itoa(w.id)+"024", date, "1", module, from, to, strconv.Itoa(group), typ, inferred, "900000000000451002")
}

func (w *writer) fixed() {
	w.concept(Root, "SNOMED CT Concept", "SNOMED RT+CTV3")
	w.concept(Finding, "Clinical finding", "finding", Root)
	w.concept(Structure, "Body structure", "body structure", Root)
	w.concept(Model, "SNOMED CT Model Component", "metadata", Root)
	w.concept(Attribute, "Concept model attribute", "attribute", Model)
	w.concept(IsA, "Is a", "attribute", Model)
	w.concept(Site, "Finding site", "attribute", Attribute)
	w.concept(Morphology, "Associated morphology", "attribute", Attribute)
	w.concept(British, "Great Britain English", "foundation metadata concept", Model)
	w.concept(Refset, "Problem list", "foundation metadata concept", Model)
}

// madeUp writes the concepts: a quarter body structures, the others findings,
// each below one to three that came before, of which a half has attributes.
func (w *writer) madeUp(n int) {
	structures := max(n/4, 1)
	for i := range n {
		low, high, top, tag := 0, min(i, structures), Structure, "body structure"
		if i >= structures {
			low, high, top, tag = structures, i, Finding, "disorder"
		}
		var parents []string
		if high-low < 20 {
			parents = append(parents, top)
		} else {
			for range 1 + w.r.IntN(3)*w.r.IntN(2) {
				p := Code(low + int(float64(high-low)*0.95*w.r.Float64()*w.r.Float64()))
				if !slices.Contains(parents, p) {
					parents = append(parents, p)
				}
			}
		}
		w.concept(Code(i), w.term(), tag, parents...)
		for range w.r.IntN(3) {
			w.describe(Code(i), "900000000000013009", w.term(), false)
		}
		if i >= structures && w.r.IntN(2) == 0 {
			w.relate(Code(i), Site, Code(w.r.IntN(structures)), 1)
			w.relate(Code(i), Morphology, Code(w.r.IntN(structures)), 1+w.r.IntN(2))
		}
		if w.r.IntN(50) == 0 {
			w.id++
			w.row("der2_Refset_SimpleSnapshot", "8b000000-0000-4000-8000-"+fmt.Sprintf("%012d", w.id), date, "1", module, Refset, Code(i))
		}
	}
}

func (w *writer) term() string {
	var b strings.Builder
	for i := range 2 + w.r.IntN(4) {
		if i > 0 {
			b.WriteByte(' ')
		}
		// Few words are common, most are rare.
		f := w.r.Float64()
		b.WriteString(w.words[int(f*f*f*float64(len(w.words)))])
	}
	return b.String()
}
