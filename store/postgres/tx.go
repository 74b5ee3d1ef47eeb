package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"selda/fault"
	"selda/nhs"
	"selda/store"
	"selda/store/adapter"
)

// Tx is the one writing transaction. It is a store.Tx and has the ports that
// mpi and ingest declare.
//
// A call costs a round trip only where it asks what is not known yet. What is
// written waits, and goes with the next question or with the commit.
type Tx struct {
	db   *DB
	ctx  context.Context
	conn *pgx.Conn

	waiting *pgx.Batch // statements to send, in order
	rows    rows       // rows to insert, by table
	known   known      // what was read, or written, in this transaction
	learned []nhs.Source

	head    head
	n       uint64 // of the commit that is open; 0 where none is
	at      time.Time
	source  nhs.Source
	message store.MessageID
	items   []store.ItemID           // of this commit
	holds   []store.Lease            // that the commit depends on
	entries []adapter.Entry          // of the index of ordered values
	touched map[store.Subject]uint64 // subjects changed by this transaction
}

// head are the last numbers given.
type head struct{ n, item, subject, citizen, event, review, barred int64 }

// Update is store.Writer's.
func (db *DB) Update(ctx context.Context, f func(store.Tx) error) error {
	return db.Write(ctx, func(tx *Tx) error { return f(tx) })
}

// Write is Update with the whole transaction, for those who wire ports. Where
// the connection is lost before the commit, f is run again.
func (db *DB) Write(ctx context.Context, f func(*Tx) error) error {
	select {
	case db.writing <- struct{}{}:
		defer func() { <-db.writing }()
	case <-ctx.Done():
		return fault.E("postgres.Update", fault.Transient, ctx.Err())
	}
	began := time.Now()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, mostWait) {
		if err := ctx.Err(); err != nil {
			return fault.E("postgres.Update", fault.Transient, err)
		}
		err := db.write(ctx, f)
		if !isLost(err) {
			return err
		}
		if time.Since(began) > patience {
			return fault.E("postgres.Update", fault.NoStore, err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fault.E("postgres.Update", fault.NoStore, err)
		}
	}
}

// mostWait is how long it is between two tries at most.
const mostWait = 500 * time.Millisecond

// write tries once. An error that isLost says that nothing was committed and
// that it can be tried again.
func (db *DB) write(ctx context.Context, f func(*Tx) error) error {
	const op = "postgres.Update"
	conn, err := db.writers.Acquire(ctx)
	if err != nil {
		return lost(ctx, err)
	}
	defer conn.Release() // which closes a connection that is in the middle of something
	db.serial++
	tx := &Tx{db: db, conn: conn.Conn(), waiting: &pgx.Batch{}, known: newKnown(), touched: map[store.Subject]uint64{}}
	tx.ctx = ctx
	if err := tx.begin(); err != nil {
		return lost(ctx, err)
	}
	// From here on the region waits for this transaction: no caller's end cuts it short.
	tx.ctx = context.WithoutCancel(ctx)
	if err = f(tx); err == nil {
		err = tx.finish()
	}
	if err != nil {
		db.forget(tx.learned)
		if conn.Conn().IsClosed() || passes(err) {
			return lost(ctx, err)
		}
		_, _ = conn.Exec(tx.ctx, "ROLLBACK") // where it fails the connection is closed, which does the same
		return kind(err)
	}
	tx.waiting.Queue("COMMIT")
	if err := tx.send(); err != nil {
		if conn.Conn().IsClosed() {
			err = db.outcome(tx.ctx, err)
		}
		if err != nil {
			db.forget(tx.learned)
			if passes(err) {
				return lost(ctx, err)
			}
			if isLost(err) {
				return err
			}
			return fault.E(op, kind(err))
		}
	}
	return nil
}

// begin opens the transaction, and waits for the region's lock.
func (tx *Tx) begin() error {
	tx.waiting.Queue("BEGIN")
	tx.waiting.Queue(sqlHead).QueryRow(func(row pgx.Row) error {
		h := &tx.head
		return row.Scan(&h.n, &h.item, &h.subject, &h.citizen, &h.event, &h.review, &h.barred)
	})
	if err := tx.send(); err != nil {
		return err
	}
	return tx.loadBarred()
}

