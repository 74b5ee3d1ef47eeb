// Package factor keeps what people prove themselves with beside a password, or
// in its place: passkeys (WebAuthn), one-time codes (TOTP, RFC 6238) and the
// recovery codes for the day on which the telephone is lost. It is not sign-on:
// it says whether a proof holds, and whose it is.
//
// What somebody has is one small document, which whoever keeps documents seals at
// rest. A code is used up in that document before it is believed, so that no node
// takes it twice.
//
// https://www.w3.org/TR/webauthn-3/, RFC 4226, RFC 6238.
package factor

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"selda/fault"
	"selda/internal/document"
)

const (
	folder     = "auth/factors/"
	secretName = folder + "secret"
	// maxPasskeys is how many passkeys somebody can have.
	maxPasskeys  = 20
	maxLabel     = 60
	recoveryMade = 10
)

// Held is what somebody has.
type Held struct {
	User     string    `json:"user"`
	Passkeys []Passkey `json:"passkeys,omitempty"`
	// Codes is what the codes of a telephone come from; nil where there is none.
	Codes *Codes `json:"codes,omitempty"`
	// Recovery are the hashes of codes that were not used yet.
	Recovery []string `json:"recovery,omitempty"`

	handle []byte
}

// Passkey is one passkey of somebody.
type Passkey struct {
	ID         string              `json:"id"` // of this entry, for pages
	Label      string              `json:"label"`
	Site       string              `json:"site"` // the relying party's id that it was made for
	Made       time.Time           `json:"made"`
	Used       time.Time           `json:"used,omitzero"`
	Credential webauthn.Credential `json:"credential"`
}

// Codes is the secret that one-time codes come from.
type Codes struct {
	Secret []byte    `json:"secret"`
	Made   time.Time `json:"made"`
	Used   time.Time `json:"used,omitzero"`
	// Step is the last step of 30 seconds whose code was used: RFC 6238, section 5.2.
	Step int64 `json:"step,omitempty"`
	// Wrong is how many wrong codes were tried since one was right.
	Wrong int `json:"wrong,omitempty"`
}

// mostWrong is how many wrong codes may be tried in a row. NIST SP 800-63B, section 5.2.2
// (rate limiting): no more than 100.
const mostWrong = 50

// Locked says that no code is taken any more, right or wrong, until they are set up anew or
// a passkey has shown that it is them.
func (c *Codes) Locked() bool { return c != nil && c.Wrong >= mostWrong }

// Strong says whether somebody has anything beside a password.
func (h *Held) Strong() bool { return h.Codes != nil || len(h.Passkeys) > 0 }

// Passing is the port to challenges: each is taken once.
type Passing interface {
	Put(kind, key string, content []byte, expires time.Time) error
	End(kind, key string, remember time.Duration) (content []byte, ok bool, err error)
}

// Factors are what all people have. It must be made by Open.
type Factors struct {
	docs    document.Store
	passing Passing
	secret  []byte
	mu      *sync.Mutex // of one process; nodes are kept apart by versions
	record  func() error
}

// Recorded is the same, and has each change recorded before it is made: one that
// can't be is not made.
func (f *Factors) Recorded(record func() error) *Factors {
	g := *f
	g.record = record
	return &g
}

// Open opens them. The secret that hides who is who in the names of documents,
// and in what a passkey calls its owner, is made where there is none.
func Open(docs document.Store, passing Passing) (*Factors, error) {
	const op = "factor.Open"
	b, version, err := docs.Load(secretName)
	if err == nil && version == 0 {
		fresh := make([]byte, 32)
		_, _ = rand.Read(fresh)
		if err = docs.Save(secretName, fresh, 0); err == nil || fault.Is(err, fault.Conflict) { // another node was quicker
			b, _, err = docs.Load(secretName)
		}
	}
	if err == nil && len(b) != 32 {
		err = fault.E(op, fault.Structure, "the secret of factors is not what SELDA wrote", secretName)
	}
	if err != nil {
		return nil, fault.E(op, err)
	}
	return &Factors{docs: docs, passing: passing, secret: b, mu: &sync.Mutex{}}, nil
}

