package web

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/access"
	"selda/access/grant"
	"selda/access/record"
	"selda/agreement"
	"selda/fault"
	"selda/policy"
	"selda/rights"
	"selda/web/page"
	"selda/web/view"
)

// This file is the looking through of a copy, item by item, and the copy itself (G18).

// copyReview is what an officer has to look through.
func (h *Web) copyReview(c *rights.Case, entries []rights.Entry) *page.CaseReview {
	if c.Asked.Kind != rights.Access || c.State == rights.Closed {
		return nil
	}
	out := &page.CaseReview{Redact: strings.Join(c.Redact, "\n"), Open: c.Undecided(entries), Seen: c.Rest == rights.RestOf(entries), Copy: len(c.Files) > 0}
	out.Ready = out.Open == 0
	for _, x := range rights.Exemptions {
		out.Why = append(out.Why, page.Reason{Code: x.Code, Text: x.Words})
	}
	for i := range entries {
		e := &entries[i]
		it := page.ReviewItem{Ref: e.Item.Type + "/" + e.Item.ID, Title: rights.Title(e), Marks: labelWords(e.Marked())}
		if !e.When.IsZero() {
			it.When = view.ParseDate(e.When.Format(time.RFC3339)).Pro()
		}
		for _, l := range rights.Lines(e.Body) {
			it.Text = append(it.Text, page.Fact{Name: l.Name, Text: l.Text})
		}
		for _, x := range e.Earlier {
			it.Text = append(it.Text, page.Fact{Name: "Until " + proDay(x.Replaced), Text: "as it was before it was replaced:"})
			for _, l := range rights.Lines(x.Body) {
				it.Text = append(it.Text, page.Fact{Name: l.Name, Text: l.Text})
			}
		}
		if d, ok := c.Decision(e); ok {
			it.Exemption, it.Opinion, it.Decided = d.Exemption, d.Opinion, "to be released"
			if d.Exemption != "" {
				it.Decided = "withheld"
			}
		} else if e.Marked() != 0 {
			it.Decided = "not decided"
		}
		if e.Marked() != 0 {
			out.Marked = append(out.Marked, it)
		} else {
			out.Rest = append(out.Rest, it)
		}
	}
	return out
}

// reviewCase keeps what an officer decides about a copy, or has it made.
func (h *Web) reviewCase(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.reviewCase"
	ctx, id, f := r.Context(), r.PathValue("case"), r.PostForm
	var c rights.Case
	var g grant.Grant
	var err error
	done := "It is kept."
	switch what := f.Get("review"); what {
	case "make":
		done = "The copy is made. Look at it, then decide: release it."
		c, g, err = h.Access.MakeCopy(ctx, s, id, func(c *rights.Case, g grant.Grant, entries []rights.Entry) (rights.About, error) {
			a := h.aboutCopy(c, entries)
			v, err := h.Records.Open(ctx, g, "Patient")
			if err == nil {
				a.Person = whoseCopy(v)
			}
			return a, err
		})
	case "rest":
		c, g, err = h.Access.ReviewCopy(ctx, s, id, access.Copying{Rest: true})
	case "words":
		c, g, err = h.Access.ReviewCopy(ctx, s, id, access.Copying{Words: true, TakeOut: strings.Split(strings.ReplaceAll(f.Get("redact"), "\r", ""), "\n")})
	default:
		typ, item, _ := strings.Cut(what, "/")
		c, g, err = h.Access.ReviewCopy(ctx, s, id, access.Copying{Item: &rights.Reviewed{Item: policy.Item{Type: typ, ID: item}, Exemption: f.Get("exemption"), Opinion: f.Get("opinion")}})
	}
	if fault.Is(err, fault.Value) || fault.Is(err, fault.Conflict) {
		return h.showOpenCase(w, r, s, c, g, "", sentence(fault.Reason(err)))
	}
	if err != nil {
		return fault.E(op, err)
	}
	return h.showOpenCase(w, r, s, c, g, done, "")
}

