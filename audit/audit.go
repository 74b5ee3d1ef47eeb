// Package audit is the tamper-evident trail: who did what to whose record,
// when, why and under which rule. It is not a log for engineers.
//
// In order: Append chains an entry to the one before it by HMAC-SHA-256 and
// returns when the entry is on disk; only then may an answer leave. After each
// group of entries the head (position, number, hash) is written to a file
// beside the trail, so that a cut tail is found. Verify walks the whole trail
// and names the first entry that does not hold. An index, which is derived and
// can be rebuilt, finds entries by citizen, user, organisation and time.
//
// Entries have the facts that an IHE BALP AuditEvent needs
// (https://profiles.ihe.net/ITI/BALP/). The trail itself may name citizens by
// their stable id, never by demographics.
package audit

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"selda/fault"
	"selda/internal/segment"
	"selda/nhs"
	"selda/policy"
)

// Actions of an entry.
const (
	Read       = "read"
	Search     = "search"
	Create     = "create"
	Update     = "update"
	Delete     = "delete"
	Export     = "export"
	SignIn     = "sign-in"
	SignOut    = "sign-out"
	BreakGlass = "break-glass"
	Declare    = "declare-relationship"
	Administer = "administer"
	Review     = "review" // of an entry by a privacy officer: About says which
	Ask        = "ask"    // by the citizen about an entry: it is filed with that entry's organisation
)

// Outcomes of an entry.
const (
	Permit = "permit"
	Deny   = "deny"
)

// Entry is one line of the trail.
type Entry struct {
	Seq          uint64      `json:"seq"` // given by Append, from 1
	At           time.Time   `json:"at"`  // given by Append
	Action       string      `json:"action"`
	Outcome      string      `json:"outcome"`
	User         string      `json:"user,omitempty"`
	Name         string      `json:"name,omitempty"`
	Role         nhs.Role    `json:"role,omitempty"`
	Organisation nhs.ODS     `json:"organisation,omitempty"`
	Purpose      nhs.Purpose `json:"purpose,omitempty"`
	Citizen      string      `json:"citizen,omitempty"` // stable id
	What         string      `json:"what,omitempty"`    // "record", "Observation/…", "quarantine", …
	Rules        []string    `json:"rules,omitempty"`   // why it was permitted or denied
	Reason       string      `json:"reason,omitempty"`  // what the user stated: a break-glass reason, a declared relationship
	// Concealed entries are left out of what the citizen is shown: a
	// safeguarding check (G25), a break-glass whose telling was deferred (G9).
	Concealed bool `json:"concealed,omitempty"`
	// Signs are what was seen of the access that a privacy officer should look
	// at: the user's own record, the same family name.
	Signs []string `json:"signs,omitempty"`
	// About is the number of the entry that a review is of.
	About uint64 `json:"about,omitempty"`
}

// From fills who of an entry from a decision's subject.
func From(s policy.Subject, action, what string) Entry {
	return Entry{Action: action, Outcome: Permit, User: s.User, Name: s.Name, Role: s.Role,
		Organisation: s.Organisation, Purpose: s.Purpose, What: what}
}

// Trail is the open trail. The zero Trail refuses every append.
type Trail struct {
	log  *segment.Log
	key  []byte
	dir  string
	now  func() time.Time
	head *os.File

	mu   sync.Mutex // orders the chain
	seq  uint64
	hash [sha256.Size]byte

	heads sync.Mutex // guards marks
	marks []mark     // heads of what is appended and not yet flushed
	index Index
	stop  context.CancelFunc
	wg    sync.WaitGroup
}

type mark struct {
	end  segment.Position
	seq  uint64
	hash [sha256.Size]byte
}

// Options of a trail. Data is the region's data folder: the trail is all of
// Data/audit; its key and head are in Data/audit-head.
type Options struct {
	Data  string
	Now   func() time.Time
	Index Index // nil: entries can't be searched
	// FileBytes is how large a file of the trail gets; segment's own limit where 0.
	FileBytes int64
}

const headBytes = 8 + 8 + sha256.Size + sha256.Size

