package sqlite

import (
	"context"
	"strconv"
	"testing"
	"time"

	"selda/nhs"
	"selda/store"
	"selda/store/adapter"
)

// A folder of the schema before this one opens: people's own Patients are found
// by the keys that they have now, and others by theirs.
func TestFolderOfSchemaTwoOpens(t *testing.T) {
	dir, source := t.TempDir(), nhs.Source("RJZ:PAS")
	open := func() *DB {
		db, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	keys := []string{"visit 7"}
	items := map[string]store.ItemID{}
	db := open()
	err := db.Update(context.Background(), func(tx store.Tx) error {
		if _, err := tx.Begin(time.UnixMilli(1), source, 1); err != nil {
			return err
		}
		for range 3 {
			s, err := tx.NewSubject(source)
			if err != nil {
				return err
			}
			keys = append(keys, "subject:"+strconv.FormatInt(int64(s), 10))
		}
		for _, k := range keys {
			l, _, _, err := tx.ByKey(source, "Patient", k)
			if err != nil {
				return err
			}
			items[k] = l.Item
			if _, err := tx.Write(store.Put{Subject: 1, Type: "Patient", Item: l.Item, Source: source, Body: []byte(`{"resourceType":"Patient"}`)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys[1:] { // as schema 2 had them
		n, _ := strconv.ParseInt(k[len("subject:"):], 10, 64)
		own, old := ownKey(n), adapter.KeyHash(source, "Patient", k)
		u := db.writer.stmt(`UPDATE key SET hash=? WHERE hash=?`)
		_ = u.BindBlob(1, old[:])
		_ = u.BindBlob(2, own[:])
		if err := u.Exec(); err != nil || db.writer.Changes() != 1 {
			t.Fatal(k, err)
		}
	}
	if err := db.writer.Exec(`DROP INDEX message_seen; CREATE INDEX message_hash ON message(hash); PRAGMA user_version=2`); err != nil {
		t.Fatal(err)
	}
	for range 2 { // upgraded, and opened again
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		db = open()
		if err := db.Update(context.Background(), func(tx store.Tx) error {
			for _, k := range keys {
				if l, _, exists, err := tx.ByKey(source, "Patient", k); err != nil || !exists || l.Item != items[k] {
					t.Errorf("%s: %+v %t %v, want %d", k, l, exists, err, items[k])
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
