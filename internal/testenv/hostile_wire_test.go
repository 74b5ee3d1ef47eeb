package testenv

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// wire sends bytes as they are and gives all that comes back until the server ends it, or
// is silent for a while.
func (h *hostile) wire(text string) string {
	h.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(h.HTTP, "http://"))
	if err != nil {
		h.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_, _ = c.Write([]byte(text))
	_ = c.SetReadDeadline(time.Now().Add(400 * time.Millisecond))
	b, _ := io.ReadAll(c)
	return string(b)
}

// A request in the body of another is not carried out, however its length is told: where a
// proxy in front reads it in one way and this server in the other, somebody else would be
// answered. Opened by not closing after a chunked body (guarded).
func TestHostileSmuggledRequestsAreNotCarriedOut(t *testing.T) {
	h := attacked(t)
	const inner = "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Smuggled: 1\r\n\r\n"
	post := func(headers, body string) string {
		return "POST /oidc/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n" + headers + "\r\n\r\n" + body
	}
	n := fmt.Sprint(len("0\r\n\r\n" + inner))
	for name, text := range map[string]string{
		"CL and TE":             post("Content-Length: "+n+"\r\nTransfer-Encoding: chunked", "0\r\n\r\n"+inner),
		"TE and CL":             post("Transfer-Encoding: chunked\r\nContent-Length: "+n, "0\r\n\r\n"+inner),
		"two lengths":           post("Content-Length: 0\r\nContent-Length: "+n, inner),
		"a list of lengths":     post("Content-Length: 0, "+n, inner),
		"a signed length":       post("Content-Length: +0", inner),
		"a negative length":     post("Content-Length: -1", inner),
		"a hexadecimal length":  post("Content-Length: 0x0", inner),
		"TE of an unknown kind": post("Transfer-Encoding: xchunked", "0\r\n\r\n"+inner),
		"TE twice":              post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n"+inner),
		"TE and a space":        post("Transfer-Encoding : chunked", "0\r\n\r\n"+inner),
		"TE folded":             post("Transfer-Encoding:\r\n chunked", "0\r\n\r\n"+inner),
		"TE with a tab":         post("Transfer-Encoding:\tchunked\r\nContent-Length: "+n, "0\r\n\r\n"+inner),
		"TE after a bare CR":    post("X: y\rTransfer-Encoding: chunked", "0\r\n\r\n"+inner),
		"a chunk's extension":   post("Transfer-Encoding: chunked", "0;x=\n\r\n\r\n"+inner),
		"a huge chunk":          post("Transfer-Encoding: chunked", "ffffffffffffffff1\r\n"+inner),
		"a chunk without CR":    post("Transfer-Encoding: chunked", "0\n\n"+inner),
	} {
		out := h.wire(text)
		if strings.Contains(out, "ok\n") || strings.Count(out, "HTTP/1.1 ") > 1 {
			t.Errorf("%s: the inner request is answered:\n%s", name, out)
		}
		if strings.HasPrefix(out, "HTTP/1.1 5") && !strings.HasPrefix(out, "HTTP/1.1 501") {
			t.Errorf("%s: %s", name, out)
		}
	}
	for name, text := range map[string]string{
		"a NUL in a header":       "GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
		"a header without a name": "GET /healthz HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
		"no host":                 "GET /healthz HTTP/1.1\r\n\r\n",
		"two hosts":               "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"a host with a path":      "GET /healthz HTTP/1.1\r\nHost: a/b@c\r\n\r\n",
		"another protocol":        "GET /healthz FTP/1.1\r\nHost: x\r\n\r\n",
		"another version":         "GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
		"a method with a newline": "GE\nT /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
		"a path with a space":     "GET /heal thz HTTP/1.1\r\nHost: x\r\n\r\n",
		"headers without end":     "GET /healthz HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 200),
		"a line without end":      "GET /" + strings.Repeat("a", 1<<20),
	} {
		if out := h.wire(text); strings.HasPrefix(out, "HTTP/1.1 2") || strings.HasPrefix(out, "HTTP/1.1 5") && !strings.HasPrefix(out, "HTTP/1.1 505") {
			t.Errorf("%s: %.200s", name, out)
		}
	}
	// What comes in by a header goes out by none, and makes no second one.
	for _, header := range []string{"X-Request-Id: a%0d%0aSet-Cookie:%20x=y", "Prefer: return=representation%0d%0aX: y", "Accept: application/fhir+json;x=\"\\r\\nX: y\"", "If-None-Match: W/\"1\"\tX: y"} {
		a := h.sent(h.from("127.0.0.1"), "GET", "/fhir/metadata", "", header)
		if a.Header.Get("X") != "" || a.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %v", header, a.Header)
		}
	}
	for _, path := range []string{"/fhir/Observation/a%0d%0aSet-Cookie:%20x=y", "/login?return=/%0d%0aSet-Cookie:%20x=y", "/oidc/authorize?client_id=%0d%0aX:y", "/record/x%0d%0aX:y", "/assets/%0d%0aX:y", "/%0d%0aX:%20y"} {
		if out := h.wire("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"); strings.Contains(out, "\nSet-Cookie: x=y") || strings.Contains(out, "\nX:y") || strings.Contains(out, "\nX: y") || strings.HasPrefix(out, "HTTP/1.1 5") {
			t.Errorf("%s: %s", path, out)
		}
	}
}

