package region

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"selda/api"
	"selda/hl7v2"
	"selda/nhs"
	"selda/policy"
)

// Feeds says which senders are admitted at the MLLP door, and as which source.
//
//	feeds:
//	  - source: RJZ:PAS
//	    facility: RJZ          # MSH-4
//	    application: PAS       # MSH-3; left out, any
//	    from: [10.1.0.0/16]    # left out, any address
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
}

type feed struct {
	Source      string   `yaml:"source"`
	Facility    string   `yaml:"facility"`
	Application string   `yaml:"application"`
	From        []string `yaml:"from"`
	Profiles    string   `yaml:"profiles"`
	Labels      []string `yaml:"labels"`

	source   nhs.Source
	prefixes []netip.Prefix
	labels   policy.Labels
}

// OpenFeeds admits peers on this machine.
func OpenFeeds() *Feeds { return &Feeds{open: true} }

// ReadFeeds reads a feeds file. Errors name the feed and what to do.
func ReadFeeds(path string) (*Feeds, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseFeeds(path, b)
}

func parseFeeds(path string, b []byte) (_ *Feeds, err error) {
	var file struct {
		Feeds []feed `yaml:"feeds"`
	}
	if err := yaml.Unmarshal(b, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
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
	}
	return &Feeds{feeds: file.Feeds}, nil
}

// Wish has what the sources of a feeds file wish done about profiles be done.
// It is called before anything is served.
func (r *Region) Wish(f *Feeds) error {
	if f == nil {
		return nil
	}
	r.fhir.ProfilesOf = f.Profiles
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

// Admit gives the source that a message comes from; false for a sender that
// is not admitted.
func (f *Feeds) Admit(m *hl7v2.Message, peer net.Addr) (nhs.Source, bool) {
	addr := address(peer)
	if f.open {
		if !addr.IsLoopback() {
			return "", false
		}
		source := sourceOf(m.SendingFacility(), m.SendingApplication())
		return source, source.Organisation() != nhs.Exchange
	}
	for i := range f.feeds {
		x := &f.feeds[i]
		if x.Facility == "" || x.Facility != m.SendingFacility() || x.Application != "" && x.Application != m.SendingApplication() {
			continue
		}
		if len(x.prefixes) == 0 {
			return x.source, true
		}
		for _, p := range x.prefixes {
			if p.Contains(addr) {
				return x.source, true
			}
		}
	}
	return "", false
}

func address(a net.Addr) netip.Addr {
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
