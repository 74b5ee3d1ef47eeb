package provider

import (
	"net/netip"
	"sync"
	"time"
)

// How guessing is slowed down. An account has a few free tries; an address has
// more, since a whole hospital may come from one. Then each try doubles the
// wait, to a minute: long enough for a guesser, short enough that nobody is
// locked out by somebody else.
const (
	freeForUser    = 3
	freeForAddress = 20
	longestWait    = time.Minute
	forgetAfter    = 15 * time.Minute
	maxTries       = 50_000
)

// tries counts the tries that have not succeeded, by account and by address.
type tries struct {
	mu sync.Mutex
	m  map[string]try
}

type try struct {
	count int
	last  time.Time
}

// try counts one more, before its password is checked, so that many at once
// are no way round. It says how long to wait where it is too soon; that one is
// not counted.
func (t *tries) try(user, address string, now time.Time) time.Duration {
	u, a := "user "+user, "address "+Network(address)
	t.mu.Lock()
	defer t.mu.Unlock()
	if wait := max(t.wait(u, freeForUser, now), t.wait(a, freeForAddress, now)); wait > 0 {
		return wait
	}
	t.prune(now)
	for _, k := range []string{u, a} {
		t.m[k] = try{t.m[k].count + 1, now}
	}
	return 0
}

func (t *tries) wait(key string, free int, now time.Time) time.Duration {
	e, ok := t.m[key]
	if !ok || e.count < free || now.Sub(e.last) > forgetAfter {
		return 0
	}
	wait := longestWait
	if n := e.count - free; n < 6 {
		wait = time.Second << n
	}
	return e.last.Add(wait).Sub(now)
}

// forget takes back a try that was right: the account starts anew, the address
// has one less.
func (t *tries) forget(user, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.m, "user "+user)
	a := "address " + Network(address)
	if e, ok := t.m[a]; ok && e.count > 1 {
		t.m[a] = try{e.count - 1, e.last}
	} else {
		delete(t.m, a)
	}
}

// prune keeps the memory bounded.
func (t *tries) prune(now time.Time) {
	if t.m == nil {
		t.m = map[string]try{}
	}
	if len(t.m) < maxTries {
		return
	}
	for k, e := range t.m {
		if now.Sub(e.last) > forgetAfter {
			delete(t.m, k)
		}
	}
	for k := range t.m {
		if len(t.m) < maxTries*9/10 {
			return
		}
		delete(t.m, k)
	}
}

// Network is the address itself, and of IPv6 its /64: a household has that many.
func Network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	p, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}
