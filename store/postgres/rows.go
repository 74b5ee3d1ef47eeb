package postgres

import (
	"github.com/jackc/pgx/v5/pgtype"
)

// This file gathers the rows that a transaction writes, so that each table
// gets them in one statement.

// mostRows is how many rows of a table wait at most.
const mostRows = 4000

type rows struct {
	resource resourceRows
	locator  map[int64]locatorRow
	posting  []postingRow
	open     map[int64]int // of each item, its last in posting
	closed   map[int64]closedRow
	key      keyRows
	change   changeRows
	message  map[int64]messageRow
}

type resourceRows struct {
	subject, item, n, at, labels, message []int64
	typ, dataset, flags                   []int16
	version, source                       []int32
	clinical, reported                    []pgtype.Int8
	id                                    []pgtype.Text
	body                                  [][]byte
}

type locatorRow struct {
	subject         int64
	typ, flags      int16
	version, source int32
	id              pgtype.Text
}

type postingRow struct {
	subject, item, n, labels, at int64
	typ, dataset, flags          int16
	version, source              int32
	until, reported              pgtype.Int8
	id                           pgtype.Text
	tokens                       []byte // as PostgreSQL writes an array
}

// closedRow says until when the posting was in force that an item has in the table.
type closedRow struct{ subject, until int64 }

type keyRows struct {
	hash [][16]byte
	item []int64
}

type changeRows struct {
	n, at, message []int64
	source         []int32
	items          [][]byte
}

func (c *changeRows) add(n, at int64, source int32, message int64, items []byte) {
	c.n, c.at, c.source, c.message, c.items = append(c.n, n), append(c.at, at), append(c.source, source), append(c.message, message), append(c.items, items)
}

type messageRow struct {
	source                        int32
	format                        string
	received                      int64
	state                         int16
	n                             pgtype.Int8
	event, control, reason, place pgtype.Text
	hash                          [16]byte
	steps                         []byte
}

// full says whether enough waits to be sent.
func (r *rows) full() bool { return len(r.resource.item) >= mostRows || len(r.locator) >= mostRows }

// flush has all rows wait to be sent.
func (tx *Tx) flush() {
	r := &tx.rows
	tx.flushResources()
	tx.flushLocators()
	tx.flushPostings()
	if k := r.key; len(k.item) > 0 {
		tx.do(`INSERT INTO key(hash, item) SELECT * FROM unnest($1::uuid[], $2::bigint[])`, uuids(k.hash), k.item)
	}
	if c := r.change; len(c.n) > 0 {
		tx.do(`INSERT INTO change(n, at, source, message, items) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::bigint[], $5::bytea[])`,
			c.n, c.at, c.source, c.message, c.items)
	}
	tx.flushMessages()
	tx.rows = rows{}
}

func uuids(hashes [][16]byte) []pgtype.UUID {
	out := make([]pgtype.UUID, len(hashes))
	for i, h := range hashes {
		out[i] = pgtype.UUID{Bytes: h, Valid: true}
	}
	return out
}

func (tx *Tx) flushResources() {
	r := &tx.rows.resource
	if len(r.item) == 0 {
		return
	}
	tx.do(`INSERT INTO resource(`+columns+`) SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::int[], $5::bigint[], $6::bigint[], $7::int[],
		$8::smallint[], $9::bigint[], $10::smallint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[], $15::bytea[])`,
		r.subject, r.typ, r.item, r.version, r.n, r.at, r.source, r.dataset, r.labels, r.flags, r.clinical, r.reported, r.message, r.id, r.body)
}

func (tx *Tx) flushLocators() {
	if len(tx.rows.locator) == 0 {
		return
	}
	var item, subject []int64
	var typ, flags []int16
	var version, source []int32
	var id []pgtype.Text
	for i, l := range tx.rows.locator {
		item, subject, typ, flags = append(item, i), append(subject, l.subject), append(typ, l.typ), append(flags, l.flags)
		version, source, id = append(version, l.version), append(source, l.source), append(id, l.id)
	}
	tx.do(`INSERT INTO locator(item, subject, type, version, source, flags, id)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::int[], $5::int[], $6::smallint[], $7::text[])
		ON CONFLICT(item) DO UPDATE SET subject=excluded.subject, version=excluded.version, source=excluded.source, flags=excluded.flags`,
		item, subject, typ, version, source, flags, id)
}

