package subscription

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"selda/fault"
	"selda/fhir"
)

// raw is JSON that is ready.
func raw(b []byte) json.RawMessage { return b }

// sealer keeps headers, which hold passwords and tokens, and makes binding
// tokens: AES-GCM under the region's own key.
type sealer struct{ aead cipher.AEAD }

func newSealer(key []byte) (*sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &sealer{aead}, err
}

func (s *sealer) close(purpose string, plain []byte) []byte {
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce)
	return s.aead.Seal(nonce, nonce, plain, []byte(purpose))
}

func (s *sealer) open(purpose string, sealed []byte) ([]byte, error) {
	if len(sealed) < s.aead.NonceSize() {
		return nil, fault.E("subscription.open", fault.Invalid, "it was not sealed here")
	}
	plain, err := s.aead.Open(nil, sealed[:s.aead.NonceSize()], sealed[s.aead.NonceSize():], []byte(purpose))
	if err != nil {
		return nil, fault.E("subscription.open", fault.Invalid, "it was not sealed here")
	}
	return plain, nil
}

func (s *sealer) closeHeaders(headers []string) ([]byte, error) {
	if len(headers) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(headers)
	return s.close("headers", b), err
}

func (s *sealer) openHeaders(sealed []byte) (headers []string, err error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	b, err := s.open("headers", sealed)
	if err == nil {
		err = json.Unmarshal(b, &headers)
	}
	return headers, err
}

// masked stands for a header's value wherever a Subscription is shown. Who
// sends it back leaves the value as it is.
const masked = "(kept secret)"

func isMasked(header string) bool {
	_, value, _ := strings.Cut(header, ":")
	return strings.TrimSpace(value) == masked
}

// mask is a Subscription without the values of its headers.
func mask(body []byte, headers []string) []byte {
	if len(headers) == 0 {
		return body
	}
	shown := make([]string, len(headers))
	for i, h := range headers {
		name, _, _ := strings.Cut(h, ":")
		shown[i] = name + ": " + masked
	}
	return fhir.Overlay(body, fhir.Marshal(fhir.Object{"channel": fhir.Object{"header": shown}}), "channel")
}

// unmask gives headers that were sent back masked the values that they had.
func unmask(headers, before []string) []string {
	out := make([]string, len(headers))
	for i, h := range headers {
		out[i] = h
		name, _, _ := strings.Cut(h, ":")
		if !isMasked(h) {
			continue
		}
		for _, b := range before {
			if n, _, _ := strings.Cut(b, ":"); strings.EqualFold(n, name) {
				out[i] = b
				break
			}
		}
	}
	return out
}

// binding is what a token lets a socket do.
type binding struct {
	User string    `json:"u"`
	Keys []int64   `json:"k"`
	End  time.Time `json:"e"`
}

func (s *sealer) bindingToken(b binding) (string, error) {
	plain, err := json.Marshal(b)
	return base64.RawURLEncoding.EncodeToString(s.close("binding", plain)), err
}

func (s *sealer) openBinding(token string, now time.Time) (b binding, err error) {
	const op = "subscription.bind"
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return b, fault.E(op, fault.Invalid, "this is no binding token")
	}
	plain, err := s.open("binding", sealed)
	if err == nil {
		err = json.Unmarshal(plain, &b)
	}
	if err == nil && !now.Before(b.End) {
		err = fault.E(op, fault.Expired, "the binding token has expired")
	}
	return b, err
}
