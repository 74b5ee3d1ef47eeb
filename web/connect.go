package web

import (
	"context"
	"time"

	"selda/access"
	"selda/access/grant"
	"selda/access/record"
	"selda/auth"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// Patients finds whom a person may let an application see, for the screens of
// sign-on. Each is asked of access, as for a page.
type Patients struct {
	Access  *access.Access
	Records *record.Records
	Now     func() time.Time
}

// Own is auth.Patients'.
func (p Patients) Own(ctx context.Context, s policy.Subject) ([]auth.Patient, error) {
	const op = "web.Own"
	ids, err := p.Access.Helped(ctx, s)
	if s.Role == nhs.Citizen {
		var id string
		id, err = p.Access.Own(ctx, s)
		ids = []string{id}
	}
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.E(op, err)
	}
	var out []auth.Patient
	for _, id := range ids {
		one, err := p.Open(ctx, s, id)
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security) {
			continue // whom somebody may not help any more is not among them
		}
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// Find is auth.Patients'. People are found by demographics; whether the record
// may be opened is asked of the one who is chosen.
func (p Patients) Find(ctx context.Context, s policy.Subject, text string) ([]auth.Patient, error) {
	const op = "web.Find"
	a, err := understand(text)
	if err != nil {
		return nil, fault.E(op, err)
	}
	g, err := p.Access.Search(ctx, s, "people for an application, by "+a.as)
	if err != nil {
		return nil, fault.E(op, err)
	}
	found, err := p.Records.Find(ctx, g, p.Access.Index, a.groups, maxShown)
	if err != nil {
		return nil, fault.E(op, err)
	}
	var out []auth.Patient
	for _, v := range found {
		out = append(out, asPatient(v))
	}
	return out, nil
}

// Open is auth.Patients'.
func (p Patients) Open(ctx context.Context, s policy.Subject, id string) (auth.Patient, error) {
	const op = "web.Open"
	g, err := p.Access.Record(ctx, s, id, "whom an application is for")
	if err != nil {
		return auth.Patient{}, fault.E(op, err)
	}
	return p.named(ctx, g)
}

func (p Patients) named(ctx context.Context, g grant.Grant) (auth.Patient, error) {
	v, err := p.Records.Open(ctx, g, "Patient")
	if err != nil {
		return auth.Patient{}, fault.E("web.named", err)
	}
	return asPatient(v), nil
}

func asPatient(v *record.View) auth.Patient {
	who := person(v.Person)
	return auth.Patient{ID: v.Citizen, Name: who.Name.Plain(), Born: who.Born.Plain(), Number: who.Number.Spaced()}
}
