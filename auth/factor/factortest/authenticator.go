// Package factortest is an authenticator in software, for tests: what a passkey on
// a telephone would answer.
package factortest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
)

// Key is a passkey on an authenticator.
type Key struct {
	Private *ecdsa.PrivateKey
	ID      []byte
	Handle  []byte
	Site    string
	Count   uint32
	// Unverified has it answer without having asked whose finger it is.
	Unverified bool
	// Origin is where the browser says that it is.
	Origin string
}

var b64 = base64.RawURLEncoding.EncodeToString

// options are what a page is told, as much as an authenticator needs.
type options struct {
	PublicKey struct {
		Challenge string `json:"challenge"`
		RPID      string `json:"rpId"`
		RP        struct{ ID string }
		User      struct {
			ID string `json:"id"`
		} `json:"user"`
	} `json:"publicKey"`
}

func read(t testing.TB, b []byte) (o options) {
	t.Helper()
	if err := json.Unmarshal(b, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// clientData is what the browser adds. https://www.w3.org/TR/webauthn-3/#dictionary-client-data
func clientData(kind, challenge, origin string) []byte {
	b, _ := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false})
	return b
}

func (k *Key) data(more []byte, flags byte) []byte {
	sum := sha256.Sum256([]byte(k.Site))
	flags |= 0x01
	if !k.Unverified {
		flags |= 0x04
	}
	d := append(sum[:], flags)
	d = binary.BigEndian.AppendUint32(d, k.Count)
	return append(d, more...)
}

// Create answers navigator.credentials.create at an origin.
func Create(t testing.TB, opts []byte, origin string) (*Key, []byte) {
	t.Helper()
	o := read(t, opts)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	handle, err := base64.RawURLEncoding.DecodeString(o.PublicKey.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	k := &Key{Private: private, ID: make([]byte, 32), Handle: handle, Site: o.PublicKey.RP.ID, Origin: origin, Count: 1}
	_, _ = rand.Read(k.ID)
	public, err := private.PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	// COSE_Key {1: 2, 3: -7, -1: 1, -2: x, -3: y}: RFC 9052, section 7.
	cose := append([]byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20}, public[1:33]...)
	cose = append(append(cose, 0x22, 0x58, 0x20), public[33:]...)
	attested := append(make([]byte, 16), 0, byte(len(k.ID)))
	attested = append(append(attested, k.ID...), cose...)
	d := k.data(attested, 0x40)
	// {"fmt": "none", "attStmt": {}, "authData": d}
	object := append([]byte{0xa3, 0x63}, "fmt\x64none\x67attStmt\xa0\x68authData\x58"...)
	object = append(append(object, byte(len(d))), d...)
	answer, _ := json.Marshal(map[string]any{"id": b64(k.ID), "rawId": b64(k.ID), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": b64(clientData("webauthn.create", o.PublicKey.Challenge, origin)), "attestationObject": b64(object), "transports": []string{"internal"}}})
	return k, answer
}

// Get answers navigator.credentials.get.
func (k *Key) Get(t testing.TB, opts []byte) []byte {
	t.Helper()
	o := read(t, opts)
	d := k.data(nil, 0)
	client := clientData("webauthn.get", o.PublicKey.Challenge, k.Origin)
	sum := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte{}, d...), sum[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.Private, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := json.Marshal(map[string]any{"id": b64(k.ID), "rawId": b64(k.ID), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(d), "signature": b64(signature), "userHandle": b64(k.Handle)}})
	return answer
}
