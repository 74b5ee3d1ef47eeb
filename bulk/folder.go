package bulk

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"selda/fault"
)

// Folder keeps jobs in a folder that one process has open: a folder each, with
// its state, and its files as runs of blocks, each after a frame that says how
// long it is, and its NDJSON (4 bytes each, little-endian).
type Folder struct {
	dir string

	mu    sync.Mutex
	dirty map[string]map[string]bool // files of jobs that were written since their last Save
}

var _ Store = (*Folder)(nil)

const (
	stateFile = "state" // when the job ended, in milliseconds (8 bytes), then the sealed state
	frame     = 8
)

// OpenFolder opens a folder, and makes it where it is not there. What is half
// made in it goes: it was never acknowledged.
func OpenFolder(dir string) (*Folder, error) {
	f := &Folder{dir: dir, dirty: map[string]map[string]bool{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, noStore(err)
	}
	jobs, err := os.ReadDir(dir)
	if err != nil {
		return nil, noStore(err)
	}
	for _, j := range jobs {
		if _, err := os.Stat(filepath.Join(dir, j.Name(), stateFile)); errors.Is(err, fs.ErrNotExist) {
			if err := os.RemoveAll(filepath.Join(dir, j.Name())); err != nil {
				return nil, noStore(err)
			}
		}
	}
	return f, nil
}

// noStore is a fault of the disk, without its path.
func noStore(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fault.E("bulk.Folder", fault.NoStore, "the folder of exports and imports can't be used: "+err.Error())
}

// List is Store's.
func (f *Folder) List(ended bool) (out []Kept, err error) {
	jobs, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, noStore(err)
	}
	for _, j := range jobs {
		k, err := f.Load(j.Name())
		if errors.Is(err, ErrUnknown) {
			continue // it is just being made, or removed
		}
		if err != nil {
			return nil, err
		}
		if k.Ended.IsZero() != ended {
			out = append(out, k)
		}
	}
	return out, nil
}

// Load is Store's.
func (f *Folder) Load(id string) (Kept, error) {
	if !filepath.IsLocal(id) {
		return Kept{}, ErrUnknown
	}
	b, err := os.ReadFile(filepath.Join(f.dir, id, stateFile))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) || err == nil && len(b) < 8 {
		return Kept{}, ErrUnknown
	}
	if err != nil {
		return Kept{}, noStore(err)
	}
	k := Kept{ID: id, State: b[8:]}
	if ms := binary.LittleEndian.Uint64(b); ms != 0 {
		k.Ended = time.UnixMilli(int64(ms)).UTC()
	}
	return k, nil
}

// Create is Store's.
func (f *Folder) Create(k Kept, holder string) error {
	if err := os.Mkdir(filepath.Join(f.dir, k.ID), 0o700); err != nil {
		return noStore(err)
	}
	if err := f.Save(k, holder); err != nil {
		return err
	}
	if err := syncDir(f.dir); err != nil {
		return noStore(err)
	}
	return nil
}

// Take is Store's: there is one holder, who knows what it carries out.
func (f *Folder) Take(id, _ string) (bool, error) {
	k, err := f.Load(id)
	if errors.Is(err, ErrUnknown) {
		return false, nil
	}
	return err == nil && k.Ended.IsZero(), err
}

// Renew is Store's.
func (f *Folder) Renew(_ string, ids []string) ([]string, error) { return ids, nil }

// Leave is Store's.
func (f *Folder) Leave(string, string) error { return nil }

// Save is Store's: the state is there whole or not at all.
func (f *Folder) Save(k Kept, _ string) error {
	f.mu.Lock()
	dirty := f.dirty[k.ID]
	delete(f.dirty, k.ID)
	f.mu.Unlock()
	for name := range dirty {
		if err := syncFile(filepath.Join(f.dir, k.ID, name)); err != nil {
			return gone(err)
		}
	}
	b := make([]byte, 8, 8+len(k.State))
	if !k.Ended.IsZero() {
		binary.LittleEndian.PutUint64(b, uint64(k.Ended.UnixMilli()))
	}
	path := filepath.Join(f.dir, k.ID, stateFile)
	file, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return gone(err)
	}
	_, err = file.Write(append(b, k.State...))
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return gone(err)
	}
	return nil
}

// gone is an error of a job whose folder may have been removed.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return ErrTaken
	}
	return noStore(err)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Put is Store's.
func (f *Folder) Put(b Block, _ string) error {
	file, err := os.OpenFile(filepath.Join(f.dir, b.Job, b.File), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return gone(err)
	}
	framed := binary.LittleEndian.AppendUint32(make([]byte, 0, frame+len(b.Sealed)), uint32(len(b.Sealed)))
	framed = append(binary.LittleEndian.AppendUint32(framed, uint32(b.Raw)), b.Sealed...)
	_, err = file.WriteAt(framed, b.At+frame*int64(b.N))
	if err = errors.Join(err, file.Close()); err != nil {
		return noStore(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dirty[b.Job] == nil {
		f.dirty[b.Job] = map[string]bool{}
	}
	f.dirty[b.Job][b.File] = true
	return nil
}

// Sizes is Store's.
func (f *Folder) Sizes(job, name string, blocks int) (out []Size, err error) {
	file, err := os.Open(filepath.Join(f.dir, job, name))
	if err != nil {
		return nil, noStore(err)
	}
	defer func() { _ = file.Close() }()
	var b [frame]byte
	for at := int64(0); len(out) < blocks; {
		if _, err := file.ReadAt(b[:], at); err != nil {
			return nil, errNotWhole
		}
		s := Size{int(binary.LittleEndian.Uint32(b[:])), int(binary.LittleEndian.Uint32(b[4:]))}
		out = append(out, s)
		at += frame + int64(s.Sealed)
	}
	return out, nil
}

// Get is Store's.
func (f *Folder) Get(job, name string, n int, at int64, size int) ([]byte, error) {
	file, err := os.Open(filepath.Join(f.dir, job, name))
	if err != nil {
		return nil, noStore(err)
	}
	defer func() { _ = file.Close() }()
	b := make([]byte, size)
	if _, err := file.ReadAt(b, at+frame*int64(n+1)); err != nil {
		return nil, errNotWhole
	}
	return b, nil
}

// Remove is Store's.
func (f *Folder) Remove(id string) error {
	f.mu.Lock()
	delete(f.dirty, id)
	f.mu.Unlock()
	if !filepath.IsLocal(id) {
		return nil
	}
	// Its state first: what is left without one is half made.
	_ = os.Remove(filepath.Join(f.dir, id, stateFile))
	if err := os.RemoveAll(filepath.Join(f.dir, id)); err != nil {
		return noStore(err)
	}
	return nil
}

// Used is Store's.
func (f *Folder) Used() (used int64, err error) {
	err = filepath.WalkDir(f.dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return skipGone(err)
		}
		info, err := d.Info()
		if err == nil {
			used += info.Size()
		}
		return skipGone(err)
	})
	if err != nil {
		err = noStore(err)
	}
	return used, err
}

// skipGone is an error but for what is removed meanwhile.
func skipGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
