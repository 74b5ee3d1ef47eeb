package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/nhs"
	"selda/policy"
	"selda/store"
	"selda/store/adapter"
)

// Ranged is store.Reader's. It reads the runs of the keys, and what is fresh,
// as they are at one moment.
func (db *DB) Ranged(ctx context.Context, q store.Range, p *policy.Predicate) (out store.Ranged, err error) {
	if !p.Permit {
		return out, nil
	}
	q.N = uint64(at(q.N))
	if err := db.learnSources(ctx); err != nil { // what the runs name, a connection that reads them can't ask
		return out, err
	}
	err = db.snapshot(ctx, func(tx pgx.Tx) error {
		// The answer to one question is read before the next is asked.
		r := adapter.NewRange(q, p, func(id int64) nhs.Source { name, _ := db.knownSource(int32(id)); return name })
		r.Ended = func(first, last store.ItemID, f func(store.ItemID, int, uint64)) error {
			return rowsOf(ctx, tx, func(r pgx.Rows) error {
				var item, n int64
				var version int
				err := r.Scan(&item, &version, &n)
				f(store.ItemID(item), version, uint64(n))
				return err
			}, `SELECT item, version, n FROM ended WHERE item BETWEEN $1 AND $2`, int64(first), int64(last))
		}
		r.Shown = func(e *adapter.Entry) (shown bool, err error) {
			err = rowsOf(ctx, tx, func(r pgx.Rows) error {
				v, err := db.scanRow(ctx, r)
				shown = err == nil && v.v.Version == e.Version && p.Shows(&v.v.Columns)
				return err
			}, sqlVersionAt, int64(e.Item), at(q.N))
			return shown, err
		}
		made, err := number(ctx, tx, `SELECT made FROM ordered WHERE id=1`)
		if err != nil {
			return err
		}
		keys, err := keysOf(ctx, tx, r.Keys(), made)
		if err != nil {
			return err
		}
		for _, k := range keys {
			for first := 0; ; {
				runs, err := runsOf(ctx, tx, k, made, first)
				if err != nil {
					return err
				}
				for _, run := range runs {
					if err := r.Run(k, run.upto, run.entries); err != nil {
						return err
					}
					first = run.first + 1
				}
				if len(runs) < runsAtOnce {
					break
				}
			}
		}
		type row struct {
			n       int64
			entries []byte
		}
		var list []row
		if err := rowsOf(ctx, tx, func(r pgx.Rows) error {
			var f row
			err := r.Scan(&f.n, &f.entries)
			list = append(list, f)
			return err
		}, `SELECT n, entries FROM fresh WHERE n>$1 ORDER BY n`, r.Since()); err != nil {
			return err
		}
		for _, f := range list {
			if err := r.Fresh(f.n, f.entries); err != nil {
				return err
			}
		}
		out, err = r.Done()
		return err
	})
	return out, err
}

const sqlVersionAt = `SELECT ` + columnsNoBody + ` FROM resource WHERE (subject, type, item)=(SELECT subject, type, item FROM locator WHERE item=$1) AND n<=$2 ORDER BY version DESC LIMIT 1`

func rowsOf(ctx context.Context, tx pgx.Tx, f func(pgx.Rows) error, sql string, args ...any) error {
	r, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	return each(r, f)
}

// run is a row of runs.
type run struct {
	first   int
	upto    int64
	count   int
	entries []byte
}

const runsAtOnce = 64

// keysOf are those of some keys that have runs.
func keysOf(ctx context.Context, tx pgx.Tx, keys []uint64, made int64) (out []uint64, err error) {
	wanted := make([]int64, len(keys))
	for i, k := range keys {
		wanted[i] = int64(k)
	}
	err = rowsOf(ctx, tx, func(r pgx.Rows) error {
		var k int64
		err := r.Scan(&k)
		out = append(out, uint64(k))
		return err
	}, `SELECT key FROM run WHERE key = ANY($1) AND made=$2 AND first=0`, wanted, made)
	return out, err
}

