// Package fhirpath is FHIRPath (normative release 1, with what later releases
// added that the official tests ask for, and FHIR R4's own functions), compiled
// to closures over the tree of a resource.
//
// Compile reads an expression once. The Expression may then be used by many
// goroutines at once, on any resource: Eval gives a collection, Each the items
// without making one, True a Boolean. What an expression needs of the world
// (the time, other resources, terminology, profiles) it is given in an Env.
//
// It is not CQL, it has no network, and its regular expressions are those of
// RE2, so that none takes longer than its text is long.
// Source: http://hl7.org/fhirpath/N1, https://hl7.org/fhir/R4/fhirpath.html.
package fhirpath

import (
	"strconv"
	"sync"
	"time"

	"selda/fault"
	"selda/fhir"
)

// Env is what an expression knows of the world. The zero Env works: functions
// whose port is nil then do without, or fail where they can't.
type Env struct {
	Resource     Item      // %resource; the focus itself where it is left out
	RootResource Item      // %rootResource: the container of a contained resource; else as %resource
	Now          time.Time // for now(), today() and timeOfDay()
	Variables    map[string]Collection

	// Resolve finds the resource that a reference names, of those that do not
	// stand in the root resource itself.
	Resolve func(reference string) (fhir.Node, bool)
	// MemberOf says whether a code, Coding or CodeableConcept is in a value set.
	MemberOf func(coded Item, valueSet string) (bool, error)
	// Subsumes says whether a Coding or CodeableConcept subsumes another.
	Subsumes func(general, specific Item) (bool, error)
	// ConformsTo says whether an element conforms to a profile, an error
	// where the profile is not known.
	ConformsTo func(it Item, profile string) (bool, error)
	// Trace is told what trace() sees.
	Trace func(name string, seen Collection)

	// Steps is how many steps one evaluation may take; 0 for as many as any may.
	Steps int
	// Budget is how many steps evaluations with this Env may take together, of
	// which each takes its own off; nil where only each by itself is bounded. An
	// Env with a Budget is used by one goroutine at a time.
	Budget *int
}

// Expression is a compiled expression.
type Expression struct {
	text string
	root *node
	run  eval
}

// Compile reads an expression. Its errors are of kind Invalid, or TooLong, and
// their place is the character where it went wrong.
func Compile(text string) (*Expression, error) { return compile(text, compiler{}) }

// CompileDefinition is Compile for the expressions of R4's own invariants and
// search parameters, which ask as() of many items where they mean ofType().
func CompileDefinition(text string) (*Expression, error) {
	return compile(text, compiler{manyAs: true})
}

func compile(text string, c compiler) (*Expression, error) {
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	c.scoped = defines(root)
	e, err := c.compile(root)
	if err != nil {
		return nil, err
	}
	return &Expression{text: text, root: root, run: e}, nil
}

// String is the expression as it was written.
func (e *Expression) String() string { return e.text }

// Eval gives what the expression finds, starting from the focus. Errors are of
// kind Invalid where the expression can't be applied to what is there,
// NotSupported where a port is missing, TooLong where it does not come to an end.
func (e *Expression) Eval(env *Env, focus ...Item) (Collection, error) {
	r := begin(env, focus)
	defer r.end()
	if err := e.run(r); err != nil {
		return nil, err
	}
	if len(r.items) == 0 {
		return nil, nil
	}
	return append(Collection(nil), r.items...), nil
}

// Each calls f for every item that the expression finds, until f answers false.
// Paths are followed without allocating.
func (e *Expression) Each(env *Env, focus Item, f func(Item) bool) error {
	r := begin(env, nil)
	defer r.end()
	r.root[0] = focus
	r.focus, r.this = r.root[:], r.root[:]
	if err := e.run(r); err != nil {
		return err
	}
	for _, it := range r.items {
		if !f(it) {
			break
		}
	}
	return nil
}

