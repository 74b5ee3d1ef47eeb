package adapter

import (
	"context"
	"slices"

	"selda/fault"
	"selda/mpi"
	"selda/store"
)

// Former gives those of some ids that answer with a citizen now: one that was
// unlinked again, or severed (G14), does not.
func Former(ctx context.Context, index mpi.Index, c mpi.Found, ids []string) (out []string, err error) {
	for _, id := range ids {
		f, err := index.Citizen(ctx, id, store.Latest)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		if err == nil && f.ID == c.ID && id != c.ID && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, nil
}
