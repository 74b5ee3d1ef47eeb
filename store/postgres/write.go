package postgres

import (
	"bytes"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"selda/fault"
	"selda/fhir"
	"selda/nhs"
	"selda/policy"
	"selda/store"
	"selda/store/adapter"
)

// NewSubject is store.Tx's.
func (tx *Tx) NewSubject(source nhs.Source) (store.Subject, error) {
	src, err := tx.Source(source)
	if err != nil {
		return 0, err
	}
	tx.head.subject++
	s := store.Subject(tx.head.subject)
	tx.known.made[s], tx.known.identities[s] = src, map[identity]bool{}
	tx.touched[s] = tx.n
	return s, nil
}

// ByKey is store.Tx's.
func (tx *Tx) ByKey(source nhs.Source, typ, key string) (store.Located, string, bool, error) {
	hash := adapter.KeyHash(source, typ, key)
	item, err := tx.key(hash)
	if err != nil {
		return store.Located{}, "", false, err
	}
	if item == 0 {
		item = tx.newItem()
		tx.known.keys[hash] = item
		tx.known.items[item] = &knownItem{}
		tx.rows.key.hash, tx.rows.key.item = append(tx.rows.key.hash, hash), append(tx.rows.key.item, int64(item))
	}
	k, err := tx.item(item)
	if err != nil || !k.exists {
		return store.Located{Item: item, Type: typ}, tx.db.ids.Encode(adapter.Item, int64(item)), false, err
	}
	return k.located, k.id, true, nil
}

// ByID is store.Tx's.
func (tx *Tx) ByID(typ, id string) (store.Located, bool, error) {
	t := fhir.TypeNumber(typ)
	if t == 0 {
		return store.Located{}, false, nil
	}
	item, err := tx.itemOf(t, id)
	if err != nil || item == 0 {
		return store.Located{}, false, err
	}
	k, err := tx.item(item)
	if err != nil || !k.exists || k.located.Type != typ {
		return store.Located{}, false, err
	}
	return k.located, true, nil
}

// itemOf is the item of an id; 0 where it is nobody's.
func (tx *Tx) itemOf(typ uint16, id string) (store.ItemID, error) {
	if n, ok := tx.db.ids.Decode(adapter.Item, id); ok {
		return store.ItemID(n), nil
	}
	return tx.alias(alias{typ, clean(id)})
}

// alias is the item of an id that a system chose; 0 where it is nobody's.
func (tx *Tx) alias(a alias) (store.ItemID, error) {
	if i, ok := tx.known.aliases[a]; ok {
		return i, nil
	}
	var item store.ItemID
	err := tx.ask(func(r pgx.Rows) error { return r.Scan(&item) }, `SELECT item FROM alias WHERE id=$1 AND type=$2`, a.id, int16(a.typ))
	if err == nil {
		tx.known.aliases[a] = item
	}
	return item, err
}

// Current is store.Tx's.
func (tx *Tx) Current(l store.Located) (*store.Version, error) {
	k, err := tx.item(l.Item)
	if err != nil {
		return nil, err
	}
	if !k.exists {
		return nil, errUnknown
	}
	return tx.current(k)
}

// NewID is store.Tx's.
func (tx *Tx) NewID() (store.ItemID, string) {
	i := tx.newItem()
	tx.known.items[i] = &knownItem{}
	return i, tx.db.ids.Encode(adapter.Item, int64(i))
}

func (tx *Tx) newItem() store.ItemID {
	tx.head.item++
	return store.ItemID(tx.head.item)
}

