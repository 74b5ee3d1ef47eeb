// Package document keeps small documents under names: the keys, the agreements,
// the mappings of extracts and what came of them. They are the files of a data
// folder, or rows that the nodes of a region share. It is not for patient data
// that is searched or that grows.
package document

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"selda/fault"
)

// Any is the version of whatever is there: Save replaces it.
const Any = -1

// Store is the port to where they are kept.
type Store interface {
	// Load gives a document and its version; nil and 0 where there is none.
	Load(name string) (content []byte, version int64, err error)
	// Save replaces the version that was loaded, 0 where there was none; the
	// fault is Conflict where another one is there by now.
	Save(name string, content []byte, version int64) error
	// List gives the names that begin so, in order.
	List(prefix string) ([]string, error)
	// Remove takes a document away, where it is there.
	Remove(name string) error
}

// Folder keeps them as files below it, which only their owner can read. One
// process has it open, so that nobody saves between its Load and its Save.
type Folder string

var _ Store = Folder("")

func (f Folder) path(name string) (string, error) {
	if f == "" || !filepath.IsLocal(name) {
		return "", fault.E("document", fault.NoStore, "there is no place for the document "+name)
	}
	return filepath.Join(string(f), filepath.FromSlash(name)), nil
}

// Load is Store's.
func (f Folder) Load(name string) ([]byte, int64, error) {
	path, err := f.path(name)
	if err != nil {
		return nil, 0, err
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	} else if err != nil {
		return nil, 0, fault.E("document.Load", fault.NoStore, err)
	}
	// A copy of the folder may have lost the mode.
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, 0, fault.E("document.Load", fault.NoStore, err)
	}
	return b, 1, nil
}

// Save is Store's. After a crash there is the old document or the new one.
func (f Folder) Save(name string, content []byte, version int64) error {
	path, err := f.path(name)
	if err == nil && version == 0 {
		if _, there := os.Stat(path); there == nil {
			return fault.E("document.Save", fault.Conflict, "there is one already: "+name)
		}
	}
	if err == nil {
		err = write(path, content)
	}
	if err != nil {
		return fault.E("document.Save", fault.NoStore, err)
	}
	return nil
}

func write(path string, b []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // no more than a stray name once it is renamed
	if _, err = tmp.Write(b); err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return err
	}
	return flush(dir)
}

// flush makes what was done to the names in a folder durable.
func flush(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Remove is Store's.
func (f Folder) Remove(name string) error {
	path, err := f.path(name)
	if err == nil {
		err = os.Remove(path)
	}
	if err == nil {
		err = flush(filepath.Dir(path))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.E("document.Remove", fault.NoStore, err)
	}
	return nil
}

// List is Store's.
func (f Folder) List(prefix string) (out []string, err error) {
	root, err := f.path(".")
	if err != nil {
		return nil, err
	}
	below := root
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		below = filepath.Join(root, filepath.FromSlash(prefix[:i]))
	}
	err = filepath.WalkDir(below, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if name := filepath.ToSlash(rel); err == nil && strings.HasPrefix(name, prefix) && !strings.HasPrefix(d.Name(), ".new-") {
			out = append(out, name)
		}
		return err
	})
	slices.Sort(out)
	if err != nil {
		err = fault.E("document.List", fault.NoStore, err)
	}
	return out, err
}
