package api

import (
	"net/url"
	"strings"
	"sync"
	"time"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/store"
	"selda/terminology"
	"selda/terminology/index"
)

// The operations of a terminology service.
// https://hl7.org/fhir/R4/terminology-service.html
func init() {
	offer(
		operation{name: "lookup", at: onType, types: []string{"CodeSystem"}, definition: core + "CodeSystem-lookup", run: (*request).lookup},
		operation{name: "subsumes", at: onType | onInstance, types: []string{"CodeSystem"}, definition: core + "CodeSystem-subsumes", run: (*request).subsumes},
		operation{name: "validate-code", at: onType | onInstance, types: []string{"CodeSystem"}, definition: core + "CodeSystem-validate-code", run: (*request).validateCode},
		operation{name: "validate-code", at: onType | onInstance, types: []string{"ValueSet"}, definition: core + "ValueSet-validate-code", run: (*request).validateInSet},
		operation{name: "expand", at: onType | onInstance, types: []string{"ValueSet"}, definition: core + "ValueSet-expand", run: (*request).expand},
		operation{name: "translate", at: onType | onInstance, types: []string{"ConceptMap"}, definition: core + "ConceptMap-translate", run: (*request).translate},
	)
}

// terminologyOf is the terminology service as the one who asks may see it: for
// a source system with what it has written itself before all else.
func (q *request) terminologyOf() (*terminology.Service, error) {
	if q.service != nil {
		return q.service, nil
	}
	s := terminology.New(terminology.R4)
	if q.Terminology != nil {
		var err error
		if s, err = q.Terminology(); err != nil {
			return nil, err
		}
	}
	if q.system() {
		s = s.With(&written{q: q})
	}
	q.service = s
	return s, nil
}

// written is the terminology that a source system has written.
type written struct {
	q     *request
	field *systemField
}

// find gives the newest of its resources of a type with a value of a parameter.
func (l *written) find(typ, param, value string, f func(*fhir.Resource) bool) error {
	if l.field == nil {
		var err error
		if l.field, err = l.q.ownField("terminology", store.Latest); err != nil {
			return err
		}
	}
	query, err := l.q.scope().Parse(typ, url.Values{param: {escapedValue(value)}})
	if err != nil {
		return err
	}
	return l.field.each(typ, query.Clauses, 0, func(h *hit) bool { return !h.meets(query) || f(h.Res) })
}

