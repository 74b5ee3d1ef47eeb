package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/terminology"
)

// The codes of a value set. https://hl7.org/fhir/R4/valueset-operation-expand.html
func (q *request) expand(typ, id string) error {
	const op = "api.expand"
	a, s, err := q.terms(op)
	if err != nil {
		return err
	}
	if err := a.directed(op); err != nil {
		return err
	}
	if v := a.versions(); v != nil {
		s = s.WithVersions(*v)
	}
	asked, err := a.expandQuery(op)
	if err != nil {
		return err
	}
	url, set, err := q.valueSet(a, op, typ, id)
	if err != nil {
		return err
	}
	var e *terminology.Expansion
	if set != nil {
		e, err = s.ExpandDefinition(set, asked)
	} else {
		e, err = s.Expand(url, asked)
	}
	if err != nil {
		return err
	}
	q.send(http.StatusOK, fhir.Marshal(q.expanded(e, a, asked)))
	return nil
}

func (a *arguments) expandQuery(op string) (terminology.ExpandQuery, error) {
	e := terminology.ExpandQuery{Filter: a.text("filter"), Count: -1, ActiveOnly: a.flag("activeOnly"), DisplayLanguage: a.text("displayLanguage"),
		IncludeDesignations: a.flag("includeDesignations") || len(a.values["designation"]) > 0, Designations: a.values["designation"], ExcludeNested: a.flag("excludeNested"),
		ExcludeNotForUI: a.flag("excludeNotForUI"), Properties: a.values["property"]}
	for name, to := range map[string]*int{"offset": &e.Offset, "count": &e.Count} {
		text := a.text(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return e, fault.E(op, fault.Value, name+" is a number that is not negative", name)
		}
		*to = n
	}
	e.Count = min(e.Count, terminology.MaxExpansion)
	return e, nil
}

// versions are the versions of code systems that are asked for; nil where none are.
func (a *arguments) versions() *terminology.Versions {
	v := &terminology.Versions{Exclude: a.values["exclude-system"]}
	said := len(v.Exclude) > 0
	for name, to := range map[string]*map[string]string{"system-version": &v.Default, "force-system-version": &v.Force, "check-system-version": &v.Check} {
		for _, given := range a.values[name] {
			if system, version, ok := strings.Cut(given, "|"); ok {
				if *to == nil {
					*to = map[string]string{}
				}
				(*to)[system], said = version, true
			}
		}
	}
	if !said {
		return nil
	}
	return v
}

// expanded is the answer, as a ValueSet.
func (q *request) expanded(e *terminology.Expansion, a *arguments, asked terminology.ExpandQuery) fhir.Object {
	d := e.Definition
	var params []fhir.Object
	for _, p := range expandParameters {
		for _, v := range a.values[p.name] {
			switch n, err := strconv.Atoi(v); {
			case p.typ == "Integer" && err == nil:
				params = append(params, parameter(p.name, p.typ, n))
			case p.typ == "Boolean":
				params = append(params, parameter(p.name, p.typ, v == "true"))
			case p.typ != "" && p.typ != "Integer":
				params = append(params, parameter(p.name, p.typ, v))
			}
		}
	}
	for _, u := range e.Used {
		params = append(params, parameter("used-codesystem", "Uri", u))
	}
	status := d.Status
	if status == "" {
		status = "active"
	}
	x := fhir.Object{"identifier": expansionID(d, a), "timestamp": fhir.Instant(q.Now()), "total": e.Total, "parameter": params, "contains": containedList(e.Contains)}
	if asked.Offset > 0 || asked.Count >= 0 {
		x["offset"] = e.Offset
	}
	var extensions []fhir.Object
	if len(asked.Properties) > 0 {
		extensions = declared(e.Contains)
	}
	if e.Unclosed {
		extensions = append(extensions, fhir.Object{"url": unclosed, "valueBoolean": true})
	}
	x["extension"] = extensions
	out := fhir.Object{"resourceType": "ValueSet", "url": d.URL, "version": d.Version, "name": d.Name, "title": d.Title, "status": status, "expansion": x}
	if a.flag("includeDefinition") && d.Compose != nil {
		out["compose"] = json.RawMessage(d.Compose)
	}
	return out
}

// What R5 has as elements of an expansion, R4 has as extensions.
// https://hl7.org/fhir/extensions/
const (
	expansionProperty = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion.property"
	unclosed          = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed" // in R4, too
	containsProperty  = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion.contains.property"
)

// declared are the properties that the codes of an expansion have, each once.
func declared(list []terminology.Contained) (out []fhir.Object) {
	seen := map[string]bool{}
	var walk func(list []terminology.Contained)
	walk = func(list []terminology.Contained) {
		for _, c := range list {
			for _, p := range c.Properties {
				if !seen[p.Code] {
					seen[p.Code] = true
					out = append(out, fhir.Object{"url": expansionProperty, "extension": []fhir.Object{{"url": "code", "valueCode": p.Code}}})
				}
			}
			walk(c.Contains)
		}
	}
	walk(list)
	return out
}

// expansionID names an expansion: the same question has the same name.
func expansionID(d *terminology.ValueSet, a *arguments) string {
	h := sha256.New()
	_, _ = h.Write([]byte(d.URL + "\x00" + d.Version))
	for _, p := range expandParameters {
		if p.name != "offset" && p.name != "count" { // the pages are of one expansion
			_, _ = h.Write([]byte("\x00" + strings.Join(a.values[p.name], "\x00")))
		}
	}
	return "urn:selda:expansion:" + hex.EncodeToString(h.Sum(nil)[:16])
}

func containedList(list []terminology.Contained) []fhir.Object {
	var out []fhir.Object
	for _, c := range list {
		o := codingOf(c.Coding)
		if c.Abstract {
			o["abstract"] = true
		}
		if c.Inactive {
			o["inactive"] = true
		}
		var names []fhir.Object
		for _, d := range c.Designations {
			n := fhir.Object{"language": d.Language, "value": d.Value}
			if d.Use.Code != "" {
				n["use"] = codingOf(d.Use)
			}
			names = append(names, n)
		}
		o["designation"], o["contains"] = names, containedList(c.Contains)
		var extensions []fhir.Object
		for _, p := range c.Properties {
			extensions = append(extensions, fhir.Object{"url": containsProperty, "extension": []fhir.Object{{"url": "code", "valueCode": p.Code}, {"url": "value", "value" + p.Type: propertyValue(p)}}})
		}
		o["extension"] = extensions
		out = append(out, o)
	}
	return out
}
