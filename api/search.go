package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/access/record"
	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/ingest/classify"
	"selda/mpi/fold"
	"selda/nhs"
	"selda/store"
)

// How many matches a page holds.
const (
	defaultCount = 50
	maxCount     = 1000
	maxFound     = 10_000 // across citizens, before a search must be narrowed
)

// result is one match on its way to a page.
type result struct {
	id       string
	typ      string
	body     []byte
	mode     string
	when     time.Time
	recorded time.Time
}

// Search. https://hl7.org/fhir/R4/search.html
func (q *request) search(typ string) error {
	params, err := q.params()
	if err != nil {
		return err
	}
	count, err := countOf(params)
	if err != nil {
		return err
	}
	ignored, err := q.unknown(typ, params)
	if err != nil {
		return err
	}
	if err := checkDates(params); err != nil {
		return err
	}
	cur, err := q.cursor(params, typ)
	if err != nil {
		return err
	}
	var found []result
	switch {
	case typ == "Patient" && !q.system():
		found, err = q.searchCitizens(params)
	case q.system():
		found, err = q.searchOwn(typ, params)
	default:
		found, err = q.searchRecord(typ, params, cur)
	}
	if err != nil {
		return err
	}
	return q.page(typ, params, found, count, cur, ignored)
}

// checkDates refuses a date that is none, whether or not anything is found
// that it could be tested on.
func checkDates(params url.Values) error {
	for name, values := range params {
		if name != "_lastUpdated" && elements[name].kind != "date" {
			continue
		}
		for _, value := range values {
			for _, v := range strings.Split(value, ",") {
				if _, err := matchesDate(time.Unix(0, 0), v); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// params are those of the URL and, by POST, of the form.
func (q *request) params() (url.Values, error) {
	params, err := url.ParseQuery(q.r.URL.RawQuery)
	if err != nil {
		return nil, fault.E("api.search", fault.Invalid, "the query is not well-formed")
	}
	if q.r.Method == http.MethodPost {
		q.r.Body = http.MaxBytesReader(q.w, q.r.Body, 1<<20)
		if err := q.r.ParseForm(); err != nil {
			return nil, fault.E("api.search", fault.Invalid, "the form is not well-formed")
		}
		for k, v := range q.r.PostForm {
			params[k] = append(params[k], v...)
		}
	}
	return params, nil
}

func countOf(params url.Values) (int, error) {
	c := params.Get("_count")
	if c == "" {
		return defaultCount, nil
	}
	n, err := strconv.Atoi(c)
	if err != nil || n < 0 {
		return 0, fault.E("api.search", fault.Value, "_count is a number", "_count")
	}
	return min(n, maxCount), nil
}

// always are the parameters that every type has.
var always = []string{"_id", "_count", "_format", "_pretty", "_page", "_sort", "_lastUpdated", "patient", "subject"}

var citizenParams = []string{"identifier", "family", "given", "name", "birthdate", "address-postalcode"}

// unknown gives the parameters that are not known; in strict handling they
// are an error. https://hl7.org/fhir/R4/search.html#errors
func (q *request) unknown(typ string, params url.Values) ([]string, error) {
	var out []string
	for name := range params {
		plain, modifier, _ := strings.Cut(name, ":")
		known := modifier == "" && slices.Contains(always, plain)
		if typ == "Patient" {
			known = known || slices.Contains(citizenParams, plain) && (modifier == "" || modifier == "exact")
		} else if _, ok := elements[plain]; ok && modifier == "" {
			known = true
		}
		if !known {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	if len(out) > 0 && strings.Contains(q.r.Header.Get("Prefer"), "handling=strict") {
		return nil, fault.E("api.search", fault.NotSupported, "this parameter is not known for "+typ, out[0])
	}
	return out, nil
}

// patientGroups are the token groups of a search for people.
func patientGroups(params url.Values) ([][]string, error) {
	var groups [][]string
	for name, values := range params {
		plain, _, _ := strings.Cut(name, ":")
		for _, value := range values {
			var group []string
			for _, v := range strings.Split(value, ",") {
				if v == "" {
					continue
				}
				switch plain {
				case "family":
					group = append(group, classify.Family(fold.Name(v)))
				case "given":
					group = append(group, classify.Given(fold.Name(v)))
				case "name":
					group = append(group, classify.Family(fold.Name(v)), classify.Given(fold.Name(v)))
				case "birthdate":
					group = append(group, classify.BirthDate(strings.TrimPrefix(v, "eq")))
				case "address-postalcode":
					if p := nhs.Postcode(v); p != "" {
						v = p
					}
					group = append(group, classify.Postcode(v))
				case "identifier":
					if sys, num, ok := strings.Cut(v, "|"); ok {
						group = append(group, classify.Identifier(sys, strings.ReplaceAll(num, " ", "")))
					} else {
						group = append(group, classify.Value(v))
					}
				}
			}
			if len(group) > 0 {
				groups = append(groups, group)
			}
		}
	}
	return groups, nil
}

// searchCitizens finds citizens for people and their apps: one merged Patient
// each. A citizen's own token finds just the own Patient.
func (q *request) searchCitizens(params url.Values) ([]result, error) {
	ctx := q.r.Context()
	if q.subject.Role == nhs.Citizen {
		own, err := q.Access.Own(ctx, q.subject)
		if err != nil {
			return nil, err
		}
		return q.citizens([]string{own}, params)
	}
	if id := params.Get("_id"); id != "" {
		return q.citizens(strings.Split(id, ","), params)
	}
	groups, err := patientGroups(params)
	if err != nil {
		return nil, err
	}
	if len(groups) == 0 {
		return nil, fault.E("api.search", fault.Required, "say whom to look for: identifier, name, birthdate, address-postalcode or _id")
	}
	g, err := q.Access.Search(ctx, q.subject, "Patient")
	if err != nil {
		return nil, err
	}
	people, err := q.Records.Find(ctx, g, q.Access.Index, groups, maxFound)
	if err != nil {
		return nil, err
	}
	var out []result
	for _, v := range people {
		body, _ := Citizen(v)
		out = append(out, result{id: v.Citizen, typ: "Patient", body: body, mode: "match"})
	}
	return out, nil
}

// citizens gives the merged Patients of ids that the reader may open.
func (q *request) citizens(ids []string, params url.Values) ([]result, error) {
	var out []result
	for _, id := range ids {
		g, err := q.Access.Record(q.r.Context(), q.subject, id, "Patient/"+id)
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security) {
			continue
		}
		if err != nil {
			return nil, err
		}
		v, err := q.Records.Open(q.r.Context(), g, "Patient", "Consent")
		if err != nil {
			return nil, err
		}
		body, _ := Citizen(v)
		r, err := fhir.ParseTrusted(body)
		if err != nil {
			return nil, err
		}
		if matchesPatient(r, params) {
			out = append(out, result{id: v.Citizen, typ: "Patient", body: body, mode: "match"})
		}
	}
	return out, nil
}

// matchesPatient tests a Patient that was found otherwise.
func matchesPatient(r *fhir.Resource, params url.Values) bool {
	groups, _ := patientGroups(params)
	tokens := classify.Of(r).Tokens
	for _, g := range groups {
		if !slices.ContainsFunc(g, func(t string) bool { return slices.Contains(tokens, t) }) {
			return false
		}
	}
	if id := params.Get("_id"); id != "" {
		return slices.Contains(strings.Split(id, ","), r.ID)
	}
	return true
}

// searchRecord finds items in one citizen's record.
func (q *request) searchRecord(typ string, params url.Values, cur cursor) ([]result, error) {
	ctx := q.r.Context()
	id := patientParam(params)
	if id == "" && q.subject.Role == nhs.Citizen {
		own, err := q.Access.Own(ctx, q.subject)
		if err != nil {
			return nil, err
		}
		id = own
	}
	if id == "" {
		return nil, fault.E("api.search", fault.Required, "say whose record: patient=ID", "patient")
	}
	g, err := q.Access.Page(ctx, q.subject, id, typ+" search", cur.at())
	if fault.Is(err, fault.NotFound) {
		g, err = q.Access.Item(ctx, q.subject, "Patient", id, audit.Search)
	}
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security) {
		return nil, nil // nobody of whom the reader may know anything
	}
	if err != nil {
		return nil, err
	}
	v, err := q.Records.Open(ctx, g, typ)
	if err != nil {
		return nil, err
	}
	var out []result
	for _, i := range v.Items {
		ok, err := matches(i, params)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, result{id: i.ID, typ: typ, body: dressed(i.Version), mode: "match", when: i.When, recorded: i.Recorded})
		}
	}
	return out, sortResults(out, params.Get("_sort"))
}

func patientParam(params url.Values) string {
	for _, name := range []string{"patient", "subject"} {
		if v := params.Get(name); v != "" {
			return v[strings.LastIndex(v, "/")+1:]
		}
	}
	return ""
}

// searchOwn finds what a source system wrote.
func (q *request) searchOwn(typ string, params url.Values) ([]result, error) {
	ctx := q.r.Context()
	g, err := q.Access.System(ctx, q.subject, audit.Search, typ)
	if err != nil {
		return nil, err
	}
	var versions []*store.Version
	if id := patientParam(params); id != "" {
		versions, err = q.Records.OfPatient(ctx, g, id, typ)
		if fault.Is(err, fault.NotFound) {
			return nil, nil
		}
	} else {
		var groups [][]string
		if groups, err = patientGroups(params); err == nil {
			versions, err = q.Records.All(ctx, g, typ, append(groups, codeGroups(params)...), maxFound)
		}
	}
	if err != nil {
		return nil, err
	}
	var out []result
	for _, v := range versions {
		res, err := v.Resource()
		if err != nil {
			return nil, err
		}
		ok := typ != "Patient" || matchesPatient(res, params)
		if ok && typ != "Patient" {
			if ok, err = matches(record.Item{Version: v, Res: res}, params); err != nil {
				return nil, err
			}
		}
		if ok {
			out = append(out, result{id: v.ID, typ: typ, body: dressed(v), mode: "match", when: v.When, recorded: v.Recorded})
		}
	}
	return out, sortResults(out, params.Get("_sort"))
}

// codeGroups are the token groups of codes and identifiers.
func codeGroups(params url.Values) [][]string {
	var groups [][]string
	for _, value := range params["code"] {
		var g []string
		for _, v := range strings.Split(value, ",") {
			_, code, ok := strings.Cut(v, "|")
			if !ok {
				code = v
			}
			if code == "" {
				g = nil
				break
			}
			g = append(g, "code:"+code)
		}
		if len(g) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

// elements are the search parameters that are tested on items of one record,
// with the element each looks at. The complete set is compiled from the
// definitions; these are what the pages and the first users of the API need.
var elements = map[string]struct {
	kind  string
	paths []string
}{
	"code":                {"token", []string{"code", "medicationCodeableConcept", "vaccineCode"}},
	"category":            {"token", []string{"category"}},
	"status":              {"token", []string{"status"}},
	"clinical-status":     {"token", []string{"clinicalStatus"}},
	"verification-status": {"token", []string{"verificationStatus"}},
	"type":                {"token", []string{"type"}},
	"class":               {"token", []string{"class"}},
	"intent":              {"token", []string{"intent"}},
	"identifier":          {"token", []string{"identifier"}},
	"vaccine-code":        {"token", []string{"vaccineCode"}},
	"date":                {"date", nil},
}

// matches tests an item against the parameters.
func matches(i record.Item, params url.Values) (bool, error) {
	for name, values := range params {
		if name == "_id" {
			if !slices.Contains(strings.Split(values[0], ","), i.ID) {
				return false, nil
			}
			continue
		}
		if name == "_lastUpdated" {
			for _, v := range values {
				if ok, err := matchesDate(i.Recorded, v); err != nil || !ok {
					return false, err
				}
			}
			continue
		}
		e, known := elements[name]
		if !known {
			continue
		}
		for _, value := range values {
			ok := false
			for _, v := range strings.Split(value, ",") {
				switch e.kind {
				case "token":
					ok = ok || matchesToken(i.Res, e.paths, v)
				case "date":
					hit, err := matchesDate(i.When, v)
					if err != nil {
						return false, err
					}
					ok = ok || hit
				}
			}
			if !ok {
				return false, nil
			}
		}
	}
	return true, nil
}

// Token search. https://hl7.org/fhir/R4/search.html#token
func matchesToken(r *fhir.Resource, paths []string, v string) bool {
	sys, code, piped := strings.Cut(v, "|")
	if !piped {
		code = v
	}
	hit := func(n fhir.Node, system, value string) bool {
		return (code == "" || n.Get(value).Text() == code) && (!piped || n.Get(system).Text() == sys)
	}
	for _, p := range paths {
		for _, n := range r.Root().List(p) {
			if n.IsString() {
				if n.Text() == code {
					return true
				}
				continue
			}
			if n.Get("value").Exists() && hit(n, "system", "value") || n.Get("code").Exists() && hit(n, "system", "code") {
				return true
			}
			for _, c := range n.List("coding") {
				if hit(c, "system", "code") {
					return true
				}
			}
		}
	}
	return false
}

// Date search with prefixes. https://hl7.org/fhir/R4/search.html#date
func matchesDate(at time.Time, v string) (bool, error) {
	prefix := "eq"
	if len(v) > 2 && v[0] >= 'a' && v[0] <= 'z' {
		prefix, v = v[:2], v[2:]
	}
	from, ok := fhir.Time(v)
	if !ok {
		return false, fault.E("api.search", fault.Value, "a date is written as 2026, 2026-11, 2026-11-05 or with a time and zone", "date")
	}
	to := from
	switch len(v) {
	case 4:
		to = from.AddDate(1, 0, 0)
	case 7:
		to = from.AddDate(0, 1, 0)
	case 10:
		to = from.AddDate(0, 0, 1)
	default:
		to = from.Add(time.Second)
	}
	if at.IsZero() {
		return false, nil
	}
	switch prefix {
	case "eq":
		return !at.Before(from) && at.Before(to), nil
	case "ne":
		return at.Before(from) || !at.Before(to), nil
	case "gt", "sa":
		return !at.Before(to), nil
	case "ge":
		return !at.Before(from), nil
	case "lt", "eb":
		return at.Before(from), nil
	case "le":
		return at.Before(to), nil
	}
	return false, fault.E("api.search", fault.Value, "the prefixes are eq, ne, gt, ge, lt, le, sa and eb", "date")
}

// sortResults puts what was found in order of date or _lastUpdated; the
// latest first where a minus stands before it.
// https://hl7.org/fhir/R4/search.html#sort
func sortResults(out []result, by string) error {
	if by == "" {
		return nil
	}
	name, down := strings.CutPrefix(by, "-")
	var key func(r *result) time.Time
	switch name {
	case "date":
		key = func(r *result) time.Time { return r.when }
	case "_lastUpdated":
		key = func(r *result) time.Time { return r.recorded }
	default:
		return fault.E("api.search", fault.NotSupported, "it can be sorted by date or _lastUpdated", "_sort")
	}
	slices.SortStableFunc(out, func(a, b result) int {
		c := key(&a).Compare(key(&b))
		if down {
			return -c
		}
		return c
	})
	return nil
}

// page answers with one page of what was found.
func (q *request) page(typ string, params url.Values, found []result, count int, cur cursor, ignored []string) error {
	b := newBundle("searchset")
	total := len(found)
	end := min(cur.Offset+count, total)
	for i := min(cur.Offset, total); i < end; i++ {
		r := found[i]
		b.add(entry{full: q.base + "/" + r.typ + "/" + r.id, resource: r.body, mode: r.mode})
	}
	for _, name := range ignored {
		b.add(entry{resource: fhir.Marshal(fhir.Object{"resourceType": "OperationOutcome", "issue": []fhir.Object{{"severity": "warning", "code": "not-supported",
			"diagnostics": "the parameter was not used: it is not known for " + typ, "expression": []string{name}}}}), mode: "outcome"})
	}
	self := url.Values{}
	for k, v := range params {
		if !slices.Contains(ignored, k) && k != "_page" {
			self[k] = v
		}
	}
	links := []link{{"self", q.base + "/" + typ + "?" + self.Encode()}}
	if end < total && count > 0 {
		next, err := q.Cursors.seal(cursor{N: cur.N, Offset: end, Query: self.Encode(), Type: typ, User: q.subject.User, Made: q.Now().Unix()})
		if err != nil {
			return err
		}
		self.Set("_page", next)
		links = append(links, link{"next", q.base + "/" + typ + "?" + self.Encode()})
	}
	q.send(http.StatusOK, b.bytes(total, links))
	return nil
}

// Everything of a patient, as one Bundle.
// https://hl7.org/fhir/R4/patient-operation-everything.html
func (q *request) everything(id string) error {
	ctx := q.r.Context()
	b := newBundle("searchset")
	total := 0
	add := func(typ, id string, body []byte) {
		b.add(entry{full: q.base + "/" + typ + "/" + id, resource: body, mode: "match"})
		total++
	}
	if q.system() {
		g, err := q.Access.System(ctx, q.subject, audit.Read, "Patient/"+id+"/$everything")
		if err != nil {
			return err
		}
		versions, err := q.Records.OfPatient(ctx, g, id)
		if err != nil {
			return err
		}
		for _, v := range versions {
			add(v.Type, v.ID, dressed(v))
		}
	} else {
		g, err := q.Access.Record(ctx, q.subject, id, "Patient/"+id+"/$everything")
		if err != nil {
			return err
		}
		v, err := q.Records.Open(ctx, g)
		if err != nil {
			return err
		}
		body, _ := Citizen(v)
		add("Patient", v.Citizen, body)
		for _, i := range v.Items {
			add(i.Type, i.ID, dressed(i.Version))
		}
	}
	q.send(http.StatusOK, b.bytes(total, []link{{"self", q.base + "/Patient/" + id + "/$everything"}}))
	return nil
}
