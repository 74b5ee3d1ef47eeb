package region

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"selda/api"
	"selda/hl7v2"
	"selda/ingest/mllp"
	"selda/nhs"
	"selda/policy"
)

// Feeds says which senders are admitted at the MLLP door, and as which source.
//
//	tls:                       # of the door over TLS, --mllps
//	  certificate: feeds.pem   # its own
//	  key: feeds.key
//	  authority: feeds-ca.pem  # where feeds are proven by a name
//	feeds:
//	  - source: RJZ:PAS
//	    owner: Integration team, King's # who answers for it
//	    contact: integration@kch.example
//	    facility: RJZ          # MSH-4
//	    application: PAS       # MSH-3; left out, any
//	    from: [10.1.0.0/16]    # left out, any address
//	    tls:                   # it is admitted by this certificate alone
//	      certificates: [pas-2026.pem, pas-2027.pem] # or fingerprints; at most two
//	      # name: pas.kch.example # or, of the authority: a name or subject
//	  - source: G85001:GP
//	    profiles: refuse       # what it writes to /fhir and does not hold to the
//	                           # profiles that it names; left out: report
//	  - source: RJ1:GUM
//	    facility: RJ1
//	    labels: [sexual-health] # that all of its items have (G8)
//
// With no file, a peer on this machine is admitted as source MSH-4:MSH-3, and
// nobody else is.
type Feeds struct {
	open  bool
	feeds []feed
	door  *feedDoor // nil: there is none over TLS
	path  string
	files filesRead // what was read
}

type feed struct {
	Source      string   `yaml:"source"`
	Facility    string   `yaml:"facility"`
	Application string   `yaml:"application"`
	From        []string `yaml:"from"`
	Profiles    string   `yaml:"profiles"`
	Labels      []string `yaml:"labels"`
	Owner       string   `yaml:"owner"`
	Contact     string   `yaml:"contact"`

	TLS *feedProof `yaml:"tls"`

	source   nhs.Source
	prefixes []netip.Prefix
	labels   policy.Labels
}

// OpenFeeds admits peers on this machine.
func OpenFeeds() *Feeds { return &Feeds{open: true} }

// ReadFeeds reads a feeds file. Errors name the feed and what to do.
func ReadFeeds(path string) (*Feeds, error) {
	files := filesRead{}
	b, err := files.read("", path)
	if err != nil {
		return nil, err
	}
	return parseFeeds(path, b, files)
}

