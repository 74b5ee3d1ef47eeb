package postgres

import (
	"context"
	"net"
	"sync"
	"time"
)

// This file is the way to the database: a connection that says nothing for long
// is taken for dead, and another one is made.

const (
	// silence is how long the database may say nothing when it is asked: longer
	// than a writer waits for the others of the region.
	silence = 75 * time.Second
	// A network that is gone is noticed sooner: the other side answers neither
	// what is sent nor, while it is waited for, a probe.
	probeAfter, probes = 5 * time.Second, 3
)

// dialer connects. A connection that it gives says that it is dead after a
// silence.
func dialer(silence time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: probeAfter, Interval: probeAfter, Count: probes}, Control: unanswered}
		c, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &way{Conn: c, silence: silence}, nil
	}
}

// way is a connection on which nothing takes longer than a silence.
type way struct {
	net.Conn
	silence time.Duration

	mu    sync.Mutex
	until time.Time // by which its user wants it done; zero for whenever
}

// Read is net.Conn's.
func (w *way) Read(b []byte) (int, error) {
	if err := w.limit(w.SetReadDeadline); err != nil {
		return 0, err
	}
	return w.Conn.Read(b)
}

// Write is net.Conn's.
func (w *way) Write(b []byte) (int, error) {
	if err := w.limit(w.SetWriteDeadline); err != nil {
		return 0, err
	}
	return w.Conn.Write(b)
}

// limit has what follows end after a silence, or when the user wants it to.
func (w *way) limit(set func(time.Time) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := time.Now().Add(w.silence)
	if !w.until.IsZero() && w.until.Before(at) {
		at = w.until
	}
	return set(at)
}

// SetDeadline is net.Conn's: pgx calls it where a question's context ends.
func (w *way) SetDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until = t
	return w.Conn.SetDeadline(t)
}
