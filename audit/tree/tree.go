// Package tree is the transparency log over the audit trail: a Merkle tree of
// its entries, checkpoints that the region signs, and proofs. It knows nothing
// of what an entry says: a leaf is bytes.
//
// In order: Extend adds leaves and signs the checkpoint of what there is then;
// Prove shows that a leaf is under the latest checkpoint, Extends that the tree
// of the latest checkpoint goes on where that of an older one ended. Who keeps a
// checkpoint elsewhere, a witness, so finds history that was written anew.
//
// Formats are those that others' witnesses, monitors and verifiers read:
// https://c2sp.org/tlog-tiles, https://c2sp.org/tlog-checkpoint,
// https://c2sp.org/signed-note and https://c2sp.org/tlog-proof, over the tree of
// RFC 6962, section 2.1.
package tree

import (
	"context"
	"crypto/sha256"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"selda/fault"
)

// Hash is of a leaf or of a node.
type Hash = tlog.Hash

// Leaf is the hash of a leaf. RFC 6962, section 2.1.
func Leaf(data []byte) Hash { return tlog.RecordHash(data) }

// Tiles is the port to where the tree is kept.
type Tiles interface {
	// Head gives the latest checkpoint; nil where the tree has not begun.
	Head(ctx context.Context) ([]byte, error)
	// Hashes gives n hashes of a level, from the first on.
	Hashes(ctx context.Context, level int, first, n int64) ([]Hash, error)
	// Extend adds hashes at the ends of levels and puts a checkpoint in the place
	// of the old one, both or neither. The fault is Conflict where the old one is
	// not there any more: another node has extended the tree.
	Extend(ctx context.Context, old []byte, levels []Level, head []byte) error
}

// Level is hashes of one level, from the first on.
type Level struct {
	Level  int
	First  int64
	Hashes []Hash
}

// Checkpoint says what a tree is: its size and its root, signed.
type Checkpoint struct {
	Size int64
	Root Hash
	Note []byte // as it is signed
}

// Log is the tree of one trail.
type Log struct {
	tiles  Tiles
	keeper Keeper // of the key; nil: it does not change

	mu      sync.Mutex
	signing *signing
	kept    []byte // what it was read of
}

// Open opens the tree that is kept there, under the key that signs it: a seed of
// Ed25519, or what HandOver kept. A tree that has not begun begins with a checkpoint of nothing.
func Open(ctx context.Context, tiles Tiles, key []byte) (*Log, error) {
	const op = "tree.Open"
	l, err := New(tiles, key)
	if err != nil {
		return nil, err
	}
	head, err := tiles.Head(ctx)
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	if head != nil {
		_, err = l.Latest(ctx)
		return l, err
	}
	begin, err := l.now().sign(0, Hash(sha256.Sum256(nil)))
	if err == nil {
		err = tiles.Extend(ctx, nil, nil, begin)
	}
	if fault.KindOf(err) == fault.Conflict { // another node has begun it
		err = nil
	}
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	return l, nil
}

// New is the tree that is kept there, which it does not begin.
func New(tiles Tiles, key []byte) (*Log, error) {
	s, err := parseSigning(key)
	if err != nil {
		return nil, err
	}
	return &Log{tiles: tiles, signing: s, kept: key}, nil
}

// Key is the public key as https://c2sp.org/signed-note writes it.
func (l *Log) Key() string { return l.now().key }

// Latest is the latest checkpoint.
func (l *Log) Latest(ctx context.Context) (Checkpoint, error) {
	head, err := l.tiles.Head(ctx)
	if err != nil {
		return Checkpoint{}, fault.E("tree.Latest", fault.NoStore, err)
	}
	if head == nil {
		return Checkpoint{}, fault.E("tree.Latest", fault.NotFound, "the trail's tree has no checkpoint: it was taken away, or never begun")
	}
	at, err := open(head, l.now().verifiers())
	if err != nil && l.keeper != nil {
		s, again := l.reloaded(ctx)
		if again != nil {
			return Checkpoint{}, again
		}
		return open(head, s.verifiers())
	}
	return at, err
}

// verifiers are the key of now and those before it. What is kept by the region itself
// may be of the former key for a moment longer than its hand-over says.
func (s *signing) verifiers() keys {
	out := append(keys(nil), s.trusted...)
	for i := range out {
		out[i].most = -1
	}
	return out
}

// Parse reads a checkpoint and proves its signature. The key is as Key has it; of a log
// whose key has changed, hand-overs lead from it to the one that signed.
func Parse(checkpoint []byte, key string, handovers ...string) (Checkpoint, error) {
	k, err := trust(key, handovers)
	if err != nil {
		return Checkpoint{}, err
	}
	return open(checkpoint, k)
}

func verifierOf(key string) (note.Verifier, error) {
	v, err := note.NewVerifier(strings.TrimSpace(key))
	if err != nil {
		return nil, fault.E("tree.Parse", fault.Invalid, "this is not the public key of a trail: it is one line, NAME+HASH+KEY, as `selda audit key` prints it")
	}
	return v, nil
}

// maxNote is how long a checkpoint may be, its cosignatures included.
const maxNote = 64 << 10

// open proves a checkpoint. https://c2sp.org/tlog-checkpoint
func open(msg []byte, k keys) (Checkpoint, error) {
	const op = "tree.Parse"
	if len(msg) > maxNote {
		return Checkpoint{}, fault.E(op, fault.TooLong, "a checkpoint is not as long as this")
	}
	n, err := openNote(msg, k.verifiers())
	if err != nil {
		return Checkpoint{}, fault.E(op, fault.Invalid, "the checkpoint is not signed by "+k[0].Name()+" with the key that is held, or was changed. Where the region has changed its key, its hand-overs are wanted too (`selda audit handovers`)")
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 || lines[0] != k[0].Name() {
		return Checkpoint{}, fault.E(op, fault.Invalid, "the checkpoint is of another trail")
	}
	c := Checkpoint{Note: msg}
	c.Size, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil || c.Size < 0 || strconv.FormatInt(c.Size, 10) != lines[1] {
		return Checkpoint{}, fault.E(op, fault.Invalid, "the checkpoint has no size")
	}
	if c.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return Checkpoint{}, fault.E(op, fault.Invalid, "the checkpoint has no root")
	}
	if !k.may(n.Sigs, c.Size) {
		return Checkpoint{}, fault.E(op, fault.Invalid, "the checkpoint is signed by a key that had handed over to another before: somebody else may have it")
	}
	return c, nil
}

// Extend adds leaves after those of the latest checkpoint, and signs the next.
func (l *Log) Extend(ctx context.Context, from Checkpoint, leaves []Hash) (Checkpoint, error) {
	const op = "tree.Extend"
	if len(leaves) == 0 {
		return from, nil
	}
	grown := &grown{Tiles: l.tiles}
	if err := grown.add(ctx, from.Size, leaves); err != nil {
		return from, fault.E(op, fault.NoStore, err)
	}
	next := Checkpoint{Size: from.Size + int64(len(leaves))}
	var err error
	if next.Root, err = tlog.TreeHash(next.Size, reader{ctx, grown}); err != nil {
		return from, fault.E(op, fault.NoStore, err)
	}
	if next.Note, err = l.now().sign(next.Size, next.Root); err != nil {
		return from, fault.E(op, fault.NoStore, err)
	}
	if err := l.tiles.Extend(ctx, from.Note, grown.levels, next.Note); err != nil {
		return from, err
	}
	return next, nil
}
