package pgtest

import (
	"io"
	"testing"
)

// Server is a PostgreSQL of one test's own, for what would disturb others.
type Server struct{ *server }

// Own starts a server that ends with the test.
func Own(t testing.TB) Server {
	t.Helper()
	started(t) // skips where there are no programs
	bin, libs, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	s, err := run(bin, libs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.alive.Close() })
	return Server{s}
}

// DSN gives the address of a new database that is empty.
func (s Server) DSN(t testing.TB) string {
	t.Helper()
	s.admin(t, "CREATE DATABASE own")
	return s.dsn("own")
}

// Do runs a statement as the server's owner, in a database beside.
func (s Server) Do(t testing.TB, sql string) {
	t.Helper()
	s.admin(t, sql)
}

// Kill kills the server as a failure of its machine does, and has it started
// again. It does not wait for that.
func (s Server) Kill(t testing.TB) {
	t.Helper()
	if _, err := io.WriteString(s.alive, "KILL\n"); err != nil {
		t.Fatal(err)
	}
}
