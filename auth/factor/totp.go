package factor

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" // RFC 6238's default: what telephones' apps compute
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"

	"selda/fault"
)

// What the apps of telephones take without being told: RFC 6238 with SHA-1, six
// digits and steps of 30 seconds.
const (
	codeStep   = 30 * time.Second
	codeDigits = 6
	// codeSlack is how many steps a telephone's clock may be off: RFC 6238, section 5.2.
	codeSlack  = 1
	secretSize = 20 // RFC 4226, section 4, R6
)

// NewSecret makes a secret for codes.
func NewSecret() []byte {
	b := make([]byte, secretSize)
	_, _ = rand.Read(b)
	return b
}

// SecretText is a secret as people type it.
func SecretText(secret []byte) string {
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	var groups []string
	for len(text) > 4 {
		groups, text = append(groups, text[:4]), text[4:]
	}
	return strings.Join(append(groups, text), " ")
}

// SecretURI is a secret as a telephone's app reads it from a picture.
// https://github.com/google/google-authenticator/wiki/Key-Uri-Format
func SecretURI(secret []byte, user, place string) string {
	q := url.Values{"secret": {strings.ReplaceAll(SecretText(secret), " ", "")}, "issuer": {"SELDA"}}
	return "otpauth://totp/" + url.PathEscape("SELDA "+place+":"+user) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// codeAt is the code of a step. RFC 4226, section 5.3.
func codeAt(secret []byte, step int64, digits int) string {
	h := hmac.New(sha1.New, secret)
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step))
	h.Write(counter[:])
	sum := h.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[at:at+4]) & 0x7fffffff
	mod := uint32(1)
	for range digits {
		mod *= 10
	}
	return fmt.Sprintf("%0*d", digits, n%mod)
}

func stepAt(t time.Time) int64 { return t.Unix() / int64(codeStep/time.Second) }

// fits is the step whose code that is, later than the last that was used.
func fits(secret []byte, code string, last int64, now time.Time) (int64, bool) {
	code = strings.ReplaceAll(code, " ", "")
	if len(code) != codeDigits {
		return 0, false
	}
	found, ok := int64(0), false
	for step := stepAt(now) - codeSlack; step <= stepAt(now)+codeSlack; step++ {
		if subtle.ConstantTimeCompare([]byte(codeAt(secret, step, codeDigits)), []byte(code)) == 1 && step > last && !ok {
			found, ok = step, true
		}
	}
	return found, ok
}

// Enrol gives a user codes from a secret, once they have shown that their telephone
// makes them, and recovery codes for the day on which it is lost: both in one save, so that
// nobody has the one without the other. The recovery codes are shown once.
func (f *Factors) Enrol(user string, secret []byte, code string, now time.Time) (recovery []string, err error) {
	const op = "factor.Enrol"
	step, ok := fits(secret, code, 0, now)
	if !ok {
		return nil, fault.E(op, fault.Login, "the code is not the one that the app shows now: check the telephone's clock, and type the next code")
	}
	recovery, hashes := newRecovery()
	err = f.change(user, func(h *Held) error {
		h.Codes = &Codes{Secret: secret, Made: now, Used: now, Step: step}
		h.Recovery = hashes
		return nil
	})
	if err != nil {
		return nil, err
	}
	return recovery, nil
}

// RemoveCodes takes a user's codes away, and the recovery codes with them.
func (f *Factors) RemoveCodes(user string) error {
	return f.change(user, func(h *Held) error {
		h.Codes, h.Recovery = nil, nil
		return nil
	})
}

// Check uses up a code of a user: of the telephone, or a recovery code. recovered
// says that it was one of those. The fault is Login where it does not fit or was
// used already, which counts: after too many in a row none is taken.
func (f *Factors) Check(user, code string, now time.Time) (recovered bool, err error) {
	const op = "factor.Check"
	wrong := fault.E(op, fault.Login, "the code does not fit, or was used already")
	var result error
	err = f.change(user, func(h *Held) error {
		recovered, result = false, nil
		if h.Codes == nil {
			return wrong
		}
		if h.Codes.Locked() {
			return fault.E(op, fault.Login, "too many wrong codes were tried, so codes are locked: sign in with a passkey, or ask an administrator to take the codes away")
		}
		if step, ok := fits(h.Codes.Secret, code, h.Codes.Step, now); ok {
			h.Codes.Step, h.Codes.Used, h.Codes.Wrong = step, now, 0
			return nil
		}
		if recovered = h.recovers(code); recovered {
			h.Codes.Wrong = 0
			return nil
		}
		h.Codes.Wrong++ // kept before it is answered, so that many at once are no way round
		result = wrong
		return nil
	})
	return recovered, cmp.Or(err, result)
}
