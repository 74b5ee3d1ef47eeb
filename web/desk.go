package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

const maxTrail = 200

// privacy is what a privacy officer should look at first: emergency accesses
// of the own organisation's users, then refusals.
func (h *Web) privacy(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.privacy"
	ctx := r.Context()
	if _, err := h.Access.OpenTrail(ctx, s, "emergency accesses and refusals"); err != nil {
		return fault.E(op, err)
	}
	p := page.PrivacyPage{Frame: h.frame(s, "To review"), Organisation: h.organisation(s.Organisation)}
	broken, err := h.Access.Trail.Find(ctx, audit.Query{Organisation: s.Organisation, Action: audit.BreakGlass, Limit: maxTrail})
	if err != nil {
		return fault.E(op, err)
	}
	for _, e := range broken {
		p.Queue = append(p.Queue, page.Case{At: at(e), Who: e.Name, Role: e.Role.Title(), Citizen: e.Citizen, What: "Emergency access", Reason: e.Reason, Tone: view.Bad,
			Facts: h.facts(e, broken), Href: "/privacy/trail?near=" + strconv.FormatUint(e.Seq, 10)})
	}
	read, err := h.Access.Trail.Find(ctx, audit.Query{Organisation: s.Organisation, Action: audit.Read, Limit: maxTrail})
	if err != nil {
		return fault.E(op, err)
	}
	for _, e := range read {
		if e.Outcome == audit.Deny {
			p.Queue = append(p.Queue, page.Case{At: at(e), Who: e.Name, Role: e.Role.Title(), Citizen: e.Citizen, What: "Refused", Reason: list(e.Rules), Tone: view.Warn,
				Href: "/privacy/trail?near=" + strconv.FormatUint(e.Seq, 10)})
		}
	}
	h.render(w, http.StatusOK, page.Privacy(p))
	return nil
}

func at(e audit.Entry) view.Date { return view.ParseDate(e.At.Format(time.RFC3339)) }

// facts are what raised an emergency access in the queue.
func (h *Web) facts(e audit.Entry, all []audit.Entry) []string {
	var out []string
	if e.Outcome == audit.Deny {
		out = append(out, "It was refused: the role may not do this")
	}
	if hour := at(e).At.Hour(); hour < 6 || hour >= 22 {
		out = append(out, "It was at night")
	}
	n := 0
	for _, o := range all {
		if o.User == e.User && e.At.Sub(o.At).Abs() < 7*24*time.Hour {
			n++
		}
	}
	if n > 2 {
		out = append(out, strconv.Itoa(n)+" emergency accesses by this user within a week")
	}
	return out
}

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
	q := audit.Query{Organisation: s.Organisation, User: strings.TrimSpace(r.PostForm.Get("user")), Limit: maxTrail}
	if q.Organisation == "" {
		return fault.E(op, fault.Security, "the account has no organisation")
	}
	p := page.PrivacyPage{Frame: h.frame(s, "Trail"), Organisation: h.organisation(s.Organisation), ShowTrail: true, Query: page.TrailQuery{User: q.User}}
	entries, err := h.Access.Trail.Find(ctx, q)
	if err == nil && r.Form.Get("near") != "" {
		entries, err = h.near(r, q, entries)
	}
	if err != nil {
		return fault.E(op, err)
	}
	for _, e := range entries {
		row := page.TrailRow{At: at(e), Who: e.Name, Role: e.Role.Title(), Did: dots(e.Action, e.What), Citizen: e.Citizen, Purpose: string(e.Purpose), Rules: list(e.Rules),
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

// near is what the user of one entry did within an hour of it.
func (h *Web) near(r *http.Request, q audit.Query, entries []audit.Entry) ([]audit.Entry, error) {
	seq, err := strconv.ParseUint(r.Form.Get("near"), 10, 64)
	if err != nil {
		return entries, nil
	}
	all, err := h.Access.Trail.Find(r.Context(), audit.Query{Organisation: q.Organisation, Limit: 5000})
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(e audit.Entry) bool { return e.Seq == seq })
	if i < 0 {
		return nil, fault.E("web.near", fault.NotFound, "there is no such entry in this trail")
	}
	q.User, q.From, q.To = all[i].User, all[i].At.Add(-time.Hour), all[i].At.Add(time.Hour)
	return h.Access.Trail.Find(r.Context(), q)
}
