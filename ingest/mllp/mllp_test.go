package mllp

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"selda/hl7v2"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server on a free port; stop ends it and returns what Serve did.
func serve(t *testing.T, s *Server) (addr string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	return l.Addr().String(), stop
}

func echo(_ context.Context, _ net.Addr, msg []byte) []byte { return append([]byte("re "), msg...) }

func connect(t *testing.T, addr string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c, bufio.NewReader(c)
}

func expect(t *testing.T, r *bufio.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want)+3)
	if _, err := io.ReadFull(r, got); err != nil || string(got) != "\x0b"+want+"\x1c\r" {
		t.Fatalf("the answer is %q, %v, want %q", got, err, want)
	}
}

func TestClientAndServer(t *testing.T) {
	addr, stop := serve(t, &Server{Handler: echo})
	c, err := Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range 3 {
		got, err := c.Send(t.Context(), fmt.Appendf(nil, "m%d", i))
		if err != nil || string(got) != fmt.Sprintf("re m%d", i) {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := c.Send(t.Context(), []byte("late")); err == nil {
		t.Error("a stopped server answers")
	}
}

func TestFraming(t *testing.T) {
	addr, _ := serve(t, &Server{Handler: echo, MaxMessageBytes: 100 << 10})
	c, r := connect(t, addr)
	long := strings.Repeat("x", 60<<10) // more than the reader's buffer
	for in, want := range map[string][]string{
		"\x0bone\x1c\r":                       {"one"},
		"\x0ba\x1c\r\x0bb\x1c\r\x0bc\x1c\r":   {"a", "b", "c"},
		"noise\r\n\x0bone\x1c\r more noise":   {"one"},
		"\x0btext \x1c inside\x1c\r":          {"text \x1c inside"},
		"\x0bno CR\x1c\x0bnext\x1c\r":         {"no CR", "next"},
		"\x0blast without CR\x1c":             {"last without CR"},
		"\x0b\x1c\r":                          {""},
		"\x0b" + long + "\x1c\r\x0bb\x1c\r\r": {long, "b"},
	} {
		if _, err := io.WriteString(c, in); err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			expect(t, r, "re "+w)
		}
	}
	for _, b := range []byte("\x0bslowly\x1c\r") {
		_, _ = c.Write([]byte{b})
	}
	expect(t, r, "re slowly")
}

// A frame that is too large is answered AR, with the sender's control id, and
// the connection is closed; other connections do not notice.
func TestOversize(t *testing.T) {
	addr, _ := serve(t, &Server{Handler: echo, MaxMessageBytes: 5000})
	other, r2 := connect(t, addr)
	c, r := connect(t, addr)
	head := "MSH|^~\\&|PAS|RJZ|||2026||ORU^R01|BIG7|P|2.4\rOBX|1|TX|||"
	go func() { _, _ = io.WriteString(c, "\x0b"+head+strings.Repeat("x", 1<<20)+"\x1c\r") }()
	got, err := r.ReadString(endBlock)
	if err != nil {
		t.Fatal(err)
	}
	m, err := hl7v2.Parse([]byte(got))
	if err != nil {
		t.Fatal(err)
	}
	if code, _ := m.At("MSA-1"); code.Text() != "AR" {
		t.Errorf("the answer is %q", got)
	}
	if id, _ := m.At("MSA-2"); id.Text() != "BIG7" {
		t.Errorf("the answer is to %q", id.Text())
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Errorf("the connection does not end cleanly: %v", err)
	}
	_, _ = io.WriteString(other, "\x0bstill\x1c\r")
	expect(t, r2, "re still")
}

// Silent, slow and stuck peers hold up nobody, and are let go of.
func TestSlowPeers(t *testing.T) {
	release := make(chan struct{})
	addr, _ := serve(t, &Server{IdleTimeout: 300 * time.Millisecond, FrameTimeout: 300 * time.Millisecond,
		Handler: func(ctx context.Context, p net.Addr, msg []byte) []byte {
			if string(msg) == "stuck" {
				<-release
			}
			return echo(ctx, p, msg)
		}})
	silent, _ := connect(t, addr)
	half, _ := connect(t, addr)
	_, _ = io.WriteString(half, "\x0bbegins and never ends")
	stuck, r := connect(t, addr)
	_, _ = io.WriteString(stuck, "\x0bstuck\x1c\r")
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			c, err := Dial(t.Context(), addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			if got, err := c.Send(t.Context(), fmt.Appendf(nil, "%d", i)); err != nil || string(got) != fmt.Sprintf("re %d", i) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	wg.Wait()
	for name, c := range map[string]net.Conn{"silent": silent, "half": half} {
		if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("the %s peer is not let go of: %v", name, err)
		}
	}
	close(release)
	expect(t, r, "re stuck")
}

// When the server is told to stop, what it has taken is answered, messages
// that had arrived behind it too, and an idle connection just ends.
func TestDrain(t *testing.T) {
	taken, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	addr, stop := serve(t, &Server{Handler: func(ctx context.Context, p net.Addr, msg []byte) []byte {
		once.Do(func() { close(taken) })
		<-release
		if ctx.Err() != nil {
			t.Error("the handler's context ended while it worked")
		}
		return echo(ctx, p, msg)
	}})
	idle, _ := connect(t, addr)
	c, r := connect(t, addr)
	_, _ = io.WriteString(c, "\x0bone\x1c\r\x0btwo\x1c\r\x0bhalf a mess")
	<-taken
	stopped := make(chan error)
	go func() { stopped <- stop() }()
	if _, err := idle.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the idle peer: %v", err)
	}
	select {
	case <-stopped:
		t.Fatal("it stopped before the answer")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	expect(t, r, "re one")
	expect(t, r, "re two")
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("a stopped server accepts")
	}
}

