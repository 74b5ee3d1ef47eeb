package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"selda/store"
	"selda/store/adapter"
)

var _ store.Bars = (*DB)(nil)

// loadBarred has in memory what tells that something is not barred, where another
// transaction, of any node, has changed it.
func (tx *Tx) loadBarred() error {
	if tx.head.barred == tx.db.barredAt {
		return nil
	}
	var all []store.Print
	if err := tx.ask(func(r pgx.Rows) error {
		var p pgtype.UUID
		err := r.Scan(&p)
		all = append(all, p.Bytes)
		return err
	}, `SELECT print FROM barred`); err != nil {
		return err
	}
	tx.db.barred, tx.db.barredAt = adapter.NewBarred(all), tx.head.barred
	return nil
}

func (db *DB) prints() adapter.Prints { return adapter.NewPrints(db.Secret("barred")) }

// Barring is store.Barrer's.
func (tx *Tx) Barring() bool { return tx.db.barred.Any() }

// Barred is store.Barrer's.
func (tx *Tx) Barred(list []store.Named) (map[int]store.Bar, error) {
	if !tx.Barring() {
		return nil, nil
	}
	prints := tx.db.prints()
	var ask [][16]byte
	at := map[store.Print][]int{}
	for i, n := range list {
		if p := prints.Of(n); tx.db.barred.May(p) {
			ask, at[p] = append(ask, p), append(at[p], i)
		}
	}
	if len(ask) == 0 {
		return nil, nil
	}
	out := map[int]store.Bar{}
	err := tx.ask(func(r pgx.Rows) error {
		var p pgtype.UUID
		var b store.Bar
		err := r.Scan(&p, &b.Case, &b.Person, &b.Known)
		b.Print = p.Bytes
		for _, i := range at[b.Print] {
			if _, known := out[i]; !known {
				out[i] = b
			}
		}
		return err
	}, `SELECT print, list, person, known FROM barred WHERE print=ANY($1) ORDER BY person`, uuids(ask))
	return out, err
}

// Bar is store.Barrer's.
func (tx *Tx) Bar(list []store.Bar) error {
	for _, b := range list {
		tx.do(`INSERT INTO barred(print, list, person, known) VALUES($1, $2, $3, $4) ON CONFLICT(print, list) DO UPDATE SET person=excluded.person, known=excluded.known`,
			pgtype.UUID{Bytes: b.Print, Valid: true}, b.Case, b.Person, b.Known)
	}
	if len(list) > 0 {
		tx.head.barred++
	}
	return nil
}

// Unbar is store.Barrer's.
func (tx *Tx) Unbar(caseID string, person int64) (n int, err error) {
	if person != 0 {
		caseID = ""
	}
	err = tx.ask(func(r pgx.Rows) error { return r.Scan(&n) },
		`WITH gone AS (DELETE FROM barred WHERE $1<>'' AND list=$1 OR $2::bigint<>0 AND person=$2 RETURNING 1) SELECT count(*) FROM gone`, caseID, person)
	if n > 0 {
		tx.head.barred++
	}
	return n, err
}

// HoldBack is store.Barrer's.
func (tx *Tx) HoldBack(m store.MessageID, caseID string) error {
	tx.do(`INSERT INTO heldback(message, list, kept) VALUES($1, $2, true) ON CONFLICT(message) DO UPDATE SET list=excluded.list, kept=true`, int64(m), caseID)
	return nil
}

// HeldBack is store.Barrer's.
func (tx *Tx) HeldBack() ([]store.MessageID, error) {
	var out messageIDs
	err := tx.ask(out.scan, `SELECT message FROM heldback WHERE kept ORDER BY message`)
	return out, err
}

// Destroyed is store.Barrer's.
func (tx *Tx) Destroyed(m store.MessageID) error {
	tx.do(`UPDATE heldback SET kept=false WHERE message=$1`, int64(m))
	return nil
}

type messageIDs []store.MessageID

func (l *messageIDs) scan(r pgx.Rows) error {
	var m int64
	err := r.Scan(&m)
	*l = append(*l, store.MessageID(m))
	return err
}

// BarsOf is store.Bars'.
func (db *DB) BarsOf(caseID string) (out []store.Bar, err error) {
	err = db.rows(context.Background(), func(r pgx.Rows) error {
		var p pgtype.UUID
		b := store.Bar{Case: caseID}
		err := r.Scan(&p, &b.Person, &b.Known)
		b.Print = p.Bytes
		out = append(out, b)
		return err
	}, `SELECT print, person, known FROM barred WHERE list=$1 ORDER BY print`, caseID)
	return out, err
}

// BarredCases is store.Bars'.
func (db *DB) BarredCases() (out []store.BarredCase, err error) {
	err = db.rows(context.Background(), func(r pgx.Rows) error {
		var c store.BarredCase
		err := r.Scan(&c.Case, &c.Items, &c.People, &c.Messages)
		out = append(out, c)
		return err
	}, `SELECT b.list, count(*) FILTER (WHERE NOT b.known), count(DISTINCT nullif(b.person, 0)), (SELECT count(*) FROM heldback h WHERE h.list=b.list) FROM barred b GROUP BY b.list ORDER BY b.list`)
	return out, err
}

// HeldBackUnder is store.Bars'.
func (db *DB) HeldBackUnder(caseID string, limit int) ([]store.MessageID, error) {
	var out messageIDs
	err := db.rows(context.Background(), out.scan, `SELECT message FROM heldback WHERE list=$1 ORDER BY message DESC LIMIT $2`, caseID, limit)
	return out, err
}