const sqlHead = `SELECT n, item, subject, citizen, event, review, barred FROM head WHERE id=1 FOR UPDATE`

// errLost is the kind of an error after which nothing is committed and the
// transaction may be tried again.
type errLost struct{ error }

func (e errLost) Unwrap() error { return e.error }

// lost marks an error as one to try again after: the connection went, or the
// database is not what it was, or has no time for us just now.
func lost(ctx context.Context, err error) error {
	var refused *pgconn.PgError
	if err == nil || ctx.Err() != nil || errors.As(err, &refused) && !passing[refused.Code] {
		return kind(err)
	}
	return errLost{err}
}

// isCut says whether an error is of the way to the database, or one that
// passes: the same may be asked again.
func isCut(err error) bool {
	var refused *pgconn.PgError
	var way net.Error
	var unreached *pgconn.ConnectError
	switch {
	case errors.As(err, &refused):
		return passes(err)
	case errors.As(err, &way), errors.As(err, &unreached), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return true
	}
	return pgconn.SafeToRetry(err)
}

// passes says whether the database refused something that it may take later.
func passes(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && passing[refused.Code]
}

// passing are the refusals that pass: https://www.postgresql.org/docs/current/errcodes-appendix.html
var passing = map[string]bool{
	"57P01": true, "57P02": true, "57P03": true, // it stops, has crashed, or starts
	"53300": true,                // too many connections
	"53100": true, "53200": true, // its disk or memory is full
	"58030": true,                // its disk failed it
	"25006": true,                // it takes nothing: a standby that is not the primary yet
	"55P03": true,                // another node has held the region's lock for long
	"40001": true, "40P01": true, // serialization, deadlock
	"25P03": true, // this node was in the middle of a transaction for too long
}

// again runs f until the way to the database is not cut, with patience. It is for what may be done
// twice.
func (db *DB) again(ctx context.Context, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, mostWait) {
		err := f(ctx)
		if err == nil || ctx.Err() != nil || !isCut(err) {
			return kind(err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return kind(err)
		}
	}
}

func isLost(err error) bool {
	var l errLost
	return errors.As(err, &l)
}

// kind gives what the database refused its kind. A value that it does not take
// is the message's fault; everything else is the store's, and nothing more is
// written until it is mended.
func kind(err error) error {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || len(refused.Code) < 2 || refused.Code[:2] == "22" || refused.Code[:2] == "23" {
		return err
	}
	return fault.E("postgres", fault.NoStore, refused.Message)
}

// outcome asks what became of the last transaction, whose commit was sent and
// not answered: nil where it is committed. Whoever has the region's lock knows
// that it has ended, and each transaction leaves its serial number. (Its number
// in the database would not tell: after a crash the next one may have the same.)
func (db *DB) outcome(ctx context.Context, cause error) error {
	for began := time.Now(); time.Since(began) < patience; time.Sleep(100 * time.Millisecond) {
		var serial int64
		b := &pgx.Batch{}
		b.Queue(sqlHead)
		b.Queue(`SELECT coalesce(max(serial), 0) FROM writer WHERE holder=$1`, db.holder).QueryRow(func(r pgx.Row) error { return r.Scan(&serial) })
		if err := db.writers.SendBatch(ctx, b).Close(); err != nil { // one transaction
			continue // the database is not back yet, or has not noticed that we went
		}
		if serial == db.serial {
			return nil
		}
		return errLost{cause}
	}
	return cause
}

func (db *DB) forget(names []nhs.Source) {
	db.sources.Lock()
	defer db.sources.Unlock()
	for _, s := range names {
		delete(db.byID, db.byName[s])
		delete(db.byName, s)
	}
}

// send sends what waits, in one round trip.
func (tx *Tx) send() error {
	if tx.waiting.Len() == 0 {
		return nil
	}
	b := tx.waiting
	tx.waiting = &pgx.Batch{}
	return tx.conn.SendBatch(tx.ctx, b).Close()
}

