package terminology

import (
	"slices"
	"strconv"
	"strings"

	"selda/fault"
	"selda/terminology/index"
)

// Lookup is what is known of a code. https://hl7.org/fhir/R4/codesystem-operation-lookup.html
type Lookup struct {
	System, Version, Name string // of the code system
	Code, Display         string
	Definition            string
	Abstract, Inactive    bool
	Designations          []Designation
	Properties            []Property
}

// Property is one of a concept's properties; Type is the suffix of the value[x].
type Property struct {
	Code        string
	Type        string // Code, String, Boolean, Integer, Decimal, DateTime, Coding
	Value       string // of a Coding its code
	System      string // of a Coding
	Description string // of the value: a concept's display
	Group       int    // the role group of a SNOMED CT attribute; 0 for none
}

// Lookup finds what is known of a code. asked are the properties that are
// wanted, none: all. In displayLanguage, where the code system has a name in it, the
// display is given.
func (s *Service) Lookup(system, version, code, displayLanguage string, asked ...string) (*Lookup, error) {
	const op = "terminology.Lookup"
	if _, ruled := grammars[system]; ruled && version == "" {
		if x, err := s.CodeSystem(system, version); x == nil && err == nil {
			return lookupByRule(op, system, code)
		}
	}
	x, err := s.system(op, system, version)
	if err != nil {
		return nil, err
	}
	c, ok := x.Find(code)
	switch {
	case !ok && !whole(x):
		return nil, fault.E(op, fault.NotFound, "only a part of the code system "+system+" is loaded, and has no code "+code+": nothing can be said of it", "code")
	case !ok:
		return nil, noCode(op, system, code)
	}
	m := x.Meta()
	more, err := s.supplements(x)
	if err != nil {
		return nil, err
	}
	of := supplemented{x, c, more}
	l := &Lookup{System: system, Version: m.Version, Name: m.Name, Code: x.Code(c), Display: of.display(displayLanguage), Definition: x.Definition(c),
		Abstract: x.Abstract(c), Inactive: x.Inactive(c), Designations: of.named(), Properties: of.properties(displayLanguage, asked)}
	if l.Name == "" {
		l.Name = m.System
	}
	return l, nil
}

// wanted says whether a property is among those that are asked for; none: all.
func wanted(asked []string, code string) bool {
	return len(asked) == 0 || slices.Contains(asked, code) || slices.Contains(asked, "*")
}

// properties are those of a concept that are asked for; none: all but those
// that must be asked for by name.
func properties(x *index.Index, c index.Concept, language string, asked []string) []Property {
	var out []Property
	add := func(code, typ, value string) {
		if wanted(asked, code) {
			out = append(out, Property{Code: code, Type: typ, Value: value})
		}
	}
	if d := x.Definition(c); d != "" {
		add("definition", "String", d)
	}
	add("inactive", "Boolean", boolText(x.Inactive(c)))
	for _, near := range []struct {
		code string
		list []index.Concept
	}{{"parent", x.Parents(c)}, {"child", x.Children(c)}} {
		for _, n := range near.list {
			if wanted(asked, near.code) {
				out = append(out, Property{Code: near.code, Type: "Code", Value: x.Code(n), Description: display(x, n, language)})
			}
		}
	}
	if x.Meta().SNOMED {
		add("sufficientlyDefined", "Boolean", boolText(x.Defined(c)))
		if x.Stamped() {
			add("moduleId", "Code", x.Meta().Modules[x.Stamp(c).Module])
			add("effectiveTime", "String", strconv.FormatUint(uint64(x.Stamp(c).Since), 10))
		}
		for _, form := range []string{"normalForm", "normalFormTerse"} { // long, and rarely wanted
			if slices.Contains(asked, form) {
				out = append(out, Property{Code: form, Type: "String", Value: normalForm(x, c, form == "normalForm")})
			}
		}
	}
	for i := range x.PropertyCount(c) {
		if p := x.Property(c, i); wanted(asked, p.Code()) && p.Code() != "inactive" {
			out = append(out, property(x, p, language))
		}
	}
	return out
}

func lookupByRule(op, system, code string) (*Lookup, error) {
	if !grammars[system](code) {
		return nil, noCode(op, system, code)
	}
	return &Lookup{System: system, Name: system, Code: code, Display: code}, nil
}

func noCode(op, system, code string) error {
	return fault.E(op, fault.NotFound, "the code system "+system+" has no code "+code, "code")
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

var valueTypes = map[index.ValueType]string{index.ConceptValue: "Code", index.CodeValue: "Code", index.TextValue: "String", index.IntegerValue: "Integer",
	index.DecimalValue: "Decimal", index.BooleanValue: "Boolean", index.DateTimeValue: "DateTime", index.CodingValue: "Coding"}

func property(x *index.Index, p index.Property, language string) Property {
	out := Property{Code: p.Code(), Type: valueTypes[p.Type], Value: p.Text(), Group: p.Group}
	switch p.Type {
	case index.ConceptValue:
		out.Description = display(x, p.Concept, language)
	case index.CodingValue:
		out.System, out.Value, _ = strings.Cut(out.Value, "|")
		out.Value, out.Description, _ = strings.Cut(out.Value, "|")
	}
	return out
}

// display is a concept's name in a language, where it has one in it.
// https://www.rfc-editor.org/rfc/rfc4647#section-3.4
func display(x *index.Index, c index.Concept, language string) string {
	own := x.Display(c)
	if language == "" || sameLanguage(x.Meta().Language, language) {
		return own
	}
	for _, d := range x.Designations(c) {
		if d.Role <= index.FullName && sameLanguage(d.Language, language) {
			return d.Text
		}
	}
	return own
}

// sameLanguage says whether a tag is the language asked for, or a kind of it.
func sameLanguage(tag, asked string) bool {
	asked, _, _ = strings.Cut(asked, ",") // the first of an Accept-Language
	asked, _, _ = strings.Cut(strings.TrimSpace(asked), ";")
	if tag == "" || asked == "" {
		return false
	}
	t, a := strings.ToLower(tag), strings.ToLower(asked)
	return t == a || strings.HasPrefix(t, a+"-") || strings.HasPrefix(a, t+"-")
}

// named are a concept's names other than the display and the definition.
func named(x *index.Index, c index.Concept) []Designation {
	var out []Designation
	for _, d := range x.Designations(c) {
		if d.Role == index.Definition || d.Role == index.Display && d.Language == "" && d.Use == "" {
			continue
		}
		out = append(out, Designation{Language: d.Language, Use: Coding{System: d.UseSystem, Code: d.Use, Display: d.UseName}, Value: d.Text})
	}
	return out
}
