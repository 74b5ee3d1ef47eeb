package csvtofhir

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/big"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/ingest/mapped"
	"selda/nhs"
)

// Reader gives the messages of one file, row by row.
type Reader struct {
	m       *Mapping
	source  nhs.Source
	scan    scanner
	header  []string // the columns' names as the file spells them
	head    []byte   // the header row itself
	cells   []int    // by column of the mapping: its cell in a row, -1 where it is missing
	rows    int
	sums    []*big.Rat
	stated  *Totals           // what the trailer says
	trailed int               // line of the trailer
	seen    map[[2]string]int // of a full extract, the line of each key
	keys    []Key             // of a full extract, in order
	unread  int               // rows whose key could not be read
	ended   bool
}

// NewReader finds the character set, the delimiter and the columns of a file.
// An error is of the file as a whole: a column that the mapping needs and the
// header does not have, a header with nothing in it, text that can't be read.
func NewReader(m *Mapping, file []byte, source nhs.Source) (*Reader, error) {
	const op = "csvtofhir.NewReader"
	if len(file) > MaxBytes {
		return nil, fault.E(op, fault.TooLong, "an extract is larger than 1 GB")
	}
	text, err := decode(file, m.encoding)
	if err != nil {
		return nil, fault.E(op, err)
	}
	r := &Reader{m: m, source: source, scan: scanner{text: text, delimiter: m.delimiter, line: 1}, seen: map[[2]string]int{}}
	if r.scan.delimiter == 0 {
		r.scan.delimiter = delimiterOf(bytes.TrimLeft(text, "\r\n"))
	}
	ok, err := r.scan.next()
	if err != nil {
		return nil, fault.E(op, err)
	}
	if !ok {
		return nil, fault.E(op, fault.Structure, "the file is empty: it needs a header row", rowPlace(1))
	}
	r.head = text[r.scan.begin:r.scan.end]
	at := map[string]int{}
	for i, c := range r.scan.cells {
		r.header = append(r.header, string(c))
		if _, twice := at[fold(string(c))]; twice {
			at[fold(string(c))] = -1
			continue
		}
		at[fold(string(c))] = i
	}
	for i, name := range m.columns {
		cell, found := at[fold(name)]
		switch {
		case found && cell < 0:
			return nil, fault.E(op, fault.Structure, "the header has the column "+name+" twice", rowPlace(r.scan.first))
		case !found && !m.optional[i]:
			return nil, fault.E(op, fault.Required, "the file has no column "+name+", which the mapping needs: correct one of the two, or list it under optional", rowPlace(r.scan.first))
		case !found:
			cell = -1
		}
		r.cells = append(r.cells, cell)
	}
	for range m.sums {
		r.sums = append(r.sums, new(big.Rat))
	}
	return r, nil
}

// Next is the message of the next row, and the row's line in the file. An
// error with a line above 0 is of that row alone: the next call goes on. At
// the end of the file it is io.EOF.
func (r *Reader) Next() (*mapped.Message, int, error) {
	const op = "csvtofhir.Next"
	for {
		ok, err := r.scan.next()
		line := r.scan.first
		switch {
		case err != nil:
			r.unread++
			return nil, line, err
		case !ok:
			r.ended = true
			return nil, 0, io.EOF
		case r.stated != nil:
			return nil, line, fault.E(op, fault.Structure, "a row after the trailer", rowPlace(line))
		}
		if t := r.m.trailer; t != nil && fold(string(r.scan.cells[0])) == t.word {
			if err := r.trailer(); err != nil {
				return nil, line, err
			}
			continue
		}
		r.rows++
		if n := len(r.scan.cells); n != len(r.header) {
			r.unread++
			return nil, line, fault.E(op, fault.Structure, "the row has "+strconv.Itoa(n)+" cells and the header "+strconv.Itoa(len(r.header))+
				": a delimiter within a cell needs quotes around it", rowPlace(line))
		}
		msg, err := r.message(line)
		return msg, line, err
	}
}

// Raw is the last row with the header above it: the raw message that a row is,
// which MapRow reads again.
func (r *Reader) Raw() []byte {
	row := r.scan.text[r.scan.begin:r.scan.end]
	out := make([]byte, 0, len(r.head)+len(row)+2)
	return append(append(append(append(out, r.head...), '\n'), row...), '\n')
}

