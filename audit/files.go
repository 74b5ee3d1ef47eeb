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
	"selda/internal/document"
	"selda/internal/segment"
)

// HeadFolder is where the head and its key are in a data folder: a copy of the
// folder has them before the trail's own files.
const HeadFolder = "audit-head"

// files is the chain in the files of one process.
type files struct {
	log  *segment.Log
	key  []byte
	dir  string
	now  func() time.Time
	head *os.File

	mu   sync.Mutex // orders the chain
	seq  uint64
	hash [sha256.Size]byte

	heads   sync.Mutex // guards marks and durable
	marks   []mark     // heads of what is appended and not yet flushed
	durable uint64     // the last entry that is on disk

	places sync.Mutex
	place  place // where the last walk by number ended
}

// place is where an entry is.
type place struct {
	seq uint64
	at  segment.Position
}

type mark struct {
	end  segment.Position
	seq  uint64
	hash [sha256.Size]byte
}

const headBytes = 8 + 8 + sha256.Size + sha256.Size

func openFiles(o Options) (*files, error) {
	const op = "audit.Open"
	key, headFile, err := openHead(o.Data, o.documents())
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	t := &files{key: key, dir: filepath.Join(o.Data, "audit"), now: o.Now, head: headFile}
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
		h, seq, err := checkRecord(t.key, data, t.seq, t.hash)
		t.seq, t.hash = seq, h
		return err
	})
	if err != nil {
		_ = t.log.Close()
		_ = headFile.Close()
		return nil, fault.E(op, fault.NoStore, err)
	}
	t.durable = t.seq
	if end := t.log.Durable(); end > known.end {
		if err := writeHead(t.head, t.key, mark{end, t.seq, t.hash}); err != nil {
			return nil, fault.E(op, fault.NoStore, err)
		}
	}
	return t, nil
}

func openHead(data string, docs document.Store) (key []byte, head *os.File, err error) {
	dir := filepath.Join(data, HeadFolder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	key, version, err := docs.Load(KeyName)
	if err == nil && version == 0 {
		if _, err := os.Stat(filepath.Join(data, "audit")); err == nil {
			return nil, nil, fmt.Errorf("the trail is there but the key that proves it is gone")
		}
		key = make([]byte, 32)
		_, _ = rand.Read(key)
		err = docs.Save(KeyName, key, 0)
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

// Append is Chain's.
func (t *files) Append(_ context.Context, e Entry) (func() (uint64, error), error) {
	p, seq, err := t.add(e)
	return func() (uint64, error) { return seq, t.log.Wait(p) }, err
}

func (t *files) add(e Entry) (segment.Position, uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.Seq, e.At = t.seq+1, t.now().UTC()
	body, err := json.Marshal(e)
	if err != nil {
		return 0, 0, err
	}
	hash := Link(t.key, e.Seq, t.hash, body)
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
func (t *files) flushed(end segment.Position) {
	t.heads.Lock()
	var last *mark
	i := 0
	for ; i < len(t.marks) && t.marks[i].end <= end; i++ {
		last = &t.marks[i]
	}
	var m mark
	if last != nil {
		m, t.durable = *last, last.seq
	}
	t.marks = t.marks[i:]
	t.heads.Unlock()
	if last != nil {
		_ = writeHead(t.head, t.key, m) // a missing head only makes a cut tail harder to find; it is written again with the next group
	}
}

// Err is Chain's.
func (t *files) Err() error { return t.log.Err() }

// Durable is Chain's.
func (t *files) Durable() segment.Position { return t.log.Durable() }

// Scan is Chain's.
func (t *files) Scan(_ context.Context, from segment.Position, f func(at segment.Position, e Entry) error) (segment.Position, error) {
	return segment.Scan(t.dir, from, func(p segment.Position, data []byte) error {
		e, err := entryOf(data)
		if err != nil {
			return err
		}
		return f(p, e)
	})
}

// Records is Chain's.
func (t *files) Records(_ context.Context, from uint64, f func(seq uint64, record []byte) error) error {
	now, err := t.find(from)
	if err != nil {
		return err
	}
	limit := t.log.Durable()
	end, err := segment.Scan(t.dir, now.at, func(p segment.Position, data []byte) error {
		if p >= limit {
			return errEnough
		}
		seq := now.seq
		now = place{seq + 1, segment.After(p, len(data))}
		if seq < from {
			return nil
		}
		return f(seq, data)
	})
	if errors.Is(err, segment.ErrTorn) && end >= limit { // on its way just now
		err = nil
	}
	if now.at >= limit && errors.Is(err, errEnough) {
		err = nil
	}
	t.places.Lock()
	t.place = now
	t.places.Unlock()
	return err
}

// find gives a place at an entry or before it: where the last walk ended, or the
// beginning of its file.
func (t *files) find(seq uint64) (place, error) {
	t.places.Lock()
	last := t.place
	t.places.Unlock()
	if last.seq > 0 && last.seq <= seq {
		return last, nil
	}
	starts, err := segment.Files(t.dir)
	if err != nil {
		return place{}, err
	}
	found := place{seq: 1}
	for lo, hi := 0, len(starts); lo < hi; {
		mid := (lo + hi) / 2
		if starts[mid] >= t.log.Durable() {
			hi = mid
			continue
		}
		data, err := t.log.Read(starts[mid])
		if err != nil {
			return found, err
		}
		e, err := entryOf(data)
		if err != nil {
			return found, err
		}
		if e.Seq > seq {
			hi = mid
		} else {
			found, lo = place{e.Seq, starts[mid]}, mid+1
		}
	}
	return found, nil
}

// Size is Chain's.
func (t *files) Size(context.Context) (uint64, error) {
	t.heads.Lock()
	defer t.heads.Unlock()
	return t.durable, nil
}

// Key is Chain's.
func (t *files) Key() []byte { return t.key }

// Read is Chain's.
func (t *files) Read(_ context.Context, at []segment.Position) ([]Entry, error) {
	out := make([]Entry, 0, len(at))
	for _, p := range at {
		data, err := t.log.Read(p)
		if err != nil {
			return nil, err
		}
		e, err := entryOf(data)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// entryOf is the entry of a record, after its hash.
func entryOf(data []byte) (e Entry, err error) {
	if len(data) < sha256.Size {
		return e, fmt.Errorf("a record of the trail is too short")
	}
	return e, json.Unmarshal(data[sha256.Size:], &e)
}

// Sync is Chain's: the head may be behind for a moment.
func (t *files) Sync() { _ = t.head.Sync() }

// Close is Chain's.
func (t *files) Close() error { return errors.Join(t.log.Close(), t.head.Sync(), t.head.Close()) }
