package ingest

import (
	"selda/fault"
	"selda/ingest/mapped"
	"selda/store"
)

// This file carries out a message whose resources each stand for themselves:
// what can't be used is refused, before anything of it is written, and the rest
// is. References are to ids, and so need none of the others to be there first.

// each carries out people first, then every resource.
func (c *commit) each() error {
	c.refused = c.msg.Refused
	absent := make([]error, len(c.msg.Patients)) // why somebody can't be found
	for i := range c.msg.Patients {
		p := &c.msg.Patients[i]
		before := len(c.subjects)
		err := c.patient(i)
		if len(c.subjects) == before { // each keeps its place
			c.subjects, c.patients = append(c.subjects, store.Shared), append(c.patients, "")
		}
		if err == nil && len(p.Body) > 0 {
			err = c.writePatient(i)
		}
		if err == nil {
			continue
		}
		if !refusable(err) {
			return err
		}
		if absent[i] = err; len(p.Body) > 0 {
			c.refuse(p.Place, err, false)
		}
	}
	for i := range c.msg.Resources {
		r := &c.msg.Resources[i]
		if r.Patient >= 0 && absent[r.Patient] != nil {
			c.refuse(r.Place, absent[r.Patient], len(c.msg.Patients[r.Patient].Body) == 0)
			continue
		}
		if _, err := c.held(i); err != nil {
			c.refuse(r.Place, err, false)
			continue
		}
		c.ready, c.carried = c.r.prepared(i), c.r.carriedTo(i)
		if err := c.one(r); err != nil {
			if !refusable(err) {
				return err
			}
			c.refuse(r.Place, err, false)
		}
	}
	return nil
}

// one writes a resource that was not there, or its next version.
func (c *commit) one(r *mapped.Resource) error {
	t, err := c.target(r)
	if err != nil {
		return err
	}
	return c.resource(r, t)
}

func (c *commit) refuse(place string, err error, absent bool) {
	if under := underCase(err); under != "" {
		c.under = under
	}
	c.refused = append(c.refused, mapped.Refusal{Place: place, Err: err, Absent: absent})
}

// refusable says whether an error is of what was sent, and not of the store.
func refusable(err error) bool {
	switch fault.KindOf(err) {
	case fault.Exception, fault.NoStore, fault.Transient:
		return false
	}
	return true
}