// Open opens the trail. Where its tail does not reach what the head says was
// durable, it is damaged and the error says so: then nothing may be read.
func Open(o Options) (*Trail, error) {
	const op = "audit.Open"
	key, headFile, err := openHead(o.Data)
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	t := &Trail{key: key, dir: filepath.Join(o.Data, "audit"), now: o.Now, head: headFile, index: o.Index}
	known, err := readHead(headFile, key)
	if err != nil {
		_ = headFile.Close()
		return nil, fault.E(op, fault.NoStore, err)
	}
	t.log, err = segment.Open(t.dir, segment.Options{Durable: known.end, OnFlush: t.flushed, FileBytes: o.FileBytes})
	if err != nil {
		_ = headFile.Close()
		return nil, fault.E(op, fault.NoStore, err)
	}
	// The end of the chain, from the head on (a crash can leave the head a group behind).
	t.seq, t.hash = known.seq, known.hash
	_, err = segment.Scan(t.dir, known.end, func(p segment.Position, data []byte) error {
		h, seq, err := t.check(data, t.seq, t.hash)
		t.seq, t.hash = seq, h
		return err
	})
	if err != nil {
		_ = t.log.Close()
		_ = headFile.Close()
		return nil, fault.E(op, fault.NoStore, err)
	}
	if end := t.log.Durable(); end > known.end {
		if err := writeHead(t.head, t.key, mark{end, t.seq, t.hash}); err != nil {
			return nil, fault.E(op, fault.NoStore, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.stop = cancel
	t.wg.Go(func() { t.follow(ctx) })
	return t, nil
}

func openHead(data string) (key []byte, head *os.File, err error) {
	dir := filepath.Join(data, "audit-head")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	keyPath := filepath.Join(dir, "key")
	key, err = os.ReadFile(keyPath)
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(data, "audit")); err == nil {
			return nil, nil, fmt.Errorf("the trail is there but the key that proves it is gone")
		}
		key = make([]byte, 32)
		_, _ = rand.Read(key)
		err = keep(keyPath, key)
	}
	if err != nil {
		return nil, nil, err
	}
	head, err = os.OpenFile(filepath.Join(dir, "head"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, err
	}
	if info, err := head.Stat(); err != nil || info.Size() > 0 {
		return key, head, err
	}
	return key, head, beginHead(data, key, head)
}

// beginHead writes the head of a trail without entries, before there can be
// one: a head that is empty later has been emptied.
func beginHead(data string, key []byte, head *os.File) error {
	files, err := filepath.Glob(filepath.Join(data, "audit", "*"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Size() > 0 {
			return fmt.Errorf("the trail is there but its head is gone")
		}
	}
	if err := writeHead(head, key, mark{}); err != nil {
		return err
	}
	return errors.Join(head.Sync(), syncDir(filepath.Dir(head.Name())))
}

// keep writes a file that has to be there after a loss of power.
func keep(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close(), syncDir(filepath.Dir(path)))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func readHead(f *os.File, key []byte) (mark, error) {
	var b [headBytes]byte
	n, _ := f.ReadAt(b[:], 0)
	body, mac := b[:headBytes-sha256.Size], b[headBytes-sha256.Size:]
	if n < headBytes || !hmac.Equal(mac, sum(key, []byte("head"), body)) {
		return mark{}, fmt.Errorf("the head of the trail does not hold")
	}
	m := mark{end: segment.Position(binary.LittleEndian.Uint64(b[:])), seq: binary.LittleEndian.Uint64(b[8:])}
	copy(m.hash[:], b[16:])
	return m, nil
}

func writeHead(f *os.File, key []byte, m mark) error {
	var b [headBytes]byte
	binary.LittleEndian.PutUint64(b[:], uint64(m.end))
	binary.LittleEndian.PutUint64(b[8:], m.seq)
	copy(b[16:], m.hash[:])
	copy(b[headBytes-sha256.Size:], sum(key, []byte("head"), b[:headBytes-sha256.Size]))
	_, err := f.WriteAt(b[:], 0)
	return err
}

func sum(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// check proves one record against the one before it. A record is the hash of
// (number, previous hash, entry) and the entry as JSON.
func (t *Trail) check(data []byte, seq uint64, prev [sha256.Size]byte) ([sha256.Size]byte, uint64, error) {
	return checkRecord(t.key, data, seq, prev)
}

func checkRecord(key, data []byte, seq uint64, prev [sha256.Size]byte) (hash [sha256.Size]byte, next uint64, err error) {
	next = seq + 1
	if len(data) < sha256.Size {
		return hash, seq, fmt.Errorf("entry %d does not hold: it is too short", next)
	}
	copy(hash[:], chain(key, next, prev, data[sha256.Size:]))
	if !hmac.Equal(hash[:], data[:sha256.Size]) {
		return hash, seq, fmt.Errorf("entry %d does not hold: it was changed, moved, or one before it was removed", next)
	}
	return hash, next, nil
}

func chain(key []byte, seq uint64, prev [sha256.Size]byte, entry []byte) []byte {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], seq)
	return sum(key, n[:], prev[:], entry)
}

// Ready says whether entries can be appended.
func (t *Trail) Ready() error {
	if t == nil || t.log == nil {
		return fault.E("audit.Ready", fault.NoStore, "there is no trail")
	}
	if err := t.log.Err(); err != nil {
		return fault.E("audit.Ready", fault.NoStore, err)
	}
	return nil
}

// Append adds an entry and returns when it is on disk, with its number.
func (t *Trail) Append(ctx context.Context, e Entry) (uint64, error) {
	const op = "audit.Append"
	if t == nil || t.log == nil {
		return 0, fault.E(op, fault.NoStore, "there is no trail")
	}
	p, seq, err := t.add(e)
	if err != nil {
		return 0, fault.E(op, fault.NoStore, err)
	}
	if err := t.log.Wait(p); err != nil {
		return 0, fault.E(op, fault.NoStore, err)
	}
	return seq, nil
}

func (t *Trail) add(e Entry) (segment.Position, uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.Seq, e.At = t.seq+1, t.now().UTC()
	body, err := json.Marshal(e)
	if err != nil {
		return 0, 0, err
	}
	hash := [sha256.Size]byte(chain(t.key, e.Seq, t.hash, body))
	t.heads.Lock()
	defer t.heads.Unlock()
	p, err := t.log.Append(hash[:], body)
	if err != nil {
		return 0, 0, err
	}
	t.seq, t.hash = e.Seq, hash
	t.marks = append(t.marks, mark{p + segment.Position(8+len(hash)+len(body)), e.Seq, hash})
	return p, e.Seq, nil
}

// flushed writes the head of what has just become durable.
func (t *Trail) flushed(end segment.Position) {
	t.heads.Lock()
	var last *mark
	i := 0
	for ; i < len(t.marks) && t.marks[i].end <= end; i++ {
		last = &t.marks[i]
	}
	var m mark
	if last != nil {
		m = *last
	}
	t.marks = t.marks[i:]
	t.heads.Unlock()
	if last != nil {
		_ = writeHead(t.head, t.key, m) // a missing head only makes a cut tail harder to find; it is written again with the next group
	}
}

// Close ends the trail.
func (t *Trail) Close() error {
	t.stop()
	t.wg.Wait()
	return errors.Join(t.log.Close(), t.head.Sync(), t.head.Close())
}
