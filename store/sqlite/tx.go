package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"time"

	"selda/fault"
	"selda/fhir"
	"selda/nhs"
	"selda/store"
	"selda/store/adapter"
)

// Tx is the one writing transaction. It is a store.Tx and has the ports that
// mpi and ingest declare.
type Tx struct {
	db *DB
	c  *conn

	n        uint64
	at       time.Time
	source   nhs.Source
	message  store.MessageID
	items    []store.ItemID           // of this commit
	touched  map[store.Subject]uint64 // subjects changed by this transaction
	posts    []posting                // written when the transaction ends
	gathered bool                     // what lay fresh is in the index
	entries  []adapter.Entry          // of the index of ordered values, likewise
	nextIt   int64
	nextN    uint64
	learned  []nhs.Source
	barred   bool // what is barred has changed
	err      error
}

// Update is store.Writer's.
func (db *DB) Update(ctx context.Context, f func(store.Tx) error) error {
	return db.Write(ctx, func(tx *Tx) error { return f(tx) })
}

// Write is Update with the whole transaction, for those who wire ports.
func (db *DB) Write(ctx context.Context, f func(*Tx) error) error {
	const op = "sqlite.Update"
	db.writing.Lock()
	defer db.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return fault.E(op, fault.Transient, err)
	}
	c := db.writer
	tx := &Tx{db: db, c: c, touched: map[store.Subject]uint64{}}
	if err := c.Exec("BEGIN IMMEDIATE"); err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	err := tx.start()
	if err == nil {
		err = f(tx)
	}
	if err == nil {
		err = tx.finish()
	}
	if err != nil {
		db.forget(tx.learned)
		return errors.Join(err, c.Exec("ROLLBACK"))
	}
	if err := c.Exec("COMMIT"); err != nil {
		db.forget(tx.learned)
		_ = c.Exec("ROLLBACK")
		return fault.E(op, fault.NoStore, err)
	}
	tx.keepPosted()
	if tx.barred {
		if err := db.loadBarred(); err != nil {
			return fault.E(op, fault.NoStore, err)
		}
	}
	db.last.Store(tx.nextN - 1)
	if db.fresh.Add(int64(len(tx.entries))) > mostFresh {
		select {
		case db.fold <- struct{}{}:
		default: // it is at it
		}
	}
	return nil
}

func (db *DB) forget(names []nhs.Source) {
	db.sources.Lock()
	defer db.sources.Unlock()
	for _, s := range names {
		delete(db.byID, db.byName[s])
		delete(db.byName, s)
	}
}

func (tx *Tx) start() error {
	n, err := tx.c.int64(`SELECT coalesce(max(n), 0) FROM change`)
	if err != nil {
		return err
	}
	item, err := tx.c.int64(`SELECT value FROM meta WHERE name='next-item'`)
	tx.nextN, tx.nextIt = uint64(n)+1, max(item, 1)
	return err
}

// finish ends the last commit and writes what was gathered for the end.
func (tx *Tx) finish() error {
	if err := tx.end(); err != nil {
		return err
	}
	if err := tx.post(); err != nil {
		return err
	}
	if err := tx.freshen(); err != nil {
		return err
	}
	if err := tx.SetMeta("next-item", tx.nextIt); err != nil {
		return err
	}
	// What is of no person is subject 0, which nobody makes: it comes with its first change.
	u := tx.c.stmt(`INSERT INTO subject(id, source, n) VALUES(?2, 0, ?1) ON CONFLICT(id) DO UPDATE SET n=excluded.n`)
	for subject, n := range tx.touched {
		_ = u.BindInt64(1, int64(n))
		_ = u.BindInt64(2, int64(subject))
		if err := u.Exec(); err != nil {
			return err
		}
	}
	return nil
}

// Begin is store.Tx's.
func (tx *Tx) Begin(at time.Time, source nhs.Source, m store.MessageID) (uint64, error) {
	if err := tx.end(); err != nil {
		return 0, err
	}
	tx.n, tx.at, tx.source, tx.message = tx.nextN, at, source, m
	tx.nextN++
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
	items := make([]byte, 0, len(tx.items)*4)
	last := int64(0)
	for _, i := range tx.items {
		items = binary.AppendVarint(items, int64(i)-last)
		last = int64(i)
	}
	s := tx.c.stmt(`INSERT INTO change(n, at, source, message, items) VALUES(?, ?, ?, ?, ?)`)
	_ = s.BindInt64(1, int64(tx.n))
	_ = s.BindInt64(2, tx.at.UnixMilli())
	_ = s.BindInt64(3, src)
	_ = s.BindInt64(4, int64(tx.message))
	_ = s.BindBlob(5, items)
	tx.n, tx.items = 0, tx.items[:0]
	return s.Exec()
}

