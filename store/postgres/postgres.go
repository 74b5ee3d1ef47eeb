// Package postgres is the store on PostgreSQL: for a region that one machine
// does not hold. Several nodes work on one database, and a node keeps nothing
// of its own.
//
// One transaction writes at a time in the whole region: it holds the row
// `head`, which gives the numbers, so that whoever sees n sees all below it.
// What a transaction writes is gathered and sent in few statements of many
// rows; what it will ask for can be told before, and is fetched at once.
// Readers never wait for it. Compartments in use are kept parsed, bounded in
// bytes, and are checked against the subject's last n each time.
package postgres

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"selda/fault"
	"selda/internal/seal"
	"selda/nhs"
	"selda/store"
	"selda/store/adapter"
)

// DB is an open store. It is a store.Reader, a store.Writer, and the adapter of
// the ports that mpi, ingest, access and audit declare.
type DB struct {
	readers *pgxpool.Pool
	writers *pgxpool.Pool

	codec *adapter.Codec
	ids   adapter.IDs
	key   []byte
	keys  seal.Sealer // of the secrets that are kept; nil: in the clear
	cache *adapter.Compartments

	holder   string       // of this node's leases
	journals held         // that it commits from
	shaken   atomic.Int64 // when the database was last not there
	stop     context.CancelFunc
	running  sync.WaitGroup

	wrote   atomic.Bool   // since the index of tokens was merged
	fresh   atomic.Int64  // entries of ordered values that this node wrote since they were put into runs
	writing chan struct{} // held by this node's writer; between nodes the row `head` orders
	serial  int64         // of this node's last transaction that writes

	barred   *adapter.Barred // what tells that something is not barred; the writer's alone
	barredAt int64           // as of which change of that

	sources sync.RWMutex
	byName  map[nhs.Source]int32
	byID    map[int32]nhs.Source
}

var (
	_ store.Reader = (*DB)(nil)
	_ store.Writer = (*DB)(nil)
)

// Options of a store.
type Options struct {
	Readers    int // connections that read; 8 where 0
	CacheBytes int // of parsed compartments; 160 MiB where 0
	Partitions int // of each table that grows, where the tables are made; 2 where 0
	// Silence is how long the database may say nothing when it is asked before
	// the connection is taken for dead; 75 s where 0.
	Silence time.Duration
	// Keys seal the secrets that all nodes share; nil: they are in the clear.
	Keys seal.Sealer
}

// What a connection is asked to put up with.
const (
	// lockTimeout is how long a writer waits for the others of the region.
	lockTimeout = "60s"
	// A node that stands still in the middle of a transaction gives up the
	// region's lock, and what it leads, after this. What is not finished is tried again.
	idleInTransaction = "15s"
)

// planning is how statements are planned.
var planning = map[string]string{
	// A plan for one partition looks cheaper than the one for any, so that every
	// statement would be planned each time it is run.
	"plan_cache_mode": "force_generic_plan",
	// All that is asked is by key or by token. A plan that was made while a table
	// was small must not walk through it when it has grown.
	"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
	// Many ask at once: none of them needs several processes.
	"max_parallel_workers_per_gather": "0",
}

// Open opens the store at an address (a URL, or keywords and values), and makes
// its tables where there are none.
func Open(ctx context.Context, dsn string, o Options) (*DB, error) {
	const op = "postgres.Open"
	if o.Readers == 0 {
		o.Readers = 8
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 160 << 20
	}
	if o.Silence == 0 {
		o.Silence = silence
	}
	if err := migrate(ctx, dsn, o.Partitions); err != nil {
		return nil, err
	}
	codec, err := adapter.NewCodec()
	if err != nil {
		return nil, fault.E(op, err)
	}
	db := &DB{keys: o.Keys, writing: make(chan struct{}, 1), codec: codec, cache: adapter.NewCompartments(o.CacheBytes), holder: rand.Text(), byName: map[nhs.Source]int32{}, byID: map[int32]nhs.Source{}}
	if db.readers, err = pool(ctx, dsn, o.Readers, o.Silence, nil); err != nil {
		return nil, err
	}
	db.writers, err = pool(ctx, dsn, 6, o.Silence, map[string]string{"lock_timeout": lockTimeout, "idle_in_transaction_session_timeout": idleInTransaction})
	if err == nil {
		err = db.prepare(ctx)
	}
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	db.stop = stop
	db.running.Go(func() { db.renew(background) })
	db.running.Go(func() { db.merge(background) })
	db.running.Go(func() { db.fold(background) })
	return db, nil
}

