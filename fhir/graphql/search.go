package graphql

import (
	"net/url"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/fhirpath"
)

// follow answers the resource that a Reference names: one of the Source's, or
// one that is contained.
// https://hl7.org/fhir/R4/graphql.html#resolving-references
func (x *execution) follow(at scope, s *selection, out *object, f flat) error {
	if s.set == nil {
		return x.err(fault.Value, s, "say which of its fields are asked for")
	}
	typ, err := x.argument(s.arguments, "type")
	if err != nil {
		return err
	}
	optional, err := x.argument(s.arguments, "optional")
	if err != nil {
		return err
	}
	ref := at.it.Node().Member("reference").Text()
	if x.followed++; x.followed > maxFollowed {
		return x.err(fault.TooCostly, s, "the query follows too many references")
	}
	r, in, err := x.referred(at, ref)
	if err != nil {
		return err
	}
	if !r.Exists() {
		if optional == "true" || ref == "" {
			return nil
		}
		return x.err(fault.NotFound, s, "a reference names no resource that can be read here: say resource(optional: true) where that may be")
	}
	it := fhirpath.Resource(r)
	if it.Datatype() == nil || typ != "" && it.Type() != typ {
		return nil
	}
	if s.has("flatten") != nil {
		return x.object(scope{in, it}, s.set, out, f)
	}
	inner := &object{}
	if err := x.object(scope{in, it}, s.set, inner, flat{}); err != nil {
		return err
	}
	return out.add(s, f, false, inner)
}

// referred finds what a reference names; nothing where there is no such thing.
func (x *execution) referred(at scope, ref string) (n fhir.Node, in *fhir.Resource, err error) {
	if id, ok := strings.CutPrefix(ref, "#"); ok {
		for _, c := range at.in.Root().List("contained") {
			if c.Get("id").Is(id) {
				return c, at.in, nil
			}
		}
		return fhir.Node{}, nil, nil
	}
	ref, _, _ = strings.Cut(ref, "/_history/")
	typ, id, ok := strings.Cut(ref, "/")
	if !ok || !fhir.IsResourceType(typ) || !fhir.IsID(id) {
		return fhir.Node{}, nil, nil
	}
	r, err := x.from.Get(typ, id)
	if r == nil || err != nil {
		return fhir.Node{}, nil, err
	}
	return r.Root(), r, nil
}

// searchField says whether a field is a search: PatientList, PatientConnection.
func searchField(name string) bool {
	typ, _ := searched(name)
	return typ != ""
}

func searched(name string) (typ string, connection bool) {
	if t, ok := strings.CutSuffix(name, "Connection"); ok && fhir.IsResourceType(t) {
		return t, true
	}
	if t, ok := strings.CutSuffix(name, "List"); ok && fhir.IsResourceType(t) {
		return t, false
	}
	return "", false
}

// searches answers the fields of a query that is asked of no resource.
// https://hl7.org/fhir/R4/graphql.html#searching
func (x *execution) searches(set []selection, out *object) error {
	return x.each(set, func(on string) bool { return on == "Query" }, func(s *selection) error {
		if s.name == "__typename" {
			return out.add(s, flat{}, false, text("Query"))
		}
		if searchField(s.name) {
			return x.search(s, out, url.Values{})
		}
		if !fhir.IsResourceType(s.name) {
			return x.err(fault.Value, s, "a resource type should stand here, such as Patient(id: …), PatientList(…) or PatientConnection(…)")
		}
		return x.single(s, out)
	})
}

// single answers one resource by its id.
func (x *execution) single(s *selection, out *object) error {
	id, err := x.argument(s.arguments, "id")
	if err == nil && id == "" {
		id, err = x.argument(s.arguments, "_id")
	}
	if err != nil {
		return err
	}
	if id == "" || s.set == nil {
		return x.err(fault.Value, s, "one resource is asked for by its id, with its fields")
	}
	if x.followed++; x.followed > maxFollowed {
		return x.err(fault.TooCostly, s, "the query asks for too many resources")
	}
	r, err := x.from.Get(s.name, id)
	if err != nil {
		return err
	}
	if r == nil {
		return x.err(fault.NotFound, s, "there is no such resource")
	}
	return x.resource(s, r, false, out)
}

