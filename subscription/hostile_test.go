package subscription_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	ws "github.com/coder/websocket"
)

func (r *region) knocks(headers http.Header) (*ws.Conn, int) {
	r.Helper()
	c, resp, err := ws.Dial(r.Context(), strings.Replace(r.env.HTTP, "http", "ws", 1)+"/subscriptions/websocket", &ws.DialOptions{HTTPHeader: headers})
	if err != nil && resp == nil {
		r.Fatal(err)
	}
	if c != nil {
		r.Cleanup(func() { _ = c.CloseNow() })
	}
	return c, resp.StatusCode
}

// closed says how a socket ends, within the time that a person would wait.
func closed(t *testing.T, c *ws.Conn) ws.StatusCode {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		if _, _, err := c.Read(ctx); err != nil {
			if ctx.Err() != nil {
				t.Error("a socket stays open")
			}
			return ws.CloseStatus(err)
		}
	}
}

// One stranger who opens sockets and binds nothing leaves room for those who do.
func TestHostileSocketsOfOneAddressLeaveRoom(t *testing.T) {
	r := open(t)
	r.declared()
	id := r.subscribe("visitor", topical("result", "", "id-only", "Observation?patient=Patient/p1", "kind=websocket"))
	token := value(decoded(t, r.do(200, "visitor", "GET", "/fhir/Subscription/"+id+"/$get-ws-binding-token", "")).Parameter, "token")
	bound := r.dial(nil, "bind-with-token "+token) // one to which something is bound does not count
	same(t, "bound", said(t, []byte(bound.next())), "handshake")
	var last *ws.Conn
	for range 50 {
		c, status := r.knocks(nil)
		if status != http.StatusSwitchingProtocols {
			t.Fatal(status)
		}
		last = c
	}
	if _, status := r.knocks(nil); status != http.StatusTooManyRequests {
		t.Errorf("the 51st socket of an address: %d", status)
	}
	_ = last.CloseNow()
	for end := time.Now().Add(10 * time.Second); ; { // the server sees that it has gone
		if _, status := r.knocks(nil); status == http.StatusSwitchingProtocols {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the room of a socket that has ended is not given back")
		}
	}
	r.observe("p1", "one")
	if m := bound.next(); !strings.Contains(m, "event-notification") {
		t.Errorf("the one that is bound is not told meanwhile: %s", m)
	}
}

// A page of another site, a forged token, a message without end, a flood of bindings:
// nothing is told, and the socket ends.
func TestHostileSockets(t *testing.T) {
	r := open(t)
	r.declared()
	id := r.subscribe("visitor", topical("result", "", "full-resource", "Observation?patient=Patient/p1", "kind=websocket"))
	token := value(decoded(t, r.do(200, "visitor", "GET", "/fhir/Subscription/"+id+"/$get-ws-binding-token", "")).Parameter, "token")
	bearer, err := r.env.Token(t.Context(), "system")
	if err != nil {
		t.Fatal(err)
	}
	for name, first := range map[string]string{
		"a token that is altered": "bind-with-token " + token[:len(token)-2] + "AA", "a token cut": "bind-with-token " + token[:20], "an empty token": "bind-with-token ", "an id by a cookie's page": "bind " + id, "no verb": strings.Repeat("x", 9000),
	} {
		c, _ := r.knocks(http.Header{"Origin": {"https://elsewhere.example"}, "Cookie": {"__Host-session=guess; session=guess"}})
		if err := c.Write(t.Context(), ws.MessageText, []byte(first)); err != nil {
			t.Fatal(name, err)
		}
		if status := closed(t, c); status != ws.StatusPolicyViolation && status != ws.StatusMessageTooBig {
			t.Errorf("%s: the socket ends with %d", name, status)
		}
	}
	if _, status := r.knocks(http.Header{"Authorization": {"Bearer " + bearer[:len(bearer)-4] + "AAAA"}}); status != http.StatusUnauthorized {
		t.Errorf("a forged bearer token: %d", status)
	}
	other := r.dial(http.Header{"Authorization": {"Bearer " + bearer}}, "bind "+id)
	if m := other.next(); m != "closed" {
		t.Errorf("another's subscription is bound: %s", m)
	}
	flood, _ := r.knocks(nil) // it reads nothing: what is answered piles up
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
	defer cancel()
	var asked int
	for err = nil; err == nil; asked++ {
		err = flood.Write(ctx, ws.MessageText, []byte("bind-with-token "+token))
	}
	if ctx.Err() != nil {
		t.Errorf("a flood of %d bindings goes on for ever", asked)
	}
	s := r.dial(nil, "bind-with-token "+token)
	same(t, "bound after all of it", said(t, []byte(s.next())), "handshake")
	r.observe("p1", "one")
	same(t, "told", said(t, []byte(s.next())), "1:one")
	again := r.dial(nil, "bind-with-token "+token)
	same(t, "bound elsewhere", said(t, []byte(again.next())), "handshake")
	if m := s.next(); m != "closed" {
		t.Errorf("a socket that nothing is bound to any more says %s", m)
	}
}

// No way of writing an address puts a line into a letter, or a second reader.
func TestHostileAddressesOfLetters(t *testing.T) {
	p := mailServer(t)
	r := posting(t, p, "")
	for _, endpoint := range []string{`mailto:a@example.org\r\nBcc: another@elsewhere.example`, `mailto:a@example.org%0d%0aBcc:another@elsewhere.example`, `mailto:a@example.org?bcc=another@elsewhere.example`, `mailto:a?another@elsewhere.example`, `mailto:a&another@elsewhere.example`, `mailto:a@example.org%0dBcc`, `mailto:a@example.org,another@elsewhere.example`,
		`mailto:\"a\r\nRCPT TO:<another@elsewhere.example>\"@example.org`, `mailto:\"a b\"@example.org\n.\n`, `mailto:Somebody <a@example.org>`, `mailto:a@example.org>\r\nDATA`, `mailto:`, `mailto:a`, `mailto:a@example.org\u0000`} {
		a, err := r.env.Do(t.Context(), "visitor", "POST", "/fhir/Subscription", []byte(strings.Replace(letter(), "mailto:ward@example.org", endpoint, 1)))
		if err != nil || a.Status != 400 && a.Status != 422 {
			t.Errorf("%s: %v %d %s", endpoint, err, a.Status, a.Body)
		}
	}
	r.subscribe("visitor", letter())
	r.observe("p1", "one")
	r.settle()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.letters) != 1 || strings.Contains(p.letters[0], "another@elsewhere.example") {
		t.Errorf("letters: %q", p.letters)
	}
}
