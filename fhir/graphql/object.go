package graphql

import (
	"bytes"

	"selda/fault"
	"selda/fhir"
)

// object is an answer's object while it is made. A field that comes again has
// its values put behind those that it had.
type object struct {
	fields []*field
	byName map[string]*field
}

type field struct {
	name   string
	list   bool
	single bool // @singleton: it has one value at most
	values []part
}

// part is a value of an answer.
type part interface{ write(b *bytes.Buffer) error }

// raw is a value as it stands in a resource's JSON.
type raw []byte

func (r raw) write(b *bytes.Buffer) error {
	b.Write(r)
	return nil
}

// text is a string as a value.
func text(s string) raw {
	b := fhir.Marshal(fhir.Object{"v": s})
	if len(b) < len(`{"v":""}`) {
		return raw(`""`)
	}
	return raw(b[len(`{"v":`) : len(b)-1])
}

// named is the field of a name; a new one where there is none.
func (o *object) named(name string) *field {
	if f := o.byName[name]; f != nil {
		return f
	}
	if o.byName == nil {
		o.byName = map[string]*field{}
	}
	f := &field{name: name}
	o.fields, o.byName[name] = append(o.fields, f), f
	return f
}

// add puts a value into a field.
func (o *object) add(s *selection, f flat, list bool, v part) error {
	to := o.named(s.alias + f.suffix)
	if s.has("singleton") != nil {
		to.single = true
	} else if list || f.list {
		to.list = true
	}
	if to.values = append(to.values, v); to.single && len(to.values) > 1 {
		return fault.E("graphql.Execute", fault.Value, "@singleton: there is more than one value", s.name)
	}
	return nil
}

// list has a field be a list, also where nothing is in it.
func (o *object) list(s *selection) { o.named(s.alias).list = true }

func (o *object) write(b *bytes.Buffer) error {
	b.WriteByte('{')
	for i, f := range o.fields {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(text(f.name))
		b.WriteByte(':')
		if f.single || !f.list && len(f.values) == 1 {
			if err := f.values[0].write(b); err != nil {
				return err
			}
			continue
		}
		b.WriteByte('[')
		for k, v := range f.values {
			if k > 0 {
				b.WriteByte(',')
			}
			if err := v.write(b); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	}
	b.WriteByte('}')
	return nil
}