func (tx *Tx) flushPostings() {
	if len(tx.rows.posting) > 0 {
		tx.db.wrote.Store(true)
	}
	if len(tx.rows.closed) > 0 {
		var subject, item, until []int64
		for i, c := range tx.rows.closed {
			subject, item, until = append(subject, c.subject), append(item, i), append(until, c.until)
		}
		tx.do(`UPDATE posting SET until=t.until FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS t(subject, item, until)
			WHERE posting.subject=t.subject AND posting.item=t.item AND posting.until IS NULL`, subject, item, until)
	}
	if len(tx.rows.posting) == 0 {
		return
	}
	var item, subject, n, labels, at []int64
	var typ, dataset, flags []int16
	var version, source []int32
	var until, reported []pgtype.Int8
	var id []pgtype.Text
	var tokens []string
	for _, p := range tx.rows.posting {
		subject, item, version, n, until = append(subject, p.subject), append(item, p.item), append(version, p.version), append(n, p.n), append(until, p.until)
		labels, at, typ, dataset, flags, source = append(labels, p.labels), append(at, p.at), append(typ, p.typ), append(dataset, p.dataset), append(flags, p.flags), append(source, p.source)
		reported, id, tokens = append(reported, p.reported), append(id, p.id), append(tokens, string(p.tokens))
	}
	tx.do(`INSERT INTO posting(`+postingColumns+`)
		SELECT subject, item, version, n, until, type, source, dataset, labels, flags, at, reported, id, tokens::bigint[]
		FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::bigint[], $5::bigint[], $6::smallint[], $7::int[], $8::smallint[], $9::bigint[], $10::smallint[],
			$11::bigint[], $12::bigint[], $13::text[], $14::text[]) AS t(`+postingColumns+`)
		ON CONFLICT(subject, item, version) DO UPDATE SET tokens=excluded.tokens`,
		subject, item, version, n, until, typ, source, dataset, labels, flags, at, reported, id, tokens)
}

const postingColumns = `subject, item, version, n, until, type, source, dataset, labels, flags, at, reported, id, tokens`

// flushMessages counts by the hour what was not there before: a message that is
// replayed was heard when it came.
func (tx *Tx) flushMessages() {
	if len(tx.rows.message) == 0 {
		return
	}
	var id, received []int64
	var source []int32
	var format []string
	var state []int16
	var n []pgtype.Int8
	var event, control, reason, place []pgtype.Text
	var hash []pgtype.UUID
	var steps [][]byte
	for i, m := range tx.rows.message {
		id, received, source, format, state, n = append(id, i), append(received, m.received), append(source, m.source), append(format, m.format), append(state, m.state), append(n, m.n)
		event, control, reason, place = append(event, m.event), append(control, m.control), append(reason, m.reason), append(place, m.place)
		hash, steps = append(hash, pgtype.UUID{Bytes: m.hash, Valid: true}), append(steps, m.steps)
	}
	tx.do(`INSERT INTO heard(source, hour, messages, last)
		SELECT source, received/3600000, count(*), max(received) FROM unnest($1::bigint[], $2::int[], $3::bigint[]) AS t(id, source, received)
		WHERE id NOT IN (SELECT id FROM message WHERE id = ANY($1)) GROUP BY 1, 2
		ON CONFLICT(source, hour) DO UPDATE SET messages=heard.messages+excluded.messages, last=greatest(heard.last, excluded.last)`, id, source, received)
	tx.do(`INSERT INTO message(`+messageColumns+`) SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[], $4::bigint[], $5::smallint[], $6::bigint[], $7::text[], $8::text[],
			$9::uuid[], $10::text[], $11::text[], $12::bytea[])
		ON CONFLICT(id) DO UPDATE SET source=excluded.source, format=excluded.format, received=excluded.received, state=excluded.state, n=excluded.n, event=excluded.event,
			control=excluded.control, hash=excluded.hash, reason=excluded.reason, place=excluded.place, steps=excluded.steps`,
		id, source, format, received, state, n, event, control, hash, reason, place, steps)
}
