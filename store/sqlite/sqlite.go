// Package sqlite is the store on SQLite in one data folder, without cgo. It is
// the only place that knows SQL.
//
// One connection writes, in transactions that callers group; a few connections
// read, and never wait for it (write-ahead log). Ids are computed from internal
// numbers, so that finding a resource costs one look-up by primary key.
// Compartments in use are kept parsed, bounded in bytes, and are checked against
// the subject's last n each time.
package sqlite

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"

	"selda/fault"
	"selda/internal/seal"
	"selda/nhs"
	"selda/store/adapter"
)

//go:embed schema.sql
var schema string

// schemaVersion is PRAGMA user_version of a database that this code reads.
const schemaVersion = 4

// DB is an open store. It is a store.Reader, a store.Writer, and the adapter of
// the ports that mpi, ingest and audit declare.
type DB struct {
	codec *adapter.Codec
	ids   adapter.IDs
	key   []byte
	keys  seal.Sealer
	cache *adapter.Compartments

	writing sync.Mutex
	writer  *conn
	last    atomic.Uint64 // n of the last commit
	readers chan *conn

	leases leases

	barred *adapter.Barred // the writer's alone
	posted []posting       // that lie fresh; the writer's alone
	most   int             // how many may
	fresh  atomic.Int64    // entries of ordered values that lie fresh
	fold   chan struct{}   // asks for them to be put into runs
	folds  sync.Mutex
	full   chan int // the log is long: so many pages
	log    *conn    // that puts it into the database
	beside sync.WaitGroup
	open   context.Context // until it is closed
	close  context.CancelFunc

	sources sync.RWMutex
	byName  map[nhs.Source]int64
	byID    map[int64]nhs.Source
}

// Options of a store.
type Options struct {
	Readers    int // connections that read; 4 where 0
	CacheBytes int // of parsed compartments; 160 MiB where 0
	Fresh      int // postings that lie outside the index at most; 64 where 0
	// Keys seal the folder's own key, of which ids and other keys are made; nil: it is
	// in the clear.
	Keys seal.Sealer
}

