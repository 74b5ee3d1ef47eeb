package mllp

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"selda/fault"
	"selda/hl7v2"
)

// Handler answers one message. The reply is sent as it is; nil sends nothing.
// ctx ends when the server has waited long enough for it to drain. peer is a Peer where
// the connection is over TLS.
type Handler func(ctx context.Context, peer net.Addr, msg []byte) (reply []byte)

// Server serves MLLP, over TLS where its listener gives such connections. Zero limits have the defaults that stand beside them.
type Server struct {
	Handler         Handler
	MaxMessageBytes int           // 16 MiB; a larger frame is refused with AR and the connection closed
	MaxConnections  int           // 1024; one more is closed at once
	MaxHeldBytes    int           // 256 MiB of frames that are not whole yet, of all connections; whoever sends more is closed
	IdleTimeout     time.Duration // 10 min between frames
	FrameTimeout    time.Duration // 30 s for one frame to arrive whole
	WriteTimeout    time.Duration // 30 s for a reply to be taken
	DrainTimeout    time.Duration // 20 s for what was taken to be answered, once ctx ends
	// HandshakeTimeout is how long a handshake of TLS may take; 5 s.
	HandshakeTimeout time.Duration
	// Refused is told of each handshake that failed, and why; may be nil.
	Refused func(peer net.Addr, err error)

	mu      sync.Mutex
	conns   map[net.Conn]net.Addr // and who is at the other end, once that is known
	ended   bool
	held    held
	shaking shaking
}

func (s *Server) defaults() {
	set(&s.MaxMessageBytes, 16<<20)
	set(&s.MaxConnections, 1024)
	set(&s.MaxHeldBytes, 256<<20)
	s.held.max.Store(int64(s.MaxHeldBytes))
	set(&s.IdleTimeout, 10*time.Minute)
	set(&s.FrameTimeout, 30*time.Second)
	set(&s.WriteTimeout, 30*time.Second)
	set(&s.DrainTimeout, 20*time.Second)
	set(&s.HandshakeTimeout, 5*time.Second)
}

func set[T int | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}

// Serve accepts connections until ctx ends. Then it takes no more bytes,
// answers every message that had arrived whole, and returns nil. It closes l.
// A Server serves once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	const op = "mllp.Serve"
	if s.Handler == nil {
		_ = l.Close()
		return fault.E(op, fault.Exception, "the server has no handler")
	}
	s.defaults()
	s.mu.Lock()
	s.conns = map[net.Conn]net.Addr{}
	s.mu.Unlock()
	// Handlers outlive ctx: what was taken is to be finished.
	work, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	stop := context.AfterFunc(ctx, func() { s.drain(l) })
	defer stop()
	var peers sync.WaitGroup
	err := s.accept(ctx, l, func(c net.Conn) {
		peers.Go(func() {
			defer s.forget(c)
			s.converse(work, c)
		})
	})
	s.drain(l)
	finished := make(chan struct{})
	go func() { peers.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-time.After(s.DrainTimeout):
		abandon()
		s.closeAll()
		<-finished
	}
	return err
}

// accept hands over connections until the listener is closed. A failing
// accept (no file descriptors left) is tried again after a moment.
func (s *Server) accept(ctx context.Context, l net.Listener, take func(net.Conn)) error {
	for {
		c, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = c.Close()
			}
			return nil
		case err == nil:
			if s.remember(c) {
				take(c)
			} else {
				_ = c.Close()
			}
		default:
			if errors.Is(err, net.ErrClosed) {
				return fault.E("mllp.Serve", fault.Transient, err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}

// remember keeps a connection to be closed later; false where there are too
// many, or no more are taken.
func (s *Server) remember(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || len(s.conns) >= s.MaxConnections {
		return false
	}
	s.conns[c] = nil
	return true
}

func (s *Server) forget(c net.Conn) {
	_ = c.Close()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

// drain stops accepting, and wakes every connection that waits for bytes.
func (s *Server) drain(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	_ = l.Close()
	for c := range s.conns {
		_ = c.SetReadDeadline(time.Unix(1, 0))
	}
}

func (s *Server) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
}

// patience sets a read deadline, unless the server drains: then what is
// already buffered can be read, and nothing more.
func (s *Server) patience(c net.Conn) func(time.Duration) {
	return func(d time.Duration) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.ended {
			_ = c.SetReadDeadline(time.Now().Add(d))
		}
	}
}

// converse reads and answers the messages of one connection until it ends,
// is idle for too long, or breaks the rules.
func (s *Server) converse(ctx context.Context, c net.Conn) {
	peer := s.meet(ctx, c)
	if peer == nil {
		return
	}
	in := frames{r: bufio.NewReaderSize(c, 16<<10), max: s.MaxMessageBytes, wait: s.patience(c), idle: s.IdleTimeout, whole: s.FrameTimeout, held: &s.held}
	for {
		msg, err := in.next()
		if err != nil {
			if fault.Is(err, fault.TooLong) {
				s.reply(c, refusal(msg, s.MaxMessageBytes))
				discard(c)
			}
			return
		}
		if reply := s.Handler(ctx, peer, msg); reply != nil && !s.reply(c, reply) {
			return
		}
	}
}

func (s *Server) reply(c net.Conn, msg []byte) bool {
	_ = c.SetWriteDeadline(time.Now().Add(s.WriteTimeout))
	_, err := c.Write(frame(msg))
	return err == nil
}

// refusal answers a frame of which only the beginning was read.
func refusal(head []byte, limit int) []byte {
	m, _ := hl7v2.Parse(head)
	now := time.Now()
	return hl7v2.Acknowledge(m, hl7v2.Rejected, strconv.FormatInt(now.UnixNano(), 36), now,
		hl7v2.Problem{Code: 207, Text: "The message is larger than " + strconv.Itoa(limit) + " bytes"})
}

// discard reads on for a moment, so that the peer gets to read the refusal
// before the connection is reset under it.
func discard(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.CloseWrite()
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	b := make([]byte, 32<<10)
	for range 2048 {
		if _, err := c.Read(b); err != nil {
			return
		}
	}
}
