package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"selda/ingest/mllp"
)

// binary is selda, built once; these tests run it as people do.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "selda-binary-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "selda")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "selda does not build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// result is what one command printed, and its exit status.
type result struct {
	out, err string
	code     int
}

// selda runs one command on a data folder.
func selda(t testing.TB, data string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "SELDA_DATA="+data)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// ok runs a command that has to succeed, and gives what it printed.
func ok(t testing.TB, data string, args ...string) string {
	t.Helper()
	r := selda(t, data, args...)
	if r.code != 0 {
		t.Fatalf("selda %s: exit %d: %s", strings.Join(args, " "), r.code, r.err)
	}
	return r.out
}

// lines reads one JSON object a line.
func lines(t testing.TB, out string) (list []map[string]any) {
	t.Helper()
	for l := range strings.Lines(out) {
		var o map[string]any
		if err := json.Unmarshal([]byte(l), &o); err != nil {
			t.Fatalf("not a JSON object a line: %s", l)
		}
		list = append(list, o)
	}
	return list
}

// server is a running selda serve or demo.
type server struct {
	cmd  *exec.Cmd
	errs *syncBuffer
	HTTP string `json:"http"`
	MLLP string `json:"mllp"`
	line *mllp.Client
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// start runs serve or demo and waits for its line `ready`.
func start(t testing.TB, data, verb string, args ...string) *server {
	t.Helper()
	s := &server{errs: &syncBuffer{}}
	s.cmd = exec.Command(binary, append([]string{verb, "--data", data, "--http", "127.0.0.1:0", "--mllp", "127.0.0.1:0"}, args...)...)
	s.cmd.Stderr = s.errs
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.cmd.ProcessState == nil {
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait()
		}
	})
	late := time.AfterFunc(time.Minute, func() { _ = s.cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	late.Stop()
	said, isReady := strings.CutPrefix(line, "ready ")
	if err != nil || !isReady || json.Unmarshal([]byte(said), s) != nil {
		t.Fatalf("the first line is %q, not `ready {…}`: %v\n%s", line, err, s.errs)
	}
	return s
}

// stop ends the server as an operator does, and gives its exit status.
func (s *server) stop(t testing.TB) int {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(30*time.Second, func() { _ = s.cmd.Process.Kill() })
	defer late.Stop()
	_ = s.cmd.Wait()
	return s.cmd.ProcessState.ExitCode()
}

// send sends one HL7 v2 message, given a segment a line, and gives the answer.
func (s *server) send(t testing.TB, message string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if s.line == nil {
		c, err := mllp.Dial(ctx, s.MLLP)
		if err != nil {
			t.Fatal(err)
		}
		s.line = c
		t.Cleanup(func() { _ = c.Close() })
	}
	ack, err := s.line.Send(ctx, []byte(strings.ReplaceAll(strings.TrimSpace(message), "\n", "\r")+"\r"))
	if err != nil {
		t.Fatal(err)
	}
	return string(ack)
}

// get asks over HTTP and gives status and body.
func (s *server) get(t testing.TB, token, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.HTTP+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// admission is an ADT^A01 under a control id, of a person with a local number.
func admission(control, local, number, family string) string {
	return "MSH|^~\\&|PAS|RJZ|SELDA|QKK|20261105080000||ADT^A01^ADT_A01|" + control + "|P|2.4\nEVN|A01|20261105080000\n" +
		"PID|1||" + number + "^^^NHS^NH~" + local + "^^^RJZ^MR||" + family + "^FOLAKE||19511105|F\n" +
		"PV1|1|I|BYRON^4^12^RJZ|||||||320|||||||||V" + local + "|||||||||||||||||||||||||20261105075500\n"
}

// settled are the stages of a trace that say what became of a message.
func settled(stages []map[string]any) (out []string) {
	for _, s := range stages {
		if stage, _ := s["stage"].(string); slices.Contains([]string{"committed", "quarantined"}, stage) {
			out = append(out, stage)
		}
	}
	return out
}

// trace gives the stages of an id, polling until they say what became of it:
// a message is acknowledged when it is durable, and committed soon after.
func trace(t testing.TB, data, id string, args ...string) []map[string]any {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		r := selda(t, data, append([]string{"trace", id, "--json"}, args...)...)
		if r.code == 0 {
			return lines(t, r.out)
		}
		if r.code != 1 || time.Now().After(deadline) {
			t.Fatalf("trace %s: exit %d: %s", id, r.code, r.err)
		}
	}
}
