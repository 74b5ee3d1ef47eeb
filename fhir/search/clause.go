package search

import (
	"slices"
	"strings"
	"time"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/fhirpath"
)

// element is a place in a resource that a parameter found, with its FHIR type.
// One that an expression computed has no node, and its value as text.
type element struct {
	item  fhirpath.Item
	node  fhir.Node
	typ   string
	value string
}

func (e element) text() string {
	if e.value != "" {
		return e.value
	}
	return e.node.Text()
}

// test says whether an element is what is searched.
type test func(element) bool

// Candidate is a resource that may match: with the id and time that a server
// gives it, which are not in the body that it stores.
type Candidate struct {
	Type, ID string
	Updated  time.Time
	Res      *fhir.Resource
}

// Scope is what a query is read within.
type Scope struct {
	Parameters *Parameters
	Base       string // of the server, for references that begin with it
	Now        time.Time
	Terms      Terms // nil where there is no terminology service

	filtered bool // within a _filter
}

// Clause is one condition: a parameter with its values, of which one must hold.
type Clause struct {
	Name     string // as written, with modifier
	Modifier string
	Values   []string // as written, unescaped at the commas
	Param    *Parameter
	Chain    *Chain // of a chained parameter
	Has      *Has   // of a reverse chain
	Within   Target // of a compartment: whose it is

	// Known holds, of a clause that names other resources by what they say
	// (a chain, _has, _list), which these are: "Type/id". It is filled by who
	// searches, before the clause is asked.
	Known map[string]bool

	tests  []test
	listed []string // codes of which a resource that meets it has one; nil where that is not known
	direct func(c *Candidate) bool
	parts  []*Clause // of a filter
}

// Chain is what a reference must lead to.
type Chain struct {
	Types []string  // of the resources referred to
	On    []*Clause // On[i] is asked of those of Types[i]
}

// Has is a reverse chain: resources of a type that refer here by a parameter,
// and match a clause. https://hl7.org/fhir/R4/search.html#has
type Has struct {
	Type string
	By   *Parameter
	On   *Clause
}

// Open gives the clauses within c, itself among them, that ask of other
// resources: those whose Known must be filled first. What stands deeper comes first.
func (c *Clause) Open() (out []*Clause) {
	for _, p := range c.parts {
		out = append(out, p.Open()...)
	}
	if c.Chain != nil {
		for _, on := range c.Chain.On {
			out = append(out, on.Open()...)
		}
	}
	if c.Has != nil && c.Has.On != nil {
		out = append(out, c.Has.On.Open()...)
	}
	if c.Chain != nil || c.Has != nil {
		out = append(out, c)
	}
	return out
}

// Matches says whether a resource meets the clause.
func (c *Clause) Matches(r *Candidate) bool {
	if c.direct != nil {
		return c.direct(r)
	}
	if c.Has != nil {
		return c.Known[r.Type+"/"+r.ID] || slices.ContainsFunc(Canonicals(r.Res), func(url string) bool { return c.Known[url] })
	}
	hit, any := false, false
	err := c.Param.eachOf(r, func(e element) bool {
		any = true
		for _, t := range c.tests {
			if t(e) {
				hit = true
				return true
			}
		}
		return false
	})
	if err != nil {
		return false
	}
	if c.Chain != nil && !hit {
		return c.contained(r)
	}
	switch c.Modifier {
	case "missing":
		return any != (c.Values[0] == "true")
	case "not", "not-in":
		return !hit
	}
	return hit
}

// eachOf is each, with what the server gives a resource.
func (p *Parameter) eachOf(r *Candidate, f func(element) bool) error {
	switch p.Code {
	case "_id":
		f(element{typ: "id", value: r.ID})
		return nil
	case "_lastUpdated":
		f(element{typ: "instant", value: fhir.Instant(r.Updated)})
		return nil
	}
	return p.each(r.Res, f)
}

// Clause reads one parameter of a query: its name with what follows it, and
// one value of the URL. known is false where the type has no such parameter.
func (q *Scope) Clause(typ, name, value string) (c *Clause, known bool, err error) {
	return q.clause(typ, name, value, 0)
}

const maxChain = 5

