// Package pgtest is a PostgreSQL for tests: one server for each test binary,
// with its files in a temporary folder, and one database for each test. It is
// not for anything that runs outside a test.
//
// The server is that of npm's @embedded-postgres, or one that is installed.
// It ends with the test binary, also where that is killed: a shell that stands
// over it waits for its standard input to close, and takes the folder away.
// PostgreSQL does not run as root: then it runs as `nobody`. SELDA_PG_BIN=DIR
// tests with the programs of another version.
package pgtest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// nobody is the user that the server runs as where the test runs as root.
const nobody = 65534

// DSN gives the address of a new database that is empty. It goes with the
// server: to drop one takes as long as to make it.
func DSN(t testing.TB) string {
	t.Helper()
	s := started(t)
	name := fmt.Sprintf("test%d", s.serial.Add(1))
	s.admin(t, "CREATE DATABASE "+name)
	return s.dsn(name)
}

// Copy gives the address of a new database that is as the one that prepare
// made of an empty one. It is made once for each name.
func Copy(t testing.TB, name string, prepare func(dsn string) error) string {
	t.Helper()
	s := started(t)
	s.templates.Lock()
	defer s.templates.Unlock()
	template := "template_" + name
	if !slices.Contains(s.made, template) {
		s.admin(t, "CREATE DATABASE "+template)
		if err := prepare(s.dsn(template)); err != nil {
			t.Fatal(err)
		}
		s.made = append(s.made, template)
	}
	copied := fmt.Sprintf("test%d", s.serial.Add(1))
	s.admin(t, "CREATE DATABASE "+copied+" TEMPLATE "+template)
	return s.dsn(copied)
}

// Duplicate gives the address of a new database that is as another one, which
// nobody has open.
func Duplicate(t testing.TB, dsn string) string {
	t.Helper()
	s := started(t)
	name := fmt.Sprintf("test%d", s.serial.Add(1))
	s.admin(t, "CREATE DATABASE "+name+" TEMPLATE "+strings.TrimPrefix(dsn, s.dsn("")))
	return s.dsn(name)
}

type server struct {
	dir    string
	alive  io.WriteCloser // held, or it is collected and thereby closed
	serial atomic.Int64

	templates sync.Mutex
	made      []string
}

func (s *server) dsn(database string) string {
	return "host=" + s.dir + " user=selda dbname=" + database
}

func (s *server) admin(t testing.TB, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, s.dsn("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(ctx) }()
	if _, err := c.Exec(ctx, sql); err != nil {
		t.Fatal(err)
	}
}

var start = sync.OnceValues(func() (*server, error) {
	bin, libs, err := programs()
	if err != nil {
		return nil, err
	}
	return run(bin, libs)
})

func started(t testing.TB) *server {
	t.Helper()
	s, err := start()
	if errors.Is(err, errMissing) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// over is the shell that stands over the server. What it says on its standard
// output is when the server can be reached, or why not. A line on its standard
// input is a signal for the server, which is started again where that ends it:
// what it leaves may take a moment to go.
const over = `umask 077
serve() { "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=300 -c shared_buffers=64MB -c max_locks_per_transaction=256 >>"$2/log" 2>&1 & server=$!; }
"$1/initdb" -D "$2/data" -U selda -A trust --no-sync --locale=C -E UTF8 >"$2/log" 2>&1 || { tail -5 "$2/log"; rm -rf "$2"; exit 1; }
serve "$@"
until [ -S "$2/.s.PGSQL.5432" ]; do kill -0 $server 2>/dev/null || { tail -5 "$2/log"; rm -rf "$2"; exit 1; }; sleep 0.02; done
echo ready
while read -r signal; do
	kill -$signal $server
	[ $signal = KILL ] || continue
	wait $server
	serve "$@"
	while sleep 0.2; ! kill -0 $server 2>/dev/null; do serve "$@"; done
done
kill -QUIT $server
wait $server
rm -rf "$2"`

func run(bin, libs string) (*server, error) {
	dir, err := os.MkdirTemp("", "selda-pg-") // short: a socket's path has 107 bytes
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/bin/sh", "-c", over, "sh", bin, dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it outlives what interrupts the test
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+libs)
	cmd.Dir = dir
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		if err := os.Chown(dir, nobody, nobody); err != nil {
			return nil, err
		}
	}
	alive, err := cmd.StdinPipe() // closed by the end of this process
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	said := bufio.NewReader(out)
	if line, err := said.ReadString('\n'); line != "ready\n" {
		rest, _ := io.ReadAll(said)
		return nil, fmt.Errorf("the PostgreSQL for tests did not start: %s%s %w", line, rest, err)
	}
	s := &server{dir: dir, alive: alive}
	return s, s.reachable()
}

