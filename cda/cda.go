// Package cda reads HL7 CDA Release 2 documents: it finds the ClinicalDocument
// in what was sent (bare, in a SOAP or ITK envelope, packed in base64 or
// gzip), gives it as a tree in which every element knows its place and its
// bytes, and shows it as it was written, as safe HTML.
//
// A place is the path of an element below the ClinicalDocument, names joined
// by dots, with the number among the siblings of that name in brackets,
// counted from 1 and left out where it is 1: "component.structuredBody.component[3].section.entry[2].act".
// "@name" at its end is an attribute. "ClinicalDocument" is the document itself.
//
// The package knows the standard and nothing of this system; it maps nothing.
// Namespaces are not insisted on, since senders get them wrong.
// Source: HL7 CDA R2 (2005), C-CDA R2.1, NHS ITK DistributionEnvelope 2.x.
package cda

import "selda/fault"

// Limits on what is read.
const (
	MaxBytes    = 64 << 20  // of a document, and of what is unpacked from it
	MaxDepth    = 128       // of elements in each other
	MaxElements = 1_000_000 // in one document
)

// Root is the place of the ClinicalDocument itself.
const Root = "ClinicalDocument"

// Document is one clinical document.
type Document struct {
	Root *Element
	// Text is what the places' byte ranges are in: the bytes that were given
	// to Parse, unless the document was packed or in another character set
	// than UTF-8; then it is the document unpacked.
	Text []byte
	// TrackingID is the ITK envelope's, "" where there is none.
	TrackingID string

	ids map[string]*Element // by ID attribute, for references into the narrative
}

// Parse finds and reads the one ClinicalDocument in raw. An error's place is
// the path from the root of what was sent.
func Parse(raw []byte) (*Document, error) {
	const op = "cda.Parse"
	d, err := find(raw, 0)
	if err != nil {
		return nil, fault.E(op, err)
	}
	d.ids = map[string]*Element{}
	d.Root.each(func(e *Element) {
		if id := e.Attr("ID"); id != "" {
			if _, twice := d.ids[id]; !twice {
				d.ids[id] = e
			}
		}
	})
	return d, nil
}

// ByID is the element with that ID attribute: what a reference "#id" points to.
func (d *Document) ByID(id string) *Element { return d.ids[id] }

// XML is the ClinicalDocument's own bytes, without envelopes.
func (d *Document) XML() []byte { return d.Text[d.Root.start:d.Root.end] }
