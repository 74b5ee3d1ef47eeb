package region

import (
	"net"
	"strings"
	"testing"
	"time"

	"selda/hl7v2"
	"selda/nhs"
)

const someFeeds = `feeds:
  - source: RJZ:PAS
    facility: RJZ
    application: PAS
    from: [10.20.0.0/16, 192.0.2.7]
  - source: RJ1:EPR
    facility: RJ1
`

func header(t *testing.T, facility, application string) *hl7v2.Message {
	t.Helper()
	m, err := hl7v2.Parse([]byte("MSH|^~\\&|" + application + "|" + facility + "|||20261101||ADT^A01|1|P|2.4\r"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFeedsAdmitWhomTheyName(t *testing.T) {
	f, err := parseFeeds("feeds.yaml", []byte(someFeeds), filesRead{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		facility, application, ip string
		want                      nhs.Source
	}{
		{"RJZ", "PAS", "10.20.3.4", "RJZ:PAS"},
		{"RJZ", "PAS", "192.0.2.7", "RJZ:PAS"},
		{"RJZ", "PAS", "::ffff:10.20.3.4", "RJZ:PAS"},
		{"RJZ", "PAS", "192.0.2.8", ""},
		{"RJZ", "PAS", "127.0.0.1", ""}, // with a file, this machine is nobody special
		{"RJZ", "LAB", "10.20.3.4", ""},
		{"RJ1", "anything", "203.0.113.9", "RJ1:EPR"},
		{"", "", "127.0.0.1", ""},
	} {
		source, why := f.Admit(header(t, c.facility, c.application), &net.TCPAddr{IP: net.ParseIP(c.ip)}, time.Now())
		if source != c.want || (why == "") != (c.want != "") {
			t.Errorf("%+v: %q %v", c, source, why)
		}
	}
}

// A feeds file is read whole or refused; a source that it admits is one. With
// none, what a sender calls itself becomes a source's name, whatever it is.
func FuzzFeeds(f *testing.F) {
	f.Add([]byte(someFeeds), "RJZ", "PAS")
	f.Add([]byte("feeds:\n  - source: x"), "", "")
	f.Add([]byte("feeds: [{source: 'A:B', facility: '*', from: [::/0]}]"), "a b", "ü^&")
	f.Fuzz(func(t *testing.T, file []byte, facility, application string) {
		one := func(s string) string {
			return strings.Map(func(r rune) rune { return map[bool]rune{true: r, false: -1}[r >= ' ' && r != '|'] }, s)
		}
		m, err := hl7v2.Parse([]byte("MSH|^~\\&|" + one(application) + "|" + one(facility) + "|||20261101||ADT^A01|1|P|2.4\r"))
		if err != nil {
			return
		}
		here := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
		admitted := func(feeds *Feeds) {
			if source, why := feeds.Admit(m, here, time.Now()); why == "" {
				if _, err := nhs.ParseSource(string(source)); err != nil {
					t.Errorf("%q is admitted: %v", source, err)
				}
			}
		}
		admitted(OpenFeeds())
		if feeds, err := parseFeeds("feeds.yaml", file, filesRead{}); err == nil {
			admitted(feeds)
		}
	})
}
