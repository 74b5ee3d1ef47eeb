package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/access"
	"selda/audit"
	"selda/fault"
	"selda/internal/london"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

const maxTrail = 200

// privacy is what a privacy officer should look at first.
func (h *Web) privacy(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	return h.showQueue(w, r, s, http.StatusOK, "", "")
}

func (h *Web) showQueue(w http.ResponseWriter, r *http.Request, s policy.Subject, status int, done, problem string) error {
	const op = "web.privacy"
	ctx := r.Context()
	if _, err := h.Access.OpenTrail(ctx, s, "accesses to review"); err != nil {
		return fault.E(op, err)
	}
	accesses, reviews, err := h.Access.Reviewed(ctx, s.Organisation)
	if err != nil {
		return fault.E(op, err)
	}
	p := page.PrivacyPage{Frame: h.frame(s, "To review"), Organisation: h.organisation(s.Organisation), Done: done, Error: problem}
	for _, o := range access.Outcomes {
		p.Outcomes = append(p.Outcomes, page.Reason{Code: o.Code, Text: o.Words})
	}
	for _, c := range cases(accesses, reviews) {
		row := page.Case{At: at(c.first), Who: c.first.Name, Role: c.first.Role.Title(), Citizen: c.first.Citizen, What: c.what, Tone: c.tone, Reason: c.first.Reason, Facts: c.facts,
			Href: "/privacy/trail?near=" + strconv.FormatUint(c.first.Seq, 10), Action: "/privacy/outcome/" + strconv.FormatUint(c.first.Seq, 10)}
		if c.first.Action == audit.Ask {
			row.Who, row.Role, row.Reason = cmp.Or(c.about.Name, "An access"), c.about.Role.Title(), c.about.Reason
			row.Href = "/privacy/trail?near=" + strconv.FormatUint(c.first.About, 10)
		}
		if c.first.Action == audit.BreakGlass && c.first.Outcome == audit.Permit {
			if row.Telling, err = h.telling(ctx, s, c.first); err != nil {
				return fault.E(op, err)
			}
		}
		if c.first.Citizen != "" && c.first.User != s.User {
			row.Choices = "/privacy/choices/" + strconv.FormatUint(c.first.Seq, 10)
		}
		if n := len(c.outcomes); n > 0 {
			last := c.outcomes[0] // the latest
			row.Outcome, row.By = access.OutcomeOf(last).Words, last.Name+", "+at(last).ProTime()
		}
		switch {
		case c.closed:
			p.Reviewed = append(p.Reviewed, row)
		case c.first.User == s.User:
			row.Action = ""
			fallthrough
		default:
			p.Queue = append(p.Queue, row)
		}
	}
	h.render(w, status, page.Privacy(p))
	return nil
}

// outcome records what a review came to.
func (h *Web) outcome(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.outcome"
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	seq, err := strconv.ParseUint(r.PathValue("entry"), 10, 64)
	if err != nil {
		return fault.E(op, fault.NotFound, "there is no such entry")
	}
	err = h.Access.RecordOutcome(r.Context(), s, seq, r.PostForm.Get("outcome"))
	if fault.Is(err, fault.Value) {
		return h.showQueue(w, r, s, http.StatusUnprocessableEntity, "", "Choose what the review came to")
	}
	if err != nil {
		return fault.E(op, err)
	}
	return h.showQueue(w, r, s, http.StatusOK, "The outcome is in the trail.", "")
}

func at(e audit.Entry) view.Date { return view.ParseDate(e.At.Format(time.RFC3339)) }