// handle is what a passkey calls its owner: it says nobody's name.
func (f *Factors) handle(user string) []byte {
	h := hmac.New(sha256.New, f.secret)
	h.Write([]byte(user))
	return h.Sum(nil)
}

func documentOf(handle []byte) string {
	k := hex.EncodeToString(handle)
	return folder + k[:2] + "/" + k + ".json"
}

func (f *Factors) load(handle []byte) (h Held, version int64, err error) {
	h.handle = handle
	b, version, err := f.docs.Load(documentOf(handle))
	if err != nil || b == nil {
		return h, version, err
	}
	if json.Unmarshal(b, &h) != nil {
		return h, 0, fault.E("factor.load", fault.Structure, "what somebody signs in with is not what SELDA wrote")
	}
	return h, version, nil
}

// Of is what a user has.
func (f *Factors) Of(user string) (Held, error) {
	h, _, err := f.load(f.handle(user))
	h.User = user
	return h, err
}

// change changes what a user has; where another node did so meanwhile, it is
// decided again on that.
func (f *Factors) change(user string, do func(*Held) error) error {
	const op = "factor.change"
	f.mu.Lock()
	defer f.mu.Unlock()
	record := f.record
	for {
		h, version, err := f.load(f.handle(user))
		if err != nil {
			return fault.E(op, err)
		}
		h.User = user
		if err := do(&h); err != nil {
			return err
		}
		b, err := json.Marshal(h)
		if err == nil && record != nil {
			err, record = record(), nil // once, also where another node was first
		}
		if err != nil {
			return fault.E(op, err)
		}
		if err = f.docs.Save(documentOf(h.handle), b, version); !fault.Is(err, fault.Conflict) {
			return err
		}
	}
}

// Reset takes away whatever somebody has beside a password.
func (f *Factors) Reset(user string) error {
	return f.change(user, func(h *Held) error {
		h.Passkeys, h.Codes, h.Recovery = nil, nil, nil
		return nil
	})
}

// Recover makes new recovery codes, in place of those of before. They are shown
// once: only their hashes are kept.
func (f *Factors) Recover(user string) ([]string, error) {
	codes, hashes := newRecovery()
	err := f.change(user, func(h *Held) error {
		if h.Codes == nil {
			return fault.E("factor.Recover", fault.Conflict, "set up codes by telephone first")
		}
		h.Recovery = hashes
		return nil
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// newRecovery are new recovery codes, and their hashes.
func newRecovery() (codes, hashes []string) {
	for range recoveryMade {
		c := strings.ToLower(rand.Text()[:16])
		codes = append(codes, c[:4]+"-"+c[4:8]+"-"+c[8:12]+"-"+c[12:])
		hashes = append(hashes, hashOf(c))
	}
	return codes, hashes
}

// hashOf is a recovery code as it is kept. It has 80 random bits, so that a quick
// hash is enough.
func hashOf(code string) string {
	sum := sha256.Sum256([]byte("recovery " + code))
	return hex.EncodeToString(sum[:])
}

// recovers takes a recovery code away; false where it is none of theirs.
func (h *Held) recovers(code string) bool {
	code = strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(code))
	i := slices.Index(h.Recovery, hashOf(code))
	if i < 0 {
		return false
	}
	h.Recovery = slices.Delete(slices.Clone(h.Recovery), i, i+1)
	return true
}

// Label cuts what somebody calls a thing to what a page can show.
func Label(s, otherwise string) string {
	s = strings.Join(strings.FieldsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f || c == ' ' }), " ")
	if r := []rune(s); len(r) > maxLabel {
		s = string(r[:maxLabel])
	}
	if s == "" {
		return otherwise
	}
	return s
}
