package validate

import (
	"fmt"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/decimal"
	"selda/fhir/definition"
	"selda/fhir/fhirpath"
)

// named holds a resource against the profiles that it names, and that are asked
// for where it is the outermost.
func (x *run) named(it *fhirpath.Item, n fhir.Node) {
	outermost := len(x.path) == 1
	k := 0
	for c := n.Member("meta").Member("profile").Children(); c.Next(); k++ {
		url := c.Node().View()
		t, err := x.v.tree(url)
		if t == nil || err != nil {
			if url != "" && !strings.HasPrefix(url, standard+it.Type()) {
				x.push("meta", -1)
				x.push("profile", k)
				x.report(Issue{Severity: Warning, Code: "not-found", Text: "the profile " + url + " is not known, and was not checked: add the package that has it"})
				x.pop()
				x.pop()
			}
			continue
		}
		x.profile(it, t)
	}
	if !outermost {
		return
	}
	for _, url := range x.asked {
		t, err := x.v.tree(url)
		if t == nil || err != nil {
			x.report(Issue{Severity: Error, Code: "not-found", Text: "the profile " + url + " is not known: add the package that has it"})
			continue
		}
		x.profile(it, t)
	}
}

// profile holds a resource against a profile of its type.
func (x *run) profile(it *fhirpath.Item, t *tree) {
	if d := fhir.DatatypeOf(t.Type); d == nil || !it.Datatype().Is(d) {
		x.say(Error, fault.Invalid, "the profile "+t.URL+" is one of "+t.Type+", and this is a "+it.Type())
		return
	}
	if t.Constraint {
		x.constrain(it, t.root)
	}
}

// conforms says whether an element conforms to a profile, and reports nothing.
func (x *run) conforms(it *fhirpath.Item, t *tree) bool {
	if d := fhir.DatatypeOf(t.Type); d == nil || it.Datatype() == nil || !it.Datatype().Is(d) {
		return false
	}
	return x.passes(it, t.root)
}

// passes says whether an element meets a rule, and reports nothing.
func (x *run) passes(it *fhirpath.Item, r *rule) bool {
	kept := x.issues
	x.issues = nil
	x.trial++
	x.constrain(it, r)
	ok := !Errors(x.issues)
	x.trial--
	x.issues = kept
	return ok
}

// maxNested bounds how deep profiles lead into one another.
const maxNested = 200

// constrain holds an element against a rule, and what is below it against the
// rules below.
func (x *run) constrain(it *fhirpath.Item, r *rule) {
	if x.depth++; x.depth > maxNested {
		x.depth--
		return
	}
	defer func() { x.depth-- }()
	x.values(it, r)
	if r.binding != nil && r.profile != "" {
		x.bound(it, r)
	}
	x.invariants(it, own(r.always))
	if d := it.Datatype(); d != nil && fhir.IsResourceType(d.Name()) { // %resource within is this one
		before := x.env.Resource
		x.env.Resource = *it
		defer func() { x.env.Resource = before }()
	}
	for _, k := range r.kids {
		x.kids(it, k)
	}
}

// kids holds all occurrences of one child element against its rule.
func (x *run) kids(parent *fhirpath.Item, k *rule) {
	var few [8]fhirpath.Item
	items := parent.Elements(k.name, few[:0])
	d := parent.Datatype()
	if d == nil {
		return
	}
	p := d.Property([]byte(k.name))
	if p == nil {
		return // the definition names an element that the type does not have
	}
	list := p.List
	x.occurs(len(items), k, "")
	for i := range items {
		x.push(k.name, place(list, i))
		x.child(&items[i], k)
		x.pop()
	}
	if len(k.slices) > 0 || k.slicing != nil && k.slicing.Rules == "closed" {
		x.sliced(items, k, list)
	}
}

func place(list bool, i int) int {
	if list {
		return i
	}
	return -1
}

func (x *run) occurs(n int, k *rule, what string) {
	if what == "" {
		what = k.name
	}
	switch {
	case k.min > n && n == 0:
		x.say(Error, fault.Required, fmt.Sprintf("%s is missing: %s asks for it", what, of(k)))
	case k.min > n:
		x.say(Error, fault.Required, fmt.Sprintf("%s is there %d times: %s asks for at least %d", what, n, of(k), k.min))
	case k.max != definition.Unsaid && k.max < n && k.max == 0:
		x.say(Error, fault.Invalid, fmt.Sprintf("%s is not allowed by %s: take it out", what, of(k)))
	case k.max != definition.Unsaid && k.max < n:
		x.say(Error, fault.Invalid, fmt.Sprintf("%s is there %d times: %s allows at most %d", what, n, of(k), k.max))
	}
}

func of(r *rule) string {
	if r.profile == "" {
		return "FHIR"
	}
	return "the profile " + r.profile
}

// child holds one occurrence of an element against its rule.
func (x *run) child(it *fhirpath.Item, k *rule) {
	if len(k.types) > 0 && !x.typed(it, k) {
		return
	}
	x.constrain(it, k)
}