func pool(ctx context.Context, dsn string, size int, silence time.Duration, settings map[string]string) (*pgxpool.Pool, error) {
	const op = "postgres.Open"
	conf, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fault.E(op, fault.Value, "the address of the database is not one: postgres://user@host/database") // what was said may hold a password
	}
	conf.MaxConns = int32(size)
	conf.MaxConnIdleTime = 10 * time.Minute
	conf.ConnConfig.ConnectTimeout = 10 * time.Second
	conf.ConnConfig.DialFunc = dialer(silence)
	for k, v := range settings {
		conf.ConnConfig.RuntimeParams[k] = v
	}
	conf.ConnConfig.RuntimeParams["application_name"] = "selda"
	for k, v := range planning {
		conf.ConnConfig.RuntimeParams[k] = v
	}
	p, err := pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	return p, nil
}

// prepare reads what is kept in memory, and makes the key of a new store.
func (db *DB) prepare(ctx context.Context) (err error) {
	const op = "postgres.Open"
	if db.key, err = db.secret(ctx, "id-key"); err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	if db.ids, err = adapter.NewIDs(db.Secret("ids")); err != nil {
		return err
	}
	// A process that is gone for a day asks for nothing any more.
	if _, err := db.writers.Exec(ctx, `DELETE FROM writer WHERE at < now() - interval '1 day'`); err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	return db.learnSources(ctx)
}

// Close closes the store.
func (db *DB) Close() error {
	if db.stop != nil {
		db.stop()
		db.running.Wait()
	}
	for _, p := range []*pgxpool.Pool{db.readers, db.writers} {
		if p != nil {
			p.Close()
		}
	}
	return nil
}

// learnSources reads the names of all sources.
func (db *DB) learnSources(ctx context.Context) error {
	rows, err := db.readers.Query(ctx, `SELECT id, name FROM source`)
	if err != nil {
		return fault.E("postgres.sources", fault.NoStore, err)
	}
	var id int32
	var name string
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error { db.learn(id, nhs.Source(name)); return nil })
	return err
}

func (db *DB) learn(id int32, name nhs.Source) {
	db.sources.Lock()
	defer db.sources.Unlock()
	db.byName[name], db.byID[id] = id, name
}

func (db *DB) sourceID(name nhs.Source) (int32, bool) {
	db.sources.RLock()
	defer db.sources.RUnlock()
	id, ok := db.byName[name]
	return id, ok
}

func (db *DB) knownSource(id int32) (nhs.Source, bool) {
	db.sources.RLock()
	defer db.sources.RUnlock()
	name, ok := db.byID[id]
	return name, ok || id == 0
}

// sourceName is the name of a source. Another node may have registered it.
func (db *DB) sourceName(ctx context.Context, id int32) (nhs.Source, error) {
	if name, ok := db.knownSource(id); ok {
		return name, nil
	}
	if err := db.learnSources(ctx); err != nil {
		return "", err
	}
	name, ok := db.knownSource(id)
	if !ok {
		return "", fault.E("postgres.source", fault.Exception, "an item is of a source that is not registered")
	}
	return name, nil
}

// int64 is the one number that a query gives; 0 where it gives no row.
func (db *DB) int64(ctx context.Context, sql string, args ...any) (n int64, err error) {
	err = db.rows(ctx, func(r pgx.Rows) error { return r.Scan(&n) }, sql, args...)
	return n, err
}
