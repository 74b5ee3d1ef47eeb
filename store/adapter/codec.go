package adapter

import (
	"embed"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// A dictionary, once used, stays in this folder for ever: old bodies need it.
//
//go:embed dict
var dictionaries embed.FS

// dictGroups are the types that share a dictionary, in the order of the
// current ones from firstDict on; types that are not named have that of Encounter.
var dictGroups = [][]string{
	{"Observation"},
	{"ExplanationOfBenefit", "Claim"},
	{"Encounter", "Condition", "Procedure", "DiagnosticReport", "Immunization", "Flag", "CarePlan", "EpisodeOfCare"},
	{"MedicationRequest", "MedicationStatement", "AllergyIntolerance", "ServiceRequest", "Appointment", "DocumentReference"},
	{"Patient", "Organization", "Practitioner", "PractitionerRole", "Location", "RelatedPerson"},
}

const (
	firstDict = 1
	dictCount = 5 // all that were ever used
)

// DictGroups are the types of each current dictionary, for the command that makes them.
func DictGroups() [][]string { return dictGroups }

var dictOf = func() map[string]byte {
	m := map[string]byte{}
	for i, group := range dictGroups {
		for _, t := range group {
			m[t] = byte(firstDict + i)
		}
	}
	return m
}()

// Codec packs bodies and unpacks them. It is safe for concurrent use.
type Codec struct {
	enc [dictCount + 1]*zstd.Encoder
	dec *zstd.Decoder
}

// NewCodec reads the dictionaries.
func NewCodec() (*Codec, error) {
	c := &Codec{}
	opts := []zstd.DOption{zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(1 << 30)}
	for i := 1; i <= dictCount; i++ {
		raw, err := dictionaries.ReadFile(fmt.Sprintf("dict/%d.txt", i))
		if err != nil {
			return nil, err
		}
		c.enc[i], err = zstd.NewWriter(nil, zstd.WithEncoderDictRaw(uint32(i), raw), zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithEncoderConcurrency(2), zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true))
		if err != nil {
			return nil, err
		}
		opts = append(opts, zstd.WithDecoderDictRaw(uint32(i), raw))
	}
	dec, err := zstd.NewReader(nil, opts...)
	if err != nil {
		return nil, err
	}
	c.dec = dec
	return c, nil
}

// Pack appends a body with its origin to dst, compressed with the dictionary of
// their resource type: the dictionary's number, then the body and, after a NUL
// that JSON can't hold, the origin.
func (c *Codec) Pack(dst []byte, typ string, body []byte, origin string) []byte {
	if len(body) == 0 && origin == "" {
		return dst
	}
	raw := make([]byte, 0, len(body)+1+len(origin))
	raw = append(raw, body...)
	raw = append(raw, 0)
	raw = append(raw, origin...)
	d := dictOf[typ]
	if d == 0 {
		d = byte(firstDict + 2)
	}
	dst = append(dst, d)
	return c.enc[d].EncodeAll(raw, dst)
}

// Unpack takes apart what Pack made.
func (c *Codec) Unpack(blob []byte) (body []byte, origin string, err error) {
	if len(blob) == 0 {
		return nil, "", nil
	}
	if blob[0] == 0 || blob[0] > dictCount {
		return nil, "", fmt.Errorf("a body names a dictionary that is not here")
	}
	raw, err := c.dec.DecodeAll(blob[1:], nil)
	if err != nil {
		return nil, "", fmt.Errorf("a body does not decompress: %w", err)
	}
	for i := len(raw) - 1; i >= 0; i-- {
		if raw[i] == 0 {
			return raw[:i:i], string(raw[i+1:]), nil
		}
	}
	return raw, "", nil
}