// typed holds an element against the types that a rule allows, and the profiles
// of those. It is false where the type does not fit at all.
func (x *run) typed(it *fhirpath.Item, k *rule) bool {
	d := it.Datatype()
	if d == nil || k.profile == "" {
		return true
	}
	var profiles []string
	fits, free := false, false
	for _, t := range k.types {
		if of := fhir.DatatypeOf(t.Code); of == nil || !d.Is(of) {
			continue
		}
		fits = true
		free = free || len(t.Profiles) == 0
		profiles = append(profiles, t.Profiles...)
	}
	if !fits {
		var allowed []string
		for _, t := range k.types {
			allowed = append(allowed, t.Code)
		}
		x.say(Error, fault.Invalid, fmt.Sprintf("the type is %s: %s allows %s", it.Type(), of(k), strings.Join(allowed, ", ")))
		return false
	}
	if d.Name() == "Reference" {
		x.reference(it, k)
	}
	if free || len(profiles) == 0 {
		return true
	}
	x.ofProfiles(it, profiles)
	return true
}

// ofProfiles holds an element against several profiles, of which one must do.
func (x *run) ofProfiles(it *fhirpath.Item, urls []string) {
	var known []*tree
	for _, url := range urls {
		t, err := x.v.tree(url)
		if t == nil || err != nil {
			return // one that is not known might do
		}
		if it.Datatype().Name() == "Extension" && it.Node().Member("url").Is(t.URL) {
			return // it is held against its definition where it stands
		}
		known = append(known, t)
	}
	if len(known) == 1 && known[0].Constraint {
		x.constrain(it, known[0].root)
		return
	}
	for _, t := range known {
		if x.conforms(it, t) {
			return
		}
	}
	x.say(Error, fault.Invalid, "this conforms to none of the profiles that are allowed here: "+names(urls))
}

// values holds an element's own value against a rule.
func (x *run) values(it *fhirpath.Item, r *rule) {
	n := it.Node()
	if r.fixed.Exists() && !equal(n, r.fixed) {
		x.say(Error, fault.Value, "the value is not the one that "+of(r)+" fixes: "+shown(r.fixed))
	}
	if r.pattern.Exists() && !contains(n, r.pattern) {
		x.say(Error, fault.Value, "the value does not have what "+of(r)+" asks for: "+shown(r.pattern))
	}
	if r.maxLength > 0 && n.IsString() && len([]rune(n.View())) > r.maxLength {
		x.say(Error, fault.TooLong, fmt.Sprintf("the value is longer than the %d characters that %s allows", r.maxLength, of(r)))
	}
	x.languages(n, r)
	if r.minValue.Exists() && beyond(n, r.minValue) < 0 {
		x.say(Error, fault.Value, "the value is less than "+shown(r.minValue)+", the least that "+of(r)+" allows")
	}
	if r.maxValue.Exists() && beyond(n, r.maxValue) > 0 {
		x.say(Error, fault.Value, "the value is more than "+shown(r.maxValue)+", the most that "+of(r)+" allows")
	}
}

// shown is a definition's value for an error's text.
func shown(n fhir.Node) string {
	s := string(n.JSON())
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return s
}

// beyond compares a value with a bound; 0 where they can't be compared.
func beyond(n, bound fhir.Node) int {
	if n.IsNumber() && bound.IsNumber() {
		a, ok1 := decimal.Parse(n.View())
		b, ok2 := decimal.Parse(bound.View())
		if ok1 && ok2 {
			return a.Cmp(b)
		}
	}
	if n.IsString() && bound.IsString() && len(n.View()) >= len(bound.View()) {
		return strings.Compare(n.View(), bound.View())
	}
	if n.IsObject() && bound.IsObject() {
		return beyond(n.Member("value"), bound.Member("value"))
	}
	return 0
}

// equal says whether an element is exactly as a definition fixes it.
// https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.fixed_x_
func equal(n, fixed fhir.Node) bool {
	if !contains(n, fixed) {
		return false
	}
	count := func(n fhir.Node) int {
		k := 0
		for c := n.Children(); c.Next(); {
			if !c.Named("id") {
				k++
			}
		}
		return k
	}
	switch {
	case fixed.IsArray():
		a, b := n.Children(), fixed.Children()
		for b.Next() {
			if !a.Next() || !equal(a.Node(), b.Node()) {
				return false
			}
		}
		return !a.Next()
	case fixed.IsObject():
		for c := fixed.Children(); c.Next(); {
			if !equal(n.Member(string(c.Name())), c.Node()) {
				return false
			}
		}
		return count(n) == count(fixed)
	}
	return true
}

// contains says whether an element has everything that a pattern has, lists in
// any order. https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.pattern_x_
func contains(n, pattern fhir.Node) bool {
	switch {
	case pattern.IsObject():
		if !n.IsObject() {
			return false
		}
		for c := pattern.Children(); c.Next(); {
			if !contains(n.Member(string(c.Name())), c.Node()) {
				return false
			}
		}
		return true
	case pattern.IsArray():
		for p := pattern.Children(); p.Next(); {
			found := false
			for c := n.Children(); c.Next() && !found; {
				found = contains(c.Node(), p.Node())
			}
			if !found {
				return false
			}
		}
		return true
	case pattern.IsNumber() && n.IsNumber():
		return beyond(n, pattern) == 0
	case pattern.IsString():
		return n.IsString() && n.View() == pattern.View()
	}
	return pattern.IsBool() && n.IsBool() && n.Bool() == pattern.Bool()
}