// serves says whether the region still answers, and how soon.
func (h *hostile) serves(when string) {
	h.Helper()
	began := time.Now()
	if status, _ := h.opens("Authorization: Bearer " + h.gpToken()); status != 200 {
		h.Errorf("%s: the region answers %d", when, status)
	}
	if took := time.Since(began); took > 5*time.Second {
		h.Errorf("%s: the region takes %v", when, took)
	}
}

func (h *hostile) gpToken() string {
	h.Helper()
	token, err := h.Token(h.Context(), "gp")
	if err != nil {
		h.Fatal(err)
	}
	return token
}

// Slow clients hold up nobody, and have no memory: headers, bodies and answers a byte at a
// time, frames of MLLP that do not end, at once. Their headers are waited for ten seconds.
// Opened by taking ReadHeaderTimeout out of region.Serve, or the bound on frames out of mllp.
func TestHostileSlowClientsHoldUpNobody(t *testing.T) {
	h := attacked(t)
	h.serves("before")
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	goroutines := runtime.NumGoroutine()
	var open []net.Conn
	dial := func(addr, text string) {
		c, err := net.Dial("tcp", strings.TrimPrefix(addr, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte(text))
		open = append(open, c)
	}
	token := h.gpToken()
	began := time.Now()
	for i := range 150 {
		dial(h.HTTP, "GET /fhir/metadata HTTP/1.1\r\nHost: x\r\nX-Slow")
		dial(h.HTTP, "POST /fhir/Observation HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+token+"\r\nContent-Length: 60000000\r\nContent-Type: application/fhir+json\r\n\r\n{")
		dial(h.HTTP, strings.Repeat("GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n", 20)) // and reads nothing
		dial(h.MLLP, "\x0bMSH|^~\\&|"+strings.Repeat("x", 1000*(i%3)))
	}
	h.serves("with 600 slow clients")
	if ack, err := h.Send(t.Context(), []byte("MSH|^~\\&|PAS|RJZ|SELDA|SELDA|20261105090000||ADT^A08|slow1|P|2.4\rEVN|A08|20261105090000\rPID|1||H1^^^RJZ^MR||Smith^Ann||19700101|F\r")); err != nil || ack.First("MSA").Comp(1, 1).Text() == "AR" {
		t.Error("a feed is held up:", err)
	}
	var during runtime.MemStats
	runtime.ReadMemStats(&during)
	if grown := int64(during.HeapInuse) - int64(before.HeapInuse); grown > 256<<20 {
		t.Errorf("600 slow clients have %d MiB", grown>>20)
	}
	if !testing.Short() {
		_ = open[0].SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.ReadAll(open[0]); err != nil || time.Since(began) > 15*time.Second {
			t.Errorf("headers that do not end are waited for %v: %v", time.Since(began), err)
		}
	}
	for _, c := range open {
		_ = c.Close()
	}
	for range 100 { // what served them ends with them
		if runtime.NumGoroutine() < goroutines+100 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > goroutines+150 {
		t.Errorf("of %d goroutines %d are left", goroutines, n)
	}
	h.serves("after")
}

// A body larger than what a route takes is refused as it comes, at every route that takes
// one. Opened by taking MaxBytesReader out of web.page, auth.form or api.
func TestHostileOversizedBodies(t *testing.T) {
	h := attacked(t)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const size = 2 << 20
	send := func(c *http.Client, path, kind, token string, n int64) (int, int64) {
		body := &counted{left: n}
		req, _ := http.NewRequestWithContext(t.Context(), "POST", h.HTTP+path, body)
		req.ContentLength = -1
		req.Header.Set("Content-Type", kind)
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := c.Do(req)
		if err != nil {
			return 0, body.read // the server has closed
		}
		_ = resp.Body.Close()
		return resp.StatusCode, body.read
	}
	citizen, gp := h.signsIn("citizen"), h.signsIn("gp")
	for _, path := range h.hostilePaths("POST") {
		for who, c := range map[string]*http.Client{"nobody": h.from("127.0.0.1"), "citizen": citizen, "gp": gp} {
			if path == "/leave" { // it reads nothing of what is sent, and keeps nobody here by refusing
				continue
			}
			if status, _ := send(c, path, "application/x-www-form-urlencoded", "", size); status >= 200 && status < 300 || status >= 500 {
				t.Errorf("2 MiB at %s as %s: %d", path, who, status)
			}
		}
	}
	if !testing.Short() {
		for _, path := range []string{"/fhir/Observation", "/fhir", "/fhir/Observation/_search", "/fhir/Patient/$match", "/fhir/$graphql"} {
			status, read := send(h.from("127.0.0.1"), path, "application/fhir+json", h.gpToken(), 200<<20)
			if status >= 200 && status < 300 || status >= 500 || read > 100<<20 {
				t.Errorf("200 MiB at %s: %d after %d MiB", path, status, read>>20)
			}
		}
	}
	if status, read := send(h.from("127.0.0.1"), "/fhir/Observation", "application/fhir+json", "", 200<<20); status == 200 || read > 10<<20 {
		t.Errorf("nobody sends 200 MiB: %d after %d MiB", status, read>>20)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 200<<20 {
		t.Errorf("%d MiB stay", grown>>20)
	}
	h.serves("after")
}

// counted is a body of spaces that counts how much of it was taken.
type counted struct{ left, read int64 }

func (c *counted) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.EOF
	}
	n := min(int64(len(b)), c.left)
	copy(b, bytes.Repeat([]byte(" "), int(n)))
	c.left -= n
	c.read += n
	return int(n), nil
}
