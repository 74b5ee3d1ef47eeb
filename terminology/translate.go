package terminology

import (
	"slices"
	"strings"

	"selda/fault"
	"selda/terminology/index"
)

// Translation is the answer of $translate.
// https://hl7.org/fhir/R4/conceptmap-operation-translate.html
type Translation struct {
	Result  bool
	Message string
	Matches []Match
}

// Match is one code that a code was translated to.
type Match struct {
	Equivalence string
	Coding
	Comment   string
	Map       string // canonical URL of the concept map
	DependsOn []OtherElement
	Product   []OtherElement
}

// TranslateQuery is what $translate is asked.
type TranslateQuery struct {
	URL          string      // of the concept map; "" for all that fit
	Map          *ConceptMap // the concept map itself
	Codings      []Coding
	Source       string // value set of the source; "" for any
	Target       string // value set of the target; "" for any
	TargetSystem string // "" for any
	Reverse      bool
}

// Translate maps codes to other systems.
func (s *Service) Translate(q TranslateQuery) (*Translation, error) {
	const op = "terminology.Translate"
	if m, err := s.snomedMap(q); m != nil || err != nil {
		return m, err
	}
	out := &Translation{}
	found := false
	for _, c := range q.Codings {
		maps, err := s.mapsFor(q, c)
		if err != nil {
			return nil, err
		}
		for _, m := range maps {
			if q.Source != "" && m.Source != q.Source && !q.Reverse || q.Target != "" && m.Target != q.Target && !q.Reverse {
				continue
			}
			found = true
			if err := s.apply(out, m, c, q, map[string]bool{}); err != nil {
				return nil, err
			}
		}
	}
	if !found && q.URL != "" {
		return nil, fault.E(op, fault.NotFound, "the concept map "+q.URL+" is not known", "url")
	}
	switch {
	case !found:
		out.Message = "no concept map is known for this code system"
	case !out.Result:
		out.Message = "the concept maps have nothing for this code"
	}
	return out, nil
}

func (s *Service) mapsFor(q TranslateQuery, c Coding) ([]*ConceptMap, error) {
	switch {
	case q.Map != nil:
		return []*ConceptMap{q.Map}, nil
	case q.Reverse && q.URL == "" && q.TargetSystem == "":
		return nil, fault.E("terminology.Translate", fault.Required, "to translate backwards, say by which concept map (url), or to which system (targetsystem)", "url")
	case q.Reverse && q.URL == "":
		return s.ConceptMaps("", q.TargetSystem)
	}
	return s.ConceptMaps(q.URL, c.System)
}

// apply adds what one map has for a code. Maps that refer to each other are
// asked once: asked are those that were.
func (s *Service) apply(out *Translation, m *ConceptMap, c Coding, q TranslateQuery, asked map[string]bool) error {
	name := m.URL + "|" + m.Version
	if asked[name] {
		return nil
	}
	if asked[name] = true; len(asked) > maxMaps {
		return fault.E("terminology.Translate", fault.TooCostly, "more than 100 concept maps refer to each other", "ConceptMap.group.unmapped.url")
	}
	for i := range m.Groups {
		g := &m.Groups[i]
		if q.Reverse {
			out.backwards(m, g, c, q.TargetSystem)
			continue
		}
		if g.Source != c.System && c.System != "" && g.Source != "" || q.TargetSystem != "" && g.Target != q.TargetSystem {
			continue
		}
		targets, listed := g.targets(c.Code)
		if !listed {
			if err := s.unmapped(out, m, g, c, q, asked); err != nil {
				return err
			}
		}
		for _, t := range targets {
			out.add(Match{Equivalence: t.Equivalence, Coding: Coding{g.Target, g.TargetVersion, t.Code, t.Display}, Comment: t.Comment, Map: m.URL, DependsOn: t.DependsOn, Product: t.Product})
		}
	}
	return nil
}

// add takes a match in. One that says that there is none is no result.
func (t *Translation) add(m Match) {
	t.Matches = append(t.Matches, m)
	if m.Equivalence != "unmatched" && m.Equivalence != "disjoint" && m.Code != "" {
		t.Result = true
	}
}

// maxMaps is how many maps one code is followed through.
const maxMaps = 100

