package api

import (
	"net/http"
	"slices"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
)

// published are the types of which the standard and packages define some.
var published = []string{"StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap", "SearchParameter", "Questionnaire"}

// publishedOne is a definition that the standard or a package has, by its id or by its
// canonical URL; nil where neither has it. They are nobody's record: whoever may
// look into the directory may read them.
func (q *request) publishedOne(typ, id, url string) *fhir.Resource {
	if q.Published == nil || !slices.Contains(published, typ) {
		return nil
	}
	if r, err := q.Published(typ, id, url); err == nil {
		return r
	}
	return nil
}

// readPublished answers what was not found in the record, where it is a
// definition; otherwise with err.
func (q *request) readPublished(typ, id string, err error) error {
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	r := q.publishedOne(typ, id, "")
	if r == nil {
		return err
	}
	if _, err := q.Access.Directory(q.r.Context(), q.subject, typ+"/"+id); err != nil {
		return err
	}
	q.send(http.StatusOK, q.part(typ, r.JSON))
	return nil
}

// byURL says whether a search is one for a definition by its URL, which names
// nobody's record.
func byURL(query *search.Query) bool {
	return slices.Contains(published, query.Type) && slices.ContainsFunc(query.Clauses, func(c *search.Clause) bool { return c.Name == "url" })
}

// namesPublished says whether a search names definitions, by id or by URL.
func namesPublished(query *search.Query) bool {
	return slices.ContainsFunc(query.Clauses, func(c *search.Clause) bool { return c.Modifier == "" && (c.Name == "url" || c.Name == "_id") })
}

// findPublished adds the definitions that a search names by id or URL, where
// nothing in the record was found.
func (q *request) findPublished(a *answers) {
	if len(a.page) > 0 || a.total > 0 || a.cur.Offset > 0 || a.cur.Before > 0 {
		return
	}
	for _, c := range a.query.Clauses {
		if c.Modifier != "" || c.Name != "url" && c.Name != "_id" {
			continue
		}
		for _, v := range c.Values {
			id, url := v, ""
			if c.Name == "url" {
				id, url = "", v
			}
			r := q.publishedOne(a.query.Type, id, url)
			if r == nil {
				continue
			}
			h := &hit{Candidate: search.Candidate{Type: r.Type, ID: r.ID, Res: r}, body: func() []byte { return r.JSON }, mode: "match"}
			if h.meets(a.query) {
				a.page = append(a.page, h)
			}
		}
		a.total = len(a.page)
		if a.query.Summary == "count" || a.query.Count == 0 {
			a.page = nil
		}
		return
	}
}
