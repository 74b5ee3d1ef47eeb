package region

import (
	"encoding/base64"
	"os"
	"path/filepath"

	"selda/fault"
	"selda/internal/document"
	"selda/internal/seal"
)

// This file finds the key under which secrets are kept at rest.

// keyName is the file of keys in a data folder, where none is given from outside:
// it keeps one stolen file shut, and not a stolen folder.
const keyName = "key"

// nodesKey is the use of the key that nodes derive from the database's own.
const nodesKey = "documents at rest"

// atRest is how the names of documents begin that are sealed.
var atRest = []string{"auth/"}

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

// keys are the keys of a data folder, or of a region whose nodes share a key of
// the database where none is given. outside says that they are not kept with what
// they seal.
func keys(data string, shared func(use string) []byte) (k seal.Keys, outside bool, err error) {
	const op = "region.keys"
	path := outsideKey()
	if outside = path != ""; !outside {
		if shared != nil {
			k, err = seal.Of(shared(nodesKey))
			return k, false, err
		}
		path = filepath.Join(data, keyName)
	}
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) && !outside {
		b = []byte(seal.NewLine())
		err = document.Folder(data).Save(keyName, b, 0)
	}
	if err != nil {
		return k, outside, fault.E(op, fault.NoStore, "the file of keys can't be read: "+path)
	}
	// With another key what is sealed already could not be opened: a folder that was
	// kept by its own goes on being read by it, while it is sealed again.
	if own := filepath.Join(data, keyName); outside && shared == nil && isFile(own) {
		of, err := os.ReadFile(own)
		if err != nil {
			return k, outside, fault.E(op, fault.NoStore, err)
		}
		b = append(append(b, '\n'), of...)
	}
	if outside && shared != nil {
		b = append(b, "\n"+base64.StdEncoding.EncodeToString(shared(nodesKey))...)
	}
	if k, err = seal.Parse(b); err != nil {
		return k, outside, fault.E(op, err, path)
	}
	return k, outside, nil
}

// sealedFolder is the documents of a data folder.
func sealedFolder(data string) (document.Sealed, bool, error) {
	k, outside, err := keys(data, nil)
	return document.Sealed{Store: document.Folder(data), Keys: k, Names: atRest}, outside, err
}

// sealAtRest seals what a region of before, or of another key, has in the clear;
// then the key that lay beside is of no use any more.
func (r *Region) sealAtRest(docs document.Sealed, outside bool) error {
	const op = "region.sealAtRest"
	n, err := docs.SealAll()
	if err != nil {
		return fault.E(op, err)
	}
	if n > 0 && r.Log != nil {
		r.Log.Info("secrets were sealed", "documents", n)
	}
	r.documents, r.keys, r.keyOutside = docs, docs.Keys, outside
	own := filepath.Join(r.Data, keyName)
	if outside && r.Nodes == nil && isFile(own) {
		if err := os.Remove(own); err != nil {
			return fault.E(op, fault.NoStore, err)
		}
	}
	return nil
}
