package subscription

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"os"
	"strings"
	"time"

	"selda/fault"
)

// Mail sends e-mail by SMTP. What it sends says that something has changed, and
// no more, unless the server that it hands it to is one for secure messaging.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#email
type Mail struct {
	Server         string // host:port
	From           string
	User, Password string // "" signs nobody in
	// PasswordFile is the file that the password is read from, where it is not said.
	PasswordFile string `yaml:"password_file"`
	Secure       bool   // the way from here to the reader is fit for records
	CA           string // file of certificates that its own is trusted by, beside the system's
}

// address is whom an endpoint of this channel means.
func address(endpoint string) (string, error) {
	to, err := mail.ParseAddress(strings.TrimPrefix(endpoint, "mailto:"))
	if err != nil || to.Name != "" || strings.ContainsAny(to.Address, "?&%\r\n") {
		return "", refuse(fault.Value, "the endpoint is an address, such as mailto:ward@example.org", "Subscription.channel.endpoint")
	}
	return to.Address, nil
}

// attached says whether the notification shall be attached.
func attached(payload string) bool {
	return strings.Contains(payload, "attach=application/fhir+json") || mediaType(payload) == "application/fhir+json"
}

func (m *Mail) check(q *request) error {
	if m == nil {
		return refuse(fault.NotSupported, "this server sends no e-mail", "Subscription.channel.type")
	}
	if (attached(q.payload) || q.content != "" && q.content != contentEmpty) && !m.Secure {
		return refuse(fault.NotSupported, "an e-mail says that something has changed, and no more: ask for the payload text/plain, and content empty", "Subscription.channel.payload")
	}
	_, err := address(q.endpoint)
	return err
}

// send sends one e-mail.
func (m *Mail) send(ctx context.Context, q *request, n *notification) error {
	if m == nil {
		return &rejection{words: "this server sends no e-mail"}
	}
	to, err := address(q.endpoint)
	if err != nil {
		return &rejection{words: "it is no address"}
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.Server)
	if err != nil {
		return &rejection{words: "the mail server could not be reached"}
	}
	defer func() { _ = conn.Close() }()
	if end, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(end)
	}
	return m.deliver(conn, to, m.letter(to, q, n))
}

// deliver hands one letter to the mail server at the other end.
func (m *Mail) deliver(conn net.Conn, to string, letter []byte) error {
	host, _, _ := net.SplitHostPort(m.Server)
	c, err := smtp.NewClient(&brief{Conn: conn, left: mostAnswer}, host)
	if err != nil {
		return refusedBy(err)
	}
	if err := m.secure(c, host); err != nil {
		return err
	}
	if m.User != "" {
		if err := c.Auth(smtp.PlainAuth("", m.User, m.Password, host)); err != nil {
			if _, answered := err.(*textproto.Error); answered {
				return &rejection{words: "the mail server does not know the account, or its password"}
			}
			return &rejection{words: "the mail server offers no way to sign in that is fit for a password: TLS, and AUTH PLAIN"}
		}
	}
	if err = c.Mail(m.From); err == nil {
		err = c.Rcpt(to)
	}
	if err != nil {
		return refusedBy(err)
	}
	w, err := c.Data()
	if err != nil {
		return refusedBy(err)
	}
	if _, err = w.Write(letter); err == nil {
		err = w.Close()
	}
	if err != nil {
		r := refusedBy(err)
		_, answered := err.(*textproto.Error)
		r.doubt = !answered
		return r
	}
	_ = c.Quit() // it has been taken
	return nil
}

// secure goes over to TLS, wherever the server has it.
func (m *Mail) secure(c *smtp.Client, host string) error {
	if ok, _ := c.Extension("STARTTLS"); !ok {
		if m.Secure {
			return &rejection{words: "the mail server offers no TLS (STARTTLS)"}
		}
		return nil
	}
	conf := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if m.CA != "" {
		pem, err := os.ReadFile(m.CA)
		if conf.RootCAs, _ = x509.SystemCertPool(); conf.RootCAs == nil {
			conf.RootCAs = x509.NewCertPool()
		}
		if err != nil || !conf.RootCAs.AppendCertsFromPEM(pem) {
			return &rejection{words: "the file of certificates that the mail server is trusted by (ca) can't be read"}
		}
	}
	if err := c.StartTLS(conf); err != nil {
		return refusedBy(err)
	}
	return nil
}

// refusedBy is why a mail server did not take a letter, in words of ours: what
// a server says may hold anything.
func refusedBy(err error) *rejection {
	var code *textproto.Error
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &code):
		return &rejection{words: "the mail server answered " + itoa(code.Code)}
	case errors.As(err, &authority):
		return &rejection{words: "the mail server's certificate is of no authority that is trusted here: name its file as ca"}
	case errors.As(err, &name):
		return &rejection{words: "the mail server's certificate is for another name"}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return &rejection{words: "the mail server's certificate has expired"}
	case errors.As(err, &invalid):
		return &rejection{words: "the mail server's certificate is for another use"}
	}
	return &rejection{words: "the mail server broke off"}
}

// mostAnswer is how many bytes a mail server says at most while it takes a letter.
const mostAnswer = 64 << 10

// brief is a connection that is read for so long.
type brief struct {
	net.Conn
	left int
}

// Read is io.Reader's.
func (b *brief) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// domain is that of the sender.
func (m *Mail) domain() string {
	_, domain, _ := strings.Cut(strings.TrimSuffix(m.From, ">"), "@")
	if domain == "" {
		return "localhost"
	}
	return domain
}

// letter is what is written.
func (m *Mail) letter(to string, q *request, n *notification) []byte {
	words := "Something that you asked to be told of has changed. Sign in to see it:\r\n" + strings.TrimSuffix(n.sub.Base, "/fhir") + "/\r\n"
	if n.kind == "heartbeat" {
		words = "There is nothing new. This message says that you would be told.\r\n"
	}
	subject := "Something has changed"
	if q.quiet { // no address: it would say of what
		subject, words = "A message for you", "There is something new for you.\r\n"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%s@%s>\r\nMIME-Version: 1.0\r\n", m.From, to, subject,
		n.at.Format(time.RFC1123Z), newUUID(), m.domain())
	if !m.Secure || !attached(q.payload) {
		fmt.Fprintf(&b, "Content-Type: text/plain; charset=utf-8\r\n\r\n%s", words)
		return b.Bytes()
	}
	p := multipart.NewWriter(&b)
	fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=%s\r\n\r\n", p.Boundary())
	part, _ := p.CreatePart(textproto.MIMEHeader{"Content-Type": {"text/plain; charset=utf-8"}}) // into memory
	_, _ = part.Write([]byte(words))
	part, _ = p.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/fhir+json"}, "Content-Transfer-Encoding": {"base64"},
		"Content-Disposition": {`attachment; filename="notification.json"`}})
	code := base64.StdEncoding.EncodeToString(n.bundle())
	for len(code) > 76 {
		_, _ = part.Write([]byte(code[:76] + "\r\n"))
		code = code[76:]
	}
	_, _ = part.Write([]byte(code + "\r\n"))
	_ = p.Close()
	return b.Bytes()
}
