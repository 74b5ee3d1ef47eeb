// Package release keeps terminology that was imported into a data folder:
// releases of SNOMED CT, dm+d, LOINC, ICD-10 and OPCS-4, FHIR's terminology
// resources, and tables that map codes.
//
// An import has two steps. Build reads a file, a folder or a zip and writes a
// folder of its own beside the others, which takes the time that it takes; Adopt
// then puts it to use at once and for all, by a new list of what is in use.
// Whoever asks in between is answered from the release before. Files are mapped
// into memory and read where they lie.
package release

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"selda/fault"
	"selda/terminology"
	"selda/terminology/index"
)

// Release is one release that is kept.
type Release struct {
	Name     string    `json:"name"` // its folder
	Kind     string    `json:"kind"` // snomed, dmd, loinc, icd, map, codesystem, supplement, valueset, conceptmap
	System   string    `json:"system"`
	Version  string    `json:"version"`
	Title    string    `json:"title,omitempty"`
	Target   string    `json:"target,omitempty"` // of a map
	Concepts int       `json:"concepts"`
	Bytes    int64     `json:"bytes"`
	Imported time.Time `json:"imported"`
	From     string    `json:"from"` // the name of the file or folder
	// InUse says that it answers where no version is named.
	InUse bool `json:"inUse"`
}

// The files of a data folder's terminology.
const (
	listFile     = "list.json"
	releaseFile  = "release.json"
	indexFile    = "release.index"
	resourceFile = "resource.json"
)

// Store is the terminology of one data folder.
type Store struct {
	dir string
	box terminology.Library
	now func() time.Time

	mu      sync.Mutex
	looked  time.Time
	stamp   fs.FileInfo // of the list that service is of
	service *terminology.Service
	codings *terminology.Codings // of the service; nil until they are asked for
	opened  map[string]*index.Index

	imported *library // nil where nothing was imported
	beside   func() (terminology.Library, error)
	other    terminology.Library // what beside gave last
}

// lookEvery is how often it is seen whether something was adopted elsewhere.
const lookEvery = time.Second

// Open opens the terminology of a data folder, over the box of R4. Nothing is
// read before it is asked for.
func Open(data string, now func() time.Time) *Store {
	return &Store{dir: filepath.Join(data, "terminology"), box: terminology.R4, now: now, opened: map[string]*index.Index{}}
}

// Beside sets where terminology is found that is kept elsewhere, as that of
// FHIR packages: after what was imported and before the box. It gives the same
// library until something has changed.
func (s *Store) Beside(library func() (terminology.Library, error)) { s.beside = library }

// Service answers from what is in use now.
func (s *Store) Service() (*terminology.Service, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.service != nil && now.Sub(s.looked) < lookEvery && !now.Before(s.looked) {
		return s.service, nil
	}
	changed, err := s.look()
	if err != nil {
		return nil, err
	}
	s.looked = now
	if changed || s.service == nil {
		libraries := []terminology.Library{s.box}
		if s.other != nil {
			libraries = []terminology.Library{s.other, s.box}
		}
		if s.imported != nil {
			libraries = append([]terminology.Library{s.imported}, libraries...)
		}
		s.service, s.codings = terminology.New(libraries...), nil
	}
	return s.service, nil
}

