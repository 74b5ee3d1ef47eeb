package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/go-jose/go-jose/v4"

	"selda/fault"
)

// keys are the signing keys of a data folder, as a JSON Web Key Set. The first
// signs; all of them verify, so that a new first key leaves old tokens valid.
type keys struct{ set jose.JSONWebKeySet }

// openKeys reads the keys, and makes one where there is no file yet.
func openKeys(path string) (*keys, error) {
	const op = "auth.openKeys"
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKeys(path)
	} else if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
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
	// A copy of the folder may have lost the mode.
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	return k, nil
}

func makeKeys(path string) (*keys, error) {
	const op = "auth.makeKeys"
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fault.E(op, err)
	}
	key := jose.JSONWebKey{Key: private, Algorithm: string(jose.ES256), Use: "sig"}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fault.E(op, err)
	}
	key.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	k := &keys{jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}}}
	b, err := json.Marshal(k.set)
	if err != nil {
		return nil, fault.E(op, err)
	}
	if err := writeFile(path, b); err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	return k, nil
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
