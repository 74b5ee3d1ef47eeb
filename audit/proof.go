package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"selda/audit/tree"
	"selda/fault"
)

// proofKind names the file of a proof.
const proofKind = "selda.example/trail-proof@v1"

// maxProofFile is how long a file of a proof may be.
const maxProofFile = 1 << 20

// Proof is what a file proves: that this entry, as far as it is shown, is in the
// trail under a signed checkpoint. Proof alone is https://c2sp.org/tlog-proof, and
// Leaf the bytes that it is of, for the verifiers of others.
type Proof struct {
	Format string           `json:"format"`
	About  string           `json:"about"` // for the person who opens the file
	Shown  map[string]Shown `json:"shown"`
	Leaf   string           `json:"leaf"`
	Proof  string           `json:"proof"`
	// Handovers lead from a key of before to the one that signed, where it has changed.
	Handovers []string `json:"handovers,omitempty"`
}

const aboutProof = "This file proves that an entry is in the trail of who used a record, as it was written then. What `shown` has is the entry, without what is kept back. " +
	"`selda audit check FILE --key KEY` checks it with no connection; KEY is the public key that the region publishes at /audit/key."

// Checked is what a proof was found to prove.
type Checked struct {
	Entry   Entry    // as far as it is shown
	Kept    []string // the parts that are not
	Size    int64    // of the tree of the checkpoint
	Note    []byte   // the checkpoint
	Witness int      // how many have signed it beside the region
}

// CheckFile holds a file of a proof against the public key of the trail. It needs
// nothing else: no region, no connection. Where the key has changed since the file was
// made, hand-overs lead from one to the other, beside those in the file.
func CheckFile(file []byte, key string, handovers ...string) (Checked, error) {
	const op = "audit.CheckFile"
	if len(file) > maxProofFile {
		return Checked{}, fault.E(op, fault.TooLong, "a proof is not as long as this")
	}
	var p Proof
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil || p.Format != proofKind {
		return Checked{}, fault.E(op, fault.Structure, "this is no proof of the trail: its format would be "+proofKind)
	}
	kept, err := p.holds()
	if err != nil {
		return Checked{}, err
	}
	for _, h := range p.Handovers {
		if !slices.Contains(handovers, h) {
			handovers = append(handovers, h)
		}
	}
	index, at, err := tree.CheckProof([]byte(p.Proof), tree.Leaf([]byte(p.Leaf)), key, handovers...)
	if err != nil {
		return Checked{}, err
	}
	e, err := entryShown(p.Shown)
	if err != nil {
		return Checked{}, err
	}
	if _, shown := p.Shown[PartAct]; shown && e.Seq != uint64(index)+1 {
		return Checked{}, fault.E(op, fault.Invalid, fmt.Sprintf("the entry says that it is number %d and stands as number %d", e.Seq, index+1))
	}
	e.Seq = uint64(index) + 1
	return Checked{Entry: e, Kept: kept, Size: at.Size, Note: at.Note, Witness: max(strings.Count(string(at.Note), "\n— ")-1, 0)}, nil
}

// holds holds what is shown against the leaf, and gives what is not shown.
func (p *Proof) holds() (kept []string, err error) {
	const op = "audit.CheckFile"
	lines := strings.Split(p.Leaf, "\n")
	if len(lines) != len(parts)+3 || lines[0] != leafKind || !strings.HasPrefix(lines[1], "chain ") || lines[len(lines)-1] != "" {
		return nil, fault.E(op, fault.Structure, "the leaf is not one of a trail")
	}
	for i, part := range parts {
		commitment, ok := strings.CutPrefix(lines[i+2], part+" ")
		if !ok {
			return nil, fault.E(op, fault.Structure, "the leaf is not one of a trail")
		}
		s, shown := p.Shown[part]
		if !shown {
			kept = append(kept, part)
			continue
		}
		if commitment != base64.StdEncoding.EncodeToString(s.commitment()) {
			return nil, fault.E(op, fault.Invalid, "what the file shows is not what was written in the trail: part "+part+" was changed")
		}
	}
	for part := range p.Shown {
		if !slices.Contains(parts, part) {
			return nil, fault.E(op, fault.Structure, "the file shows what no entry has")
		}
	}
	return kept, nil
}
