package postgres

import (
	"cmp"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"
)

// This file gathers the rows that a transaction writes, so that each table
// gets them in one statement.

// mostRows is how many rows of a table wait at most.
const mostRows = 4000

type rows struct {
	resource []resourceRow
	locator  map[int64]locatorRow
	tokens   []resourceRow // of versions that stand, made again
	key      keyRows
	change   changeRows
	message  map[int64]messageRow
}

type resourceRow struct {
	subject, item, n, at, message int64
	version, source               int32
	typ, dataset, flags           int16
	labels, clinical, reported    pgtype.Int8
	id, tokens                    pgtype.Text // tokens as PostgreSQL writes an array
	body                          []byte
}

// inOrder is the order of the table's key: rows that come in it fill its pages.
func inOrder(a, b resourceRow) int {
	return cmp.Or(cmp.Compare(a.subject, b.subject), cmp.Compare(a.typ, b.typ), cmp.Compare(a.item, b.item), cmp.Compare(a.version, b.version))
}

type locatorRow struct {
	subject         int64
	typ, flags      int16
	version, source int32
	id              pgtype.Text
	made            bool // by this transaction, and not sent yet
}

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
func (r *rows) full() bool { return len(r.resource) >= mostRows || len(r.locator) >= mostRows }

// flush has all rows wait to be sent.
func (tx *Tx) flush() {
	r := &tx.rows
	tx.flushResources()
	tx.flushLocators()
	tx.flushTokens()
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
	if len(tx.rows.resource) == 0 {
		return
	}
	tx.db.wrote.Store(true)
	slices.SortFunc(tx.rows.resource, inOrder)
	var subject, item, n, at, message []int64
	var version, source []int32
	var typ, dataset, flags []int16
	var labels, clinical, reported []pgtype.Int8
	var id, tokens []pgtype.Text
	var body [][]byte
	for i := range tx.rows.resource {
		r := &tx.rows.resource[i]
		subject, item, n, at, message = append(subject, r.subject), append(item, r.item), append(n, r.n), append(at, r.at), append(message, r.message)
		version, source, typ, dataset, flags = append(version, r.version), append(source, r.source), append(typ, r.typ), append(dataset, r.dataset), append(flags, r.flags)
		labels, clinical, reported = append(labels, r.labels), append(clinical, r.clinical), append(reported, r.reported)
		id, tokens, body = append(id, r.id), append(tokens, r.tokens), append(body, r.body)
	}
	tx.do(`INSERT INTO resource(`+columns+`, tokens)
		SELECT subject, type, item, version, n, at, source, dataset, labels, flags, clinical, reported, message, id, body, tokens::int[]
		FROM unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::int[], $5::bigint[], $6::bigint[], $7::int[], $8::smallint[], $9::bigint[], $10::smallint[],
			$11::bigint[], $12::bigint[], $13::bigint[], $14::text[], $15::bytea[], $16::text[]) AS t(`+columns+`, tokens)`,
		subject, typ, item, version, n, at, source, dataset, labels, flags, clinical, reported, message, id, body, tokens)
}

// flushTokens replaces what versions are found by, where it is not the same.
func (tx *Tx) flushTokens() {
	if len(tx.rows.tokens) == 0 {
		return
	}
	tx.db.wrote.Store(true)
	var subject, item []int64
	var typ []int16
	var version []int32
	var tokens []pgtype.Text
	for _, r := range tx.rows.tokens {
		subject, typ, item, version, tokens = append(subject, r.subject), append(typ, r.typ), append(item, r.item), append(version, r.version), append(tokens, r.tokens)
	}
	tx.do(`UPDATE resource r SET tokens=t.tokens::int[] FROM unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::int[], $5::text[]) AS t(subject, type, item, version, tokens)
		WHERE r.subject=t.subject AND r.type=t.type AND r.item=t.item AND r.version=t.version AND r.tokens IS DISTINCT FROM t.tokens::int[]`,
		subject, typ, item, version, tokens)
}

func (tx *Tx) flushLocators() {
	var made, changed []int64
	for _, i := range slices.Sorted(maps.Keys(tx.rows.locator)) { // in the order of the table's key
		if tx.rows.locator[i].made {
			made = append(made, i)
		} else {
			changed = append(changed, i)
		}
	}
	const values = `unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::int[], $5::int[], $6::smallint[], $7::text[])`
	tx.locators(`INSERT INTO locator(item, subject, type, version, source, flags, id) SELECT * FROM `+values, made)
	tx.locators(`UPDATE locator l SET subject=t.subject, version=t.version, source=t.source, flags=t.flags
		FROM `+values+` AS t(item, subject, type, version, source, flags, id) WHERE l.item=t.item`, changed)
}

func (tx *Tx) locators(sql string, items []int64) {
	if len(items) == 0 {
		return
	}
	var subject []int64
	var typ, flags []int16
	var version, source []int32
	var id []pgtype.Text
	for _, i := range items {
		l := tx.rows.locator[i]
		subject, typ, flags = append(subject, l.subject), append(typ, l.typ), append(flags, l.flags)
		version, source, id = append(version, l.version), append(source, l.source), append(id, l.id)
	}
	tx.do(sql, items, subject, typ, version, source, flags, id)
}

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
		hash, steps = append(hash, pgtype.UUID{Bytes: m.hash, Valid: m.hash != [16]byte{}}), append(steps, m.steps)
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