// ask asks for rows, after what waits, and calls f for each. What stands in
// rows is not seen by it: ask of what this transaction has not written, or
// flush before.
func (tx *Tx) ask(f func(pgx.Rows) error, sql string, args ...any) error {
	tx.want(f, sql, args...)
	return tx.send()
}

// want is ask with the next question.
func (tx *Tx) want(f func(pgx.Rows) error, sql string, args ...any) {
	tx.waiting.Queue(sql, args...).Query(func(rows pgx.Rows) error { return each(rows, f) })
}

func each(rows pgx.Rows, f func(pgx.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// do sends a statement with what is asked next.
func (tx *Tx) do(sql string, args ...any) { tx.waiting.Queue(sql, args...) }

// finish ends the last commit and has everything wait for COMMIT.
func (tx *Tx) finish() error {
	if err := tx.end(); err != nil {
		return err
	}
	tx.flush()
	tx.freshen()
	var ids, ns []int64
	var sources []int32
	for subject, n := range tx.touched {
		ids, ns, sources = append(ids, int64(subject)), append(ns, int64(n)), append(sources, tx.known.made[subject])
	}
	if len(ids) > 0 { // what is of no person is subject 0, which nobody makes: it comes with its first change
		tx.do(`INSERT INTO subject(id, source, n) SELECT * FROM unnest($1::bigint[], $2::int[], $3::bigint[]) ON CONFLICT(id) DO UPDATE SET n=excluded.n`, ids, sources, ns)
	}
	for _, l := range tx.holds {
		tx.do(sqlHold, l.Name, l.Holder, int64(l.Fence))
	}
	tx.do(`INSERT INTO writer(holder, serial) VALUES($1, $2) ON CONFLICT(holder) DO UPDATE SET serial=excluded.serial, at=excluded.at`, tx.db.holder, tx.db.serial)
	h := &tx.head
	tx.do(`UPDATE head SET n=$1, item=$2, subject=$3, citizen=$4, event=$5, review=$6, barred=$7 WHERE id=1`, h.n, h.item, h.subject, h.citizen, h.event, h.review, h.barred)
	return nil
}

// Begin is store.Tx's.
func (tx *Tx) Begin(at time.Time, source nhs.Source, m store.MessageID) (uint64, error) {
	if err := tx.end(); err != nil {
		return 0, err
	}
	tx.head.n++
	tx.n, tx.at, tx.source, tx.message = uint64(tx.head.n), at, source, m
	return tx.n, nil
}

// end writes the change of the commit that is open.
func (tx *Tx) end() error {
	if tx.n == 0 {
		return nil
	}
	src, err := tx.Source(tx.source)
	if err != nil {
		return err
	}
	tx.rows.change.add(int64(tx.n), tx.at.UnixMilli(), src, int64(tx.message), packItems(tx.items))
	tx.n, tx.items = 0, tx.items[:0]
	return nil
}

func packItems(items []store.ItemID) []byte {
	b := make([]byte, 0, len(items)*4)
	last := int64(0)
	for _, i := range items {
		b = binary.AppendVarint(b, int64(i)-last)
		last = int64(i)
	}
	return b
}

func unpackItems(b []byte) (items []store.ItemID, err error) {
	last := int64(0)
	for len(b) > 0 {
		d, k := binary.Varint(b)
		if k <= 0 {
			return nil, fault.E("postgres.itemsOf", "a change does not hold")
		}
		last += d
		items = append(items, store.ItemID(last))
		b = b[k:]
	}
	return items, nil
}

// Source gives a source's number, and registers it where it is new.
func (tx *Tx) Source(name nhs.Source) (int32, error) {
	if id, ok := tx.db.sourceID(name); ok {
		return id, nil
	}
	var id int32
	err := tx.ask(func(r pgx.Rows) error { return r.Scan(&id) },
		`INSERT INTO source(name, registered) VALUES($1, $2) ON CONFLICT(name) DO UPDATE SET name=excluded.name RETURNING id`, string(name), tx.at.UnixMilli())
	if err != nil {
		return 0, err
	}
	tx.db.learn(id, name)
	tx.learned = append(tx.learned, name)
	return id, nil
}

// Touch marks a subject as changed by this commit.
func (tx *Tx) Touch(s store.Subject) { tx.touched[s] = tx.n }
