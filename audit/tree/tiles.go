package tree

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// height is how many levels of the tree a tile spans: only the leaves and every
// eighth level are kept, the nodes between are hashed again when asked for.
// https://c2sp.org/tlog-tiles
const (
	height = 8
	width  = 1 << height
)

// reader is tlog's way to the hashes that are kept.
type reader struct {
	ctx   context.Context
	tiles interface {
		Hashes(ctx context.Context, level int, first, n int64) ([]Hash, error)
	}
}

// ReadHashes is tlog.HashReader's.
func (r reader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		level, n := tlog.SplitStoredHashIndex(x)
		span := int64(1) << (level % height)
		below, err := r.tiles.Hashes(r.ctx, level/height, n*span, span)
		if err != nil {
			return nil, err
		}
		out[i] = root(below)
	}
	return out, nil
}

// root is the root over a whole subtree: a power of two of hashes.
func root(h []Hash) Hash {
	h = append([]Hash(nil), h...)
	for ; len(h) > 1; h = h[:len(h)/2] {
		for i := range len(h) / 2 {
			h[i] = tlog.NodeHash(h[2*i], h[2*i+1])
		}
	}
	return h[0]
}

// grown is a tree with hashes that are not kept yet.
type grown struct {
	Tiles
	levels []Level
}

// add grows a tree of a size by leaves, and every level by what they fill.
func (g *grown) add(ctx context.Context, size int64, leaves []Hash) error {
	for level, more := 0, leaves; len(more) > 0; level++ {
		first := size >> (level * height)
		tail := first % width
		tile, err := g.Tiles.Hashes(ctx, level, first-tail, tail)
		if err != nil {
			return err
		}
		g.levels = append(g.levels, Level{level, first, more})
		tile = append(tile, more...)
		more = nil
		for ; len(tile) >= width; tile = tile[width:] {
			more = append(more, root(tile[:width]))
		}
	}
	return nil
}

// Hashes gives hashes that are kept and that are not yet.
func (g *grown) Hashes(ctx context.Context, level int, first, n int64) ([]Hash, error) {
	if level >= len(g.levels) {
		return g.Tiles.Hashes(ctx, level, first, n)
	}
	fresh := g.levels[level]
	kept := min(max(fresh.First-first, 0), n)
	out, err := g.Tiles.Hashes(ctx, level, first, kept)
	if err != nil || kept == n {
		return out, err
	}
	from := first + kept - fresh.First
	if from < 0 || from+n-kept > int64(len(fresh.Hashes)) {
		return nil, fmt.Errorf("the tree has no such hash")
	}
	return append(out, fresh.Hashes[from:from+n-kept]...), nil
}

// Tile is a tile's hashes by its path, such as 0/x001/234 or 0/000.p/17; nil
// where there is none. https://c2sp.org/tlog-tiles#merkle-tree
func (l *Log) Tile(ctx context.Context, path string) ([]byte, error) {
	level, n, w, ok := parseTile(path)
	if !ok {
		return nil, nil
	}
	at, err := l.Latest(ctx)
	if err != nil {
		return nil, err
	}
	if have := at.Size >> min(level*height, 63); n > have/width || n*width+w > have {
		return nil, nil
	}
	hashes, err := l.tiles.Hashes(ctx, level, n*width, w)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		out = append(out, h[:]...)
	}
	return out, nil
}

func parseTile(path string) (level int, n, w int64, ok bool) {
	parts := strings.Split(path, "/")
	if len(parts) < 2 || len(parts) > 9 {
		return 0, 0, 0, false
	}
	w = width
	if last := len(parts) - 1; strings.HasSuffix(parts[last-1], ".p") {
		p, err := strconv.ParseInt(parts[last], 10, 64)
		if err != nil || p < 1 || p >= width || strconv.FormatInt(p, 10) != parts[last] || last < 2 {
			return 0, 0, 0, false
		}
		w, parts[last-1] = p, strings.TrimSuffix(parts[last-1], ".p")
		parts = parts[:last]
	}
	level, err := strconv.Atoi(parts[0])
	if err != nil || level < 0 || level > 63 || strconv.Itoa(level) != parts[0] {
		return 0, 0, 0, false
	}
	for i, p := range parts[1:] {
		if i < len(parts)-2 {
			if !strings.HasPrefix(p, "x") {
				return 0, 0, 0, false
			}
			p = p[1:]
		}
		d, err := strconv.ParseUint(p, 10, 16)
		if err != nil || len(p) != 3 {
			return 0, 0, 0, false
		}
		n = n*1000 + int64(d)
	}
	// One tile has one path.
	return level, n, w, len(parts) == 2 || parts[1] != "x000"
}
