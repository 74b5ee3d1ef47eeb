package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"selda/audit/tree"
	"selda/fault"
)

// treeEvery is how often the tree is extended: an entry is in it within five
// seconds, and a busy minute signs no more than thirty checkpoints.
const treeEvery = 2 * time.Second

// treeBatch is how many entries the tree is extended by at once.
const treeBatch = 20_000

// errEnough ends a walk over the chain.
var errEnough = errors.New("enough")

// Tree is the transparency log over the trail; nil where there is none.
func (t *Trail) Tree() *tree.Log { return t.tree }

// Grow has the tree hold every entry that is durable now, and gives its checkpoint.
func (t *Trail) Grow(ctx context.Context) (tree.Checkpoint, error) {
	const op = "audit.Grow"
	if t == nil || t.tree == nil {
		return tree.Checkpoint{}, fault.E(op, fault.NotSupported, "this trail has no tree")
	}
	t.growing.Lock()
	defer t.growing.Unlock()
	for {
		at, more, err := t.grow(ctx)
		if fault.KindOf(err) == fault.Conflict && ctx.Err() == nil { // another node was quicker
			continue
		}
		if err != nil || !more {
			return at, err
		}
	}
}

// grow extends the tree by one batch; more says that there is another.
func (t *Trail) grow(ctx context.Context) (at tree.Checkpoint, more bool, err error) {
	if at, err = t.tree.Latest(ctx); err != nil {
		return at, false, err
	}
	var leaves []tree.Hash
	err = t.chain.Records(ctx, uint64(at.Size)+1, func(_ uint64, record []byte) error {
		leaf, _, err := leafOf(t.chain.Key(), record)
		if err != nil {
			return err
		}
		if leaves = append(leaves, tree.Leaf(leaf)); len(leaves) == treeBatch {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return at, false, fault.E("audit.Grow", fault.NoStore, err)
	}
	at, err = t.tree.Extend(ctx, at, leaves)
	return at, len(leaves) == treeBatch, err
}

// Behind is how many durable entries the tree does not hold yet.
func (t *Trail) Behind(ctx context.Context) (int64, error) {
	if t == nil || t.tree == nil {
		return 0, nil
	}
	at, err := t.tree.Latest(ctx)
	if err != nil {
		return 0, err
	}
	n, err := t.chain.Size(ctx)
	return int64(n) - at.Size, err
}

// Prove is the file that proves an entry, which shows of it the parts that are
// named. CheckFile reads it.
func (t *Trail) Prove(ctx context.Context, seq uint64, show ...string) ([]byte, error) {
	const op = "audit.Prove"
	if _, err := t.Grow(ctx); err != nil {
		return nil, err
	}
	record, err := t.record(ctx, seq)
	if err != nil {
		return nil, fault.E(op, err)
	}
	leaf, all, err := leafOf(t.chain.Key(), record)
	if err != nil {
		return nil, fault.E(op, fault.Invalid, err)
	}
	p := Proof{Format: proofKind, About: aboutProof, Shown: map[string]Shown{}, Leaf: string(leaf)}
	for _, part := range show {
		p.Shown[part] = all[part]
	}
	proof, err := t.tree.Prove(ctx, int64(seq)-1, tree.Leaf(leaf))
	if err != nil {
		return nil, err
	}
	p.Proof, p.Handovers = string(proof), t.tree.Handovers()
	b, err := json.MarshalIndent(p, "", "  ")
	return append(b, '\n'), err
}

// Entry is an entry by its number.
func (t *Trail) Entry(ctx context.Context, seq uint64) (Entry, error) {
	const op = "audit.Entry"
	record, err := t.record(ctx, seq)
	if err != nil {
		return Entry{}, fault.E(op, err)
	}
	e, err := entryOf(record)
	if err != nil {
		return e, fault.E(op, fault.NoStore, err)
	}
	return e, nil
}

// record is an entry as it lies in the chain.
func (t *Trail) record(ctx context.Context, seq uint64) (record []byte, err error) {
	if seq > 0 && seq <= math.MaxInt64 {
		err = t.chain.Records(ctx, seq, func(_ uint64, r []byte) error {
			record = append(record, r...)
			return errEnough
		})
	}
	switch {
	case err != nil && !errors.Is(err, errEnough):
		return nil, fault.E("audit.record", fault.NoStore, err)
	case record == nil:
		return nil, fault.E("audit.record", fault.NotFound, fmt.Sprintf("the trail has no entry %d", seq))
	}
	return record, nil
}

// Parts are all parts of an entry.
func Parts() []string { return slices.Clone(parts) }

// IsPart says whether an entry has a part of this name.
func IsPart(name string) bool { return slices.Contains(parts, name) }
