package seal

import (
	"bytes"
	"sync"

	"selda/fault"
)

// Sealer seals what is kept and opens it: Keys, or a Ring of them.
type Sealer interface {
	Seal(content []byte, about string) ([]byte, error)
	Open(b []byte, about string) ([]byte, error)
	Current(b []byte) bool
}

// Ring is the keys of a process that runs for long: where something is sealed by a
// key that it has not, they are read anew, so that the file of keys can change
// while the process runs. The zero Ring, and none, seals and opens nothing.
type Ring struct {
	read func() (Keys, error)

	mu   sync.Mutex
	keys Keys
	easy bool
}

var (
	_ Sealer = Keys{}
	_ Sealer = (*Ring)(nil)
)

// NewRing is a ring of what read gives, now and whenever a key is missing.
func NewRing(read func() (Keys, error)) (*Ring, error) {
	r := &Ring{read: read}
	return r, r.Reload()
}

// Reload reads the keys anew. Where they can't be read those of before stay.
func (r *Ring) Reload() error {
	k, err := r.read()
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = k
	return nil
}

// Keys are the keys as they were read last.
func (r *Ring) Keys() Keys {
	if r == nil {
		return Keys{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys
}

// Seal is Sealer's.
func (r *Ring) Seal(content []byte, about string) ([]byte, error) {
	return r.Keys().Seal(content, about)
}

// Current is Sealer's.
func (r *Ring) Current(b []byte) bool {
	k := r.Keys()
	if r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.easy {
			return k.Given(b)
		}
	}
	return k.Current(b)
}

// Easy calls f while whatever is sealed by any of the keys that were given counts as
// sealed by the current one: of several processes one may have another order of them.
func (r *Ring) Easy(f func() error) error {
	set := func(easy bool) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.easy = easy
	}
	set(true)
	defer set(false)
	return f()
}

// Open is Sealer's.
func (r *Ring) Open(b []byte, about string) ([]byte, error) {
	if r != nil && r.read != nil && Sealed(b) && len(b) >= len(mark)+idSize && !r.Keys().has(b[len(mark):len(mark)+idSize]) {
		_ = r.Reload() // else what opens below says that its key is not there
	}
	return r.Keys().Open(b, about)
}

// Opened is what is kept under a name, sealed or, of before, in the clear; and says
// whether it should be sealed anew. Without a Sealer what is sealed can't be opened.
func Opened(s Sealer, b []byte, about string) (content []byte, anew bool, err error) {
	if !Sealed(b) {
		return bytes.Clone(b), s != nil, nil
	}
	if s == nil {
		return nil, false, fault.E("seal.Opened", fault.Security, "what is kept is sealed with the key "+ID(b)+", and no key was given: give the file of keys that it was sealed with (SELDA_KEY_FILE)")
	}
	content, err = s.Open(b, about)
	return content, !s.Current(b), err
}

// Closed is content as it is to be kept: sealed, or in the clear where there is no
// Sealer.
func Closed(s Sealer, content []byte, about string) ([]byte, error) {
	if s == nil {
		return content, nil
	}
	return s.Seal(content, about)
}
