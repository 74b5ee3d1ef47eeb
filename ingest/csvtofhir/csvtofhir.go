// Package csvtofhir puts the rows of a CSV extract into FHIR R4, as a mapping
// file says that an analyst can read and write: which columns there are, which
// name the person and the row, what each becomes, how dates are written, and
// what the totals must come to. It reads bytes that it is given, and decides
// nothing about identity or access.
//
// Flow: ParseMapping reads the mapping and checks it against the elements of
// R4, so that a mistake is told by its line; NewReader takes a file, finds its
// character set, its delimiter and its columns; Next gives a message for each
// row, or says what is wrong with it and goes on; Check compares the totals.
// Place is "row 7, column dob": the line in the file, the header's being 1,
// and the column by the name that the header has.
//
// MAPPINGS.md beside this file says how a mapping is written.
// Source: RFC 4180; https://hl7.org/fhir/R4.
package csvtofhir

import (
	"strconv"
	"strings"

	"selda/fhir"
)

// Mapping says what the columns of one extract become. It is made by
// ParseMapping only, and may be used by many readers at once.
type Mapping struct {
	Name  string // "gp-problems"
	About string // one line, for people
	// Full: the file holds everything, so that a row which is no longer in it
	// is taken back.
	Full bool
	// Sidecar: the totals come in a file of the same name and ".totals".
	Sidecar bool

	delimiter byte // 0: found from the header
	encoding  string
	dates     []layout
	empty     map[string]bool // cells that mean nothing, in lower case
	columns   []string        // all that are named, as the mapping spells them
	optional  []bool          // by column: may be missing from the file
	required  []bool          // by column: may not be empty
	person    person
	rows      []rowResource
	sums      []int // columns that are added up
	trailer   *trailer
}

// person is which columns say whom a row is about.
type person struct {
	nhsNumber  int // column, or -1
	status     int // column that says whether the number was traced, or -1
	traced     map[string]bool
	localID    int // column, or -1
	authority  string
	assertions []assertion
}

// rowResource is one resource that each row becomes.
type rowResource struct {
	typ        string
	subject    string // "subject" or "patient", "" where the type has neither
	key        []int
	when       condition // only rows of which it holds
	remove     condition // rows that take the resource back
	assertions []assertion
}

// condition holds of a row whose cell is one of some values; the zero
// condition is not there.
type condition struct {
	set    bool
	column int
	values map[string]bool // in lower case
}

// assertion is one element and what it is made of.
type assertion struct {
	steps    []step
	path     string // as in an origin: "code.coding[0].code"
	datatype string
	constant string
	columns  []int
	join     string
	values   map[string]string // of a value map, keys in lower case; nil for none
	dates    []layout
	fallback string
	// group are the steps of the object that a constant belongs with: it is
	// left out where no cell gave that object anything. -1: it always stands.
	group int
}

// step is one name of a path.
type step struct {
	name  string
	list  bool
	index int    // as the mapping numbers it
	path  string // the list's own path, as the mapping numbers it
}

// place is that of a cell.
func place(line int, column string) string {
	return "row " + strconv.Itoa(line) + ", column " + column
}

func rowPlace(line int) string { return "row " + strconv.Itoa(line) }

// text is what stands at a path under construction, where it is a string.
func text(o fhir.Object, path ...string) string {
	var at any = o
	for _, name := range path {
		if list, ok := at.([]any); ok {
			if len(list) == 0 {
				return ""
			}
			at = list[0]
		}
		next, ok := at.(fhir.Object)
		if !ok {
			return ""
		}
		at = next[name]
	}
	if list, ok := at.([]any); ok && len(list) > 0 {
		at = list[0]
	}
	s, _ := at.(string)
	return s
}

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
