// Package codemap reads tables that map the codes of one system to those of
// another, mostly SNOMED CT: CSV with the columns source_system, source_code,
// target_code and perhaps target_system, equivalence and displays, and the
// tables by which the NHS maps Read version 2 and CTV3 to SNOMED CT.
//
// A map becomes an index of the source's codes, whose one reference set has the
// targets: half a million codes are then found without being read first.
package codemap

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"

	"selda/fault"
	"selda/terminology/index"
)

// The systems of codes that general practice used before SNOMED CT.
const (
	Read2  = "http://read.info/readv2"
	CTV3   = "http://read.info/ctv3"
	SNOMED = "http://snomed.info/sct"
)

// Rows is the concept under which an index of a map has its rows.
const Rows = "map"

// Map is the part of a table from one system to one other.
type Map struct {
	Source, Target string
	*index.Builder
}

// columns are the names that a column may have. What the NHS's tables call
// theirs says which system the codes are of.
var columns = map[string][]string{
	"source_system":  {"source_system", "sourcesystem", "source system", "system"},
	"source_code":    {"source_code", "sourcecode", "source code", "ctv3_conceptid", "readcode"},
	"source_display": {"source_display", "source display", "source_term"},
	"target_system":  {"target_system", "targetsystem", "target system"},
	"target_code":    {"target_code", "targetcode", "target code", "sct_conceptid", "conceptid"},
	"target_display": {"target_display", "target display", "target_term"},
	"equivalence":    {"equivalence"},
	"status":         {"mapstatus"},
	"assured":        {"isassured", "is_assured"},
}

// equivalences are those of R4. https://hl7.org/fhir/R4/valueset-concept-map-equivalence.html
var equivalences = []string{"relatedto", "equivalent", "equal", "wider", "subsumes", "narrower", "specializes", "inexact", "unmatched", "disjoint"}

// IsMap says whether a text begins as such a table does.
func IsMap(begins []byte) bool {
	line, _, _ := bytes.Cut(begins, []byte("\n"))
	_, _, err := header(string(line))
	return err == nil
}

// header finds the columns of the first line.
func header(line string) (at map[string]int, comma rune, err error) {
	comma = ','
	if strings.Contains(line, "\t") {
		comma = '\t'
	}
	c := csv.NewReader(strings.NewReader(strings.TrimPrefix(line, "\ufeff")))
	c.Comma, c.LazyQuotes = comma, true
	names, err := c.Read()
	at = map[string]int{}
	for i, n := range names {
		n = strings.ToLower(strings.TrimSpace(n))
		for column, may := range columns {
			if _, taken := at[column]; !taken && slices.Contains(may, n) {
				at[column] = i
			}
		}
		switch n {
		case "ctv3_conceptid":
			at[CTV3] = i
		case "readcode":
			at[Read2] = i
		}
	}
	_, code := at["source_code"]
	_, target := at["target_code"]
	_, system := at["source_system"]
	_, ctv3 := at[CTV3]
	_, read2 := at[Read2]
	if err != nil || !code || !target || !system && !ctv3 && !read2 {
		return nil, comma, fault.E("codemap.Read", fault.Invalid, "the first line does not name the columns source_system, source_code and target_code")
	}
	return at, comma, nil
}

// maxField is the longest field that is taken, in bytes.
const maxField = 4 << 10

// Read reads a table.
func Read(r io.Reader) ([]Map, error) {
	const op = "codemap.Read"
	in := bufio.NewReaderSize(r, 64<<10)
	first, err := in.ReadString('\n')
	if err != nil && err != io.EOF {
		return nil, fault.E(op, fault.Structure, "the table can't be read")
	}
	at, comma, err := header(first)
	if err != nil {
		return nil, err
	}
	c := csv.NewReader(in)
	c.Comma, c.LazyQuotes, c.FieldsPerRecord, c.ReuseRecord = comma, true, -1, true
	t := table{at: at}
	for n := 2; ; n++ {
		t.fields, err = c.Read()
		if err == io.EOF {
			break
		}
		place := "row " + strconv.Itoa(n)
		if err != nil {
			return nil, fault.E(op, fault.Structure, "the row is no CSV", place)
		}
		if slices.ContainsFunc(t.fields, func(s string) bool { return len(s) > maxField }) {
			return nil, fault.E(op, fault.TooLong, "a field is too long", place)
		}
		if err := t.row(n); err != nil {
			return nil, fault.E(op, fault.KindOf(err), fault.Reason(err), place)
		}
	}
	if len(t.maps) == 0 {
		return nil, fault.E(op, fault.Invalid, "the table has no rows that hold")
	}
	return t.maps, nil
}

type table struct {
	at     map[string]int
	fields []string
	maps   []Map
}

func (t *table) get(column string) string {
	if i, ok := t.at[column]; ok && i < len(t.fields) {
		return strings.TrimSpace(t.fields[i])
	}
	return ""
}

func (t *table) row(n int) error {
	source, target := t.get("source_code"), t.get("target_code")
	if source == "" {
		return fault.E("codemap.row", fault.Required, "the source's code is empty")
	}
	if s := t.get("status"); s == "0" || target == "" {
		return nil // withdrawn, or mapped to nothing
	}
	from := t.get("source_system")
	for _, system := range []string{CTV3, Read2} {
		if _, ok := t.at[system]; ok && from == "" {
			from = system
		}
	}
	if from == "" {
		return fault.E("codemap.row", fault.Required, "the source's system is empty")
	}
	eq := cmp.Or(strings.ToLower(t.get("equivalence")), "equivalent")
	if !slices.Contains(equivalences, eq) {
		return fault.E("codemap.row", fault.Value, "the equivalence is none of "+strings.Join(equivalences, ", "))
	}
	m := t.mapOf(from, cmp.Or(t.get("target_system"), SNOMED))
	node := m.Concept(source)
	if d := t.get("source_display"); d != "" {
		if err := m.Describe(node, index.Kind{Role: index.Synonym}, d); err != nil {
			return err
		}
	}
	// Of several targets an assured one comes first, then the order of the table.
	group := 1
	if t.get("assured") == "0" {
		group = 2
	}
	m.Map(m.Concept(Rows), node, target, group, n, t.get("target_display"), eq)
	return nil
}

func (t *table) mapOf(source, target string) *Map {
	for i := range t.maps {
		if t.maps[i].Source == source && t.maps[i].Target == target {
			return &t.maps[i]
		}
	}
	b := index.NewBuilder(index.Meta{System: source, Name: target})
	t.maps = append(t.maps, Map{source, target, b})
	return &t.maps[len(t.maps)-1]
}
