// Package validate holds resources against FHIR R4 and against profiles.
//
// Structure is the check that every resource passes before it is stored: the
// elements that there are, how often, of which type, their formats and required
// bindings. Profiles is all the rest: invariants, the extensions' definitions,
// and the profiles that a resource names or that are asked for, with their
// slices.
//
// Definitions are made into trees of rules once, when they are first needed. A
// type's own rules are walked together with the resource; a profile's tree holds
// only what the profile adds, so that a resource is walked where the profile
// says something and nowhere else.
//
// The package reads no file and knows no server: definitions, terminology and
// other resources come by ports. What can't be known is said to be so, or passed
// over, and never guessed.
// Source: https://hl7.org/fhir/R4/validation.html.
package validate

import (
	"strings"
	"sync"
	"time"

	"selda/fhir"
	"selda/fhir/definition"
	"selda/fhir/fhirpath"
)

// Terminology is what is asked of codes. known is false where the value set is
// not there, or rests on what is not.
type Terminology interface {
	Member(valueSet, system, code string) (in, known bool)
}

// Validator holds resources against definitions. It may be used by many
// goroutines at once.
type Validator struct {
	library definition.Library
	terms   Terminology
	*made
	resolve Resolver // nil: only what is at hand is found

	// Canonical finds a resource by its canonical URL, with or without |version:
	// the Questionnaire of a response; nil where none can be.
	Canonical func(url string) (fhir.Node, bool)
	// Now is the clock, for invariants that ask for the time; nil: the year 1.
	Now func() time.Time
}

// made is what definitions have been made into.
type made struct {
	shapes sync.Map // *shape by *fhir.Datatype
	trees  sync.Map // *tree by URL
}

// Resolver is the port to what references lead to, outside of the resource at
// hand. known is false where nothing can be said of a reference; where it is
// true and there is no resource, the reference leads to nothing.
type Resolver func(reference string) (resource fhir.Node, known bool)

// Resolving is the validator for somebody who may look references up: what is
// found is held against what its reference wants, and what leads to nothing is a
// warning.
func (v *Validator) Resolving(resolve Resolver) *Validator {
	w := *v
	w.resolve = resolve
	return &w
}

func (v *Validator) now() time.Time {
	if v.Now == nil {
		return time.Time{}
	}
	return v.Now()
}

// New makes a validator over definitions, R4's own among them. terms may be nil:
// then bindings are not checked.
func New(library definition.Library, terms Terminology) *Validator {
	return &Validator{library: library, terms: terms, made: &made{}}
}

// Structure is what is wrong with a resource's structure: unknown elements,
// cardinality, types, formats and required bindings.
func (v *Validator) Structure(r *fhir.Resource) []Issue {
	return v.Node(r.Root())
}

// Node is Structure of a resource's root.
func (v *Validator) Node(root fhir.Node) []Issue {
	x := &run{v: v}
	x.resource(root, "")
	return x.issues
}

// Profiles is everything that is wrong with a resource, or should be known of it:
// its structure, invariants, extensions, the profiles in its meta.profile, and
// those of the URLs.
func (v *Validator) Profiles(r *fhir.Resource, urls ...string) []Issue {
	root := fhirpath.Resource(r.Root())
	x := &run{v: v, full: true, asked: urls}
	x.env = fhirpath.Env{Resource: root, RootResource: root, Now: v.now(), Resolve: x.target, ConformsTo: x.conformsTo, MemberOf: x.memberOf}
	x.resource(r.Root(), "")
	return x.distinct()
}

// Environment is what FHIRPath can ask of a validator, for an expression on a
// resource: memberOf(), conformsTo() and resolve().
func (v *Validator) Environment(root fhir.Node) *fhirpath.Env {
	x := &run{v: v, full: true}
	it := fhirpath.Resource(root)
	x.env = fhirpath.Env{Resource: it, RootResource: it, Now: v.now(), Resolve: x.target, ConformsTo: x.conformsTo, MemberOf: x.memberOf}
	return &x.env
}

// shape is a type as it is walked: its elements with their own rules.
type shape struct {
	of       *fhir.Datatype
	root     *rule
	props    []part
	required []int // elements that must be there
	format   format
	checks   []*invariant // those of the type as a whole
}

