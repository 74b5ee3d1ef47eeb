package record

import (
	"cmp"
	"strings"
	"time"

	"selda/fhir"
	"selda/mpi/fold"
)

// Documents are letters and summaries; the same letter from several sources,
// or sent twice, is one row.
func (v *View) Documents() []Fact {
	facts := simple(v.Of("DocumentReference", "Composition"), func(r fhir.Node) string {
		return cmp.Or(r.Get("description").Text(), r.Get("content", "attachment", "title").Text(), r.Get("title").Text(), Words(r.Get("type")), "Document")
	}, words("type"), words("author"), "date", "context")
	for i := range facts {
		facts[i].key = letterKey(&facts[i])
	}
	for i := range facts {
		if of := original(facts, &facts[i]); of != nil {
			facts[i].key = of.key
		}
	}
	return byTime(merge(facts, rules{key: func(f *Fact) string { return f.key }, weak: func(f *Fact) int {
		if _, from := filed(f); from != "" {
			return 1 // a copy does not lead
		}
		return 0
	}}))
}

// letterKey is what a letter is the same by when it comes again.
func letterKey(f *Fact) string {
	r := f.Lead().Res
	if h := r.Get("content", "attachment", "hash").Text(); h != "" {
		return "hash|" + h
	}
	if data := r.Get("content", "attachment", "data").Text(); len(data) > 200 {
		return "data|" + data
	}
	if f.WhenText == "" {
		return ""
	}
	day, _, _ := strings.Cut(f.WhenText, "T")
	return fold.Name(f.Title) + "|" + code(r.Get("type")) + "|" + day
}

// filing is how long after a letter a practice may file its copy.
const filing = 14 * 24 * time.Hour

// filed is what a practice's entry of a letter says that it is, and whom from:
// "Discharge summary from King's College Hospital"; "" of other documents.
func filed(f *Fact) (title, from string) {
	if !strings.HasPrefix(f.Lead().Source.System(), "GP") {
		return "", ""
	}
	title, from, _ = strings.Cut(f.Title, " from ")
	return fold.Name(title), fold.Name(from)
}

// original is the letter that a practice's entry is a copy of: by the
// organisation that the entry names, or, where the letter does not name its
// own, with the same title; filed within two weeks of it.
func original(facts []Fact, f *Fact) *Fact {
	title, from := filed(f)
	if from == "" {
		return nil
	}
	var best *Fact
	for i := range facts {
		l := &facts[i]
		if after := f.When.Sub(l.When); l.key == "" || l.Lead().Source == f.Lead().Source || after < 0 || after > filing {
			continue
		}
		by := fold.Name(Words(l.Lead().Res.Get("custodian")))
		same := fold.Name(l.Title) == title
		kind := code(l.Lead().Res.Get("type"))
		fits := by == "" && same || strings.Contains(by, from) && (same || kind != "" && kind == code(f.Lead().Res.Get("type")))
		if fits && (best == nil || l.When.After(best.When)) {
			best = l
		}
	}
	return best
}