func (q *Scope) clause(typ, name, value string, depth int) (*Clause, bool, error) {
	const op = "search.Clause"
	if depth > maxChain {
		return nil, true, fault.E(op, fault.TooLong, "a chain has at most five links", name)
	}
	switch {
	case strings.HasPrefix(name, "_has:"):
		return q.has(typ, name, value, depth)
	case name == "_content" || name == "_text":
		values := split(value, ',')
		walk := func(r *Candidate) func(func(string)) {
			if name == "_text" {
				return func(f func(string)) { narrative(r.Res, f) }
			}
			return func(f func(string)) { content(r.Res.Root(), f) }
		}
		return &Clause{Name: name, Values: values, direct: func(r *Candidate) bool {
			return slices.ContainsFunc(values, func(v string) bool { return hasWords(v, walk(r)) })
		}}, true, nil
	case name == "_list":
		if strings.Contains(value, "$") { // nothing found would read as none there is
			return nil, true, fault.E(op, fault.NotSupported, "a list is named by its id: there are no functional lists, such as $current-allergies", name)
		}
		return &Clause{Name: name, Values: split(value, ','), Known: map[string]bool{}, Has: &Has{Type: "List"}}, true, nil
	case name == "_filter":
		c, err := q.filter(typ, value)
		return c, true, err
	}
	if first, rest, ok := strings.Cut(name, "."); ok {
		return q.chain(typ, name, first, rest, value, depth)
	}
	code, modifier, _ := strings.Cut(name, ":")
	p := q.Parameters.Lookup(typ, code)
	if p == nil {
		return nil, false, nil
	}
	c := &Clause{Name: name, Modifier: modifier, Param: p, Values: split(value, ',')}
	if p.Kind == Reference { // by the server's own base a reference is what it is without
		for i, v := range c.Values {
			c.Values[i] = strings.TrimPrefix(v, q.Base+"/")
		}
	}
	if err := q.prepare(c); err != nil {
		return nil, true, fault.E(op, fault.KindOf(err), fault.Reason(err), name)
	}
	return c, true, nil
}

// modifiers are those that each kind of parameter has.
// https://hl7.org/fhir/R4/search.html#modifiers
var modifiers = map[Kind][]string{
	Number: {"missing"}, Date: {"missing"}, Quantity: {"missing"}, Composite: {"missing"}, Special: {"missing"},
	String:    {"missing", "exact", "contains"},
	Token:     {"missing", "text", "not", "in", "not-in", "above", "below", "of-type"},
	Reference: {"missing", "identifier"},
	URI:       {"missing", "above", "below", "contains"},
}

// prepare makes a clause's tests out of its values.
func (q *Scope) prepare(c *Clause) error {
	const op = "search.Clause"
	if _, err := c.Param.compiled(); err != nil {
		return err
	}
	m := c.Modifier
	if m != "" && !slices.Contains(modifiers[c.Param.Kind], m) && !(q.filtered && slices.Contains(comparisons[c.Param.Kind], m)) && !(c.Param.Kind == Reference && fhir.IsResourceType(m)) {
		return fault.E(op, fault.NotSupported, "the modifier "+m+" is not one of a "+c.Param.Kind.String()+" parameter: "+strings.Join(modifiers[c.Param.Kind], ", "))
	}
	if m == "missing" {
		if v := c.Values[0]; len(c.Values) > 1 || v != "true" && v != "false" {
			return fault.E(op, fault.Value, "missing is true or false")
		}
		return nil
	}
	for _, v := range c.Values {
		if v == "" {
			return fault.E(op, fault.Value, "the parameter has no value")
		}
		t, err := q.test(c.Param, v, m)
		if err != nil {
			return err
		}
		c.tests = append(c.tests, t)
	}
	c.listed = q.listed(c, mostListed)
	return nil
}

func (q *Scope) test(p *Parameter, value, modifier string) (test, error) {
	switch p.Kind {
	case Number:
		return numberTest(unescape(value))
	case Date:
		return dateTest(unescape(value), modifier, q.Now)
	case String:
		if p.phonetic() && modifier == "" {
			return phoneticTest(unescape(value)), nil
		}
		return stringTest(unescape(value), modifier), nil
	case Token:
		return q.tokenTest(value, modifier)
	case Reference:
		return q.referenceTest(p, unescape(value), modifier)
	case Composite:
		return q.compositeTest(p, value)
	case Quantity:
		return quantityTest(value)
	case URI:
		return uriTest(unescape(value), modifier), nil
	case Special:
		return nearTest(unescape(value))
	}
	return nil, fault.E("search.test", fault.NotSupported, "this parameter can't be searched")
}

// compositeTest tests the parts of one element together: value$value.
// https://hl7.org/fhir/R4/search.html#composite
func (q *Scope) compositeTest(p *Parameter, value string) (test, error) {
	parts := split(value, '$')
	if len(parts) != len(p.Components) {
		return nil, fault.E("search.composite", fault.Value, "a composite has a value for each of its parts, with $ between them")
	}
	tests := make([]test, len(parts))
	for i, v := range parts {
		var err error
		if _, err = p.Components[i].parameter.compiled(); err != nil {
			return nil, err
		}
		if tests[i], err = q.test(p.Components[i].parameter, v, ""); err != nil {
			return nil, err
		}
	}
	return func(e element) bool {
		for i := range tests {
			hit := false
			_ = p.Components[i].parameter.within(e, func(part element) bool {
				hit = tests[i](part)
				return hit
			})
			if !hit {
				return false
			}
		}
		return true
	}, nil
}

