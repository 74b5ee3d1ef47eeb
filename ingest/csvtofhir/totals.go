package csvtofhir

import (
	"math/big"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"selda/fault"
)

// Totals are what a file says of itself, or what was counted in it.
type Totals struct {
	Rows int               `json:"rows"`           // data rows
	Sums map[string]string `json:"sums,omitempty"` // sum of each summed column, by its name as the mapping spells it
}

// trailer is a last row that holds the totals.
type trailer struct {
	word string      // its first cell, in lower case
	rows int         // the cell that counts the rows, from 1; 0 for none
	sums map[int]int // column to the cell that sums it
}

// totals reads where the totals come from, and of which columns.
func (p *parser) totals(v *yaml.Node) {
	t := &trailer{sums: map[int]int{}}
	for _, e := range p.entries(v, "totals", []string{"trailer", "rows", "sums", "sidecar"}) {
		switch e.name {
		case "trailer":
			t.word = fold(p.scalar(e.value, "trailer"))
		case "rows":
			t.rows = p.cell(e.value)
		case "sums":
			p.sums(t, e.value)
		case "sidecar":
			p.m.Sidecar = p.flag(e.value, "sidecar")
		}
	}
	switch {
	case p.err != nil:
	case t.word == "" && t.rows > 0:
		p.wrong(v, "rows is a cell of the trailer: say trailer: and the word that begins it")
	case t.word == "" && !p.m.Sidecar:
		p.wrong(v, "totals need trailer: and the word that begins the last row, or sidecar: true")
	case t.word != "":
		p.m.trailer = t
	}
}

// sums are columns to be added up: with the cell of the trailer, or, where the
// totals come in a sidecar, a list of names.
func (p *parser) sums(t *trailer, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		for _, name := range p.list(n, "sums") {
			p.m.sums = append(p.m.sums, p.column(n, name))
		}
		return
	}
	for _, s := range p.entries(n, "sums", nil) {
		column := p.column(s.key, s.name)
		t.sums[column] = p.cell(s.value)
		p.m.sums = append(p.m.sums, column)
	}
}

func (p *parser) cell(n *yaml.Node) int {
	i, err := strconv.Atoi(p.scalar(n, "a cell of the trailer"))
	if err != nil || i < 2 || i > 1000 {
		p.wrong(n, "a cell of the trailer is its number in the row, counted from 1; the first is the word")
	}
	return i
}

// ParseTotals reads a sidecar file: a line "rows=120", and for each column that
// was summed "COLUMN=1234.50". Blank lines and lines that begin with # are left out.
func ParseTotals(file []byte) (Totals, error) {
	const op = "csvtofhir.ParseTotals"
	text, err := decode(file, "")
	if err != nil {
		return Totals{}, fault.E(op, err)
	}
	t := Totals{Rows: -1, Sums: map[string]string{}}
	line := 0
	for s := range strings.Lines(string(text)) {
		line++
		s = strings.TrimSpace(s)
		if s == "" || s[0] == '#' {
			continue
		}
		name, value, found := strings.Cut(s, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !found {
			return Totals{}, fault.E(op, fault.Structure, "a line of the totals is NAME=NUMBER", rowPlace(line))
		}
		if strings.EqualFold(name, "rows") {
			if t.Rows, err = strconv.Atoi(value); err != nil || t.Rows < 0 {
				return Totals{}, fault.E(op, fault.Value, "rows is not a number", rowPlace(line))
			}
			continue
		}
		if decimal(value) == nil {
			return Totals{}, fault.E(op, fault.Value, "a sum is not a number", rowPlace(line))
		}
		t.Sums[name] = value
	}
	if t.Rows < 0 {
		return Totals{}, fault.E(op, fault.Required, "the totals have no line rows=")
	}
	return t, nil
}

// decimal is a number without exponent; nil where s is none.
func decimal(s string) *big.Rat {
	if s == "" || len(s) > 40 || strings.Trim(s, "0123456789.-+") != "" {
		return nil
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil
	}
	return r
}
