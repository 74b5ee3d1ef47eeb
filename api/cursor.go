package api

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"selda/fault"
	"selda/store"
)

// A cursor is sealed: its holder learns nothing of n and can't make one.
// https://hl7.org/fhir/R4/http.html#paging

// CursorLasts is how long a page can be asked for.
const CursorLasts = time.Hour

type cursor struct {
	N      uint64       `json:"n"`
	Offset int          `json:"o"`
	Before store.ItemID `json:"b"`
	Total  int          `json:"c,omitempty"` // how many were counted for the first page, where that is not done again
	Part   string       `json:"i,omitempty"` // of a search of several types, the one that it goes on with
	Query  string       `json:"q"`
	Type   string       `json:"t"`
	Posted bool         `json:"p,omitempty"` // the search was posted: its parameters stand in no URL
	User   string       `json:"u"`
	Made   int64        `json:"m"`
}

// at is the n that the search is as at.
func (c cursor) at() uint64 {
	if c.N == 0 {
		return store.Latest
	}
	return c.N
}

// Cursors seals cursors with a key.
type Cursors struct{ aead cipher.AEAD }

// NewCursors makes Cursors of a key of 32 bytes.
func NewCursors(key []byte) (*Cursors, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(b)
	return &Cursors{aead}, err
}

func (c *Cursors) seal(cur cursor) (string, error) {
	plain, err := json.Marshal(cur)
	if err != nil {
		return "", err
	}
	// Padded, so that the length tells nothing of the numbers inside.
	for len(plain)%64 != 0 {
		plain = append(plain, ' ')
	}
	nonce := make([]byte, c.aead.NonceSize())
	_, _ = rand.Read(nonce)
	return base64.RawURLEncoding.EncodeToString(c.aead.Seal(nonce, nonce, plain, nil)), nil
}

// cursor reads the _page parameter of a search at a path, with the parameters
// that make it; a first page is as at now.
func (q *request) cursor(params url.Values, path string, self url.Values) (cursor, error) {
	const op = "api.cursor"
	token := params.Get("_page")
	if token == "" {
		n, err := q.Records.N(q.r.Context())
		return cursor{N: n}, err
	}
	c, err := q.unsealed(token)
	switch {
	case err != nil:
		return c, err
	case c.User != q.reader() || c.Type != path || c.Query != self.Encode():
		return cursor{}, fault.E(op, fault.Value, "this page is of another search", "_page")
	case q.Now().Sub(time.Unix(c.Made, 0)) > CursorLasts:
		q.status = http.StatusGone
		return cursor{}, fault.E(op, fault.Expired, "this page is gone: search again", "_page")
	}
	return c, nil
}

// unsealed reads a cursor that this server has made.
func (q *request) unsealed(token string) (cursor, error) {
	const op = "api.cursor"
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < q.Cursors.aead.NonceSize() {
		return cursor{}, fault.E(op, fault.Value, "this is not a page of a search", "_page")
	}
	plain, err := q.Cursors.aead.Open(nil, raw[:q.Cursors.aead.NonceSize()], raw[q.Cursors.aead.NonceSize():], nil)
	var c cursor
	if err != nil || json.Unmarshal(plain, &c) != nil {
		return cursor{}, fault.E(op, fault.Value, "this is not a page of a search", "_page")
	}
	return c, nil
}
