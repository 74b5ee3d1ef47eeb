package csvtofhir

import (
	"math/big"
	"slices"
	"strconv"
	"strings"

	"selda/fault"
	"selda/ingest/mapped"
)

// Totals are what was counted in the rows that were read so far.
func (r *Reader) Totals() Totals {
	t := Totals{Rows: r.rows, Sums: map[string]string{}}
	for i, column := range r.m.sums {
		t.Sums[r.m.columns[column]] = printed(r.sums[i])
	}
	return t
}

// printed is a sum with as many decimals as it needs.
func printed(n *big.Rat) string {
	s := n.FloatString(6)
	s = strings.TrimRight(s, "0")
	return strings.TrimSuffix(s, ".")
}

// trailer reads the totals of the trailer row.
func (r *Reader) trailer() error {
	const op = "csvtofhir.Next"
	t := r.m.trailer
	at := func(cell int) string {
		if cell > len(r.scan.cells) {
			return ""
		}
		return string(r.scan.cells[cell-1])
	}
	r.stated, r.trailed = &Totals{Rows: -1, Sums: map[string]string{}}, r.scan.first
	if t.rows > 0 {
		n, err := strconv.Atoi(at(t.rows))
		if err != nil {
			return fault.E(op, fault.Value, "the trailer's number of rows is not a number", rowPlace(r.trailed))
		}
		r.stated.Rows = n
	}
	for column, cell := range t.sums {
		if decimal(at(cell)) == nil {
			return fault.E(op, fault.Value, "a sum of the trailer is not a number", rowPlace(r.trailed))
		}
		r.stated.Sums[r.m.columns[column]] = at(cell)
	}
	return nil
}

// Stated says whether the mapping has the file state totals to be checked.
func (m *Mapping) Stated() bool { return m.Sidecar || m.trailer != nil }

// Check compares what was counted with what the trailer says, or the sidecar
// file (nil where there is none), once Next has come to the end. The error says
// the first total that differs.
func (r *Reader) Check(sidecar []byte) error {
	const op = "csvtofhir.Check"
	stated := r.stated
	if r.m.Sidecar {
		if sidecar == nil {
			return fault.E(op, fault.Required, "the file with the totals (its name ends in .totals) is missing")
		}
		t, err := ParseTotals(sidecar)
		if err != nil {
			return err
		}
		stated = &t
	}
	if stated == nil {
		if r.m.trailer != nil {
			return fault.E(op, fault.Required, "the file ends without its trailer: it may be cut off")
		}
		return nil
	}
	if stated.Rows >= 0 && stated.Rows != r.rows {
		return fault.E(op, fault.Value, "the totals say "+strconv.Itoa(stated.Rows)+" rows, the file has "+strconv.Itoa(r.rows))
	}
	counted := r.Totals()
	names := make([]string, 0, len(stated.Sums))
	for name := range stated.Sums {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		i := slices.IndexFunc(r.m.sums, func(c int) bool { return fold(r.m.columns[c]) == fold(name) })
		if i < 0 {
			return fault.E(op, fault.Value, "the totals sum the column "+short(name)+", and the mapping does not: list it under sums")
		}
		if decimal(stated.Sums[name]).Cmp(r.sums[i]) != 0 {
			return fault.E(op, fault.Value, "the totals say "+stated.Sums[name]+" for "+short(name)+", the rows come to "+counted.Sums[r.m.columns[r.m.sums[i]]])
		}
	}
	return nil
}

// Key is what a full extract is remembered by: one resource of one row, and
// whom it is about.
type Key struct {
	Type, Key string
	Person    []mapped.Identifier
	Fallback  string
}

// remember notes the keys of a row of a full extract, before anything else in
// the row can be found wanting: a row that is refused has not vanished.
func (r *Reader) remember(line int) error {
	if !r.m.Full {
		return nil
	}
	var twice error
	for i := range r.m.rows {
		row := &r.m.rows[i]
		if !r.applies(row) {
			continue
		}
		key, _, ok := r.key(row)
		if !ok {
			r.unread++
			continue
		}
		id := [2]string{row.typ, key}
		if before := r.seen[id]; before != 0 && twice == nil {
			twice = fault.E("csvtofhir.Next", fault.Duplicate, "row "+strconv.Itoa(before)+" has the same key", r.place(line, row.key[0]))
			continue
		}
		r.seen[id] = line
		r.keys = append(r.keys, Key{Type: row.typ, Key: key, Person: r.numbers(line)})
	}
	return twice
}

// Keys are what a full extract holds, refused rows too: to be kept until the
// next one comes.
func (r *Reader) Keys() []Key { return r.keys }

// Partial says whether there were rows whose keys could not be read.
func (r *Reader) Partial() bool { return r.unread > 0 }

// Vanished are messages that take back what the last full extract held (its
// Keys) and this one, read to its end, does not. Where a row could not be read
// so far as its key, the trailer does not agree, or the extract is not a full
// one, it is an error of kind Conflict, and nothing is to be taken back. With a
// sidecar, Check first.
func (r *Reader) Vanished(before []Key) ([]*mapped.Message, error) {
	const op = "csvtofhir.Vanished"
	switch {
	case !r.m.Full:
		return nil, fault.E(op, fault.Conflict, "the extract does not hold everything, so nothing can vanish from it")
	case !r.ended || r.unread > 0:
		return nil, fault.E(op, fault.Conflict, "not every row could be read: nothing is taken back until a whole extract comes")
	case r.m.trailer != nil && r.Check(nil) != nil:
		return nil, fault.E(op, fault.Conflict, "the totals do not agree: nothing is taken back until a whole extract comes")
	}
	var out []*mapped.Message
	for _, k := range before {
		if r.seen[[2]string{k.Type, k.Key}] != 0 || len(k.Person) == 0 && k.Fallback == "" {
			continue
		}
		out = append(out, &mapped.Message{Event: "CSV " + r.m.Name + " vanished",
			Patients:  []mapped.Patient{{Identifiers: k.Person, Fallback: k.Fallback, Place: "earlier extract"}},
			Resources: []mapped.Resource{{Type: k.Type, Key: k.Key, Action: mapped.Remove, Place: "earlier extract"}}})
	}
	return out, nil
}

// Value is what stands at a place, and its row's bytes in the text.
type Value struct {
	Text       string
	Start, End int
}

// At is what stands at a place of a text in UTF-8: a whole file, or one row
// with its header as Raw gave it, whose first row stood on that line (2 of a
// whole file). false where nothing does. "row 7" alone is the row.
func At(text []byte, line int, where string) (Value, bool) {
	row, column, isCell := strings.Cut(where, ", column ")
	n, err := strconv.Atoi(strings.TrimPrefix(row, "row "))
	if err != nil || !strings.HasPrefix(row, "row ") {
		return Value{}, false
	}
	s := scanner{text: text, line: 1, delimiter: delimiterOf(text)}
	if ok, err := s.next(); !ok || err != nil {
		return Value{}, false
	}
	cell := -1
	for i, c := range s.cells {
		if string(c) == column && cell < 0 {
			cell = i
		}
	}
	if line > 2 {
		s.line = line
	}
	for {
		ok, err := s.next()
		if !ok || err != nil || s.first > n {
			return Value{}, false
		}
		if s.first != n {
			continue
		}
		if !isCell {
			return Value{Text: string(s.text[s.begin:s.end]), Start: s.begin, End: s.end}, true
		}
		if cell < 0 || cell >= len(s.cells) {
			return Value{}, false
		}
		return Value{Text: string(s.cells[cell]), Start: s.begin, End: s.end}, true
	}
}
