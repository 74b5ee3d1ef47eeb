package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

func sum(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// checkRecord proves one record against the one before it. A record is the hash
// of (number, previous hash, entry) and the entry as JSON.
func checkRecord(key, data []byte, seq uint64, prev [sha256.Size]byte) (hash [sha256.Size]byte, next uint64, err error) {
	next = seq + 1
	if len(data) < sha256.Size {
		return hash, seq, fmt.Errorf("entry %d does not hold: it is too short", next)
	}
	hash = Link(key, next, prev, data[sha256.Size:])
	if !hmac.Equal(hash[:], data[:sha256.Size]) {
		return hash, seq, fmt.Errorf("entry %d does not hold: it was changed, moved, or one before it was removed", next)
	}
	return hash, next, nil
}

// Link is the hash that chains an entry, as JSON, to the one before it.
func Link(key []byte, seq uint64, prev [sha256.Size]byte, entry []byte) [sha256.Size]byte {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], seq)
	return [sha256.Size]byte(sum(key, n[:], prev[:], entry))
}

// HeadProof proves what stands beside a chain as its last entry.
func HeadProof(key []byte, seq uint64, hash [sha256.Size]byte) []byte {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], seq)
	return sum(key, []byte("head"), n[:], hash[:])
}

// Walk proves the entries of a chain, one after the other.
type Walk struct {
	Report
	key  []byte
	hash [sha256.Size]byte
}

// NewWalk begins before the first entry.
func NewWalk(key []byte) *Walk { return &Walk{key: key} }

// Next proves the next entry. The error names one that does not hold.
func (w *Walk) Next(hash, entry []byte) error {
	record := append(append(make([]byte, 0, len(hash)+len(entry)), hash...), entry...)
	last, seq, err := checkRecord(w.key, record, w.Entries, w.hash)
	if err == nil {
		w.Entries, w.hash, w.Bytes = seq, last, w.Bytes+int64(len(record))
	}
	return err
}

// Hash is that of the last entry.
func (w *Walk) Hash() [sha256.Size]byte { return w.hash }
