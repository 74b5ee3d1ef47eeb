package ingest

import (
	"selda/fhir"
	"selda/ingest/classify"
	"selda/ingest/mapped"
	"selda/mpi"
	"selda/nhs"
	"selda/store"
)

// This file makes ready, beside the flush and on every core, what a message's
// commit would otherwise make in its turn: what its people and resources are
// found and judged by, and their bodies as they are stored.

// Packer is the port to how a store packs a body with its origin.
type Packer interface {
	Pack(typ string, body []byte, origin string) []byte
}

// ready is what was made of a body that is committed as it stands.
type ready struct {
	body   []byte
	class  classify.Class
	origin string
	packed []byte

	demographics mpi.Demographics // of a Patient
}

// classifiedBy is what resources are found by and labelled by.
func (p *Pipeline) classifiedBy() classify.By {
	if p.by == nil {
		return classify.By{}
	}
	return p.by()
}

// prepare makes ready what of a message refers to nothing by key: its bodies
// are final. Where one can't be read its commit says so.
func (p *Pipeline) prepare(raw *Raw, m *mapped.Message) []*ready {
	if m == nil {
		return nil
	}
	out := make([]*ready, len(m.Resources))
	for i := range m.Resources {
		r := &m.Resources[i]
		if r.Action == mapped.Put && len(r.Body) > 0 && mapped.Literal(r.Body) {
			out[i], _ = p.made(raw.Source, r.Type, r.Body, r.Place, r.Origins)
		}
	}
	return out
}

// people makes ready the people of a message, as prepare does its resources. Of
// other formats than FHIR a Patient is made of what is known already.
func (p *Pipeline) people(raw *Raw, m *mapped.Message) []*ready {
	if m == nil || raw.Format != FHIR {
		return nil
	}
	out := make([]*ready, len(m.Patients))
	for i := range m.Patients {
		r := &m.Patients[i]
		if len(r.Body) > 0 && mapped.Literal(r.Body) {
			k, res := p.made(raw.Source, "Patient", r.Body, r.Place, r.Origins)
			if k != nil {
				k.demographics = mpi.FromPatient(res.Root())
			}
			out[i] = k
		}
	}
	return out
}

// made makes one body ready; nil where it can't be read.
func (p *Pipeline) made(source nhs.Source, typ string, body []byte, place string, origins []mapped.Origin) (*ready, *fhir.Resource) {
	res, err := fhir.ParseTrusted(body)
	if err != nil {
		return nil, nil
	}
	k := &ready{body: body, class: classify.Of(res, source, p.classifiedBy()), origin: EncodeOrigins(place, origins)}
	if p.packer != nil {
		k.packed = p.packer.Pack(typ, body, k.origin)
	}
	return k, res
}

// person is what was made ready of the message's i-th patient; nil for nothing.
func (r *Receipt) person(i int) *ready {
	if i < len(r.persons) {
		return r.persons[i]
	}
	return nil
}

// prepared is what was made ready of the message's i-th resource; nil for nothing.
func (r *Receipt) prepared(i int) *ready {
	if i < len(r.made) {
		return r.made[i]
	}
	return nil
}

// of says whether it was made of this very body.
func (k *ready) of(body []byte) bool {
	return k != nil && len(body) == len(k.body) && &body[0] == &k.body[0]
}

// fill gives a Put what it is found and judged by.
func fill(put *store.Put, class *classify.Class) {
	put.DataSet, put.Labels, put.Final, put.When, put.Reported = class.DataSet, class.Labels, class.Final, class.When, class.Reported
	put.Tokens, put.Ordered = class.Tokens, class.Ordered
}
