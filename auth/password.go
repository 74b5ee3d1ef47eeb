package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"

	"selda/fault"
)

// What a password costs to check: argon2id with 19 MiB and two passes, the
// first of the OWASP Password Storage recommendations.
const (
	argonMemoryKiB = 19 * 1024
	argonPasses    = 2
	argonThreads   = 1
	argonKeyLen    = 32
	argonSaltLen   = 16

	minPassword = 8
	maxPassword = 256
)

// PasswordHash is a password as it is kept: an argon2id hash. It prints as
// dots. The zero hash fits no password.
type PasswordHash struct {
	memoryKiB, passes uint32
	threads           uint8
	salt, key         []byte
}

// HashPassword makes the hash of a password of 8 to 256 bytes.
func HashPassword(password string) (PasswordHash, error) {
	if len(password) < minPassword || len(password) > maxPassword {
		return PasswordHash{}, fault.E("auth.HashPassword", fault.Value, "a password has 8 to 256 characters")
	}
	h := PasswordHash{memoryKiB: argonMemoryKiB, passes: argonPasses, threads: argonThreads, salt: make([]byte, argonSaltLen)}
	rand.Read(h.salt)
	h.key = h.derive(password, argonKeyLen)
	return h, nil
}

// IsZero says that there is no hash.
func (h PasswordHash) IsZero() bool { return len(h.key) == 0 }

// Fits says whether the password is the one that was hashed.
func (h PasswordHash) Fits(password string) bool {
	if h.IsZero() || len(password) > maxPassword {
		return false
	}
	return subtle.ConstantTimeCompare(h.key, h.derive(password, uint32(len(h.key)))) == 1
}

func (h PasswordHash) derive(password string, n uint32) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memoryKiB, h.threads, n)
}

// Format hides the hash under every verb.
func (h PasswordHash) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "••••") }

// MarshalText hides the hash in JSON and in slog.
func (h PasswordHash) MarshalText() ([]byte, error) { return []byte("••••"), nil }

// phc is the hash in the PHC string format:
// $argon2id$v=19$m=19456,t=2,p=1$SALT$KEY.
func (h PasswordHash) phc() string {
	if h.IsZero() {
		return ""
	}
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memoryKiB, h.passes, h.threads,
		b.EncodeToString(h.salt), b.EncodeToString(h.key))
}

// parseHash reads what phc wrote. Costs are bounded, so that a file can't have
// the server take all memory.
func parseHash(s string) (PasswordHash, error) {
	bad := fault.E("auth.parseHash", fault.Structure, "the password is not an argon2id hash")
	part := strings.Split(s, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" || part[2] != "v="+strconv.Itoa(argon2.Version) {
		return PasswordHash{}, bad
	}
	cost := strings.Split(part[3], ",")
	if len(cost) != 3 {
		return PasswordHash{}, bad
	}
	number := func(s, prefix string, most uint64) (uint64, bool) {
		digits, ok := strings.CutPrefix(s, prefix)
		n, err := strconv.ParseUint(digits, 10, 32)
		return n, ok && err == nil && n >= 1 && n <= most
	}
	m, ok1 := number(cost[0], "m=", 1<<20)
	t, ok2 := number(cost[1], "t=", 16)
	p, ok3 := number(cost[2], "p=", 16)
	salt, err1 := base64.RawStdEncoding.Strict().DecodeString(part[4])
	key, err2 := base64.RawStdEncoding.Strict().DecodeString(part[5])
	if !ok1 || !ok2 || !ok3 || err1 != nil || err2 != nil || len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 {
		return PasswordHash{}, bad
	}
	return PasswordHash{memoryKiB: uint32(m), passes: uint32(t), threads: uint8(p), salt: salt, key: key}, nil
}
