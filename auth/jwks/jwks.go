// Package jwks finds in a set of public keys the one that a signature was made with. It
// fetches none and checks no signature: it is what auth/app and auth/party have in common,
// who get their sets from applications and from providers.
//
// RFC 7517, RFC 7518 section 3.1.
package jwks

import (
	"crypto/ecdsa"
	"crypto/rsa"

	"github.com/go-jose/go-jose/v4"
)

// leastRSA is how long an RSA key is at least: RFC 7518, section 3.3.
const leastRSA = 2048

// curves are the sizes of the curves that the algorithms of ECDSA go with.
var curves = map[jose.SignatureAlgorithm]int{jose.ES256: 256, jose.ES384: 384, jose.ES512: 521}

// Pick is the public key of a kid that fits an algorithm. A kid that names a key of another
// kind, for another use or for another algorithm is of no use. Which algorithms do at all is
// for who asks to say.
func Pick(set jose.JSONWebKeySet, kid string, alg jose.SignatureAlgorithm) (jose.JSONWebKey, bool) {
	for _, key := range set.Key(kid) {
		if key.Use != "" && key.Use != "sig" || key.Algorithm != "" && key.Algorithm != string(alg) {
			continue
		}
		switch public := key.Key.(type) {
		case *rsa.PublicKey:
			switch alg {
			case jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512:
				if public.N.BitLen() >= leastRSA {
					return key, true
				}
			}
		case *ecdsa.PublicKey:
			if want := curves[alg]; want != 0 && public.Curve.Params().BitSize == want {
				return key, true
			}
		}
	}
	return jose.JSONWebKey{}, false
}
