package subscription

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	ws "github.com/coder/websocket"

	"selda/policy"
)

// socket is a websocket that one or more subscriptions are bound to.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#websockets
type socket struct {
	conn    *ws.Conn
	writing sync.Mutex
	ends    map[int64]time.Time // until when each is bound; guarded by the Follower's mu
}

// Of sockets.
const (
	mostSockets   = 2000
	mostUnbound   = 50      // of one address
	mostBinds     = 16      // that one socket has under way
	mostMessage   = 8 << 10 // bytes that a client says at once
	bindWithin    = 30 * time.Second
	pingEvery     = 30 * time.Second
	bindingsHold  = time.Hour
	socketTimeout = 20 * time.Second
)

// Sockets serves the websockets. subject says who opens one by their own
// bearer token: they may bind to what is theirs by id, as R4 has it.
func (f *Follower) Sockets(subject func(*http.Request) (policy.Subject, error)) http.Handler {
	open := make(chan struct{}, mostSockets)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case open <- struct{}{}:
			defer func() { <-open }()
		default:
			http.Error(w, "too many sockets are open", http.StatusServiceUnavailable)
			return
		}
		user := ""
		if r.Header.Get("Authorization") != "" { // a session's cookie would come with any page's request
			s, err := subject(r)
			if err != nil {
				http.Error(w, "the token does not hold", http.StatusUnauthorized)
				return
			}
			user = s.User
		}
		bound, admitted := f.letIn(r.RemoteAddr)
		if !admitted {
			http.Error(w, "this address has too many sockets open that nothing is bound to", http.StatusTooManyRequests)
			return
		}
		defer bound()
		conn, err := ws.Accept(w, r, &ws.AcceptOptions{InsecureSkipVerify: true}) // what binds is said on the socket, and no cookie
		if err != nil {
			return // it has answered
		}
		conn.SetReadLimit(mostMessage)
		s := &socket{conn: conn, ends: map[int64]time.Time{}}
		f.mu.Lock()
		if f.open != nil {
			f.open[s] = true
			f.sockets.Add(1)
			defer f.sockets.Done()
		}
		ended := f.open == nil
		f.mu.Unlock()
		defer func() {
			f.detach(s)
			_ = conn.CloseNow()
		}()
		if ended {
			return
		}
		f.listen(context.WithoutCancel(r.Context()), s, user, bound)
	})
}

// letIn counts a socket of an address until something is bound to it, so that
// one stranger can't take the room of all.
func (f *Follower) letIn(address string) (bound func(), admitted bool) {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.idle[address] >= mostUnbound {
		return nil, false
	}
	f.idle[address]++
	return sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.idle[address]--; f.idle[address] == 0 {
			delete(f.idle, address)
		}
	}), true
}

// listen hears what a client says until the socket ends. bound is called once
// the client has shown that it may bind something.
func (f *Follower) listen(ctx context.Context, s *socket, user string, bound func()) {
	var binds sync.WaitGroup // beside the reading, which hears the answers to pings
	under := make(chan struct{}, mostBinds)
	bind := func(b binding) {
		select {
		case under <- struct{}{}:
		default:
			_ = s.conn.Close(ws.StatusPolicyViolation, "too much is bound at once")
			return
		}
		bound()
		binds.Go(func() {
			defer func() { <-under }()
			f.bind(ctx, s, b)
		})
	}
	defer binds.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	late := time.AfterFunc(bindWithin, func() { _ = s.conn.Close(ws.StatusPolicyViolation, "nothing was bound") })
	defer late.Stop()
	go func() {
		tick := time.NewTicker(pingEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				alive, stop := context.WithTimeout(ctx, socketTimeout)
				err := s.conn.Ping(alive)
				stop()
				if err != nil {
					_ = s.conn.CloseNow()
					return
				}
			}
		}
	}()
	for {
		kind, said, err := s.conn.Read(ctx)
		if err != nil {
			return
		}
		if kind != ws.MessageText {
			continue
		}
		verb, what, _ := strings.Cut(strings.TrimSpace(string(said)), " ")
		switch what = strings.TrimSpace(what); strings.TrimSuffix(verb, ":") {
		case "bind-with-token":
			b, err := f.seal.openBinding(what, f.Now())
			if err != nil {
				_ = s.conn.Close(ws.StatusPolicyViolation, "the binding token does not hold")
				return
			}
			late.Stop()
			bind(b)
		case "bind":
			keys := f.owned(user, what)
			if len(keys) == 0 {
				_ = s.conn.Close(ws.StatusPolicyViolation, "there is no such Subscription")
				return
			}
			late.Stop()
			bind(binding{User: user, Keys: keys, End: f.Now().Add(bindingsHold)})
		}
	}
}

