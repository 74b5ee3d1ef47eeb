package mllp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"sync"
	"time"

	"selda/fault"
)

// Peer is the other end of a connection over TLS: its address and the certificates
// that it has shown, its own first. A Handler gets it as the peer.
type Peer struct {
	net.Addr
	Certificates []*x509.Certificate
}

// handshakesOfOne is how many connections of one address may be at their handshake:
// whoever opens many and says nothing keeps nobody else out.
const handshakesOfOne = 16

// shaking counts the handshakes under way, by address.
type shaking struct {
	mu   sync.Mutex
	from map[string]int
}

func (s *shaking) begin(host string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.from == nil {
		s.from = map[string]int{}
	}
	if s.from[host] >= handshakesOfOne {
		return false
	}
	s.from[host]++
	return true
}

func (s *shaking) end(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.from[host]--; s.from[host] <= 0 {
		delete(s.from, host)
	}
}

// meet finds out who is at the other end: of TLS by its handshake, which has to be over
// within HandshakeTimeout; else by the address alone. nil where nobody is admitted.
func (s *Server) meet(ctx context.Context, c net.Conn) net.Addr {
	t, ok := c.(*tls.Conn)
	if !ok {
		return c.RemoteAddr()
	}
	host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	err := errors.New("this address has too many handshakes under way")
	if s.shaking.begin(host) {
		within, cancel := context.WithTimeout(ctx, s.HandshakeTimeout)
		err = t.HandshakeContext(within)
		cancel()
		s.shaking.end(host)
	}
	if err != nil {
		if s.Refused != nil {
			s.Refused(c.RemoteAddr(), err)
		}
		return nil
	}
	p := Peer{c.RemoteAddr(), t.ConnectionState().PeerCertificates}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, open := s.conns[c]; !open {
		return nil
	}
	s.conns[c] = p
	return p
}

// End closes the connections of peers that are no longer welcome: their handshake was
// under other rules.
func (s *Server) End(unwelcome func(Peer) bool) (closed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c, peer := range s.conns {
		if p, ok := peer.(Peer); ok && unwelcome(p) {
			_ = c.(*tls.Conn).NetConn().Close() // at once, whatever it is sending
			closed++
		}
	}
	return closed
}

// DialTLS connects to a server over TLS.
func DialTLS(ctx context.Context, addr string, conf *tls.Config) (*Client, error) {
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: 30 * time.Second}, Config: conf}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fault.E("mllp.Dial", fault.Transient, err)
	}
	return client(c), nil
}
