// Package seal encrypts what is kept at rest: AES-256-GCM under a key that comes
// from outside of what it protects, where an operator gives one. It is not for
// what is sent, and keeps no key itself.
//
// A file of keys has one on each line. The first seals, all of them open, so that
// a new first line changes the key and what is there is sealed again in time.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"selda/fault"
)

// mark begins whatever is sealed; the id of its key follows.
const mark = "\x00selda-sealed-1\x00"

const (
	keySize = 32
	idSize  = 8
	// maxKeys is how many keys a file can have: some of before beside the one in use.
	maxKeys = 16
)

// Keys are keys of which the first seals and each opens. The zero Keys seals
// nothing and opens nothing.
type Keys struct {
	list  []key
	given int // how many of them are of the first file: And's are only for what is there
}

type key struct {
	id   [idSize]byte
	aead cipher.AEAD
}

// NewLine makes a key, as a line of a file of keys.
func NewLine() string {
	b := make([]byte, keySize)
	_, _ = rand.Read(b)
	return base64.StdEncoding.EncodeToString(b) + "\n"
}

// Parse reads a file of keys: on each line 32 bytes in base64; lines that begin
// with # are left out. Its faults never hold what stands in the file.
func Parse(file []byte) (Keys, error) {
	const op = "seal.Parse"
	var k Keys
	for line := range strings.Lines(string(file)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		b, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(b) != keySize || len(k.list) == maxKeys {
			return Keys{}, fault.E(op, fault.Structure, "a file of keys has 32 bytes in base64 on each line, as `openssl rand -base64 32` prints them, and at most 16 lines")
		}
		one, err := Of(b)
		if err != nil {
			return Keys{}, err
		}
		k.list = append(k.list, one.list...)
		k.given++
	}
	if len(k.list) == 0 {
		return Keys{}, fault.E(op, fault.Required, "the file of keys is empty: `openssl rand -base64 32` makes one")
	}
	return k, nil
}

// Of is one key of 32 bytes.
func Of(b []byte) (Keys, error) {
	const op = "seal.Of"
	if len(b) != keySize {
		return Keys{}, fault.E(op, fault.Value, "a key has 32 bytes")
	}
	block, err := aes.NewCipher(b)
	if err != nil {
		return Keys{}, fault.E(op, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return Keys{}, fault.E(op, err)
	}
	one := key{aead: aead}
	sum := sha256.Sum256(append([]byte("id of a key "), b...))
	copy(one.id[:], sum[:])
	return Keys{list: []key{one}, given: 1}, nil
}

// IsZero says that there is no key.
func (k Keys) IsZero() bool { return len(k.list) == 0 }

// Seal encrypts content. What it is about, its name, is bound to it: under
// another name it does not open.
func (k Keys) Seal(content []byte, about string) ([]byte, error) {
	if k.IsZero() {
		return nil, fault.E("seal.Seal", fault.NoStore, "there is no key to seal with")
	}
	one := k.list[0]
	out := append([]byte(mark), one.id[:]...)
	return one.aead.Seal(out, nil, content, []byte(about)), nil
}

// Sealed says whether something is sealed.
func Sealed(b []byte) bool { return bytes.HasPrefix(b, []byte(mark)) }

// Current says whether something is sealed by the key that seals now.
func (k Keys) Current(b []byte) bool {
	return !k.IsZero() && Sealed(b) && bytes.HasPrefix(b[len(mark):], k.list[0].id[:])
}

// Open is what was sealed about something. The fault is Security where no key is
// its key, or it was changed.
func (k Keys) Open(b []byte, about string) ([]byte, error) {
	const op = "seal.Open"
	if !Sealed(b) || len(b) < len(mark)+idSize {
		return nil, fault.E(op, fault.Structure, "this is not sealed")
	}
	b = b[len(mark):]
	for _, one := range k.list {
		if bytes.Equal(b[:idSize], one.id[:]) {
			content, err := one.aead.Open(nil, nil, b[idSize:], []byte(about))
			if err != nil {
				return nil, fault.E(op, fault.Security, "what is sealed was changed, or is of another name")
			}
			return content, nil
		}
	}
	return nil, fault.E(op, fault.Security, "what is kept is sealed with the key "+hex.EncodeToString(b[:idSize])+
		", and no key that was given opens it: give the file of keys that it was sealed with (SELDA_KEY_FILE)")
}

// ID names the key that something was sealed by; "" of what is not sealed. It says
// nothing of the key itself.
func ID(b []byte) string {
	if !Sealed(b) || len(b) < len(mark)+idSize {
		return ""
	}
	return hex.EncodeToString(b[len(mark) : len(mark)+idSize])
}

// IDs name the keys: first the one that seals.
func (k Keys) IDs() (out []string) {
	for _, one := range k.list {
		out = append(out, hex.EncodeToString(one.id[:]))
	}
	return out
}

// Given says whether something is sealed by one of these keys, those of And left out.
func (k Keys) Given(b []byte) bool {
	id := ID(b)
	for i, one := range k.IDs() {
		if i < k.given && one == id {
			return true
		}
	}
	return false
}

// And is these keys and more of them that open. One that is there already is not
// there twice.
func (k Keys) And(more Keys) Keys {
	out := Keys{list: append([]key(nil), k.list...), given: k.given}
	if len(k.list) == 0 {
		out.given = more.given
	}
	for _, one := range more.list {
		if !out.has(one.id[:]) {
			out.list = append(out.list, one)
		}
	}
	return out
}

func (k Keys) has(id []byte) bool {
	for _, one := range k.list {
		if bytes.Equal(one.id[:], id) {
			return true
		}
	}
	return false
}
