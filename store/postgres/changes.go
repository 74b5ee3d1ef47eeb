package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"selda/fhir"
	"selda/policy"
	"selda/store"
)

// commit is one line of the log.
type commit struct {
	n     uint64
	items []store.ItemID
}

// Changes is store.Reader's.
func (db *DB) Changes(ctx context.Context, l store.Log, p *policy.Predicate) (out []*store.Version, last uint64, err error) {
	last = l.After
	if !p.Permit {
		return nil, last, nil
	}
	for after, until := l.After, l.Until; len(out) < l.Limit; {
		commits, err := db.commits(ctx, after, until, l.Newest, min(l.Limit, 1000))
		if err != nil || len(commits) == 0 {
			return out, last, err
		}
		made, err := db.madeBy(ctx, commits, l.Types, p)
		if err != nil {
			return out, last, err
		}
		for _, c := range commits {
			if len(out) >= l.Limit {
				break
			}
			last = c.n
			for _, i := range c.items {
				if v := made[change{c.n, i}]; v != nil {
					out = append(out, v)
					delete(made, change{c.n, i}) // an item that was written twice stands in its commit twice
				}
			}
		}
		if l.Newest {
			until = last - 1
		} else {
			after = last
		}
	}
	return out, last, nil
}

// commits reads a part of the log.
func (db *DB) commits(ctx context.Context, after, until uint64, newest bool, limit int) (out []commit, err error) {
	sql := `SELECT n, items FROM change WHERE n>$1 AND n<=$2 ORDER BY n`
	if newest {
		sql += ` DESC`
	}
	err = db.rows(ctx, func(r pgx.Rows) error {
		var c commit
		var blob []byte
		if err := r.Scan(&c.n, &blob); err != nil {
			return err
		}
		c.items, err = unpackItems(blob)
		out = append(out, c)
		return err
	}, sql+` LIMIT $3`, at(after), at(until), limit)
	return out, err
}

// change names what a commit made of an item.
type change struct {
	n    uint64
	item store.ItemID
}

// madeBy gives the versions that commits made, where both they and those in
// force now are shown.
func (db *DB) madeBy(ctx context.Context, commits []commit, types []string, p *policy.Predicate) (map[change]*store.Version, error) {
	var items []store.ItemID
	for _, c := range commits {
		items = append(items, c.items...)
	}
	where, err := db.locators(ctx, items)
	if err != nil {
		return nil, err
	}
	var then, now places
	for _, c := range commits {
		for _, i := range c.items {
			if k := where[i]; k != nil && (len(types) == 0 || slices.Contains(types, k.located.Type)) {
				then.add(k.located, c.n)
				now.add(k.located, store.Latest)
			}
		}
	}
	made := map[change]*store.Version{}
	if err := db.at(ctx, then, func(n int64, v *store.Version) {
		if v.N == uint64(n) && p.Shows(&v.Columns) {
			made[change{v.N, v.Item}] = v
		}
	}); err != nil {
		return nil, err
	}
	hidden := map[store.ItemID]bool{}
	if err := db.at(ctx, now, func(_ int64, v *store.Version) { hidden[v.Item] = !p.Shows(&v.Columns) }); err != nil {
		return nil, err
	}
	for c := range made {
		if hidden[c.item] {
			delete(made, c)
		}
	}
	return made, nil
}

// places are resources as at an n each.
type places struct {
	subject, item, n []int64
	typ              []int16
}

func (p *places) add(l store.Located, n uint64) {
	p.subject, p.item, p.typ, p.n = append(p.subject, int64(l.Subject)), append(p.item, int64(l.Item)), append(p.typ, int16(fhir.TypeNumber(l.Type))), append(p.n, at(n))
}

// at calls f for the version of each place that was in force as at its n.
func (db *DB) at(ctx context.Context, p places, f func(n int64, v *store.Version)) error {
	if len(p.item) == 0 {
		return nil
	}
	return db.rows(ctx, func(r pgx.Rows) error {
		var n int64
		w, err := db.scanRow(ctx, r, &n)
		if err != nil {
			return err
		}
		v, err := db.version(w)
		if err == nil {
			f(n, v)
		}
		return err
	}, `SELECT DISTINCT ON (t.item, t.at) t.at, `+columnsOf("r")+` FROM unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[]) AS t(subject, type, item, at)
		JOIN resource r ON r.subject=t.subject AND r.type=t.type AND r.item=t.item AND r.n<=t.at ORDER BY t.item, t.at, r.version DESC`, p.subject, p.typ, p.item, p.n)
}
