package csvtofhir

import (
	"bytes"
	"unicode/utf8"

	"selda/fault"
	"selda/internal/charset"
)

// MaxBytes is the largest extract that is read.
const MaxBytes = 1 << 30

// decode gives a file as UTF-8: by its byte order mark, by what the mapping
// says, else as UTF-8 where it is valid and as Windows-1252 where it is not.
func decode(file []byte, encoding string) ([]byte, error) {
	switch {
	case charset.UTF16(file):
		return charset.Decode(file, "utf-16")
	case encoding != "":
		return charset.Decode(file, encoding)
	case utf8.Valid(file):
		return charset.Decode(file, "utf-8")
	}
	return charset.Decode(file, "windows-1252")
}

// delimiterOf is the character that stands most often in the first line,
// quoted text aside.
func delimiterOf(text []byte) byte {
	best, most := byte(','), 0
	for _, d := range []byte{',', ';', '\t', '|'} {
		n, quoted := 0, false
		for _, c := range text {
			if c == '"' {
				quoted = !quoted
			}
			if !quoted && (c == '\n' || c == '\r') {
				break
			}
			if !quoted && c == d {
				n++
			}
		}
		if n > most {
			best, most = d, n
		}
	}
	return best
}

// scanner cuts a text into records of cells. RFC 4180; the delimiter is free,
// lines end in CRLF, LF or CR, and blank lines are passed over.
type scanner struct {
	text      []byte
	delimiter byte
	at        int // where the next record begins
	line      int // the line that stands there, from 1
	begin     int // of the last record
	end       int
	first     int // the line on which the last record began
	cells     [][]byte
}

// next reads one record into cells; false at the end of the text.
func (s *scanner) next() (bool, error) {
	for s.at < len(s.text) && (s.text[s.at] == '\n' || s.text[s.at] == '\r') {
		s.newline()
	}
	s.cells = s.cells[:0]
	if s.at >= len(s.text) {
		return false, nil
	}
	s.begin, s.first = s.at, s.line
	for {
		err := s.cell()
		if err != nil {
			s.at, s.end = len(s.text), len(s.text)
			return false, err
		}
		if s.at < len(s.text) && s.text[s.at] == s.delimiter {
			s.at++
			continue
		}
		s.end = s.at
		if s.at < len(s.text) {
			s.newline()
		}
		return true, nil
	}
}

// newline passes over one end of line.
func (s *scanner) newline() {
	if s.text[s.at] == '\r' && s.at+1 < len(s.text) && s.text[s.at+1] == '\n' {
		s.at++
	}
	s.at++
	s.line++
}

// cell reads one cell, up to the delimiter or the end of the line.
func (s *scanner) cell() error {
	if s.at < len(s.text) && s.text[s.at] == '"' {
		return s.quoted()
	}
	start := s.at
	for s.at < len(s.text) && s.text[s.at] != s.delimiter && s.text[s.at] != '\n' && s.text[s.at] != '\r' {
		s.at++
	}
	s.cells = append(s.cells, bytes.TrimSpace(s.text[start:s.at]))
	return nil
}

func (s *scanner) quoted() error {
	const op = "csvtofhir.Next"
	s.at++
	start := s.at
	var joined []byte // where quotes are doubled
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '"' && s.at+1 < len(s.text) && s.text[s.at+1] == '"':
			joined = append(joined, s.text[start:s.at+1]...)
			s.at += 2
			start = s.at
		case c == '"':
			cell := s.text[start:s.at]
			if joined != nil {
				cell = append(joined, cell...)
			}
			s.at++
			s.cells = append(s.cells, bytes.TrimSpace(cell))
			for s.at < len(s.text) && s.text[s.at] == ' ' {
				s.at++
			}
			if s.at < len(s.text) && s.text[s.at] != s.delimiter && s.text[s.at] != '\n' && s.text[s.at] != '\r' {
				return fault.E(op, fault.Structure, "text after a closing quote: a quote within a cell is written twice", rowPlace(s.first))
			}
			return nil
		case c == '\r' || c == '\n':
			s.newline()
		default:
			s.at++
		}
	}
	return fault.E(op, fault.Structure, "a quote is opened and never closed: the rest of the file can't be read", rowPlace(s.first))
}
