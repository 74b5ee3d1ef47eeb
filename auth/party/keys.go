package party

import (
	"context"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"selda/auth/jwks"
	"selda/fault"
)

// keysHold is how long a provider's keys are used before they are read again: a key
// that it has withdrawn holds no longer than that.
const keysHold = time.Hour

// maxKeys is how many keys of a provider are looked at.
const maxKeys = 100

// keys are a provider's keys. Whoever can send a token here can name a key that is not
// among them: that has the provider asked a few times a minute at most.
type keys struct {
	mu    sync.Mutex
	set   jose.JSONWebKeySet
	at    time.Time
	tries bound
}

// of is the key of a kid that fits an algorithm.
func (k *keys) of(ctx context.Context, p *Party, uri, kid string, alg jose.SignatureAlgorithm) (jose.JSONWebKey, error) {
	const op = "party.key"
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	if now.Sub(k.at) < keysHold {
		if key, ok := jwks.Pick(k.set, kid, alg); ok {
			return key, nil
		}
	}
	if !k.tries.allow(now) {
		return jose.JSONWebKey{}, fault.E(op, fault.Security, "the provider has no such key, and was asked often enough")
	}
	var set jose.JSONWebKeySet
	if err := p.getJSON(context.WithoutCancel(ctx), uri, "", &set); err != nil || len(set.Keys) > maxKeys {
		return jose.JSONWebKey{}, fault.E(op, fault.Transient, "the provider's keys can't be read")
	}
	k.set, k.at = set, now
	if key, ok := jwks.Pick(set, kid, alg); ok {
		return key, nil
	}
	return jose.JSONWebKey{}, fault.E(op, fault.Security, "the provider has no such key")
}
