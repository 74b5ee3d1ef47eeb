package terminology

import (
	"strconv"

	"selda/fault"
	"selda/terminology/index"
)

// Closure is what the server remembers of a client's table of which codes
// subsume which others: the codes that it was told of, each with the version of
// the table in which it came. What relates to what follows from these.
// https://hl7.org/fhir/R4/terminology-service.html#closure
type Closure struct {
	Version  int               `json:"version"`
	Systems  map[string]string `json:"systems,omitempty"` // the version of each code system
	Concepts []ClosureConcept  `json:"concepts,omitempty"`
}

// ClosureConcept is a code of the table.
type ClosureConcept struct {
	System string `json:"system"`
	Code   string `json:"code"`
	Since  int    `json:"since"`
}

// Relation is an entry of the table: the target subsumes the source, is
// subsumed by it, or means the same.
type Relation struct {
	Source, Target ClosureConcept
	Equivalence    string // subsumes, specializes, equal
}

// maxClosure bounds a table: each code is held against all others.
const maxClosure = 5000

// Add puts codes into the table, in its next version. Those that it has are
// left where they are.
func (c *Closure) Add(s *Service, codes []Coding) error {
	const op = "terminology.Closure"
	have := map[ClosureConcept]bool{}
	for _, k := range c.Concepts {
		have[ClosureConcept{System: k.System, Code: k.Code}] = true
	}
	c.Version++
	for _, coding := range codes {
		x, err := s.system(op, coding.System, "")
		if err != nil {
			return err
		}
		n, ok := x.Find(coding.Code)
		if !ok {
			return noCode(op, coding.System, coding.Code)
		}
		key := ClosureConcept{System: coding.System, Code: x.Code(n)}
		if have[key] {
			continue
		}
		if have[key] = true; len(c.Concepts) == maxClosure {
			return fault.E(op, fault.TooCostly, "the closure table has 5000 codes, and takes no more", "concept")
		}
		if c.Systems == nil {
			c.Systems = map[string]string{}
		}
		if _, known := c.Systems[key.System]; !known {
			c.Systems[key.System] = x.Meta().Version
		}
		key.Since = c.Version
		c.Concepts = append(c.Concepts, key)
	}
	return nil
}

// Since are the entries that have come since a version of the table; since 0,
// all. Where a code system is there in another version by now, what was said
// before may hold no more: the table must then be begun anew.
func (c *Closure) Since(s *Service, version int) ([]Relation, error) {
	const op = "terminology.Closure"
	if version < 0 || version > c.Version {
		return nil, fault.E(op, fault.Value, "the closure table has had no version "+strconv.Itoa(version), "version")
	}
	systems := map[string]*index.Index{}
	for system, was := range c.Systems {
		x, err := s.system(op, system, "")
		if err != nil {
			return nil, err
		}
		if systems[system] = x; x.Meta().Version != was {
			return nil, fault.E(op, fault.BusinessRule, "the closure table must be begun anew: "+system+" was in version "+was+", and is in version "+x.Meta().Version, "name")
		}
		if h := x.Meta().Hierarchy; h != "" && h != "is-a" {
			return nil, fault.E(op, fault.NotSupported, "the hierarchy of "+system+" is not of kinds: it means "+h)
		}
	}
	numbers := make([]index.Concept, len(c.Concepts))
	for i, k := range c.Concepts {
		numbers[i], _ = systems[k.System].Find(k.Code)
	}
	var out []Relation
	for i, k := range c.Concepts {
		if k.Since <= version {
			continue
		}
		x := systems[k.System]
		for j, other := range c.Concepts[:i] {
			switch {
			case other.System != k.System:
			case x.Subsumes(numbers[j], numbers[i]):
				out = append(out, Relation{k, other, "subsumes"})
			case x.Subsumes(numbers[i], numbers[j]):
				out = append(out, Relation{other, k, "subsumes"})
			}
		}
	}
	return out, nil
}
