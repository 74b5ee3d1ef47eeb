package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"selda/audit"
	"selda/fault"
	"selda/internal/segment"
)

// Trail is the audit trail's chain: one for the region, in the table `trail`.
// Entries of a node are appended in groups; a group holds the row of the head
// for one transaction, so that the groups of nodes follow one another.
type Trail struct {
	db  *DB
	key []byte
	now func() time.Time

	mu      sync.Mutex
	wake    *sync.Cond
	waiting []*entering
	failed  error
	closed  bool
	flusher sync.WaitGroup

	last chained // the flusher's: the head, where no other node has appended since
}

// chained is the head of a chain.
type chained struct {
	seq  uint64
	hash [sha256.Size]byte
}

// entering is an entry on its way.
type entering struct {
	audit.Entry
	done chan struct{}
	err  error
}

var (
	_ audit.Chain = (*Trail)(nil)
	_ audit.Index = (*Trail)(nil)
)

// trailKey is the name of the key that the chain is keyed with.
const trailKey = "trail-key"

// OpenTrail opens the region's trail, and begins it where there is none. Where
// its last entry is not what its head says, it is damaged and nothing may be read.
func (db *DB) OpenTrail(ctx context.Context, now func() time.Time) (*Trail, error) {
	const op = "postgres.OpenTrail"
	key, err := db.secret(ctx, trailKey)
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	t := &Trail{db: db, key: key, now: now}
	t.wake = sync.NewCond(&t.mu)
	none := [sha256.Size]byte{}
	if _, err := db.writers.Exec(ctx, `INSERT INTO trail_head(id, seq, hash, proof) SELECT 1, 0, $1, $2 WHERE NOT EXISTS (SELECT 1 FROM trail) ON CONFLICT DO NOTHING`,
		none[:], audit.HeadProof(key, 0, none)); err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	if err := db.snapshot(ctx, func(tx pgx.Tx) error {
		seq, hash, err := t.head(ctx, tx, "")
		if err != nil || seq == 0 {
			return err
		}
		var last []byte
		if err := tx.QueryRow(ctx, `SELECT hash FROM trail WHERE seq=$1`, int64(seq)).Scan(&last); err != nil || [sha256.Size]byte(last) != hash {
			return fmt.Errorf("the trail's entry %d is not the one that its head names", seq)
		}
		return nil
	}); err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	t.flusher.Go(t.flush)
	return t, nil
}

// querier is a transaction or a connection.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// head reads what stands beside the trail as its last entry.
func (t *Trail) head(ctx context.Context, q querier, lock string) (seq uint64, hash [sha256.Size]byte, err error) {
	var h, proof []byte
	err = q.QueryRow(ctx, `SELECT seq, hash, proof FROM trail_head WHERE id=1 `+lock).Scan(&seq, &h, &proof)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, hash, fmt.Errorf("the trail is there but its head is gone")
	}
	if err != nil {
		return 0, hash, err
	}
	if len(h) == sha256.Size {
		hash = [sha256.Size]byte(h)
	}
	if string(proof) != string(audit.HeadProof(t.key, seq, hash)) {
		return 0, hash, fmt.Errorf("the head of the trail does not hold")
	}
	return seq, hash, nil
}

// Append is audit.Chain's.
func (t *Trail) Append(_ context.Context, e audit.Entry) (func() (uint64, error), error) {
	e.At = t.now().UTC()
	w := &entering{Entry: e, done: make(chan struct{})}
	t.mu.Lock()
	err := t.failed
	if err == nil && t.closed {
		err = segment.ErrClosed
	}
	if err != nil {
		t.mu.Unlock()
		return nil, err
	}
	t.waiting = append(t.waiting, w)
	t.wake.Signal()
	t.mu.Unlock()
	return func() (uint64, error) { <-w.done; return w.Seq, w.err }, nil
}

// Err is audit.Chain's.
func (t *Trail) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed && t.failed == nil {
		return segment.ErrClosed
	}
	return t.failed
}

// mostEntries is how many entries one group takes at most.
const mostEntries = 2000

// flush appends what waits, in groups, until the trail is closed. After the
// first group that can't be appended it refuses everything.
func (t *Trail) flush() {
	for {
		t.mu.Lock()
		for len(t.waiting) == 0 && !t.closed {
			t.wake.Wait()
		}
		if len(t.waiting) == 0 {
			t.mu.Unlock()
			return
		}
		n := min(len(t.waiting), mostEntries)
		group := t.waiting[:n:n]
		t.waiting = t.waiting[n:]
		t.mu.Unlock()

		rows := &trailRows{}
		err := t.db.again(context.Background(), func(ctx context.Context) error { return t.append(ctx, group, rows) })
		t.mu.Lock()
		if err != nil {
			t.failed = err
			group = append(group, t.waiting...)
			t.waiting = nil
		}
		t.mu.Unlock()
		for _, w := range group {
			if w.err = err; err != nil {
				w.Seq = 0
			}
			close(w.done)
		}
		if err != nil {
			return
		}
	}
}

