// Package filedrop takes files apart into messages: one HL7 v2 message, one
// FHIR Bundle, resource or NDJSON line, one document, one CSV row each. It
// tells the format by the file's name and content, and does not read what a
// message says.
package filedrop

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest"
)

// MaxFile is the largest file that is read, in bytes.
const MaxFile = 1 << 30

// Piece is one message of a file.
type Piece struct {
	Format string
	Row    int
	Body   []byte
}

// Auto has the format told by name and content.
const Auto = "auto"

// ParseFormat reads a format's name; "" and auto are Auto.
func ParseFormat(s string) (string, error) {
	switch s {
	case "", Auto:
		return Auto, nil
	case ingest.HL7v2, ingest.FHIR, ingest.CDA, ingest.CSV:
		return s, nil
	}
	return "", fault.E("filedrop.ParseFormat", fault.Value, "say auto, hl7v2, fhir, cda or csv")
}

// Files lists the files under a path, in order of name; the path itself where
// it is a file.
func Files(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fault.E("filedrop.Files", fault.NotFound, err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var out []string
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, p)
		}
		return err
	})
	return out, err
}

// Format tells what a file is read as; "" for one that is passed over. named
// says that the user named this very file: then its content decides.
func Format(name string, body []byte, named bool) string {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".hl7", ".er7", ".txt":
		return ingest.HL7v2
	case ".json", ".ndjson":
		return ingest.FHIR
	case ".xml":
		return xmlFormat(body)
	case ".csv":
		return ingest.CSV
	}
	if !named {
		return ""
	}
	b := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), "\x0b\r\n\t ")
	switch {
	case bytes.HasPrefix(b, []byte("MSH")) || bytes.HasPrefix(b, []byte("FHS")) || bytes.HasPrefix(b, []byte("BHS")):
		return ingest.HL7v2
	case bytes.HasPrefix(b, []byte("{")):
		return ingest.FHIR
	case bytes.HasPrefix(b, []byte("<")):
		return xmlFormat(body)
	}
	return ingest.CSV
}

// xmlFormat tells FHIR XML by its namespace on the first element; other XML
// is read as a document.
func xmlFormat(body []byte) string {
	b := body
	for {
		i := bytes.IndexByte(b, '<')
		if i < 0 || i+1 >= len(b) {
			return ingest.CDA
		}
		b = b[i+1:]
		if b[0] == '?' || b[0] == '!' {
			if bytes.HasPrefix(b, []byte("!--")) {
				end := bytes.Index(b, []byte("-->"))
				if end < 0 {
					return ingest.CDA
				}
				b = b[end:]
			}
			continue
		}
		end := bytes.IndexByte(b, '>')
		if end > 0 && bytes.Contains(b[:end], []byte("http://hl7.org/fhir")) {
			return ingest.FHIR
		}
		return ingest.CDA
	}
}

// Split takes a file of a format apart. A CSV file is one piece: its mapping
// says what a row is.
func Split(format, name string, body []byte) []Piece {
	switch format {
	case ingest.HL7v2:
		messages := hl7v2.Split(body)
		if len(messages) == 0 {
			return []Piece{{Format: format, Body: body}}
		}
		out := make([]Piece, 0, len(messages))
		for _, m := range messages {
			out = append(out, Piece{Format: format, Body: m})
		}
		return out
	case ingest.FHIR:
		return splitJSON(body, strings.EqualFold(filepath.Ext(name), ".ndjson"))
	}
	return []Piece{{Format: format, Body: body}}
}

// splitJSON takes NDJSON apart: a file whose first line is a whole object by
// itself, or, where it is named so, that has any such line. Each line is then a
// message of its own, and one that is cut off spoils no other. A lone resource,
// however it is laid out, is one piece.
func splitJSON(body []byte, named bool) []Piece {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	var out []Piece
	whole := false
	for i, l := range bytes.Split(body, []byte("\n")) {
		l = bytes.TrimSpace(l)
		if len(l) == 0 {
			continue
		}
		if !whole {
			_, err := fhir.Compact(l)
			whole = err == nil && l[0] == '{'
			if !whole && !named {
				break
			}
		}
		out = append(out, Piece{Format: ingest.FHIR, Row: i + 1, Body: l})
	}
	if len(out) < 2 || !whole {
		return []Piece{{Format: ingest.FHIR, Body: body}}
	}
	return out
}
