package postgres

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"selda/audit/tree"
	"selda/fault"
	"selda/internal/seal"
)

// tiles keeps the trail's tree in the tables `trail_tile` and `trail_tree`: one
// row a tile of 256 hashes, and one row for the checkpoint. Any node extends it.
type tiles struct{ db *DB }

var _ tree.Tiles = tiles{}

// signer is the name of the key that signs checkpoints.
const signer = "trail-signer"

// Tree is the region's tree over its trail. One that was taken away is not begun
// again: it says so when it is asked.
func (t *Trail) Tree(ctx context.Context) (*tree.Log, error) {
	const op = "postgres.Tree"
	seed, known, err := t.db.known(ctx, signer)
	if err == nil && !known {
		fresh := make([]byte, 32)
		_, _ = rand.Read(fresh)
		if _, err := tree.Open(ctx, beginning{tiles{t.db}, fresh}, fresh); err != nil {
			return nil, err
		}
		seed, err = t.db.secret(ctx, signer)
	}
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	l, err := tree.New(tiles{t.db}, seed)
	if err != nil {
		return nil, err
	}
	return l.KeptBy(signerKept{t.db}), nil
}

// signerKept keeps the key that signs checkpoints.
type signerKept struct{ db *DB }

// Read is tree.Keeper's.
func (s signerKept) Read(ctx context.Context) ([]byte, error) { return s.db.secret(ctx, signer) }

// Keep is tree.Keeper's.
func (s signerKept) Keep(ctx context.Context, was, now []byte) error {
	const op = "postgres.Keep"
	var kept []byte
	if err := s.db.writers.QueryRow(ctx, `SELECT value FROM secret WHERE name=$1`, signer).Scan(&kept); err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	value, _, err := seal.Opened(s.db.keys, kept, secretAbout(signer))
	if err == nil && !bytes.Equal(value, was) {
		err = fault.E(op, fault.Conflict, "the key that signs checkpoints was changed at another node: look again")
	}
	if err == nil {
		value, err = seal.Closed(s.db.keys, now, secretAbout(signer))
	}
	if err != nil {
		return err
	}
	tag, err := s.db.writers.Exec(ctx, `UPDATE secret SET value=$3 WHERE name=$1 AND value=$2`, signer, kept, value)
	if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	if tag.RowsAffected() == 0 {
		return fault.E(op, fault.Conflict, "the key that signs checkpoints was changed at another node: look again")
	}
	return nil
}

// beginning keeps the key of a tree with its first checkpoint, both or neither.
type beginning struct {
	tiles
	seed []byte
}

// Extend is tree.Tiles'.
func (b beginning) Extend(ctx context.Context, _ []byte, _ []tree.Level, head []byte) error {
	kept, err := seal.Closed(b.db.keys, b.seed, secretAbout(signer))
	if err != nil {
		return err
	}
	tag, err := b.db.writers.Exec(ctx, `WITH key AS (INSERT INTO secret(name, value) VALUES($1, $2) ON CONFLICT DO NOTHING RETURNING name)
		INSERT INTO trail_tree(id, note) SELECT 1, $3 FROM key`, signer, kept, head)
	if err != nil {
		return fault.E("postgres.Tree", fault.NoStore, err)
	}
	if tag.RowsAffected() == 0 {
		return fault.E("postgres.Tree", fault.Conflict, "another node has begun the trail's tree")
	}
	return nil
}

// walk begins to hold the tree against the trail; nil where the trail is from
// before there was one.
func (t *Trail) walk(ctx context.Context) (*tree.Walk, error) {
	seed, known, err := t.db.known(ctx, signer)
	if err == nil && !known {
		head, err := tiles{t.db}.Head(ctx)
		if err == nil && head != nil {
			err = errors.New("the key that signs the trail's checkpoints is gone")
		}
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	l, err := tree.New(tiles{t.db}, seed)
	if err != nil {
		return nil, err
	}
	return l.Walk(ctx)
}

// Head is tree.Tiles'.
func (t tiles) Head(ctx context.Context) (note []byte, err error) {
	err = t.db.readers.QueryRow(ctx, `SELECT note FROM trail_tree WHERE id=1`).Scan(&note)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return note, err
}

const (
	tileWidth = 256
	tileBytes = tileWidth * tlog.HashSize
)

// Hashes is tree.Tiles'.
func (t tiles) Hashes(ctx context.Context, level int, first, n int64) ([]tree.Hash, error) {
	if n == 0 {
		return nil, nil
	}
	out := make([]tree.Hash, 0, n)
	at := first
	err := t.db.rows(ctx, func(r pgx.Rows) error {
		var tile int64
		var b []byte
		if err := r.Scan(&tile, &b); err != nil {
			return err
		}
		for ; at < first+n && at/tileWidth == tile; at++ {
			i := int(at%tileWidth) * tlog.HashSize
			if i+tlog.HashSize > len(b) {
				break
			}
			out = append(out, tree.Hash(b[i:i+tlog.HashSize]))
		}
		return nil
	}, `SELECT n, hashes FROM trail_tile WHERE level=$1 AND n BETWEEN $2 AND $3 ORDER BY n`, level, first/tileWidth, (first+n-1)/tileWidth)
	if err == nil && at < first+n {
		err = errors.New("a tile of the trail's tree is gone, or cut off")
	}
	return out, err
}

// Extend is tree.Tiles'. Who holds the row of the checkpoint extends the tree.
func (t tiles) Extend(ctx context.Context, old []byte, levels []tree.Level, head []byte) error {
	const op = "postgres.Extend"
	conn, err := t.db.writers.Acquire(ctx)
	if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	defer conn.Release()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	defer func() { _ = tx.Rollback(ctx) }() // no more than words once it is committed
	tag, err := tx.Exec(ctx, `UPDATE trail_tree SET note=$1 WHERE id=1 AND note=$2`, head, old)
	if err == nil && tag.RowsAffected() == 0 {
		return fault.E(op, fault.Conflict, "another node has extended the trail's tree")
	}
	for _, l := range levels {
		if err == nil {
			err = addTiles(ctx, tx, l)
		}
	}
	if err == nil {
		err = tx.Commit(ctx)
	}
	if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	return nil
}

// addTiles adds hashes at the end of a level: to its last tile, and new ones.
func addTiles(ctx context.Context, tx pgx.Tx, l tree.Level) error {
	var numbers, kept []int64
	var hashes [][]byte
	for at, more := l.First, l.Hashes; len(more) > 0; {
		n := min(tileWidth-at%tileWidth, int64(len(more)))
		b := make([]byte, 0, tileBytes)
		for _, h := range more[:n] {
			b = append(b, h[:]...)
		}
		numbers, kept, hashes = append(numbers, at/tileWidth), append(kept, at%tileWidth*tlog.HashSize), append(hashes, b)
		at, more = at+n, more[n:]
	}
	_, err := tx.Exec(ctx, `INSERT INTO trail_tile AS t (level, n, hashes) SELECT $1, x.n, x.hashes FROM unnest($2::bigint[], $3::bytea[]) x(n, hashes)
		ON CONFLICT (level, n) DO UPDATE SET hashes = substr(t.hashes, 1, $4) || excluded.hashes`, l.Level, numbers, hashes, kept[0])
	return err
}
