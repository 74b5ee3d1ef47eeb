package region

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"selda/audit"
	"selda/ingest/mllp"
)

// issuer is an authority of certificates, for tests.
type issuer struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newIssuer(t *testing.T, name string) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	self := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	raw, err := x509.CreateCertificate(rand.Reader, self, self, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{t, cert, key}
}

// issue makes a certificate in date, unless change makes it another.
func (i *issuer) issue(name string, change ...func(*x509.Certificate)) tls.Certificate {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<60))
	c := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name, Organization: []string{"King's"}}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	for _, f := range change {
		f(c)
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, i.cert, key.Public(), i.key)
	if err != nil {
		i.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		i.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}
}

func pemOf(kind string, b []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b})
}

func write(t *testing.T, dir, name string, b []byte) {
	t.Helper()
	next := filepath.Join(dir, name+".next")
	if err := os.WriteFile(next, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// writePair writes a certificate and its key as files.
func writePair(t *testing.T, dir, name string, c tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, name+".key", pemOf("PRIVATE KEY", key))
	write(t, dir, name+".pem", pemOf("CERTIFICATE", c.Certificate[0]))
}

func printOf(c tls.Certificate) string {
	sum := sha256.Sum256(c.Certificate[0])
	return hex.EncodeToString(sum[:])
}

// doors is a region that serves feeds over TLS.
type doors struct {
	t      *testing.T
	r      *Region
	dir    string
	at     Served
	server *issuer
	feeds  *issuer // the authority of feeds
}

// serveFeeds serves by a feeds file; its part of feeds is given.
func serveFeeds(t *testing.T, feeds func(d *doors) string) *doors {
	t.Helper()
	d := &doors{t: t, r: open(t), dir: t.TempDir(), server: newIssuer(t, "the exchange's own"), feeds: newIssuer(t, "authority of feeds")}
	d.r.Log = slog.New(slog.DiscardHandler)
	write(t, d.dir, "authority.pem", pemOf("CERTIFICATE", d.feeds.cert.Raw))
	writePair(t, d.dir, "own", d.server.issue("selda.example"))
	d.write(feeds(d))
	f, err := ReadFeeds(filepath.Join(d.dir, "feeds.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan Served, 1), make(chan error, 1)
	go func() {
		ended <- d.r.Serve(ctx, Doors{HTTP: "127.0.0.1:0", MLLP: "127.0.0.1:0", MLLPS: "127.0.0.1:0", Feeds: f}, func(s Served) error { ready <- s; return nil })
	}()
	select {
	case d.at = <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); <-ended })
	return d
}

func (d *doors) write(feeds string) {
	write(d.t, d.dir, "feeds.yaml", []byte("tls: {certificate: own.pem, key: own.key, authority: authority.pem}\nfeeds:\n"+feeds))
}

// client is the client's end of TLS, with the certificates that it can show.
func (d *doors) client(certs ...tls.Certificate) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(d.server.cert)
	return &tls.Config{RootCAs: roots, ServerName: "selda.example", Certificates: certs}
}

// sent is what the door answers to a message of a sender, over TLS: AA, AR with words,
// or "refused" where there was no connection.
func (d *doors) sent(conf *tls.Config, application string) string {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 20*time.Second)
	defer cancel()
	c, err := mllp.DialTLS(ctx, d.at.MLLPS, conf)
	if err != nil {
		return "refused"
	}
	defer func() { _ = c.Close() }()
	return said(c.Send(ctx, message(application)))
}

func said(ack []byte, err error) string {
	if err != nil {
		return "refused"
	}
	if strings.Contains(string(ack), "MSA|AA") {
		return "AA"
	}
	return string(ack)
}

func message(application string) []byte {
	return fmt.Appendf(nil, "MSH|^~\\&|%s|RJZ|SELDA|SEL|20261101090000||ADT^A28|%d|P|2.4\rPID|1||K1^^^RJZ^MRN||ADEYEMI^FOLAKE||19511105|F\r", application, time.Now().UnixNano())
}

