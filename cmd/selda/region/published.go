package region

import (
	"encoding/json"
	"strings"

	"selda/fhir"
	"selda/fhir/definition"
	"selda/fhir/search"
	"selda/terminology"
)

// published is a definition of a package, or of R4's own, by its id or its
// canonical URL; nil where there is none. R4's own lie in the binary without what
// is said for people, and are tagged so.
func (p *packaged) published(typ, id, url string) (*fhir.Resource, error) {
	all, _, err := p.resources()
	if err != nil {
		return nil, err
	}
	var newest *fhir.Resource
	for _, r := range all {
		if r.Type == typ && (id == "" || r.ID == id) && (url == "" || r.Get("url").Is(url)) &&
			(newest == nil || fhir.CompareVersions(r.Get("version").Text(), newest.Get("version").Text()) > 0) {
			newest = r
		}
	}
	if newest != nil {
		return newest, nil
	}
	o, err := ofR4(typ, id, url)
	if o == nil || err != nil {
		return nil, err
	}
	return fhir.Parse(fhir.Marshal(o))
}

// ofR4 is a definition of R4's own.
func ofR4(typ, id, url string) (fhir.Object, error) {
	var r *fhir.Resource
	var err error
	switch typ {
	case "StructureDefinition":
		if url == "" {
			url = standardURL + "StructureDefinition/" + id
		}
		r, err = definition.Resource(url)
	case "SearchParameter":
		if url == "" {
			url = standardURL + "SearchParameter/" + id
		}
		return parameterOfR4(url), nil
	default:
		r, err = terminology.Resource(typ, id, url)
	}
	if r == nil || err != nil {
		return nil, err
	}
	o := fhir.Object{"version": "4.0.1", "status": "active"}
	r.Root().Each(func(name string, n fhir.Node) { o[name] = json.RawMessage(n.JSON()) })
	if typ == "StructureDefinition" {
		o["fhirVersion"], o["differential"] = "4.0.1", fhir.Object{"element": elementsOf(r)}
	}
	return asPublished(o, r.Get("url").Text()), nil
}

// elementsOf are a definition's elements, with what R4 asks of each and the box
// leaves out.
func elementsOf(r *fhir.Resource) (out []fhir.Object) {
	for _, e := range r.Root().List("differential", "element") {
		o := fhir.Object{"id": e.Get("path").Text()}
		e.Each(func(name string, n fhir.Node) { o[name] = json.RawMessage(n.JSON()) })
		if e.Get("isModifier").Bool() {
			o["isModifierReason"] = "It can change what the elements beside it mean"
		}
		out = append(out, o)
	}
	return out
}

const standardURL = "http://hl7.org/fhir/"

// asPublished gives a definition its id, the end of its URL, and says that it is
// not whole. https://hl7.org/fhir/R4/valueset-common-tags.html
func asPublished(o fhir.Object, url string) fhir.Object {
	o["id"] = url[strings.LastIndexByte(url, '/')+1:]
	o["meta"] = fhir.Object{"tag": []fhir.Object{fhir.Coding("http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "SUBSETTED", "subsetted")}}
	return o
}

// parameterOfR4 is a search parameter of R4's own, as it is used here.
func parameterOfR4(url string) fhir.Object {
	first := search.R4().Defined(url)
	if first == nil {
		return nil
	}
	var base, expressions []string
	for _, t := range append(fhir.ResourceTypes(), "DomainResource", "Resource") {
		if p := search.R4().Lookup(t, first.Code); p != nil && p.Base == t && p.URL == url {
			base, expressions = append(base, t), append(expressions, p.Expression)
		}
	}
	o := fhir.Object{"resourceType": "SearchParameter", "url": url, "version": "4.0.1", "name": first.Code, "status": "active", "code": first.Code,
		"description": "The search parameter " + first.Code + " of FHIR R4", "base": base, "type": first.Kind.String(), "expression": strings.Join(expressions, " | "), "xpathUsage": "normal"}
	if len(first.Targets) > 0 {
		o["target"] = first.Targets
	}
	var components []fhir.Object
	for _, c := range first.Components {
		components = append(components, fhir.Object{"definition": c.Definition, "expression": c.Expression})
	}
	if components != nil {
		o["component"] = components
	}
	return asPublished(o, url)
}