// runsOf are runs of a key, in order.
func runsOf(ctx context.Context, tx pgx.Tx, key uint64, made int64, first int) (out []run, err error) {
	err = rowsOf(ctx, tx, func(r pgx.Rows) error {
		var one run
		err := r.Scan(&one.first, &one.upto, &one.count, &one.entries)
		out = append(out, one)
		return err
	}, `SELECT first, upto, count, entries FROM run WHERE key=$1 AND made=$2 AND first>=$3 ORDER BY first LIMIT $4`, int64(key), made, first, runsAtOnce)
	return out, err
}

// order notes what the index of ordered values gets of a version.
func (tx *Tx) order(p *store.Put, w *store.Written, source int32) {
	tx.entries = append(tx.entries, adapter.Entries(p, int64(source), w.Item, w.Version, tx.n)...)
	if w.Version > 1 && search.HasOrder(p.Type) {
		tx.do(`INSERT INTO ended(item, version, n) VALUES($1, $2, $3) ON CONFLICT(item, version) DO NOTHING`, int64(w.Item), int32(w.Version-1), int64(tx.n))
	}
}

// freshen writes the entries of the transaction, under its last n.
func (tx *Tx) freshen() {
	if len(tx.entries) > 0 {
		tx.do(`INSERT INTO fresh(n, entries) VALUES($1, $2)`, tx.head.n, adapter.PackEntries(tx.entries))
		tx.db.fresh.Add(int64(len(tx.entries)))
	}
}

// folding is the advisory lock of the node that puts what is fresh into runs.
const folding = 0x73656c646c66

// mostFresh is how many entries a node writes before it puts what is fresh into
// runs: so many are read by each query beside the runs, for each node.
const mostFresh = 1 << 14

// fold puts what is fresh into runs from time to time, until ctx ends.
func (db *DB) fold(ctx context.Context) {
	every(ctx, mergeEvery, func() {
		if n := db.fresh.Load(); n > mostFresh && db.Fold(ctx) == nil { // else at the next tick
			db.fresh.Add(-n)
		}
	})
}

// Fold puts what is fresh into runs, key by key, outside of the region's lock.
// Stopped anywhere, it goes on the next time: a key's runs say until which n
// they hold its entries.
func (db *DB) Fold(ctx context.Context) error {
	return db.alone(ctx, func() error {
		var list []adapter.Entry
		last, made := int64(0), int64(0)
		if err := db.snapshot(ctx, func(tx pgx.Tx) (err error) {
			if made, err = number(ctx, tx, `SELECT made FROM ordered WHERE id=1`); err != nil {
				return err
			}
			return rowsOf(ctx, tx, func(r pgx.Rows) error {
				var blob []byte
				if err := r.Scan(&last, &blob); err != nil {
					return err
				}
				return adapter.EachEntry(blob, func(e *adapter.Entry) bool {
					list = append(list, e.Kept())
					return true
				})
			}, `SELECT n, entries FROM fresh ORDER BY n`)
		}); err != nil || last == 0 {
			return err
		}
		if err := db.extend(ctx, made, list, last, true); err != nil {
			return err
		}
		_, err := db.writers.Exec(ctx, `DELETE FROM fresh WHERE n<=$1`, last)
		return err
	})
}

// alone runs f while no other node puts anything into runs; where one does,
// it is that one's work.
func (db *DB) alone(ctx context.Context, f func() error) error {
	conn, err := db.writers.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(folding)); err != nil {
		return err
	}
	err = f()
	_, unlocked := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(folding))
	if unlocked != nil {
		_ = conn.Conn().Close(ctx) // which unlocks it
	}
	return errors.Join(err, unlocked)
}

// keysAtOnce is how many keys' runs are extended in one transaction.
const keysAtOnce = 64