// itemsOf gives the items that a message's commit changed, and its n.
func (db *DB) itemsOf(c *conn, m store.MessageID) ([]store.ItemID, uint64, error) {
	n, err := c.int64(`SELECT coalesce(n, 0) FROM message WHERE id=?`, int64(m))
	if err != nil || n == 0 {
		return nil, 0, err
	}
	s := c.stmt(`SELECT items FROM change WHERE n=?`)
	defer func() { _ = s.Reset() }()
	_ = s.BindInt64(1, n)
	if !s.Step() {
		return nil, 0, s.Err()
	}
	items, err := itemList(s.ColumnRawBlob(0))
	return items, uint64(n), err
}

// itemList reads the items of a change.
func itemList(b []byte) (items []store.ItemID, err error) {
	last := int64(0)
	for len(b) > 0 {
		d, k := binary.Varint(b)
		if k <= 0 {
			return nil, fault.E("sqlite.items", "a change does not hold")
		}
		last += d
		items = append(items, store.ItemID(last))
		b = b[k:]
	}
	return items, nil
}

// Source gives a source's number, and registers it where it is new.
func (tx *Tx) Source(name nhs.Source) (int64, error) {
	if id, ok := tx.db.sourceID(name); ok {
		return id, nil
	}
	s := tx.c.stmt(`INSERT INTO source(name, registered) VALUES(?, ?)`)
	_ = s.BindText(1, string(name))
	_ = s.BindInt64(2, tx.at.UnixMilli())
	if err := s.Exec(); err != nil {
		return 0, err
	}
	id := tx.c.LastInsertRowID()
	tx.db.learn(id, name)
	tx.learned = append(tx.learned, name)
	return id, nil
}

// NewSubject is store.Tx's.
func (tx *Tx) NewSubject(source nhs.Source) (store.Subject, error) {
	src, err := tx.Source(source)
	if err != nil {
		return 0, err
	}
	s := tx.c.stmt(`INSERT INTO subject(source, n) VALUES(?, ?)`)
	_ = s.BindInt64(1, src)
	_ = s.BindInt64(2, int64(tx.n))
	if err := s.Exec(); err != nil {
		return 0, err
	}
	return store.Subject(tx.c.LastInsertRowID()), nil
}

// Touch marks a subject as changed by this commit.
func (tx *Tx) Touch(s store.Subject) { tx.touched[s] = tx.n }

// ByKey is store.Tx's.
func (tx *Tx) ByKey(source nhs.Source, typ, key string) (store.Located, string, bool, error) {
	hash := keyOf(source, typ, key)
	s := tx.c.stmt(`SELECT item FROM key WHERE hash=?`)
	_ = s.BindBlob(1, hash[:])
	found := s.Step()
	item := store.ItemID(0)
	if found {
		item = store.ItemID(s.ColumnInt64(0))
	}
	if err := errors.Join(s.Err(), s.Reset()); err != nil {
		return store.Located{}, "", false, err
	}
	if !found {
		item = tx.newItem()
		s := tx.c.stmt(`INSERT INTO key(hash, item) VALUES(?, ?)`)
		_ = s.BindBlob(1, hash[:])
		_ = s.BindInt64(2, int64(item))
		return store.Located{Item: item, Type: typ}, tx.db.ids.Encode(adapter.Item, int64(item)), false, s.Exec()
	}
	l, ok, err := tx.db.located(tx.c, item)
	if err != nil || !ok {
		return store.Located{Item: item, Type: typ}, tx.db.ids.Encode(adapter.Item, int64(item)), false, err
	}
	id, err := tx.db.idOf(tx.c, l)
	return l, id, true, err
}

// idOf is the id that the outside knows a resource by.
func (db *DB) idOf(c *conn, l store.Located) (string, error) {
	s := c.stmt(`SELECT id FROM alias WHERE item=? AND type=?`)
	_ = s.BindInt64(1, int64(l.Item))
	_ = s.BindInt64(2, int64(fhir.TypeNumber(l.Type)))
	id := ""
	err := rows(s, func() error { id = s.ColumnText(0); return nil })
	if id == "" {
		id = db.ids.Encode(adapter.Item, int64(l.Item))
	}
	return id, err
}

// SetMeta keeps a number of the store's own in the transaction.
func (tx *Tx) SetMeta(name string, value int64) error {
	s := tx.c.stmt(`INSERT OR REPLACE INTO meta(name, value) VALUES(?, ?)`)
	_ = s.BindText(1, name)
	_ = s.BindInt64(2, value)
	return s.Exec()
}

// ByID is store.Tx's.
func (tx *Tx) ByID(typ, id string) (store.Located, bool, error) {
	l, err := tx.db.locate(tx.c, typ, id)
	if fault.Is(err, fault.NotFound) {
		return l, false, nil
	}
	return l, err == nil, err
}

// Current is store.Tx's.
func (tx *Tx) Current(l store.Located) (*store.Version, error) {
	all, err := tx.db.versions(tx.c, l, store.Latest, 1)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errUnknown
	}
	return all[0], nil
}

// NewID is store.Tx's.
func (tx *Tx) NewID() (store.ItemID, string) {
	i := tx.newItem()
	return i, tx.db.ids.Encode(adapter.Item, int64(i))
}