// trail is the trail of the own organisation (G2). What is looked for is
// posted, since it names a user.
func (h *Web) trail(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.trail"
	ctx := r.Context()
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	if _, err := h.Access.OpenTrail(ctx, s, "the organisation's trail"); err != nil {
		return fault.E(op, err)
	}
	q, asked, err := h.trailQuery(r)
	if q.Organisation = s.Organisation; q.Organisation == "" {
		return fault.E(op, fault.Security, "the account has no organisation")
	}
	p := page.PrivacyPage{Frame: h.frame(s, "Trail"), Organisation: h.organisation(s.Organisation), ShowTrail: true, Query: asked}
	if err != nil {
		p.Error = fault.Reason(err)
		h.render(w, http.StatusUnprocessableEntity, page.Privacy(p))
		return nil
	}
	if n, err := nhs.ParseNumber(q.Citizen); err == nil { // else it is the trail's own number
		switch q.Citizen, err = h.Access.ByNumber(ctx, n); {
		case fault.Is(err, fault.NotFound):
			q.Citizen = noRecord
		case err != nil:
			return fault.E(op, err)
		}
	}
	if near := r.Form.Get("near"); near != "" {
		err = h.near(ctx, &q, near)
	}
	var entries []audit.Entry
	if err == nil {
		last := q.Before
		err = h.Access.Trail.Walk(ctx, q, func(at audit.Position, e audit.Entry) bool {
			if len(entries) == maxTrail { // there are more
				p.Query.Before = strconv.FormatInt(int64(last), 10)
				return false
			}
			entries, last = append(entries, e), at
			return true
		})
	}
	if err != nil {
		return fault.E(op, err)
	}
	for _, e := range entries {
		row := page.TrailRow{At: at(e), Who: cmp.Or(e.Name, "The person"), Role: e.Role.Title(), Did: dots(e.Action, e.What), Citizen: e.Citizen, Purpose: string(e.Purpose), Rules: list(e.Decided()),
			Outcome: e.Outcome, Number: strconv.FormatUint(e.Seq, 10)}
		if e.Outcome == audit.Deny {
			row.Tone = view.Warn
		}
		if e.Reason != "" {
			row.Rules = dots(row.Rules, "“"+e.Reason+"”")
		}
		p.Trail = append(p.Trail, row)
	}
	h.render(w, http.StatusOK, page.Privacy(p))
	return nil
}

// noRecord is no record's number: who is not here was looked at by nobody.
const noRecord = "-"

// trailActions are what the trail may be asked for, in the words of the form.
var trailActions = []page.Reason{{Code: audit.Read, Text: "Read a record"}, {Code: audit.Search, Text: "Searched"}, {Code: audit.BreakGlass, Text: "Opened a record in an emergency"},
	{Code: audit.Declare, Text: "Declared a relationship"}, {Code: audit.Create, Text: "Wrote"}, {Code: audit.Update, Text: "Changed"}, {Code: audit.Delete, Text: "Took back"}, {Code: audit.Export, Text: "Took out a copy"},
	{Code: audit.SignIn, Text: "Signed in, or was refused"}, {Code: audit.SignOut, Text: "Signed out"}, {Code: audit.Administer, Text: "Changed how things are run"}, {Code: audit.Review, Text: "Reviewed an access"}, {Code: audit.Ask, Text: "Asked about an access"}}

// trailQuery is what the form asks for.
func (h *Web) trailQuery(r *http.Request) (audit.Query, page.TrailQuery, error) {
	said := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	asked := page.TrailQuery{User: said("user"), Citizen: said("citizen"), Action: said("action"), From: said("from"), To: said("to"), Actions: trailActions}
	q := audit.Query{User: asked.User, Citizen: asked.Citizen, Action: asked.Action, Limit: maxTrail + 1}
	day := func(s string) (time.Time, error) {
		if s == "" {
			return time.Time{}, nil
		}
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			return d, fault.E("web.trail", fault.Value, "a day is written as 2026-11-05")
		}
		return time.Parse("2006-01-02-07:00", s+london.Offset(d.Year(), int(d.Month()), d.Day(), 0))
	}
	var err, err2 error
	q.From, err = day(asked.From)
	if before, err := strconv.ParseInt(said("before"), 10, 64); err == nil && before > 0 {
		q.Before, asked.Later = audit.Position(before), true
	}
	if q.To, err2 = day(asked.To); !q.To.IsZero() {
		if q.To.Before(q.From) {
			err2 = fault.E("web.trail", fault.Value, "the last day comes before the first")
		}
		q.To = q.To.Add(24 * time.Hour)
	}
	return q, asked, cmp.Or(err, err2)
}

// near narrows to what the user of one entry did within an hour of it.
func (h *Web) near(ctx context.Context, q *audit.Query, number string) error {
	none := fault.E("web.near", fault.NotFound, "there is no such entry in this trail")
	seq, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return none
	}
	e, err := h.Access.Trail.Entry(ctx, seq)
	if err != nil {
		return none
	}
	// It is one of theirs, where the trail that they may read has it.
	of := *q
	of.User, of.From, of.To, of.Limit = e.User, e.At, e.At.Add(time.Second), 1000
	theirs, err := h.Access.Trail.Find(ctx, of)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(theirs, func(x audit.Entry) bool { return x.Seq == seq }) {
		return none
	}
	q.User, q.From, q.To = e.User, e.At.Add(-time.Hour), e.At.Add(time.Hour)
	return nil
}
