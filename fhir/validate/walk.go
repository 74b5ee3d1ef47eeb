package validate

import (
	"fmt"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/fhirpath"
)

// run is one validation.
type run struct {
	v       *Validator
	full    bool // invariants, extensions and profiles, too
	env     fhirpath.Env
	path    []step
	issues  []Issue
	asked   []string // profiles for the outermost resource
	trial   int      // how many attempts are under way, whose issues only count
	depth   int
	follows int // references that were followed to the resource at hand

	bundle map[string]fhir.Node // the resources of the nearest Bundle around, by what may name them
}

// maxIssues bounds what is said of one resource.
const maxIssues = 500

func (x *run) say(s Severity, code fault.Kind, words string) {
	x.report(Issue{Severity: s, Code: code.String(), Text: words})
}

func (x *run) report(i Issue) {
	if len(x.issues) >= maxIssues {
		return
	}
	if x.trial == 0 {
		i.Expression = location(x.path)
	}
	x.issues = append(x.issues, i)
}

func (x *run) push(name string, index int) { x.path = append(x.path, step{name: name, index: index}) }
func (x *run) pop()                        { x.path = x.path[:len(x.path)-1] }

// resource walks a resource: the outermost, or one within another.
func (x *run) resource(n fhir.Node, at string) {
	if !n.IsObject() {
		x.say(Error, fault.Structure, "a resource is an object")
		return
	}
	name := n.Member("resourceType")
	d := fhir.DatatypeOf(name.View())
	if d == nil || !fhir.IsResourceType(name.View()) {
		x.say(Error, fault.Invalid, "resourceType is missing, or none of FHIR R4: it names the type of the resource")
		return
	}
	if at == "" {
		x.push(d.Name(), -1)
		defer x.pop()
	}
	if d.Name() == "Bundle" {
		before := x.bundle
		if x.full {
			x.bundle = named(n)
		}
		defer func() { x.bundle = before }()
	}
	x.path[len(x.path)-1].of = d
	s := x.v.shape(d)
	if !x.full {
		x.object(n, s, true)
		return
	}
	before := x.env.Resource
	it := fhirpath.Resource(n)
	x.env.Resource = it
	if at == carried {
		root := x.env.RootResource
		x.env.RootResource = it
		defer func() { x.env.RootResource = root }()
	}
	x.object(n, s, true)
	x.contained(n)
	if d.Name() != "StructureDefinition" { // its differential and its snapshot have the same ids
		x.ids(n, nil, 0)
	}
	x.invariants(&it, s.checks)
	switch d.Name() {
	case "Bundle":
		x.bundled(n)
	case "QuestionnaireResponse":
		x.answered(n)
	case "MeasureReport":
		x.reported(n)
	default:
		x.conformance(n, d)
	}
	x.named(&it, n)
	x.env.Resource = before
}

// counts are how often each element of an object is there. No type of R4 has
// more elements.
type counts [112]uint16

// object walks the members of an object.
func (x *run) object(n fhir.Node, s *shape, resource bool) {
	var seen counts
	empty := true
	for c := n.Children(); c.Next(); {
		empty = false
		name := c.Name()
		if len(name) > 0 && name[0] == '_' {
			x.beside(n, name[1:], c.Node(), s, &seen)
			continue
		}
		i, d := s.of.Find(name)
		if i < 0 {
			if resource && string(name) == "resourceType" {
				continue
			}
			x.unknown(string(name), s)
			continue
		}
		x.property(n, name, c.Node(), &s.props[i], d, &seen[i])
	}
	if empty {
		x.say(Error, fault.Invalid, "an element has a value or elements: leave it out where it is empty")
	}
	for _, i := range s.required {
		if p := &s.props[i]; int(seen[i]) < p.rule.min {
			x.say(Error, fault.Required, s.of.Name()+"."+p.Name+" is missing: it is required")
		}
	}
	for i := range s.props {
		if seen[i] > 1 && !s.props[i].List {
			x.say(Error, fault.Invalid, s.props[i].Name+" is there more than once, in more than one type: one only is allowed")
		}
	}
}