// look reads the list anew where it has changed, here or elsewhere.
func (s *Store) look() (changed bool, err error) {
	if s.beside != nil {
		other, err := s.beside()
		if err != nil {
			return false, err
		}
		changed, s.other = other != s.other, other
	}
	info, err := os.Stat(filepath.Join(s.dir, listFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return changed, nil
	case err != nil:
		return false, fault.E("release.Service", fault.NoStore, err)
	}
	if s.stamp != nil && os.SameFile(info, s.stamp) && info.ModTime().Equal(s.stamp.ModTime()) {
		return changed, nil
	}
	list, err := readList(s.dir)
	if err != nil {
		return false, err
	}
	s.stamp, s.imported = info, &library{store: s, list: list}
	return true, nil
}

// Codings translates single codings by the maps that were imported. It gives
// those of before where what is there now can't be read.
func (s *Store) Codings() *terminology.Codings {
	_, err := s.Service()
	s.mu.Lock()
	have, imported := s.codings, s.imported
	s.mu.Unlock()
	if err != nil || have != nil || imported == nil {
		return have
	}
	maps, err := imported.toSNOMED()
	if err != nil {
		return nil
	}
	snomed, err := imported.CodeSystem(terminology.SNOMED, "")
	if err != nil {
		return nil
	}
	made := terminology.NewCodings(maps, snomed)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.imported == imported {
		s.codings = made
	}
	return made
}

// List is what is kept, the newest import first.
func (s *Store) List() ([]Release, error) {
	list, err := readList(s.dir)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i := range list {
		key := list[i].key()
		list[i].InUse = !seen[key]
		seen[key] = true
	}
	return list, nil
}

// key is what only one release is in use of at a time: a system, or a map, of
// which several tables may be parts.
func (r Release) key() string {
	if r.Kind == "map" {
		return "map " + r.System + " " + r.Target + " " + r.Title
	}
	return r.Kind + " " + r.System
}

// readList reads the list of what is kept, the newest import first.
func readList(dir string) ([]Release, error) {
	const op = "release.list"
	raw, err := os.ReadFile(filepath.Join(dir, listFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	var list []Release
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fault.E(op, fault.Structure, "the list of terminology releases is broken: import them again", filepath.Join(dir, listFile))
	}
	slices.SortStableFunc(list, func(a, b Release) int { return b.Imported.Compare(a.Imported) })
	return list, nil
}

// Adopt puts releases that Build has made to use. One of the same system and
// version that was kept before goes.
func (s *Store) Adopt(names []string) ([]Release, error) {
	const op = "release.Adopt"
	unlock, err := s.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	list, err := readList(s.dir)
	if err != nil {
		return nil, err
	}
	var out, gone []Release
	for _, name := range names {
		if filepath.Base(name) != name {
			return nil, fault.E(op, fault.Value, "this is no name of a release")
		}
		raw, err := os.ReadFile(filepath.Join(s.dir, name, releaseFile))
		if err != nil {
			return nil, fault.E(op, fault.NotFound, "there is no release of this name: "+name)
		}
		var r Release
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, fault.E(op, fault.Structure, err)
		}
		r.Imported = s.now().UTC()
		list = slices.DeleteFunc(list, func(o Release) bool {
			same := o.key() == r.key() && o.Version == r.Version
			if same {
				gone = append(gone, o)
			}
			return same
		})
		list = append([]Release{r}, list...)
		out = append(out, r)
	}
	if err := writeFile(filepath.Join(s.dir, listFile), list); err != nil {
		return nil, err
	}
	for _, o := range gone {
		if !slices.ContainsFunc(out, func(r Release) bool { return r.Name == o.Name }) {
			_ = os.RemoveAll(filepath.Join(s.dir, o.Name)) // what is mapped of it stays readable
		}
	}
	s.tidy(list)
	s.mu.Lock()
	s.looked = time.Time{}
	s.mu.Unlock()
	return out, nil
}

// tidy removes what an import left behind that never came to its end.
func (s *Store) tidy(list []Release) {
	entries, _ := os.ReadDir(s.dir) // what can't be read is left
	for _, e := range entries {
		info, err := e.Info()
		kept := slices.ContainsFunc(list, func(r Release) bool { return r.Name == e.Name() })
		if err == nil && e.IsDir() && !kept && s.now().Sub(info.ModTime()) > 24*time.Hour {
			_ = os.RemoveAll(filepath.Join(s.dir, e.Name()))
		}
	}
}

// Remove takes a release away. What was in use before it, of the same system,
// is in use again.
func (s *Store) Remove(name string) error {
	const op = "release.Remove"
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	list, err := readList(s.dir)
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(list), func(r Release) bool { return r.Name == name })
	if len(left) == len(list) {
		return fault.E(op, fault.NotFound, "there is no release of this name: `selda terminology list` shows them")
	}
	if err := writeFile(filepath.Join(s.dir, listFile), left); err != nil {
		return err
	}
	_ = os.RemoveAll(filepath.Join(s.dir, name)) // what is mapped of it stays readable
	s.mu.Lock()
	s.looked = time.Time{}
	s.mu.Unlock()
	return nil
}

// lock keeps two imports from writing one list.
func (s *Store) lock() (func(), error) {
	const op = "release.lock"
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	f, err := os.OpenFile(filepath.Join(s.dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.E(op, fault.NoStore, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, fault.E(op, fault.NoStore, err)
	}
	return func() { _ = f.Close() }, nil
}

// writeFile replaces a file whole, durably.
func writeFile(name string, v any) error {
	const op = "release.write"
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fault.E(op, fault.Exception, err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	_, err = f.Write(raw)
	err = cmp.Or(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fault.E(op, fault.NoStore, err)
	}
	return nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return cmp.Or(d.Sync(), d.Close())
}
