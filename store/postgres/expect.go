package postgres

import (
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"selda/fhir"
	"selda/ingest"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/store"
	"selda/store/adapter"
)

// This file fetches what a batch of messages will ask for, in a few questions
// of many values each. What is not found is known not to be there: nobody else
// writes meanwhile.

var _ ingest.Expecter = (*Tx)(nil)

// Made is ingest.Expecter's.
func (tx *Tx) Made(s store.Subject) bool {
	_, made := tx.known.made[s]
	return made
}

// Fresh is ingest.Expecter's.
func (tx *Tx) Fresh(k ingest.Key) {
	hash := adapter.KeyHash(k.Source, k.Type, k.Key)
	if _, known := tx.known.keys[hash]; !known {
		tx.known.keys[hash] = 0
	}
}

// Expect is ingest.Expecter's. Keys, ids and numbers lead to items and
// subjects, and those to where they are and what is in force.
func (tx *Tx) Expect(e *ingest.Expected) error {
	items := tx.expectIDs(e.IDs)
	keys := tx.expectKeys(e.Keys)
	subjects := tx.expectIdentities(e.Identities)
	tx.expectSeen(e.Hashes)
	if err := tx.send(); err != nil {
		return err
	}
	var own []ingest.Key
	for _, k := range *subjects {
		own = append(own, e.KeyOf(k))
	}
	more := tx.expectKeys(own)
	tx.expectItems(append(*items, *keys...))
	tx.expectSubjects(*subjects)
	if err := tx.send(); err != nil {
		return err
	}
	all := append(append(*items, *keys...), *more...)
	tx.expectItems(*more)
	tx.expectKeys(tx.ownKeys(*items, e))
	if err := tx.send(); err != nil {
		return err
	}
	return tx.fetchCurrent(all)
}

// ownKeys are the keys of the Patients among items.
func (tx *Tx) ownKeys(items []store.ItemID, e *ingest.Expected) (keys []ingest.Key) {
	for _, i := range items {
		if l := tx.known.items[i].located; l.Type == "Patient" {
			keys = append(keys, e.KeyOf(mpi.Known{Subject: l.Subject, Source: l.Source}))
		}
	}
	return keys
}

// expectKeys asks for the items of keys.
func (tx *Tx) expectKeys(list []ingest.Key) *[]store.ItemID {
	items := &[]store.ItemID{}
	var hashes [][16]byte
	for _, k := range list {
		hash := adapter.KeyHash(k.Source, k.Type, k.Key)
		if _, known := tx.known.keys[hash]; !known {
			tx.known.keys[hash] = 0
			hashes = append(hashes, hash)
		}
	}
	if len(hashes) == 0 {
		return items
	}
	tx.want(func(r pgx.Rows) error {
		var hash pgtype.UUID
		var item store.ItemID
		err := r.Scan(&hash, &item)
		tx.known.keys[hash.Bytes] = item
		*items = append(*items, item)
		return err
	}, `SELECT hash, item FROM key WHERE hash = ANY($1)`, uuids(hashes))
	return items
}

// expectIDs asks for the items of ids, where they can't be computed.
func (tx *Tx) expectIDs(list []policy.Item) *[]store.ItemID {
	items := &[]store.ItemID{}
	var ids []string
	for _, i := range list {
		if n, ok := tx.db.ids.Decode(adapter.Item, i.ID); ok {
			*items = append(*items, store.ItemID(n))
			continue
		}
		a := alias{fhir.TypeNumber(i.Type), clean(i.ID)}
		if _, known := tx.known.aliases[a]; !known && a.typ != 0 {
			tx.known.aliases[a] = 0
			ids = append(ids, a.id)
		}
	}
	if len(ids) == 0 {
		return items
	}
	tx.want(func(r pgx.Rows) error {
		var typ int16
		var a alias
		var item store.ItemID
		err := r.Scan(&a.id, &typ, &item)
		a.typ = uint16(typ)
		tx.known.aliases[a] = item
		*items = append(*items, item)
		return err
	}, `SELECT id, type, item FROM alias WHERE id = ANY($1)`, ids)
	return items
}

