package postgres_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"selda/fault"
	"selda/ingest"
	"selda/store/postgres"
)

// Connections that stand open and carry nothing any more, as behind a proxy that
// hangs: a node notices, makes others, and goes on by itself.
func TestConnectionsHang(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	dsn := database(t)
	p := newProxy(t, dsn)
	o := options
	o.Silence = 300 * time.Millisecond
	db, err := postgres.Open(t.Context(), p.dsn, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	goesOn(t, db, func(stop chan struct{}, times *atomic.Int64) {
		for tick := time.NewTicker(500 * time.Millisecond); ; times.Add(1) {
			select {
			case <-stop:
				return
			case <-tick.C:
				p.hang()
			}
		}
	})
}

// proxy stands between a node and the database.
type proxy struct {
	dsn  string
	mu   sync.Mutex
	open []*atomic.Bool // of each connection, whether it hangs
}

func newProxy(t *testing.T, dsn string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	host := regexp.MustCompile(`host=(\S+)`)
	at := l.Addr().(*net.TCPAddr)
	p := &proxy{dsn: host.ReplaceAllString(dsn, fmt.Sprintf("host=%s port=%d sslmode=disable", at.IP, at.Port))}
	socket := filepath.Join(host.FindStringSubmatch(dsn)[1], ".s.PGSQL.5432")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("unix", socket)
			if err != nil {
				_ = c.Close()
				continue
			}
			hangs := &atomic.Bool{}
			p.mu.Lock()
			p.open = append(p.open, hangs)
			p.mu.Unlock()
			go carry(s, c, hangs)
			go carry(c, s, hangs)
		}
	}()
	return p
}

// carry carries one way until its connection hangs or ends. The database's side
// of one that hangs is ended when the node gives it up.
func carry(to, from net.Conn, hangs *atomic.Bool) {
	defer func() { _, _ = to.Close(), from.Close() }()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if !hangs.Load() {
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// hang has all connections that are open now hang.
func (p *proxy) hang() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.open {
		h.Store(true)
	}
	p.open = nil
}

// A database that takes nothing for a while, because its disk is full or it may
// only be read: a writer is told so in words, and whoever can wait goes on when
// it takes again. Nothing is lost, nothing is there twice.
func TestADatabaseThatTakesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	for name, c := range map[string]struct{ refuse, mend, words string }{
		"a full disk": {`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE='53100'; END $$;
			CREATE TRIGGER refuse BEFORE INSERT ON raw FOR EACH STATEMENT EXECUTE FUNCTION refuse();
			CREATE TRIGGER refuse BEFORE UPDATE ON head FOR EACH STATEMENT EXECUTE FUNCTION refuse();
			CREATE TRIGGER refuse BEFORE INSERT ON trail FOR EACH STATEMENT EXECUTE FUNCTION refuse()`, `DROP FUNCTION refuse CASCADE`, "No space left"},
		"read only": {`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only=on', current_database()); END $$`,
			`SET TRANSACTION READ WRITE; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$`, "read-only"},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := database(t)
			db, other := openAt(t, dsn), openAt(t, dsn)
			var words atomic.Int64
			goesOn(t, db, func(stop chan struct{}, times *atomic.Int64) {
				for tick := time.NewTicker(time.Second); ; times.Add(1) {
					run(t, dsn, c.refuse)
					ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
					err := other.Commit(ctx, func(ingest.Tx) error { return nil })
					cancel()
					if err != nil && fault.Is(err, fault.NoStore) && strings.Contains(err.Error(), c.words) {
						words.Add(1)
					}
					run(t, dsn, c.mend)
					select {
					case <-stop:
						return
					case <-tick.C:
					}
				}
			})
			if words.Load() == 0 {
				t.Errorf("no writer was told of %q", c.words)
			}
		})
	}
}

// run runs statements beside the node, whose connections begin anew.
func run(t *testing.T, dsn, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = c.Close(ctx) }()
	if _, err := c.Exec(ctx, sql+`; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname=current_database() AND pid<>pg_backend_pid() AND application_name='selda'`); err != nil {
		t.Error(err)
	}
}
