package policy

import (
	"net/url"
	"slices"
	"strings"
)

// This file keeps what an application may do in somebody's name: the scopes of
// SMART App Launch. They narrow what policy permits that person, never widen it,
// and are no consent (G1).
// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html

// Interactions are what a scope permits to be done.
type Interactions uint8

// The interactions, in the order in which a scope writes them.
const (
	ToCreate Interactions = 1 << iota
	ToRead
	ToUpdate
	ToDelete
	ToSearch
)

const interactionLetters = "cruds"

// String is the letters of a scope.
func (i Interactions) String() string {
	var b strings.Builder
	for n := range interactionLetters {
		if i&(1<<n) != 0 {
			b.WriteByte(interactionLetters[n])
		}
	}
	return b.String()
}

// Level is whose resources a scope speaks of.
type Level string

// The levels: the one patient of the launch, whatever the user may see, and
// what a system may see of its own.
const (
	PatientLevel Level = "patient"
	UserLevel    Level = "user"
	SystemLevel  Level = "system"
)

// Scope is one scope for resources: patient/Observation.rs?category=laboratory.
type Scope struct {
	Level Level
	Type  string // * for all
	Do    Interactions
	Marks Labels // items with one of these alone; 0 does not limit
}

// AnyType is the type of a scope for all types.
const AnyType = "*"

// ParseScope reads a scope for resources, of version 2 or 1. It is false of
// every other word, and of a parameter by which items can't be told apart here:
// what is not understood is not granted.
func ParseScope(word string) (Scope, bool) {
	level, rest, ok := strings.Cut(word, "/")
	s := Scope{Level: Level(level)}
	if !ok || len(word) > maxScope || s.Level != PatientLevel && s.Level != UserLevel && s.Level != SystemLevel {
		return Scope{}, false
	}
	rest, query, narrowed := strings.Cut(rest, "?")
	typ, do, ok := strings.Cut(rest, ".")
	if s.Type = typ; !ok || typ != AnyType && !isTypeName(typ) {
		return Scope{}, false
	}
	if s.Do, ok = parseInteractions(do); !ok {
		return Scope{}, false
	}
	if narrowed {
		if s.Marks, ok = parseMarks(typ, query); !ok || s.Do&^(ToRead|ToSearch) != 0 {
			return Scope{}, false // what is written is not yet told apart
		}
	}
	return s, true
}

const maxScope = 512

func isTypeName(s string) bool {
	if s == "" || len(s) > 64 || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == ""
}

func parseInteractions(s string) (do Interactions, ok bool) {
	switch s { // version 1
	case "read":
		return ToRead | ToSearch, true
	case "write":
		return ToCreate | ToUpdate | ToDelete, true
	case "*":
		return ToCreate | ToRead | ToUpdate | ToDelete | ToSearch, true
	}
	last := -1
	for i := range len(s) {
		n := strings.IndexByte(interactionLetters, s[i])
		if n <= last {
			return 0, false // unknown, twice, or out of order
		}
		last = n
		do |= 1 << n
	}
	return do, do != 0
}

// parseMarks reads ?category=system|code,code.
func parseMarks(typ, query string) (Labels, bool) {
	q, err := url.ParseQuery(query)
	if err != nil || len(q) != 1 || len(q["category"]) != 1 {
		return 0, false
	}
	var marks Labels
	for v := range strings.SplitSeq(q.Get("category"), ",") {
		system, code, has := strings.Cut(v, "|")
		if !has {
			system, code = "", v
		}
		m := CategoryMark(typ, system, code)
		if m == 0 {
			return 0, false
		}
		marks |= m
	}
	return marks, true
}

// String is the scope in the words of version 2.
func (s Scope) String() string {
	out := string(s.Level) + "/" + s.Type + "." + s.Do.String()
	if s.Marks != 0 {
		out += "?category=" + strings.Join(categoryCodes(s.Type, s.Marks), ",")
	}
	return out
}

// Within is what is permitted by both of two scopes; false where nothing is.
func (s Scope) Within(o Scope) (Scope, bool) {
	if s.Level != o.Level {
		return Scope{}, false
	}
	both := Scope{Level: s.Level, Type: s.Type, Do: s.Do & o.Do, Marks: s.Marks}
	switch {
	case s.Type == o.Type || o.Type == AnyType:
	case s.Type == AnyType:
		both.Type = o.Type
	default:
		return Scope{}, false
	}
	switch {
	case s.Marks == 0:
		both.Marks = o.Marks
	case o.Marks != 0:
		if both.Marks &= o.Marks; both.Marks == 0 {
			return Scope{}, false
		}
	}
	if both.Marks != 0 {
		both.Do &= ToRead | ToSearch
	}
	return both, both.Do != 0
}

