package access

import (
	"context"

	"selda/fault"
	"selda/mpi"
	"selda/nhs"
	"selda/store"
)

// Vouched says whether an identity service's word for somebody is of the citizen of an NHS
// number: the birth date and one name agree with what a source states under that number
// (G15). A number alone opens nobody's record. Who asks has the answer in the trail, as
// the sign-in that it decides; what is read here leaves no further than that.
func (a *Access) Vouched(ctx context.Context, n nhs.Number, said mpi.Demographics) (bool, error) {
	const op = "access.Vouched"
	id, err := a.ByNumber(ctx, n)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, fault.E(op, err)
	}
	found, err := a.Index.Citizen(ctx, id, store.Latest)
	if err != nil {
		return false, fault.E(op, err)
	}
	for _, k := range found.Subjects {
		versions, err := a.Store.Compartment(ctx, k.Subject, store.Latest, system, "Patient")
		if err != nil {
			return false, fault.E(op, err)
		}
		for _, v := range versions {
			r, err := v.Resource()
			if err != nil {
				return false, fault.E(op, err)
			}
			for _, i := range r.Root().List("identifier") {
				number, err := nhs.ParseNumber(i.Get("value").Text())
				if err == nil && i.Get("system").Is(nhs.NumberSystem) && number == n && mpi.Agree(said, mpi.FromPatient(r.Root())) {
					return true, nil
				}
			}
		}
	}
	return false, nil
}
