package subscription

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"mime/multipart"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
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
	Secure         bool   // the way from here to the reader is fit for records
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
	host, _, _ := net.SplitHostPort(m.Server)
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.Server)
	if err != nil {
		return &rejection{words: "the mail server could not be reached"}
	}
	defer func() { _ = conn.Close() }()
	if end, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(end)
	}
	c, err := smtp.NewClient(conn, host)
	if err == nil {
		if ok, _ := c.Extension("STARTTLS"); ok {
			err = c.StartTLS(&tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
		} else if m.Secure {
			err = fmt.Errorf("it has no TLS")
		}
	}
	if err == nil && m.User != "" {
		err = c.Auth(smtp.PlainAuth("", m.User, m.Password, host))
	}
	if err == nil {
		err = c.Mail(m.From)
	}
	if err == nil {
		err = c.Rcpt(to)
	}
	if err != nil {
		return &rejection{words: "the mail server did not take it"}
	}
	w, err := c.Data()
	if err != nil {
		return &rejection{words: "the mail server did not take it"}
	}
	if _, err = w.Write(m.letter(to, q, n)); err == nil {
		err = w.Close()
	}
	if err != nil {
		_, refused := err.(*textproto.Error)
		return &rejection{words: "the mail server did not take it", doubt: !refused}
	}
	_ = c.Quit() // it has been taken
	return nil
}

// letter is what is written.
func (m *Mail) letter(to string, q *request, n *notification) []byte {
	words := "Something that you asked to be told of has changed. Sign in to see it:\r\n" + strings.TrimSuffix(n.sub.Base, "/fhir") + "/\r\n"
	if n.kind == "heartbeat" {
		words = "There is nothing new. This message says that you would be told.\r\n"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nSubject: Something has changed\r\nDate: %s\r\nMessage-ID: <%s@selda>\r\nMIME-Version: 1.0\r\n", m.From, to,
		n.at.Format(time.RFC1123Z), newUUID())
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