// MapRow is the message of a raw row that Raw gave, which stood on that line of
// its file.
func MapRow(m *Mapping, raw []byte, line int, source nhs.Source) (*mapped.Message, error) {
	unpacked := *m
	unpacked.encoding = "utf-8" // Raw has decoded it
	r, err := NewReader(&unpacked, raw, source)
	if err != nil {
		return nil, err
	}
	r.scan.line = line
	msg, _, err := r.Next()
	if err == io.EOF {
		return nil, fault.E("csvtofhir.MapRow", fault.Structure, "there is no row", rowPlace(line))
	}
	return msg, err
}

// cell is what stands in a column, "" where it means nothing.
func (r *Reader) cell(column int) string {
	i := r.cells[column]
	if i < 0 || len(r.scan.cells[i]) == 0 {
		return ""
	}
	s := string(r.scan.cells[i])
	if r.m.empty[strings.ToLower(s)] {
		return ""
	}
	return s
}

func (r *Reader) place(line, column int) string {
	if i := r.cells[column]; i >= 0 {
		return place(line, r.header[i])
	}
	return rowPlace(line)
}

func (r *Reader) message(line int) (*mapped.Message, error) {
	const op = "csvtofhir.Next"
	mark := len(r.keys)
	if err := r.remember(line); err != nil {
		return nil, err
	}
	for i, must := range r.m.required {
		if must && r.cell(i) == "" {
			return nil, fault.E(op, fault.Required, "the column is empty, and the mapping requires it", r.place(line, i))
		}
	}
	for i, column := range r.m.sums {
		if s := r.cell(column); s != "" {
			n := decimal(s)
			if n == nil {
				return nil, fault.E(op, fault.Value, "the column is added up, and this is not a number", r.place(line, column))
			}
			r.sums[i].Add(r.sums[i], n)
		}
	}
	p, err := r.person(line)
	if err != nil {
		return nil, err
	}
	for i := mark; i < len(r.keys); i++ {
		r.keys[i].Fallback = p.Fallback
	}
	msg := &mapped.Message{Event: "CSV " + r.m.Name, Patients: []mapped.Patient{p}}
	for i := range r.m.rows {
		if err := r.resource(msg, i, line); err != nil {
			return nil, err
		}
	}
	return msg, nil
}

// person is whom the row is about.
func (r *Reader) person(line int) (mapped.Patient, error) {
	p := mapped.Patient{Place: rowPlace(line)}
	body := fhir.Object{"resourceType": "Patient"}
	p.Identifiers = r.numbers(line)
	var ids []any
	for i, id := range p.Identifiers {
		p.Origins = append(p.Origins, mapped.Origin{Element: "identifier[" + strconv.Itoa(i) + "].value", Place: id.Place})
		ids = append(ids, fhir.Object{"system": id.System, "value": id.Value})
	}
	if len(ids) > 0 {
		body["identifier"] = ids
	}
	origins, err := r.fill(body, r.m.person.assertions, line)
	if err != nil {
		return p, err
	}
	p.Origins = append(p.Origins, origins...)
	family, given, born, sex := text(body, "name", "family"), text(body, "name", "given"), text(body, "birthDate"), text(body, "gender")
	if family != "" || given != "" {
		p.Fallback = strings.ToLower(family + "|" + given + "|" + born + "|" + sex)
	}
	if len(ids) == 0 && p.Fallback == "" {
		return p, fault.E("csvtofhir.Next", fault.Required, "the row names nobody: it has neither a number nor a name", rowPlace(line))
	}
	if len(origins) > 0 {
		p.Body = fhir.Marshal(body)
	}
	return p, nil
}

// numbers are what the row's person goes by, the source's own first.
func (r *Reader) numbers(line int) []mapped.Identifier {
	who := &r.m.person
	var out []mapped.Identifier
	if who.localID >= 0 {
		if s := r.cell(who.localID); s != "" {
			out = append(out, mapped.Identifier{System: mapped.LocalSystem(string(r.source), who.authority), Value: s, Place: r.place(line, who.localID)})
		}
	}
	if who.nhsNumber >= 0 {
		if s := r.cell(who.nhsNumber); s != "" {
			if n, err := nhs.ParseNumber(s); err == nil {
				s = n.Digits()
			}
			out = append(out, mapped.Identifier{System: nhs.NumberSystem, Value: s, Place: r.place(line, who.nhsNumber),
				Verified: who.status >= 0 && who.traced[fold(r.cell(who.status))]})
		}
	}
	return out
}

