package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"selda/fault"
)

// The leaf of an entry in the tree is lines of text: the entry's hash in the
// chain, and for each part of the entry what commits to it. A part is shown with
// its salt, or is kept back without anything of it being given away; what it
// can't be is changed. Salts and chain are keyed, so that from the path of a
// proof nobody can guess the entry next to it.
const leafKind = "selda.example/trail-entry@v1"

// Parts of an entry that are shown or kept back, in the order in which the leaf
// has them.
const (
	PartAct    = "act"    // number, time, action, outcome, role, organisation, purpose, citizen, rules, application
	PartName   = "name"   // the user's name
	PartUser   = "user"   // the user's account
	PartReason = "reason" // what the user stated
	PartWhat   = "what"   // which item, or what was searched for
	PartRest   = "rest"   // what a privacy officer is shown: signs, which entry it is about, from which address
)

var parts = []string{PartAct, PartName, PartUser, PartReason, PartWhat, PartRest}

// partOf is the part that a member of an entry belongs to.
var partOf = map[string]string{"seq": PartAct, "at": PartAct, "action": PartAct, "outcome": PartAct, "role": PartAct, "organisation": PartAct, "purpose": PartAct,
	"citizen": PartAct, "rules": PartAct, "app": PartAct, "name": PartName, "user": PartUser, "reason": PartReason, "what": PartWhat}

// Shown is a part that is shown: text under its salt.
type Shown struct {
	Salt []byte `json:"salt"`
	Text string `json:"text"`
}

// leafOf is the leaf of a record of the chain, and its parts.
func leafOf(key, record []byte) (leaf []byte, all map[string]Shown, err error) {
	if len(record) < sha256.Size {
		return nil, nil, fmt.Errorf("a record of the trail is too short")
	}
	texts, seq, err := split(record[sha256.Size:])
	if err != nil {
		return nil, nil, err
	}
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], seq)
	secret := sum(key, []byte("salt"), n[:])
	all = make(map[string]Shown, len(parts))
	commitments := make(map[string][]byte, len(parts))
	for _, p := range parts {
		salt := sha256.Sum256(append(bytes.Clone(secret), p...))
		s := Shown{Salt: salt[:16], Text: string(texts[p])}
		all[p], commitments[p] = s, s.commitment()
	}
	return leafText(record[:sha256.Size], commitments), all, nil
}

// commitment commits to a part.
func (s Shown) commitment() []byte {
	h := sha256.Sum256(append(bytes.Clone(s.Salt), s.Text...))
	return h[:]
}

func leafText(chain []byte, commitments map[string][]byte) []byte {
	b := make([]byte, 0, 512)
	b = append(b, leafKind+"\nchain "...)
	b = append(base64.StdEncoding.AppendEncode(b, chain), '\n')
	for _, p := range parts {
		b = append(append(b, p...), ' ')
		b = append(base64.StdEncoding.AppendEncode(b, commitments[p]), '\n')
	}
	return b
}

// split takes an entry apart. The parts have the very bytes of the trail, so that
// they stay the same whatever entries come to have one day.
func split(entry []byte) (map[string][]byte, uint64, error) {
	d := jsontext.NewDecoder(bytes.NewReader(entry))
	if _, err := d.ReadToken(); err != nil {
		return nil, 0, err
	}
	out := make(map[string][]byte, len(parts))
	for _, p := range parts {
		out[p] = []byte{'{'}
	}
	var seq uint64
	for d.PeekKind() != jsontext.KindEndObject {
		name, err := d.ReadToken()
		if err != nil {
			return nil, 0, err
		}
		member := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, 0, err
		}
		p, ok := partOf[member]
		if !ok {
			p = PartRest
		}
		b := out[p]
		if len(b) > 1 {
			b = append(b, ',')
		}
		if b, err = jsontext.AppendQuote(b, member); err != nil {
			return nil, 0, err
		}
		out[p] = append(append(b, ':'), value...)
		if member == "seq" {
			if err := json.Unmarshal(value, &seq); err != nil {
				return nil, 0, err
			}
		}
	}
	for _, p := range parts {
		out[p] = append(out[p], '}')
	}
	return out, seq, nil
}

// entryShown is an entry as far as its parts are shown.
func entryShown(shown map[string]Shown) (e Entry, err error) {
	for _, p := range parts {
		if s, ok := shown[p]; ok {
			if err := json.Unmarshal([]byte(s.Text), &e); err != nil {
				return e, fault.E("audit.Check", fault.Structure, "a part of the entry can't be read: "+p)
			}
		}
	}
	return e, nil
}
