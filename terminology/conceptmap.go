package terminology

import (
	"cmp"

	"selda/fhir"
	"selda/terminology/codemap"
	"selda/terminology/index"
)

// ConceptMap is a map from the codes of one system to those of another.
// https://hl7.org/fhir/R4/conceptmap.html
type ConceptMap struct {
	URL, Version, Name, Title string
	Source, Target            string // the value sets
	Groups                    []MapGroup
}

// MapGroup is the part of a map from one code system to one other.
type MapGroup struct {
	Source, SourceVersion string
	Target, TargetVersion string
	Elements              map[string][]MapTarget // by the source's code
	Codes                 []string               // those codes, in order
	Table                 *index.Index           // instead of these, of a large map: see selda/terminology/codemap
	Unmapped              *Unmapped
}

// MapTarget is one code that a code is mapped to.
type MapTarget struct {
	Code, Display, Equivalence, Comment string
	DependsOn, Product                  []OtherElement
}

// OtherElement is another element that a target depends on, or that it gives.
type OtherElement struct{ Property, System, Value, Display string }

// Unmapped says what becomes of a code that has no element.
type Unmapped struct{ Mode, Code, Display, URL string }

// ParseConceptMap reads a ConceptMap resource.
func ParseConceptMap(r *fhir.Resource) *ConceptMap {
	n := r.Root()
	either := func(a, b string) string { return cmp.Or(n.Get(a).Text(), n.Get(b).Text()) }
	m := &ConceptMap{URL: n.Get("url").Text(), Version: n.Get("version").Text(), Name: n.Get("name").Text(), Title: n.Get("title").Text(),
		Source: either("sourceCanonical", "sourceUri"), Target: either("targetCanonical", "targetUri")}
	for _, g := range n.List("group") {
		m.Groups = append(m.Groups, parseGroup(g))
	}
	return m
}

// targets are what a code is mapped to; listed is false where nothing is said of it.
func (g *MapGroup) targets(code string) (list []MapTarget, listed bool) {
	if g.Table == nil {
		list, listed = g.Elements[code]
		return list, listed
	}
	c, ok := g.Table.Find(code)
	set, _ := g.Table.Find(codemap.Rows)
	rows, is := g.Table.Refset(set)
	if !ok || !is {
		return nil, false
	}
	for _, r := range g.Table.RowsOf(rows, c) {
		list = append(list, MapTarget{Code: r.Target, Display: r.Rule, Equivalence: r.Advice})
	}
	return list, len(list) > 0
}

// sources are the codes that are mapped to a target.
func (g *MapGroup) sources(target string) (list []MapTarget) {
	for _, code := range g.Codes {
		for _, t := range g.Elements[code] {
			if t.Code == target {
				list = append(list, MapTarget{Code: code, Equivalence: t.Equivalence, Comment: t.Comment})
			}
		}
	}
	if g.Table == nil {
		return list
	}
	set, _ := g.Table.Find(codemap.Rows)
	rows, _ := g.Table.Refset(set)
	for i := range rows.Rows {
		if r := g.Table.Row(rows, i); r.Target == target {
			list = append(list, MapTarget{Code: g.Table.Code(r.Member), Equivalence: r.Advice})
		}
	}
	return list
}

func parseGroup(n fhir.Node) MapGroup {
	g := MapGroup{Source: n.Get("source").Text(), SourceVersion: n.Get("sourceVersion").Text(), Target: n.Get("target").Text(), TargetVersion: n.Get("targetVersion").Text(),
		Elements: map[string][]MapTarget{}}
	for _, e := range n.List("element") {
		code := e.Get("code").Text()
		if _, again := g.Elements[code]; !again {
			g.Codes = append(g.Codes, code)
		}
		targets := g.Elements[code]
		for _, t := range e.List("target") {
			targets = append(targets, MapTarget{t.Get("code").Text(), t.Get("display").Text(), t.Get("equivalence").Text(), t.Get("comment").Text(),
				others(t.List("dependsOn")), others(t.List("product"))})
		}
		g.Elements[code] = targets
	}
	if u := n.Get("unmapped"); u.Exists() {
		g.Unmapped = &Unmapped{u.Get("mode").Text(), u.Get("code").Text(), u.Get("display").Text(), u.Get("url").Text()}
	}
	return g
}

func others(list []fhir.Node) []OtherElement {
	var out []OtherElement
	for _, o := range list {
		out = append(out, OtherElement{o.Get("property").Text(), o.Get("system").Text(), o.Get("value").Text(), o.Get("display").Text()})
	}
	return out
}
