package region

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"selda/ingest/mllp"
)

// This file says by which certificate a feed proves who it is.

// feedDoor is the exchange's own end of the door over TLS.
type feedDoor struct {
	Certificate string `yaml:"certificate"` // file of PEM: its own, then those between it and its authority
	Key         string `yaml:"key"`
	Authority   string `yaml:"authority"` // file of PEM: whose certificates prove a feed by its name

	pair  tls.Certificate
	roots *x509.CertPool // nil: no feed is proven by a name
}

// feedProof is what a feed's certificate is: one of at most two that are named
// exactly, so that one can follow the other; or one of the authority's with a name.
type feedProof struct {
	Certificates []string `yaml:"certificates"` // files of PEM
	Fingerprints []string `yaml:"fingerprints"` // SHA-256 of the certificate, in hexadecimal
	Name         string   `yaml:"name"`         // a DNS name or URI of its subjectAltName
	Subject      string   `yaml:"subject"`      // its whole subject, as RFC 2253 writes it

	prints [][sha256.Size]byte
	known  []*x509.Certificate // of the files
}

// mostPrints are how many certificates a feed can have at once: the one in use and its
// successor.
const mostPrints = 2

// filesRead are what a feeds file and those that it names hold, by their paths.
type filesRead map[string][]byte

func (r filesRead) read(dir, path string) ([]byte, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	b, err := os.ReadFile(path)
	r[path] = b
	return b, err
}

// changed says whether one of the files is not as it was read.
func (r filesRead) changed() bool {
	for path, was := range r {
		if now, err := os.ReadFile(path); err != nil || string(now) != string(was) {
			return true
		}
	}
	return false
}

func (d *feedDoor) open(dir string, files filesRead) (err error) {
	if d.Certificate == "" || d.Key == "" {
		return errors.New("tls: say certificate and key, the files of the exchange's own end")
	}
	certificate, err := files.read(dir, d.Certificate)
	if err != nil {
		return fmt.Errorf("tls: certificate: %w", err)
	}
	key, err := files.read(dir, d.Key)
	if err != nil {
		return fmt.Errorf("tls: key: %w", err)
	}
	if d.pair, err = tls.X509KeyPair(certificate, key); err != nil {
		return fmt.Errorf("tls: certificate and key do not fit: %w", err)
	}
	if d.Authority == "" {
		return nil
	}
	roots, err := files.read(dir, d.Authority)
	if err != nil {
		return fmt.Errorf("tls: authority: %w", err)
	}
	list, err := certificatesOf(roots)
	if err != nil {
		return fmt.Errorf("tls: authority: %w", err)
	}
	d.roots = x509.NewCertPool()
	for _, c := range list {
		d.roots.AddCert(c)
	}
	return nil
}

// certificatesOf reads certificates in PEM.
func certificatesOf(b []byte) (list []*x509.Certificate, err error) {
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("a file of certificates holds %s", strings.ToLower(block.Type))
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, errors.New("the file holds no certificate in PEM")
	}
	return list, nil
}

func (p *feedProof) open(dir string, files filesRead, door *feedDoor) error {
	exact := len(p.Fingerprints)+len(p.Certificates) > 0
	named := p.Name != "" || p.Subject != ""
	switch {
	case door == nil:
		return errors.New("its certificate is named, but the file has no part tls with the exchange's own")
	case exact == named:
		return errors.New("tls: say certificates or fingerprints, or else name or subject")
	case named && door.roots == nil:
		return errors.New("tls: a name or subject proves a feed only under an authority: say the authority in the file's part tls")
	case len(p.Fingerprints)+len(p.Certificates) > mostPrints:
		return fmt.Errorf("tls: at most %d certificates, the one in use and its successor", mostPrints)
	}
	for _, text := range p.Fingerprints {
		b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimPrefix(strings.ToLower(text), "sha256:"), ":", ""))
		if err != nil || len(b) != sha256.Size {
			return fmt.Errorf("tls: %q is no fingerprint: `openssl x509 -in FILE -noout -fingerprint -sha256` prints one", text)
		}
		p.prints = append(p.prints, [sha256.Size]byte(b))
	}
	for _, name := range p.Certificates {
		b, err := files.read(dir, name)
		if err != nil {
			return fmt.Errorf("tls: %w", err)
		}
		list, err := certificatesOf(b)
		if err != nil {
			return fmt.Errorf("tls: %s: %w", name, err)
		}
		p.known = append(p.known, list[0])
		p.prints = append(p.prints, sha256.Sum256(list[0].Raw))
	}
	return nil
}