// Open opens the store in folder dir, making it where there is none.
func Open(dir string, o Options) (*DB, error) {
	const op = "sqlite.Open"
	if o.Readers == 0 {
		o.Readers = 4
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 160 << 20
	}
	if o.Fresh == 0 {
		o.Fresh = 64
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	c, err := adapter.NewCodec()
	if err != nil {
		return nil, fault.E(op, err)
	}
	db := &DB{codec: c, keys: o.Keys, most: o.Fresh, cache: adapter.NewCompartments(o.CacheBytes), readers: make(chan *conn, o.Readers),
		byName: map[nhs.Source]int64{}, byID: map[int64]nhs.Source{}, fold: make(chan struct{}, 1), full: make(chan int, 1)}
	db.open, db.close = context.WithCancel(context.Background())
	path := filepath.Join(dir, "record.db")
	if err := private(path); err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	if db.writer, err = connect(path, 48<<10, false); err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	if err := errors.Join(db.prepare(), private(path)); err != nil {
		_ = db.writer.Close()
		return nil, fault.E(op, fault.NoStore, err)
	}
	if db.log, err = connect(path, 2<<10, false); err == nil {
		err = db.watch()
	}
	if err != nil {
		_ = db.Close()
		return nil, fault.E(op, fault.NoStore, err)
	}
	db.beside.Go(db.folding)
	db.beside.Go(db.checkpointing)
	for range o.Readers {
		r, err := connect(path, 8<<10, true)
		if err != nil {
			_ = db.Close()
			return nil, fault.E(op, fault.NoStore, err)
		}
		db.readers <- r
	}
	return db, nil
}

// prepare makes the schema in a new database, checks it in an old one, and
// reads what is kept in memory.
func (db *DB) prepare() error {
	w := db.writer
	version, err := w.int64(`PRAGMA user_version`)
	if err != nil {
		return err
	}
	if version != 0 { // before anything is written: without its key the folder stays as it is
		if _, err := db.readKey(); err != nil {
			return err
		}
	}
	switch version {
	case 0:
		if err := w.Exec("BEGIN;" + schema + fmt.Sprintf("PRAGMA user_version=%d;", schemaVersion)); err != nil {
			return err
		}
		if err := db.makeKey(); err != nil {
			return err
		}
		if err := w.Exec("COMMIT"); err != nil {
			return err
		}
	case 2, 3:
		if err := db.upgrade(version); err != nil {
			return err
		}
	case schemaVersion:
	default:
		return fmt.Errorf("the data folder is of another version of SELDA (schema %d, this one reads %d)", version, schemaVersion)
	}
	if err := w.Exec(mergeByCommit + postingSchema + subscriptionSchema + casesSchema + accountSchema + barredSchema + orderedSchema + runTable("run")); err != nil {
		return err
	}
	if err := errors.Join(db.loadPosted(), db.loadBarred()); err != nil {
		return err
	}
	fresh, err := w.int64(`SELECT coalesce(sum(count), 0) FROM fresh`)
	if err != nil {
		return err
	}
	db.fresh.Store(fresh)
	last, err := w.int64(`SELECT coalesce(max(n), 0) FROM change`)
	if err != nil {
		return err
	}
	db.last.Store(uint64(last))
	if db.ids, err = adapter.NewIDs(db.Secret("ids")); err != nil {
		return err
	}
	s := w.stmt(`SELECT id, name FROM source`)
	defer func() { _ = s.Reset() }()
	for s.Step() {
		db.learn(s.ColumnInt64(0), nhs.Source(s.ColumnText(1)))
	}
	return s.Err()
}

func (db *DB) learn(id int64, name nhs.Source) {
	db.sources.Lock()
	defer db.sources.Unlock()
	db.byName[name], db.byID[id] = id, name
}

func (db *DB) sourceID(name nhs.Source) (int64, bool) {
	db.sources.RLock()
	defer db.sources.RUnlock()
	id, ok := db.byName[name]
	return id, ok
}

func (db *DB) sourceName(id int64) nhs.Source {
	db.sources.RLock()
	defer db.sources.RUnlock()
	return db.byID[id]
}

// Close closes the store.
func (db *DB) Close() error {
	db.close()
	db.beside.Wait()
	db.writing.Lock()
	defer db.writing.Unlock()
	var errs []error
	if db.log != nil {
		errs = append(errs, db.log.Close())
	}
	for len(db.readers) > 0 {
		errs = append(errs, (<-db.readers).Close())
	}
	_, _, err := db.writer.WALCheckpoint("main", sqlite3.CHECKPOINT_TRUNCATE)
	return errors.Join(append(errs, err, db.writer.Close())...)
}

// conn is a connection with its prepared statements.
type conn struct {
	*sqlite3.Conn
	prepared map[string]*sqlite3.Stmt
}

// Close finalizes the statements and closes the connection.
func (c *conn) Close() error {
	var errs []error
	for _, s := range c.prepared {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.Conn.Close())...)
}

func connect(path string, cacheKiB int, readOnly bool) (*conn, error) {
	flags := sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE
	c, err := sqlite3.OpenFlags(path, flags)
	if err != nil {
		return nil, err
	}
	err = fts5.Register(c)
	if err == nil {
		err = c.BusyTimeout(10 * time.Second)
	}
	if err == nil {
		err = c.Exec(fmt.Sprintf(`PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-%d;
			PRAGMA temp_store=memory; PRAGMA wal_autocheckpoint=8000; PRAGMA query_only=%t;`, cacheKiB, readOnly))
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return &conn{c, map[string]*sqlite3.Stmt{}}, nil
}

// stmt is the prepared statement of a query that is part of this source. It
// panics on SQL that does not compile: a fault of ours that any test finds.
func (c *conn) stmt(sql string) *sqlite3.Stmt {
	s := c.prepared[sql]
	if s == nil {
		var err error
		s, _, err = c.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
		if err != nil {
			panic("sqlite: " + err.Error() + ": " + sql)
		}
		c.prepared[sql] = s
	}
	return s
}

func (c *conn) int64(sql string, args ...int64) (int64, error) {
	s := c.stmt(sql)
	defer func() { _ = s.Reset() }()
	for i, a := range args {
		_ = s.BindInt64(i+1, a)
	}
	if !s.Step() {
		return 0, s.Err()
	}
	return s.ColumnInt64(0), nil
}

// read lends a reading connection. The whole of f sees one state.
func (db *DB) read(ctx context.Context, f func(c *conn) error) error {
	var c *conn
	select {
	case c = <-db.readers:
	case <-ctx.Done():
		return fault.E("sqlite.read", fault.Transient, ctx.Err())
	}
	defer func() { db.readers <- c }()
	if err := c.stmt("BEGIN").Exec(); err != nil {
		return err
	}
	err := f(c)
	return errors.Join(err, c.stmt("COMMIT").Exec())
}