func (x *run) unknown(name string, s *shape) {
	words := "this element is not known to FHIR R4 in " + s.of.Name()
	if p := s.of.Property([]byte(name)); p != nil {
		words = name + " is a choice: in JSON its type follows the name, as in " + p.Keys()[0]
	}
	if len(name) > 64 {
		name = name[:64]
	}
	x.push(quoted(name), -1)
	x.say(Error, fault.Structure, words+"; take it out, or carry it in an extension")
	x.pop()
}

// quoted is a name as FHIRPath takes it.
func quoted(name string) string {
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && (i == 0 || c < '0' || c > '9') {
			return "`" + name + "`"
		}
	}
	return name
}

// property walks one member: a value, or a list of them.
func (x *run) property(parent fhir.Node, key []byte, value fhir.Node, p *part, d *fhir.Datatype, seen *uint16) {
	if !p.List {
		if value.IsArray() {
			x.push(p.Name, -1)
			x.say(Error, fault.Structure, "this element is there at most once: it is no list")
			x.pop()
			*seen++
			return
		}
		x.push(p.Name, -1)
		if value.IsNull() {
			x.say(Error, fault.Structure, "null is no value: leave the element out")
		} else {
			*seen++
			x.element(value, p, d)
		}
		x.pop()
		return
	}
	if !value.IsArray() {
		x.push(p.Name, -1)
		x.say(Error, fault.Structure, "this element may repeat: in JSON it is a list, in [ ]")
		x.pop()
		*seen++
		return
	}
	k := 0
	var unders list // looked for where there is a null
	for c := value.Children(); c.Next(); k++ {
		x.push(p.Name, k)
		item := c.Node()
		switch {
		case !item.IsNull():
			*seen++
			x.element(item, p, d)
		case !d.Primitive() || !unders.at(parent, key, k).IsObject():
			x.say(Error, fault.Structure, "null stands only for a primitive value that has extensions in its place")
		}
		x.pop()
	}
	if k == 0 {
		x.push(p.Name, -1)
		x.say(Error, fault.Structure, "a list is not empty: leave it out")
		x.pop()
	}
}

// list is what JSON has under _name, found and walked once.
type list struct {
	found bool
	rest  fhir.Cursor
	next  int
}

// at is the k-th of the list; it is asked for in order.
func (l *list) at(parent fhir.Node, key []byte, k int) fhir.Node {
	if !l.found {
		l.found, l.rest = true, parent.Member("_"+string(key)).Children()
	}
	for l.rest.Next() {
		if l.next++; l.next == k+1 {
			return l.rest.Node()
		}
	}
	return fhir.Node{}
}

func nth(list fhir.Node, k int) fhir.Node {
	for c := list.Children(); c.Next(); k-- {
		if k == 0 {
			return c.Node()
		}
	}
	return fhir.Node{}
}

// beside walks what JSON has under _name: ids and extensions of primitives.
// https://hl7.org/fhir/R4/json.html#primitive
func (x *run) beside(parent fhir.Node, key []byte, value fhir.Node, s *shape, seen *counts) {
	i, d := s.of.Find(key)
	if i < 0 || !d.Primitive() {
		x.unknown("_"+string(key), s)
		return
	}
	p := &s.props[i]
	of := parent.Member(string(key))
	if p.List != value.IsArray() {
		x.push(p.Name, -1)
		x.say(Error, fault.Structure, "the extensions of a primitive stand as its value does: in a list beside a list, else in an object")
		x.pop()
		return
	}
	if !p.List {
		x.push(p.Name, -1)
		if !of.Exists() {
			seen[i]++
		}
		x.extensions(of, value, p, d)
		x.pop()
		return
	}
	k := 0
	values := of.Children()
	for c := value.Children(); c.Next(); k++ {
		var item fhir.Node
		if values.Next() {
			item = values.Node()
		}
		x.push(p.Name, k)
		switch {
		case c.Node().IsNull():
			if !item.Exists() {
				x.say(Error, fault.Structure, "null stands only beside a value")
			}
		default:
			if !item.Exists() {
				seen[i]++
			}
			x.extensions(item, c.Node(), p, d)
		}
		x.pop()
	}
}

