package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"selda/fault"
	"selda/fhir"
	"selda/internal/segment"
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
		var items []int64
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
		tx.want(func(r pgx.Rows) error {
			var hash pgtype.UUID
			var item store.ItemID
			err := r.Scan(&hash, &item)
			bars.Key(hash.Bytes, item)
			return err
		}, `DELETE FROM key WHERE item=ANY($1) RETURNING hash, item`, items)
		tx.do(`DELETE FROM ended WHERE item=ANY($1)`, items)
		for _, r := range d.Items {
			tx.do(`DELETE FROM subscription_event WHERE type=$1 AND id=$2`, int16(fhir.TypeNumber(r.Type)), r.ID)
		}
		for _, m := range d.Messages {
			messages[m] = true
		}
		if out.Messages, err = tx.forgetMessages(messages, d.Case != ""); err != nil {
			return err
		}
		return tx.Bar(bars.All())
	})
	return out, err
}

func (tx *Tx) destroy(ref store.ItemRef, out *store.Disposed, messages map[store.MessageID]bool, bars *adapter.Bars) (int64, error) {
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
	typ, item, subject := int16(fhir.TypeNumber(l.Type)), int64(l.Item), int64(l.Subject)
	if err := tx.ask(func(r pgx.Rows) error {
		var m int64
		err := r.Scan(&m)
		out.Versions++
		if m != 0 {
			messages[store.MessageID(m)] = true
		}
		return err
	}, `SELECT message FROM resource WHERE subject=$1 AND type=$2 AND item=$3`, subject, typ, item); err != nil {
		return 0, err
	}
	if err := tx.bar(bars, ref, l); err != nil {
		return 0, err
	}
	out.Items++
	tx.Touch(l.Subject)
	delete(tx.known.items, l.Item)
	tx.do(`DELETE FROM resource WHERE subject=$1 AND type=$2 AND item=$3`, subject, typ, item)
	tx.do(`DELETE FROM locator WHERE item=$1`, item)
	tx.do(`DELETE FROM alias WHERE item=$1`, item)
	return item, nil
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
		return tx.ask(func(r pgx.Rows) error {
			var system, value string
			err := r.Scan(&system, &value)
			bars.Known(l, system, value)
			return err
		}, `SELECT system, value FROM identity WHERE subject=$1`, int64(l.Subject))
	}
	return nil
}

func (tx *Tx) destroySubject(s store.Subject) error {
	left, id := 0, int64(s)
	if err := tx.ask(func(r pgx.Rows) error { return r.Scan(&left) }, `SELECT count(*) FROM resource WHERE subject=$1`, id); err != nil {
		return err
	}
	if left > 0 {
		return fault.E("store.Dispose", fault.Conflict, "something is left of a person who was to be destroyed whole: look through the list again")
	}
	delete(tx.touched, s)
	for _, sql := range []string{`DELETE FROM identity WHERE subject=$1`, `DELETE FROM claim WHERE subject=$1`, `DELETE FROM review WHERE subject=$1 OR other=$1`,
		`DELETE FROM severed WHERE a=$1 OR b=$1`, `DELETE FROM subscription_event WHERE subject=$1`, `DELETE FROM link WHERE subject=$1`, `DELETE FROM subject WHERE id=$1`} {
		tx.do(sql, id)
	}
	return nil
}

func (tx *Tx) forgetMessages(messages map[store.MessageID]bool, barred bool) (all []store.MessageID, err error) {
	list := make([]int64, 0, len(messages))
	for m := range messages {
		list = append(list, int64(m))
		all = append(all, m)
	}
	if err := tx.ask(func(r pgx.Rows) error {
		var m int64
		err := r.Scan(&m)
		all = append(all, store.MessageID(m))
		return err
	}, `SELECT b.id FROM message a JOIN message b ON b.hash=a.hash AND b.source=a.source WHERE a.id=ANY($1)`, list); err != nil {
		return nil, err
	}
	slices.Sort(all)
	all = slices.Compact(all)
	list = list[:0]
	for _, m := range all {
		list = append(list, int64(m))
	}
	tx.do(`UPDATE message SET event=NULL, control=NULL, reason=CASE WHEN n IS NULL THEN $3 END, place=NULL, steps=NULL, state=CASE state WHEN 1 THEN 2 ELSE state END,
		hash=CASE WHEN $2 THEN NULL ELSE hash END WHERE id=ANY($1)`, list, barred, adapter.Gone)
	for _, m := range all {
		if err := tx.HoldBack(m, ""); err != nil { // until its bytes are destroyed
			return nil, err
		}
	}
	return all, nil
}

// Leaves is store.Disposer's.
func (db *DB) Leaves(ctx context.Context, subject store.Subject) (out []store.ItemRef, err error) {
	err = db.rows(ctx, func(r pgx.Rows) error {
		var item int64
		var typ int16
		var version int32
		var id *string
		if err := r.Scan(&item, &typ, &version, &id); err != nil {
			return err
		}
		ref := store.ItemRef{Type: fhir.TypeName(uint16(typ)), Version: int(version)}
		if id != nil {
			ref.ID = *id
		} else {
			ref.ID = db.ids.Encode(adapter.Item, item)
		}
		out = append(out, ref)
		return nil
	}, `SELECT item, type, max(version), max(id) FROM resource WHERE subject=$1 GROUP BY item, type`, int64(subject))
	return out, err
}

// scrubbed are the tables that bodies and what is found by them are in.
var scrubbed = []string{"resource", "raw", "message", "identity", "alias", "key", "run", "fresh", "subscription_event", "rights_file", "document"}

// Scrub is store.Disposer's: the tables are written anew, one after another; whoever
// asks one of them waits meanwhile. The database's own log of changes ends with the next
// checkpoints, and what is archived of it as its keeper has set.
func (db *DB) Scrub(ctx context.Context) error {
	for _, t := range scrubbed {
		if _, err := db.writers.Exec(ctx, `VACUUM FULL `+pgx.Identifier{t}.Sanitize()); err != nil {
			return fault.E("postgres.Scrub", fault.NoStore, err)
		}
	}
	_, err := db.writers.Exec(ctx, `CHECKPOINT`)
	return err
}

// Overwrite is ingest.Destroyer's: with makes a record of any length.
func (j *Journal) Overwrite(p segment.Position, with func(n int) []byte) error {
	tag, err := j.db.writers.Exec(context.Background(), `UPDATE raw SET record=$2 WHERE id=$1`, int64(p)+1, with(64))
	if err == nil && tag.RowsAffected() == 0 {
		err = fault.E("postgres.Overwrite", fault.NotFound, "there is no such message")
	}
	return err
}
