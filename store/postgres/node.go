package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"selda/fault"
	"selda/ingest"
	"selda/internal/segment"
	"selda/store"
)

// A node is a process on the database. It renews the leases of the journals
// that it commits from; when it is gone they expire, and another node takes
// them over.
const (
	leaseFor   = 4 * time.Second
	renewEvery = time.Second
)

// held are the leases of journals that this node commits from.
type held struct {
	mu sync.Mutex
	of map[int64]store.Lease
}

func (h *held) add(node int64, l store.Lease) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of == nil {
		h.of = map[int64]store.Lease{}
	}
	h.of[node] = l
}

func (h *held) drop(node int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.of, node)
}

func (h *held) lease(node int64) (store.Lease, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l, ok := h.of[node]
	return l, ok
}

func (h *held) all() (list []store.Lease) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.of {
		list = append(list, l)
	}
	return list
}

// renew renews the leases until ctx ends. One that another node has by now
// stays lost: what is written under it is refused.
func (db *DB) renew(ctx context.Context) {
	every(ctx, renewEvery, func() {
		if err := db.renewAll(ctx); err != nil { // tried again at the next tick
			db.shaken.Store(time.Now().UnixNano())
		}
	})
}

func (db *DB) renewAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leaseFor)
	defer cancel()
	b := &pgx.Batch{}
	b.Queue(`SELECT 1`) // also a node without a lease learns whether the database is there
	for _, l := range db.journals.all() {
		b.Queue(`UPDATE lease SET expires=clock_timestamp()+$4 WHERE name=$1 AND holder=$2 AND fence=$3`, l.Name, l.Holder, int64(l.Fence), leaseFor)
	}
	return db.writers.SendBatch(ctx, b).Close()
}

// steady says whether the database has been there for as long as a lease lasts.
// After it was away all leases have expired, and their holders need a moment.
func (db *DB) steady() bool { return time.Since(time.Unix(0, db.shaken.Load())) >= leaseFor }

var _ ingest.Left = (*DB)(nil)

// Left is ingest.Left's.
func (db *DB) Left(ctx context.Context) (out []ingest.LeftLog, err error) {
	if !db.steady() {
		return nil, nil
	}
	var nodes []int64
	err = db.rows(ctx, func(r pgx.Rows) error {
		var node int64
		err := r.Scan(&node)
		nodes = append(nodes, node)
		return err
	}, `SELECT node FROM journal j WHERE NOT EXISTS (SELECT 1 FROM lease l WHERE l.name='journal/'||j.node AND l.expires>=clock_timestamp())`)
	for _, node := range nodes {
		if _, mine := db.journals.lease(node); mine {
			continue // being finished, or renewed late
		}
		lease, ok, err := db.Acquire(ctx, journalLease(node), db.holder, leaseFor)
		if err != nil {
			return out, err
		}
		if ok {
			db.journals.add(node, lease)
			out = append(out, &left{db, node, lease})
		}
	}
	return out, err
}

// left is the journal of a node that is gone.
type left struct {
	db    *DB
	node  int64
	lease store.Lease
}

// Number is ingest.Log's.
func (l *left) Number() int64 { return l.node }

// Append is ingest.Log's: nothing comes to a journal whose node is gone.
func (l *left) Append(...[]byte) (segment.Position, error) { return 0, segment.ErrClosed }

// Wait is ingest.Log's: what is there is durable.
func (l *left) Wait(segment.Position) error { return nil }

// Read is ingest.Log's.
func (l *left) Read(p segment.Position) ([]byte, error) { return l.db.raw(context.Background(), p) }

// Scan is ingest.Log's.
func (l *left) Scan(from segment.Position, f func(at, end segment.Position, record []byte) error) error {
	return l.db.scanRaw(l.node, from, f)
}

// After is ingest.Log's.
func (l *left) After(p segment.Position, _ int) segment.Position { return p + 1 }

// Next is ingest.Log's.
func (l *left) Next() segment.Position { return 0 }

// Close is ingest.Log's.
func (l *left) Close() error { return nil }

// End is ingest.LeftLog's.
func (l *left) End(ctx context.Context) error {
	defer l.db.journals.drop(l.node)
	return l.db.endJournal(ctx, l.node, l.lease)
}

// JournalPosition is ingest.Messages'.
func (tx *Tx) JournalPosition(journal int64) (uint64, error) {
	var at int64
	err := tx.ask(func(r pgx.Rows) error { return r.Scan(&at) }, `SELECT position FROM journal WHERE node=$1`, journal)
	return uint64(at), err
}

// SetJournalPosition is ingest.Messages'. Only who holds the journal's lease
// commits from it. Journal 0 is nobody's: it is of a store that is used alone.
func (tx *Tx) SetJournalPosition(journal int64, p uint64) error {
	if journal != 0 {
		lease, ok := tx.db.journals.lease(journal)
		if !ok {
			return fault.E("store.SetJournalPosition", fault.NoStore, "the journal is another node's")
		}
		if err := tx.Hold(lease); err != nil {
			return err
		}
	}
	tx.do(`INSERT INTO journal(node, position) VALUES($1, $2) ON CONFLICT(node) DO UPDATE SET position=excluded.position`, journal, int64(p))
	return nil
}

// settleEvery is how often the journals are looked at by who waits for them.
const settleEvery = 20 * time.Millisecond

// Settle waits until every message is committed that any node has received by now.
func (db *DB) Settle(ctx context.Context) error {
	var nodes, ends []int64
	if err := db.rows(ctx, func(r pgx.Rows) error {
		var node, end int64
		err := r.Scan(&node, &end)
		nodes, ends = append(nodes, node), append(ends, end)
		return err
	}, `SELECT node, (SELECT coalesce(max(id), 0) FROM raw WHERE raw.node=j.node) FROM journal j`); err != nil {
		return err
	}
	for {
		behind, err := db.int64(ctx, `SELECT count(*) FROM unnest($1::bigint[], $2::bigint[]) AS t(node, until) JOIN journal j USING (node) WHERE j.position<t.until`, nodes, ends)
		if err != nil || behind == 0 {
			return err
		}
		select {
		case <-time.After(settleEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