// trailRows is a group, chained.
type trailRows struct {
	seq, at                        []int64
	hash, entry                    [][]byte
	citizen                        []pgtype.Text
	username, organisation, action []string
}

// append appends a group in one transaction. It may be tried again: where the
// rows of the last try are there, it was answered by nobody but done.
func (t *Trail) append(ctx context.Context, group []*entering, rows *trailRows) error {
	conn, err := t.db.writers.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if done, err := rows.there(ctx, conn); done || err != nil {
		return err
	}
	// Where no other node has appended since, the head is known, and one round
	// trip does it.
	if t.last.seq > 0 {
		appended, err := t.link(ctx, conn, t.last, group, rows)
		if appended || err != nil {
			return err
		}
		t.last = chained{}
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }() // no more than words once it is committed
	seq, hash, err := t.head(ctx, tx, "FOR UPDATE")
	if err != nil {
		return err
	}
	if _, err := t.link(ctx, tx, chained{seq, hash}, group, rows); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		t.last = chained{} // it may be another
		return err
	}
	return nil
}

// sqlAppend moves the head from where it is known to be, and appends entries
// where it was there.
const sqlAppend = `WITH head AS (UPDATE trail_head SET seq=$9, hash=$10, proof=$11 WHERE id=1 AND seq=$12 AND hash=$13 RETURNING id)
	INSERT INTO trail(seq, hash, entry, at, citizen, username, organisation, action)
	SELECT t.* FROM head, unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[]) t`

// executor is a transaction or a connection.
type executor interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// link chains a group to a head, and appends it. It says false where another
// node has moved the head.
func (t *Trail) link(ctx context.Context, x executor, from chained, group []*entering, rows *trailRows) (bool, error) {
	last := from
	*rows = trailRows{}
	for _, w := range group {
		last.seq++
		w.Seq = last.seq
		body, err := json.Marshal(w.Entry)
		if err != nil {
			return false, err
		}
		last.hash = audit.Link(t.key, last.seq, last.hash, body)
		rows.add(&w.Entry, last.hash, body)
	}
	tag, err := x.Exec(ctx, sqlAppend, rows.seq, rows.hash, rows.entry, rows.at, rows.citizen, rows.username, rows.organisation, rows.action,
		int64(last.seq), last.hash[:], audit.HeadProof(t.key, last.seq, last.hash), int64(from.seq), from.hash[:])
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	t.last = last
	return true, nil
}

// there says whether the rows of an earlier try have been appended.
func (r *trailRows) there(ctx context.Context, q querier) (bool, error) {
	if len(r.seq) == 0 {
		return false, nil
	}
	var hash []byte
	err := q.QueryRow(ctx, `SELECT hash FROM trail WHERE seq=$1`, r.seq[0]).Scan(&hash)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return string(hash) == string(r.hash[0]), err
}

func (r *trailRows) add(e *audit.Entry, hash [sha256.Size]byte, body []byte) {
	r.seq, r.at, r.hash, r.entry = append(r.seq, int64(e.Seq)), append(r.at, e.At.UnixMilli()), append(r.hash, hash[:]), append(r.entry, body)
	r.citizen, r.username = append(r.citizen, optional(e.Citizen)), append(r.username, clean(e.User))
	r.organisation, r.action = append(r.organisation, clean(string(e.Organisation))), append(r.action, clean(e.Action))
}

// Scan is audit.Chain's. An entry's position is its number.
func (t *Trail) Scan(ctx context.Context, from segment.Position, f func(at segment.Position, e audit.Entry) error) (segment.Position, error) {
	err := t.each(ctx, max(int64(from)-1, 0), func(seq uint64, _, entry []byte, _ trailColumns) error {
		var e audit.Entry
		if err := json.Unmarshal(entry, &e); err != nil {
			return err
		}
		from = segment.Position(seq) + 1
		return f(segment.Position(seq), e)
	})
	return from, err
}

// Records is audit.Chain's.
func (t *Trail) Records(ctx context.Context, from uint64, f func(seq uint64, record []byte) error) error {
	return t.each(ctx, int64(from)-1, func(seq uint64, hash, entry []byte, _ trailColumns) error {
		return f(seq, append(hash[:len(hash):len(hash)], entry...))
	})
}

