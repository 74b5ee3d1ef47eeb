package subscription

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"selda/fault"
	"selda/internal/reach"
)

// Calls says where this server may be sent to call: by default to public
// addresses over TLS, so that nobody uses it to reach what only it can.
type Calls struct {
	// Hosts that may be called although they are inside, and without TLS: names
	// as they stand in an endpoint, and address ranges such as 10.20.0.0/16.
	Hosts []string
	// Loopback allows this machine: where the server itself is on loopback only.
	Loopback bool
}

// named says whether a host was allowed by its name.
func (c *Calls) named(host string) bool {
	return slices.ContainsFunc(c.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// allowed says whether an address may be called.
func (c *Calls) allowed(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, h := range c.Hosts {
		if p, err := netip.ParsePrefix(h); err == nil && p.Contains(a) {
			return true
		}
		if b, err := netip.ParseAddr(h); err == nil && b == a {
			return true
		}
	}
	if a.IsLoopback() {
		return c.Loopback
	}
	return reach.Public(a)
}

// check says whether an endpoint may be one. What its name stands for is asked
// each time it is called, since that can change.
func (c *Calls) check(endpoint string) error {
	const place = "Subscription.channel.endpoint"
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" || len(endpoint) > 2000 {
		return refuse(fault.Value, "the endpoint is an https address, without a user or a password", place)
	}
	host := u.Hostname()
	a, addrErr := netip.ParseAddr(host)
	local := strings.EqualFold(host, "localhost") || addrErr == nil && a.Unmap().IsLoopback()
	known := c.named(host) || addrErr == nil && c.listed(a)
	if addrErr == nil && !c.allowed(a) && !known || local && !c.Loopback && !known {
		return refuse(fault.Security, "the endpoint is inside: an operator must allow it by name", place)
	}
	if u.Scheme != "https" && !local && !known {
		return refuse(fault.Security, "the endpoint is called over https", place)
	}
	return nil
}

// listed says whether an address was allowed as such.
func (c *Calls) listed(a netip.Addr) bool {
	only := Calls{Hosts: c.Hosts}
	return len(c.Hosts) > 0 && !(&Calls{}).allowed(a) && only.allowed(a)
}

// dial calls a host, at an address that may be called. It is looked at when the
// connection is made, and not before: a name can stand for another by then.
func (c *Calls) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{}
	if !c.named(host) {
		d.Control = func(_, at string, _ syscall.RawConn) error {
			p, err := netip.ParseAddrPort(at)
			if err != nil || !c.allowed(p.Addr()) {
				return errInside
			}
			return nil
		}
	}
	return d.DialContext(ctx, network, address)
}

var errInside = &rejection{words: "the endpoint is inside: an operator must allow it by name"}
