package region

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"selda/audit"
	"selda/fault"
	"selda/internal/document"
	"selda/internal/seal"
	"selda/store/postgres"
)

// This file finds the keys under which secrets are kept at rest, and seals what is
// not sealed by them. docs/adr/0023 says why it is as it is.

// keyName is the file of keys in a data folder, where none is given from outside:
// it keeps one stolen file shut, and not a stolen folder.
const keyName = "key"

// nodesKey is the use of the key that nodes derive from the database's own, where
// none is given from outside.
const nodesKey = "documents at rest"

// atRest is how the names of documents begin that are sealed.
var atRest = []string{"auth/", audit.KeyName, audit.SignerName}

// outsideKey is the file of keys that an operator gives: SELDA_KEY_FILE, or the
// credential selda.key of a unit of systemd; "" where none is given.
func outsideKey() string {
	if p := os.Getenv("SELDA_KEY_FILE"); p != "" {
		return p
	}
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		if p := filepath.Join(dir, "selda.key"); isFile(p) {
			return p
		}
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// restingKeys are the keys of a region's secrets.
type restingKeys struct {
	outside string // the file that is given; "" where none is
	own     string // the file in the data folder; "" of a database
	derived seal.Keys
	ring    *seal.Ring
}

// readKeys reads a file of keys.
func readKeys(path string) (seal.Keys, error) {
	const op = "region.readKeys"
	b, err := os.ReadFile(path)
	if err != nil {
		return seal.Keys{}, fault.E(op, fault.NoStore, "the file of keys can't be read: "+path)
	}
	k, err := seal.Parse(b)
	if err != nil {
		return k, fault.E(op, err, path)
	}
	return k, nil
}

// read reads the keys as they are now. What was sealed before a key was given from
// outside opens still, by the folder's own.
func (r *restingKeys) read() (k seal.Keys, err error) {
	if r.outside != "" {
		if k, err = readKeys(r.outside); err != nil {
			return k, err
		}
	}
	if r.own != "" && (r.outside == "" || isFile(r.own)) {
		own, err := readKeys(r.own)
		if err != nil {
			return k, err
		}
		k = k.And(own)
	}
	return k.And(r.derived), nil
}

// folderKeys are the keys of a data folder. One that is new gets its own, where none
// is given and make says so.
func folderKeys(data string, make bool) (*restingKeys, error) {
	const op = "region.folderKeys"
	k := &restingKeys{outside: outsideKey(), own: filepath.Join(data, keyName)}
	if k.outside == "" && !isFile(k.own) {
		switch id, err := sealedBy(data); {
		case err != nil:
			return nil, err
		case id != "":
			return nil, fault.E(op, fault.Security, "the secrets in "+data+" are sealed with the key "+id+", which is not there: give the file of keys that has it (SELDA_KEY_FILE), or put the folder's own file `key` back. Nothing was changed")
		case !make:
			return nil, nil
		}
		if err := document.Folder(data).Save(keyName, []byte(seal.NewLine()), 0); err != nil {
			return nil, fault.E(op, fault.NoStore, err)
		}
	}
	var err error
	k.ring, err = seal.NewRing(k.read)
	return k, err
}

// sealedBy is the id of a key that something in a data folder is sealed by; "" where
// nothing is.
func sealedBy(data string) (string, error) {
	docs := document.Folder(data)
	for _, prefix := range atRest {
		names, err := docs.List(prefix)
		if err != nil {
			return "", err
		}
		for _, name := range names {
			b, _, err := docs.Load(name)
			if id := seal.ID(b); err != nil || id != "" {
				return id, err
			}
		}
	}
	return "", nil
}

// sealedFolder is the documents of a data folder. Where nothing is sealed there and no
// key is given, they are in the clear.
func sealedFolder(data string, make bool) (document.Store, *restingKeys, error) {
	k, err := folderKeys(data, make)
	if err != nil || k == nil {
		return document.Folder(data), nil, err
	}
	return document.Sealed{Store: document.Folder(data), Keys: k.ring, Names: atRest, Turn: &sync.Mutex{}}, k, nil
}

// databaseKeys are the keys of a region on a database; nil where none is given, which a
// database on the same machine may do without.
func databaseKeys(dsn string) (*restingKeys, error) {
	k := &restingKeys{outside: outsideKey()}
	if k.outside == "" {
		if !postgres.OnThisMachine(dsn) {
			return nil, fault.E("region.databaseKeys", fault.Security, "a database on another machine keeps secrets only under a key that it has not: make one with `openssl rand -base64 32 > FILE`, keep a copy elsewhere, and start every node with SELDA_KEY_FILE=FILE")
		}
		return nil, nil
	}
	var err error
	k.ring, err = seal.NewRing(k.read)
	return k, err
}

// openDatabase opens the store of a region on a database under its keys.
func openDatabase(ctx context.Context, dsn string) (*postgres.DB, *restingKeys, error) {
	k, err := databaseKeys(dsn)
	if err != nil {
		return nil, nil, err
	}
	var o postgres.Options
	if k != nil {
		o.Keys = k.ring
	}
	db, err := postgres.Open(ctx, dsn, o)
	return db, k, err
}

// sealer is a place where secrets are kept.
type sealer interface {
	SealAll() (int, error)
	// InUse are the ids of the keys that something is sealed by; "" of what is in the clear.
	InUse() ([]string, error)
}

// sealAtRest seals what a region of before, or of another key, has otherwise; then
// keys that lie beside are of no use any more and go. On a database what another node
// has sealed by another key of the file stays as it is, until an operator says so: nodes
// may have the keys in another order while they are changed.
func (r *Region) sealAtRest() error {
	n, err := 0, error(nil)
	if r.Nodes != nil && r.resting != nil {
		err = r.resting.ring.Easy(func() error { n, err = r.resealed(); return err })
	} else {
		n, err = r.resealed()
	}
	if err != nil {
		return err
	}
	if n > 0 && r.Log != nil {
		r.Log.Info("secrets were sealed", "places", n)
	}
	return r.resting.dropOwn()
}

// resealed seals everything by the key that seals now, and says how much was not.
func (r *Region) resealed() (n int, err error) {
	for _, place := range r.sealed {
		more, err := place.SealAll()
		if n += more; err != nil {
			return n, fault.E("region.resealed", err)
		}
	}
	return n, nil
}

// keysInUse are the ids of all keys that something is sealed by; what is in the clear,
// by none.
func (r *Region) keysInUse() (ids []string, err error) {
	for _, place := range r.sealed {
		more, err := place.InUse()
		if err != nil {
			return nil, fault.E("region.keysInUse", err)
		}
		for _, id := range more {
			if id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// dropOwn takes away what of the folder's own file of keys nothing is sealed by any
// more: all of it, where a key is given from outside, else all but the first.
func (k *restingKeys) dropOwn() error {
	const op = "region.dropOwn"
	if k == nil || k.own == "" || !isFile(k.own) {
		return nil
	}
	if k.outside != "" {
		if err := os.Remove(k.own); err != nil {
			return fault.E(op, fault.NoStore, err)
		}
		return k.ring.Reload()
	}
	b, err := os.ReadFile(k.own)
	if err != nil {
		return fault.E(op, fault.NoStore, err)
	}
	lines := keyLines(b)
	if len(lines) < 2 {
		return nil
	}
	if err := k.keepOwn(lines[:1]); err != nil {
		return err
	}
	return k.ring.Reload()
}

// keyLines are the lines of a file of keys that hold one.
func keyLines(file []byte) (out []string) {
	for line := range bytes.Lines(file) {
		if s := strings.TrimSpace(string(line)); s != "" && s[0] != '#' {
			out = append(out, s)
		}
	}
	return out
}

// keepOwn replaces the folder's own file of keys, at once.
func (k *restingKeys) keepOwn(lines []string) error {
	return document.Folder(filepath.Dir(k.own)).Save(keyName, []byte(strings.Join(lines, "\n")+"\n"), document.Any)
}

// warnings are what an operator should know of the keys when the doors open.
func (r *Region) warnings() []string {
	switch {
	case r.resting == nil:
		return []string{"no key is given: this region's secrets are in the database in the clear. Make a key with `openssl rand -base64 32 > FILE`, keep a copy elsewhere, and start every node with SELDA_KEY_FILE=FILE: what is there is sealed then"}
	case r.resting.outside == "":
		return []string{"the key that seals this region's secrets lies beside them, in " + r.resting.own + ": who copies the folder can open them. Give it from outside with SELDA_KEY_FILE"}
	}
	return nil
}
