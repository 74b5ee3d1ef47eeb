package postgres

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"selda/fault"
	"selda/ingest"
	"selda/internal/segment"
	"selda/store"
)

// A record's position is one less than its message's id. Ids are given in
// blocks to each node, so that a node's own are in the order in which it
// received, and nodes do not wait for one another.
const rawBlock = 1024

// Journal is this node's journal: raw messages in the table `raw`, in the
// database before they are acknowledged, flushed in groups.
type Journal struct {
	db *DB

	mu      sync.Mutex
	wake    *sync.Cond // flusher: there is something to do
	done    *sync.Cond // waiters: durable or failed moved
	node    int64      // 0 until the first message comes
	lease   store.Lease
	given   int64 // the last id that was given
	block   int64 // the last id of the block
	pending []rawRow
	durable segment.Position
	failed  error
	closed  bool
	flusher sync.WaitGroup
}

type rawRow struct {
	id     int64
	record []byte
}

var _ ingest.Log = (*Journal)(nil)

// OpenJournal opens a journal for this node. It is nobody's until a message comes.
func (db *DB) OpenJournal() *Journal {
	j := &Journal{db: db}
	j.wake, j.done = sync.NewCond(&j.mu), sync.NewCond(&j.mu)
	j.flusher.Go(j.flush)
	return j
}

// Number is ingest.Log's.
func (j *Journal) Number() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.node
}

// begin makes this process one of the region's nodes.
func (j *Journal) begin(ctx context.Context) error {
	if j.node != 0 {
		return nil
	}
	var node int64
	var lease store.Lease
	if err := j.db.again(ctx, func(ctx context.Context) (err error) {
		if err := j.db.writers.QueryRow(ctx, `SELECT nextval('node_number')`).Scan(&node); err != nil {
			return err
		}
		if lease, _, err = j.db.Acquire(ctx, journalLease(node), j.db.holder, leaseFor); err != nil {
			return err
		}
		_, err = j.db.writers.Exec(ctx, `INSERT INTO journal(node, position) VALUES($1, 0)`, node)
		return err
	}); err != nil {
		return err
	}
	j.db.journals.add(node, lease)
	j.node, j.lease = node, lease
	return nil
}

func journalLease(node int64) string { return "journal/" + strconv.FormatInt(node, 10) }

// Append is ingest.Log's.
func (j *Journal) Append(parts ...[]byte) (segment.Position, error) {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if n > segment.MaxRecord {
		return 0, fault.E("postgres.Journal", fault.TooLong, "the message is too large")
	}
	record := make([]byte, 0, n)
	for _, p := range parts {
		record = append(record, p...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failed == nil && j.closed {
		return 0, segment.ErrClosed
	}
	if j.failed != nil {
		return 0, j.failed
	}
	if err := j.begin(ctx); err != nil {
		return 0, err
	}
	if j.given == j.block {
		var first int64
		if err := j.db.again(ctx, func(ctx context.Context) error {
			return j.db.writers.QueryRow(ctx, `SELECT nextval('raw_block')`).Scan(&first)
		}); err != nil {
			return 0, err
		}
		j.given, j.block = first-1, first-1+rawBlock
	}
	j.given++
	j.pending = append(j.pending, rawRow{j.given, record})
	j.wake.Signal()
	return segment.Position(j.given - 1), nil
}

// Wait is ingest.Log's.
func (j *Journal) Wait(p segment.Position) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.durable <= p && j.failed == nil {
		j.done.Wait()
	}
	if j.durable > p {
		return nil
	}
	return j.failed
}

// Err says why nothing more can be received; nil where it can.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failed
}

// groupBytes is how much one flush takes at most.
const groupBytes = 16 << 20

