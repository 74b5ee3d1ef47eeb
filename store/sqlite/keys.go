package sqlite

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"selda/nhs"
	"selda/store/adapter"
)

// keyOf stands for what a source calls a resource. The Patient that is a
// subject's own has a key of the subject's number, which stand beside one
// another: a page in no order is what a new person costs most of.
func keyOf(source nhs.Source, typ, key string) [16]byte {
	if number, ok := strings.CutPrefix(key, "subject:"); ok && typ == "Patient" {
		if n, err := strconv.ParseInt(number, 10, 64); err == nil && strconv.FormatInt(n, 10) == number {
			return ownKey(n)
		}
	}
	return adapter.KeyHash(source, typ, key)
}

func ownKey(subject int64) (k [16]byte) {
	binary.BigEndian.PutUint64(k[8:], uint64(subject))
	return k
}

// upgrade brings a database of schema 2 or 3 to 4, whose postings may lie fresh.
func (db *DB) upgrade(from int64) error {
	w := db.writer
	if from == 3 {
		return w.Exec(fmt.Sprintf("PRAGMA user_version=%d", schemaVersion))
	}
	if err := w.Exec(`BEGIN IMMEDIATE; DROP INDEX message_hash; CREATE INDEX message_seen ON message(hash) WHERE format IN ('hl7v2', 'cda');
		DROP INDEX identity_subject; CREATE INDEX identity_subject ON identity(subject, verified)`); err != nil {
		return err
	}
	if err := db.upgradeKeys(); err != nil {
		return err
	}
	return w.Exec(fmt.Sprintf("PRAGMA user_version=%d; COMMIT", schemaVersion))
}

// upgradeKeys gives the Patients that are a subject's own their keys.
func (db *DB) upgradeKeys() error {
	w := db.writer
	s := w.stmt(`SELECT s.id, n.name FROM subject s JOIN source n ON n.id = s.source`)
	return rows(s, func() error {
		subject := s.ColumnInt64(0)
		old, own := adapter.KeyHash(nhs.Source(s.ColumnText(1)), "Patient", "subject:"+strconv.FormatInt(subject, 10)), ownKey(subject)
		u := w.stmt(`UPDATE key SET hash=? WHERE hash=?`)
		_ = u.BindBlob(1, own[:])
		_ = u.BindBlob(2, old[:])
		return u.Exec()
	})
}