type part struct {
	*fhir.Property
	rule *rule // nil where the standard says nothing of the element but its type
}

// shape finds a type's shape, and makes it where it is asked for the first time.
func (v *Validator) shape(d *fhir.Datatype) *shape {
	if s, ok := v.shapes.Load(d); ok {
		return s.(*shape)
	}
	s := &shape{of: d, format: formats[d.Name()], root: v.typeRule(d)}
	if s.root != nil {
		s.checks = own(s.root.always)
	}
	props := d.Properties()
	s.props = make([]part, len(props))
	for i := range props {
		s.props[i].Property = &props[i]
		if s.root != nil {
			s.props[i].rule = s.root.kid(props[i].Name)
		}
		if k := s.props[i].rule; k != nil && k.min > 0 {
			s.required = append(s.required, i)
		}
	}
	kept, _ := v.shapes.LoadOrStore(d, s)
	return kept.(*shape)
}

// own leaves out the invariants that the walk checks by itself, without FHIRPath.
func own(all []*invariant) []*invariant {
	var out []*invariant
	for _, i := range all {
		if i.Key != "ele-1" && i.Key != "ext-1" && i.Key != "dom-3" && i.Expression != "" {
			out = append(out, i)
		}
	}
	return out
}

// typeRule is a type's own rules: of "Patient.contact", those at that path.
func (v *Validator) typeRule(d *fhir.Datatype) *rule {
	name, path, nested := strings.Cut(d.Name(), ".")
	t, _ := v.tree(standard + name)
	if t == nil {
		return nil
	}
	r := t.root
	for nested && r != nil {
		var step string
		step, path, nested = strings.Cut(path, ".")
		r = r.kid(step)
	}
	return r
}

// standard is where the definitions of the standard's own types stand.
const standard = "http://hl7.org/fhir/StructureDefinition/"

// tree is a definition's rules.
type tree struct {
	*definition.Structure
	root *rule
}

// tree finds the rules of a definition: those of a type with what it inherits,
// those of a profile with those of the profiles it is derived from, but not of
// the type that all of them constrain. It is nil where the definition is not
// known.
func (v *Validator) tree(url string) (*tree, error) {
	if t, ok := v.trees.Load(url); ok {
		return t.(*tree), nil
	}
	return v.make(url, 0)
}

// part is the rules of one element of a profile, which another profile uses by the
// extension elementdefinition-profile-element.
func (v *Validator) part(url, id, name string) (*tree, error) {
	t, err := v.tree(url)
	if t == nil || err != nil {
		return nil, err
	}
	r := t.root
	for _, step := range strings.Split(id, ".")[1:] {
		element, slice, sliced := strings.Cut(step, ":")
		if r = r.kid(strings.TrimSuffix(element, "[x]")); r != nil && sliced {
			r = r.sliceNamed(slice)
		}
		if r == nil {
			return nil, nil
		}
	}
	s := *t.Structure
	if s.Constraint = true; r.of != nil {
		s.Type = r.of.Name()
	}
	kept, _ := v.trees.LoadOrStore(name, &tree{Structure: &s, root: r})
	return kept.(*tree), nil
}

// maxDerived bounds how many definitions are derived from one another.
const maxDerived = 32

func (v *Validator) make(url string, depth int) (*tree, error) {
	if whole, id, part := strings.Cut(url, "#"); part {
		return v.part(whole, id, url)
	}
	s, err := v.library.Structure(url)
	if s == nil || err != nil || depth > maxDerived {
		return nil, err
	}
	t := &tree{Structure: s}
	if s.Base != "" {
		base, err := v.make(s.Base, depth+1)
		if err != nil {
			return nil, err
		}
		if base == nil && s.Constraint { // its base is in a package that is not here
			if whole := s.WithSnapshot(); whole != nil {
				s, t.Structure = whole, whole
			}
		}
		if base != nil && (base.Constraint || !s.Constraint) {
			t.root = base.root.clone()
			t.root.name = s.Type
		}
	}
	if t.root == nil {
		t.root = newRule(s.Type, "")
	}
	t.root.of = fhir.DatatypeOf(s.Type)
	profile := ""
	if s.Constraint {
		profile = s.URL
	}
	overlay(t.root, s, profile)
	kept, _ := v.trees.LoadOrStore(url, t)
	return kept.(*tree), nil
}
