package rights

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"selda/fhir"
)

// This file puts a note of dispute into the very resource that it is about: whoever is
// shown the item reads it, wherever it is shown, and nobody else knows of it
// (docs/adr/0024). It goes on from version to version until it is taken out.

const disputedURL = base + "disputed"

// Note is what a person says against an item that its source has not changed.
type Note struct {
	Text string
	At   time.Time
	Case string
}

// Dispute is a resource with a note, in place of one that it has.
func Dispute(body []byte, n Note) []byte {
	return withNotes(body, fhir.Marshal(fhir.Object{"url": disputedURL, "valueAnnotation": fhir.Object{"authorString": "The person whose record it is, case " + n.Case, "time": fhir.Instant(n.At), "text": n.Text}}))
}

// Undisputed is a resource without a note.
func Undisputed(body []byte) []byte { return withNotes(body, nil) }

// withNotes is a resource with its extensions but for notes, and with one note where it
// is given: all else stays as it stands.
func withNotes(body, note []byte) []byte {
	r, err := fhir.ParseTrusted(body)
	if err != nil {
		return body
	}
	var list [][]byte
	for _, x := range r.Root().List("extension") {
		if !x.Get("url").Is(disputedURL) {
			list = append(list, x.JSON())
		}
	}
	if note != nil {
		list = append(list, note)
	}
	extension := append(append([]byte{'['}, bytes.Join(list, []byte{','})...), ']')
	out, had := []byte{'{'}, false
	member := func(name string, value []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out, _ = jsontext.AppendQuote(out, name)
		out = append(append(out, ':'), value...)
	}
	for name, value := range fhir.Members(body) {
		if name == "extension" {
			had = true
			if value = extension; len(list) == 0 {
				continue
			}
		}
		member(name, value)
	}
	if !had && len(list) > 0 {
		member("extension", extension)
	}
	return append(out, '}')
}

// NoteOf is the note that a resource has; false where it has none.
func NoteOf(r *fhir.Resource) (Note, bool) {
	for _, x := range r.Root().List("extension") {
		if x.Get("url").Is(disputedURL) {
			n := Note{Text: x.Get("valueAnnotation", "text").Text()}
			n.At, _ = fhir.Time(x.Get("valueAnnotation", "time").Text())
			return n, true
		}
	}
	return Note{}, false
}

// StillDisputed is what a source sends of an item with the note that the version before had.
func StillDisputed(body, before []byte) []byte {
	if !bytes.Contains(before, []byte(disputedURL)) {
		return body
	}
	r, err := fhir.ParseTrusted(before)
	if err != nil {
		return body
	}
	for _, x := range r.Root().List("extension") {
		if x.Get("url").Is(disputedURL) {
			return withNotes(body, x.JSON())
		}
	}
	return body
}

// Said tells what a source says of an item apart from what it says later.
func Said(body []byte) string {
	sum := sha256.Sum256(Undisputed(body))
	return hex.EncodeToString(sum[:])
}
