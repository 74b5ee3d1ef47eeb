// Package definition is FHIR's StructureDefinitions, as validation needs them:
// what each says of its elements, and libraries where they are found by their
// canonical URL. R4's own types, profiles and extensions lie in the binary and
// are read one at a time when they are asked for; others come from resources
// and from packages.
//
// A definition is read as its differential, which says what it adds to its
// base; the snapshot is for those that have none.
// Source: https://hl7.org/fhir/R4/structuredefinition.html.
package definition

import (
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
)

// Structure is one StructureDefinition.
type Structure struct {
	URL        string
	Type       string // the type that it defines or constrains
	Base       string // the URL of what it is derived from
	Constraint bool   // a profile, not a type of its own
	Context    []Context
	Elements   []Element
	snapshot   fhir.Node
}

// WithSnapshot is the definition with the elements of its snapshot, for one whose
// base is not at hand; nil where it has none.
func (s *Structure) WithSnapshot() *Structure {
	if !s.snapshot.Exists() {
		return nil
	}
	out := *s
	out.Elements = nil
	for _, e := range s.snapshot.List() {
		out.Elements = append(out.Elements, parseElement(e))
	}
	return &out
}

// Context is where an extension may be used.
// https://hl7.org/fhir/R4/defining-extensions.html#context
type Context struct{ Type, Expression string }

// Element is what a definition says of one element. What it does not say is
// zero, but for Min and Max.
type Element struct {
	ID, Path    string
	Slice       string // the name of the slice that it begins
	Slicing     *Slicing
	Min, Max    int // Unsaid where nothing is said; Many is *
	Types       []Type
	Content     string // the path whose content it repeats
	Fixed       fhir.Node
	Pattern     fhir.Node
	Binding     *Binding
	Constraints []Constraint
	MinValue    fhir.Node
	MaxValue    fhir.Node
	MaxLength   int
	Modifier    bool
	Languages   []string // of the sections that a narrative has
}

// Numbers of occurrences that are none.
const (
	Unsaid = -1
	Many   = 1 << 30
)

// Slicing is how the items of a list are told apart.
// https://hl7.org/fhir/R4/profiling.html#slicing
type Slicing struct {
	Discriminators []Discriminator
	Rules          string // open, closed, openAtEnd
	Ordered        bool
}

// Discriminator is one thing by which slices differ.
type Discriminator struct{ Type, Path string }

// Type is one type that an element may have.
type Type struct {
	Code               string
	Profiles           []string
	Targets            []string
	Contained, Bundled bool // how a reference is to be made; both false: in any way
}

// Binding is the value set that an element's codes come from.
type Binding struct {
	Strength, ValueSet, Max string
}

// Constraint is an invariant.
type Constraint struct {
	Key, Human, Expression string
	Warning                bool
}

// Parse reads a StructureDefinition.
func Parse(r *fhir.Resource) (*Structure, error) {
	const op = "definition.Parse"
	if r.Type != "StructureDefinition" {
		return nil, fault.E(op, fault.Invalid, "not a StructureDefinition")
	}
	text := func(name string) string { return r.Get(name).Text() }
	s := &Structure{URL: text("url"), Type: text("type"), Base: text("baseDefinition")}
	s.Type = s.Type[strings.LastIndexByte(s.Type, '/')+1:]
	// What is derived from the type of its own name is a profile, whatever it says.
	s.Constraint = text("derivation") == "constraint" || s.Base[strings.LastIndexByte(s.Base, '/')+1:] == s.Type
	for _, c := range r.Get("context").List() {
		s.Context = append(s.Context, Context{c.Get("type").Text(), c.Get("expression").Text()})
	}
	elements := r.Get("differential", "element")
	s.snapshot = r.Get("snapshot", "element")
	if !elements.Exists() {
		elements = s.snapshot
	}
	for _, e := range elements.List() {
		s.Elements = append(s.Elements, parseElement(e))
	}
	if s.URL == "" || s.Type == "" || len(s.Elements) == 0 && s.Base == "" {
		return nil, fault.E(op, fault.Invalid, "a StructureDefinition without url, type or elements")
	}
	return s, nil
}

