// Package pattern compiles regular expressions that come from outside. RE2 takes
// no longer than a text is long times the size of the expression's program; but
// a short expression may have a very large one, since x{1,1000} is a thousand
// x. Here the size is bounded, and told to who counts what work costs.
// Source: https://github.com/google/re2/wiki/Syntax
package pattern

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// MaxSize is the size of the largest program, in instructions: those of the
// standard's own definitions have some 200.
const MaxSize = 10_000

// Bounds of what is compiled at all: its length, and how many counted
// repetitions it may have.
const (
	maxLength  = 20_000
	maxRepeats = 200
)

// Compile compiles an expression; ok is false where it is none, or too large.
func Compile(text string) (re *regexp.Regexp, size int, ok bool) {
	if len(text) > maxLength || strings.Count(text, "{") > maxRepeats {
		return nil, 0, false
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil || counted(tree) > MaxSize {
		return nil, 0, false
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil || len(program.Inst) > MaxSize {
		return nil, 0, false
	}
	re, err = regexp.Compile(text)
	return re, len(program.Inst), err == nil
}

// counted is about how large the program will be, before it is made.
func counted(r *syntax.Regexp) int {
	n := 1 + len(r.Rune)/2
	for _, s := range r.Sub {
		n += counted(s)
	}
	if r.Op == syntax.OpRepeat {
		n *= max(r.Min, r.Max, 1)
	}
	return min(n, MaxSize+1)
}
