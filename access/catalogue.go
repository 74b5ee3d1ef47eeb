package access

import (
	"cmp"
	"context"
	"slices"

	"selda/fault"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Held is a data set: what a source holds of a kind of data.
type Held struct {
	Source   nhs.Source
	Kind     policy.DataSet
	Items    int
	Citizens int
}

// Catalogue is the data sets of the region, as some citizens who are spread over all
// have them: those who govern see which sources hold which kinds of data, and nobody's.
func (a *Access) Catalogue(ctx context.Context, s policy.Subject, limit int) (out []Held, citizens int, all bool, err error) {
	const op = "access.Catalogue"
	if err := a.Govern(ctx, s, "catalogue of data sets"); err != nil {
		return nil, 0, false, err
	}
	if limit <= 0 {
		limit = mostTried
	}
	type key struct {
		source nhs.Source
		kind   policy.DataSet
	}
	at := map[key]int{}
	seen := map[store.Citizen]bool{}
	all, err = a.spread(ctx, limit, func(f mpi.Found) error {
		if seen[f.Citizen] {
			return nil
		}
		seen[f.Citizen] = true
		has := map[int]bool{}
		for _, k := range f.Subjects {
			list, err := a.Store.Compartment(ctx, k.Subject, store.Latest, system)
			if err != nil {
				return err
			}
			for _, v := range list {
				i, known := at[key{v.Source, v.DataSet}]
				if !known {
					i = len(out)
					at[key{v.Source, v.DataSet}] = i
					out = append(out, Held{Source: v.Source, Kind: v.DataSet})
				}
				out[i].Items++
				has[i] = true
			}
		}
		for i := range has {
			out[i].Citizens++
		}
		return nil
	})
	if err != nil {
		return nil, 0, false, fault.E(op, err)
	}
	slices.SortFunc(out, func(x, y Held) int { return cmp.Or(cmp.Compare(x.Source, y.Source), cmp.Compare(x.Kind, y.Kind)) })
	return out, len(seen), all, nil
}