// extend adds entries to the runs of their keys; where they were fresh, those
// that are not in them yet.
func (db *DB) extend(ctx context.Context, made int64, list []adapter.Entry, upto int64, fresh bool) error {
	keys, byKey := adapter.ByKey(list)
	for some := range slices.Chunk(keys, keysAtOnce) {
		if err := db.beside(ctx, func(tx pgx.Tx) error {
			for _, k := range some {
				if err := extendKey(ctx, tx, k, made, byKey[k], upto, fresh); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func extendKey(ctx context.Context, tx pgx.Tx, key uint64, made int64, list []adapter.Entry, upto int64, fresh bool) error {
	var last run
	err := tx.QueryRow(ctx, `SELECT first, upto, count, entries FROM run WHERE key=$1 AND made=$2 ORDER BY first DESC LIMIT 1`, int64(key), made).
		Scan(&last.first, &last.upto, &last.count, &last.entries)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if fresh {
		list = slices.DeleteFunc(list, func(e adapter.Entry) bool { return int64(e.N) <= last.upto })
	}
	runs, err := adapter.Extended(last.entries, last.count, list)
	if err != nil {
		return err
	}
	if last.count >= adapter.RunEntries {
		last.first++
	}
	for i, r := range runs {
		if _, err := tx.Exec(ctx, `INSERT INTO run(key, made, first, upto, count, entries) VALUES($1, $2, $3, $4, $5, $6)
			ON CONFLICT(key, made, first) DO UPDATE SET upto=excluded.upto, count=excluded.count, entries=excluded.entries`,
			int64(key), made, last.first+i, upto, r.Count, r.Packed); err != nil {
			return err
		}
	}
	return nil
}

// Items is store.Reader's.
func (db *DB) Items(ctx context.Context, items []store.ItemID, n uint64, p *policy.Predicate) ([]*store.Version, error) {
	if !p.Permit || len(items) == 0 {
		return nil, nil
	}
	f := latest{db: db, show: func(v *store.Version) bool { return p.Shows(&v.Columns) }}
	if err := db.rows(ctx, func(r pgx.Rows) error { return f.add(ctx, r) },
		`SELECT `+columnsOf("r")+` FROM unnest($1::bigint[]) WITH ORDINALITY AS i(item, place) JOIN locator l ON l.item=i.item
			JOIN resource r ON r.subject=l.subject AND r.type=l.type AND r.item=l.item WHERE r.n<=$2 ORDER BY i.place, r.version`, items, at(n)); err != nil {
		return nil, err
	}
	return f.kept(), nil
}

// orderedOf are the entries of a version in force.
func (tx *Tx) orderedOf(v *store.Version, ordered []search.Ordered) ([]adapter.Entry, error) {
	source, err := tx.Source(v.Source)
	p := store.Put{Type: v.Type, DataSet: v.DataSet, Labels: v.Labels, Final: v.Final, Ordered: ordered}
	return adapter.Entries(&p, int64(source), v.Item, v.Version, v.N), err
}

// remade puts the runs that were made again in the place of the others. What
// changed since they were begun, after n, is indexed here.
func (db *DB) remade(ctx context.Context, made int64, n uint64, index func(*fhir.Resource, nhs.Source) store.Index) error {
	if err := db.Write(ctx, func(tx *Tx) error {
		var items []store.ItemID
		if err := tx.ask(func(r pgx.Rows) error {
			var i store.ItemID
			err := r.Scan(&i)
			items = append(items, i)
			return err
		}, `SELECT DISTINCT item FROM resource WHERE n>$1 ORDER BY item`, at(n)); err != nil {
			return err
		}
		entries, err := tx.repost(items, index, store.Latest)
		if err != nil {
			return err
		}
		tx.do(`UPDATE ordered SET made=$1 WHERE id=1`, made)
		tx.do(`DELETE FROM fresh`)
		tx.do(`DELETE FROM ended`)
		if len(entries) > 0 {
			tx.do(`INSERT INTO fresh(n, entries) VALUES($1, $2)`, tx.head.n, adapter.PackEntries(entries))
		}
		return tx.send()
	}); err != nil {
		return err
	}
	_, err := db.writers.Exec(ctx, `DELETE FROM run WHERE made<>$1`, made)
	if err != nil {
		return fault.E("postgres.Reindex", fault.NoStore, err)
	}
	return nil
}