// Size is audit.Chain's.
func (t *Trail) Size(ctx context.Context) (n uint64, err error) {
	n, _, err = t.head(ctx, t.db.readers, "")
	return n, err
}

// Key is audit.Chain's.
func (t *Trail) Key() []byte { return t.key }

// Read is audit.Chain's.
func (t *Trail) Read(ctx context.Context, at []segment.Position) ([]audit.Entry, error) {
	numbers := make([]int64, len(at))
	for i, p := range at {
		numbers[i] = int64(p)
	}
	found := make(map[segment.Position]audit.Entry, len(at))
	err := t.db.rows(ctx, func(r pgx.Rows) error {
		var seq int64
		var entry []byte
		var e audit.Entry
		if err := r.Scan(&seq, &entry); err != nil {
			return err
		}
		err := json.Unmarshal(entry, &e)
		found[segment.Position(seq)] = e
		return err
	}, `SELECT seq, entry FROM trail WHERE seq = ANY($1)`, numbers)
	out := make([]audit.Entry, 0, len(at))
	for _, p := range at {
		if e, ok := found[p]; ok {
			out = append(out, e)
		}
	}
	return out, err
}

// Durable is audit.Chain's: what is appended is durable, and is its own index.
func (*Trail) Durable() segment.Position { return 0 }

// Sync is audit.Chain's.
func (*Trail) Sync() {}

// Close is audit.Chain's.
func (t *Trail) Close() error {
	t.mu.Lock()
	t.closed = true
	t.wake.Signal()
	t.mu.Unlock()
	t.flusher.Wait()
	return t.failed
}

// AuditPosition is audit.Index's.
func (*Trail) AuditPosition(context.Context) (segment.Position, error) { return 0, nil }

// IndexAudit is audit.Index's: an entry is found by its own row.
func (*Trail) IndexAudit(context.Context, []audit.Indexed, segment.Position) error { return nil }

// FindAudit is audit.Index's.
func (t *Trail) FindAudit(ctx context.Context, q audit.Query) (out []segment.Position, err error) {
	sql := `SELECT seq FROM trail WHERE at>=$1 AND at<$2`
	from, to, limit := int64(0), int64(1)<<62, q.Limit
	if !q.From.IsZero() {
		from = q.From.UnixMilli()
	}
	if !q.To.IsZero() {
		to = q.To.UnixMilli()
	}
	if limit == 0 {
		limit = 100
	}
	args := []any{from, to, limit}
	for _, f := range []struct{ column, value string }{{"citizen", q.Citizen}, {"username", q.User}, {"organisation", string(q.Organisation)}, {"action", q.Action}} {
		if f.column == "citizen" && f.value != "" && len(q.Former) > 0 {
			args = append(args, append([]string{clean(f.value)}, q.Former...))
			sql += fmt.Sprintf(" AND citizen=ANY($%d)", len(args))
			continue
		}
		if f.value != "" {
			args = append(args, clean(f.value))
			sql += fmt.Sprintf(" AND %s=$%d", f.column, len(args))
		}
	}
	if q.Before > 0 {
		args = append(args, int64(q.Before))
		sql += fmt.Sprintf(" AND seq<$%d", len(args))
	}
	if q.Citizen == "" { // somebody's own entries are few
		for _, end := range []struct {
			at   time.Time
			term string
		}{{q.From.Add(-audit.ClockSlack), " AND seq>=$%d"}, {q.To.Add(audit.ClockSlack), " AND seq<$%d"}} {
			if end.at.Year() < 2 { // it is open
				continue
			}
			seq, err := t.since(ctx, end.at.UnixMilli())
			if err != nil {
				return nil, err
			}
			args = append(args, seq)
			sql += fmt.Sprintf(end.term, len(args))
		}
	}
	err = t.db.rows(ctx, func(r pgx.Rows) error {
		var seq int64
		err := r.Scan(&seq)
		out = append(out, segment.Position(seq))
		return err
	}, sql+` ORDER BY seq DESC LIMIT $3`, args...)
	return out, err
}

// since is the number from which on entries are not older than a time: they are in
// the order of time, but for what clocks are set by.
func (t *Trail) since(ctx context.Context, at int64) (low int64, err error) {
	var high int64
	err = t.db.readers.QueryRow(ctx, `SELECT seq+1 FROM trail_head WHERE id=1`).Scan(&high)
	for low = 1; err == nil && low < high; {
		middle := low + (high-low)/2
		var then int64
		if err = t.db.readers.QueryRow(ctx, `SELECT at FROM trail WHERE seq=$1`, middle).Scan(&then); then >= at {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low, err
}
