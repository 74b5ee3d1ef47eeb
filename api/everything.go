package api

import (
	"net/http"

	"selda/audit"
	"selda/fault"
	"selda/store"
)

// Everything of a patient, as one Bundle.
// https://hl7.org/fhir/R4/patient-operation-everything.html
func (q *request) everything(id string) error {
	ctx := q.r.Context()
	b := newBundle("searchset")
	total := 0
	add := func(typ, id string, body []byte) {
		b.add(entry{full: q.base + "/" + typ + "/" + id, resource: body, mode: "match"})
		total++
	}
	if q.system() {
		g, err := q.Access.System(ctx, q.subject, audit.Read, "Patient/"+id+"/$everything")
		if err != nil {
			return err
		}
		versions, err := q.Records.OfPatient(ctx, g, id, store.Latest)
		if err != nil {
			return err
		}
		for _, v := range versions {
			add(v.Type, v.ID, dressed(v))
		}
	} else {
		g, err := q.Access.Record(ctx, q.subject, id, "Patient/"+id+"/$everything")
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security) { // a source's own Patient, or nobody of whom the reader may know
			g, err = q.Access.Item(ctx, q.subject, "Patient", id, audit.Read)
		}
		if err != nil {
			return err
		}
		v, err := q.Records.Open(ctx, g)
		if err != nil {
			return err
		}
		b.meta = q.tagged()
		body, _, _ := Citizen(v)
		add("Patient", v.Citizen, body)
		for _, i := range v.Items {
			add(i.Type, i.ID, seen(v, i.Version))
		}
	}
	q.send(http.StatusOK, b.bytes(total, []link{{"self", q.base + "/Patient/" + id + "/$everything"}}))
	return nil
}
