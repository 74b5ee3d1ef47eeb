package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"selda/fault"
)

// Folder keeps a tree in files: each level is one that only grows, a hash after
// the other. One process has it open for writing.
//
// The levels are on disk before the checkpoint that counts them: what a crash
// left behind the last one counted is written over.
type Folder string

var _ Tiles = Folder("")

func (f Folder) level(n int) string { return filepath.Join(string(f), "level-"+strconv.Itoa(n)) }
func (f Folder) head() string       { return filepath.Join(string(f), "checkpoint") }

// Head is Tiles'.
func (f Folder) Head(context.Context) ([]byte, error) {
	b, err := os.ReadFile(f.head())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Hashes is Tiles'.
func (f Folder) Hashes(_ context.Context, level int, first, n int64) ([]Hash, error) {
	if n == 0 {
		return nil, nil
	}
	file, err := os.Open(f.level(level))
	if err != nil {
		return nil, fmt.Errorf("a level of the tree is gone: %w", err)
	}
	defer func() { _ = file.Close() }()
	b := make([]byte, n*tlog.HashSize)
	if _, err := file.ReadAt(b, first*tlog.HashSize); err != nil {
		return nil, fmt.Errorf("level %d of the tree is cut off: %w", level, err)
	}
	out := make([]Hash, n)
	for i := range out {
		copy(out[i][:], b[i*tlog.HashSize:])
	}
	return out, nil
}

// Extend is Tiles'.
func (f Folder) Extend(ctx context.Context, old []byte, levels []Level, head []byte) error {
	const op = "tree.Extend"
	if now, err := f.Head(ctx); err != nil || string(now) != string(old) {
		return fault.E(op, fault.Conflict, errors.Join(err, errors.New("the tree has another checkpoint by now")))
	}
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	for _, l := range levels {
		if err := f.write(l); err != nil {
			return fault.E(op, fault.NoStore, err)
		}
	}
	if err := f.replace(head); err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	return nil
}

func (f Folder) write(l Level) error {
	b := make([]byte, 0, len(l.Hashes)*tlog.HashSize)
	for _, h := range l.Hashes {
		b = append(b, h[:]...)
	}
	file, err := os.OpenFile(f.level(l.Level), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(b, l.First*tlog.HashSize)
	return errors.Join(err, file.Sync(), file.Close())
}

// replace has the old checkpoint there after a crash, or the new one.
func (f Folder) replace(head []byte) error {
	next, err := os.OpenFile(f.head()+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = next.Write(head)
	if err = errors.Join(err, next.Sync(), next.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.head()+".new", f.head()); err != nil {
		return err
	}
	dir, err := os.Open(string(f))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
