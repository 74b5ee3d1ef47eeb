package region

import (
	"context"
	"io"

	"selda/optout"
	"selda/policy"
	"selda/population"
)

// door is where data without names are released.
func (r *Region) door() *population.Door {
	return &population.Door{Access: r.Access, Records: r.Records, Documents: r.documents, Secret: r.Store.Secret("pseudonyms"), Now: r.Now,
		OptOuts: func(ctx context.Context) (*optout.Register, error) { return r.OptOuts(ctx, OperatorSubject()) }}
}

// Release makes a release under an agreement: rows are written to w, counts come back.
func (r *Region) Release(ctx context.Context, s policy.Subject, ask population.Ask, w io.Writer) (population.Release, *population.Counts, error) {
	return r.door().Make(ctx, s, ask, w)
}

// Releases are the last that were made: of an analyst's own organisation, of all to
// those who govern.
func (r *Region) Releases(ctx context.Context, s policy.Subject) ([]population.Release, error) {
	const most = 200
	if policy.SecondaryUse(s, nil).Permit && s.Organisation != "" {
		return r.door().Releases(s.Organisation, most)
	}
	if err := r.Access.Govern(ctx, s, "releases of data without names"); err != nil {
		return nil, err
	}
	return r.door().Releases("", most)
}
