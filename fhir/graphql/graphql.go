// Package graphql reads GraphQL queries and answers them from FHIR resources:
// fields, arguments, fragments, variables and directives, and what FHIR adds to
// them, which are references that are followed, searches, and lists that are
// filtered and flattened. What a query may look at is its Source; it knows
// nobody's rights. It only reads: there are no mutations.
//
// In order: Parse gives a Document, within bounds; Execute walks it over one
// resource, or over nothing but searches, and gives the data as JSON.
//
// https://hl7.org/fhir/R4/graphql.html, https://spec.graphql.org/June2018/
package graphql

import (
	"net/url"

	"selda/fhir"
)

// Bounds of a query: none of its parts is beyond what a person would write.
const (
	maxQuery    = 128 << 10 // bytes
	maxDepth    = 24        // selections within selections, fragments included
	maxNodes    = 5_000     // fields, arguments and values as written
	maxFields   = 500_000   // values of an answer
	maxFollowed = 2_000     // references
	maxSearches = 50
	maxAnswer   = 64 << 20  // bytes
	maxSteps    = 8_000_000 // of FHIRPath
)

// Document is a query as it was written.
type Document struct {
	operations []*operation
	fragments  map[string]*fragment
}

type operation struct {
	kind      string // query; mutation and subscription are read, and refused
	name      string
	variables []variable
	directed  []directive
	set       []selection
}

type variable struct {
	name, typ string
	required  bool
	value     *value // by default
}

type fragment struct {
	on  string
	set []selection
}

// selection is a field, a spread of a fragment, or a fragment in line.
type selection struct {
	alias, name string // of a field
	arguments   []argument
	directed    []directive
	set         []selection // nil of a field that has none

	spread string // the name of a fragment
	inline bool
	on     string // the type of a fragment in line
	within int    // which of the document's selections it was written in
}

type argument struct {
	name  string
	value value
}

type directive struct {
	name      string
	arguments []argument
}

// value is an argument's.
type value struct {
	kind   kind
	text   string // of a scalar, an enum's name, a variable's name
	list   []value
	fields []argument // of an object
}

type kind uint8

const (
	nullValue kind = iota
	booleanValue
	numberValue
	stringValue
	enumValue
	variableValue
	listValue
	objectValue
)

// Source is what a query may look at: all that it names is asked of it, and what
// it does not give is as if it were not there.
type Source interface {
	// Get gives one resource; nil where there is none.
	Get(typ, id string) (*fhir.Resource, error)
	// Search gives a page of what a search finds.
	Search(typ string, params url.Values) (*Page, error)
}

// Page is what a search found.
type Page struct {
	Count            int // of all; -1 where it is not known
	Offset, PageSize int
	Edges            []Edge
	// Cursors of other pages; "" where there is none.
	First, Previous, Next, Last string
}

// Edge is one resource of a page.
type Edge struct {
	Mode     string // match, include; "" where it is not said
	Score    string // a number; "" where there is none
	Resource *fhir.Resource
}
