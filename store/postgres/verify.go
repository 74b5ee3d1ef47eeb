package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"selda/audit"
	"selda/fault"
)

// trailColumns are what an entry's row is found by.
type trailColumns struct {
	at                             int64
	citizen                        pgtype.Text
	username, organisation, action string
}

// each calls f for the entries of the trail after one, in order.
func (t *Trail) each(ctx context.Context, last int64, f func(seq uint64, hash, entry []byte, c trailColumns) error) error {
	for {
		n := 0
		err := t.db.rows(ctx, func(r pgx.Rows) error {
			var hash, entry []byte
			var c trailColumns
			if err := r.Scan(&last, &hash, &entry, &c.at, &c.citizen, &c.username, &c.organisation, &c.action); err != nil {
				return err
			}
			n++
			return f(uint64(last), hash, entry, c)
		}, `SELECT seq, hash, entry, at, citizen, username, organisation, action FROM trail WHERE seq>$1 ORDER BY seq LIMIT 2000`, last)
		if err != nil || n == 0 {
			return err
		}
	}
}

// VerifyTrail proves every entry of a region's trail, and that its columns say
// what it says. The error names the first that does not hold. It may run while
// the trail is being written to.
func (db *DB) VerifyTrail(ctx context.Context) (audit.Report, error) {
	const op = "postgres.VerifyTrail"
	key, there, err := db.known(ctx, trailKey)
	if err == nil && !there {
		return audit.Report{}, fault.E(op, fault.NotFound, "there is no trail here, or its key is gone")
	}
	if err != nil {
		return audit.Report{}, fault.E(op, fault.NoStore, err)
	}
	t := &Trail{db: db, key: key}
	known, hash, err := t.head(ctx, db.readers, "")
	if err != nil {
		return audit.Report{}, fault.E(op, fault.Invalid, err)
	}
	w := audit.NewWalk(key)
	held, err := t.walk(ctx)
	if err != nil {
		return audit.Report{}, fault.E(op, fault.Invalid, err)
	}
	err = t.each(ctx, 0, func(seq uint64, link, entry []byte, c trailColumns) error {
		if seq != w.Entries+1 {
			return fmt.Errorf("entry %d does not hold: it is gone", w.Entries+1)
		}
		if err := w.Next(link, entry); err != nil {
			return err
		}
		if seq == known && w.Hash() != hash {
			return fmt.Errorf("entry %d does not hold: it is not the one that was written", seq)
		}
		if err := c.check(seq, entry); err != nil {
			return err
		}
		return audit.InTree(held, key, append(link[:len(link):len(link)], entry...))
	})
	if err == nil && w.Entries < known {
		err = fmt.Errorf("entry %d does not hold: the trail ends before it, and %d entries were written", w.Entries+1, known)
	}
	if err == nil {
		w.Tree, err = held.End()
	}
	h := w.Hash()
	w.Head = hex.EncodeToString(h[:])
	if err != nil {
		return w.Report, fault.E(op, fault.Invalid, err)
	}
	return w.Report, nil
}

// check holds an entry's columns against the entry: who changed one would hide it
// from those who look for it.
func (c trailColumns) check(seq uint64, entry []byte) error {
	var e audit.Entry
	if err := json.Unmarshal(entry, &e); err != nil {
		return fmt.Errorf("entry %d does not hold: it can't be read", seq)
	}
	r := &trailRows{}
	r.add(&e, [sha256.Size]byte{}, nil)
	if e.Seq != seq || (trailColumns{r.at[0], r.citizen[0], r.username[0], r.organisation[0], r.action[0]}) != c {
		return fmt.Errorf("entry %d does not hold: what it is found by was changed", seq)
	}
	return nil
}
