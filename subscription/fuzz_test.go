package subscription

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"selda/fhir/search"
	"selda/policy"
)

// Whatever is asked for as a filter or as criteria is read or refused. Of people
// it is about one patient, and what is asked of the resource needs nothing else.
func FuzzFilters(f *testing.F) {
	for _, s := range []string{"Encounter?patient=Patient/123", "Patient?id=Patient/123", "Observation?code=http://loinc.org|1975-2&date=ge2026", "Observation?subject:Patient=1&patient=2", "status=final,amended",
		"Observation?value-quantity=gt5.4|http://unitsofmeasure.org|mg", "Observation?patient.name=x", "Patient?_has:Observation:patient:code=1", "?", "Observation?%zz", "Nothing?x=y", "Observation?_list=42"} {
		f.Add(s, s)
	}
	topics := map[string]*Topic{}
	for _, t := range Offered {
		topics[t.URL] = t
	}
	f.Fuzz(func(t *testing.T, filter, criteria string) {
		if len(filter)+len(criteria) > 4<<10 {
			return
		}
		for _, people := range []bool{false, true} {
			for _, q := range []*request{{topic: TopicBase + "result", filters: []string{filter}}, {topic: TopicBase + "result", filters: []string{filter, criteria}}, {criteria: criteria}} {
				r := &reading{scope: &search.Scope{Parameters: search.R4(), Base: "http://here/fhir", Now: time.Unix(0, 0)}, people: people}
				watches, err := r.watches(q, topics)
				if err != nil {
					continue
				}
				for _, w := range watches {
					for _, c := range w.filters {
						if len(c.Open()) > 0 {
							t.Errorf("%q %q asks of more than the resource: %s", filter, criteria, c.Name)
						}
						if _, _, found := strings.Cut(c.Name, "patient"); people && found && w.Type != "Patient" {
							t.Errorf("%q %q: of people whose record it is is asked of the links", filter, criteria)
						}
					}
				}
			}
		}
	})
}

// bare is a follower that knows of no subscription.
func bare() *Follower {
	seal, _ := newSealer(make([]byte, 32))
	return &Follower{Options: Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)}, entries: map[int64]*entry{}, open: map[*socket]bool{}, idle: map[string]int{}, seal: seal}
}

// maskedFrame is a frame of a client.
func maskedFrame(head byte, said []byte) []byte {
	b := []byte{head}
	switch {
	case len(said) < 126:
		b = append(b, 0x80|byte(len(said)))
	default:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(len(said)))
	}
	b = append(b, 1, 2, 3, 4)
	for i, c := range said {
		b = append(b, c^byte(i%4+1))
	}
	return b
}

// Whatever comes on a websocket, as text or as frames that are none: nothing is
// bound, the socket ends when the client's side does, and nobody waits.
func FuzzSockets(f *testing.F) {
	for _, s := range []string{"bind-with-token x", "bind-with-token: AAAA", "bind 12", "ping", "", "bind-with-token " + strings.Repeat("A", 9000)} {
		f.Add([]byte(s), byte(0x81), false)
	}
	f.Add([]byte("bind 1"), byte(0x01), false) // a fragment
	f.Add([]byte{0x03, 0xe8}, byte(0x88), false)
	f.Add([]byte{0x81, 0xfe, 0xff, 0xff, 0, 0}, byte(0), true)
	follower := bare()
	server := httptest.NewServer(follower.Sockets(func(*http.Request) (policy.Subject, error) { return policy.Subject{}, errors.New("nobody") }))
	f.Cleanup(server.Close)
	f.Fuzz(func(t *testing.T, said []byte, head byte, raw bool) {
		if len(said) > 60<<10 {
			return
		}
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Skip(err)
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		if !raw {
			said = maskedFrame(head, said)
		}
		_, _ = c.Write(append([]byte("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"), said...))
		_ = c.(*net.TCPConn).CloseWrite()
		answer, err := io.ReadAll(io.LimitReader(c, 64<<10))
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			t.Errorf("it waits for ever after %q: %q", said, answer)
		}
		if !strings.HasPrefix(string(answer), "HTTP/1.1 101") || strings.Contains(string(answer), "handshake") {
			t.Errorf("answered %q", answer)
		}
	})
}

// Whatever a mail server says, a letter is taken or is not, in words that are
// ours: nothing of what it says.
func FuzzMailServers(f *testing.F) {
	for _, s := range []string{"220 post\r\n250 post\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 taken\r\n221 bye\r\n", "220 post\r\n250-post\r\n250 STARTTLS\r\n220 go\r\n\x16\x03", "421 secret\r\n",
		"220 post\r\n250-post\r\n250 AUTH PLAIN\r\n334 c2VjcmV0\r\n535 secret\r\n", "220 post\r\n250 post\r\n250 ok\r\n550 secret\r\n", "220-" + strings.Repeat("x", 70000), "", "\r\n", "220 a\r\n250-\r\n250"} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, says []byte, account bool) {
		ours, theirs := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, theirs) }()
		go func() { _, _ = theirs.Write(says); _ = theirs.Close() }()
		m := &Mail{Server: "127.0.0.1:25", From: "selda@example.org"}
		if account {
			m.User, m.Password = "selda", "hush"
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		end, _ := ctx.Deadline()
		_ = ours.SetDeadline(end)
		err := m.deliver(ours, "ward@example.org", []byte("a letter\r\n"))
		_ = ours.Close()
		if ctx.Err() != nil {
			t.Errorf("it waits for ever after %q", says)
		}
		var r *rejection
		if err != nil && (!errors.As(err, &r) || !strings.HasPrefix(r.words, "the mail server") || strings.Contains(r.words, "secret")) {
			t.Errorf("refused with %q", err)
		}
	})
}
