package tree

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"selda/fault"
)

// This file changes the key that signs checkpoints. A hand-over is a note that the
// former key and the next have both signed: it names the log, the checkpoint at which
// the former ends, and both keys. Who holds any of the keys follows hand-overs to the
// others, with no connection.

// handoverKind is the first line of a hand-over's text.
const handoverKind = "selda.example/trail-handover@v1"

// maxHandovers is how often a key can have changed.
const maxHandovers = 1000

// signing is what signs checkpoints, as it is kept. One of before is the seed alone.
type signing struct {
	Origin    string   `json:"origin"`
	Seed      []byte   `json:"seed"`
	Handovers []string `json:"handovers,omitempty"` // the oldest first

	key      string // public, as https://c2sp.org/signed-note writes it
	signer   note.Signer
	verifier note.Verifier
	trusted  keys // this key and those of before
}

func parseSigning(kept []byte) (*signing, error) {
	const op = "tree.New"
	s := &signing{Seed: kept}
	if len(kept) != ed25519.SeedSize && json.Unmarshal(kept, s) != nil || len(s.Seed) != ed25519.SeedSize {
		return nil, fault.E(op, fault.Invalid, "the key that signs the trail's checkpoints is not one")
	}
	public := ed25519.NewKeyFromSeed(s.Seed).Public().(ed25519.PublicKey)
	if s.Origin == "" {
		// The origin names this log and no other: two regions never share one.
		sum := sha256.Sum256(public)
		s.Origin = "selda.example/trail/" + hex.EncodeToString(sum[:8])
	}
	var err error
	if s.key, err = note.NewEd25519VerifierKey(s.Origin, public); err != nil {
		return nil, fault.E(op, fault.Invalid, err)
	}
	if s.verifier, err = note.NewVerifier(s.key); err != nil {
		return nil, fault.E(op, fault.Invalid, err)
	}
	secret := fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", s.Origin, s.verifier.KeyHash(), base64.StdEncoding.EncodeToString(append([]byte{1}, s.Seed...)))
	if s.signer, err = note.NewSigner(secret); err != nil {
		return nil, fault.E(op, fault.Invalid, err)
	}
	s.trusted, err = trust(s.key, s.Handovers)
	return s, err
}

// next is the key that follows this one, which ends at a checkpoint.
func (s *signing) next(seed []byte, at Checkpoint) (*signing, error) {
	n := &signing{Origin: s.Origin, Seed: seed}
	b, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	if n, err = parseSigning(b); err != nil {
		return nil, err
	}
	text := fmt.Sprintf("%s\n%s\n%d\n%s\n%s\n%s\n", handoverKind, s.Origin, at.Size, at.Root, s.key, n.key)
	signed, err := note.Sign(&note.Note{Text: text}, s.signer, n.signer)
	if err != nil {
		return nil, err
	}
	n.Handovers = append(append([]string(nil), s.Handovers...), string(signed))
	n.trusted, err = trust(n.key, n.Handovers)
	return n, err
}

// trustedKey is a key that may sign checkpoints of so many entries at most; -1: of any.
type trustedKey struct {
	note.Verifier
	most int64
}

// keys are those of one log that are trusted. The first is where the trust begins.
type keys []trustedKey

// handover is one change of the key.
type handover struct {
	size        int64
	former, now string
}

// parseHandover reads a hand-over, and proves that both keys have signed it.
func parseHandover(signed string) (h handover, err error) {
	const op = "tree.Handover"
	bad := fault.E(op, fault.Invalid, "a hand-over from one key of the trail to the next does not hold")
	if len(signed) > maxNote {
		return h, bad
	}
	text, _, _ := strings.Cut(signed, "\n\n")
	lines := strings.Split(text, "\n")
	if len(lines) != 6 || lines[0] != handoverKind {
		return h, bad
	}
	if h.size, err = strconv.ParseInt(lines[2], 10, 64); err != nil || h.size < 0 {
		return h, bad
	}
	if _, err := tlog.ParseHash(lines[3]); err != nil {
		return h, bad
	}
	h.former, h.now = lines[4], lines[5]
	for _, key := range []string{h.former, h.now} {
		v, err := note.NewVerifier(key)
		if err != nil || v.Name() != lines[1] {
			return h, bad
		}
		if _, err := openNote([]byte(signed), note.VerifierList(v)); err != nil {
			return h, bad
		}
	}
	if h.former == h.now {
		return h, bad
	}
	return h, nil
}

