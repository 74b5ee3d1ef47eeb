package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"selda/cmd/selda/region"
)

// A command on a folder that a server has open is a call over DIR/selda.sock:
// one JSON line with the arguments there, and JSON lines back, each a piece of
// output or the exit status. The socket is of mode 0600: who may connect is
// who may read the folder.

type call struct {
	Args []string `json:"args"`
	Cwd  string   `json:"cwd"`
}

type answer struct {
	Out  string `json:"out,omitempty"`
	Err  string `json:"err,omitempty"`
	Exit *int   `json:"exit,omitempty"`
}

func socketPath(data string) string { return filepath.Join(data, "selda.sock") }

// remote runs the command in the server that has the folder open. done is
// false where there is none.
func (e *env) remote(args []string) (done bool, err error) {
	c, err := net.DialTimeout("unix", socketPath(e.data), time.Second)
	if err != nil {
		return false, nil
	}
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(e.ctx, func() { _ = c.Close() })
	defer stop()
	if err := json.NewEncoder(c).Encode(call{args, e.cwd}); err != nil {
		return true, err
	}
	dec := json.NewDecoder(bufio.NewReader(c))
	for {
		var a answer
		if err := dec.Decode(&a); err != nil {
			return true, fmt.Errorf("the server went away before it had answered")
		}
		_, _ = io.WriteString(e.stdout, a.Out)
		_, _ = io.WriteString(e.stderr, a.Err)
		if a.Exit != nil {
			if *a.Exit != 0 {
				return true, exitCode(*a.Exit)
			}
			return true, nil
		}
	}
}

// listenSocket answers commands on the folder's socket until ctx ends.
func listenSocket(ctx context.Context, r *region.Region) (wait func(), err error) {
	path := socketPath(r.Data)
	_ = os.Remove(path) // stale after a crash: the lock says that nobody else has the folder
	old := syscall.Umask(0o177)
	l, err := net.Listen("unix", path)
	syscall.Umask(old)
	if err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { answerCall(ctx, c, r) })
		}
	})
	context.AfterFunc(ctx, func() { _ = l.Close() })
	return wg.Wait, nil
}

func answerCall(ctx context.Context, c net.Conn, r *region.Region) {
	defer func() { _ = c.Close() }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in := bufio.NewReader(c)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return
	}
	var q call
	if json.Unmarshal(line, &q) != nil {
		return
	}
	go func() { // the caller going away ends the command
		_, _ = in.ReadByte()
		cancel()
	}()
	var mu sync.Mutex
	enc := json.NewEncoder(c)
	say := func(a answer) error {
		mu.Lock()
		defer mu.Unlock()
		return enc.Encode(a)
	}
	code := run(ctx, q.Args, q.Cwd, lineWriter(func(s string) error { return say(answer{Out: s}) }), lineWriter(func(s string) error { return say(answer{Err: s}) }), r)
	if err := say(answer{Exit: &code}); err != nil && !errors.Is(err, net.ErrClosed) {
		r.Log.Warn("a command's caller went away", "verb", first(q.Args))
	}
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

type lineWriter func(string) error

func (w lineWriter) Write(p []byte) (int, error) {
	if err := w(string(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}
