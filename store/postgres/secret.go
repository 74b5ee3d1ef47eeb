package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"

	"selda/fault"
	"selda/internal/seal"
	"selda/store/adapter"
)

// This file keeps the secrets that all nodes share, in the table `secret`: sealed,
// where the nodes were given a key that is not in the database.

// secretAbout is what a secret is sealed about.
func secretAbout(name string) string { return "secret/" + name }

// Secret is a key of 32 bytes for one use, derived from the region's own.
func (db *DB) Secret(use string) []byte { return adapter.Secret(db.key, use) }

// secret is a key of 32 bytes that all nodes share, made by the first that asks.
func (db *DB) secret(ctx context.Context, name string) (value []byte, err error) {
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh)
	kept, err := seal.Closed(db.keys, fresh, secretAbout(name))
	if err != nil {
		return nil, err
	}
	if _, err := db.writers.Exec(ctx, `INSERT INTO secret(name, value) VALUES($1, $2) ON CONFLICT DO NOTHING`, name, kept); err != nil {
		return nil, err
	}
	value, _, err = db.known(ctx, name)
	return value, err
}

// known is a secret that is there; false where it is not.
func (db *DB) known(ctx context.Context, name string) ([]byte, bool, error) {
	var kept []byte
	err := db.writers.QueryRow(ctx, `SELECT value FROM secret WHERE name=$1`, name).Scan(&kept)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	value, _, err := seal.Opened(db.keys, kept, secretAbout(name))
	return value, true, err
}

// SealAll seals whatever secret is in the clear or sealed by a key of before, and says
// how many that were. What was there is not to be found in the table's files after it.
func (db *DB) SealAll() (int, error) {
	const op = "postgres.SealAll"
	if db.keys == nil {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), documentWait)
	defer cancel()
	kept, err := db.keptSecrets(ctx)
	if err != nil {
		return 0, fault.E(op, fault.NoStore, err)
	}
	n := 0
	for name, old := range kept {
		value, anew, err := seal.Opened(db.keys, old, secretAbout(name))
		if err == nil && anew {
			value, err = db.keys.Seal(value, secretAbout(name))
		}
		if err != nil {
			return n, fault.E(op, err)
		}
		if !anew {
			continue
		}
		tag, err := db.writers.Exec(ctx, `UPDATE secret SET value=$3 WHERE name=$1 AND value=$2`, name, old, value)
		if err != nil {
			return n, fault.E(op, fault.NoStore, err)
		}
		n += int(tag.RowsAffected())
	}
	if n > 0 {
		if _, err := db.writers.Exec(ctx, `VACUUM secret`); err != nil {
			return n, fault.E(op, fault.NoStore, err)
		}
	}
	return n, nil
}

// OnThisMachine says whether an address is of a database on this very machine: a
// socket, or the loopback address. Of one that can't be read nobody connects anywhere.
func OnThisMachine(dsn string) bool {
	conf, err := pgx.ParseConfig(dsn)
	if err != nil {
		return true
	}
	hosts := []string{conf.Host}
	for _, f := range conf.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	for _, h := range hosts {
		ip := net.ParseIP(h)
		if !strings.HasPrefix(h, "/") && h != "localhost" && !(ip != nil && ip.IsLoopback()) {
			return false
		}
	}
	return true
}

func (db *DB) keptSecrets(ctx context.Context) (map[string][]byte, error) {
	kept := map[string][]byte{}
	err := db.rows(ctx, func(r pgx.Rows) error {
		var name string
		var value []byte
		err := r.Scan(&name, &value)
		kept[name] = value
		return err
	}, `SELECT name, value FROM secret`)
	return kept, err
}

// InUse are the ids of the keys that secrets are sealed by; "" stands for what is in the
// clear.
func (db *DB) InUse() (ids []string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), documentWait)
	defer cancel()
	kept, err := db.keptSecrets(ctx)
	for _, b := range kept {
		ids = append(ids, seal.ID(b))
	}
	return ids, err
}
