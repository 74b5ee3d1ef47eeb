package mllp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"selda/ingest/mllp"
)

// selfSigned is a certificate that nobody vouches for.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

// secured serves over TLS, and says as whom a message came.
func secured(t *testing.T, s *mllp.Server) (addr string) {
	t.Helper()
	s.Handler = func(_ context.Context, peer net.Addr, _ []byte) []byte {
		p, ok := peer.(mllp.Peer)
		if !ok || len(p.Certificates) != 1 {
			return []byte("nobody")
		}
		return []byte("somebody")
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// Whoever opens connections and says nothing, or not all, is closed in time and keeps
// nobody out: not even where there are many of one address.
func TestSlowHandshakes(t *testing.T) {
	var refused atomic.Int64
	s := &mllp.Server{HandshakeTimeout: 2 * time.Second, Refused: func(_ net.Addr, err error) {
		if err == nil {
			t.Error("refused for nothing")
		}
		refused.Add(1)
	}}
	addr := secured(t, s)
	const many = 60
	var slow []net.Conn
	for i := range many {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		if i%2 == 0 {
			_, _ = c.Write([]byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01}) // the beginning of a ClientHello
		}
		slow = append(slow, c)
	}
	for i, c := range slow {
		_ = c.SetReadDeadline(time.Now().Add(15 * time.Second))
		var timeout net.Error
		if _, err := c.Read(make([]byte, 64)); errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatalf("connection %d is open after 15 s", i)
		}
	}
	if n := refused.Load(); n != many {
		t.Errorf("%d of %d are told of", n, many)
	}
	client, err := mllp.DialTLS(t.Context(), addr, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{selfSigned(t)}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if b, err := client.Send(t.Context(), []byte("MSH|^~\\&|A\r")); string(b) != "somebody" || err != nil {
		t.Errorf("%q %v", b, err)
	}
	if n := s.End(func(mllp.Peer) bool { return false }); n != 0 {
		t.Error("ended", n)
	}
	if n := s.End(func(p mllp.Peer) bool { return len(p.Certificates) == 1 }); n != 1 {
		t.Error("ended", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if b, err := client.Send(ctx, []byte("MSH|^~\\&|A\r")); err == nil {
		t.Errorf("answered after its end: %q", b)
	}
}