// escapedValue is a value as a search parameter has it.
// https://hl7.org/fhir/R4/search.html#escaping
var escapedValue = strings.NewReplacer(`\`, `\\`, `|`, `\|`, `,`, `\,`, `$`, `\$`).Replace

func (l *written) resource(typ, canonical, version string) (*fhir.Resource, error) {
	var found *fhir.Resource
	err := l.find(typ, "url", canonical, func(r *fhir.Resource) bool {
		if version == "" || r.Get("version").Is(version) {
			found = r
		}
		return found == nil
	})
	return found, err
}

// CodeSystem is terminology.Library's.
func (l *written) CodeSystem(url, version string) (*index.Index, error) {
	r, err := l.resource("CodeSystem", url, version)
	if r == nil || err != nil {
		return nil, err
	}
	return terminology.NewResources(r).CodeSystem(url, version)
}

// Supplements are the CodeSystems that it has written which add to another one.
func (l *written) Supplements(system, version string) ([]*index.Index, error) {
	var list []*fhir.Resource
	err := l.find("CodeSystem", "supplements", system, func(r *fhir.Resource) bool {
		list = append(list, r)
		return len(list) < maxMaps
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return terminology.NewResources(list...).Supplements(system, version)
}

// ValueSet is terminology.Library's.
func (l *written) ValueSet(url, version string) (*terminology.ValueSet, error) {
	r, err := l.resource("ValueSet", url, version)
	if r == nil || err != nil {
		return nil, err
	}
	return terminology.ParseValueSet(r), nil
}

// ConceptMaps is terminology.Library's.
func (l *written) ConceptMaps(url, source string) ([]*terminology.ConceptMap, error) {
	param, value := "source-system", source
	if url != "" {
		param, value = "url", url
	}
	var out []*terminology.ConceptMap
	err := l.find("ConceptMap", param, value, func(r *fhir.Resource) bool {
		out = append(out, terminology.ParseConceptMap(r))
		return len(out) < maxMaps
	})
	return out, err
}

// maxMaps is how many maps of its own a source system's question looks at.
const maxMaps = 100

// definition reads the terminology resource that an operation is asked of; nil where
// the id is that of a definition of R4's own, whose URL is then given.
func (q *request) definition(typ, id string) (r *fhir.Resource, url string, err error) {
	g, _, err := q.grantFor(typ, id)
	if err == nil {
		var v *store.Version
		if v, err = q.Records.Read(q.r.Context(), g, typ, id); err == nil && !v.Deleted {
			r, err = v.Resource()
			return r, r.Get("url").Text(), err
		}
		if err == nil {
			return nil, "", fault.E("api."+typ, fault.Deleted, "the resource was deleted")
		}
	}
	if !fault.Is(err, fault.NotFound) {
		return nil, "", err
	}
	for _, base := range []string{"http://hl7.org/fhir/", "http://terminology.hl7.org/"} {
		u := base + typ + "/" + id
		if typ == "CodeSystem" && base == "http://hl7.org/fhir/" {
			u = base + id
		}
		if known, e := knownTo(terminology.R4, typ, u); e != nil || known {
			return nil, u, e
		}
	}
	return nil, "", err
}

func knownTo(l terminology.Library, typ, url string) (bool, error) {
	switch typ {
	case "ValueSet":
		v, err := l.ValueSet(url, "")
		return v != nil, err
	case "CodeSystem":
		x, err := l.CodeSystem(url, "")
		return x != nil, err
	}
	maps, err := l.ConceptMaps(url, "")
	return len(maps) > 0, err
}

// searchTerms answers searches that ask for value sets and hierarchies, also
// several records of one search at once.
type searchTerms struct {
	q    *request
	mu   sync.Mutex
	urls map[string]string // of value sets that were named by reference
}

func (t *searchTerms) service() (*terminology.Service, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.q.terminologyOf()
}

// named is the canonical URL of a value set, which may be named by reference.
// https://hl7.org/fhir/R4/search.html#token
func (t *searchTerms) named(url string) string {
	id, ok := strings.CutPrefix(strings.TrimPrefix(url, t.q.base+"/"), "ValueSet/")
	if !ok || !fhir.IsID(id) {
		return url
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	named, seen := t.urls[id]
	if !seen {
		var err error
		if _, named, err = t.q.definition("ValueSet", id); err != nil {
			named = ""
		}
		if t.urls == nil {
			t.urls = map[string]string{}
		}
		t.urls[id] = named
	}
	return named
}

// InValueSet is search.Terms'.
func (t *searchTerms) InValueSet(url, system, code string) (in, known bool) {
	s, err := t.service()
	if err != nil {
		return false, false
	}
	return s.Member(t.named(url), system, code)
}

// Unusable is search.Explaining's.
func (t *searchTerms) Unusable(url string) error {
	s, err := t.q.terminologyOf()
	if err != nil {
		return err
	}
	return s.Unusable(t.named(url))
}

// Codes is search.Terms'.
func (t *searchTerms) Codes(url string, most int) (codes []string, ok bool) {
	s, err := t.service()
	if err != nil {
		return nil, false
	}
	return s.Codes(t.named(url), most)
}

// CodesBelow is search.Terms'.
func (t *searchTerms) CodesBelow(system, code string, most int) (codes []string, ok bool) {
	s, err := t.service()
	if err != nil {
		return nil, false
	}
	return s.CodesBelow(system, code, most)
}

// Subsumes is search.Terms'.
func (t *searchTerms) Subsumes(system, a, b string) (subsumes, known bool) {
	s, err := t.service()
	if err != nil {
		return false, false
	}
	outcome, err := s.Subsumes(system, "", a, b)
	return outcome == terminology.Subsumes || outcome == terminology.Equivalent, err == nil
}

// codings are the codes that an operation is asked of: one by its parts, or a
// coding, or a concept.
func (a *arguments) codings(code, coding, concept string) []terminology.Coding {
	if c := a.text(code); c != "" {
		version := a.text("systemVersion")
		if version == "" {
			version = a.text("version")
		}
		return []terminology.Coding{{System: a.text("system"), Version: version, Code: c, Display: a.text("display")}}
	}
	var out []terminology.Coding
	add := func(n fhir.Node) {
		if n.Get("code").Exists() {
			out = append(out, terminology.Coding{System: n.Get("system").Text(), Version: n.Get("version").Text(), Code: n.Get("code").Text(), Display: n.Get("display").Text()})
		}
	}
	for _, p := range a.parts[coding] {
		add(p.Get("valueCoding"))
	}
	for _, p := range a.parts[concept] {
		for _, c := range p.List("valueCodeableConcept", "coding") {
			add(c)
		}
	}
	return out
}

// flag is a parameter that is true or false.
func (a *arguments) flag(name string) bool { return a.text(name) == "true" }

// terms is what a terminology operation begins with: its input, without the
// parameters that are refused, and the service as the one who asks may see it.
func (q *request) terms(op string, refused ...string) (*arguments, *terminology.Service, error) {
	a, err := q.arguments()
	if err != nil {
		return nil, nil, err
	}
	if err := a.refuses(op, refused...); err != nil {
		return nil, nil, err
	}
	if d := a.text("date"); d != "" { // what was known then is not kept apart from what is known now
		switch _, until, ok := search.ParseDate(d); {
		case !ok:
			return nil, nil, fault.E(op, fault.Value, "a date is written as 2026, 2026-11 or 2026-11-05", "date")
		case until.Before(q.Now().Add(-24 * time.Hour)):
			return nil, nil, fault.E(op, fault.NotSupported, "answers are of today's definitions: name a version for those of the past", "date")
		}
	}
	for _, name := range flags {
		if v := a.text(name); v != "" && v != "true" && v != "false" {
			return nil, nil, fault.E(op, fault.Value, name+" is true or false", name)
		}
	}
	s, err := q.terminologyOf()
	return a, s, err
}

// flags are the parameters of terminology operations that are true or false.
var flags = []string{"abstract", "activeOnly", "excludeNested", "excludeNotForUI", "excludePostCoordinated", "includeDefinition", "includeDesignations", "reverse"}

// refuses refuses parameters that an operation has and that are not supported
// here: to leave them out would give another answer than was asked for.
func (a *arguments) refuses(op string, names ...string) error {
	for _, n := range names {
		if len(a.values[n]) > 0 || len(a.parts[n]) > 0 {
			return fault.E(op, fault.NotSupported, "the parameter "+n+" is not supported", n)
		}
	}
	return nil
}

// parameter is one parameter of an answer.
func parameter(name, typ string, value any) fhir.Object {
	return fhir.Object{"name": name, "value" + typ: value}
}

func codingOf(c terminology.Coding) fhir.Object {
	return fhir.Object{"system": c.System, "version": c.Version, "code": c.Code, "display": c.Display}
}

func (q *request) sendParameters(list []fhir.Object) {
	q.send(200, fhir.Marshal(fhir.Object{"resourceType": "Parameters", "parameter": list}))
}