// expectIdentities asks for the subjects that go by numbers.
func (tx *Tx) expectIdentities(list []mpi.Identifier) *[]mpi.Known {
	found := &[]mpi.Known{}
	var systems, values []string
	for _, i := range list {
		id := identity{clean(i.System), clean(i.Value)}
		if _, known := tx.known.identified[id]; !known {
			tx.known.identified[id] = nil
			systems, values = append(systems, id.system), append(values, id.value)
		}
	}
	if len(values) == 0 {
		return found
	}
	tx.want(func(r pgx.Rows) error {
		var id identity
		var k mpi.Known
		var source int32
		if err := r.Scan(&id.system, &id.value, &k.Subject, &source); err != nil {
			return err
		}
		var err error
		k.Source, err = tx.db.sourceName(tx.ctx, source)
		tx.known.identified[id] = append(tx.known.identified[id], k)
		*found = append(*found, k)
		return err
	}, `SELECT i.system, i.value, i.subject, i.source FROM unnest($1::text[], $2::text[]) AS t(system, value) JOIN identity i USING (system, value) ORDER BY i.subject`, systems, values)
	return found
}

// expectSeen asks which messages have been sent before.
func (tx *Tx) expectSeen(of map[nhs.Source][][16]byte) {
	var hashes [][16]byte
	for source, list := range of {
		src, known := tx.db.sourceID(source)
		if !known {
			continue
		}
		for _, h := range list {
			tx.known.seen[seenKey{src, h}] = false
		}
		hashes = append(hashes, list...)
	}
	if len(hashes) == 0 {
		return
	}
	tx.want(func(r pgx.Rows) error {
		var source int32
		var hash pgtype.UUID
		err := r.Scan(&source, &hash)
		if _, asked := tx.known.seen[seenKey{source, hash.Bytes}]; asked {
			tx.known.seen[seenKey{source, hash.Bytes}] = true
		}
		return err
	}, `SELECT source, hash FROM message WHERE hash = ANY($1) AND state<>1`, uuids(hashes))
}

// expectItems asks where items are.
func (tx *Tx) expectItems(items []store.ItemID) {
	var unknown []int64
	for _, i := range items {
		if tx.known.items[i] == nil {
			unknown = append(unknown, int64(i))
			tx.known.items[i] = &knownItem{}
		}
	}
	if len(unknown) == 0 {
		return
	}
	tx.want(func(r pgx.Rows) error {
		k, err := tx.db.scanLocator(tx.ctx, r)
		if err == nil {
			tx.known.items[k.located.Item] = k
		}
		return err
	}, `SELECT `+locatorColumns+` FROM locator WHERE item = ANY($1)`, unknown)
}

// expectSubjects asks for the numbers and the citizens of subjects.
func (tx *Tx) expectSubjects(list []mpi.Known) {
	var subjects []int64
	for _, k := range list {
		if _, known := tx.known.identities[k.Subject]; !known {
			tx.known.identities[k.Subject] = map[identity]bool{}
			subjects = append(subjects, int64(k.Subject))
		}
	}
	if len(subjects) == 0 {
		return
	}
	tx.want(func(r pgx.Rows) error {
		var s store.Subject
		var id identity
		var verified bool
		err := r.Scan(&s, &id.system, &id.value, &verified)
		tx.known.identities[s][id] = verified
		return err
	}, `SELECT subject, system, value, verified FROM identity WHERE subject = ANY($1)`, subjects)
	tx.want(func(r pgx.Rows) error {
		var s store.Subject
		var c store.Citizen
		err := r.Scan(&s, &c)
		tx.known.citizens[s] = c
		return err
	}, `SELECT subject, citizen FROM link WHERE subject = ANY($1) AND to_n IS NULL`, subjects)
}
