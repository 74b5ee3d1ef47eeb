package audit

import (
	"context"

	"selda/fault"
	"selda/internal/segment"
)

// Each gives every durable entry, in order, until f fails.
func (t *Trail) Each(ctx context.Context, f func(Entry) error) error {
	if _, err := t.chain.Scan(ctx, 0, func(_ segment.Position, e Entry) error { return f(e) }); err != nil {
		return fault.E("audit.Each", err)
	}
	return nil
}