// extensions walks the id and the extensions of one primitive.
func (x *run) extensions(value, under fhir.Node, p *part, d *fhir.Datatype) {
	if !under.IsObject() {
		x.say(Error, fault.Structure, "what stands beside a primitive is an object with its id and extensions")
		return
	}
	x.path[len(x.path)-1].of = d
	x.object(under, x.v.shape(d), false)
	if !value.Exists() && x.full && p.rule != nil {
		it := fhirpath.ElementOf(value, under, d)
		x.invariants(&it, own(p.rule.always))
	}
}

// element walks one value.
func (x *run) element(n fhir.Node, p *part, d *fhir.Datatype) {
	s := x.v.shape(d)
	if s.format != nil {
		x.primitive(n, p, s)
		return
	}
	x.path[len(x.path)-1].of = d
	if !n.IsObject() {
		x.say(Error, fault.Structure, d.Name()+" is an object")
		return
	}
	if d.Name() == "Resource" {
		x.resource(n, x.within())
		return
	}
	x.object(n, s, false)
	if p.rule != nil && p.rule.binding != nil {
		it := fhirpath.ElementOf(n, fhir.Node{}, d)
		x.bound(&it, p.rule)
	}
	if !x.full {
		return
	}
	it := fhirpath.ElementOf(n, fhir.Node{}, d)
	x.invariants(&it, s.checks)
	if p.rule != nil && p.rule != s.root {
		x.invariants(&it, own(p.rule.always))
	}
	switch d.Name() {
	case "Extension":
		x.extension(&it, p.Name == "modifierExtension")
	case "Reference":
		if p.rule != nil {
			x.reference(&it, p.rule)
		}
	default:
		x.datatype(&it)
	}
}

// How a resource stands in another: as a part of it, or as one of its own that a
// Bundle or Parameters carries.
const (
	contained = "contained"
	carried   = "carried"
)

func (x *run) within() string {
	if x.path[len(x.path)-1].name == "contained" {
		return contained
	}
	return carried
}

func (x *run) primitive(n fhir.Node, p *part, s *shape) {
	if wrong := s.format(n); wrong != "" {
		code := fault.Value
		if !n.IsString() && !n.IsNumber() && !n.IsBool() {
			code = fault.Structure
		}
		x.say(Error, code, wrong)
		return
	}
	it := fhirpath.ElementOf(n, fhir.Node{}, s.of)
	if p.rule != nil && p.rule.binding != nil {
		x.bound(&it, p.rule)
	}
	if x.full {
		if s.of.Form() == fhir.DecimalForm && !fhir.IsDecimal(n.View()) { // some systems write whatever their floating point gives them
			x.report(Issue{Severity: Warning, Code: "value", Text: "a decimal has at most 18 digits"})
		}
		if s.of.Name() == "canonical" && !absolute(n.View()) && !strings.HasPrefix(n.View(), "#") {
			x.report(Issue{Severity: Warning, Code: "invalid", Text: "a canonical URL is absolute, or #id of a contained resource"})
		}
		x.invariants(&it, s.checks)
		if p.rule != nil {
			x.invariants(&it, own(p.rule.always))
		}
	}
}

// invariants evaluates constraints at an element.
func (x *run) invariants(it *fhirpath.Item, all []*invariant) {
	for _, i := range all {
		e, err := i.expression()
		if err != nil {
			continue // the definition is at fault, not the resource
		}
		if broken, err := e.False(&x.env, *it); err == nil && broken {
			s := Error
			if i.Warning {
				s = Warning
			}
			x.report(Issue{Severity: s, Code: "invariant", Key: i.Key, Text: fmt.Sprintf("%s (%s)", i.Human, i.Key)})
		}
	}
}

// distinct leaves out what is said twice: profiles repeat the rules of what they
// are derived from.
func (x *run) distinct() []Issue {
	type key struct {
		severity         Severity
		expression, text string
	}
	seen := map[key]bool{}
	out := x.issues[:0]
	for _, i := range x.issues {
		k := key{i.Severity, i.Expression, i.Text}
		if !seen[k] {
			seen[k] = true
			out = append(out, i)
		}
	}
	return out
}