// chain reads reference.parameter and reference:Type.parameter.
// https://hl7.org/fhir/R4/search.html#chaining
func (q *Scope) chain(typ, name, first, rest, value string, depth int) (*Clause, bool, error) {
	const op = "search.chain"
	code, only, _ := strings.Cut(first, ":")
	p := q.Parameters.Lookup(typ, code)
	if p == nil || p.Kind != Reference {
		return nil, false, nil
	}
	types := p.Targets
	if only != "" {
		if !fhir.IsResourceType(only) {
			return nil, true, fault.E(op, fault.Value, "there is no such resource type", name)
		}
		types = []string{only}
	}
	if len(types) == 0 {
		types = fhir.ResourceTypes()
	}
	c := &Clause{Name: name, Param: p, Values: []string{value}, Chain: &Chain{}, Known: map[string]bool{}}
	for _, t := range types {
		on, known, err := q.clause(t, rest, value, depth+1)
		if err != nil {
			return nil, true, err
		}
		if known {
			c.Chain.Types, c.Chain.On = append(c.Chain.Types, t), append(c.Chain.On, on)
		}
	}
	if len(c.Chain.Types) == 0 {
		return nil, false, nil
	}
	known := q.isTest(func(t Target) bool { return c.Known[t.Type+"/"+t.ID] })
	c.tests = []test{func(e element) bool {
		if e.typ == "canonical" {
			return c.Known[e.text()]
		}
		return known(e)
	}}
	return c, true, nil
}

// Note keeps that a resource is one of those that a chain leads to: by its type
// and id, and by the canonical URL that it goes by.
func (c *Clause) Note(r *Candidate) {
	c.Known[r.Type+"/"+r.ID] = true
	for _, url := range Canonicals(r.Res) {
		c.Known[url] = true
	}
}

// Canonicals are the canonical URLs that lead to a resource: with its version
// and without. https://hl7.org/fhir/R4/references.html#canonical
func Canonicals(res *fhir.Resource) []string {
	url := res.Get("url").Text()
	if url == "" {
		return nil
	}
	if version := res.Get("version").Text(); version != "" {
		return []string{url, url + "|" + version}
	}
	return []string{url}
}

// contained says whether a chain leads to what the resource itself contains.
// https://hl7.org/fhir/R4/search.html#contained
func (c *Clause) contained(r *Candidate) bool {
	within := map[string]fhir.Node{}
	for _, n := range r.Res.Root().List("contained") {
		within["#"+n.Get("id").Text()] = n
	}
	hit := false
	if len(within) == 0 {
		return false
	}
	_ = c.Param.each(r.Res, func(e element) bool {
		ref, _ := e.reference()
		n, ok := within[ref]
		i := slices.Index(c.Chain.Types, n.Get("resourceType").Text())
		if !ok || i < 0 {
			return false
		}
		res, err := n.Resource()
		hit = err == nil && c.Chain.On[i].Matches(&Candidate{Type: res.Type, ID: ref, Updated: r.Updated, Res: res})
		return hit
	})
	return hit
}

// has reads _has:Type:reference:parameter.
func (q *Scope) has(typ, name, value string, depth int) (*Clause, bool, error) {
	const op = "search.has"
	f := strings.SplitN(name, ":", 4)
	if len(f) != 4 || !fhir.IsResourceType(f[1]) {
		return nil, true, fault.E(op, fault.Value, "a reverse chain is written as _has:Type:reference:parameter", name)
	}
	by := q.Parameters.Lookup(f[1], f[2])
	if by == nil || by.Kind != Reference || len(by.Targets) > 0 && !slices.Contains(by.Targets, typ) {
		return nil, false, nil
	}
	on, known, err := q.clause(f[1], f[3], value, depth+1)
	if err != nil || !known {
		return nil, known, err
	}
	return &Clause{Name: name, Values: []string{value}, Has: &Has{Type: f[1], By: by, On: on}, Known: map[string]bool{}}, true, nil
}

// split parts a value at a separator that no backslash stands before; the
// parts keep their backslashes but those before this separator.
// https://hl7.org/fhir/R4/search.html#escaping
func split(value string, at byte) []string {
	if strings.IndexByte(value, at) < 0 {
		return []string{value}
	}
	var out []string
	start := 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case at:
			out = append(out, value[start:i])
			start = i + 1
		}
	}
	out = append(out, value[start:])
	if at == '|' {
		for i := range out {
			out[i] = unescape(out[i])
		}
	}
	return out
}

func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`,$|\`, s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
