package subscription

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"selda/fault"
	"selda/fhir"
)

// hook calls endpoints over HTTP: the channels rest-hook and message.
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html
type hook struct{ client *http.Client }

func newHook(c *Calls) *hook {
	t := &http.Transport{DialContext: c.dial, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 2, MaxIdleConns: 128, IdleConnTimeout: time.Minute,
		MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true, DisableCompression: true}
	return &hook{&http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func mediaType(s string) string {
	if kind, _, err := mime.ParseMediaType(s); err == nil {
		return kind
	}
	return s
}

// post sends a notification.
func (h *hook) post(ctx context.Context, q *request, url string, n *notification) error {
	body, kind, err := encoded(n.bundle(), q.payload)
	if err != nil {
		return &rejection{words: "it can't be written in this format"}
	}
	return h.call(ctx, q, http.MethodPost, url, kind, body)
}

// tell does what R4's own rest-hook is: a POST without a body says that there
// is something; where a payload is asked for, the resource is put there.
// https://hl7.org/fhir/R4/subscription.html#channels
func (h *hook) tell(ctx context.Context, q *request, n *notification) error {
	for _, e := range n.events {
		if e.body == nil && q.payload != "" {
			continue // it is not there, or not shown any more
		}
		method, url, kind, body := http.MethodPost, q.endpoint, "", []byte(nil)
		if q.payload != "" {
			var err error
			if body, kind, err = encoded(e.body, q.payload); err != nil {
				return &rejection{words: "it can't be written in this format"}
			}
			method, url = http.MethodPut, strings.TrimSuffix(q.endpoint, "/")+"/"+e.Type+"/"+e.ID
		}
		if err := h.call(ctx, q, method, url, kind, body); err != nil {
			return err
		}
	}
	return nil
}

// message sends a notification as a FHIR message.
// https://hl7.org/fhir/R4/messaging.html
func (h *hook) message(ctx context.Context, q *request, n *notification) error {
	inner := n.bundle()
	id := newUUID()
	event := q.topic
	if event == "" {
		event = "http://hl7.org/fhir/Subscription"
	}
	header := fhir.Object{"resourceType": "MessageHeader", "id": newUUID(), "eventUri": event, "source": fhir.Object{"name": "SELDA", "endpoint": n.sub.Base},
		"destination": []fhir.Object{{"endpoint": q.endpoint}}, "focus": []fhir.Object{fhir.Ref("urn:uuid:" + id)}}
	bundle := fhir.Marshal(fhir.Object{"resourceType": "Bundle", "id": newUUID(), "type": "message", "timestamp": fhir.Instant(n.at), "entry": []fhir.Object{
		{"fullUrl": "urn:uuid:" + header["id"].(string), "resource": header}, {"fullUrl": "urn:uuid:" + id, "resource": raw(inner)}}})
	body, kind, err := encoded(bundle, q.payload)
	if err != nil {
		return &rejection{words: "it can't be written in this format"}
	}
	url := q.endpoint
	if !strings.HasSuffix(url, "/$process-message") {
		url = strings.TrimSuffix(url, "/") + "/$process-message"
	}
	return h.call(ctx, q, http.MethodPost, url, kind, body)
}

// call makes one request. Only 2xx is an acceptance; what was sent in whole and
// not answered is in doubt.
func (h *hook) call(ctx context.Context, q *request, method, url, kind string, body []byte) error {
	var wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return &rejection{words: "the endpoint can't be called"}
	}
	for _, line := range q.headers {
		name, value, _ := strings.Cut(line, ":")
		r.Header.Add(name, strings.TrimSpace(value))
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.Header.Set("User-Agent", "SELDA")
	resp, err := h.client.Do(r)
	if err != nil {
		var told *rejection
		switch {
		case errors.As(err, &told):
			return told
		case ctx.Err() != nil:
			return &rejection{words: "it did not answer in time", doubt: wrote.Load()}
		case wrote.Load():
			return &rejection{words: "it did not answer", doubt: true}
		}
		return &rejection{words: "it could not be reached"}
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
	_ = resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return &rejection{words: "it answered " + strconv.Itoa(resp.StatusCode)}
	}
	return nil
}

// forbidden are headers that are the connection's own.
var forbidden = map[string]bool{"Host": true, "Content-Length": true, "Transfer-Encoding": true, "Connection": true, "Upgrade": true, "Te": true, "Trailer": true,
	"Content-Type": true, "Content-Encoding": true, "Expect": true, "Proxy-Authorization": true, "Proxy-Connection": true, "Keep-Alive": true}

// checkHeader says whether a header can be sent: Name: value.
func checkHeader(line string) error {
	name, value, ok := strings.Cut(line, ":")
	if !ok || !token(name) || len(line) > 8<<10 || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return refuse(fault.Value, "a header is written as Name: value", "Subscription.channel.header")
	}
	if forbidden[http.CanonicalHeaderKey(name)] {
		return refuse(fault.Value, "this header is the connection's own", "Subscription.channel.header")
	}
	return nil
}

// token says whether a word can be a header's name (RFC 9110, 5.6.2).
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
}
