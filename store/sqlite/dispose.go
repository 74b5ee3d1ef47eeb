package sqlite

import (
	"context"
	"errors"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"selda/fault"
	"selda/fhir"
	"selda/nhs"
	"selda/rights"
	"selda/store"
	"selda/store/adapter"
)

var _ store.Disposer = (*DB)(nil)

// disposes is the source under which a disposal stands in the log of commits.
const disposes = nhs.Source("SELDA:RIGHTS")

// Dispose is store.Disposer's.
func (db *DB) Dispose(ctx context.Context, d store.Disposal) (out store.Disposed, err error) {
	err = db.Write(ctx, func(tx *Tx) error {
		out = store.Disposed{}
		if _, err := tx.Begin(d.At, disposes, 0); err != nil {
			return err
		}
		messages := map[store.MessageID]bool{}
		bars := adapter.NewBars(tx.db.prints(), &d)
		var items []store.ItemID
		for _, ref := range d.Items {
			item, err := tx.destroy(ref, &out, messages, bars)
			if err != nil {
				return err
			}
			if item != 0 {
				items = append(items, item)
			}
		}
		for _, s := range d.Subjects {
			if err := tx.destroySubject(s); err != nil {
				return err
			}
			out.Subjects++
		}
		if err := tx.forgetItems(items, d.Items, bars); err != nil {
			return err
		}
		if err := tx.Bar(bars.All()); err != nil {
			return err
		}
		for _, m := range d.Messages {
			messages[m] = true
		}
		out.Messages, err = tx.forgetMessages(messages, d.Case != "")
		return err
	})
	return out, err
}

// destroy destroys all versions of an item; 0 where there is nothing to destroy.
func (tx *Tx) destroy(ref store.ItemRef, out *store.Disposed, messages map[store.MessageID]bool, bars *adapter.Bars) (store.ItemID, error) {
	l, exists, err := tx.ByID(ref.Type, ref.ID)
	switch {
	case err != nil:
		return 0, err
	case !exists:
		out.Gone++
		return 0, nil
	case ref.Version != 0 && l.Version != ref.Version:
		out.Changed++
		return 0, nil
	}
	s := bind(tx.c.stmt(`SELECT message FROM resource WHERE subject=? AND type=? AND item=?`), []any{int64(l.Subject), int64(fhir.TypeNumber(l.Type)), int64(l.Item)})
	if err := rows(s, func() error {
		out.Versions++
		if m := s.ColumnInt64(0); m != 0 {
			messages[store.MessageID(m)] = true
		}
		return nil
	}); err != nil {
		return 0, err
	}
	if err := tx.bar(bars, ref, l); err != nil {
		return 0, err
	}
	out.Items++
	tx.Touch(l.Subject)
	return l.Item, errors.Join(
		tx.run(`DELETE FROM resource WHERE subject=? AND type=? AND item=?`, int64(l.Subject), int64(fhir.TypeNumber(l.Type)), int64(l.Item)),
		tx.run(`DELETE FROM locator WHERE item=?`, int64(l.Item)),
		tx.run(`DELETE FROM alias WHERE item=?`, int64(l.Item)))
}

// bar notes what is to be kept from coming in again of an item, and of whose it is.
func (tx *Tx) bar(bars *adapter.Bars, ref store.ItemRef, l store.Located) error {
	if bars.Content(l) {
		all, err := tx.Versions(l)
		if err != nil {
			return err
		}
		for _, v := range all {
			bars.Said(l, rights.Undisputed(v.Body))
		}
	}
	if bars.Item(ref, l) {
		s := bind(tx.c.stmt(`SELECT system, value FROM identity WHERE subject=?`), []any{int64(l.Subject)})
		return rows(s, func() error { bars.Known(l, s.ColumnText(0), s.ColumnText(1)); return nil })
	}
	return nil
}

// destroySubject takes a subject away, which has nothing left.
func (tx *Tx) destroySubject(s store.Subject) error {
	left, err := tx.c.int64(`SELECT count(*) FROM resource WHERE subject=?`, int64(s))
	if err != nil {
		return err
	}
	if left > 0 {
		return fault.E("store.Dispose", fault.Conflict, "something is left of a person who was to be destroyed whole: look through the list again")
	}
	delete(tx.touched, s)
	id := int64(s)
	return errors.Join(
		tx.run(`DELETE FROM identity WHERE subject=?`, id), tx.run(`DELETE FROM claim WHERE subject=?`, id), tx.run(`DELETE FROM review WHERE subject=?1 OR other=?1`, id),
		tx.run(`DELETE FROM severed WHERE a=?1 OR b=?1`, id), tx.run(`DELETE FROM subscription_event WHERE subject=?`, id),
		tx.run(`DELETE FROM citizen WHERE id IN (SELECT citizen FROM link WHERE subject=?1) AND NOT EXISTS (SELECT 1 FROM link l WHERE l.citizen=citizen.id AND l.subject<>?1)`, id),
		tx.run(`DELETE FROM link WHERE subject=?`, id), tx.run(`DELETE FROM subject WHERE id=?`, id))
}

