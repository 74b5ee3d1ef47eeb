package tree

import (
	"encoding/base64"
	"errors"

	"golang.org/x/mod/sumdb/note"
)

// openNote is note.Open for a signature that is written as a signer writes it. Base64 leaves
// bits over at its end, which note.Open does not look at: a note in which one of them was
// turned would hold, and be another file than the one that was kept.
func openNote(msg []byte, known note.Verifiers) (*note.Note, error) {
	n, err := note.Open(msg, known)
	if err != nil {
		return nil, err
	}
	for _, s := range n.Sigs {
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
			return nil, errors.New("a signature of the note was changed")
		}
	}
	return n, nil
}
