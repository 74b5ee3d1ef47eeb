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
	if typ == "Patient" {
		if _, err := patientGroups(params); err != nil {
			return err
		}
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
		found, err = q.searchCitizens(params, cur)
	case q.system():
		found, err = q.searchOwn(typ, params, cur)
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

// always are the parameters that every type has; ofItems those of items in records
// and directories, ofRecords those of items in records.
var (
	always    = []string{"_id", "_count", "_format", "_pretty", "_page"}
	ofItems   = []string{"_sort", "_lastUpdated"}
	ofRecords = []string{"patient", "subject"}
)

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
		} else {
			known = known || modifier == "" && (has(typ, plain) || slices.Contains(ofItems, plain) || !directory[typ] && slices.Contains(ofRecords, plain))
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
					day := strings.TrimPrefix(v, "eq")
					if _, err := time.Parse(time.DateOnly, day); err != nil {
						return nil, fault.E("api.search", fault.Value, "a birth date is searched as a whole day, 1951-11-05", "birthdate")
					}
					group = append(group, classify.BirthDate(day))
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
func (q *request) searchCitizens(params url.Values, cur cursor) ([]result, error) {
	ctx := q.r.Context()
	switch q.subject.Role {
	case nhs.Citizen:
		own, err := q.Access.Own(ctx, q.subject)
		if err != nil {
			return nil, err
		}
		return q.citizens([]string{own}, params)
	case nhs.Proxy:
		var theirs []string
		for _, n := range q.subject.For {
			id, err := q.Access.ByNumber(ctx, n)
			if err == nil {
				theirs = append(theirs, id)
			} else if !fault.Is(err, fault.NotFound) {
				return nil, err
			}
		}
		return q.citizens(theirs, params)
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
	people, err := q.Records.FindAt(ctx, g, q.Access.Index, groups, cur.at(), maxFound+1)
	if err == nil {
		err = tooMany(len(people))
	}
	if err != nil {
		return nil, err
	}
	var out []result
	for _, v := range people {
		body, _, _ := Citizen(v)
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
		body, _, _ := Citizen(v)
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
	id, err := patientParam(params)
	if err != nil {
		return nil, err
	}
	switch {
	case id != "":
	case q.subject.Role == nhs.Citizen:
		if id, err = q.Access.Own(ctx, q.subject); err != nil {
			return nil, err
		}
	case params.Get("_id") != "":
		return q.searchIDs(typ, params)
	case directory[typ]:
		return q.searchDirectory(typ, params, cur)
	default:
		return nil, fault.E("api.search", fault.Required, "say whose record: patient=ID", "patient")
	}
	g, err := q.Access.Page(ctx, q.subject, id, typ+" search", cur.at())
	if fault.Is(err, fault.NotFound) {
		g, err = q.Access.ItemPage(ctx, q.subject, "Patient", id, audit.Search, cur.at())
	}
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Security) {
		return nil, nil // nobody of whom the reader may know anything
	}
	if err != nil {
		return nil, err
	}
	types := []string{typ}
	if typ == "RelatedPerson" {
		types = append(types, "Patient") // says whether where people live is withheld
	}
	v, err := q.Records.Open(ctx, g, types...)
	if err != nil {
		return nil, err
	}
	var out []result
	for _, i := range v.Of(typ) {
		ok, err := matches(i, params)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, result{id: i.ID, typ: typ, body: seen(v, i.Version), mode: "match", when: i.When, recorded: i.Recorded})
		}
	}
	return out, sortResults(out, params.Get("_sort"))
}

// maxIDs is how many ids one search may name.
const maxIDs = 100

