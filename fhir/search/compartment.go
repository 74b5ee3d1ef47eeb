package search

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"selda/fault"
)

//go:embed compartments.txt
var compartments string

// compartmentParams are, of each compartment and type, the parameters by which
// a resource is in it. https://hl7.org/fhir/R4/compartmentdefinition.html
var compartmentParams = sync.OnceValue(func() map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(compartments) {
		f := strings.Fields(line)
		out[f[0]+" "+f[1]] = f[2:]
	}
	return out
})

// IsCompartment says whether a type has a compartment.
func IsCompartment(typ string) bool {
	return slices.Contains([]string{"Patient", "Encounter", "RelatedPerson", "Practitioner", "Device"}, typ)
}

// Compartment is the condition that a resource of a type is in a compartment:
// it refers to its owner by one of some parameters, or is the owner itself.
// ok is false where no resource of the type can be.
func (q *Scope) Compartment(owner Target, typ string) (c *Clause, ok bool, err error) {
	c = &Clause{Name: owner.Type, Values: []string{owner.ID}, Within: owner}
	names := compartmentParams()[owner.Type+" "+typ]
	if len(names) == 0 && typ != owner.Type {
		return nil, false, nil
	}
	for _, name := range names {
		if name == "{def}" {
			continue
		}
		on, known, err := q.Clause(typ, name, owner.Type+"/"+owner.ID)
		if err != nil {
			return nil, false, fault.E("search.Compartment", err)
		}
		if known {
			c.parts = append(c.parts, on)
		}
	}
	c.direct = func(r *Candidate) bool {
		return r.Type == owner.Type && r.ID == owner.ID || slices.ContainsFunc(c.parts, func(p *Clause) bool { return p.Matches(r) })
	}
	return c, true, nil
}