func (x *execution) resource(s *selection, r *fhir.Resource, list bool, out *object) error {
	at := scope{r, fhirpath.Resource(r.Root())}
	if s.has("flatten") != nil {
		return x.object(at, s.set, out, flat{list: list})
	}
	inner := &object{}
	if err := x.object(at, s.set, inner, flat{}); err != nil {
		return err
	}
	return out.add(s, flat{}, list, inner)
}

// reverse answers a search for what refers to the resource at hand.
func (x *execution) reverse(at scope, s *selection, out *object) error {
	by, err := x.argument(s.arguments, "_reference")
	if err != nil {
		return err
	}
	if by == "" {
		return x.err(fault.Value, s, "_reference names the search parameter that refers to this resource")
	}
	root := at.in.Root()
	params := url.Values{parameterName(by): {root.Member("resourceType").Text() + "/" + root.Member("id").Text()}}
	return x.search(s, out, params)
}

// search carries out one search, with the arguments as its parameters.
func (x *execution) search(s *selection, out *object, params url.Values) error {
	if x.searched++; x.searched > maxSearches {
		return x.err(fault.TooCostly, s, "the query has too many searches: ask for less at a time")
	}
	if s.set == nil {
		return x.err(fault.Value, s, "say which fields are asked for")
	}
	for _, a := range s.arguments {
		if a.name == "_reference" {
			continue
		}
		values, err := x.texts(a.value)
		if err != nil {
			return err
		}
		for i := range values {
			values[i] = strings.ReplaceAll(values[i], ",", `\,`)
		}
		if len(values) > 0 {
			params.Add(parameterName(a.name), strings.Join(values, ","))
		}
	}
	typ, connection := searched(s.name)
	page, err := x.from.Search(typ, params)
	if err != nil {
		return err
	}
	if connection {
		inner := &object{}
		if err := x.connection(s.set, page, inner); err != nil {
			return err
		}
		return out.add(s, flat{}, false, inner)
	}
	if s.has("flatten") == nil {
		out.list(s)
	}
	for i := range page.Edges {
		if page.Edges[i].Mode == "include" {
			continue
		}
		if err := x.resource(s, page.Edges[i].Resource, true, out); err != nil {
			return err
		}
	}
	return nil
}

// parameterName is the name of a search parameter, whose hyphens GraphQL can't write.
func parameterName(name string) string {
	if rest, ok := strings.CutPrefix(name, "_"); ok {
		return "_" + strings.ReplaceAll(rest, "_", "-")
	}
	return strings.ReplaceAll(name, "_", "-")
}

// connection answers a page with what is known of it.
// https://hl7.org/fhir/R4/graphql.html#connection
func (x *execution) connection(set []selection, page *Page, out *object) error {
	return x.each(set, func(string) bool { return true }, func(s *selection) error {
		add := func(v part) error { return out.add(s, flat{}, false, v) }
		cursor := ""
		switch s.name {
		case "count":
			if page.Count >= 0 {
				return add(raw(decimal(page.Count)))
			}
		case "offset":
			return add(raw(decimal(page.Offset)))
		case "pagesize":
			return add(raw(decimal(page.PageSize)))
		case "first":
			cursor = page.First
		case "previous":
			cursor = page.Previous
		case "next":
			cursor = page.Next
		case "last":
			cursor = page.Last
		case "edges":
			out.list(s)
			for i := range page.Edges {
				inner := &object{}
				if err := x.edge(s.set, &page.Edges[i], inner); err != nil {
					return err
				}
				if err := out.add(s, flat{}, true, inner); err != nil {
					return err
				}
			}
			return nil
		default:
			return x.err(fault.Value, s, "a connection has count, offset, pagesize, edges, first, previous, next and last")
		}
		if cursor != "" {
			return add(text(cursor))
		}
		return nil
	})
}

func (x *execution) edge(set []selection, e *Edge, out *object) error {
	return x.each(set, func(string) bool { return true }, func(s *selection) error {
		switch s.name {
		case "mode":
			if e.Mode != "" {
				return out.add(s, flat{}, false, text(e.Mode))
			}
		case "score":
			if e.Score != "" {
				return out.add(s, flat{}, false, raw(e.Score))
			}
		case "resource":
			if s.set == nil {
				return x.err(fault.Value, s, "say which of its fields are asked for")
			}
			return x.resource(s, e.Resource, false, out)
		default:
			return x.err(fault.Value, s, "an edge has mode, score and resource")
		}
		return nil
	})
}
