package terminology

import (
	"slices"

	"selda/terminology/codemap"
	"selda/terminology/index"
)

// Codings translates single codings to SNOMED CT, by concept maps, as they come
// in at the door.
type Codings struct {
	groups map[string][]mapped // by the source's system
	names  *index.Index        // SNOMED CT, for displays; nil where it is not loaded
}

type mapped struct {
	url string
	MapGroup
}

// holds are the equivalences under which what is said of the source's code may
// be said of the target's: it means the same, or is wider.
// https://hl7.org/fhir/R4/valueset-concept-map-equivalence.html
var holds = []string{"equal", "equivalent", "wider", "subsumes"}

// NewCodings translates by what maps have for SNOMED CT, the first first.
func NewCodings(maps []*ConceptMap, snomed *index.Index) *Codings {
	c := &Codings{groups: map[string][]mapped{}, names: snomed}
	for _, m := range maps {
		for _, g := range m.Groups {
			if g.Target == SNOMED && g.Source != SNOMED {
				c.groups[g.Source] = append(c.groups[g.Source], mapped{m.URL, g})
			}
		}
	}
	return c
}

// Knows says whether there is a map from a system.
func (c *Codings) Knows(system string) bool { return c != nil && len(c.groups[system]) > 0 }

// Expects says whether codes of a system should be mapped, whether or not there
// is a map: those that general practice used before SNOMED CT.
func (c *Codings) Expects(system string) bool {
	return c.Knows(system) || system == codemap.Read2 || system == codemap.CTV3
}

// To is the coding of SNOMED CT that a code stands for, and the map that says
// so; "" where no map does.
func (c *Codings) To(system, code string) (to Coding, by string) {
	if c == nil {
		return Coding{}, ""
	}
	for _, g := range c.groups[system] {
		list, listed := g.targets(code)
		if !listed && len(code) == 7 && (system == codemap.Read2 || system == codemap.CTV3) {
			list, _ = g.targets(code[:5]) // the last two say which of a code's terms was chosen
		}
		for _, t := range list {
			if t.Code == "" || !slices.Contains(holds, t.Equivalence) {
				continue
			}
			to = Coding{System: SNOMED, Code: t.Code, Display: t.Display}
			if c.names != nil {
				if n, ok := c.names.Find(t.Code); ok {
					to.Display = c.names.Display(n)
				}
			}
			return to, g.url
		}
	}
	return Coding{}, ""
}
