package adapter

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
)

// IDs turns internal numbers into the ids that the outside sees and back,
// without an index: a Feistel network over 64 bits with AES as its round
// function. The outside learns neither how many resources there are nor their
// order, and an id that was never given does not decode.
type IDs struct{ block cipher.Block }

var alphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

const (
	idRounds = 6
	idLength = 13
	itemBits = 36 // of an item's number: the bits above must decode to zero
	bits     = 46 // of any other's: a message's is its place in the journal
)

// limit is how many bits a number of a family has at most. The fewer, the rarer
// an id that another region gave, and that is imported with its resource, reads
// as one of ours: one in 2 to the power of 28.
func limit(f Family) int {
	if f == Item {
		return itemBits
	}
	return bits
}

// NewIDs takes the store's key for ids, of 32 bytes.
func NewIDs(key []byte) (IDs, error) {
	b, err := aes.NewCipher(key)
	return IDs{b}, err
}

func (c IDs) round(i int, family Family, half uint32) uint32 {
	var b [16]byte
	b[0], b[1] = byte(i), byte(family)
	binary.LittleEndian.PutUint32(b[2:], half)
	c.block.Encrypt(b[:], b[:])
	return binary.LittleEndian.Uint32(b[:])
}

// Encode gives the id of a number in a family.
func (c IDs) Encode(family Family, n int64) string {
	l, r := uint32(uint64(n)>>32), uint32(n)
	for i := range idRounds {
		l, r = r, l^c.round(i, family, r)
	}
	var b [8]byte
	binary.BigEndian.PutUint32(b[:], l)
	binary.BigEndian.PutUint32(b[4:], r)
	return alphabet.EncodeToString(b[:])
}

// Decode gives the number of an id; false of one that Encode never made.
func (c IDs) Decode(family Family, id string) (int64, bool) {
	if len(id) != idLength {
		return 0, false
	}
	var b [8]byte
	if n, err := alphabet.Decode(b[:], []byte(id)); err != nil || n != 8 {
		return 0, false
	}
	l, r := binary.BigEndian.Uint32(b[:]), binary.BigEndian.Uint32(b[4:])
	for i := idRounds - 1; i >= 0; i-- {
		l, r = r^c.round(i, family, l), l
	}
	n := uint64(l)<<32 | uint64(r)
	if n>>limit(family) != 0 || n == 0 || c.Encode(family, int64(n)) != id {
		return 0, false
	}
	return int64(n), true
}

// Secret is a key of 32 bytes for one use, derived from the store's own.
func Secret(key []byte, use string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(use))
	return h.Sum(nil)
}

// Family keeps ids of different things apart: the same number has another id in each.
type Family byte

// The families of ids.
const (
	Item Family = iota
	Citizen
	Message
)
