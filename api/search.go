package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/fault"
	"selda/fhir"
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
