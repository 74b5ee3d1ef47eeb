package validate

import (
	"strings"
	"sync"

	"selda/fhir"
	"selda/fhir/definition"
	"selda/fhir/fhirpath"
)

// rule is what definitions say of one element, and of those below it: a type's
// own rules, or what a profile adds to them. Rules are not changed once they
// are made.
type rule struct {
	name      string // the element's
	slice     string
	of        *fhir.Datatype // the element's type, where there is but one
	min, max  int            // definition.Unsaid where nothing is said
	types     []definition.Type
	fixed     fhir.Node
	pattern   fhir.Node
	binding   *definition.Binding
	always    []*invariant
	minValue  fhir.Node
	maxValue  fhir.Node
	maxLength int
	modifier  bool
	languages []string // of the sections of a narrative
	slicing   *definition.Slicing
	slices    []*rule
	kids      []*rule
	content   string // the path whose rules it shares
	profile   string // the URL of the definition; "" of R4's own types
	matchers  sync.Map
}

func newRule(name, profile string) *rule {
	return &rule{name: name, min: definition.Unsaid, max: definition.Unsaid, profile: profile}
}

// kid is the rule of a child element; nil where nothing is said of it.
func (r *rule) kid(name string) *rule {
	for _, k := range r.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

func (r *rule) sliceNamed(name string) *rule {
	for _, s := range r.slices {
		if s.slice == name {
			return s
		}
	}
	return nil
}

// clone is a copy to which a derived profile can add.
func (r *rule) clone() *rule {
	c := &rule{name: r.name, slice: r.slice, of: r.of, min: r.min, max: r.max, types: r.types, fixed: r.fixed, pattern: r.pattern, binding: r.binding,
		always: r.always, minValue: r.minValue, maxValue: r.maxValue, maxLength: r.maxLength, modifier: r.modifier, languages: r.languages,
		slicing: r.slicing, content: r.content, profile: r.profile}
	for _, s := range r.slices {
		c.slices = append(c.slices, s.clone())
	}
	for _, k := range r.kids {
		c.kids = append(c.kids, k.clone())
	}
	return c
}

// add puts over the rule what an element definition says.
func (r *rule) add(e *definition.Element, profile string) {
	r.profile = profile
	if e.Min != definition.Unsaid {
		r.min = e.Min
	}
	if e.Max != definition.Unsaid {
		r.max = e.Max
	}
	if len(e.Types) > 0 {
		r.types = e.Types
		if len(e.Types) == 1 && (r.of == nil || !strings.Contains(r.of.Name(), ".")) {
			r.of = fhir.DatatypeOf(e.Types[0].Code)
		}
	}
	if e.Fixed.Exists() {
		r.fixed = e.Fixed
	}
	if e.Pattern.Exists() {
		r.pattern = e.Pattern
	}
	if e.Binding != nil {
		r.binding = e.Binding
	}
	if e.MinValue.Exists() {
		r.minValue = e.MinValue
	}
	if e.MaxValue.Exists() {
		r.maxValue = e.MaxValue
	}
	if e.MaxLength > 0 {
		r.maxLength = e.MaxLength
	}
	if e.Content != "" {
		r.content = e.Content
	}
	if e.Slicing != nil {
		r.slicing = e.Slicing
	}
	if len(e.Languages) > 0 {
		r.languages = e.Languages
	}
	r.modifier = r.modifier || e.Modifier
	for i := range e.Constraints {
		r.always = append(r.always[:len(r.always):len(r.always)], &invariant{Constraint: e.Constraints[i]})
	}
}

// invariant is a constraint, compiled when it is first needed.
type invariant struct {
	definition.Constraint
	once     sync.Once
	compiled *fhirpath.Expression
	bad      error
}

func (i *invariant) expression() (*fhirpath.Expression, error) {
	i.once.Do(func() { i.compiled, i.bad = fhirpath.CompileDefinition(i.Expression) })
	return i.compiled, i.bad
}

// overlay puts a definition's elements over a tree of rules.
func overlay(root *rule, s *definition.Structure, profile string) {
	at := map[string]*rule{} // by the id of the element, or its path
	for i := range s.Elements {
		e := &s.Elements[i]
		id := e.ID
		if strings.Count(id, ".") != strings.Count(e.Path, ".") {
			id = e.Path
		}
		if e.Slice != "" && !strings.HasSuffix(id, ":"+e.Slice) {
			id += ":" + e.Slice
		}
		dot := strings.LastIndexByte(id, '.')
		if dot < 0 {
			root.add(e, profile)
			at[id], at[e.Path] = root, root
			continue
		}
		parent := at[id[:dot]]
		if parent == nil {
			parent = descend(root, id[:dot], profile)
			at[id[:dot]] = parent
		}
		r := child(parent, id[dot+1:], profile)
		r.add(e, profile)
		at[id] = r
		if e.Slice != "" {
			at[e.Path] = r // where ids are left out, what follows is of this slice
		}
	}
}

// descend finds, or makes, the rule at the end of an element's id.
func descend(root *rule, id, profile string) *rule {
	steps := strings.Split(id, ".")
	for _, s := range steps[1:] {
		root = child(root, s, profile)
	}
	return root
}

// child finds, or makes, the rule of one step: name, name[x], name:slice.
func child(parent *rule, step, profile string) *rule {
	name, slice, _ := strings.Cut(step, ":")
	name, choice := strings.CutSuffix(name, "[x]")
	k := parent.kid(name)
	var prop *fhir.Property
	if parent.of != nil {
		prop = parent.of.Property([]byte(name))
	}
	if prop != nil && prop.Name != name && slice == "" { // valueQuantity is short for the slice of that type
		return child(parent, prop.Name+"[x]:"+name, profile)
	}
	if k == nil {
		k = newRule(name, profile)
		if prop != nil && len(prop.Types) == 1 {
			k.of = prop.Types[0]
		}
		parent.kids = append(parent.kids, k)
	}
	if slice == "" {
		return k
	}
	s := k.sliceNamed(slice)
	if s == nil {
		s = newRule(name, profile)
		s.slice, s.of = slice, k.of
		k.slices = append(k.slices, s)
		if k.slicing == nil && (name == "extension" || name == "modifierExtension") { // all extensions are sliced by their url
			k.slicing = &definition.Slicing{Discriminators: []definition.Discriminator{{Type: "value", Path: "url"}}, Rules: "open"}
		}
		if choice && prop != nil {
			if k.slicing == nil {
				k.slicing = &definition.Slicing{Discriminators: []definition.Discriminator{{Type: "type", Path: "$this"}}, Rules: "open"}
			}
			if of := prop.Of([]byte(slice)); of != nil {
				s.of, s.types = of, []definition.Type{{Code: of.Name()}}
			}
		}
	}
	return s
}
