package sqlite

import (
	"cmp"
	"encoding/base32"
	"encoding/binary"
	"slices"

	"selda/fault"
	"selda/fhir"
	"selda/store"
	"selda/store/adapter"
)

// The index of postings. What a transaction wrote lies in one row of
// fresh_posting until there is enough of it: to bring the postings of three
// people into the index costs nearly as much as those of thirty, and was half
// of the pages that their commit had to flush. A search looks at both.

const postingSchema = `CREATE TABLE IF NOT EXISTS fresh_posting(n INTEGER PRIMARY KEY, postings BLOB NOT NULL);`

// posting is what a version is found by.
type posting struct {
	row    int64
	typ    uint16
	tokens []uint64
}

// postingRow is the row of a version's posting. Rows of older versions stay: a
// search tells them by the version. So many versions of one item keep a row
// each; more bits for them would make every posting longer.
func postingRow(item store.ItemID, version int) int64 {
	return int64(item)<<versionBits | int64(version)&(1<<versionBits-1)
}

const versionBits = 12

func postingOf(item store.ItemID, version int, typ string, tokens []string) posting {
	p := posting{postingRow(item, version), fhir.TypeNumber(typ), make([]uint64, len(tokens))}
	for i, t := range tokens {
		p.tokens[i] = adapter.Token(typ, t)
	}
	return p
}

// text is the stored form of a token: fixed for ever.
func text(b []byte, token uint64) []byte {
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], token)
	return tokenText.AppendEncode(b, raw[:])
}

var tokenText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

func typeToken(typ string) string { return "t" + typ }

// texts are the tokens of a posting as the index takes them.
func (p *posting) texts() []byte {
	b := append(make([]byte, 0, 24+14*len(p.tokens)), typeToken(fhir.TypeName(p.typ))...)
	for _, t := range p.tokens {
		b = text(append(b, ' '), t)
	}
	return b
}

// post keeps the postings of the transaction: fresh, or in the index together
// with those that lie fresh.
func (tx *Tx) post() error {
	switch {
	case len(tx.posts) == 0:
		return nil
	case len(tx.db.posted)+len(tx.posts) >= tx.db.most:
		return tx.gather()
	}
	s := tx.c.stmt(`INSERT INTO fresh_posting(n, postings) VALUES(?, ?)`)
	_ = s.BindInt64(1, int64(tx.nextN-1))
	_ = s.BindBlob(2, packPostings(tx.posts))
	return s.Exec()
}

// gather brings what lies fresh and what the transaction wrote into the index, and does its
// part of merging it. Left to itself the index merges a hundred times as much in one
// commit, which everybody then waits for.
func (tx *Tx) gather() error {
	posts := slices.Concat(tx.db.posted, tx.posts)
	if len(posts) == 0 {
		return nil
	}
	slices.SortFunc(posts, func(a, b posting) int { return cmp.Compare(a.row, b.row) })
	s := tx.c.stmt(`INSERT INTO posting(rowid, token) VALUES(?, ?)`)
	bytes := 0
	for i := range posts {
		tokens := posts[i].texts()
		_ = s.BindInt64(1, posts[i].row)
		_ = s.BindRawText(2, tokens)
		if err := s.Exec(); err != nil {
			return err
		}
		bytes += len(tokens)
	}
	s = tx.c.stmt(`INSERT INTO posting(posting, rank) VALUES('merge', ?)`)
	_ = s.BindInt64(1, mergePages+int64(bytes/mergeBytes))
	if err := s.Exec(); err != nil {
		return err
	}
	tx.gathered = true
	return tx.c.stmt(`DELETE FROM fresh_posting`).Exec()
}

// post brings what lies fresh into the index, where nobody has written for a while.
// What fails is done the next time.
func (db *DB) post() {
	db.writing.Lock()
	n := len(db.posted)
	db.writing.Unlock()
	if n > 0 {
		_ = db.Write(db.open, (*Tx).gather)
	}
}

