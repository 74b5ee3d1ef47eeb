package api

import (
	"crypto/sha256"
	"encoding/hex"
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
	a, err := q.arguments()
	if err != nil {
		return err
	}
	if err := a.refuses(op, "date", "context", "contextDirection", "exclude-system", "force-system-version", "check-system-version"); err != nil {
		return err
	}
	s, err := q.terminologyOf()
	if err != nil {
		return err
	}
	asked, err := a.expandQuery(op)
	if err != nil {
		return err
	}
	url, set, err := q.valueSet(a, op, typ, id)
	if err != nil {
		return err
	}
	if versions := a.values["system-version"]; len(versions) > 0 && set == nil {
		if set, err = s.ValueSet(url); err != nil {
			return err
		}
	}
	var e *terminology.Expansion
	if set != nil {
		e, err = s.ExpandDefinition(inVersions(set, a.values["system-version"]), asked)
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
		IncludeDefinition: a.flag("includeDefinition")}
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

// inVersions is a value set with the versions that are asked for of systems of
// which it names none.
func inVersions(v *terminology.ValueSet, versions []string) *terminology.ValueSet {
	if len(versions) == 0 || v == nil {
		return v
	}
	out := *v
	out.Include = append([]terminology.Include(nil), v.Include...)
	for _, given := range versions {
		system, version, _ := strings.Cut(given, "|")
		for i := range out.Include {
			if out.Include[i].System == system && out.Include[i].Version == "" {
				out.Include[i].Version = version
			}
		}
	}
	return &out
}

// expanded is the answer, as a ValueSet.
func (q *request) expanded(e *terminology.Expansion, a *arguments, asked terminology.ExpandQuery) fhir.Object {
	d := e.Definition
	var params []fhir.Object
	for _, p := range []struct{ name, typ string }{{"filter", "String"}, {"displayLanguage", "Code"}} {
		if v := a.text(p.name); v != "" {
			params = append(params, parameter(p.name, p.typ, v))
		}
	}
	for _, name := range []string{"offset", "count"} {
		if n, err := strconv.Atoi(a.text(name)); err == nil {
			params = append(params, parameter(name, "Integer", n))
		}
	}
	for _, name := range []string{"activeOnly", "includeDesignations", "includeDefinition", "excludeNested"} {
		if v := a.text(name); v != "" {
			params = append(params, parameter(name, "Boolean", v == "true"))
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
	return fhir.Object{"resourceType": "ValueSet", "url": d.URL, "version": d.Version, "name": d.Name, "title": d.Title, "status": status, "expansion": x}
}

// expansionID names an expansion: the same question has the same name.
func expansionID(d *terminology.ValueSet, a *arguments) string {
	h := sha256.New()
	for _, s := range append([]string{d.URL, d.Version}, a.text("filter"), a.text("displayLanguage"), a.text("activeOnly")) {
		_, _ = h.Write([]byte(s + "\x00"))
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
		if c.Definition != "" {
			o["extension"] = []fhir.Object{{"url": "http://hl7.org/fhir/StructureDefinition/valueset-concept-definition", "valueString": c.Definition}}
		}
		out = append(out, o)
	}
	return out
}
