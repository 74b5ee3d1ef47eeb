package sqlite

import (
	"context"
	"errors"
	"strings"
	"sync"

	"selda/audit"
	"selda/fault"
	"selda/internal/segment"
)

// AuditIndex finds entries of the trail. It is a database of its own beside
// the record, derived from the trail, and may be deleted: it is made again.
type AuditIndex struct {
	mu sync.Mutex
	c  *conn
}

var _ audit.Index = (*AuditIndex)(nil)

// OpenAuditIndex opens the index at path, making it where there is none.
func OpenAuditIndex(path string) (*AuditIndex, error) {
	if err := private(path); err != nil {
		return nil, fault.E("sqlite.OpenAuditIndex", fault.NoStore, err)
	}
	c, err := connect(path, 32<<10, false)
	if err != nil {
		return nil, fault.E("sqlite.OpenAuditIndex", fault.NoStore, err)
	}
	err = c.Exec(`PRAGMA synchronous=NORMAL;
		CREATE TABLE IF NOT EXISTS entry(position INTEGER PRIMARY KEY, at INTEGER NOT NULL, citizen TEXT, user TEXT, organisation TEXT, action TEXT NOT NULL);
		CREATE INDEX IF NOT EXISTS entry_citizen ON entry(citizen, position) WHERE citizen IS NOT NULL;
		CREATE INDEX IF NOT EXISTS entry_user ON entry(user, position);
		CREATE INDEX IF NOT EXISTS entry_organisation ON entry(organisation, action, position);
		CREATE INDEX IF NOT EXISTS entry_organisation_all ON entry(organisation, position);
		CREATE TABLE IF NOT EXISTS position(id INTEGER PRIMARY KEY CHECK(id=1), next INTEGER NOT NULL);`)
	if err = errors.Join(err, private(path)); err != nil {
		_ = c.Close()
		return nil, fault.E("sqlite.OpenAuditIndex", fault.NoStore, err)
	}
	return &AuditIndex{c: c}, nil
}

// Close closes the index.
func (x *AuditIndex) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.c.Close()
}

// AuditPosition is audit.Index's.
func (x *AuditIndex) AuditPosition(context.Context) (segment.Position, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	n, err := x.c.int64(`SELECT next FROM position`)
	return segment.Position(n), err
}

// IndexAudit is audit.Index's.
func (x *AuditIndex) IndexAudit(_ context.Context, entries []audit.Indexed, next segment.Position) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.c.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := x.index(entries, next)
	if err != nil {
		_ = x.c.Exec("ROLLBACK")
		return err
	}
	return x.c.Exec("COMMIT")
}

func (x *AuditIndex) index(entries []audit.Indexed, next segment.Position) error {
	s := x.c.stmt(`INSERT OR REPLACE INTO entry(position, at, citizen, user, organisation, action) VALUES(?, ?, nullif(?, ''), ?, ?, ?)`)
	for _, e := range entries {
		_ = s.BindInt64(1, int64(e.Position))
		_ = s.BindInt64(2, e.At.UnixMilli())
		for i, t := range []string{e.Citizen, e.User, string(e.Organisation), e.Action} {
			_ = s.BindText(3+i, t)
		}
		if err := s.Exec(); err != nil {
			return err
		}
	}
	s = x.c.stmt(`INSERT OR REPLACE INTO position(id, next) VALUES(1, ?)`)
	_ = s.BindInt64(1, int64(next))
	return s.Exec()
}

// FindAudit is audit.Index's.
func (x *AuditIndex) FindAudit(_ context.Context, q audit.Query) (out []segment.Position, err error) {
	where, args := auditTerms(q)
	where = append(where, "at>=? AND at<? AND position>=? AND position<?")
	to := int64(1) << 62
	if !q.To.IsZero() {
		to = q.To.UnixMilli()
	}
	from := int64(0)
	if !q.From.IsZero() {
		from = q.From.UnixMilli()
	}
	before := int64(1) << 62
	if q.Before > 0 {
		before = int64(q.Before)
	}
	limit := q.Limit
	if limit == 0 {
		limit = 100
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	first := int64(0)
	if q.Citizen == "" { // somebody's own entries are few
		if first, before, err = x.between(q, before); err != nil {
			return nil, err
		}
	}
	s := x.c.stmt(`SELECT position FROM entry WHERE ` + strings.Join(where, " AND ") + ` ORDER BY position DESC LIMIT ?`)
	for i, a := range args {
		_ = s.BindText(i+1, a)
	}
	_ = s.BindInt64(len(args)+1, from)
	_ = s.BindInt64(len(args)+2, to)
	_ = s.BindInt64(len(args)+3, first)
	_ = s.BindInt64(len(args)+4, before)
	_ = s.BindInt64(len(args)+5, int64(limit))
	err = rows(s, func() error {
		out = append(out, segment.Position(s.ColumnInt64(0)))
		return nil
	})
	return out, err
}

// between are the positions between which entries of a stretch of time are: they
// are in the order of time, but for what clocks are set by.
func (x *AuditIndex) between(q audit.Query, before int64) (first, last int64, err error) {
	last = before
	if !q.From.IsZero() {
		if first, err = x.since(q.From.Add(-audit.ClockSlack).UnixMilli()); err != nil {
			return 0, 0, err
		}
	}
	if !q.To.IsZero() {
		to, err := x.since(q.To.Add(audit.ClockSlack).UnixMilli())
		return first, min(last, to), err
	}
	return first, last, nil
}

// since is the position from which on entries are not older than a time.
func (x *AuditIndex) since(at int64) (int64, error) {
	low := int64(0)
	high, err := x.c.int64(`SELECT max(position)+1 FROM entry`)
	for err == nil && low < high {
		middle := low + (high-low)/2
		s := x.c.stmt(`SELECT position, at FROM entry WHERE position>=? ORDER BY position LIMIT 1`)
		_ = s.BindInt64(1, middle)
		found, then := high, at
		err = rows(s, func() error {
			found, then = s.ColumnInt64(0), s.ColumnInt64(1)
			return nil
		})
		if then >= at {
			high = middle
		} else {
			low = found + 1
		}
	}
	return low, err
}

// auditTerms are the terms of a query. The first narrows most and is looked up
// in its index; a plus keeps the others from being: one person's entries are
// few, all that were ever read are not.
// https://www.sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_
func auditTerms(q audit.Query) (where, args []string) {
	for _, f := range []struct{ column, value string }{{"citizen", q.Citizen}, {"user", q.User}, {"organisation", string(q.Organisation)}, {"action", q.Action}} {
		if f.value == "" {
			continue
		}
		ofOrganisation := f.column == "action" && q.Citizen == "" && q.User == "" // they share an index
		if len(where) > 0 && !ofOrganisation {
			f.column = "+" + f.column
		}
		args = append(args, f.value)
		if f.column == "citizen" && len(q.Former) > 0 {
			where = append(where, "citizen IN (?"+strings.Repeat(", ?", len(q.Former))+")")
			args = append(args, q.Former...)
			continue
		}
		where = append(where, f.column+"=?")
	}
	return where, args
}
