package tree

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"selda/fault"
)

// A proof is text: what is proven, hashes one a line, an empty line, the
// checkpoint under which it holds. Of an entry it is https://c2sp.org/tlog-proof.
const (
	inclusion   = "c2sp.org/tlog-proof@v1"
	consistency = "selda.example/trail-consistency@v1"
	maxProof    = 128 << 10
)

// IsConsistency says whether a file means to be a proof of consistency.
func IsConsistency(file []byte) bool { return bytes.HasPrefix(file, []byte(consistency+"\n")) }

// Prove proves that the leaf at an index, from 0, is under the latest checkpoint.
func (l *Log) Prove(ctx context.Context, index int64, leaf Hash) ([]byte, error) {
	const op = "tree.Prove"
	at, err := l.Latest(ctx)
	if err != nil {
		return nil, err
	}
	if index < 0 || index >= at.Size {
		return nil, fault.E(op, fault.NotFound, fmt.Sprintf("the tree holds %d entries: this one is not in it yet, try again in five seconds", at.Size))
	}
	p, err := tlog.ProveRecord(at.Size, index, reader{ctx, l.tiles})
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	if tlog.CheckRecord(p, at.Size, at.Root, index, leaf) != nil {
		return nil, fault.E(op, fault.Invalid, fmt.Sprintf("entry %d of the trail is not the one that its tree holds: `selda audit verify` says what was changed", index+1))
	}
	return text(inclusion, index, p, at), nil
}

// CheckProof holds a proof of inclusion against the leaf and the key of the log.
func CheckProof(proof []byte, leaf Hash, key string, handovers ...string) (index int64, at Checkpoint, err error) {
	const op = "tree.CheckProof"
	index, hashes, at, err := parse(proof, inclusion, key, handovers)
	if err != nil {
		return 0, at, err
	}
	if index >= at.Size || tlog.CheckRecord(hashes, at.Size, at.Root, index, leaf) != nil {
		return 0, at, fault.E(op, fault.Invalid, "the entry is not under this checkpoint: the entry, its place or the path was changed")
	}
	return index, at, nil
}

// Extends proves that the tree of the latest checkpoint goes on from that of an
// older one. The fault is Conflict where it does not: what the older one told of was
// written anew.
func (l *Log) Extends(ctx context.Context, old []byte) ([]byte, error) {
	const op = "tree.Extends"
	was, err := open(old, l.now().verifiers())
	if err != nil {
		return nil, fault.E(op, fault.Conflict, err)
	}
	at, err := l.Latest(ctx)
	if err != nil {
		return nil, err
	}
	if was.Size > at.Size {
		return nil, fault.E(op, fault.Conflict, fmt.Sprintf("the checkpoint that was kept has %d entries and the trail has %d: entries are gone", was.Size, at.Size))
	}
	var p tlog.TreeProof
	if was.Size > 0 {
		if p, err = tlog.ProveTree(at.Size, was.Size, reader{ctx, l.tiles}); err != nil {
			return nil, fault.E(op, fault.NoStore, err)
		}
	}
	if err := extends(p, was, at); err != nil {
		return nil, fault.E(op, fault.Conflict, err)
	}
	return text(consistency, was.Size, p, at), nil
}

// CheckExtends holds a proof of consistency against the older checkpoint.
func CheckExtends(proof, old []byte, key string, handovers ...string) (was, at Checkpoint, err error) {
	const op = "tree.CheckExtends"
	size, hashes, at, err := parse(proof, consistency, key, handovers)
	if err != nil {
		return was, at, err
	}
	if was, err = Parse(old, key, handovers...); err != nil {
		return was, at, err
	}
	if size != was.Size {
		return was, at, fault.E(op, fault.Invalid, fmt.Sprintf("the proof begins at %d entries, the checkpoint has %d", size, was.Size))
	}
	if err := extends(hashes, was, at); err != nil {
		return was, at, fault.E(op, fault.Conflict, err)
	}
	return was, at, nil
}

// extends says whether one tree goes on from another. Every tree goes on from nothing.
func extends(p []Hash, was, at Checkpoint) error {
	if was.Size == 0 || was.Size <= at.Size && tlog.CheckTree(p, at.Size, at.Root, was.Size, was.Root) == nil {
		return nil
	}
	return fmt.Errorf("the trail does not go on from the checkpoint that was kept: one of its first %d entries was changed, moved or taken away since", was.Size)
}

func text(kind string, index int64, hashes []Hash, at Checkpoint) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nindex %d\n", kind, index)
	for _, h := range hashes {
		fmt.Fprintln(&b, h)
	}
	b.WriteByte('\n')
	b.Write(at.Note)
	return b.Bytes()
}

// parse reads a proof, and proves the checkpoint in it.
func parse(proof []byte, kind, key string, handovers []string) (index int64, hashes []Hash, at Checkpoint, err error) {
	const op = "tree.parse"
	bad := func(words string) (int64, []Hash, Checkpoint, error) {
		return 0, nil, Checkpoint{}, fault.E(op, fault.Structure, words)
	}
	if len(proof) > maxProof {
		return bad("a proof is not as long as this")
	}
	head, checkpoint, ok := strings.Cut(string(proof), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || lines[0] != kind {
		return bad("this is no proof: it begins with " + kind)
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") { // opaque, and not proven
		lines = lines[1:]
	}
	if len(lines) == 0 || len(lines) > 129 {
		return bad("the proof has no index, or too many hashes")
	}
	number, _ := strings.CutPrefix(lines[0], "index ")
	if index, err = strconv.ParseInt(number, 10, 64); err != nil || index < 0 || strconv.FormatInt(index, 10) != number {
		return bad("the proof has no index")
	}
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			return bad("a line of the proof is not a hash")
		}
		hashes = append(hashes, h)
	}
	at, err = Parse([]byte(checkpoint), key, handovers...)
	return index, hashes, at, err
}
