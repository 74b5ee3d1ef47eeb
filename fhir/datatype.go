package fhir

import (
	"strings"
	"sync"
)

// Datatype is a type of R4: a resource type, a datatype, a primitive type, or
// the type of an element that has elements of its own ("Patient.contact").
// There is one of each name, so that they can be compared.
type Datatype struct {
	name  string
	base  *Datatype
	shape shape
	form  Form
	line  string // what it is made of, from the table
	once  sync.Once
	props []Property
	byKey map[string]place // both forms of a choice's name: value, valueQuantity
}

// place is where a name in JSON leads: the element, and which of its types.
type place struct{ prop, typ int }

// Form is which of FHIRPath's own types a value of a datatype stands for.
// https://hl7.org/fhir/R4/fhirpath.html#types
type Form uint8

// The forms. NoForm is that of every complex type but Quantity.
const (
	NoForm Form = iota
	BooleanForm
	StringForm
	IntegerForm
	DecimalForm
	DateForm
	DateTimeForm
	TimeForm
	QuantityForm
)

func formOf(name string) Form {
	switch name {
	case "boolean":
		return BooleanForm
	case "integer", "positiveInt", "unsignedInt":
		return IntegerForm
	case "decimal":
		return DecimalForm
	case "date":
		return DateForm
	case "dateTime", "instant":
		return DateTimeForm
	case "time":
		return TimeForm
	}
	return StringForm
}

// Property is an element of a type, as it is declared.
type Property struct {
	Name  string // "value" of the choice value[x]
	List  bool
	Types []*Datatype // more than one of a choice
	keys  []string    // the names in JSON, one for each type
}

// Choice says whether the element is one of those whose name ends in [x].
func (p *Property) Choice() bool { return len(p.keys) > 0 && p.keys[0] != p.Name }

// Keys are the names that the element has in JSON, one for each of its types.
func (p *Property) Keys() []string { return p.keys }

// Of is the type that the element has under a name in JSON; nil where it is no
// name of this element's.
func (p *Property) Of(key []byte) *Datatype {
	if len(key) < len(p.Name) || string(key[:len(p.Name)]) != p.Name {
		return nil
	}
	for i, k := range p.keys {
		if k == string(key) {
			return p.Types[i]
		}
	}
	return nil
}

// primitiveBases are the primitive types that specialise another.
// https://hl7.org/fhir/R4/datatypes.html
var primitiveBases = map[string]string{"code": "string", "id": "string", "markdown": "string", "url": "uri", "canonical": "uri",
	"uuid": "uri", "oid": "uri", "positiveInt": "integer", "unsignedInt": "integer"}

// datatypes is every type by its name; what each is made of is read when it is
// first asked for.
var datatypes = sync.OnceValue(func() map[string]*Datatype {
	types := make(map[string]*Datatype, 700)
	for name, s := range shapes {
		types[name] = &Datatype{name: name, shape: s, form: formOf(name)}
	}
	for line := range strings.Lines(r4elements) {
		name, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		types[name] = &Datatype{name: name, line: rest, shape: complexShape}
	}
	element, domain, resource := types["Element"], types["DomainResource"], types["Resource"]
	backbone, quantity := types["BackboneElement"], types["Quantity"]
	resource.shape = resourceShape
	quantity.form = QuantityForm
	for _, t := range types {
		switch {
		case primitiveBases[t.name] != "":
			t.base = types[primitiveBases[t.name]]
		case t == element || t == resource:
		case t == domain:
			t.base = resource
		case t.name == "Age" || t.name == "Count" || t.name == "Distance" || t.name == "Duration":
			t.base, t.form = quantity, QuantityForm
		case IsResourceType(t.name) && strings.Contains(t.line, "contained*"):
			t.base = domain
		case IsResourceType(t.name):
			t.base = resource
		case t != backbone && strings.Contains(t.line, "modifierExtension*"):
			t.base = backbone
		default:
			t.base = element
		}
	}
	return types
})

// DatatypeOf is the type of that name, nil where R4 has none.
func DatatypeOf(name string) *Datatype { return datatypes()[name] }

// Name is the type's name.
func (t *Datatype) Name() string { return t.name }

// Form is the type of FHIRPath that the type's values stand for.
func (t *Datatype) Form() Form { return t.form }

// Base is the type that this one specialises; nil of Element and of Resource.
func (t *Datatype) Base() *Datatype { return t.base }

// Is says whether t is the type other or specialises it.
func (t *Datatype) Is(other *Datatype) bool {
	for ; t != nil; t = t.base {
		if t == other {
			return true
		}
	}
	return false
}

// Primitive says whether the type's values are single JSON values.
func (t *Datatype) Primitive() bool {
	return t.shape != complexShape && t.shape != resourceShape
}

// Properties are the type's elements, in the order of the standard.
func (t *Datatype) Properties() []Property {
	t.read()
	return t.props
}

// Property is the element of that name: "value" as well as "valueQuantity".
// It is nil where the type has none.
func (t *Datatype) Property(name []byte) *Property {
	t.read()
	if at, ok := t.byKey[string(name)]; ok {
		return &t.props[at.prop]
	}
	return nil
}

// Find is the place, among Properties, of the element that has that name in
// JSON, and the type that it then has; -1 where there is none.
func (t *Datatype) Find(key []byte) (int, *Datatype) {
	t.read()
	at, ok := t.byKey[string(key)]
	if !ok || at.typ < 0 {
		return -1, nil
	}
	return at.prop, t.props[at.prop].Types[at.typ]
}

func (t *Datatype) read() { t.once.Do(t.make) }

func (t *Datatype) make() {
	words := strings.Fields(t.line)
	if t.Primitive() {
		words = []string{"id@", "extension*Extension"}
	}
	t.props = make([]Property, len(words))
	t.byKey = make(map[string]place, len(words))
	all := datatypes()
	for i, w := range words {
		at := strings.IndexAny(w, ":*|@")
		p := Property{Name: w[:at], List: w[at] == '*'}
		typ := w[at+1:]
		switch {
		case w[at] == '@' && (p.Name == "url" || t.name == "Narrative"):
			typ = "uri"
		case w[at] == '@':
			typ = "string"
		case typ == "?":
			typ = openTypes
		}
		for one := range strings.SplitSeq(typ, ",") {
			key := p.Name
			if w[at] == '|' {
				key += strings.ToUpper(one[:1]) + one[1:]
			}
			p.Types, p.keys = append(p.Types, all[one]), append(p.keys, key)
			t.byKey[key] = place{i, len(p.Types) - 1}
		}
		if p.Choice() {
			t.byKey[p.Name] = place{i, -1} // no name in JSON
		}
		t.props[i] = p
	}
}
