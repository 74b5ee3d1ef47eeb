package sqlite

import (
	"crypto/rand"
	"errors"

	"github.com/ncruces/go-sqlite3"

	"selda/internal/seal"
	"selda/store/adapter"
)

// keyAbout is what the folder's own key is sealed about.
const keyAbout = "store/id-key"

// Secret is a key of 32 bytes for one use, derived from the folder's own.
func (db *DB) Secret(use string) []byte { return adapter.Secret(db.key, use) }

// makeKey makes the key of a new folder.
func (db *DB) makeKey() error {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	kept, err := seal.Closed(db.keys, key, keyAbout)
	if err != nil {
		return err
	}
	s := db.writer.stmt(`INSERT INTO meta(name, value) VALUES('id-key', ?)`)
	_ = s.BindBlob(1, kept)
	db.key = key
	return s.Exec()
}

// SealAll seals the folder's key by the key that seals now, and says whether it was
// not: 1, or 0. One of before was in the clear.
func (db *DB) SealAll() (int, error) {
	db.writing.Lock()
	defer db.writing.Unlock()
	anew, err := db.readKey()
	if err != nil || !anew {
		return 0, err
	}
	return 1, db.replaceKey(db.key)
}

// InUse is the id of the key that the folder's key is sealed by; "" where it is in the
// clear.
func (db *DB) InUse() ([]string, error) {
	db.writing.Lock()
	defer db.writing.Unlock()
	kept, err := db.keptKey()
	return []string{seal.ID(kept)}, err
}

func (db *DB) keptKey() ([]byte, error) {
	s := db.writer.stmt(`SELECT value FROM meta WHERE name='id-key'`)
	if !s.Step() {
		return nil, errors.Join(s.Err(), errors.New("the database has no id key"))
	}
	kept := s.ColumnBlob(0, nil)
	return kept, s.Reset()
}

// readKey reads the folder's key, and says whether it should be sealed anew.
func (db *DB) readKey() (anew bool, err error) {
	kept, err := db.keptKey()
	if err != nil {
		return false, err
	}
	key, anew, err := seal.Opened(db.keys, kept, keyAbout)
	if err == nil {
		db.key = key
	}
	return anew, err
}

// replaceKey seals the key in place of what is kept, of which no byte stays in the
// database: neither in the page where it was, nor in the log.
func (db *DB) replaceKey(key []byte) error {
	sealed, err := db.keys.Seal(key, keyAbout)
	if err != nil {
		return err
	}
	w := db.writer
	if err := w.Exec(`PRAGMA secure_delete=ON`); err != nil {
		return err
	}
	s := w.stmt(`UPDATE meta SET value=? WHERE name='id-key'`)
	_ = s.BindBlob(1, sealed)
	err = errors.Join(s.Exec(), w.Exec(`PRAGMA secure_delete=OFF`))
	if err == nil {
		_, _, err = w.WALCheckpoint("main", sqlite3.CHECKPOINT_TRUNCATE)
	}
	return err
}