// entries are what the trail says was refused at the doors of feeds.
func (d *doors) entries() string {
	d.t.Helper()
	var b strings.Builder
	if err := d.r.Trail.Each(d.t.Context(), func(e audit.Entry) error {
		if e.User == "mllp" && e.Outcome == audit.Deny {
			fmt.Fprintln(&b, e.What, e.Rules, e.From)
		}
		return nil
	}); err != nil {
		d.t.Fatal(err)
	}
	return b.String()
}

// A feed is who its certificate says: whoever shows none, one that is out of date, of
// another authority or of another name, gets in nowhere, and nobody speaks for another
// source. Each refusal is in the trail with why.
func TestAFeedIsWhoItsCertificateSays(t *testing.T) {
	var pas, next, strange tls.Certificate
	d := serveFeeds(t, func(d *doors) string {
		pas, next, strange = d.server.issue("pinned"), newIssuer(t, "any").issue("pinned"), newIssuer(t, "any").issue("pinned")
		write(t, d.dir, "next.pem", pemOf("CERTIFICATE", next.Certificate[0]))
		return "  - {source: 'RJZ:PAS', facility: RJZ, application: PAS, tls: {fingerprints: ['" + printOf(pas) + "'], certificates: [next.pem]}}\n" +
			"  - {source: 'RJZ:LAB', facility: RJZ, application: LAB, tls: {name: lab.kch.example}}\n" +
			"  - {source: 'RJZ:EPR', facility: RJZ, application: EPR, tls: {subject: \"CN=epr.kch.example,O=King's\"}}\n" +
			"  - {source: 'RJZ:OLD', facility: RJZ, application: OLD}\n"
	})
	never := newIssuer(t, "authority of feeds") // by name alone
	named := d.feeds.issue("lab.kch.example")
	old := func(c *tls.Config) *tls.Config {
		c.MaxVersion = tls.VersionTLS11
		c.MinVersion = tls.VersionTLS10
		return c
	}
	weak := func(c *tls.Config) *tls.Config {
		c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
		return c
	}
	twelve := func(c *tls.Config) *tls.Config { c.MaxVersion = tls.VersionTLS12; return c }
	ended := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	early := func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }
	for _, c := range []struct {
		name, as string
		conf     *tls.Config
		want     string
	}{
		{"the certificate in use", "PAS", d.client(pas), "AA"},
		{"its successor, at the same time", "PAS", d.client(next), "AA"},
		{"over TLS 1.2", "PAS", twelve(d.client(pas)), "AA"},
		{"by its name under the authority", "LAB", d.client(named), "AA"},
		{"by its subject under the authority", "EPR", d.client(d.feeds.issue("epr.kch.example", func(c *x509.Certificate) { c.DNSNames = nil })), "AA"},
		{"none", "PAS", d.client(), "refused"},
		{"one that nobody named", "PAS", d.client(strange), "refused"},
		{"the right name of another authority", "LAB", d.client(never.issue("lab.kch.example")), "refused"},
		{"another name of the right authority", "LAB", d.client(d.feeds.issue("other.kch.example")), "refused"},
		{"the name as common name alone", "LAB", d.client(d.feeds.issue("lab.kch.example", func(c *x509.Certificate) { c.DNSNames = []string{"x.example"} })), "refused"},
		{"a wildcard", "LAB", d.client(d.feeds.issue("any", func(c *x509.Certificate) { c.DNSNames = []string{"*.kch.example"} })), "refused"},
		{"one for servers", "LAB", d.client(d.feeds.issue("lab.kch.example", func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[1:] })), "refused"},
		{"one that has ended", "LAB", d.client(d.feeds.issue("lab.kch.example", ended)), "refused"},
		{"one that has not begun", "LAB", d.client(d.feeds.issue("lab.kch.example", early)), "refused"},
		{"TLS 1.1", "PAS", old(d.client(pas)), "refused"},
		{"a suite that only encrypts", "PAS", weak(d.client(pas)), "refused"},
		{"another source's name", "LAB", d.client(pas), "AR"},
		{"a sender that there is none of", "XYZ", d.client(pas), "AR"},
		{"the name of a feed without a certificate", "OLD", d.client(named), "AR"},
	} {
		if got := d.sent(c.conf, c.as); got != c.want && !(c.want == "AR" && strings.Contains(got, "MSA|AR") && strings.Contains(got, "the certificate is of RJZ:")) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	for name, pinned := range map[string]func(*x509.Certificate){"ended": ended, "not valid before": early} {
		c := d.server.issue("pinned", pinned)
		d.write("  - {source: 'RJZ:PAS', facility: RJZ, application: PAS, tls: {fingerprints: ['" + printOf(c) + "']}}\n")
		d.again(1)
		if got := d.sent(d.client(c), "PAS"); got != "refused" {
			t.Errorf("named exactly, and %s: %s", name, got)
		}
	}
	plain, err := net.Dial("tcp", d.at.MLLPS)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = plain.Close() }()
	_, _ = plain.Write(append(append([]byte{0x0b}, message("PAS")...), 0x1c, '\r'))
	_ = plain.SetReadDeadline(time.Now().Add(10 * time.Second))
	if b, err := io.ReadAll(plain); strings.Contains(string(b), "MSA|") || os.IsTimeout(err) {
		t.Errorf("in the clear: %q %v", b, err)
	}
	trail := d.entries()
	for _, want := range []string{"client didn't provide a certificate", "no feed has the certificate SHA256:", "ended at", "is not valid before", "what came is not TLS", "the certificate is of RJZ:PAS, and MSH-4 and MSH-3 say another sender", "127.0.0.1:"} {
		if !strings.Contains(trail, want) {
			t.Errorf("the trail does not say %q:\n%s", want, trail)
		}
	}
}

