package ingest

import (
	"slices"

	"selda/ingest/mapped"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Expecter is what a Tx may be besides: one whose store is far away. It is told
// what the messages of a batch will ask for, and fetches it in few questions.
// Nothing depends on it but time.
type Expecter interface {
	Expect(e *Expected) error
	// Made says whether a subject was made in this transaction: then nothing is
	// known by a key of its own yet.
	Made(s store.Subject) bool
	// Fresh says that nothing has a key yet.
	Fresh(k Key)
}

// Key is what a source calls a resource.
type Key struct {
	Source    nhs.Source
	Type, Key string
}

// Expected is what a batch of messages will ask for.
type Expected struct {
	Hashes     map[nhs.Source][][16]byte
	Keys       []Key
	IDs        []policy.Item
	Identities []mpi.Identifier
	// KeyOf is the key of a subject's own Patient.
	KeyOf func(k mpi.Known) Key
}

// expect tells a Tx what a batch will ask for.
func expect(tx Tx, batch []*Receipt) error {
	x, ok := tx.(Expecter)
	if !ok {
		return nil
	}
	e := &Expected{Hashes: map[nhs.Source][][16]byte{}, KeyOf: func(k mpi.Known) Key { return Key{k.Source, "Patient", patientKey(k.Subject)} }}
	for _, r := range batch {
		if r.raw.Format == HL7v2 || r.raw.Format == CDA {
			e.Hashes[r.raw.Source] = append(e.Hashes[r.raw.Source], r.hash)
		}
		if r.msg != nil {
			e.message(r.raw.Source, r.msg)
		}
	}
	return x.Expect(e)
}

func (e *Expected) message(source nhs.Source, m *mapped.Message) {
	for i := range m.Patients {
		p := &m.Patients[i]
		if p.ID != "" {
			e.IDs = append(e.IDs, policy.Item{Type: "Patient", ID: p.ID})
		}
		e.Identities = append(e.Identities, mpi.Asked(person(p))...)
	}
	for i := range m.Resources {
		switch r := &m.Resources[i]; {
		case r.ID != "":
			e.IDs = append(e.IDs, policy.Item{Type: r.Type, ID: r.ID})
		case r.Key != "":
			e.Keys = append(e.Keys, Key{source, r.Type, r.Key})
		}
	}
}

// person is what a message says of who a patient is, but for demographics.
func person(p *mapped.Patient) mpi.Person {
	out := mpi.Person{Fallback: p.Fallback, Identifiers: make([]mpi.Identifier, 0, len(p.Identifiers))}
	for _, id := range p.Identifiers {
		out.Identifiers = append(out.Identifiers, mpi.Identifier{System: id.System, Value: id.Value, Verified: id.Verified, Organisation: mapped.OfOrganisation(id.System)})
	}
	return out
}

// fresh says of a subject that was made just now that its Patient is not there.
func (c *commit) fresh(s store.Subject) {
	if x, ok := c.tx.(Expecter); ok && x.Made(s) && !slices.Contains(c.subjects, s) {
		x.Fresh(Key{c.raw.Source, "Patient", patientKey(s)})
	}
}