func parseFeeds(path string, b []byte, files filesRead) (_ *Feeds, err error) {
	var file struct {
		TLS   *feedDoor `yaml:"tls"`
		Feeds []feed    `yaml:"feeds"`
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true) // a word that is not known may be the one that was to keep somebody out
	if err := d.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	dir := filepath.Dir(path)
	if file.TLS != nil {
		if err := file.TLS.open(dir, files); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	for i := range file.Feeds {
		f := &file.Feeds[i]
		if f.source, err = nhs.ParseFeed(f.Source); err != nil {
			return nil, fmt.Errorf("%s: feed %d: %w", path, i+1, err)
		}
		if !slices.Contains([]string{"", "report", "refuse"}, f.Profiles) {
			return nil, fmt.Errorf("%s: feed %s: profiles is report or refuse", path, f.Source)
		}
		for _, code := range f.Labels {
			l := policy.ParseLabel(code)
			if l == 0 {
				return nil, fmt.Errorf("%s: feed %s: there is no label %q", path, f.Source, code)
			}
			f.labels |= l
		}
		if f.Facility == "" && f.Profiles == "" && f.labels == 0 {
			return nil, fmt.Errorf("%s: feed %s: say its facility, which is MSH-4 of its messages", path, f.Source)
		}
		for _, p := range f.From {
			prefix, err := netip.ParsePrefix(p)
			if err != nil {
				if a, err2 := netip.ParseAddr(p); err2 == nil {
					prefix, err = a.Prefix(a.BitLen())
				}
			}
			if err != nil {
				return nil, fmt.Errorf("%s: feed %s: from holds addresses such as 10.1.0.0/16: %w", path, f.Source, err)
			}
			f.prefixes = append(f.prefixes, prefix)
		}
		if f.TLS != nil {
			if err := f.TLS.open(dir, files, file.TLS); err != nil {
				return nil, fmt.Errorf("%s: feed %s: %w", path, f.Source, err)
			}
		}
	}
	return &Feeds{feeds: file.Feeds, door: file.TLS, path: path, files: files}, nil
}

// Wish has what the sources of a feeds file wish be done: about profiles, labels and
// certificates.
func (r *Region) Wish(f *Feeds) error {
	if f == nil {
		return nil
	}
	r.admitted.Store(f)
	r.mapper.profiles.Store(f)
	changed, err := r.labels.from(f.Labelled())
	if changed && r.Log != nil {
		r.Log.Info("the labels of sources have changed: what comes is labelled by them, and what is there by selda reindex")
	}
	return err
}

// Profiles is what a source wants done about profiles.
func (f *Feeds) Profiles(source nhs.Source) api.Profiles {
	for i := range f.feeds {
		if f.feeds[i].source == source && f.feeds[i].Profiles == "refuse" {
			return api.RefuseProfiles
		}
	}
	return api.ReportProfiles
}

// Admit gives the source that a message comes from; or, of a sender that is not
// admitted, why not.
func (f *Feeds) Admit(m *hl7v2.Message, peer net.Addr, now time.Time) (nhs.Source, string) {
	const unknown = "this sender is not admitted: ask the exchange to add its feed"
	addr := address(peer)
	if f.open {
		source := sourceOf(m.SendingFacility(), m.SendingApplication())
		if !addr.IsLoopback() || source.Organisation() == nhs.Exchange {
			return "", unknown
		}
		return source, ""
	}
	secured, overTLS := peer.(mllp.Peer)
	var proven []*feed
	if overTLS {
		var why string
		if proven, why = f.whose(secured.Certificates, now); why != "" {
			return "", why
		}
	}
	why := unknown
	for i := range f.feeds {
		x := &f.feeds[i]
		if x.Facility == "" || x.Facility != m.SendingFacility() || x.Application != "" && x.Application != m.SendingApplication() || !x.from(addr) {
			continue
		}
		switch {
		case overTLS && !slices.Contains(proven, x):
			why = "the certificate is of " + sourcesOf(proven) + ", and MSH-4 and MSH-3 say another sender"
		case !overTLS && x.TLS != nil:
			why = "this sender is admitted over TLS alone, by its certificate"
		default:
			return x.source, ""
		}
	}
	if overTLS && why == unknown {
		why = "the certificate is of " + sourcesOf(proven) + ", and MSH-4 and MSH-3 say another sender"
	}
	return "", why
}

// from says whether a feed sends from an address.
func (x *feed) from(addr netip.Addr) bool {
	return len(x.prefixes) == 0 || slices.ContainsFunc(x.prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

func sourcesOf(list []*feed) string {
	var names []string
	for _, x := range list {
		names = append(names, string(x.source))
	}
	return strings.Join(names, ", ")
}

func address(a net.Addr) netip.Addr {
	if p, ok := a.(mllp.Peer); ok {
		a = p.Addr
	}
	if t, ok := a.(*net.TCPAddr); ok {
		if ip, ok := netip.AddrFromSlice(t.IP); ok {
			return ip.Unmap()
		}
	}
	return netip.Addr{}
}

// sourceOf makes a source's name of MSH-4 and MSH-3, leaving out what a name
// can't hold.
func sourceOf(facility, application string) nhs.Source {
	keep := func(s, more string, n int) string {
		s = strings.Map(func(c rune) rune {
			if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.ContainsRune(more, c) {
				return c
			}
			return -1
		}, s)
		return s[:min(len(s), n)]
	}
	org, sys := keep(facility, "", 12), keep(application, "-_.", 32)
	if org == "" {
		org = "UNKNOWN"
	}
	if sys == "" {
		sys = "SYS"
	}
	return nhs.Source(strings.ToUpper(org) + ":" + sys)
}