// forgetItems takes away what else names items: what waits to be told of them, and what
// their sources call them.
func (tx *Tx) forgetItems(items []store.ItemID, refs []store.ItemRef, bars *adapter.Bars) error {
	if len(items) == 0 {
		return nil
	}
	if err := tx.c.Exec(`CREATE TEMP TABLE IF NOT EXISTS disposed(item INTEGER PRIMARY KEY); DELETE FROM temp.disposed;`); err != nil {
		return err
	}
	for _, i := range items {
		if err := tx.run(`INSERT OR IGNORE INTO temp.disposed(item) VALUES(?)`, int64(i)); err != nil {
			return err
		}
	}
	for _, r := range refs {
		if err := tx.run(`DELETE FROM subscription_event WHERE type=? AND id=?`, int64(fhir.TypeNumber(r.Type)), r.ID); err != nil {
			return err
		}
	}
	s := tx.c.stmt(`DELETE FROM key WHERE item IN (SELECT item FROM temp.disposed) RETURNING hash, item`)
	keys := rows(s, func() error { bars.Key([16]byte(s.ColumnRawBlob(0)), store.ItemID(s.ColumnInt64(1))); return nil })
	return errors.Join(keys, tx.run(`DELETE FROM ended WHERE item IN (SELECT item FROM temp.disposed)`), tx.run(`DELETE FROM temp.disposed`))
}

// forgetMessages takes away what the table of messages says of some, and gives them with
// those of the same content.
func (tx *Tx) forgetMessages(messages map[store.MessageID]bool, barred bool) (all []store.MessageID, err error) {
	for m := range messages {
		s := bind(tx.c.stmt(`SELECT b.id FROM message a JOIN message b ON b.hash=a.hash AND b.source=a.source WHERE a.id=? AND a.hash IS NOT NULL`), []any{int64(m)})
		if err := rows(s, func() error { all = append(all, store.MessageID(s.ColumnInt64(0))); return nil }); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	for _, m := range all {
		// Where nothing is barred the hash stays: what is sent again to the byte is known to
		// have been here. Else the bars know it, until they are lifted.
		if err := tx.run(`UPDATE message SET event=NULL, control=NULL, reason=CASE WHEN n IS NULL THEN ?1 END, place=NULL, steps=NULL, state=CASE state WHEN 1 THEN 2 ELSE state END,
			hash=CASE WHEN ?2 THEN NULL ELSE hash END WHERE id=?3`, adapter.Gone, barred, int64(m)); err != nil {
			return nil, err
		}
		if err := tx.HoldBack(m, ""); err != nil { // until its bytes are destroyed
			return nil, err
		}
	}
	return all, nil
}

// Leaves is store.Disposer's.
func (db *DB) Leaves(ctx context.Context, subject store.Subject) (out []store.ItemRef, err error) {
	err = db.read(ctx, func(c *conn) error {
		s := bind(c.stmt(`SELECT item, type, max(version) FROM resource WHERE subject=? GROUP BY type, item`), []any{int64(subject)})
		type one struct {
			l       store.Located
			version int
		}
		var list []one
		if err := rows(s, func() error {
			list = append(list, one{store.Located{Item: store.ItemID(s.ColumnInt64(0)), Type: fhir.TypeName(uint16(s.ColumnInt64(1)))}, s.ColumnInt(2)})
			return nil
		}); err != nil {
			return err
		}
		for _, o := range list {
			id, err := db.idOf(c, o.l)
			if err != nil {
				return err
			}
			out = append(out, store.ItemRef{Type: o.l.Type, ID: id, Version: o.version})
		}
		return nil
	})
	return out, err
}

// Scrub is store.Disposer's: the database is written anew, and its log is emptied. Writers
// wait meanwhile; readers go on.
func (db *DB) Scrub(ctx context.Context) error {
	const op = "sqlite.Scrub"
	db.folds.Lock()
	defer db.folds.Unlock()
	db.writing.Lock()
	defer db.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return fault.E(op, fault.Transient, err)
	}
	// What it is copied to would fill the memory; the file has no name, and is gone with it.
	if err := db.writer.Exec(`PRAGMA temp_store=file; VACUUM; PRAGMA temp_store=memory;`); err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	for try := 0; ; try++ {
		_, _, err := db.writer.WALCheckpoint("main", sqlite3.CHECKPOINT_TRUNCATE)
		if err == nil || try == 10 {
			if err != nil {
				return fault.E(op, fault.NoStore, err)
			}
			return nil
		}
	}
}
