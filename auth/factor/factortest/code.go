package factortest

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"time"
)

// Code is what a telephone shows: RFC 6238, written down again.
func Code(secret []byte, later time.Duration) string {
	h := hmac.New(sha1.New, secret)
	_ = binary.Write(h, binary.BigEndian, time.Now().Add(later).Unix()/30)
	sum := h.Sum(nil)
	at := sum[19] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000)
}