// owned are the keys of a subscription over websocket, by its owner and id.
func (f *Follower) owned(user, id string) (keys []int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, e := range f.entries {
		if user != "" && e.sub.User == user && e.sub.ID == id && e.req.kind == websocket {
			keys = append(keys, key)
		}
	}
	return keys
}

// bind has subscriptions told over a socket, and says so on it.
func (f *Follower) bind(ctx context.Context, s *socket, b binding) {
	if err := f.fresh(ctx, b.User); err != nil { // it may be new at another node
		_ = s.conn.Close(ws.StatusInternalError, "try again")
		return
	}
	for _, key := range b.Keys {
		f.mu.Lock()
		e := f.entries[key]
		if e == nil || e.sub.User != b.User || e.req.kind != websocket || !e.sub.Live() {
			f.mu.Unlock()
			continue
		}
		was := *e
		f.mu.Unlock()
		w, err := f.Ledger.Waits(ctx, key)
		if err != nil {
			return
		}
		n := &notification{sub: was.sub, req: was.req, kind: "handshake", status: was.sub.Status, numbered: w.Numbered, at: f.Now()}
		if err := s.send(ctx, was.req, n); err != nil {
			return
		}
		if err := f.Ledger.Wake(ctx, key, f.Now(), false); err != nil {
			return
		}
		f.mu.Lock()
		left := e.socket
		if left == s {
			left = nil
		}
		if left != nil {
			delete(left.ends, key)
			if len(left.ends) > 0 {
				left = nil
			}
		}
		s.ends[key] = b.End
		e.socket, e.next = s, time.Time{}
		f.mu.Unlock()
		if left != nil { // nothing is told there any more
			go func() { _ = left.conn.Close(ws.StatusNormalClosure, "it is bound elsewhere now") }()
		}
		f.wake()
	}
}

// detach has nothing told over a socket any more.
func (f *Follower) detach(s *socket) {
	if s == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for key := range s.ends {
		if e := f.entries[key]; e != nil && e.socket == s {
			e.socket = nil
		}
	}
	delete(f.open, s)
}

// hangUp ends all sockets, and waits until nothing is heard any more.
func (f *Follower) hangUp() {
	f.mu.Lock()
	open := f.open
	f.open = nil // no more are taken
	var list []*socket
	for s := range open {
		list = append(list, s)
	}
	f.mu.Unlock()
	for _, s := range list {
		_ = s.conn.Close(ws.StatusGoingAway, "the server stops")
	}
	f.sockets.Wait()
}

// bound says whether a subscription is bound to a socket now. Who calls it
// holds mu.
func (e *entry) bound(now time.Time) bool {
	if e.socket != nil && !now.Before(e.socket.ends[e.sub.Key]) {
		e.socket = nil // a token is asked for again before it expires
	}
	return e.socket != nil
}

// send sends a notification, and waits until the client's side of the socket
// has read up to it: the answer to a ping comes after all that was sent before.
func (s *socket) send(ctx context.Context, q *request, n *notification) error {
	if s == nil {
		return &rejection{words: "no socket is bound"}
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, socketTimeout)
	defer cancel()
	body := n.bundle()
	switch {
	case q.topic == "" && n.kind == "handshake":
		body = []byte("bound " + n.sub.ID)
	case q.topic == "":
		body = []byte("ping " + n.sub.ID)
	case isXML(mediaType(q.payload)):
		var err error
		if body, _, err = encoded(body, q.payload); err != nil {
			return &rejection{words: "it can't be written in this format"}
		}
	}
	err := s.conn.Write(ctx, ws.MessageText, body)
	if err == nil {
		err = s.conn.Ping(ctx)
	}
	if err != nil {
		_ = s.conn.CloseNow()
		return &rejection{words: "the socket has ended", doubt: true}
	}
	return nil
}