// applies says whether a row makes this resource.
func (r *Reader) applies(row *rowResource) bool {
	return !row.when.set || row.when.values[fold(r.cell(row.when.column))]
}

// key is what the source knows the resource by; ok is false, with the empty
// column, where the row does not say.
func (r *Reader) key(row *rowResource) (key string, column int, ok bool) {
	key = r.m.Name
	for _, c := range row.key {
		s := r.cell(c)
		if s == "" {
			return "", c, false
		}
		if c == r.m.person.nhsNumber {
			// A key is no place for the number itself.
			sum := sha256.Sum256([]byte(strings.ReplaceAll(s, " ", "")))
			s = hex.EncodeToString(sum[:12])
		}
		key += "|" + s
	}
	return key, 0, true
}

// resource adds the i-th resource of the row.
func (r *Reader) resource(msg *mapped.Message, i, line int) error {
	const op = "csvtofhir.Next"
	row := &r.m.rows[i]
	if !r.applies(row) {
		return nil
	}
	key, column, ok := r.key(row)
	if !ok {
		return fault.E(op, fault.Required, "the column is empty, and the row is known by it", r.place(line, column))
	}
	out := mapped.Resource{Type: row.typ, Key: key, Patient: 0, Place: rowPlace(line)}
	if row.remove.set && row.remove.values[fold(r.cell(row.remove.column))] {
		out.Action = mapped.Remove
		msg.Resources = append(msg.Resources, out)
		return nil
	}
	body := fhir.Object{"resourceType": row.typ}
	if row.subject != "" {
		body[row.subject] = fhir.Object{"reference": mapped.PatientRef(0)}
	} else {
		out.Patient = mapped.Shared
	}
	origins, err := r.fill(body, row.assertions, line)
	if err != nil {
		return err
	}
	out.Body, out.Origins = fhir.Marshal(body), origins
	msg.Resources = append(msg.Resources, out)
	return nil
}

// fill makes the elements of one resource.
func (r *Reader) fill(body fhir.Object, list []assertion, line int) ([]mapped.Origin, error) {
	origins := make([]mapped.Origin, 0, len(list))
	b := build{body: body}
	constants := len(list)
	for i := range list {
		a := &list[i]
		if len(a.columns) == 0 {
			constants = i
			break
		}
		value, column, err := r.value(a, line)
		if err != nil {
			return nil, err
		}
		if value != nil {
			origins = append(origins, mapped.Origin{Element: b.put(a, value), Place: r.place(line, column)})
		}
	}
	// Which constants stand is decided before any is put.
	stand := make([]bool, len(list)-constants)
	for i := range stand {
		a := &list[constants+i]
		stand[i] = a.group < 0 || b.exists(a.steps[:a.group])
	}
	for i, ok := range stand {
		if a := &list[constants+i]; ok {
			value, _ := convert(a.datatype, a.constant)
			b.put(a, value)
		}
	}
	return origins, nil
}

// value is what a row gives an element, nil where it gives nothing, and the
// column that it was read from.
func (r *Reader) value(a *assertion, line int) (any, int, error) {
	const op = "csvtofhir.Next"
	s, column := "", a.columns[0]
	for i, c := range a.columns {
		one := r.cell(c)
		if one == "" {
			continue
		}
		if s == "" {
			column = a.columns[i]
			s = one
		} else {
			s += a.join + one
		}
	}
	if a.values != nil && s != "" {
		to, known := a.values[fold(s)]
		if !known {
			if to, known = a.values["*"]; !known {
				return nil, column, fault.E(op, fault.Value, "the value is not in the mapping's map: add it there, or * for all others", r.place(line, column))
			}
		}
		s = to
	}
	if s == "" {
		if s = a.fallback; s == "" {
			return nil, column, nil
		}
	} else if len(a.dates) > 0 && a.values == nil {
		for _, l := range a.dates {
			if m, ok := l.read(s); ok {
				if out := m.fhir(a.datatype); out != "" {
					return out, column, nil
				}
				return nil, column, fault.E(op, fault.Value, "the element needs a time of day as well", r.place(line, column))
			}
		}
		return nil, column, fault.E(op, fault.Value, "the date is not written as the mapping says, or there is no such day", r.place(line, column))
	}
	value, why := convert(a.datatype, s)
	if why != "" {
		return nil, column, fault.E(op, fault.Value, "the value "+why, r.place(line, column))
	}
	return value, column, nil
}
