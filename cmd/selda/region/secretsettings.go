package region

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"selda/internal/document"
	"selda/secrets"
)

// This file says which secrets and certificates are in an operator's files. Only the
// process that serves has read those; it keeps what there is, without any secret, so
// that the command line and other nodes can tell of it.

const settingsName = "secrets/settings.json"

// settingsItems are those of the files: as they are here while this process serves, else
// as one that served last has said.
func (r *Region) settingsItems(ctx context.Context) (items []secrets.Item, err error) {
	if r.serving.Load() {
		return r.liveSettings(ctx)
	}
	b, _, err := r.documents.Load(settingsName)
	if err == nil && b != nil {
		err = json.Unmarshal(b, &items)
	}
	return items, err
}

// keepSettings keeps what there is, where it has changed.
func (r *Region) keepSettings(ctx context.Context) error {
	items, err := r.liveSettings(ctx)
	if err != nil {
		return err
	}
	for i := range items {
		items[i].Used = time.Time{} // which changes all the time
	}
	b, err := json.Marshal(items)
	if err != nil || string(b) == r.settingsKept {
		return err
	}
	if err := r.documents.Save(settingsName, b, document.Any); err != nil {
		return err
	}
	r.settingsKept = string(b)
	return nil
}

func (r *Region) liveSettings(context.Context) (items []secrets.Item, err error) {
	const yours = "it is in a file of yours: replace it there and at who gave it, and restart"
	for _, p := range r.signOnFile.providers() {
		if p.ClientSecret != "" {
			items = append(items, secrets.Item{Name: "provider/" + p.Name, Kind: secrets.Secret, Title: "The client secret at " + p.Title, ID: r.idOf(p.ClientSecret), Life: year, How: yours})
		}
	}
	if m := r.mail; m != nil && m.Password != "" {
		items = append(items, secrets.Item{Name: "mail", Kind: secrets.Secret, Title: "The password at the mail server " + m.Server, ID: r.idOf(m.Password), Life: year, How: yours})
	}
	if r.dsn != "" {
		items = append(items, secrets.Item{Name: "database", Kind: secrets.Secret, Title: "What the database is reached with", ID: r.idOf(r.dsn), Life: year, How: "it is in your settings: replace it at the database and there, and restart each node"})
	}
	feeds, err := r.feedItems()
	return append(items, feeds...), err
}

// providers are those of a file; none where there is no file.
func (s *SignOn) providers() (out []namedSecret) {
	if s != nil {
		for _, p := range s.Providers {
			out = append(out, namedSecret{p.Name, p.Title, p.ClientSecret})
		}
	}
	return out
}

type namedSecret struct{ Name, Title, ClientSecret string }

// feedItems are the certificates of feeds, and of the door that they come to.
func (r *Region) feedItems() (items []secrets.Item, err error) {
	f := r.admitted.Load()
	if f.door == nil {
		return nil, nil
	}
	own := f.door.pair.Leaf
	sum := sha256.Sum256(own.Raw)
	items = append(items, secrets.Item{Name: "door/feeds", Kind: secrets.Certificate, Title: "The exchange's own certificate, at the door of feeds", ID: hex.EncodeToString(sum[:8]), Made: own.NotBefore, Ends: own.NotAfter,
		How: "replace its files; they are read again"})
	shown, _, err := loadShown(r.documents)
	if err != nil {
		return nil, err
	}
	for i := range f.feeds {
		if x := &f.feeds[i]; x.TLS != nil {
			items = append(items, x.item(shown[x.source], r.Ingest.LastHeard(x.source)))
		}
	}
	return items, nil
}

// item is a feed's certificate: of those that the file names, or else that it has shown,
// the one that lasts longest, since one follows the other.
func (x *feed) item(shown []shownCertificate, heard time.Time) secrets.Item {
	i := secrets.Item{Name: "feed/" + string(x.source), Kind: secrets.Certificate, Title: "The certificate of the feed " + string(x.source), Owner: x.Owner, Contact: x.Contact, Used: heard,
		How: "name its successor beside it in the feeds file; two hold at a time"}
	if len(x.TLS.prints) == 0 {
		i.How = "have its authority issue the next one to the sender, of the same name: nothing changes here"
	}
	last := func(id string, from, ends time.Time) {
		if ends.After(i.Ends) {
			i.ID, i.Made, i.Ends = id[:16], from, ends
		}
	}
	for _, c := range x.TLS.known {
		last(printOfCertificate(c), c.NotBefore, c.NotAfter)
	}
	for _, s := range shown {
		named := len(x.TLS.prints) == 0 || slices.ContainsFunc(x.TLS.prints, func(p [sha256.Size]byte) bool { return hex.EncodeToString(p[:]) == s.Fingerprint })
		if named {
			last(s.Fingerprint, s.From, s.Ends)
		}
	}
	return i
}

func printOfCertificate(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// FeedCertificates are the certificates of feeds and of their door, for those who run
// interfaces.
func (r *Region) FeedCertificates() ([]secrets.Item, error) {
	items, err := r.feedItems()
	if err != nil || len(items) == 0 {
		return nil, err
	}
	return secrets.Register{Documents: r.documents}.Fill(items, r.Now())
}
