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

// Search is store.Reader's. The predicate is asked within the walk over the
// postings: the limit counts only what is shown. The walk goes on, in larger
// and larger steps, until enough is found or there is no more.
func (db *DB) Search(ctx context.Context, typ string, groups [][]string, p *policy.Predicate, limit int) (out []store.Found, err error) {
	t := fhir.TypeNumber(typ)
	if !p.Permit || limit <= 0 || t == 0 {
		return nil, nil
	}
	sql, args := searchSQL(groups)
	for before, step := int64(1)<<62, 2*limit+32; ; step *= 4 {
		walked := 0
		err := db.rows(ctx, func(r pgx.Rows) error {
			f, c, err := db.scanPosting(ctx, r, typ)
			if err != nil {
				return err
			}
			walked, before = walked+1, int64(f.Item)
			if len(out) < limit && p.Shows(&c) {
				out = append(out, f)
			}
			return nil
		}, sql, append([]any{int16(t), before, step}, args(typ)...)...)
		if err != nil || len(out) >= limit || walked < step {
			return out, err
		}
	}
}

// searchSQL is the statement of a search with so many groups, and what gives
// its arguments after the type, the item to go on before, and the step.
func searchSQL(groups [][]string) (sql string, args func(typ string) []any) {
	var b strings.Builder
	b.WriteString(`SELECT item, subject, source, dataset, labels, flags, at, reported, id FROM posting WHERE type=$1 AND item<$2 AND flags&1=0`)
	for i := range groups {
		b.WriteString(` AND tokens && $` + strconv.Itoa(4+i))
	}
	order := ` ORDER BY item DESC LIMIT $3`
	if len(groups) > 0 {
		order = ` ORDER BY item+0 DESC LIMIT $3` // found by its tokens, then put in order: not the other way round
	}
	b.WriteString(order)
	return b.String(), func(typ string) []any {
		out := make([]any, len(groups))
		for i, g := range groups {
			hashes := make([]int64, len(g))
			for j, t := range g {
				hashes[j] = int64(adapter.Token(typ, t))
			}
			out[i] = hashes
		}
		return out
	}
}

func (db *DB) scanPosting(ctx context.Context, r pgx.Rows, typ string) (f store.Found, c policy.Columns, err error) {
	var source int32
	var dataset, flags int16
	var labels, at int64
	var reported pgtype.Int8
	var id pgtype.Text
	if err := r.Scan(&f.Item, &f.Subject, &source, &dataset, &labels, &flags, &at, &reported, &id); err != nil {
		return f, c, err
	}
	if f.ID = id.String; f.ID == "" {
		f.ID = db.ids.Encode(adapter.Item, int64(f.Item))
	}
	name, err := db.sourceName(ctx, source)
	return f, policy.Columns{Type: typ, ID: f.ID, Source: name, DataSet: policy.DataSet(dataset), Labels: policy.Labels(labels), Final: flags&flagFinal != 0,
		Recorded: time.UnixMilli(at).UTC(), Reported: timeOf(reported)}, err
}