// fits says whether a certificate that is in date is the feed's.
func (p *feedProof) fits(shown []*x509.Certificate, door *feedDoor, now time.Time) bool {
	c := shown[0]
	if len(p.prints) > 0 {
		return slices.Contains(p.prints, sha256.Sum256(c.Raw))
	}
	if p.Subject != "" && c.Subject.String() != p.Subject || p.Name != "" && !hasName(c, p.Name) {
		return false
	}
	between := x509.NewCertPool()
	for _, more := range shown[1:] {
		between.AddCert(more)
	}
	_, err := c.Verify(x509.VerifyOptions{Roots: door.roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return err == nil
}

// hasName says whether a certificate has a name in its subjectAltName, exactly: no
// wildcard stands for a feed.
func hasName(c *x509.Certificate, name string) bool {
	for _, n := range c.DNSNames {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	for _, u := range c.URIs {
		if u.String() == name {
			return true
		}
	}
	return false
}

// fingerprint is a certificate's, short enough to be read out.
func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return "SHA256:" + hex.EncodeToString(sum[:8])
}

// whose are the feeds that a certificate proves now; else words why none.
func (f *Feeds) whose(shown []*x509.Certificate, now time.Time) (list []*feed, why string) {
	if len(shown) == 0 {
		return nil, "no certificate was shown"
	}
	switch c := shown[0]; {
	case now.Before(c.NotBefore):
		return nil, "the certificate " + fingerprint(c) + " is not valid before " + c.NotBefore.UTC().Format(time.DateTime)
	case now.After(c.NotAfter):
		return nil, "the certificate " + fingerprint(c) + " ended at " + c.NotAfter.UTC().Format(time.DateTime)
	}
	for i := range f.feeds {
		if x := &f.feeds[i]; x.TLS != nil && x.TLS.fits(shown, f.door, now) {
			list = append(list, x)
		}
	}
	if len(list) == 0 {
		return nil, "no feed has the certificate " + fingerprint(shown[0])
	}
	return list, ""
}

// Secured says whether the file has a door over TLS.
func (f *Feeds) Secured() bool { return f.door != nil }

// suites are those of TLS 1.2 that encrypt and authenticate as one, with forward
// secrecy; TLS 1.3 has no others. NCSC, Using TLS to protect data.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// doorTLS is the door's end of TLS, by the feeds as they are at each handshake. Every
// connection shows its certificate anew: none goes on from a ticket.
func (r *Region) doorTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, CipherSuites: suites, ClientAuth: tls.RequireAnyClientCert, SessionTicketsDisabled: true,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if f := r.admitted.Load(); f.door != nil {
				return &f.door.pair, nil
			}
			return nil, errors.New("the door has no certificate any more")
		},
		VerifyConnection: func(s tls.ConnectionState) error {
			list, why := r.admitted.Load().whose(s.PeerCertificates, r.Now())
			if why != "" {
				return errors.New(why)
			}
			r.seen(list, s.PeerCertificates[0])
			return nil
		},
	}
}

// unwelcome says whether the certificate of a connection that is open proves nobody
// any more.
func (r *Region) unwelcome(p mllp.Peer) bool {
	_, why := r.admitted.Load().whose(p.Certificates, r.Now())
	return why != ""
}
