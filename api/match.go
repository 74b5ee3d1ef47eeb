package api

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/nhs"
	"selda/store"
)

func init() {
	offer(operation{name: "match", at: onType, types: []string{"Patient"}, definition: core + "Patient-match", run: (*request).match})
}

// grade is how sure it is that two Patients are one person.
// https://hl7.org/fhir/R4/valueset-match-grade.html
type grade struct {
	code  string
	score string
}

var (
	certain  = grade{"certain", "1"}
	probable = grade{"probable", "0.8"}
	possible = grade{"possible", "0.5"}
	notMatch = grade{"certainly-not", "0"}
)

// match finds whom a Patient may be, the surest first. Each answer says how sure
// it is, by rules that anybody can check:
//   - certain: the same valid NHS number, and the same birth date or family name;
//   - probable: the same family name, a given name and birth date, or the same
//     number of another system and birth date;
//   - possible: the same family name and birth date, or NHS number alone.
//
// https://hl7.org/fhir/R4/patient-operation-match.html
func (q *request) match(_, _ string) error {
	const op = "api.match"
	args, err := q.arguments()
	if err != nil {
		return err
	}
	asked, err := args.resource("resource")
	if err != nil {
		return err
	}
	if asked == nil || asked.Type != "Patient" {
		return fault.E(op, fault.Required, "say whom to look for: a Patient, in a parameter named resource", "resource")
	}
	count := 20
	if c := args.text("count"); c != "" {
		if count, err = strconv.Atoi(c); err != nil || count < 1 {
			return fault.E(op, fault.Value, "count is a number from 1", "count")
		}
	}
	found, err := q.alike(asked)
	if err != nil {
		return err
	}
	type graded struct {
		*hit
		grade
	}
	var list []graded
	for _, h := range found {
		if g := compare(asked, h.Res); g != notMatch && (g == certain || args.text("onlyCertainMatches") != "true") {
			list = append(list, graded{h, g})
		}
	}
	slices.SortStableFunc(list, func(a, b graded) int { return cmp.Compare(b.score, a.score) })
	if len(list) > 1 && list[1].grade == certain && args.text("onlyCertainMatches") == "true" {
		list = nil // two that are certain are none: whoever asked acts on one
	}
	b := newBundle("searchset")
	b.meta = q.tagged()
	for _, m := range list[:min(count, len(list))] {
		b.add(entry{full: q.base + "/Patient/" + m.ID, resource: m.body(), mode: "match", score: m.score, grade: m.code})
	}
	q.send(http.StatusOK, b.bytes(len(list), nil))
	return nil
}

// alike are those who share a number, or a name and the birth date.
func (q *request) alike(asked *fhir.Resource) ([]*hit, error) {
	var queries [][]*search.Clause
	clause := func(name, value string) *search.Clause {
		c, _, err := q.scope().Clause("Patient", name, value)
		if err != nil {
			return nil
		}
		return c
	}
	for _, id := range asked.Root().List("identifier") {
		if v := id.Get("value").Text(); v != "" && len(queries) < 8 {
			if c := clause("identifier", search.Escaped(id.Get("system").Text())+"|"+search.Escaped(v)); c != nil {
				queries = append(queries, []*search.Clause{c})
			}
		}
	}
	born := asked.Get("birthDate").Text()
	for _, n := range asked.Root().List("name") {
		if f := n.Get("family").Text(); f != "" && born != "" && len(queries) < 12 {
			if name, date := clause("family", search.Escaped(f)), clause("birthdate", born); name != nil && date != nil {
				queries = append(queries, []*search.Clause{name, date})
			}
		}
	}
	if len(queries) == 0 {
		return nil, fault.E("api.match", fault.Required, "say more of whom to look for: a number, or a family name and the birth date", "resource")
	}
	var out []*hit
	seen := map[string]bool{}
	add := func(h *hit) {
		if !seen[h.ID] {
			seen[h.ID] = true
			out = append(out, h)
		}
	}
	for _, clauses := range queries {
		if q.system() {
			f, err := q.ownField("Patient/$match", store.Latest)
			if err != nil {
				return nil, err
			}
			a, err := q.find(f, &search.Query{Type: "Patient", Clauses: clauses, Count: 100, Total: "none"}, cursor{})
			if err != nil {
				return nil, err
			}
			for _, h := range a.page {
				add(h)
			}
			continue
		}
		views, err := q.citizensBy(clauses, cursor{})
		if err != nil {
			return nil, err
		}
		for _, v := range views {
			add(q.citizenHit(v))
		}
	}
	return out, nil
}

// compare grades how alike two Patients are.
func compare(a, b *fhir.Resource) grade {
	born := a.Get("birthDate").Exists() && a.Get("birthDate").Text() == b.Get("birthDate").Text()
	family, given := names(a, b)
	number, other := numbers(a, b)
	switch {
	case number && (born || family):
		return certain
	case family && given && born, other && born:
		return probable
	case family && born, number:
		return possible
	}
	return notMatch
}

// names says whether two Patients share a family name, and a given one with it.
func names(a, b *fhir.Resource) (family, given bool) {
	for _, x := range a.Root().List("name") {
		for _, y := range b.Root().List("name") {
			f := x.Get("family").Text()
			if f == "" || search.Folded(f) != search.Folded(y.Get("family").Text()) {
				continue
			}
			family = true
			for _, g := range x.List("given") {
				given = given || slices.ContainsFunc(y.List("given"), func(o fhir.Node) bool { return g.Text() != "" && search.Folded(g.Text()) == search.Folded(o.Text()) })
			}
		}
	}
	return family, given
}

// numbers says whether two Patients share a valid NHS number, or another number.
func numbers(a, b *fhir.Resource) (number, other bool) {
	for _, x := range a.Root().List("identifier") {
		for _, y := range b.Root().List("identifier") {
			same := strings.ReplaceAll(x.Get("value").Text(), " ", "") == strings.ReplaceAll(y.Get("value").Text(), " ", "")
			if !same || x.Get("value").Text() == "" || x.Get("system").Text() != y.Get("system").Text() {
				continue
			}
			if !x.Get("system").Is(nhs.NumberSystem) {
				other = true
			} else if _, err := nhs.ParseNumber(x.Get("value").Text()); err == nil {
				number = true
			}
		}
	}
	return number, other
}