// aboutCopy is what a copy tells beside the items (Art 15(1)).
func (h *Web) aboutCopy(c *rights.Case, entries []rights.Entry) rights.About {
	now := h.Now()
	a := rights.About{Controller: h.organisation(c.Controller), Made: plainDay(now), Stylesheet: copyStyle, Titles: map[string]string{}, Names: map[string]string{}}
	for i := range entries {
		e := &entries[i]
		a.Titles[e.Item.Type+"/"+e.Item.ID] = rights.Title(e)
		name := h.Name(e.Source)
		if a.Names[string(e.Source)] == "" {
			a.Sources = append(a.Sources, name+" ("+string(e.Source)+")")
		}
		a.Names[string(e.Source)] = name
	}
	slices.Sort(a.Sources)
	if h.Governance != nil {
		for _, x := range h.Governance.Agreements().All() {
			if len(x.Signatures) == 0 || !x.Flows(agreement.SecondaryUse, now) && !x.Flows(agreement.DirectCare, now) && !x.Flows(agreement.CitizenAccess, now) && !x.Flows(agreement.Emergency, now) {
				continue
			}
			a.Purposes = append(a.Purposes, x.Title+". "+x.DataProtection)
			a.Recipients = append(a.Recipients, x.Words(h.organisation)...)
		}
	}
	if h.Retention != nil {
		a.Retention = h.Retention(c.Controller)
	}
	return a
}

// copyStyle is the look of a copy: it stands in the file, which needs nothing else.
const copyStyle = "body{font:1rem/1.5 sans-serif;margin:1rem auto;max-width:46rem;padding:0 1rem;color:#212b32}dl{margin:0 0 0 1rem}dt{font-weight:600}dd{margin:0 0 .25rem 1rem;overflow-wrap:anywhere}" +
	"section{border-top:1px solid #d8dde0;padding:.5rem 0}table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #d8dde0;padding:.25rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}"

// caseFile is a file of a case, for who works it.
func (h *Web) caseFile(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	content, err := h.Access.CaseFile(r.Context(), s, r.PathValue("case"), r.PathValue("file"))
	if err != nil {
		return fault.E("web.caseFile", err)
	}
	return h.giveCopy(w, r.PathValue("file"), content)
}

// myCopy is a file of a copy that was released, for the person.
func (h *Web) myCopy(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	m, err := h.openMine(r, s, "own record: a copy")
	if err != nil {
		return err
	}
	content, err := h.Access.OwnFile(r.Context(), s, m.grant, r.PathValue("case"), r.PathValue("file"))
	if err != nil {
		return fault.E("web.myCopy", err)
	}
	return h.giveCopy(w, r.PathValue("file"), content)
}

// giveCopy hands a file over. The page has no script, and is of an origin of its own.
func (h *Web) giveCopy(w http.ResponseWriter, name string, content []byte) error {
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'")
	switch name {
	case rights.CopyPage:
		head.Set("Content-Type", "text/html; charset=utf-8")
		head.Set("Content-Disposition", `inline; filename="`+name+`"`)
	case rights.ListFile, rights.StatementFile:
		head.Set("Content-Type", "application/json")
		head.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	default:
		head.Set("Content-Type", "application/fhir+json")
		head.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	}
	_, err := w.Write(content)
	return err
}

// whoseCopy is who a case is about, on a copy of theirs.
func whoseCopy(v *record.View) string {
	p := person(v.Person)
	if p.Number.IsZero() {
		return p.Name.Plain()
	}
	return p.Name.Plain() + ", NHS number " + p.Number.Spaced()
}

// listed fills what a disposal would destroy, person by person.
func (h *Web) listed(r *http.Request, s policy.Subject, c *rights.Case, p *page.CasePage) error {
	b, err := h.Access.CaseFile(r.Context(), s, c.ID, rights.ListFile)
	if err != nil {
		return err
	}
	var list rights.List
	if err := json.Unmarshal(b, &list); err != nil {
		return fault.E("web.listed", fault.Exception, err)
	}
	p.More = list.More
	for _, x := range list.People {
		one := rights.List{People: []rights.OfPerson{x}}
		var items []string
		for _, kind := range slices.Sorted(maps.Keys(one.Kinds())) {
			items = append(items, strconv.Itoa(one.Kinds()[kind])+" "+kind)
		}
		row := page.ListedRow{Citizen: x.Citizen, Source: string(x.Source), What: "a part", Items: strings.Join(items, ", ")}
		if x.Due != "" {
			row.Due = view.ParseDate(x.Due).Pro()
		}
		if x.Whole {
			row.What = "all that is kept there"
		}
		p.Listed = append(p.Listed, row)
	}
	return nil
}
