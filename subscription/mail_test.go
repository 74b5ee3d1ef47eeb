package subscription_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	wiring "selda/cmd/selda/region"
	"selda/internal/testenv"
)

// post is a mail server that keeps what it is given.
type post struct {
	net.Listener
	mu      sync.Mutex
	letters []string
	tls     *tls.Config // it offers STARTTLS where it has one
	secured []bool      // of each letter, whether it came by TLS
	account string      // AUTH PLAIN that it takes, base64
}

func mailServer(t *testing.T) *post {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &post{Listener: l}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

func (p *post) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	fmt.Fprint(c, "220 post\r\n")
	letter, reading, secured := "", false, false
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch {
		case reading && line == ".\r\n":
			p.mu.Lock()
			p.letters, p.secured = append(p.letters, letter), append(p.secured, secured)
			p.mu.Unlock()
			reading = false
			fmt.Fprint(c, "250 taken\r\n")
		case reading:
			letter += line
		case strings.HasPrefix(line, "EHLO") && p.tls != nil && !secured:
			fmt.Fprint(c, "250-post\r\n250 STARTTLS\r\n")
		case strings.HasPrefix(line, "EHLO"):
			fmt.Fprint(c, "250-post\r\n250 AUTH PLAIN\r\n")
		case strings.HasPrefix(line, "STARTTLS"):
			fmt.Fprint(c, "220 go on\r\n")
			over := tls.Server(c, p.tls)
			if over.Handshake() != nil {
				return
			}
			c, in, secured = over, bufio.NewReader(over), true
		case strings.HasPrefix(line, "AUTH PLAIN ") && strings.TrimSpace(line[11:]) == p.account:
			fmt.Fprint(c, "235 welcome\r\n")
		case strings.HasPrefix(line, "AUTH"):
			fmt.Fprint(c, "535 no\r\n")
		case strings.HasPrefix(line, "DATA"):
			reading, letter = true, ""
			fmt.Fprint(c, "354 go on\r\n")
		case strings.HasPrefix(line, "QUIT"):
			fmt.Fprint(c, "221 bye\r\n")
			return
		default:
			letter += line
			fmt.Fprint(c, "250 ok\r\n")
		}
	}
}

// posting is a region that sends its mail by a server, as a file has it.
func posting(t *testing.T, p *post, more string) *region {
	t.Helper()
	r := &region{T: t, dir: t.TempDir()}
	file := filepath.Join(t.TempDir(), "subscriptions.yaml")
	if err := os.WriteFile(file, []byte("mail:\n  server: "+p.Addr().String()+"\n  from: selda@example.org\n"+more), 0o600); err != nil {
		t.Fatal(err)
	}
	r.with(testenv.Start, file)
	t.Cleanup(func() { _ = r.env.Close() })
	r.declared()
	return r
}

// letter is a Subscription to results by e-mail.
func letter() string {
	return strings.Replace(topical("result", "mailto:ward@example.org", "empty", "Observation?patient=Patient/p1", "kind=email"), `"payload":"application/fhir+json"`, `"payload":"text/plain"`, 1)
}

// E-mail says that something has changed, and nothing of what.
func TestMailSaysNothingOfIt(t *testing.T) {
	p := mailServer(t)
	r := posting(t, p, "")
	mail := letter()
	r.do(400, "visitor", "POST", "/fhir/Subscription", strings.Replace(mail, `"valueCode":"empty"`, `"valueCode":"full-resource"`, 1))
	r.do(422, "visitor", "POST", "/fhir/Subscription", strings.Replace(mail, "ward@example.org", "ward@example.org?bcc=all@example.org", 1))
	r.subscribe("visitor", mail)
	r.observe("p1", "a secret finding")
	r.settle()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.letters) != 1 || !strings.Contains(p.letters[0], "To: ward@example.org") || !strings.Contains(p.letters[0], "Sign in to see it") {
		t.Fatalf("letters: %q", p.letters)
	}
	for _, word := range []string{"secret", "p1", folake, "Observation", "1975-2"} {
		if strings.Contains(p.letters[0], word) {
			t.Errorf("the letter says %s: %s", word, p.letters[0])
		}
	}
}

// certificate is one for 127.0.0.1 that signs itself, and its file.
func certificate(t *testing.T, name string, until time.Time) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.ParseIP(name)}, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, file
}

// Mail goes by STARTTLS wherever the server has it. What is wrong with the
// server an operator reads in words, and nothing is sent until it is mended.
func TestMailBySTARTTLS(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		host    string
		until   time.Time
		trusted bool
		more    string
		reason  string // "" where the letter comes
	}{
		"trusted":         {"127.0.0.1", soon, true, "  user: selda\n  password: hush\n  secure: true\n", ""},
		"of no authority": {"127.0.0.1", soon, false, "", "the mail server's certificate is of no authority that is trusted here: name its file as ca"},
		"of another name": {"127.0.0.2", soon, true, "", "the mail server's certificate is for another name"},
		"expired":         {"127.0.0.1", time.Now().Add(-time.Hour), true, "", "the mail server's certificate has expired"},
		"wrong password":  {"127.0.0.1", soon, true, "  user: selda\n  password: wrong\n", "the mail server does not know the account, or its password"},
		"no TLS":          {"", soon, false, "  secure: true\n", "the mail server offers no TLS (STARTTLS)"},
	} {
		t.Run(name, func(t *testing.T) {
			p := mailServer(t)
			p.account = base64.StdEncoding.EncodeToString([]byte("\x00selda\x00hush"))
			more := c.more
			if c.host != "" {
				var file string
				if p.tls, file = certificate(t, c.host, c.until); c.trusted {
					more += "  ca: " + file + "\n"
				}
			}
			r := posting(t, p, more)
			id := r.subscribe("visitor", letter())
			r.observe("p1", "x")
			r.settle()
			r.advance(time.Minute, 10*time.Second)
			p.mu.Lock()
			letters, secured := len(p.letters), slices.Equal(p.secured, []bool{true})
			p.mu.Unlock()
			list, err := r.env.Region.Subscribers(t.Context(), wiring.OperatorSubject(), id)
			if err != nil || len(list) != 1 {
				t.Fatalf("%v %v", list, err)
			}
			if list[0].Reason != c.reason || (c.reason == "") != (letters == 1 && secured) {
				t.Errorf("%d letters, by TLS %t; the operator reads: %q, want %q", letters, secured, list[0].Reason, c.reason)
			}
		})
	}
}