// mergeByCommit has the index of postings leave all merging to gather.
const mergeByCommit = `INSERT INTO posting(posting, rank) VALUES('automerge', 0);`

// How many pages of postings are merged: a few, and one more for so many
// bytes of tokens, of which a page of 4 kB holds several times as many.
const (
	mergePages = 2
	mergeBytes = 2048
)

// keepPosted notes what lies fresh after a commit.
func (tx *Tx) keepPosted() {
	if tx.gathered {
		tx.db.posted = tx.db.posted[:0]
		return
	}
	tx.db.posted = append(tx.db.posted, tx.posts...)
}

// loadPosted reads what lies fresh in a folder that is opened.
func (db *DB) loadPosted() error {
	return eachFresh(db.writer, func(p *posting) {
		kept := *p
		kept.tokens = slices.Clone(p.tokens)
		db.posted = append(db.posted, kept)
	})
}

// packPostings writes postings as their row, type and number of tokens, and the tokens.
func packPostings(list []posting) []byte {
	b := make([]byte, 0, 32+256*len(list))
	for _, p := range list {
		b = binary.AppendUvarint(b, uint64(p.row))
		b = binary.AppendUvarint(b, uint64(p.typ))
		b = binary.AppendUvarint(b, uint64(len(p.tokens)))
		for _, t := range p.tokens {
			b = binary.LittleEndian.AppendUint64(b, t)
		}
	}
	return b
}

// eachFresh calls f for the postings that lie fresh. Each is f's until it returns.
func eachFresh(c *conn, f func(*posting)) error {
	s := c.stmt(`SELECT postings FROM fresh_posting`)
	var p posting
	return rows(s, func() error {
		for b := s.ColumnRawBlob(0); len(b) > 0; {
			var head [3]uint64
			for i := range head {
				v, n := binary.Uvarint(b)
				if n <= 0 {
					return errPostings
				}
				head[i], b = v, b[n:]
			}
			if uint64(len(b)) < 8*head[2] {
				return errPostings
			}
			p.row, p.typ, p.tokens = int64(head[0]), uint16(head[1]), p.tokens[:0]
			for range head[2] {
				p.tokens = append(p.tokens, binary.LittleEndian.Uint64(b))
				b = b[8:]
			}
			f(&p)
		}
		return nil
	})
}

var errPostings = fault.E("sqlite.postings", "fresh postings do not hold: selda reindex makes them again")

// freshRows are the rows below one that lie fresh and meet a query, the latest first.
func freshRows(c *conn, q *store.Query, before int64) (rows []int64, err error) {
	typ := fhir.TypeNumber(q.Type)
	groups := make([][]uint64, len(q.Groups))
	for i, g := range q.Groups {
		for _, t := range g {
			groups[i] = append(groups[i], adapter.Token(q.Type, t))
		}
	}
	err = eachFresh(c, func(p *posting) {
		if p.typ != typ || p.row >= before {
			return
		}
		for _, g := range groups {
			if !slices.ContainsFunc(g, func(t uint64) bool { return slices.Contains(p.tokens, t) }) {
				return
			}
		}
		rows = append(rows, p.row)
	})
	slices.SortFunc(rows, func(a, b int64) int { return cmp.Compare(b, a) })
	return rows, err
}

// match is the FTS5 expression of a search: one token of each group. A token
// is of its type; where none is asked for, the type's own stands for all.
func match(typ string, groups [][]string) string {
	if len(groups) == 0 {
		return `"` + typeToken(typ) + `"`
	}
	var b []byte
	for i, g := range groups {
		if i > 0 {
			b = append(b, " AND "...)
		}
		b = append(b, '(')
		for j, t := range g {
			if j > 0 {
				b = append(b, " OR "...)
			}
			b = append(text(append(b, '"'), adapter.Token(typ, t)), '"')
		}
		b = append(b, ')')
	}
	return string(b)
}