// again waits until the feeds file is read anew: it has so many feeds then.
func (d *doors) again(feeds int) {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, "feeds.yaml"))
	if err != nil {
		d.t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		f := d.r.admitted.Load()
		if len(f.feeds) == feeds && string(f.files[f.path]) == string(text) && !f.files.changed() {
			return
		}
		if time.Since(began) > 10*time.Second {
			d.t.Fatal("the feeds file was not read anew")
		}
	}
}

// A feed with a certificate is not admitted at the door in the clear.
func TestAFeedWithACertificateIsNotAdmittedInTheClear(t *testing.T) {
	d := serveFeeds(t, func(d *doors) string {
		return "  - {source: 'RJZ:LAB', facility: RJZ, application: LAB, tls: {name: lab.kch.example}}\n  - {source: 'RJZ:OLD', facility: RJZ, application: OLD}\n"
	})
	c, err := mllp.Dial(t.Context(), d.at.MLLP)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if got := said(c.Send(t.Context(), message("LAB"))); !strings.Contains(got, "MSA|AR") || !strings.Contains(got, "over TLS alone") {
		t.Error(got)
	}
	if got := said(c.Send(t.Context(), message("OLD"))); got != "AA" {
		t.Error("a feed of before:", got)
	}
}

// A certificate that is taken out of the file is out within seconds, with the
// connections that are open; others go on. A file that is wrong changes nothing. The
// door's own certificate changes without a restart.
func TestFeedsFollowTheirFile(t *testing.T) {
	var first, second, lab tls.Certificate
	feed := func(prints string) string {
		return "  - {source: 'RJZ:PAS', facility: RJZ, application: PAS, tls: {fingerprints: [" + prints + "]}}\n  - {source: 'RJZ:LAB', facility: RJZ, application: LAB, tls: {name: lab.kch.example}}\n"
	}
	d := serveFeeds(t, func(d *doors) string {
		first, second, lab = d.server.issue("first"), d.server.issue("second"), d.feeds.issue("lab.kch.example")
		return feed(printOf(first) + ", " + printOf(second))
	})
	dial := func(c tls.Certificate) *mllp.Client {
		t.Helper()
		client, err := mllp.DialTLS(t.Context(), d.at.MLLPS, d.client(c))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		return client
	}
	one, two, three := dial(first), dial(second), dial(lab)
	for i, c := range []*mllp.Client{one, two} {
		if got := said(c.Send(t.Context(), message("PAS"))); got != "AA" {
			t.Fatal(i, got)
		}
	}
	d.write(feed(printOf(second)))
	d.again(2)
	ended := func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		got := said(one.Send(ctx, message("PAS")))
		if got == "AA" {
			t.Fatal("a certificate that is taken out is taken")
		}
		return got == "refused"
	}
	for began := time.Now(); !ended(); time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatal("the connection is still open")
		}
	}
	if got := d.sent(d.client(first), "PAS"); got != "refused" {
		t.Error("a new connection with it:", got)
	}
	if got := said(two.Send(t.Context(), message("PAS"))); got != "AA" {
		t.Error("its successor:", got)
	}
	if got := said(three.Send(t.Context(), message("LAB"))); got != "AA" {
		t.Error("another feed:", got)
	}
	// Wrong: as it was.
	d.write(feed("nonsense"))
	time.Sleep(2 * feedsEvery)
	if got := said(two.Send(t.Context(), message("PAS"))); got != "AA" {
		t.Error("after a file that is wrong:", got)
	}
	d.write(feed(printOf(second)))
	// The door's own.
	renewed := d.server.issue("selda.example")
	writePair(t, d.dir, "own", renewed)
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		c, err := tls.Dial("tcp", d.at.MLLPS, d.client(second))
		if err == nil {
			now := c.ConnectionState().PeerCertificates[0]
			_ = c.Close()
			if now.Equal(renewed.Leaf) {
				break
			}
		}
		if time.Since(began) > 10*time.Second {
			t.Fatal("the door still shows the certificate of before", err)
		}
	}
	if got := said(two.Send(t.Context(), message("PAS"))); got != "AA" {
		t.Error("a connection from before the door's certificate changed:", got)
	}
	kept, _, err := loadShown(d.r.documents)
	if err != nil || len(kept["RJZ:PAS"]) != 2 || kept["RJZ:PAS"][0].Ends.IsZero() || len(kept["RJZ:LAB"]) != 1 {
		t.Errorf("%+v %v", kept, err)
	}
}

