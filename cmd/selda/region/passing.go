package region

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"selda/auth"
	"selda/internal/seal"
)

// passing keeps what is worth something for minutes so that who reads the database
// can't use it: a session's token is its key there, which is hashed under the region's
// key, and what is said of it is sealed.
type passing struct {
	auth.Passing
	keys   seal.Keys
	hashed []byte // the key of the hash
}

var _ auth.Passing = passing{}

func (p passing) name(kind, key string) string {
	h := hmac.New(sha256.New, p.hashed)
	h.Write([]byte(kind + "\x00" + key))
	return hex.EncodeToString(h.Sum(nil))
}

// Put is auth.Passing's.
func (p passing) Put(kind, key string, content []byte, expires time.Time) error {
	name := p.name(kind, key)
	sealed, err := p.keys.Seal(content, kind+"/"+name)
	if err != nil {
		return err
	}
	return p.Passing.Put(kind, name, sealed, expires)
}

// Get is auth.Passing's.
func (p passing) Get(kind, key string) ([]byte, bool, error) {
	name := p.name(kind, key)
	return p.opened(kind, name)(p.Passing.Get(kind, name))
}

// End is auth.Passing's.
func (p passing) End(kind, key string, remember time.Duration) ([]byte, bool, error) {
	name := p.name(kind, key)
	return p.opened(kind, name)(p.Passing.End(kind, name, remember))
}

// opened opens what was found. What can't be opened was put there by somebody else, or
// by a version of before: it is not there.
func (p passing) opened(kind, name string) func([]byte, bool, error) ([]byte, bool, error) {
	return func(b []byte, ok bool, err error) ([]byte, bool, error) {
		if err != nil || !ok {
			return nil, false, err
		}
		content, err := p.keys.Open(b, kind+"/"+name)
		return content, err == nil, nil
	}
}
