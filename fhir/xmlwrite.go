package fhir

import (
	"slices"
	"strconv"

	"selda/fault"
)

// ToXML gives a resource's JSON as XML: elements in the order of the schema,
// no white space between them, UTF-8. An element that R4 does not have is an
// error of kind Invalid, text that XML can't hold one of kind Value.
// https://hl7.org/fhir/R4/xml.html
func ToXML(json []byte) ([]byte, error) {
	const op = "fhir.ToXML"
	r, err := Parse(json)
	if err != nil {
		return nil, err
	}
	w := &xmlWriter{b: make([]byte, 0, len(json)+len(json)/2)}
	if err := w.resource(r.Root(), r.Type, true); err != nil {
		return nil, fault.E(op, err.kind, err.reason, r.Type+err.place)
	}
	return w.b, nil
}

type xmlWriter struct{ b []byte }

// misfit is why a place of a JSON tree has no XML form. The place is put
// together on the way out.
type misfit struct {
	kind   fault.Kind
	reason string
	place  string
}

func (e *misfit) in(name string) *misfit {
	if e != nil {
		e.place = "." + name + e.place
	}
	return e
}

// part is a member of a JSON object with the primitive part that stands
// beside it under "_name".
type part struct {
	xmlElement
	value  Node
	beside Node
}

func (w *xmlWriter) resource(n Node, typ string, root bool) *misfit {
	w.b = append(append(w.b, '<'), typ...)
	if root {
		w.b = append(w.b, ` xmlns="`+fhirNamespace+`"`...)
	}
	return w.object(n, typ, xmlTypes()[typ])
}

// object writes the attributes and elements of n after "<name", and its end.
func (w *xmlWriter) object(n Node, name string, t xmlType) *misfit {
	parts, err := split(n, t)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if p.attr {
			if err := w.attribute(p.name, p.value); err != nil {
				return err.in(p.name)
			}
		}
	}
	mark := len(w.b)
	w.b = append(w.b, '>')
	for i := range parts {
		if parts[i].attr {
			continue
		}
		if err := w.part(&parts[i]); err != nil {
			return err
		}
	}
	w.end(name, mark)
	return nil
}

// end closes the element whose start tag ends at mark: "/>" where it is empty.
func (w *xmlWriter) end(name string, mark int) {
	if len(w.b) == mark+1 {
		w.b = append(w.b[:mark], '/', '>')
		return
	}
	w.b = append(append(append(w.b, '<', '/'), name...), '>')
}

// split finds the elements of t that n's members are, in the schema's order.
// ExampleScenario.instance has an element that is called resourceType.
func split(n Node, t xmlType) ([]part, *misfit) {
	if !n.IsObject() {
		return nil, &misfit{fault.Structure, "an object is due here", ""}
	}
	var parts []part
	var bad *misfit
	n.Each(func(name string, child Node) {
		if _, element := t[name]; bad != nil || name == "resourceType" && !element {
			return
		}
		plain := name
		if name[:min(1, len(name))] == "_" {
			plain = name[1:]
		}
		e, known := t[plain]
		if !known || plain != name && (e.shape == complexShape || e.shape > booleanShape || e.attr) {
			bad = (&misfit{fault.Invalid, "an element that is not of FHIR R4", ""}).in(name)
			return
		}
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == plain })
		if i < 0 {
			i = len(parts)
			parts = append(parts, part{xmlElement: e})
		}
		if plain == name {
			parts[i].value = child
		} else {
			parts[i].beside = child
		}
	})
	slices.SortStableFunc(parts, func(a, b part) int { return a.order - b.order })
	return parts, bad
}

// part writes every occurrence of one element.
func (w *xmlWriter) part(p *part) *misfit {
	if !p.list {
		if p.value.IsArray() || p.beside.IsArray() {
			return (&misfit{fault.Structure, "a list where one value is due", ""}).in(p.name)
		}
		return w.one(p, p.value, p.beside).in(p.name)
	}
	if p.value.Exists() && !p.value.IsArray() || p.beside.Exists() && !p.beside.IsArray() {
		return (&misfit{fault.Structure, "one value where a list is due", ""}).in(p.name)
	}
	values, besides := p.value.List(), p.beside.List()
	for i := range max(len(values), len(besides)) {
		var v, b Node
		if i < len(values) {
			v = values[i]
		}
		if i < len(besides) {
			b = besides[i]
		}
		if err := w.one(p, v, b); err != nil {
			return err.in(p.name + "[" + strconv.Itoa(i) + "]")
		}
	}
	return nil
}

func (w *xmlWriter) one(p *part, v, beside Node) *misfit {
	switch p.shape {
	case xhtmlShape:
		return w.narrative(v)
	case resourceShape:
		typ := v.Get("resourceType").Text()
		if !IsResourceType(typ) {
			return &misfit{fault.Invalid, "no resource of FHIR R4", ""}
		}
		w.b = append(append(append(w.b, '<'), p.name...), '>')
		if err := w.resource(v, typ, false); err != nil {
			return err
		}
		w.b = append(append(append(w.b, '<', '/'), p.name...), '>')
		return nil
	case complexShape:
		w.b = append(append(w.b, '<'), p.name...)
		return w.object(v, p.name, xmlTypes()[p.typ])
	}
	return w.primitive(p, v, beside)
}

func (w *xmlWriter) primitive(p *part, v, beside Node) *misfit {
	w.b = append(append(w.b, '<'), p.name...)
	if v.Exists() {
		if err := w.attribute("value", v); err != nil {
			return err
		}
	}
	if beside.Exists() {
		return w.object(beside, p.name, xmlTypes()["Element"])
	}
	w.b = append(w.b, '/', '>')
	return nil
}

func (w *xmlWriter) attribute(name string, v Node) *misfit {
	if v.IsObject() || v.IsArray() || !v.Exists() {
		return &misfit{fault.Structure, "a plain value is due here", ""}
	}
	text := v.Text()
	if !inXML(text) {
		return &misfit{fault.Value, "a character that XML can't hold", ""}
	}
	w.b = append(append(append(w.b, ' '), name...), '=', '"')
	w.b = append(appendEscaped(w.b, text, true), '"')
	return nil
}

// narrative puts the div in, once it is known to be one well-formed element.
func (w *xmlWriter) narrative(v Node) *misfit {
	r := newXMLReader([]byte(v.Text()))
	start, err := r.root()
	if err == nil && start == nil {
		err = refuse(fault.Structure, "narrative is a div")
	}
	if err == nil {
		var text []byte
		if text, err = r.xhtml(start); err == nil {
			if err = r.end(); err == nil {
				w.b = append(w.b, text...)
				return nil
			}
		}
	}
	return &misfit{fault.Structure, "narrative that is not one well-formed div", ""}
}
