// Package ecl is SNOMED CT's Expression Constraint Language, version 2.2: which
// concepts of a release meet an expression such as
//
//	< 404684003 |Clinical finding| : 363698007 |Finding site| = << 39607008 |Lung structure|
//
// Parse reads an expression, Evaluate gives its concepts as a set of an index.
// What needs more than an index keeps (withdrawn descriptions, modules and
// effective times of the rows of reference sets) is refused as not supported,
// never left out in silence.
// https://confluence.ihtsdotools.org/display/DOCECL
package ecl

import "selda/terminology/index"

// Expression is an expression constraint, parsed.
type Expression struct {
	root node
}

// node is a part of an expression that stands for a set of concepts.
type node interface {
	eval(x *run) (*index.Set, error)
}

// The operators before a focus, by how they are written.
type operator string

const (
	descendants      operator = "<"
	descendantOrSelf operator = "<<"
	children         operator = "<!"
	childOrSelf      operator = "<<!"
	ancestors        operator = ">"
	ancestorOrSelf   operator = ">>"
	parents          operator = ">!"
	parentOrSelf     operator = ">>!"
	top              operator = "!!>"
	bottom           operator = "!!<"
)

// concept is one concept by its id; wildcard is any.
type (
	concept  struct{ id string }
	wildcard struct{}
)

// related are the concepts that an operator reaches from others.
type related struct {
	op operator
	of node
}

// memberOf are the members of reference sets, or what a field of theirs holds.
type memberOf struct {
	fields  []string
	of      node
	filters []filter
}

// compound joins expressions: all must hold ("AND"), one ("OR"), or the first
// and not the second ("MINUS").
type compound struct {
	op    string
	parts []node
}

// refined are concepts whose attributes meet a refinement.
type refined struct {
	of  node
	ref refinement
}

// dotted are the values of an attribute.
type dotted struct {
	of, attribute node
}

// filtered are concepts that pass a filter on their descriptions or on themselves.
type filtered struct {
	of   node
	kind byte // 'D' or 'C'
	list []filter
}

// history adds the concepts out of use that the set's concepts stand for today.
type history struct {
	of      node
	profile string // MIN, MOD, MAX; "" where refsets says it
	refsets node
}

// cardinality is how often something must occur; max is -1 for any number.
type cardinality struct{ min, max int }

func (c cardinality) holds(n int) bool { return n >= c.min && (c.max < 0 || n <= c.max) }

var atLeastOnce = cardinality{1, -1}

// refinement is a condition on a concept's attributes.
type refinement interface{ isRefinement() }

// joined is several refinements of which all, or one, must hold.
type joined struct {
	or    bool
	parts []refinement
}

// group is a condition that attributes of one role group must meet together.
type group struct {
	cardinality
	of refinement
}

// attribute is a condition on the attributes of a kind.
type attribute struct {
	cardinality
	reverse bool
	name    node
	op      string // = != < <= > >=
	value   node   // a set of concepts; nil where literals are compared
	number  bool
	literal []string
}

func (joined) isRefinement()    {}
func (group) isRefinement()     {}
func (attribute) isRefinement() {}

// filter is one condition within {{ }}.
type filter struct {
	field  string
	op     string
	values []search
	sets   node // where the values are concepts
	spoken []spoken
}

// spoken is a dialect, and how a description must stand in it.
type spoken struct {
	dialect               string // the id of its language reference set
	acceptable, preferred bool
}

// search is a text to be found: as the beginnings of words, or with wildcards,
// or as it is.
type search struct {
	wild, exact bool
	text        string
	words       []string
}
