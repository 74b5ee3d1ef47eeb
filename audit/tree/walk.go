package tree

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"selda/fault"
)

// Walk holds a tree as it is kept against its leaves, one after the other. The
// nil Walk is of no tree, and finds nothing wrong.
type Walk struct {
	ctx   context.Context
	log   *Log
	at    Checkpoint
	size  int64
	tiles [][]Hash // of each level the tile that is being filled
	full  []int64  // of each level how many tiles are held
}

// Walk begins with the latest checkpoint.
func (l *Log) Walk(ctx context.Context) (*Walk, error) {
	at, err := l.Latest(ctx)
	return &Walk{ctx: ctx, log: l, at: at}, err
}

// Wants says whether another leaf is in the tree.
func (w *Walk) Wants() bool { return w != nil && w.size < w.at.Size }

// Next takes the next leaf. The error names an entry that the tree has otherwise.
func (w *Walk) Next(leaf Hash) error {
	w.size++
	for level, h := 0, leaf; ; level++ {
		if level == len(w.tiles) {
			w.tiles, w.full = append(w.tiles, make([]Hash, 0, width)), append(w.full, 0)
		}
		w.tiles[level] = append(w.tiles[level], h)
		if len(w.tiles[level]) < width {
			return nil
		}
		if err := w.held(level); err != nil {
			return err
		}
		h = root(w.tiles[level])
		w.tiles[level], w.full[level] = w.tiles[level][:0], w.full[level]+1
	}
}

// held holds a level's tile against the one that is kept.
func (w *Walk) held(level int) error {
	const op = "tree.Walk"
	first := w.full[level] * width
	kept, err := w.log.tiles.Hashes(w.ctx, level, first, int64(len(w.tiles[level])))
	if err != nil {
		return fault.E(op, fault.Invalid, fmt.Sprintf("entry %d does not hold: the tree can't be read there: %v", first<<(level*height)+1, err))
	}
	for i, h := range w.tiles[level] {
		if h != kept[i] {
			return fault.E(op, fault.Invalid, fmt.Sprintf("entry %d does not hold: the trail's tree has another in its place", (first+int64(i))<<(level*height)+1))
		}
	}
	return nil
}

// End ends the walk, and gives the size of the tree.
func (w *Walk) End() (int64, error) {
	const op = "tree.Walk"
	if w == nil {
		return 0, nil
	}
	for level := range w.tiles {
		if err := w.held(level); err != nil {
			return w.at.Size, err
		}
	}
	if w.size < w.at.Size {
		return w.at.Size, fault.E(op, fault.Invalid, fmt.Sprintf("entry %d does not hold: the tree holds it, and the trail ends before it", w.size+1))
	}
	root, err := tlog.TreeHash(w.at.Size, reader{w.ctx, w.log.tiles})
	if err != nil {
		return w.at.Size, err
	}
	if root != w.at.Root && w.at.Size > 0 {
		return w.at.Size, fault.E(op, fault.Invalid, "the latest checkpoint is not of this trail: entry 1 does not hold, or one after it")
	}
	return w.at.Size, nil
}