// unmapped does what a group says of codes without an element.
// https://hl7.org/fhir/R4/conceptmap-definitions.html#ConceptMap.group.unmapped
func (s *Service) unmapped(out *Translation, m *ConceptMap, g *MapGroup, c Coding, q TranslateQuery, asked map[string]bool) error {
	u := g.Unmapped
	if u == nil {
		return nil
	}
	switch u.Mode {
	case "provided":
		out.add(Match{Equivalence: "equal", Coding: Coding{g.Target, g.TargetVersion, c.Code, c.Display}, Map: m.URL})
	case "fixed":
		out.add(Match{Equivalence: "inexact", Coding: Coding{g.Target, g.TargetVersion, u.Code, u.Display}, Map: m.URL})
	case "other-map":
		others, err := s.ConceptMaps(u.URL, "")
		if err != nil {
			return err
		}
		for _, o := range others {
			if err := s.apply(out, o, c, q, asked); err != nil {
				return err
			}
		}
	}
	return nil
}

// turned is an equivalence seen from the other side.
var turned = map[string]string{"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}

func (t *Translation) backwards(m *ConceptMap, g *MapGroup, c Coding, target string) {
	if g.Target != c.System && c.System != "" || target != "" && g.Source != target {
		return
	}
	for _, from := range g.sources(c.Code) {
		eq := from.Equivalence
		if other, ok := turned[eq]; ok {
			eq = other
		}
		t.add(Match{Equivalence: eq, Coding: Coding{System: g.Source, Version: g.SourceVersion, Code: from.Code}, Comment: from.Comment, Map: m.URL})
	}
}

// historical are SNOMED CT's association reference sets, with what each says
// of two concepts. https://hl7.org/fhir/R4/snomedct.html#implicit-cm
var historical = map[string]string{
	"900000000000527005": "equal",      // same as
	"900000000000526001": "equivalent", // replaced by
	"900000000000523009": "inexact",    // possibly equivalent to
	"900000000000530003": "inexact",    // alternative
}

// mapSystems are the code systems of the targets of map reference sets.
var mapSystems = map[string]string{
	"447562003":          ICD10, // ICD-10 complex map
	"999002271000000101": ICD10, // ICD-10 complex map, United Kingdom
	"1126441000000105":   "https://fhir.hl7.org.uk/CodeSystem/OPCS-4",
	"900000000000497000": "http://read.info/ctv3",
	"446608001":          "http://terminology.hl7.org/CodeSystem/icd-o-3",
}

// snomedMap translates by a map that a URL implies; nil where it implies none.
func (s *Service) snomedMap(q TranslateQuery) (*Translation, error) {
	const op = "terminology.Translate"
	base, refset, found := strings.Cut(q.URL, "?fhir_cm=")
	if !found || !strings.HasPrefix(base, SNOMED) {
		return nil, nil
	}
	version := strings.TrimPrefix(base, SNOMED)
	if version != "" {
		version = base
	}
	x, err := s.system(op, SNOMED, version)
	if err != nil {
		return nil, err
	}
	c, known := x.Find(refset)
	r, ok := x.Refset(c)
	if !known || !ok || !r.Targets {
		return nil, fault.E(op, fault.NotFound, "the release has no map "+refset, "url")
	}
	out := &Translation{}
	for _, code := range q.Codings {
		if code.System != SNOMED && code.System != "" && !q.Reverse {
			continue
		}
		if m, ok := x.Find(code.Code); ok && !q.Reverse {
			for _, row := range x.RowsOf(r, m) {
				out.addRow(x, r, row, refset, q.URL)
			}
		}
		if q.Reverse {
			out.rowsBack(x, r, code.Code, q.URL)
		}
	}
	if !out.Result {
		out.Message = "the map has nothing for this code"
	}
	return out, nil
}

func (t *Translation) addRow(x *index.Index, r index.Refset, row index.Row, refset, url string) {
	m := Match{Equivalence: "equivalent", Coding: Coding{System: mapSystems[refset], Code: row.Target}, Comment: row.Advice, Map: url}
	if r.Concepts {
		to, _ := x.Find(row.Target)
		m.System, m.Display, m.Equivalence = SNOMED, x.Display(to), "equivalent"
		if eq := historical[refset]; eq != "" {
			m.Equivalence = eq
		}
	} else if row.Group > 0 {
		m.Equivalence = "relatedto" // a choice by rule among several
	}
	if row.Target == "" {
		m.Equivalence = "unmatched"
	}
	t.add(m)
}

func (t *Translation) rowsBack(x *index.Index, r index.Refset, target, url string) {
	var seen []index.Concept
	for i := range r.Rows {
		if row := x.Row(r, i); row.Target == target && !slices.Contains(seen, row.Member) {
			seen = append(seen, row.Member)
			t.add(Match{Equivalence: "relatedto", Coding: Coding{System: SNOMED, Code: x.Code(row.Member), Display: x.Display(row.Member)}, Map: url})
		}
	}
}