// reachable waits until the server takes connections: its socket is there a
// little earlier.
func (s *server) reachable() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		var c *pgx.Conn
		if c, err = pgx.Connect(ctx, s.dsn("postgres")); err == nil {
			return c.Close(ctx)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

var errMissing = errors.New("PostgreSQL is missing: npm ci, or apt-get install postgresql")

// programs finds the folder of the server's programs, and those of the libraries
// that they need.
func programs() (bin, libs string, err error) {
	if bin := os.Getenv("SELDA_PG_BIN"); bin != "" {
		return bin, "", nil
	}
	root, err := moduleRoot()
	if err != nil {
		return "", "", err
	}
	native := filepath.Join(root, "node_modules", "@embedded-postgres", "linux-x64", "native")
	if _, err := os.Stat(filepath.Join(native, "bin", "postgres")); err == nil {
		return embedded(native)
	}
	installed, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(installed) == 0 {
		return "", "", errMissing
	}
	return filepath.Dir(installed[len(installed)-1]), "", nil
}

// embedded makes the links that the package's install script would make, in a
// folder beside, and a copy of it all where the server's user can't reach it.
func embedded(native string) (bin, libs string, err error) {
	var links []struct{ Source, Target string }
	b, err := os.ReadFile(filepath.Join(native, "pg-symlinks.json"))
	if err == nil {
		err = json.Unmarshal(b, &links)
	}
	if err != nil {
		return "", "", err
	}
	// A folder for each checkout: the links of one that is gone lead nowhere.
	h := fnv.New64a()
	_, _ = h.Write([]byte(native))
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("selda-pg-programs-%d-%x", os.Getuid(), h.Sum64()))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", "", err
	}
	if os.Getuid() == 0 && !reachableByAll(native) {
		if native, err = copied(native, dir); err != nil {
			return "", "", err
		}
	}
	for _, l := range links {
		err := os.Symlink(filepath.Join(filepath.Dir(native), l.Source), filepath.Join(dir, filepath.Base(l.Target)))
		if err != nil && !errors.Is(err, os.ErrExist) {
			return "", "", err
		}
	}
	return filepath.Join(native, "bin"), dir + ":" + filepath.Join(native, "lib"), nil
}

// copied is a copy of the programs that everyone can reach. It is made under
// another name first: several test binaries start at once.
func copied(native, dir string) (string, error) {
	to := filepath.Join(dir, "package", "native")
	if _, err := os.Stat(to); err == nil {
		return to, nil
	}
	tmp, err := os.MkdirTemp(dir, "new-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	if err := os.CopyFS(filepath.Join(tmp, "native"), os.DirFS(native)); err != nil {
		return "", err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, filepath.Join(dir, "package")); err != nil {
		if _, there := os.Stat(to); there != nil {
			return "", err
		}
	}
	return to, nil
}

func reachableByAll(path string) bool {
	for p := path; ; p = filepath.Dir(p) {
		info, err := os.Stat(p)
		if err != nil || info.Mode().Perm()&0o005 != 0o005 {
			return false
		}
		if p == filepath.Dir(p) {
			return true
		}
	}
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if strings.TrimSpace(dir) == "/" {
			return "", errors.New("the test does not run within the module")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}