// trust is the keys that hand-overs lead to from one: forwards, since it handed over
// itself, and backwards, since it was handed to. A key that handed over may sign
// nothing beyond that.
func trust(key string, handovers []string) (keys, error) {
	key = strings.TrimSpace(key)
	first, err := verifierOf(key)
	if err != nil {
		return nil, err
	}
	if len(handovers) > maxHandovers {
		return nil, fault.E("tree.trust", fault.TooLong, "no key changes as often as this")
	}
	list := make([]handover, len(handovers))
	ends := map[string]int64{} // of those that have handed over
	for i, signed := range handovers {
		if list[i], err = parseHandover(signed); err != nil {
			return nil, err
		}
		if _, twice := ends[list[i].former]; twice {
			return nil, fault.E("tree.trust", fault.Invalid, "one key of the trail has handed over to two: one of them is not the region's")
		}
		ends[list[i].former] = list[i].size
	}
	out := keys{{first, -1}}
	at := map[string]int{key: 0}
	for grew := true; grew; {
		grew = false
		for _, h := range list {
			for from, to := range map[string]string{h.former: h.now, h.now: h.former} {
				_, has := at[from]
				if _, known := at[to]; has && !known {
					v, err := verifierOf(to)
					if err != nil {
						return nil, err
					}
					at[to], grew = len(out), true
					out = append(out, trustedKey{v, -1})
				}
			}
		}
	}
	for k, i := range at {
		if size, ended := ends[k]; ended {
			out[i].most = size
		}
	}
	return out, nil
}

func (k keys) verifiers() note.Verifiers {
	var list []note.Verifier
	for _, t := range k {
		list = append(list, t.Verifier)
	}
	return note.VerifierList(list...)
}

// may says whether one of the keys that have signed may sign a checkpoint of a size.
func (k keys) may(sigs []note.Signature, size int64) bool {
	for _, s := range sigs {
		for _, t := range k {
			if t.Name() == s.Name && t.KeyHash() == s.Hash && (t.most < 0 || size <= t.most) {
				return true
			}
		}
	}
	return false
}

// Keeper is the port to where the key is kept.
type Keeper interface {
	Read(ctx context.Context) ([]byte, error)
	// Keep puts what is kept in the place of what was; the fault is Conflict where that
	// is not there any more.
	Keep(ctx context.Context, was, now []byte) error
}

// HandOver has checkpoints be signed by a new key from now on. Where it is cut off, the
// key of before signs on, or the new one does: never none.
func (l *Log) HandOver(ctx context.Context) error {
	const op = "tree.HandOver"
	if l.keeper == nil {
		return fault.E(op, fault.NotSupported, "the key of this trail is not kept where it can change")
	}
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed)
	s, err := l.reloaded(ctx)
	if err != nil {
		return err
	}
	was := l.kept
	for range 20 {
		at, err := l.Latest(ctx)
		if err != nil {
			return err
		}
		n, err := s.next(seed, at)
		if err != nil {
			return fault.E(op, err)
		}
		b, err := json.Marshal(n)
		if err != nil {
			return fault.E(op, err)
		}
		if err := l.keeper.Keep(ctx, was, b); err != nil {
			return fault.E(op, err)
		}
		was = b
		// The checkpoint is signed anew: another node that signs by the former key meets a
		// checkpoint that it does not know, and reads the key again.
		head, err := n.sign(at.Size, at.Root)
		if err == nil {
			err = l.tiles.Extend(ctx, at.Note, nil, head)
		}
		if err == nil {
			l.use(n, b)
			return nil
		}
		if !fault.Is(err, fault.Conflict) {
			return fault.E(op, err)
		}
	}
	return fault.E(op, fault.Transient, "the trail grows too fast for its key to change: try again")
}

func (s *signing) sign(size int64, root Hash) ([]byte, error) {
	text := fmt.Sprintf("%s\n%d\n%s\n", s.Origin, size, root)
	return note.Sign(&note.Note{Text: text}, s.signer)
}

// Handovers are the changes of the key, the oldest first.
func (l *Log) Handovers() []string { return l.now().Handovers }

// KeptBy says where the key is kept: it is read anew where a checkpoint is not signed by
// one that is known, since another node may have changed it.
func (l *Log) KeptBy(k Keeper) *Log {
	l.keeper = k
	return l
}

func (l *Log) now() *signing {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.signing
}

func (l *Log) use(s *signing, kept []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.signing, l.kept = s, kept
}

// reloaded is the key as it is kept now.
func (l *Log) reloaded(ctx context.Context) (*signing, error) {
	if l.keeper == nil {
		return l.now(), nil
	}
	b, err := l.keeper.Read(ctx)
	if err != nil {
		return nil, fault.E("tree.reloaded", fault.NoStore, err)
	}
	s, err := parseSigning(b)
	if err != nil {
		return nil, err
	}
	l.use(s, b)
	return s, nil
}