// True says whether the expression holds, as an invariant is meant: it gives
// true, or anything that is no Boolean. Nothing is not true.
func (e *Expression) True(env *Env, focus Item) (bool, error) {
	r := begin(env, nil)
	defer r.end()
	r.root[0] = focus
	r.focus, r.this = r.root[:], r.root[:]
	if err := e.run(r); err != nil {
		return false, err
	}
	if len(r.items) != 1 {
		return len(r.items) > 0, nil
	}
	if v, ok := r.items[0].Bool(); ok {
		return v, nil
	}
	return true, nil
}

// False says whether the expression gives false: an invariant that does is
// broken, while one that gives nothing has nothing to say of the element.
func (e *Expression) False(env *Env, focus Item) (bool, error) {
	r := begin(env, nil)
	defer r.end()
	r.root[0] = focus
	r.focus, r.this = r.root[:], r.root[:]
	if err := e.run(r); err != nil || len(r.items) != 1 {
		return false, err
	}
	v, ok := r.items[0].Bool()
	return ok && !v, nil
}

// eval puts what a piece of an expression gives on top of r.items.
type eval func(r *run) error

// run is one evaluation. Collections lie one after another on one stack, so
// that none is allocated.
type run struct {
	items []Item
	this  []Item // $this: one item, but for the root of a collection and for iif on nothing
	index int
	total []Item
	focus []Item
	env   *Env
	vars  []variable
	steps int
	most  int // steps that it may take
	root  [1]Item
}

type variable struct {
	name  string
	value Collection
}

// Bounds of one evaluation: the steps of its loops, the items that it holds at
// once, and the length of a string.
const (
	maxSteps = 4_000_000
	maxItems = 1_000_000
	maxText  = 4 << 20
)

var runs = sync.Pool{New: func() any { return &run{items: make([]Item, 0, 32)} }}

var noEnv Env

func begin(env *Env, focus []Item) *run {
	r := runs.Get().(*run)
	if env == nil {
		env = &noEnv
	}
	r.env, r.focus, r.this, r.index, r.steps, r.most = env, focus, focus, 0, 0, maxSteps
	if env.Steps > 0 {
		r.most = min(r.most, env.Steps)
	}
	if env.Budget != nil {
		r.most = min(r.most, *env.Budget)
	}
	return r
}

// end gives the run back for the next one, unless it grew large.
func (r *run) end() {
	if r.env.Budget != nil {
		*r.env.Budget -= r.steps
	}
	if cap(r.items) > 4096 {
		return
	}
	r.items, r.total, r.vars, r.focus, r.this, r.env = r.items[:0], nil, r.vars[:0], nil, nil, nil
	runs.Put(r)
}

func (r *run) push(it Item) { r.items = append(r.items, it) }

// bytes counts a text that is read or made, by its length.
func (r *run) bytes(n int) error { return r.step(n / bytesAStep) }

// bytesAStep is how many bytes of text cost as much as an item: what the
// longest evaluation makes of them still fits into memory.
const bytesAStep = 32

// step counts towards the bound of an evaluation.
func (r *run) step(n int) error {
	if r.steps += n; r.steps > r.most || len(r.items) > maxItems {
		return fault.E("fhirpath.Eval", fault.TooLong, "the expression does too much work on this resource")
	}
	return nil
}

// keep puts the items from mid on in the place of those from lo on.
func (r *run) keep(lo, mid int) {
	n := copy(r.items[lo:], r.items[mid:])
	r.items = r.items[:lo+n]
}

// give puts one item in the place of those from lo on.
func (r *run) give(lo int, it Item) {
	r.items = append(r.items[:lo], it)
}

// invalid is an error of an evaluation: what was asked can't be done to what is
// there. Values never stand in it.
func invalid(pos int, words string) error {
	return fault.E("fhirpath.Eval", fault.Invalid, words, "character "+strconv.Itoa(pos+1))
}