// searchIDs finds resources by their ids alone: each in the record that it
// belongs to, as a read would.
func (q *request) searchIDs(typ string, params url.Values) ([]result, error) {
	ctx := q.r.Context()
	ids := strings.Split(params.Get("_id"), ",")
	if len(ids) > maxIDs {
		return nil, fault.E("api.search", fault.TooLong, "a search names at most "+strconv.Itoa(maxIDs)+" ids", "_id")
	}
	var out []result
	for _, id := range ids {
		g, err := q.Access.Item(ctx, q.subject, typ, id, audit.Search)
		if err == nil {
			var v *store.Version
			if v, err = q.Records.Read(ctx, g, typ, id); err == nil && !v.Deleted {
				err = q.hit(&out, v, params, func() ([]byte, error) { return q.as(g, v) })
			}
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
	}
	return out, sortResults(out, params.Get("_sort"))
}

// hit adds a version to what was found, if it matches.
func (q *request) hit(out *[]result, v *store.Version, params url.Values, body func() ([]byte, error)) error {
	res, err := v.Resource()
	if err != nil {
		return err
	}
	ok, err := matches(record.Item{Version: v, Res: res}, params)
	if err != nil || !ok || slices.ContainsFunc(*out, func(r result) bool { return r.id == v.ID }) {
		return err
	}
	b, err := body()
	*out = append(*out, result{id: v.ID, typ: v.Type, body: b, mode: "match", when: v.When, recorded: v.Recorded})
	return err
}

// directory are the types that are of no person: anyone who has signed in may
// search them.
var directory = map[string]bool{"Organization": true, "Practitioner": true, "PractitionerRole": true, "Location": true, "HealthcareService": true, "Endpoint": true}

func (q *request) searchDirectory(typ string, params url.Values, cur cursor) ([]result, error) {
	ctx := q.r.Context()
	g, err := q.Access.Directory(ctx, q.subject, typ+" search")
	if err != nil {
		return nil, err
	}
	versions, err := q.Records.All(ctx, g, typ, codeGroups(params), cur.at(), maxFound+1)
	if err != nil {
		return nil, err
	}
	if err := tooMany(len(versions)); err != nil {
		return nil, err
	}
	var out []result
	for _, v := range versions {
		if err := q.hit(&out, v, params, func() ([]byte, error) { return dressed(v), nil }); err != nil {
			return nil, err
		}
	}
	return out, sortResults(out, params.Get("_sort"))
}

// tooMany refuses a search that finds more than it can count.
func tooMany(n int) error {
	if n <= maxFound {
		return nil
	}
	return fault.E("api.search", fault.NotSupported, "more than "+strconv.Itoa(maxFound)+" match: say more of what is looked for")
}

// patientParams are the ids that patient and subject name, each once.
func patientParams(params url.Values) ([]string, error) {
	var ids []string
	for _, name := range []string{"patient", "subject"} {
		for _, v := range params[name] {
			if v == "" {
				continue
			}
			parts := strings.Split(v, "/")
			id := parts[len(parts)-1]
			if len(parts) > 1 && parts[len(parts)-2] != "Patient" || !fhir.IsID(id) {
				return nil, fault.E("api.search", fault.Value, "a patient is an id or Patient/id", name)
			}
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

// patientParam is the one patient whose record is searched; "" where none is named.
func patientParam(params url.Values) (string, error) {
	ids, err := patientParams(params)
	switch {
	case err != nil || len(ids) == 0:
		return "", err
	case len(ids) > 1:
		return "", fault.E("api.search", fault.NotSupported, "one record is searched at a time", "patient")
	}
	return ids[0], nil
}

// searchOwn finds what a source system wrote.
func (q *request) searchOwn(typ string, params url.Values, cur cursor) ([]result, error) {
	ctx := q.r.Context()
	id, err := patientParam(params)
	if err != nil {
		return nil, err
	}
	g, err := q.Access.System(ctx, q.subject, audit.Search, typ)
	if err != nil {
		return nil, err
	}
	var versions []*store.Version
	if id != "" {
		versions, err = q.Records.OfPatient(ctx, g, id, cur.at(), typ)
		if fault.Is(err, fault.NotFound) {
			return nil, nil
		}
	} else {
		var groups [][]string
		if groups, err = patientGroups(params); err == nil {
			versions, err = q.Records.All(ctx, g, typ, append(groups, codeGroups(params)...), cur.at(), maxFound+1)
		}
		if err == nil {
			err = tooMany(len(versions))
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

// page answers with one page of what was found.
func (q *request) page(typ string, params url.Values, found []result, count int, cur cursor, ignored []string) error {
	b := newBundle("searchset")
	b.meta = q.tagged()
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
