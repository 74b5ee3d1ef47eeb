package postgres

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"selda/fhir"
	"selda/policy"
	"selda/store"
	"selda/store/adapter"
)

// Search is store.Reader's. The predicate is asked within the walk over what
// has the tokens: the limit counts only what is shown. The walk goes on, in larger
// and larger steps, until enough is found or there is no more.
func (db *DB) Search(ctx context.Context, q store.Query, p *policy.Predicate) (out []store.Found, err error) {
	t := fhir.TypeNumber(q.Type)
	if !p.Permit || q.Limit <= 0 || t == 0 {
		return nil, nil
	}
	before := int64(1) << 62
	if q.Before != 0 {
		before = int64(q.Before)
	}
	sql, tokens := searchSQL(q)
	for step := 2*q.Limit + 32; ; step *= 4 {
		walked := 0
		args := append([]any{int16(t), before, step}, tokens...)
		err := db.rows(ctx, func(r pgx.Rows) error {
			f, c, err := db.scanFound(ctx, r, q.Type)
			if err != nil {
				return err
			}
			walked, before = walked+1, int64(f.Item)
			if len(out) < q.Limit && p.Shows(&c) {
				out = append(out, f)
			}
			return nil
		}, sql, args...)
		if err != nil || len(out) >= q.Limit || walked < step {
			if err == nil && q.Bodies {
				out, err = db.withBodies(ctx, q, p, out)
			}
			return out, err
		}
	}
}

// searchSQL is the statement of a search, and what it is given after the type,
// the item to go on before, and the step. A version counts that is the last one
// as at the n that is asked: that is looked up for each by its key, in a
// question of its own, since a join could be made the other way round.
func searchSQL(q store.Query) (sql string, args []any) {
	var b strings.Builder
	b.WriteString(`SELECT item, subject, source, dataset, labels, flags, at, reported, id FROM resource r WHERE tokens IS NOT NULL`)
	give := func(arg any) string {
		args = append(args, arg)
		return `$` + strconv.Itoa(3+len(args))
	}
	for _, g := range q.Groups {
		hashes := make([]int32, len(g))
		for i, t := range g {
			hashes[i] = token(q.Type, t)
		}
		b.WriteString(` AND tokens && ` + give(hashes))
	}
	last := `SELECT x.version FROM resource x WHERE x.subject=r.subject AND x.type=r.type AND x.item=r.item`
	if q.N != store.Latest {
		n := give(at(q.N))
		b.WriteString(` AND n<=` + n)
		last += ` AND x.n<=` + n
	}
	b.WriteString(` AND version=(` + last + ` ORDER BY x.version DESC LIMIT 1)`)
	if len(q.Groups) > 0 { // found by its tokens, then put in order: not the other way round
		b.WriteString(` AND type+0=$1::smallint AND item+0<$2::bigint ORDER BY item+0 DESC LIMIT $3`)
	} else {
		b.WriteString(` AND type=$1 AND item<$2 ORDER BY item DESC LIMIT $3`)
	}
	return b.String(), args
}

func (db *DB) scanFound(ctx context.Context, r pgx.Rows, typ string) (f store.Found, c policy.Columns, err error) {
	var source int32
	var dataset, flags int16
	var at int64
	var labels, reported pgtype.Int8
	var id pgtype.Text
	if err := r.Scan(&f.Item, &f.Subject, &source, &dataset, &labels, &flags, &at, &reported, &id); err != nil {
		return f, c, err
	}
	if f.ID = id.String; f.ID == "" {
		f.ID = db.ids.Encode(adapter.Item, int64(f.Item))
	}
	name, err := db.sourceName(ctx, source)
	return f, policy.Columns{Type: typ, ID: f.ID, Source: name, DataSet: policy.DataSet(dataset), Labels: policy.Labels(labels.Int64), Final: flags&flagFinal != 0,
		Recorded: time.UnixMilli(at).UTC(), Reported: timeOf(reported)}, err
}
