package validate

import (
	"fmt"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/definition"
	"selda/fhir/fhirpath"
)

// sliced tells the items of an element apart, and holds each against the rule of
// its slice. https://hl7.org/fhir/R4/profiling.html#slicing
func (x *run) sliced(items []fhirpath.Item, k *rule, list bool) {
	found := make([]int, len(k.slices))
	last, open := -1, false
	for i := range items {
		matched := false
		for j, s := range k.slices {
			if !x.inSlice(&items[i], i, k, s) {
				continue
			}
			matched = true
			found[j]++
			x.push(k.name, place(list, i))
			if k.slicing != nil && k.slicing.Ordered && j < last {
				x.say(Error, fault.Invalid, fmt.Sprintf("the slice %s comes after one that %s puts behind it", s.slice, of(k)))
			}
			if last = max(last, j); open {
				x.say(Error, fault.Invalid, "items of no slice come at the end: "+of(k)+" asks for it")
			}
			x.child(&items[i], s)
			x.pop()
		}
		if !matched && k.slicing != nil {
			switch k.slicing.Rules {
			case "closed":
				x.push(k.name, place(list, i))
				x.say(Error, fault.Invalid, "this is in none of the slices of "+of(k)+", which allows no others")
				x.pop()
			case "openAtEnd":
				open = true
			}
		}
	}
	for j, s := range k.slices {
		x.occurs(found[j], s, k.name+":"+s.slice)
	}
}

// matcher is how one discriminator knows the items of a slice.
type matcher struct {
	kind  string
	path  *fhirpath.Expression // nil: the item itself
	rules []*rule              // what the slice says of what is there
}

// verdict is what a discriminator says of an item.
type verdict uint8

const (
	no verdict = iota
	yes
	unsaid // the slice says nothing of what the discriminator looks at
)

// inSlice says whether an item is in a slice: no discriminator says that it is
// not, and one at least that it is.
func (x *run) inSlice(it *fhirpath.Item, index int, k, s *rule) bool {
	if k.slicing == nil || len(k.slicing.Discriminators) == 0 {
		return k.slicing != nil && len(s.types) > 0 && x.ofType(it, s)
	}
	said := false
	for i := range k.slicing.Discriminators {
		d := &k.slicing.Discriminators[i]
		v := no
		if d.Type == "position" {
			if index < len(k.slices) && k.slices[index] == s {
				v = yes
			}
		} else if m := x.matcher(d, s); m != nil {
			v = x.meets(it, m)
		}
		if v == no {
			return false
		}
		said = said || v == yes
	}
	return said
}

// matcher makes a discriminator ready for a slice, once.
func (x *run) matcher(d *definition.Discriminator, s *rule) *matcher {
	if m, ok := s.matchers.Load(*d); ok {
		return m.(*matcher)
	}
	m := &matcher{kind: d.Type, rules: x.v.at(s, d.Path)}
	if d.Path != "$this" && d.Path != "" {
		path := d.Path
		if d.Type == "type" && strings.HasSuffix(path, "resolve()") {
			path += ".ofType(Resource)" // so the type may be read from the reference itself
		}
		e, err := fhirpath.Compile(path)
		if err != nil {
			return nil
		}
		m.path = e
	}
	s.matchers.Store(*d, m)
	return m
}

// meets says whether what a discriminator looks at is as the slice wants it.
func (x *run) meets(it *fhirpath.Item, m *matcher) verdict {
	items := fhirpath.Collection{*it}
	if m.path != nil {
		var err error
		if items, err = m.path.Eval(&x.env, *it); err != nil {
			return no
		}
	}
	for _, r := range m.rules { // what may not be there is told by its absence
		if r.max == 0 {
			return is(len(items) == 0)
		}
		if m.kind == "exists" && r.min > 0 {
			return is(len(items) > 0)
		}
	}
	if m.kind == "exists" || !m.says() {
		return unsaid
	}
	for i := range items {
		if x.meetsAll(&items[i], m) {
			return yes
		}
	}
	return no
}

func is(v bool) verdict {
	if v {
		return yes
	}
	return no
}

// says whether the rules of a matcher say anything of its kind.
func (m *matcher) says() bool {
	for _, r := range m.rules {
		switch m.kind {
		case "type":
			if len(r.types) > 0 {
				return true
			}
		case "profile":
			if len(r.urls()) > 0 {
				return true
			}
		default:
			if r.tells() {
				return true
			}
		}
	}
	return false
}

