package region

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"selda/fault"
)

// This file says with which key a backup opens, first of all in it, so that who has
// not the key is told before anything is restored.

const keyNoteName = "sealed.json"

// keyNote is what a backup says of the key of its secrets.
type keyNote struct {
	// Keys are the ids of the keys that seal them; none where they are in the clear.
	Keys []string `json:"keys"`
	// Inside says that the keys are in the backup.
	Inside bool `json:"inside"`
}

func (r *Region) keyNote() (keyNote, error) {
	if r.resting == nil {
		return keyNote{Inside: true}, nil
	}
	ids, err := r.keysInUse()
	return keyNote{Keys: ids, Inside: r.resting.outside == ""}, err
}

func (r *Region) addKeyNote(t *tar.Writer) error {
	n, err := r.keyNote()
	if err != nil {
		return err
	}
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return addPiece(t, keyNoteName, b)
}

// BackupKey is what whoever makes a backup has to know of its key.
func (r *Region) BackupKey() (string, error) {
	n, err := r.keyNote()
	if err != nil || n.Inside {
		return "the key of its secrets is in it: who has the file can open them", err
	}
	return "the key of its secrets is not in it: keep a copy of the file of keys (" + r.resting.outside + ", key " + strings.Join(n.Keys, ", ") + ") elsewhere; without it the backup can't be used", nil
}

// pieced is the files of a backup, one after the other.
type pieced struct {
	*tar.Reader
	first *tar.Header // that was looked at, and not used
}

// next is the next file of a backup; io.EOF at its end.
func (p *pieced) next() (*tar.Header, error) {
	if h := p.first; h != nil {
		p.first = nil
		return h, nil
	}
	h, err := p.Next()
	if err != nil && !errors.Is(err, io.EOF) {
		err = fault.E("region.Restore", fault.Structure, "the backup is cut off, or not one")
	}
	return h, err
}

// mayOpen reads what the backup says of its key, and refuses it where that is not
// given. A backup of before says nothing.
func (p *pieced) mayOpen(dsn string) error {
	const op = "region.Restore"
	h, err := p.next()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = fault.E(op, fault.Structure, "the backup is empty")
		}
		return err
	}
	if h.Name != keyNoteName {
		p.first = h
		return nil
	}
	var n keyNote
	if err := json.NewDecoder(io.LimitReader(p, 4<<10)).Decode(&n); err != nil {
		return fault.E(op, fault.Structure, "the backup does not say with which key it opens: it is damaged")
	}
	if dsn != "" {
		if _, err := databaseKeys(dsn); err != nil {
			return err
		}
	}
	if n.Inside {
		return nil
	}
	var given []string
	if path := outsideKey(); path != "" {
		k, err := readKeys(path)
		if err != nil {
			return err
		}
		given = k.IDs()
	}
	missing := slices.DeleteFunc(n.Keys, func(id string) bool { return slices.Contains(given, id) })
	if len(missing) == 0 {
		return nil
	}
	return fault.E(op, fault.Security, "the secrets in the backup are sealed with the key "+strings.Join(missing, ", ")+", which is not in it: give the file of keys that it was made with (SELDA_KEY_FILE). Nothing was restored")
}
