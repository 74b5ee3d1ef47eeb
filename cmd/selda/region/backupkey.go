package region

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"selda/fault"
)

// This file says with which key a backup opens, first of all in it, so that who has
// not the key is told before anything is restored.

const keyNoteName = "sealed.json"

// keyNote is what a backup says of the key of its secrets.
type keyNote struct {
	// Key is the id of the key that seals them; "" where they are in the clear.
	Key string `json:"key"`
	// Inside says that the key is in the backup.
	Inside bool `json:"inside"`
}

func noteOf(k *restingKeys) keyNote {
	if k == nil {
		return keyNote{Inside: true}
	}
	return keyNote{Key: k.ring.Keys().IDs()[0], Inside: k.outside == ""}
}

func addKeyNote(t *tar.Writer, k *restingKeys) error {
	b, err := json.Marshal(noteOf(k))
	if err != nil {
		return err
	}
	return addPiece(t, keyNoteName, b)
}

// BackupKey is what whoever makes a backup has to know of its key.
func (r *Region) BackupKey() string {
	n := noteOf(r.resting)
	if n.Inside {
		return "the key of its secrets is in it: who has the file can open them"
	}
	return "the key of its secrets is not in it: keep a copy of the file of keys (" + r.resting.outside + ", key " + n.Key + ") elsewhere; without it the backup can't be used"
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
	if path := outsideKey(); path != "" {
		k, err := readKeys(path)
		if err != nil {
			return err
		}
		if slices.Contains(k.IDs(), n.Key) {
			return nil
		}
	}
	return fault.E(op, fault.Security, "the secrets in the backup are sealed with the key "+n.Key+", which is not in it: give the file of keys that it was made with (SELDA_KEY_FILE). Nothing was restored")
}
