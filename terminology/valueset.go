package terminology

import (
	"net/url"
	"strings"

	"selda/fhir"
)

// ValueSet is a value set as it was defined. https://hl7.org/fhir/R4/valueset.html
type ValueSet struct {
	URL, Version, Name, Title, Status string
	// ActiveOnly says that codes out of use are not in it (compose.inactive false).
	ActiveOnly bool
	Include    []Include
	Exclude    []Include
	// Contained are the value sets that stand in the resource, by their id: its
	// own statements may import them as #id.
	Contained map[string]*ValueSet
	// Compose is the composition as it was given, in JSON; nil of one that a URL implies.
	Compose []byte
}

// Include is one statement of a value set's composition: what meets all of it.
type Include struct {
	System, Version string
	Concepts        []Listed
	Filters         []Filter
	ValueSets       []string
}

// Listed is a code that a value set names.
type Listed struct {
	Code, Display string
	Designations  []Designation
}

// Filter is a condition on the concepts of a system.
// https://hl7.org/fhir/R4/valueset-filter-operator.html
type Filter struct{ Property, Op, Value string }

// Designation is another name of a concept.
type Designation struct {
	Language string
	Use      Coding
	Value    string
}

// ParseValueSet reads a ValueSet resource. One that has no composition is what
// its expansion says.
func ParseValueSet(r *fhir.Resource) *ValueSet {
	v := parseValueSet(r.Root())
	for _, n := range r.Root().List("contained") {
		if n.Get("resourceType").Is("ValueSet") {
			if v.Contained == nil {
				v.Contained = map[string]*ValueSet{}
			}
			inner := parseValueSet(n)
			inner.URL = v.URL
			v.Contained[n.Get("id").Text()] = inner
		}
	}
	for _, c := range v.Contained { // one contained may import another
		c.Contained = v.Contained
	}
	return v
}

func parseValueSet(n fhir.Node) *ValueSet {
	v := &ValueSet{URL: n.Get("url").Text(), Version: n.Get("version").Text(), Name: n.Get("name").Text(), Title: n.Get("title").Text(), Status: n.Get("status").Text()}
	compose := n.Get("compose")
	v.ActiveOnly = compose.Get("inactive").Exists() && !compose.Get("inactive").Bool()
	for _, i := range compose.List("include") {
		v.Include = append(v.Include, parseInclude(i))
	}
	for _, i := range compose.List("exclude") {
		v.Exclude = append(v.Exclude, parseInclude(i))
	}
	if compose.Exists() {
		v.Compose = compose.JSON()
	} else {
		v.contains(n.Get("expansion"))
	}
	return v
}

func parseInclude(n fhir.Node) Include {
	i := Include{System: n.Get("system").Text(), Version: n.Get("version").Text()}
	for _, c := range n.List("concept") {
		i.Concepts = append(i.Concepts, Listed{c.Get("code").Text(), c.Get("display").Text(), designations(c)})
	}
	for _, f := range n.List("filter") {
		i.Filters = append(i.Filters, Filter{f.Get("property").Text(), f.Get("op").Text(), f.Get("value").Text()})
	}
	for _, v := range n.List("valueSet") {
		i.ValueSets = append(i.ValueSets, v.Text())
	}
	return i
}

func designations(c fhir.Node) []Designation {
	var out []Designation
	for _, d := range c.List("designation") {
		out = append(out, Designation{d.Get("language").Text(), coding(d.Get("use")), d.Get("value").Text()})
	}
	return out
}

func coding(n fhir.Node) Coding {
	return Coding{n.Get("system").Text(), n.Get("version").Text(), n.Get("code").Text(), n.Get("display").Text()}
}

// contains takes the codes of an expansion as listed ones.
func (v *ValueSet) contains(n fhir.Node) {
	for _, c := range n.List("contains") {
		system := c.Get("system").Text()
		if c.Get("code").Exists() && !c.Get("abstract").Bool() {
			if k := len(v.Include); k == 0 || v.Include[k-1].System != system {
				v.Include = append(v.Include, Include{System: system})
			}
			last := &v.Include[len(v.Include)-1]
			last.Concepts = append(last.Concepts, Listed{c.Get("code").Text(), c.Get("display").Text(), designations(c)})
		}
		v.contains(c)
	}
}

// implicitValueSet is a value set that its URL defines; nil where it defines
// none. https://hl7.org/fhir/R4/snomedct.html#implicit,
// https://hl7.org/fhir/R4/loinc.html#implicit
func implicitValueSet(u, version string) (*ValueSet, error) {
	base, query, _ := strings.Cut(u, "?")
	if base == SNOMED || strings.HasPrefix(base, SNOMED+"/") {
		return snomedValueSet(u, base, query, version), nil
	}
	v := &ValueSet{URL: u, Version: version, Status: "active"}
	switch {
	case u == LOINC+"/vs":
		v.Name = "LOINC codes"
		v.Include = []Include{{System: LOINC, Version: version}}
	case strings.HasPrefix(u, LOINC+"/vs/LL"):
		v.Name = "LOINC answer list"
		v.Include = []Include{{System: LOINC, Version: version, Filters: []Filter{{"LIST", "=", strings.TrimPrefix(u, LOINC+"/vs/")}}}}
	case strings.HasPrefix(u, LOINC+"/vs/LP"):
		v.Name = "LOINC part"
		v.Include = []Include{{System: LOINC, Version: version, Filters: []Filter{{"ancestor", "=", strings.TrimPrefix(u, LOINC+"/vs/")}}}}
	case u == "http://unitsofmeasure.org/vs":
		v.Name = "UCUM codes"
		v.Include = []Include{{System: "http://unitsofmeasure.org", Version: version}}
	default:
		return nil, nil
	}
	return v, nil
}

func snomedValueSet(u, base, query, version string) *ValueSet {
	what, found := strings.CutPrefix(query, "fhir_vs")
	if !found {
		return nil
	}
	v := &ValueSet{URL: u, Version: version, Status: "active", Name: "SNOMED CT"}
	i := Include{System: SNOMED}
	if base != SNOMED { // an edition, or a version of one
		i.Version = base
	}
	// The expression may be written with or without percent signs.
	if plain, err := url.PathUnescape(what); err == nil {
		what = plain
	}
	kind, value, _ := strings.Cut(strings.TrimPrefix(what, "="), "/")
	switch {
	case what == "" || what == "=":
	case kind == "isa" && value != "":
		i.Filters = []Filter{{"concept", "is-a", value}}
	case kind == "refset" && value != "":
		i.Filters = []Filter{{"concept", "in", value}}
	case kind == "refset":
		i.Filters = []Filter{{"constraint", "=", "< 900000000000455006"}}
	case kind == "ecl" && value != "":
		i.Filters = []Filter{{"constraint", "=", value}}
	default:
		return nil
	}
	v.Name += " " + what
	v.Include = []Include{i}
	return v
}
