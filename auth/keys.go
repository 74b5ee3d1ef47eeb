package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"

	"github.com/go-jose/go-jose/v4"

	"selda/fault"
	"selda/internal/document"
)

// keys are the signing keys of a data folder, as a JSON Web Key Set. The first
// signs; all of them verify, so that a new first key leaves old tokens valid.
type keys struct{ set jose.JSONWebKeySet }

// openKeys reads the keys, and makes one where there is no document yet.
func openKeys(docs document.Store, name string) (*keys, error) {
	const op = "auth.openKeys"
	b, version, err := docs.Load(name)
	if err == nil && version == 0 {
		if err = makeKeys(docs, name); err == nil || fault.Is(err, fault.Conflict) { // another node was quicker
			b, _, err = docs.Load(name)
		}
	}
	if err != nil {
		return nil, fault.E(op, err)
	}
	k := &keys{}
	if err := json.Unmarshal(b, &k.set); err != nil || len(k.set.Keys) == 0 {
		return nil, fault.E(op, fault.Structure, "the file of keys is not a set of JSON Web Keys", "auth/keys.json")
	}
	for _, key := range k.set.Keys {
		private, ok := key.Key.(*ecdsa.PrivateKey)
		if !ok || key.KeyID == "" || private.Curve != elliptic.P256() {
			return nil, fault.E(op, fault.Value, "each key is a private P-256 key with a kid", "auth/keys.json")
		}
	}
	return k, nil
}

func makeKeys(docs document.Store, name string) error {
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
	b, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
	if err != nil {
		return fault.E(op, err)
	}
	return docs.Save(name, b, 0)
}

// signing is the key that signs.
func (k *keys) signing() jose.JSONWebKey { return k.set.Keys[0] }

// public is what others verify with.
func (k *keys) public() jose.JSONWebKeySet {
	var p jose.JSONWebKeySet
	for _, key := range k.set.Keys {
		p.Keys = append(p.Keys, key.Public())
	}
	return p
}

// verifying is the public key of a kid.
func (k *keys) verifying(kid string) (jose.JSONWebKey, bool) {
	for _, key := range k.set.Keys {
		if key.KeyID == kid {
			return key.Public(), true
		}
	}
	return jose.JSONWebKey{}, false
}
