package region

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the addresses of what stands in front of the server and spreads the
// load or ends TLS. What others write into X-Forwarded-For is not believed: it would
// put a false address into the trail, and let guessers go round the bounds of one.
type Proxies []netip.Prefix

// ParseProxies reads addresses and ranges such as 10.20.0.0/16.
func ParseProxies(list []string) (Proxies, error) {
	var out Proxies
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a, err2 := netip.ParseAddr(s)
			if err2 != nil {
				return nil, fmt.Errorf("a proxy is named by its address, or by a range such as 10.20.0.0/16: not %q", s)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func (p Proxies) has(a netip.Addr) bool {
	for _, x := range p {
		if x.Contains(a) {
			return true
		}
	}
	return false
}

// behind has everything below know the address that a proxy was called from, in the
// place of the proxy's own: the last one that is no proxy's.
func (p Proxies) behind(next http.Handler) http.Handler {
	if len(p) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			if from := p.from(at.Addr().Unmap(), r.Header.Values("X-Forwarded-For")); from != at.Addr().Unmap() {
				r.RemoteAddr = net.JoinHostPort(from.String(), "0")
			}
		}
		next.ServeHTTP(w, r)
	})
}

// from goes back from the peer, as long as it is a proxy that says who called it.
func (p Proxies) from(peer netip.Addr, forwarded []string) netip.Addr {
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for i := len(hops) - 1; i >= 0 && p.has(peer); i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return peer
		}
		peer = a.Unmap().WithZone("")
	}
	return peer
}