// flush writes what is pending, in groups, until the journal is closed.
func (j *Journal) flush() {
	for {
		j.mu.Lock()
		for len(j.pending) == 0 && !j.closed {
			j.wake.Wait()
		}
		if len(j.pending) == 0 {
			j.mu.Unlock()
			return
		}
		n, size := 0, 0
		for n < len(j.pending) && (n == 0 || size < groupBytes) {
			size += len(j.pending[n].record)
			n++
		}
		group, lease := j.pending[:n:n], j.lease
		j.pending = j.pending[n:]
		j.mu.Unlock()

		err := j.write(group, lease)
		j.mu.Lock()
		if err != nil {
			j.failed, j.pending = fault.E("postgres.Journal", fault.NoStore, err), nil
		} else {
			j.durable = segment.Position(group[n-1].id)
		}
		j.done.Broadcast()
		j.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// patience is how long a node waits for a database that does not answer: a
// standby takes over in that time.
const patience = 2 * time.Minute

// write writes a group. It may be tried again, also where it is not known
// whether it came: the ids are given.
func (j *Journal) write(group []rawRow, lease store.Lease) error {
	ids, nodes, records := make([]int64, len(group)), make([]int64, len(group)), make([][]byte, len(group))
	for i, r := range group {
		ids[i], nodes[i], records[i] = r.id, j.node, r.record
	}
	return j.db.again(context.Background(), func(ctx context.Context) error {
		var mine bool
		err := j.db.writers.QueryRow(ctx, sqlReceive, ids, nodes, records, lease.Name, lease.Holder, int64(lease.Fence)).Scan(&mine)
		if err == nil && !mine {
			err = fault.E("postgres.Journal", fault.NoStore, "the journal is another node's by now")
		}
		return err
	})
}

// sqlReceive keeps records where the lease of the node's journal holds, which
// stays so until they are there.
const sqlReceive = `WITH held AS (SELECT 1 FROM lease WHERE name=$4 AND holder=$5 AND fence=$6 FOR SHARE),
	kept AS (INSERT INTO raw(id, node, record) SELECT t.* FROM held, unnest($1::bigint[], $2::bigint[], $3::bytea[]) t ON CONFLICT DO NOTHING)
	SELECT EXISTS (SELECT 1 FROM held)`

// Read is ingest.Log's: of any node.
func (j *Journal) Read(p segment.Position) ([]byte, error) {
	j.mu.Lock()
	waiting := len(j.pending) > 0 && int64(p)+1 >= j.pending[0].id && int64(p) < j.given
	j.mu.Unlock()
	if waiting {
		if err := j.Wait(p); err != nil {
			return nil, err
		}
	}
	return j.db.raw(context.Background(), p)
}

func (db *DB) raw(ctx context.Context, p segment.Position) (record []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err = db.readers.QueryRow(ctx, `SELECT record FROM raw WHERE id=$1`, int64(p)+1).Scan(&record)
	if errors.Is(err, pgx.ErrNoRows) {
		err = fault.E("postgres.raw", fault.NotFound, "there is no such message")
	}
	return record, err
}

// Scan is ingest.Log's. A new node has received nothing yet.
func (j *Journal) Scan(from segment.Position, f func(at, end segment.Position, record []byte) error) error {
	return j.db.scanRaw(j.Number(), from, f)
}

// scanRaw calls f for the records of a node from a position on.
func (db *DB) scanRaw(node int64, from segment.Position, f func(at, end segment.Position, record []byte) error) error {
	type one struct {
		id     int64
		record []byte
	}
	for node != 0 {
		var list []one
		err := db.rows(context.Background(), func(r pgx.Rows) error {
			var o one
			err := r.Scan(&o.id, &o.record)
			list = append(list, o)
			return err
		}, `SELECT id, record FROM raw WHERE node=$1 AND id>$2 ORDER BY id LIMIT 64`, node, int64(from))
		if err != nil || len(list) == 0 {
			return err
		}
		for _, o := range list {
			from = segment.Position(o.id)
			if err := f(from-1, from, o.record); err != nil {
				return err
			}
		}
	}
	return nil
}

// After is ingest.Log's.
func (*Journal) After(p segment.Position, _ int) segment.Position { return p + 1 }

// Next is ingest.Log's.
func (j *Journal) Next() segment.Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	return segment.Position(j.given)
}

// Close flushes what is pending and lets go of the journal. Where all of it is
// committed it has ended; else another node finishes it.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	j.wake.Signal()
	j.mu.Unlock()
	j.flusher.Wait()
	if j.node == 0 {
		return nil
	}
	j.db.journals.drop(j.node)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if j.failed != nil {
		return errors.Join(j.failed, j.db.Release(ctx, j.lease))
	}
	return j.db.endJournal(ctx, j.node, j.lease)
}

// endJournal takes a journal off the list where all of it is committed, and
// lets go of it.
func (db *DB) endJournal(ctx context.Context, node int64, lease store.Lease) error {
	return db.again(ctx, func(ctx context.Context) error {
		if _, err := db.writers.Exec(ctx, `DELETE FROM journal j WHERE node=$1 AND NOT EXISTS (SELECT 1 FROM raw WHERE node=$1 AND id>j.position)`, node); err != nil {
			return err
		}
		tag, err := db.writers.Exec(ctx, `DELETE FROM lease WHERE name=$1 AND NOT EXISTS (SELECT 1 FROM journal WHERE node=$2)`, lease.Name, node)
		if err != nil || tag.RowsAffected() > 0 {
			return err
		}
		return db.Release(ctx, lease)
	})
}