// urls are the profiles of the types that a rule allows.
func (r *rule) urls() []string {
	var out []string
	for _, t := range r.types {
		out = append(out, t.Profiles...)
		if t.Code == "Reference" {
			out = append(out, t.Targets...)
		}
	}
	return out
}

// meetsAll says whether an item is as all the rules of a matcher want it.
func (x *run) meetsAll(it *fhirpath.Item, m *matcher) bool {
	for _, r := range m.rules {
		switch m.kind {
		case "type":
			if len(r.types) > 0 && !x.ofType(it, r) {
				return false
			}
		case "profile":
			if urls := r.urls(); len(urls) > 0 && !x.anyProfile(it, urls) {
				return false
			}
		default: // value and pattern
			if r.tells() && (!x.passes(it, r) || r.binding != nil && x.v.terms != nil && x.inSet(it, r.binding.ValueSet) == notKnown) {
				return false
			}
		}
	}
	return true
}

// tells says whether a rule says anything of a value.
func (r *rule) tells() bool {
	if r.fixed.Exists() || r.pattern.Exists() || r.binding != nil && r.binding.Strength == "required" {
		return true
	}
	for _, k := range r.kids {
		if k.tells() {
			return true
		}
	}
	for _, s := range r.slices {
		if s.min > 0 && s.tells() {
			return true
		}
	}
	return false
}

func (x *run) anyProfile(it *fhirpath.Item, urls []string) bool {
	for _, url := range urls {
		if ok, err := x.conformsTo(*it, url); err == nil && ok {
			return true
		}
	}
	return false
}

// ofType says whether an item is of one of a rule's types, or of one of the
// targets where it is what a reference leads to.
func (x *run) ofType(it *fhirpath.Item, r *rule) bool {
	d := it.Datatype()
	for _, t := range r.types {
		if of := fhir.DatatypeOf(t.Code); of != nil && d != nil && d.Is(of) {
			return true
		}
		for _, url := range t.Targets {
			if d != nil && fhir.IsResourceType(d.Name()) && x.v.allows(url, d.Name()) {
				return true
			}
		}
	}
	return false
}

// at finds the rules that a slice has at a discriminator's path: its own, and
// those of the profiles that its elements are of.
func (v *Validator) at(s *rule, path string) []*rule {
	rules := []*rule{s}
	if path == "$this" || path == "" {
		return rules
	}
	for path != "" {
		var next string
		next, path = nextStep(path)
		var found []*rule
		for _, r := range rules {
			found = append(found, v.stepFrom(r, next)...)
		}
		rules = found
	}
	return rules
}

// nextStep takes the first step off a path: a name, or a function's call.
func nextStep(path string) (next, rest string) {
	depth := 0
	for i := range len(path) {
		switch path[i] {
		case '(':
			depth++
		case ')':
			depth--
		case '.':
			if depth == 0 {
				return path[:i], path[i+1:]
			}
		}
	}
	return path, ""
}

func (v *Validator) stepFrom(r *rule, next string) []*rule {
	if arg, ok := strings.CutPrefix(next, "extension("); ok {
		url := strings.Trim(strings.TrimSuffix(arg, ")"), "'\"")
		return v.extensionRules(r, url)
	}
	if strings.HasPrefix(next, "ofType(") || next == "$this" {
		return []*rule{r}
	}
	if next == "resolve()" {
		return v.targetRules(r)
	}
	var out []*rule
	if k := r.kid(next); k != nil {
		out = append(out, k)
		out = append(out, k.slices...)
	}
	for _, t := range r.types {
		for _, url := range t.Profiles {
			if p, err := v.tree(url); p != nil && err == nil {
				if k := p.root.kid(next); k != nil {
					out = append(out, k)
				}
			}
		}
	}
	return out
}

// targetRules are the rules of what a reference leads to.
func (v *Validator) targetRules(r *rule) []*rule {
	out := []*rule{r} // its types say what it may lead to
	for _, t := range r.types {
		for _, url := range t.Targets {
			if p, err := v.tree(url); p != nil && err == nil && p.Constraint {
				out = append(out, p.root)
			}
		}
	}
	return out
}

// extensionRules are those of the extension of a URL.
func (v *Validator) extensionRules(r *rule, url string) []*rule {
	var out []*rule
	if k := r.kid("extension"); k != nil {
		for _, s := range k.slices {
			for _, t := range s.types {
				for _, p := range t.Profiles {
					if p == url {
						out = append(out, s)
					}
				}
			}
			if u := s.kid("url"); u != nil && u.fixed.Is(url) {
				out = append(out, s)
			}
		}
	}
	return out
}
