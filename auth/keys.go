package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"selda/fault"
	"selda/internal/document"
)

// keys are the signing keys of a region, as a JSON Web Key Set. The first signs; all
// of them verify until they retire, so that a new first key leaves old tokens valid.
type keys struct {
	docs document.Store
	name string

	mu   sync.Mutex
	set  keySet
	read time.Time
}

// keySet is the document of keys.
type keySet struct {
	Keys []jose.JSONWebKey `json:"keys"`
	// Retires is when a key that signs no more verifies no more, by its kid.
	Retires map[string]time.Time `json:"retires,omitempty"`
}

// keysFor is how long keys are used before they are read again: another node may have
// made new ones.
const keysFor = 5 * time.Second

// openKeys reads the keys, and makes one where there is no document yet.
func openKeys(docs document.Store, name string) (*keys, error) {
	k := &keys{docs: docs, name: name}
	return k, k.load()
}

// load reads the keys anew.
func (k *keys) load() error {
	const op = "auth.openKeys"
	b, version, err := k.docs.Load(k.name)
	if err == nil && version == 0 {
		if err = k.save(keySet{}, 0, time.Time{}, false); err == nil || fault.Is(err, fault.Conflict) { // another node was quicker
			b, _, err = k.docs.Load(k.name)
		}
	}
	if err != nil {
		return fault.E(op, err)
	}
	set, err := parseKeys(b)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.set, k.read = set, time.Now()
	return nil
}

func parseKeys(b []byte) (set keySet, err error) {
	const op = "auth.openKeys"
	if err := json.Unmarshal(b, &set); err != nil || len(set.Keys) == 0 {
		return set, fault.E(op, fault.Structure, "the file of keys is not a set of JSON Web Keys", "auth/keys.json")
	}
	for _, key := range set.Keys {
		private, ok := key.Key.(*ecdsa.PrivateKey)
		if !ok || key.KeyID == "" || private.Curve != elliptic.P256() {
			return set, fault.E(op, fault.Value, "each key is a private P-256 key with a kid", "auth/keys.json")
		}
	}
	return set, nil
}

// save keeps a set with a new first key. Those of before verify until retire, or, at
// once, not any more.
func (k *keys) save(set keySet, version int64, retire time.Time, atOnce bool) error {
	const op = "auth.makeKeys"
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fault.E(op, err)
	}
	key := jose.JSONWebKey{Key: private, Algorithm: string(jose.ES256), Use: "sig"}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return fault.E(op, err)
	}
	key.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	next := keySet{Keys: []jose.JSONWebKey{key}, Retires: map[string]time.Time{}}
	for _, old := range set.Keys {
		if at, said := set.Retires[old.KeyID]; !atOnce && (!said || time.Now().Before(at)) {
			next.Keys = append(next.Keys, old)
			if next.Retires[old.KeyID] = at; !said {
				next.Retires[old.KeyID] = retire
			}
		}
	}
	b, err := json.Marshal(next)
	if err != nil {
		return fault.E(op, err)
	}
	return k.docs.Save(k.name, b, version)
}

// rotate makes a new key, which signs from now on at this node, and within seconds at
// every other. Tokens of before hold for as long as any may last; or, at once, not any
// more.
func (k *keys) rotate(now time.Time, atOnce bool) error {
	const op = "auth.rotate"
	b, version, err := k.docs.Load(k.name)
	if err != nil {
		return fault.E(op, err)
	}
	set, err := parseKeys(b)
	if err == nil {
		err = k.save(set, version, now.Add(MaxTokenTTL).UTC().Truncate(time.Second), atOnce)
	}
	if err != nil {
		return fault.E(op, err)
	}
	return k.load()
}

// now is the set as it is kept now.
func (k *keys) now() keySet {
	k.mu.Lock()
	stale := time.Since(k.read) > keysFor
	if stale {
		k.read = time.Now() // one reads, others go on with what there is
	}
	k.mu.Unlock()
	if stale {
		_ = k.load() // else those of before serve a while longer
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.set
}

// verifies says whether a key verifies still.
func (s keySet) verifies(key jose.JSONWebKey) bool {
	at, said := s.Retires[key.KeyID]
	return !said || time.Now().Before(at)
}

// signing is the key that signs.
func (k *keys) signing() jose.JSONWebKey { return k.now().Keys[0] }

// public is what others verify with.
func (k *keys) public() jose.JSONWebKeySet {
	var p jose.JSONWebKeySet
	set := k.now()
	for _, key := range set.Keys {
		if set.verifies(key) {
			p.Keys = append(p.Keys, key.Public())
		}
	}
	return p
}

// newKeysEvery is how often a key that nobody knows makes the keys be read anew.
const newKeysEvery = time.Second

// verifying is the public key of a kid.
func (k *keys) verifying(kid string) (jose.JSONWebKey, bool) {
	for range 2 {
		set := k.now()
		for _, key := range set.Keys {
			if key.KeyID == kid && set.verifies(key) {
				return key.Public(), true
			}
		}
		k.mu.Lock()
		stale := time.Since(k.read) > newKeysEvery
		k.mu.Unlock()
		if !stale || k.load() != nil {
			break
		}
	}
	return jose.JSONWebKey{}, false
}

// has says whether a key verifies still.
func (k *keys) has(kid string) bool {
	set := k.now()
	for _, key := range set.Keys {
		if key.KeyID == kid {
			return set.verifies(key)
		}
	}
	return false
}

// SigningKey names the key that signs tokens.
func (t *Tokens) SigningKey() string { return t.keys.signing().KeyID }

// RotateKeys has tokens be signed by a new key. Those that were given hold until they
// end; or, at once, not any more: everybody signs in anew.
func (t *Tokens) RotateKeys(now time.Time, atOnce bool) error { return t.keys.rotate(now, atOnce) }
