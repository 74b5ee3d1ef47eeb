package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/fhir/search"
	"selda/store"
)

// historyCount is how many versions a page of a history holds; otherwise is for
// who does not say.
func historyCount(params url.Values, otherwise int) (int, error) {
	c := params.Get("_count")
	if c == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(c)
	if err != nil || n < 0 {
		return 0, fault.E("api.history", fault.Value, "_count is a number", "_count")
	}
	return min(n, maxCount), nil
}

// selfLink is the link of a page to itself.
func (q *request) selfLink(path string, params url.Values) []link {
	self, p := link{"self", q.base + "/" + path}, used(params, nil)
	if token := q.query().Get("_page"); token != "" { // the page itself, and not the first
		if q.posted {
			p = url.Values{}
		}
		p.Set("_page", token)
	}
	if len(p) > 0 {
		self.url += "?" + asQuery(p)
	}
	return []link{self}
}

// asQuery writes parameters into a URL. Commas stay as they are: they part
// values, and HL7's validator looks for them before it decodes.
func asQuery(p url.Values) string { return strings.ReplaceAll(p.Encode(), "%2C", ",") }

// History of an instance, a type, or all. The latest comes first.
// https://hl7.org/fhir/R4/http.html#history
func (q *request) history(typ, id string) error {
	params := q.query()
	count, err := historyCount(params, defaultCount)
	if err != nil {
		return err
	}
	from, to, err := between(params)
	if err != nil {
		return err
	}
	path := "_history"
	if typ != "" {
		path = typ + "/" + path
	}
	if id != "" {
		path = typ + "/" + id + "/_history"
	}
	cur, err := q.cursor(params, path, used(params, nil))
	if err != nil {
		return err
	}
	b := newBundle("history")
	b.meta = q.tagged()
	links := q.selfLink(path, params)
	if id == "" && !q.system() {
		return q.pastOfPeople(typ, path, params, cur, count, b, links)
	}
	if id == "" {
		return q.log(typ, path, cur, count, from, to, b, links)
	}
	g, view, err := q.grantFor(typ, id)
	if err != nil {
		return err
	}
	if view != nil {
		return fault.E("api.history", fault.NotSupported, "a citizen's merged Patient has no versions: its links have")
	}
	all, err := q.Records.History(q.r.Context(), g, typ, id)
	if err != nil {
		return err
	}
	if n := cur.at(); len(all) > 0 && all[0].N > n { // made since the first page was asked for
		all = slices.DeleteFunc(slices.Clone(all), func(v *store.Version) bool { return v.N > n })
	}
	list := inForce(all, params)
	total := len(list)
	start := min(cur.Offset, total)
	end := min(start+count, total)
	for _, v := range list[start:end] {
		var body []byte
		if !v.Deleted {
			if body, err = q.as(g, v); err != nil {
				return err
			}
		}
		b.add(q.versionEntry(v, body))
	}
	if end < total && count > 0 {
		if links, err = q.addNext(links, path, params, cursor{N: cur.N, Offset: end}); err != nil {
			return err
		}
	}
	q.send(http.StatusOK, b.bytes(total, links))
	return nil
}

// inForce are the versions of a resource, the latest first, that were made since
// _since, and were current at some time of _at: also one that was made before.
func inForce(all []*store.Version, params url.Values) (list []*store.Version) {
	since, _ := fhir.Time(params.Get("_since"))
	from, to, at := search.ParseDate(params.Get("_at"))
	for i, v := range all {
		if v.Recorded.Before(since) || at && (!v.Recorded.Before(to) || i > 0 && !all[i-1].Recorded.After(from)) {
			continue
		}
		list = append(list, v)
	}
	return list
}

// between are the times of _since and _at.
func between(params url.Values) (from, to time.Time, err error) {
	if s := params.Get("_since"); s != "" {
		var ok bool
		if from, ok = fhir.Time(s); !ok {
			return from, to, fault.E("api.history", fault.Value, "an instant is written as 2026-11-05T09:00:00Z", "_since")
		}
	}
	if s := params.Get("_at"); s != "" {
		a, b, ok := search.ParseDate(s)
		if !ok {
			return from, to, fault.E("api.history", fault.Value, "a date is written as 2026, 2026-11, 2026-11-05 or with a time and zone", "_at")
		}
		if a.After(from) {
			from = a
		}
		to = b
	}
	return from, to, nil
}

// log answers the history of a type or of all that a source system wrote.
func (q *request) log(typ, path string, cur cursor, count int, from, to time.Time, b *bundle, links []link) error {
	ctx := q.r.Context()
	g, err := q.Access.System(ctx, q.subject, audit.Read, path)
	if err != nil {
		return err
	}
	l := store.Log{Until: cur.at(), Newest: true, Limit: max(count, 1)}
	if typ != "" {
		l.Types = []string{typ}
	}
	skip, sent := cur.Offset, 0
	for sent < count {
		versions, last, err := q.Records.Changes(ctx, g, l)
		if err != nil {
			return err
		}
		for i, v := range versions {
			if v.Recorded.Before(from) {
				q.send(http.StatusOK, b.bytes(-1, links))
				return nil
			}
			if skip > 0 {
				skip--
				continue
			}
			if !to.IsZero() && !v.Recorded.Before(to) {
				continue
			}
			if sent == count {
				// The next page begins within this commit, or with it.
				same := 0
				for j := i - 1; j >= 0 && versions[j].N == v.N; j-- {
					same++
				}
				if links, err = q.addNext(links, path, q.query(), cursor{N: v.N, Offset: same}); err != nil {
					return err
				}
				q.send(http.StatusOK, b.bytes(-1, links))
				return nil
			}
			var body []byte
			if !v.Deleted {
				body = dressed(v)
			}
			b.add(q.versionEntry(v, body))
			sent++
		}
		if len(versions) < l.Limit || last <= 1 {
			break
		}
		l.Until = last - 1
		if sent == count {
			if links, err = q.addNext(links, path, q.query(), cursor{N: l.Until}); err != nil {
				return err
			}
		}
	}
	q.send(http.StatusOK, b.bytes(-1, links))
	return nil
}

// addNext adds the link to the next page.
func (q *request) addNext(links []link, path string, params url.Values, c cursor) ([]link, error) {
	self := used(params, nil)
	c.Query, c.Type, c.User, c.Made, c.Posted = self.Encode(), path, q.reader(), q.Now().Unix(), q.posted
	next, err := q.Cursors.seal(c)
	if err != nil {
		return nil, err
	}
	if q.posted { // who posted a search did not want its parameters in a URL
		self = url.Values{}
	}
	self.Set("_page", next)
	return append(links, link{"next", q.base + "/" + path + "?" + asQuery(self)}), nil
}

// versionEntry is one version in a history.
func (q *request) versionEntry(v *store.Version, body []byte) entry {
	method := "PUT"
	switch {
	case v.Deleted:
		method = "DELETE"
	case v.Version == 1:
		method = "POST"
	}
	url := v.Type + "/" + v.ID
	if method == "POST" {
		url = v.Type
	}
	return entry{full: q.base + "/" + v.Type + "/" + v.ID, method: method, url: url, etag: v.Version, at: v.Recorded, resource: body, status: map[string]string{"PUT": "200 OK", "POST": "201 Created", "DELETE": "204 No Content"}[method]}
}
