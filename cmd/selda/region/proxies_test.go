package region

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// The address of a caller is the peer's own, and behind a proxy that an operator names
// the one that the proxy was called from: nobody chooses theirs by writing a header.
func TestAddressesBehindProxies(t *testing.T) {
	for _, c := range []struct {
		proxies, forwarded []string
		peer, want         string
	}{
		{nil, []string{"1.2.3.4"}, "10.0.0.1:4711", "10.0.0.1:4711"},
		{[]string{"10.0.0.1"}, []string{"1.2.3.4"}, "10.0.0.1:4711", "1.2.3.4:0"},
		{[]string{"10.0.0.0/8"}, []string{"9.9.9.9, 1.2.3.4, 10.0.0.7"}, "10.0.0.1:4711", "1.2.3.4:0"},
		{[]string{"10.0.0.0/8"}, []string{"9.9.9.9", "1.2.3.4"}, "10.0.0.1:4711", "1.2.3.4:0"},
		{[]string{"10.0.0.1"}, []string{"1.2.3.4"}, "10.0.0.2:4711", "10.0.0.2:4711"},
		{[]string{"10.0.0.1"}, []string{"1.2.3.4, what somebody wrote"}, "10.0.0.1:4711", "10.0.0.1:4711"},
		{[]string{"10.0.0.1"}, nil, "10.0.0.1:4711", "10.0.0.1:4711"},
		{[]string{"2001:db8::/32"}, []string{"2a00::5"}, "[2001:db8::1]:4711", "[2a00::5]:0"},
	} {
		p, err := ParseProxies(c.proxies)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		h := p.behind(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.peer
		for _, v := range c.forwarded {
			r.Header.Add("X-Forwarded-For", v)
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got != c.want {
			t.Errorf("proxies %v, peer %s, forwarded %v: %s, not %s", c.proxies, c.peer, c.forwarded, got, c.want)
		}
	}
	if _, err := ParseProxies([]string{"proxy.example"}); err == nil {
		t.Error("a proxy is named by something that is no address")
	}
}
