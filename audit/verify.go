package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"selda/audit/tree"
	"selda/fault"
	"selda/internal/document"
	"selda/internal/segment"
)

// Report is what Verify found.
type Report struct {
	Entries uint64 `json:"entries"`
	Files   int    `json:"files"`
	Bytes   int64  `json:"bytes"`
	Head    string `json:"head"` // the last entry's hash
	Tree    int64  `json:"tree"` // how many entries the latest checkpoint has
}

// Verify walks every byte under data/audit, and holds the tree against it. The
// error names the first entry that does not hold. It may run while the trail is
// being written to. Its keys are in docs; nil: in the folder, in the clear.
func Verify(data string, docs document.Store) (Report, error) {
	const op = "audit.Verify"
	w := walk{dir: filepath.Join(data, "audit")}
	if docs == nil {
		docs = document.Folder(data)
	}
	var version int64
	var err error
	if w.key, version, err = docs.Load(KeyName); err != nil {
		return w.Report, fault.E(op, err)
	}
	if version == 0 {
		return w.Report, fault.E(op, fault.NotFound, "there is no trail here, or its key is gone: looked in "+data)
	}
	head, err := os.Open(filepath.Join(data, HeadFolder, "head"))
	if err != nil {
		return w.Report, fault.E(op, fault.Invalid, "the head of the trail is gone")
	}
	defer func() { _ = head.Close() }()
	if w.known, err = readHead(head, w.key); err != nil {
		return w.Report, fault.E(op, fault.Invalid, err)
	}
	if w.tree, err = folderWalk(data, docs); err != nil {
		return w.Report, fault.E(op, fault.Invalid, err)
	}
	if err = w.entries(); err == nil {
		w.Tree, err = w.tree.End()
	}
	w.Head = hex.EncodeToString(w.hash[:])
	if alien := onlySegments(w.dir, &w.Report); err == nil {
		err = alien
	}
	if err != nil {
		return w.Report, fault.E(op, fault.Invalid, err)
	}
	return w.Report, nil
}

// walk goes through a trail from its first entry to its last.
type walk struct {
	Report
	dir   string
	key   []byte
	known mark // what was durable when it began
	hash  [sha256.Size]byte
	end   segment.Position
	tree  *tree.Walk
}

// writing is how long an entry may be half written by a server at work: longer
// than one flush of a slow disk takes.
const writing = time.Second

// entries proves every entry, and that those which were durable are there.
func (w *walk) entries() error {
	err := w.on()
	// Beyond what was durable an entry may be on its way just now. One that does
	// not become whole was left by a crash, or is no entry.
	for began := time.Now(); errors.Is(err, segment.ErrTorn) && w.end >= w.known.end && time.Since(began) < writing; {
		time.Sleep(10 * time.Millisecond)
		err = w.on()
	}
	next := w.Entries + 1
	switch {
	case errors.Is(err, segment.ErrTorn) && w.end >= w.known.end:
		return fmt.Errorf("entry %d does not hold: the bytes after entry %d are not whole: a crash left them, which the next start takes away, or somebody added them", next, w.Entries)
	case errors.Is(err, segment.ErrTorn):
		return fmt.Errorf("entry %d does not hold: its bytes were changed or cut", next)
	case errors.Is(err, segment.ErrDamaged):
		return fmt.Errorf("entry %d does not hold: a file of the trail is missing, or is shorter or longer than it was", next)
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("entry %d does not hold: the trail's folder, or a file in it, is gone", next)
	case err != nil:
		return err
	case w.Entries < w.known.seq:
		return fmt.Errorf("entry %d does not hold: the trail ends before it, and %d entries were written", next, w.known.seq)
	}
	return nil
}

// on proves the entries from where the walk stands.
func (w *walk) on() error {
	_, err := segment.Scan(w.dir, w.end, func(p segment.Position, rec []byte) error {
		hash, seq, err := checkRecord(w.key, rec, w.Entries, w.hash)
		if err != nil {
			return err
		}
		if seq == w.known.seq && hash != w.known.hash {
			return fmt.Errorf("entry %d does not hold: it is not the one that was written", seq)
		}
		w.Entries, w.hash, w.end = seq, hash, segment.After(p, len(rec))
		return InTree(w.tree, w.key, rec)
	})
	return err
}

// onlySegments counts the trail's files, and finds one that does not belong.
func onlySegments(dir string, r *Report) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	next := segment.Position(0)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		if e.Name() != segment.FileName(next) || !info.Mode().IsRegular() {
			return fmt.Errorf("entry %d does not hold: in the trail's folder is %s, which is not the trail's", r.Entries+1, e.Name())
		}
		next += segment.Position(info.Size())
		r.Files, r.Bytes = r.Files+1, int64(next)
	}
	return nil
}