// Narrowed are the scopes that are asked for, as far as others permit them.
func Narrowed(asked, most []Scope) []Scope {
	var out []Scope
	for _, a := range asked {
		for _, m := range most {
			if s, ok := a.Within(m); ok && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(out), func(s Scope) bool {
		return slices.ContainsFunc(out, func(o Scope) bool { return o != s && s.Less(o) })
	})
}

// Less says whether a scope permits nothing that another does not.
func (s Scope) Less(o Scope) bool {
	w, ok := s.Within(o)
	return ok && w == s
}

// Scopes are what an application may do in a subject's name. nil stands for a
// person or a system that asks without an application between: nothing is narrowed.
type Scopes struct {
	App     string // the application's id
	Patient string // the citizen of the launch; "" where there is none
	List    []Scope
	Self    bool // it may read who the user is (fhirUser)
	// Doing is what the request does; reading and searching where it is 0, so
	// that what is not said permits least.
	Doing Interactions
}

// For are the scopes of one request that does something.
func (s *Scopes) For(do Interactions) *Scopes {
	if s == nil {
		return nil
	}
	n := *s
	n.Doing = do
	return &n
}

// doing are the interactions that a scope must have to count.
func (s *Scopes) doing() Interactions {
	if s.Doing == 0 {
		return ToRead | ToSearch
	}
	return s.Doing
}

// Permit says whether anything of a type may be asked for at all; of any type
// where it is "".
func (s *Scopes) Permit(typ string, do Interactions) bool {
	return s == nil || slices.ContainsFunc(s.List, func(x Scope) bool {
		return x.Do&do == do && (typ == "" || x.Type == AnyType || x.Type == typ) && (x.Level != PatientLevel || s.Patient != "")
	})
}

// Needs is the scope without which something can't be asked for.
func (s *Scopes) Needs(typ string, do Interactions) string {
	level := UserLevel
	switch {
	case s.Patient != "":
		level = PatientLevel
	case slices.ContainsFunc(s.List, func(x Scope) bool { return x.Level == SystemLevel }):
		level = SystemLevel
	}
	return Scope{Level: level, Type: typ, Do: do}.String()
}

// Bound is the one citizen whose record an application is limited to; "" where
// it is not limited to one.
func (s *Scopes) Bound() string {
	if s == nil || slices.ContainsFunc(s.List, func(x Scope) bool { return x.Level != PatientLevel }) {
		return ""
	}
	return s.Patient
}

// opens says whether an application may ask for a citizen's record.
func (s *Scopes) opens(citizen string) bool {
	return s == nil || citizen != "" && citizen == s.Patient || slices.ContainsFunc(s.List, func(x Scope) bool { return x.Level != PatientLevel })
}

// Kinds are resources of one type, or of all, that may be shown.
type Kinds struct {
	Type  string // * for all
	Marks Labels // with one of these alone; 0 does not limit
}

// Narrow narrows what the subject may be shown of a citizen, "" where it is of
// nobody in particular. ofAll says that it is what everybody may look up: the
// patient's scopes count for that, too.
func (s *Scopes) Narrow(p Predicate, citizen string, ofAll bool) Predicate {
	if s == nil {
		return p
	}
	p.Only = []Kinds{}
	for _, x := range s.List {
		counts := x.Level != PatientLevel || ofAll || citizen != "" && citizen == s.Patient
		if counts && x.Do&s.doing() == s.doing() {
			p.Only = append(p.Only, Kinds{x.Type, x.Marks})
		}
	}
	return p
}

// within says whether an item is of the kinds that a predicate is limited to.
func within(only []Kinds, c *Columns) bool {
	for _, k := range only {
		if (k.Type == c.Type || k.Type == AnyType) && (k.Marks == 0 || k.Marks&c.Labels != 0) {
			return true
		}
	}
	return false
}

// ShowsType says whether anything of a type may be shown, as far as an
// application is concerned.
func (p *Predicate) ShowsType(typ string) bool {
	return p.Only == nil || slices.ContainsFunc(p.Only, func(k Kinds) bool { return k.Type == typ || k.Type == AnyType })
}