// Write is store.Tx's.
func (tx *Tx) Write(p store.Put) (store.Written, error) {
	const op = "store.Write"
	w := store.Written{Item: p.Item, ID: p.ID, Version: 1}
	k := &knownItem{}
	if p.Item != 0 {
		var err error
		if k, err = tx.item(p.Item); err != nil {
			return w, err
		}
		if k.exists {
			if err := tx.move(k, p.Subject); err != nil {
				return w, err
			}
			old, err := tx.current(k)
			if err != nil {
				return w, err
			}
			w.ID, w.Version = k.id, old.Version+1
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
	computed := tx.db.ids.Encode(adapter.Item, int64(w.Item))
	if !k.exists && p.ID != "" && p.ID != computed {
		if err := tx.name(p.Type, p.ID, w.Item); err != nil {
			return w, err
		}
	}
	if w.ID == "" {
		w.ID = computed
	}
	if err := tx.insert(&p, &w, computed); err != nil {
		return w, err
	}
	tx.items = append(tx.items, w.Item)
	tx.touched[p.Subject] = tx.n
	if tx.rows.full() {
		tx.flush()
		return w, tx.send()
	}
	return w, nil
}

// name gives a new resource the id that its system asked for.
func (tx *Tx) name(typ, id string, item store.ItemID) error {
	a := alias{fhir.TypeNumber(typ), clean(id)}
	taken, err := tx.alias(a)
	if err != nil {
		return err
	}
	if taken != 0 {
		return fault.E("store.Write", fault.Conflict, "the id is taken")
	}
	tx.do(`INSERT INTO alias(id, type, item) VALUES($1, $2, $3)`, a.id, int16(a.typ), int64(item))
	tx.known.aliases[a] = item
	return nil
}

// insert has a version's rows wait, and remembers it as the one in force.
func (tx *Tx) insert(p *store.Put, w *store.Written, computed string) error {
	src, err := tx.Source(p.Source)
	if err != nil {
		return err
	}
	flags := flagsOf(p.Deleted, p.Final)
	typ := int16(fhir.TypeNumber(p.Type))
	id := pgtype.Text{String: w.ID, Valid: w.ID != computed}
	p.When, p.Reported = whole(p.When), whole(p.Reported)
	at := tx.at.UnixMilli()
	packed := p.Packed
	if packed == nil {
		packed = tx.db.codec.Pack(nil, p.Type, p.Body, p.Origin)
	}
	row := resourceRow{subject: int64(p.Subject), item: int64(w.Item), n: int64(tx.n), at: at, message: int64(p.Message), version: int32(w.Version), source: src, typ: typ,
		dataset: int16(p.DataSet), flags: flags, labels: pgtype.Int8{Int64: int64(p.Labels), Valid: p.Labels != 0}, clinical: seconds(p.When), reported: seconds(p.Reported),
		id: id, body: packed}
	if !p.Deleted {
		row.tokens = tokenArray(p.Type, p.Tokens)
	}
	tx.rows.resource = append(tx.rows.resource, row)
	if tx.rows.locator == nil {
		tx.rows.locator = map[int64]locatorRow{}
	}
	waiting, waits := tx.rows.locator[int64(w.Item)]
	tx.rows.locator[int64(w.Item)] = locatorRow{subject: int64(p.Subject), typ: typ, flags: flags, version: int32(w.Version), source: src, id: id,
		made: w.Version == 1 && !waits || waiting.made}

	v := &store.Version{Item: w.Item, Subject: p.Subject, Version: w.Version, N: tx.n, Deleted: p.Deleted, When: p.When, Message: p.Message, Body: p.Body, Origin: p.Origin,
		Columns: policy.Columns{Type: p.Type, ID: w.ID, Source: p.Source, DataSet: p.DataSet, Labels: p.Labels, Recorded: time.UnixMilli(at).UTC(), Reported: p.Reported, Final: p.Final}}
	tx.known.items[w.Item] = &knownItem{exists: true, id: w.ID, current: v,
		located: store.Located{Item: w.Item, Subject: p.Subject, Type: p.Type, Version: w.Version, Source: p.Source, Deleted: p.Deleted}}
	tx.order(p, w, src)
	return nil
}

func flagsOf(deleted, final bool) (flags int16) {
	if deleted {
		flags |= flagDeleted
	}
	if final {
		flags |= flagFinal
	}
	return flags
}

func seconds(t time.Time) pgtype.Int8 { return pgtype.Int8{Int64: t.Unix(), Valid: !t.IsZero()} }

// whole is a time as it is kept: in seconds.
func whole(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.Unix(t.Unix(), 0).UTC()
}

// tokenArray is what a version is found by, as PostgreSQL writes an array.
func tokenArray(typ string, tokens []string) pgtype.Text {
	b := append(make([]byte, 0, 2+12*len(tokens)), '{')
	for i, t := range tokens {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(token(typ, t)), 10)
	}
	return pgtype.Text{String: string(append(b, '}')), Valid: true}
}

// token is a type's search token as it is kept: the upper half of its hash. Two
// tokens that have the same find each other's resources, which are asked before
// they are given.
func token(typ, t string) int32 { return int32(adapter.Token(typ, t) >> 32) }

// move takes all versions of a resource to another subject: its source has
// said that it was on the wrong patient (G19).
func (tx *Tx) move(k *knownItem, to store.Subject) error {
	l := &k.located
	if l.Subject == to {
		return nil
	}
	if _, err := tx.current(k); err != nil { // where it still is
		return err
	}
	tx.flush()
	typ := int16(fhir.TypeNumber(l.Type))
	tx.do(`WITH gone AS (DELETE FROM resource WHERE subject=$1 AND type=$2 AND item=$3 RETURNING *)
		INSERT INTO resource(`+columns+`, tokens) SELECT $4::bigint, type, item, version, n, at, source, dataset, labels, flags, clinical, reported, message, id, body, tokens FROM gone`,
		int64(l.Subject), typ, int64(l.Item), int64(to))
	tx.do(`UPDATE locator SET subject=$1 WHERE item=$2`, int64(to), int64(l.Item))
	tx.touched[l.Subject], tx.touched[to] = tx.n, tx.n
	moved := *k.current
	moved.Subject, l.Subject = to, to
	k.current = &moved
	return nil
}
