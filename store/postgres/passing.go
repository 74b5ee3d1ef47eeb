package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"selda/auth"
	"selda/fault"
)

// Passing is what is worth something for minutes only, and any node may be
// asked for: sessions, codes of a sign-in. The table is not logged: after a
// crash of the database people sign in again.
type Passing struct{ db *DB }

var _ auth.Passing = Passing{}

// Passing gives access to it.
func (db *DB) Passing() Passing { return Passing{db} }

const passingWait = 10 * time.Second

// Put is auth.Passing's.
func (p Passing) Put(kind, key string, content []byte, expires time.Time) error {
	ctx, cancel := context.WithTimeout(context.Background(), passingWait)
	defer cancel()
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO passing AS p(kind, key, content, expires) VALUES($1, $2, $3, $4) ON CONFLICT(kind, key)
		DO UPDATE SET content=excluded.content, expires=excluded.expires WHERE p.content IS NOT NULL`, kind, key, content, expires)
	b.Queue(`DELETE FROM passing WHERE (kind, key) IN (SELECT kind, key FROM passing WHERE expires<now() LIMIT 10)`)
	if err := p.db.writers.SendBatch(ctx, b).Close(); err != nil {
		return fault.E("postgres.Put", fault.NoStore, err)
	}
	return nil
}

// Get is auth.Passing's.
func (p Passing) Get(kind, key string) (content []byte, ok bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), passingWait)
	defer cancel()
	err = p.db.readers.QueryRow(ctx, `SELECT content FROM passing WHERE kind=$1 AND key=$2 AND content IS NOT NULL AND expires>now()`, kind, key).Scan(&content)
	return p.answer(content, err)
}

// End is auth.Passing's.
func (p Passing) End(kind, key string, remember time.Duration) (content []byte, ok bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), passingWait)
	defer cancel()
	err = p.db.writers.QueryRow(ctx, `WITH was AS (SELECT content, expires FROM passing WHERE kind=$1 AND key=$2 FOR UPDATE),
		ended AS (INSERT INTO passing(kind, key, content, expires) VALUES($1, $2, NULL, now()+$3)
			ON CONFLICT(kind, key) DO UPDATE SET content=NULL, expires=excluded.expires)
		SELECT content FROM was WHERE content IS NOT NULL AND expires>now()`, kind, key, remember).Scan(&content)
	return p.answer(content, err)
}

func (Passing) answer(content []byte, err error) ([]byte, bool, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fault.E("postgres.Passing", fault.NoStore, err)
	}
	return content, true, nil
}
