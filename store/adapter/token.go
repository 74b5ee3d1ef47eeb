package adapter

import (
	"crypto/sha256"

	"selda/nhs"
)

// KeyHash stands for what a source calls a resource.
func KeyHash(source nhs.Source, typ, key string) [16]byte {
	h := sha256.New()
	h.Write([]byte(source))
	h.Write([]byte{0})
	h.Write([]byte(typ))
	h.Write([]byte{0})
	h.Write([]byte(key))
	return [16]byte(h.Sum(nil)[:16])
}

// Token is the stored form of a type's search token: FNV-1a with a final mix,
// over 64 bits.
func Token(typ, t string) uint64 {
	h := uint64(14695981039346656037)
	for _, s := range [...]string{typ, "\x00", t} {
		for i := 0; i < len(s); i++ {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
	}
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>32
}
