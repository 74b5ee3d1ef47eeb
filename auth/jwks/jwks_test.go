package jwks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// A key is picked for its own kid, use and algorithm: never one that is weak, secret or
// private, nor the key of one kind for the algorithm of another.
func TestPick(t *testing.T) {
	long, err1 := rsa.GenerateKey(rand.Reader, 2048)
	short, err2 := rsa.GenerateKey(rand.Reader, 1024)
	curve, err3 := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	key := func(kid string, k any, use, alg string) jose.JSONWebKey {
		return jose.JSONWebKey{KeyID: kid, Key: k, Use: use, Algorithm: alg}
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		key("rsa", &long.PublicKey, "", ""), key("sig", &long.PublicKey, "sig", "RS512"), key("enc", &long.PublicKey, "enc", ""), key("short", &short.PublicKey, "", ""),
		key("curve", &curve.PublicKey, "", ""), key("secret", []byte("0123456789abcdef0123456789abcdef"), "", ""), key("private", long, "", ""),
		key("both", &curve.PublicKey, "", ""), key("both", &long.PublicKey, "", ""),
	}}
	for _, c := range []struct {
		kid  string
		alg  jose.SignatureAlgorithm
		want bool
	}{
		{"rsa", jose.RS256, true}, {"rsa", jose.PS512, true}, {"rsa", jose.ES384, false}, {"rsa", jose.HS256, false}, {"rsa", "RSA-OAEP", false}, {"rsa", "", false}, {"rsa", "none", false},
		{"sig", jose.RS512, true}, {"sig", jose.RS256, false}, {"enc", jose.RS256, false}, {"short", jose.RS256, false},
		{"curve", jose.ES384, true}, {"curve", jose.ES256, false}, {"curve", jose.RS384, false}, {"secret", jose.HS256, false}, {"private", jose.RS256, false},
		{"both", jose.ES384, true}, {"both", jose.RS384, true}, {"", jose.RS256, false}, {"other", jose.RS256, false},
	} {
		if _, ok := Pick(set, c.kid, c.alg); ok != c.want {
			t.Errorf("%q for %q: %v", c.kid, c.alg, ok)
		}
	}
}
