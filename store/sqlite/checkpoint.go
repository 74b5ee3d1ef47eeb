package sqlite

import (
	"github.com/ncruces/go-sqlite3"
)

// The write-ahead log goes into the database by a connection of its own, beside
// what is written. The commit that happens to fill the log would otherwise wait
// for all of it: with a million resources a few thousand pages in no order.

const (
	// checkpointPages is how long the log gets before it goes into the database.
	checkpointPages = 4000
	// mostPages is how long it may get while readers hold on to its beginning;
	// then they are waited for.
	mostPages = 64_000
)

// watch has the writer tell when the log has got that much longer: it begins
// again after a checkpoint, unless a reader is at its beginning.
func (db *DB) watch() error {
	if err := db.writer.Exec(`PRAGMA wal_autocheckpoint=0`); err != nil {
		return err
	}
	told := 0
	db.writer.WALHook(func(_ *sqlite3.Conn, _ string, pages int) error {
		if pages < told {
			told = 0
		}
		if pages >= told+checkpointPages {
			select {
			case db.full <- pages:
				told = pages
			default: // it is at it
			}
		}
		return nil
	})
	return nil
}

// checkpointing puts the log into the database whenever it is long. What fails
// is done the next time: the log only gets longer.
func (db *DB) checkpointing() {
	for {
		select {
		case <-db.open.Done():
			return
		case pages := <-db.full:
			db.checkpoint(pages)
		}
	}
}

// checkpoint goes through most of the log beside the writer, and through the
// little that came meanwhile while it waits: then the log begins again.
func (db *DB) checkpoint(pages int) {
	for range 2 {
		if _, _, err := db.log.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE); err != nil {
			return
		}
	}
	mode := sqlite3.CHECKPOINT_PASSIVE
	if pages > mostPages {
		mode = sqlite3.CHECKPOINT_RESTART
	}
	db.writing.Lock()
	defer db.writing.Unlock()
	_, _, _ = db.log.WALCheckpoint("main", mode)
}