// A real client, which is not Go's: openssl sends a message and is answered; it can't
// negotiate anew in the midst of a connection.
func TestOpenSSLSendsOverTLS(t *testing.T) {
	program, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("openssl is not installed: a client that is not Go's is not tried")
	}
	d := serveFeeds(t, func(d *doors) string {
		return "  - {source: 'RJZ:LAB', facility: RJZ, application: LAB, tls: {name: lab.kch.example}}\n"
	})
	writePair(t, d.dir, "lab", d.feeds.issue("lab.kch.example"))
	write(t, d.dir, "server-ca.pem", pemOf("CERTIFICATE", d.server.cert.Raw))
	talk := func(before string, flags ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, program, append([]string{"s_client", "-connect", d.at.MLLPS, "-servername", "selda.example", "-verify_return_error",
			"-CAfile", filepath.Join(d.dir, "server-ca.pem"), "-cert", filepath.Join(d.dir, "lab.pem"), "-key", filepath.Join(d.dir, "lab.key")}, flags...)...)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(in, before+"\x0b"+string(message("LAB"))+"\x1c\r\n")
		var b strings.Builder
		for r := bufio.NewReader(out); ; {
			c, err := r.ReadByte()
			if err != nil {
				break
			}
			if b.WriteByte(c); c == 0x1c { // the answer is whole
				break
			}
		}
		_ = in.Close()
		cancel()
		_ = cmd.Wait()
		return b.String()
	}
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		if got := talk("", version, "-quiet"); !strings.Contains(got, "MSA|AA") {
			t.Errorf("%s: %q", version, got)
		}
	}
	if got := talk("", "-tls1_2"); !strings.Contains(got, "MSA|AA") {
		t.Errorf("without -quiet: %q", got)
	}
	if got := talk("R\n", "-tls1_2"); strings.Contains(got, "MSA|") {
		t.Errorf("it was negotiated anew, and the connection went on: %q", got)
	}
}
