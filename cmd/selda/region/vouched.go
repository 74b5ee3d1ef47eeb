package region

import (
	"context"

	"selda/auth"
	"selda/mpi"
)

// itsRecord says whether there is a record of whom an identity service vouches for (G15).
func (r *Region) itsRecord(ctx context.Context, p auth.Person) (bool, error) {
	return r.Access.Vouched(ctx, p.NHSNumber, mpi.Demographics{Family: []string{p.Family}, Given: []string{p.Given}, BirthDate: p.Born})
}
