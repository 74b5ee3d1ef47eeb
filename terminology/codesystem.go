package terminology

import (
	"selda/fhir"
	"selda/terminology/index"
)

// CodeSystem lays a CodeSystem resource out as an index.
func CodeSystem(r *fhir.Resource) (*index.Index, error) {
	b, err := BuildCodeSystem(r)
	if err != nil {
		return nil, err
	}
	return b.Index()
}

// BuildCodeSystem reads a CodeSystem resource. https://hl7.org/fhir/R4/codesystem.html
func BuildCodeSystem(r *fhir.Resource) (*index.Builder, error) {
	n := r.Root()
	b := index.NewBuilder(index.Meta{
		System: n.Get("url").Text(), Version: n.Get("version").Text(), Name: n.Get("name").Text(), Title: n.Get("title").Text(),
		Language: n.Get("language").Text(), Content: n.Get("content").Text(), ValueSet: n.Get("valueSet").Text(), Hierarchy: n.Get("hierarchyMeaning").Text(),
		SNOMED:     n.Get("url").Is(SNOMED),
		IgnoreCase: n.Get("caseSensitive").Exists() && !n.Get("caseSensitive").Bool(),
	})
	for _, p := range n.List("property") {
		b.Name(index.PropertyName{Code: p.Get("code").Text(), Description: p.Get("description").Text(), URI: p.Get("uri").Text()})
	}
	return b, addConcepts(b, n, nil)
}

func addConcepts(b *index.Builder, under fhir.Node, parent *index.Node) error {
	for _, c := range under.List("concept") {
		n := b.Concept(c.Get("code").Text())
		if parent != nil {
			b.Parent(n, *parent)
		}
		if err := describe(b, n, c); err != nil {
			return err
		}
		for _, p := range c.List("property") {
			addProperty(b, n, p)
		}
		if err := addConcepts(b, c, &n); err != nil {
			return err
		}
	}
	return nil
}

func describe(b *index.Builder, n index.Node, c fhir.Node) error {
	for _, d := range []struct {
		role index.Role
		name string
	}{{index.Display, "display"}, {index.Definition, "definition"}} {
		if text := c.Get(d.name).Text(); text != "" {
			if err := b.Describe(n, index.Kind{Role: d.role}, text); err != nil {
				return err
			}
		}
	}
	for _, d := range c.List("designation") {
		use := d.Get("use")
		k := index.Kind{Role: index.Other, Language: d.Get("language").Text(), UseSystem: use.Get("system").Text(), Use: use.Get("code").Text(), UseName: use.Get("display").Text()}
		switch k.Use {
		case "900000000000003001":
			k.Role = index.FullName
		case "900000000000013009", "display", "preferredForLanguage", "":
			k.Role = index.Synonym
		}
		if err := b.Describe(n, k, d.Get("value").Text()); err != nil {
			return err
		}
	}
	return nil
}

// addProperty reads a property. Those that the standard defines shape the
// hierarchy or the concept. https://hl7.org/fhir/R4/codesystem.html#defined-props
func addProperty(b *index.Builder, n index.Node, p fhir.Node) {
	code := p.Get("code").Text()
	name, value := p.First("value")
	switch {
	case code == "parent" || code == "subsumedBy":
		b.Parent(n, b.Concept(value.Text()))
		return
	case code == "child":
		b.Parent(b.Concept(value.Text()), n)
		return
	case code == "notSelectable" && value.Text() == "true":
		b.Abstract(n)
	case code == "inactive" && value.Text() == "true", code == "status" && (value.Is("retired") || value.Is("inactive")):
		b.Inactive(n)
	}
	text, typ := value.Text(), index.TextValue
	switch name {
	case "valueCode":
		typ = index.CodeValue
	case "valueBoolean":
		typ = index.BooleanValue
	case "valueInteger":
		typ = index.IntegerValue
	case "valueDecimal":
		typ = index.DecimalValue
	case "valueDateTime":
		typ = index.DateTimeValue
	case "valueCoding":
		typ, text = index.CodingValue, value.Get("system").Text()+"|"+value.Get("code").Text()+"|"+value.Get("display").Text()
	}
	b.Property(n, b.Name(index.PropertyName{Code: code}), 0, typ, text)
}