// A handler that never ends is abandoned after DrainTimeout.
func TestDrainTimeout(t *testing.T) {
	taken := make(chan struct{})
	addr, stop := serve(t, &Server{DrainTimeout: 50 * time.Millisecond, Handler: func(ctx context.Context, _ net.Addr, _ []byte) []byte {
		close(taken)
		<-ctx.Done()
		return nil
	}})
	c, _ := connect(t, addr)
	_, _ = io.WriteString(c, "\x0bone\x1c\r")
	<-taken
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	addr, _ := serve(t, &Server{Handler: echo, MaxConnections: 1, MaxMessageBytes: 1000})
	first, r := connect(t, addr)
	_, _ = io.WriteString(first, "\x0bone\x1c\r")
	expect(t, r, "re one")
	second, _ := connect(t, addr)
	if _, err := second.Read(make([]byte, 1)); err == nil {
		t.Error("one connection too many is served")
	}
	_, _ = first.Write(bytes.Repeat([]byte("noise"), 1000))
	if _, err := r.ReadByte(); err == nil {
		t.Error("endless noise is listened to")
	}
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	if err := (&Server{}).Serve(t.Context(), l); err == nil {
		t.Error("a server without a handler serves")
	}
}

func TestClientGivesUp(t *testing.T) {
	addr, _ := serve(t, &Server{Handler: func(ctx context.Context, _ net.Addr, _ []byte) []byte { return nil }})
	c, err := Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Send(ctx, []byte("x")); err == nil {
		t.Error("no answer is an answer")
	}
	if _, err := Dial(t.Context(), "127.0.0.1:1"); err == nil {
		t.Error("nobody listens, and yet")
	}
}

// However a stream is cut into reads, the frames in it are the same, and a
// message that was framed comes out as it went in.
func FuzzFrame(f *testing.F) {
	f.Add([]byte("\x0bone\x1c\r\x0btwo\x1c\r"), uint8(3))
	f.Add([]byte("noise\x0ba\x1cb\x1c\x0bc\x1c"), uint8(1))
	f.Add([]byte("\x0b\x0b\x1c\x1c\r\r"), uint8(2))
	f.Fuzz(func(t *testing.T, stream []byte, chunk uint8) {
		all := func(r io.Reader) (out [][]byte) {
			in := frames{r: bufio.NewReaderSize(r, 16), max: 64}
			for {
				msg, err := in.next()
				if err != nil {
					return out
				}
				out = append(out, msg)
			}
		}
		whole := all(bytes.NewReader(stream))
		parts := all(&chopped{stream, int(chunk%7) + 1})
		if fmt.Sprintf("%q", whole) != fmt.Sprintf("%q", parts) {
			t.Fatalf("%q in one piece, %q in parts", whole, parts)
		}
		if len(stream) <= 64 && !bytes.Contains(stream, []byte("\x1c\r")) && !bytes.Contains(stream, []byte("\x1c\x0b")) {
			if got := all(bytes.NewReader(frame(stream))); len(got) != 1 || !bytes.Equal(got[0], stream) {
				if !bytes.HasSuffix(stream, []byte{endBlock}) {
					t.Fatalf("%q comes out as %q", stream, got)
				}
			}
		}
	})
}

// chopped gives a few bytes a read.
type chopped struct {
	b []byte
	n int
}

func (c *chopped) Read(p []byte) (int, error) {
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.b[:min(c.n, len(c.b))])
	c.b = c.b[n:]
	return n, nil
}

func BenchmarkRoundTrip(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- (&Server{Handler: echo}).Serve(ctx, l) }()
	var sent atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		c, err := Dial(ctx, l.Addr().String())
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		msg := bytes.Repeat([]byte("x"), 1000)
		for pb.Next() {
			if _, err := c.Send(ctx, msg); err != nil {
				b.Error(err)
				return
			}
			sent.Add(1)
		}
	})
	cancel()
	<-done
}

// A frame that goes on for ever, a byte at a time, ends: what looks like its end is no new
// beginning of its time.
func TestHostileAFrameHasOneTime(t *testing.T) {
	addr, _ := serve(t, &Server{Handler: echo, FrameTimeout: 400 * time.Millisecond})
	for _, drip := range [][]byte{{'x', endBlock, 'y'}, {'y', 'x', endBlock}} { // the block's end last, too: it is waited for what follows
		c, _ := connect(t, addr)
		began := time.Now()
		_, _ = c.Write([]byte{startBlock})
		var err error
		for err == nil && time.Since(began) < 5*time.Second {
			_, err = c.Write(drip)
			time.Sleep(50 * time.Millisecond)
		}
		if err == nil {
			t.Errorf("a frame that does not end, of %q, holds its connection", drip)
		}
	}
}

// Many peers that begin large frames have no more memory than one bound for all, and
// whoever sends a whole frame beside them is answered.
func TestHostileFramesUnderWayAreBounded(t *testing.T) {
	addr, _ := serve(t, &Server{Handler: echo, MaxHeldBytes: 1 << 20, MaxMessageBytes: 1 << 20})
	closed := 0
	for range 8 {
		c, r := connect(t, addr)
		_, _ = c.Write(append([]byte{startBlock}, bytes.Repeat([]byte("x"), 400<<10)...))
		_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		if _, err := r.ReadByte(); err != nil && !strings.Contains(err.Error(), "timeout") {
			closed++
		}
	}
	if closed < 5 {
		t.Errorf("of eight frames of 400 KiB only %d were refused where 1 MiB is kept", closed)
	}
	c, r := connect(t, addr)
	_, _ = c.Write(frame([]byte("small")))
	expect(t, r, "re small")
}
