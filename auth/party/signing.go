package party

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"selda/fault"
	"selda/internal/document"
)

// The life of a key with which this system proves itself at providers. A new one is
// published for a day before it signs, since providers keep what they have read; the old
// one is published for a day after it has signed last.
const (
	keyAhead  = 24 * time.Hour
	keySigns  = 365 * 24 * time.Hour
	keyBits   = 3072
	assertFor = 5 * time.Minute
)

// Signing are RSA keys with which this system signs what others hold against its published
// keys, in a small document that nodes share. It must be made by OpenSigning.
type Signing struct {
	docs document.Store
	name string
	alg  jose.SignatureAlgorithm
	mu   sync.Mutex // of one process; nodes are kept apart by versions
}

// ownKey is a key as it is kept.
type ownKey struct {
	Made time.Time       `json:"made"`
	Key  jose.JSONWebKey `json:"key"`
}

// OpenSigning gives the keys under a name, for one algorithm of RSA. The first is made when
// it is first needed.
func OpenSigning(docs document.Store, name string, alg jose.SignatureAlgorithm) *Signing {
	return &Signing{docs: docs, name: name, alg: alg}
}

// load reads the keys, makes one where there is none or the newest is a year old, and
// drops those that nobody needs any more.
func (s *Signing) load(now time.Time, rotate bool) ([]ownKey, error) {
	const op = "party.Signing"
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		b, version, err := s.docs.Load(s.name)
		var list []ownKey
		if err == nil && b != nil {
			if json.Unmarshal(b, &list) != nil {
				err = fault.E(op, fault.Structure, "the keys are not what SELDA wrote", s.name)
			}
		}
		if err != nil {
			return nil, fault.E(op, err)
		}
		next := kept(list, now)
		if len(next) == 0 || rotate || now.Sub(next[len(next)-1].Made) >= keySigns {
			k, err := makeKey(now, s.alg)
			if err != nil {
				return nil, fault.E(op, err)
			}
			next = append(next, k)
		} else if len(next) == len(list) {
			return list, nil
		}
		if b, err = json.Marshal(next); err == nil {
			err = s.docs.Save(s.name, b, version)
		}
		if err == nil {
			return next, nil
		}
		if !fault.Is(err, fault.Conflict) { // else another node was quicker
			return nil, fault.E(op, err)
		}
	}
}

// kept are the keys without those whose successor has signed for a day.
func kept(list []ownKey, now time.Time) []ownKey {
	at := signer(list, now)
	if at > 0 && now.Sub(list[at].Made) >= 2*keyAhead {
		return slices.Clone(list[at:])
	}
	return list
}

// signer is the key that signs: the newest that has been published for a day, or the
// first.
func signer(list []ownKey, now time.Time) int {
	for i := len(list) - 1; i > 0; i-- {
		if now.Sub(list[i].Made) >= keyAhead {
			return i
		}
	}
	return 0
}

func makeKey(now time.Time, alg jose.SignatureAlgorithm) (ownKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return ownKey{}, err
	}
	key := jose.JSONWebKey{Key: private, Algorithm: string(alg), Use: "sig"}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return ownKey{}, err
	}
	key.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	return ownKey{now, key}, nil
}

// Rotate adds a key, which signs from tomorrow on.
func (s *Signing) Rotate(now time.Time) error {
	_, err := s.load(now, true)
	return err
}

// Public are the keys that others hold signatures against.
func (s *Signing) Public(now time.Time) (jose.JSONWebKeySet, error) {
	list, err := s.load(now, false)
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range list {
		set.Keys = append(set.Keys, k.Key.Public())
	}
	return set, err
}

// Assertion is what this system signs of itself, for a token endpoint.
// RFC 7523, section 3; NHS login and CIS2 take RS512.
func (s *Signing) Assertion(client, audience string, now time.Time) (string, error) {
	return s.Sign(now, jwt.Claims{Issuer: client, Subject: client, Audience: jwt.Audience{audience}, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(assertFor))})
}

// Sign makes a token of claims with the key that signs now.
func (s *Signing) Sign(now time.Time, claims ...any) (string, error) {
	const op = "party.Sign"
	list, err := s.load(now, false)
	if err != nil {
		return "", err
	}
	sig, err := jose.NewSigner(jose.SigningKey{Algorithm: s.alg, Key: list[signer(list, now)].Key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fault.E(op, err)
	}
	t := jwt.Signed(sig)
	for _, c := range claims {
		t = t.Claims(c)
	}
	out, err := t.Serialize()
	if err != nil {
		return "", fault.E(op, err)
	}
	return out, nil
}
