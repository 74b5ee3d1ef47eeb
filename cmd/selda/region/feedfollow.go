package region

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/ingest/mllp"
	"selda/internal/document"
	"selda/nhs"
)

// This file keeps the feeds as their file says while the region serves: whoever is
// taken out of it is out within a second.

// feedsEvery is how often the feeds file is looked at.
const feedsEvery = time.Second

// listenSecured opens the door over TLS; nil where there is none.
func (r *Region) listenSecured(d Doors) (net.Listener, error) {
	const op = "region.Serve"
	secured := d.Feeds != nil && d.Feeds.Secured()
	switch {
	case d.MLLPS == "" && secured:
		return nil, fault.E(op, fault.Required, "the feeds file has a part tls: name the address of its door with --mllps")
	case d.MLLPS != "" && !secured:
		return nil, fault.E(op, fault.Required, "a door over TLS wants a feeds file with a part tls: its certificate and key")
	case d.MLLPS == "":
		return nil, nil
	}
	l, err := net.Listen("tcp", d.MLLPS)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(l, r.doorTLS()), nil
}

// stranger notes a handshake that failed. What one address does all day fills neither
// the log nor the trail.
func (r *Region) stranger(ctx context.Context) func(net.Addr, error) {
	return func(peer net.Addr, err error) {
		if !r.strangers.admit(peer.String(), r.Now()) {
			return
		}
		why := "no handshake"
		var plain tls.RecordHeaderError
		switch {
		case errors.As(err, &plain):
			why = "what came is not TLS"
		case errors.Is(err, context.DeadlineExceeded):
			why = "the handshake took too long"
		case err != nil:
			why = strings.TrimPrefix(err.Error(), "tls: ")
		}
		if r.Log != nil {
			r.Log.Warn("a connection to the door over TLS was refused", "from", address(peer).String(), "why", why)
		}
		_, _ = r.Trail.Append(ctx, audit.Entry{Action: audit.SignIn, Outcome: audit.Deny, User: "mllp", What: "feed over TLS", From: peer.String(), Rules: []string{"TLS: " + why}})
	}
}

// followFeeds reads the feeds file anew when it, or a file that it names, changes. One
// that is wrong is told of and changes nothing. Connections whose certificate is taken
// out, or ends, are ended.
func (r *Region) followFeeds(ctx context.Context, door *mllp.Server) {
	tick := time.NewTicker(feedsEvery)
	defer tick.Stop()
	var told string
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if f := r.admitted.Load(); f.path != "" && f.files.changed() {
			if err := r.readFeedsAgain(ctx, f); err != nil && err.Error() != told {
				told = err.Error()
				r.Log.Error("the feeds file has changed and is wrong: the feeds are as they were", "error", err)
			} else if err == nil {
				told = ""
			}
		}
		if n := door.End(r.unwelcome); n > 0 {
			r.Log.Info("connections of feeds whose certificate is none any more were ended", "connections", n)
		}
		if err := errors.Join(r.shown.keep(r.documents), r.keepSettings(ctx)); err != nil && ctx.Err() == nil {
			r.Log.Warn("which certificates and secrets there are could not be kept; it is tried again", "error", err)
		}
	}
}

func (r *Region) readFeedsAgain(ctx context.Context, old *Feeds) error {
	f, err := ReadFeeds(old.path)
	if err == nil && f.Secured() != old.Secured() {
		err = errors.New("a door over TLS is opened and closed with a restart alone")
	}
	if err != nil {
		return err
	}
	if err := r.Commanded(ctx, "the feeds file is read anew"); err != nil {
		return err
	}
	if err := r.Wish(f); err != nil {
		return err
	}
	r.Log.Info("the feeds file was read anew", "feeds", len(f.feeds))
	return nil
}

// shownDocument is where the certificates are kept that feeds have shown.
const shownDocument = "feeds/certificates.json"

// shownCertificate is what is known of a certificate that a feed has shown.
type shownCertificate struct {
	Subject     string    `json:"subject"`
	Fingerprint string    `json:"fingerprint"`
	From        time.Time `json:"from"`
	Ends        time.Time `json:"ends"`
	First       time.Time `json:"first"` // shown
	Last        time.Time `json:"last"`
}

// shownCertificates are those that feeds have shown last, the newest first and at most
// as many as a feed can have at once.
type shownCertificates struct {
	mu  sync.Mutex
	new map[nhs.Source][]shownCertificate
}

// seen notes that feeds have shown a certificate.
func (r *Region) seen(list []*feed, c *x509.Certificate) {
	sum := sha256.Sum256(c.Raw)
	now := r.Now().UTC().Truncate(time.Second)
	s := shownCertificate{Subject: c.Subject.String(), Fingerprint: hex.EncodeToString(sum[:]), From: c.NotBefore.UTC(), Ends: c.NotAfter.UTC(), First: now, Last: now}
	r.shown.mu.Lock()
	defer r.shown.mu.Unlock()
	if r.shown.new == nil {
		r.shown.new = map[nhs.Source][]shownCertificate{}
	}
	for _, x := range list {
		r.shown.new[x.source] = withShown(r.shown.new[x.source], s)
	}
}

func withShown(list []shownCertificate, s shownCertificate) []shownCertificate {
	out := []shownCertificate{s}
	for _, o := range list {
		switch {
		case o.Fingerprint == s.Fingerprint:
			out[0].First = o.First
		case len(out) < mostPrints:
			out = append(out, o)
		}
	}
	return out
}

// keep adds what is new to what is kept, for every node.
func (s *shownCertificates) keep(docs document.Store) error {
	s.mu.Lock()
	fresh := s.new
	s.new = nil
	s.mu.Unlock()
	if len(fresh) == 0 {
		return nil
	}
	kept, version, err := loadShown(docs)
	if err == nil {
		for source, list := range fresh {
			for i := len(list) - 1; i >= 0; i-- {
				kept[source] = withShown(kept[source], list[i])
			}
		}
		var b []byte
		if b, err = json.Marshal(kept); err == nil {
			err = docs.Save(shownDocument, b, version)
		}
	}
	if err != nil { // it is tried again
		s.mu.Lock()
		defer s.mu.Unlock()
		for source, list := range s.new {
			fresh[source] = append(list, fresh[source]...)
		}
		s.new = fresh
	}
	return err
}

func loadShown(docs document.Store) (map[nhs.Source][]shownCertificate, int64, error) {
	out := map[nhs.Source][]shownCertificate{}
	b, version, err := docs.Load(shownDocument)
	if err == nil && b != nil {
		err = json.Unmarshal(b, &out)
	}
	return out, version, err
}
