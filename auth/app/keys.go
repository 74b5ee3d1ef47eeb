package app

import (
	"context"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/go-jose/go-jose/v4"

	"selda/auth/jwks"
	"selda/fault"
	"selda/internal/reach"
)

// Keys finds the public keys of applications: those that were registered, or at
// their jwks_uri. An address is asked at most once a minute, with bounds on time
// and size; no redirect is followed, and nothing inside a network is called, so
// that a registration is no way to have this server ask where only it can.
type Keys struct {
	client *http.Client

	mu    sync.Mutex
	found map[string]fetched
}

type fetched struct {
	set jose.JSONWebKeySet
	at  time.Time
	err error
}

const (
	keysHold  = 10 * time.Minute
	keysAgain = time.Minute // not sooner, whatever kid is asked for
	keysWait  = 5 * time.Second
	maxFound  = 1000
)

// NewKeys makes Keys. loopback lets it call this very machine, for tests.
func NewKeys(loopback bool) *Keys {
	d := &net.Dialer{Timeout: keysWait, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !reach.Public(at.Addr()) && !(loopback && at.Addr().Unmap().IsLoopback()) {
			return fault.E("app.Keys", fault.Security, "that address is not a public one")
		}
		return nil
	}}
	t := &http.Transport{DialContext: d.DialContext, TLSHandshakeTimeout: keysWait, ResponseHeaderTimeout: keysWait, MaxResponseHeaderBytes: 16 << 10, DisableKeepAlives: true}
	return &Keys{client: &http.Client{Transport: t, Timeout: keysWait, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, found: map[string]fetched{}}
}

// of is the key of an application that an assertion names.
func (k *Keys) of(ctx context.Context, a *App, kid string, alg jose.SignatureAlgorithm) (jose.JSONWebKey, error) {
	none := fault.E("app.Keys", fault.Login, "the client has no such key")
	if kid == "" {
		return jose.JSONWebKey{}, none
	}
	if len(a.Keys) > 0 {
		set, err := ParseKeys(a.Keys)
		if err != nil {
			return jose.JSONWebKey{}, err
		}
		if key, ok := jwks.Pick(set, kid, alg); ok {
			return key, nil
		}
		return jose.JSONWebKey{}, none
	}
	for again := false; ; again = true {
		set, fresh, err := k.at(ctx, a.KeysURI, again)
		if err != nil {
			return jose.JSONWebKey{}, err
		}
		if key, ok := jwks.Pick(set, kid, alg); ok {
			return key, nil
		}
		if again || fresh {
			return jose.JSONWebKey{}, none
		}
	}
}

// at gives the keys at an address; fresh says that they were read just now.
func (k *Keys) at(ctx context.Context, uri string, again bool) (set jose.JSONWebKeySet, fresh bool, err error) {
	k.mu.Lock()
	f, ok := k.found[uri]
	k.mu.Unlock()
	hold := keysHold
	if again || f.err != nil {
		hold = keysAgain
	}
	if ok && time.Since(f.at) < hold {
		return f.set, false, f.err
	}
	f = fetched{at: time.Now()}
	// A caller who goes away is not to leave others a failure.
	f.set, f.err = k.fetch(context.WithoutCancel(ctx), uri)
	k.mu.Lock()
	if len(k.found) >= maxFound {
		clear(k.found)
	}
	k.found[uri] = f
	k.mu.Unlock()
	return f.set, true, f.err
}

func (k *Keys) fetch(ctx context.Context, uri string) (set jose.JSONWebKeySet, err error) {
	const op = "app.fetch"
	failed := fault.E(op, fault.Login, "the keys at the client's jwks_uri can't be read")
	if !redirectable(uri) {
		return set, failed
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return set, failed
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := k.client.Do(req)
	if err != nil {
		return set, failed
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxKeys+1))
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || res.StatusCode != http.StatusOK || kind == "text/html" {
		return set, failed
	}
	if set, err = ParseKeys(b); err != nil {
		return set, failed
	}
	return set, nil
}