func (tx *Tx) newItem() store.ItemID {
	i := tx.nextIt
	tx.nextIt++
	return store.ItemID(i)
}

// Write is store.Tx's.
func (tx *Tx) Write(p store.Put) (store.Written, error) {
	const op = "store.Write"
	w := store.Written{Item: p.Item, ID: p.ID, Version: 1}
	var old *store.Version
	if p.Item != 0 {
		l, exists, err := tx.db.located(tx.c, p.Item)
		if err != nil {
			return w, err
		}
		if exists {
			if l.Subject != p.Subject {
				if err := tx.move(l, p.Subject); err != nil {
					return w, err
				}
				l.Subject = p.Subject
			}
			if old, err = tx.Current(l); err != nil {
				return w, err
			}
			w.ID, w.Version = old.ID, old.Version+1
			if old.Deleted == p.Deleted && old.Labels == p.Labels && bytes.Equal(old.Body, p.Body) {
				w.Version, w.Same = old.Version, true
				return w, nil
			}
		}
	} else {
		w.Item = tx.newItem()
	}
	if tx.n == 0 {
		return w, fault.E(op, "a write outside a commit")
	}
	named := old == nil && p.ID != "" && p.ID != tx.db.ids.Encode(adapter.Item, int64(w.Item))
	if named {
		s := tx.c.stmt(`INSERT INTO alias(type, id, item) VALUES(?, ?, ?)`)
		_ = s.BindInt64(1, int64(fhir.TypeNumber(p.Type)))
		_ = s.BindText(2, p.ID)
		_ = s.BindInt64(3, int64(w.Item))
		if err := s.Exec(); err != nil {
			return w, fault.E(op, fault.Conflict, "the id is taken")
		}
	}
	if w.ID == "" {
		w.ID = tx.db.ids.Encode(adapter.Item, int64(w.Item))
	}
	if err := tx.insert(&p, &w, named || old != nil && old.ID != tx.db.ids.Encode(adapter.Item, int64(w.Item))); err != nil {
		return w, err
	}
	tx.items = append(tx.items, w.Item)
	tx.touched[p.Subject] = tx.n
	tx.posts = append(tx.posts, postingOf(w.Item, w.Version, p.Type, p.Tokens))
	return w, nil
}

func (tx *Tx) insert(p *store.Put, w *store.Written, named bool) error {
	src, err := tx.Source(p.Source)
	if err != nil {
		return err
	}
	flags := int64(0)
	if p.Deleted {
		flags |= flagDeleted
	}
	if p.Final {
		flags |= flagFinal
	}
	typ := int64(fhir.TypeNumber(p.Type))
	s := tx.c.stmt(`INSERT INTO resource(` + columns + `) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	for i, v := range []int64{int64(p.Subject), typ, int64(w.Item), int64(w.Version), int64(tx.n), tx.at.UnixMilli(), src,
		int64(p.DataSet), int64(p.Labels), flags} {
		_ = s.BindInt64(i+1, v)
	}
	for i, t := range []time.Time{p.When, p.Reported} {
		if t.IsZero() {
			_ = s.BindNull(11 + i)
		} else {
			_ = s.BindInt64(11+i, t.Unix())
		}
	}
	_ = s.BindInt64(13, int64(p.Message))
	if named {
		_ = s.BindText(14, w.ID)
	} else {
		_ = s.BindNull(14)
	}
	packed := p.Packed
	if packed == nil {
		packed = tx.db.codec.Pack(nil, p.Type, p.Body, p.Origin)
	}
	_ = s.BindBlob(15, packed)
	if err := s.Exec(); err != nil {
		return err
	}
	s = tx.c.stmt(`INSERT OR REPLACE INTO locator(item, subject, type, version, source, dataset, labels, flags) VALUES(?, ?, ?, ?, ?, ?, ?, ?)`)
	for i, v := range []int64{int64(w.Item), int64(p.Subject), typ, int64(w.Version), src, int64(p.DataSet), int64(p.Labels), flags} {
		_ = s.BindInt64(i+1, v)
	}
	if err := s.Exec(); err != nil {
		return err
	}
	return tx.order(p, w, src)
}

// move takes all versions of a resource to another subject: its source has
// said that it was on the wrong patient (G19).
func (tx *Tx) move(l store.Located, to store.Subject) error {
	s := tx.c.stmt(`UPDATE resource SET subject=? WHERE subject=? AND type=? AND item=?`)
	_ = s.BindInt64(1, int64(to))
	_ = s.BindInt64(2, int64(l.Subject))
	_ = s.BindInt64(3, int64(fhir.TypeNumber(l.Type)))
	_ = s.BindInt64(4, int64(l.Item))
	if err := s.Exec(); err != nil {
		return err
	}
	tx.touched[l.Subject], tx.touched[to] = tx.n, tx.n
	s = tx.c.stmt(`UPDATE locator SET subject=? WHERE item=?`)
	_ = s.BindInt64(1, int64(to))
	_ = s.BindInt64(2, int64(l.Item))
	return s.Exec()
}
