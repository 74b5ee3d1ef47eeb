// Package fault holds the kinds of error that SELDA knows, named by the FHIR
// issue types (https://hl7.org/fhir/R4/valueset-issue-type.html).
//
// An error here says which operation failed, of what kind it is, and its
// cause. Words for people are not here: each face (FHIR, HL7 v2, pages, the
// command line) owns one table from kind to its own answer. Patient data never
// stands in an error: callers put places and rules in them, not values.
package fault

import (
	"errors"
	"strings"
)

// Kind is a FHIR issue type. The zero Kind is Exception: an error of which
// nothing is known is a fault of ours.
type Kind uint8

// The kinds, by the issue type that each stands for.
const (
	Exception       Kind = iota // exception: a fault of ours
	Invalid                     // invalid: content that breaks the standard
	Structure                   // structure: it can't be parsed
	Required                    // required: an element that must be there is not
	Value                       // value: an element's value is not allowed
	NotSupported                // not-supported: the standard allows it, SELDA does not
	NotFound                    // not-found: no such thing, or none that the caller may know of
	Deleted                     // deleted: it was there once
	Conflict                    // conflict: it can't be done to what is there now
	Duplicate                   // duplicate: it is there already
	MultipleMatches             // multiple-matches: a conditional found more than one
	Security                    // security: the caller is not entitled
	Login                       // login: nobody has signed in
	Expired                     // expired: the session, token or cursor has ended
	TooLong                     // too-long: larger than the limit
	Throttled                   // throttled: too much at once
	NoStore                     // no-store: it could not be made durable
	Transient                   // transient: try again
	TooCostly                   // too-costly: the answer would be too large to make
	BusinessRule                // business-rule: understood, and against a rule
)

var kinds = [...]string{"exception", "invalid", "structure", "required", "value", "not-supported", "not-found",
	"deleted", "conflict", "duplicate", "multiple-matches", "security", "login", "expired", "too-long", "throttled",
	"no-store", "transient", "too-costly", "business-rule"}

// String is the FHIR issue-type code.
func (k Kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k]
	}
	return kinds[Exception]
}

// Error is a failed operation.
type Error struct {
	Op    string // the operation, as room.Name
	Kind  Kind
	Place string // where in the input: "PID-3.1", "Bundle.entry[2]", "row 4, column dob"; may be empty
	Err   error  // the cause, without patient data
}

// E makes an Error. What it is given is found by type: a Kind, a cause
// (error), and up to two strings, the first a message, the second a place.
func E(op string, args ...any) error {
	e := &Error{Op: op}
	text := 0
	known := false
	for _, a := range args {
		switch v := a.(type) {
		case Kind:
			e.Kind, known = v, true
		case error:
			e.Err = v
		case string:
			if text == 0 {
				e.Err = errors.New(v)
			} else {
				e.Place = v
			}
			text++
		}
	}
	if !known && e.Err != nil {
		e.Kind = KindOf(e.Err)
	}
	return e
}

// Error reads "op: cause (place)".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	b.WriteString(": ")
	if e.Err != nil {
		b.WriteString(e.Err.Error())
	} else {
		b.WriteString(e.Kind.String())
	}
	if e.Place != "" {
		b.WriteString(" (at " + e.Place + ")")
	}
	return b.String()
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of the outermost Error in err's chain; Exception where
// there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Exception
}

// Is says whether err is of kind k.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }

// Reason is the innermost message of err, without operations: what a person is told.
func Reason(err error) string {
	if err == nil {
		return ""
	}
	var e *Error
	for errors.As(err, &e) {
		if e.Err == nil {
			return e.Kind.String()
		}
		err = e.Err
	}
	return err.Error()
}

// PlaceOf is the innermost place named in err's chain, or "".
func PlaceOf(err error) string {
	place := ""
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			break
		}
		if e.Place != "" {
			place = e.Place
		}
		err = e.Err
	}
	return place
}