func parseElement(n fhir.Node) Element {
	e := Element{Min: Unsaid, Max: Unsaid}
	for c := n.Children(); c.Next(); {
		v := c.Node()
		switch name := string(c.Name()); name {
		case "id":
			e.ID = v.Text()
		case "path":
			e.Path = v.Text()
		case "sliceName":
			e.Slice = v.Text()
		case "slicing":
			e.Slicing = parseSlicing(v)
		case "min":
			e.Min = number(v)
		case "max":
			if e.Max = Many; !v.Is("*") {
				e.Max, _ = strconv.Atoi(v.Text())
			}
		case "maxLength":
			e.MaxLength = number(v)
		case "extension":
			for _, x := range v.List() {
				if x.Get("url").Is(languageControl) {
					e.Languages = append(e.Languages, x.Get("valueCode").Text())
				}
			}
		case "contentReference":
			_, e.Content, _ = strings.Cut(v.Text(), "#")
		case "isModifier":
			e.Modifier = v.Bool()
		case "binding":
			e.Binding = parseBinding(v)
		case "type":
			for _, t := range v.List() {
				e.Types = append(e.Types, parseType(t))
			}
		case "constraint":
			for _, x := range v.List() {
				e.Constraints = append(e.Constraints, parseConstraint(x))
			}
		default:
			switch {
			case strings.HasPrefix(name, "fixed"):
				e.Fixed = v
			case strings.HasPrefix(name, "pattern"):
				e.Pattern = v
			case strings.HasPrefix(name, "minValue"):
				e.MinValue = v
			case strings.HasPrefix(name, "maxValue"):
				e.MaxValue = v
			}
		}
	}
	if e.ID == "" {
		e.ID = e.Path
	}
	return e
}

// languageControl is an extension of later releases that profiles of R4 have, too.
const languageControl = "http://hl7.org/fhir/StructureDefinition/narrative-language-control"

func number(n fhir.Node) int {
	v, err := strconv.Atoi(n.Text())
	if err != nil {
		return Unsaid
	}
	return v
}

func parseSlicing(n fhir.Node) *Slicing {
	s := &Slicing{Rules: n.Get("rules").Text(), Ordered: n.Get("ordered").Bool()}
	for _, d := range n.Get("discriminator").List() {
		s.Discriminators = append(s.Discriminators, Discriminator{d.Get("type").Text(), d.Get("path").Text()})
	}
	return s
}

func parseBinding(n fhir.Node) *Binding {
	b := &Binding{Strength: n.Get("strength").Text(), ValueSet: n.Get("valueSet").Text()}
	for _, x := range n.Get("extension").List() {
		if x.Get("url").Is("http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet") {
			_, v := x.First("value")
			b.Max = v.Text()
		}
	}
	return b
}

// fhirType is the extension that says which FHIR type an attribute of FHIRPath's
// own types stands for.
const fhirType = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"

func parseType(n fhir.Node) Type {
	t := Type{Code: n.Get("code").Text()}
	for _, x := range n.Get("extension").List() {
		if x.Get("url").Is(fhirType) {
			_, v := x.First("value")
			t.Code = v.Text()
		}
	}
	if strings.HasPrefix(t.Code, "http://hl7.org/fhirpath/") {
		t.Code = "string"
	}
	for i, p := range n.Get("profile").List() {
		t.Profiles = append(t.Profiles, p.Text()+profileElement(n, i))
	}
	for _, p := range n.Get("targetProfile").List() {
		t.Targets = append(t.Targets, p.Text())
	}
	for _, a := range n.Get("aggregation").List() {
		t.Contained = t.Contained || a.Is("contained")
		t.Bundled = t.Bundled || a.Is("bundled")
	}
	return t
}

func parseConstraint(n fhir.Node) Constraint {
	return Constraint{Key: n.Get("key").Text(), Human: n.Get("human").Text(), Expression: n.Get("expression").Text(), Warning: n.Get("severity").Is("warning")}
}

// profileElement is #id of the element of a profile that is meant, where an
// extension says that it is not the whole.
// https://hl7.org/fhir/R4/extension-elementdefinition-profile-element.html
func profileElement(typ fhir.Node, i int) string {
	beside := typ.Get("_profile", strconv.Itoa(i))
	for _, x := range beside.Get("extension").List() {
		if x.Get("url").Is("http://hl7.org/fhir/StructureDefinition/elementdefinition-profile-element") {
			return "#" + x.Get("valueString").Text()
		}
	}
	return ""
}
