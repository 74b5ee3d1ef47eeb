package provider

import (
	"net/netip"
	"sync"
	"time"
)

// How guessing is slowed down. An account has a few free tries from one network; a
// network has more for all, since a whole hospital may come from one; and so has an
// account from all networks together, since a guesser may have many. Then each try
// doubles the wait, to a minute. What is tried elsewhere is not held against a network
// from which the account has signed in: a guesser would lock its people out.
const (
	freeForUser    = 3
	freeForAddress = 20
	freeForAll     = 30
	knownFor       = 90 * 24 * time.Hour
	longestWait    = time.Minute
	forgetAfter    = 15 * time.Minute
	maxTries       = 50_000
)

// tries counts the tries that have not succeeded, by account, by network and by both.
type tries struct {
	mu    sync.Mutex
	m     map[string]try
	known map[string]time.Time // when an account signed in from a network last
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
	both := u + " " + a
	t.mu.Lock()
	defer t.mu.Unlock()
	wait := max(t.wait(both, freeForUser, now), t.wait(a, freeForAddress, now))
	if at, ok := t.known[both]; !ok || now.Sub(at) > knownFor {
		wait = max(wait, t.wait(u, freeForAll, now))
	}
	if wait > 0 {
		return wait
	}
	t.prune(now)
	for _, k := range []string{u, a, both} {
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

// right notes that an account signed in from a network.
func (t *tries) right(user, address string, now time.Time) {
	t.forget(user, address)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil || len(t.known) >= maxTries {
		t.known = map[string]time.Time{} // who comes next is known again
	}
	t.known["user "+user+" address "+Network(address)] = now
}

// forget takes back a try that was right, or was no try: the account starts anew from
// there, the address has one less. What others tried elsewhere stays counted.
func (t *tries) forget(user, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.m, "user "+user+" address "+Network(address))
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
