package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"selda/fhir"
	"selda/mpi"
	"selda/store"
	"selda/store/adapter"
)

// known is what a transaction has read or written: nobody else writes
// meanwhile, so it stays true to its end.
type known struct {
	keys    map[[16]byte]store.ItemID // 0 of one that is not there
	items   map[store.ItemID]*knownItem
	aliases map[alias]store.ItemID // 0 of one that is not there
	seen    map[seenKey]bool       // messages saved in this transaction

	identified map[identity][]mpi.Known
	identities map[store.Subject]map[identity]bool // and whether verified
	citizens   map[store.Subject]store.Citizen
	subjects   map[store.Citizen][]store.Subject
	made       map[store.Subject]int32 // subjects made by this transaction, with their source
}

// alias is an id that a system chose.
type alias struct {
	typ uint16
	id  string
}

type identity struct{ system, value string }

type knownItem struct {
	located store.Located
	id      string
	exists  bool
	current *store.Version // nil where it was not read
}

type seenKey struct {
	source int32
	hash   [16]byte
}

func newKnown() known {
	return known{keys: map[[16]byte]store.ItemID{}, items: map[store.ItemID]*knownItem{}, aliases: map[alias]store.ItemID{}, seen: map[seenKey]bool{},
		identified: map[identity][]mpi.Known{}, identities: map[store.Subject]map[identity]bool{}, citizens: map[store.Subject]store.Citizen{},
		subjects: map[store.Citizen][]store.Subject{}, made: map[store.Subject]int32{}}
}

const locatorColumns = `item, subject, type, version, source, flags, id`

func (db *DB) scanLocator(ctx context.Context, r pgx.Rows) (*knownItem, error) {
	k := &knownItem{exists: true}
	var typ, flags int16
	var source int32
	var id pgtype.Text
	if err := r.Scan(&k.located.Item, &k.located.Subject, &typ, &k.located.Version, &source, &flags, &id); err != nil {
		return nil, err
	}
	k.located.Type, k.located.Deleted, k.id = fhir.TypeName(uint16(typ)), flags&flagDeleted != 0, id.String
	if k.id == "" {
		k.id = db.ids.Encode(adapter.Item, int64(k.located.Item))
	}
	var err error
	k.located.Source, err = db.sourceName(ctx, source)
	return k, err
}

// item is what is known of an item; it asks where nothing is.
func (tx *Tx) item(i store.ItemID) (*knownItem, error) {
	if k := tx.known.items[i]; k != nil {
		return k, nil
	}
	k := &knownItem{}
	err := tx.ask(func(r pgx.Rows) (err error) { k, err = tx.db.scanLocator(tx.ctx, r); return err }, `SELECT `+locatorColumns+` FROM locator WHERE item=$1`, int64(i))
	if err != nil {
		return nil, err
	}
	tx.known.items[i] = k
	return k, nil
}

// key finds the item that a key stands for, 0 where there is none.
func (tx *Tx) key(hash [16]byte) (store.ItemID, error) {
	if i, ok := tx.known.keys[hash]; ok {
		return i, nil
	}
	var i store.ItemID
	err := tx.ask(func(r pgx.Rows) error { return r.Scan(&i) }, `SELECT item FROM key WHERE hash=$1`, pgtype.UUID{Bytes: hash, Valid: true})
	if err == nil {
		tx.known.keys[hash] = i
	}
	return i, err
}

// current is the version in force of a known item.
func (tx *Tx) current(k *knownItem) (*store.Version, error) {
	if k.current != nil {
		return k.current, nil
	}
	l := k.located
	err := tx.ask(func(r pgx.Rows) (err error) { k.current, err = tx.db.scan(tx.ctx, r); return err },
		`SELECT `+columns+` FROM resource WHERE subject=$1 AND type=$2 AND item=$3 AND version=$4`, int64(l.Subject), int16(fhir.TypeNumber(l.Type)), int64(l.Item), int32(l.Version))
	if err == nil && k.current == nil {
		err = errUnknown
	}
	return k.current, err
}

// fetchCurrent makes the versions in force of known items known, in one question.
func (tx *Tx) fetchCurrent(items []store.ItemID) error {
	var subject, item []int64
	var typ []int16
	var version []int32
	for _, i := range items {
		k := tx.known.items[i]
		if k == nil || !k.exists || k.current != nil {
			continue
		}
		l := k.located
		subject, typ, item, version = append(subject, int64(l.Subject)), append(typ, int16(fhir.TypeNumber(l.Type))), append(item, int64(i)), append(version, int32(l.Version))
	}
	if len(item) == 0 {
		return nil
	}
	return tx.ask(func(r pgx.Rows) error {
		v, err := tx.db.scan(tx.ctx, r)
		if err == nil {
			tx.known.items[v.Item].current = v
		}
		return err
	}, `SELECT `+columns+` FROM unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::int[]) AS t(subject, type, item, version)
		JOIN resource USING (subject, type, item, version)`, subject, typ, item, version)
}
