package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/audit"
	"selda/cda"
	"selda/fault"
	"selda/hl7v2"
	"selda/ingest"
	"selda/ingest/csvtofhir"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

const (
	maxTrail      = 200
	maxQuarantine = 500
)

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

// feeds is how each source is doing.
func (h *Web) feeds(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	if err := h.hasDesk(s); err != nil {
		return err
	}
	list, err := h.Desk.Feeds(r.Context(), s)
	if err != nil {
		return fault.E("web.feeds", err)
	}
	p := page.FeedsPage{Frame: h.frame(s, "Feeds")}
	for _, f := range list {
		row := page.FeedRow{Source: string(f.Source), Name: h.Name(f.Source), LastHeard: view.Since(f.LastHeard, h.Now()), Today: f.Recent, Quarantined: f.Quarantined,
			Total: f.Messages, Href: "/quarantine?source=" + string(f.Source)}
		row.State, row.Tone = feedState(f, h.Now())
		p.Feeds = append(p.Feeds, row)
	}
	slices.SortStableFunc(p.Feeds, func(a, b page.FeedRow) int { return urgency(a.Tone) - urgency(b.Tone) })
	h.render(w, http.StatusOK, page.Feeds(p))
	return nil
}

// feedState is a feed's state in a word. Red is only for what needs a hand.
func feedState(f ingest.Feed, now time.Time) (string, view.Tone) {
	quiet := now.Sub(f.LastHeard)
	switch {
	case f.RecentQuarantined > 0 && f.RecentQuarantined*10 >= f.Recent:
		return "many refused", view.Bad
	case f.RecentQuarantined > 0:
		return "some refused", view.Warn
	case quiet > 7*24*time.Hour:
		return "silent for a week", view.Warn
	case quiet > 24*time.Hour:
		return "quiet", view.Plain
	}
	return "live", view.Good
}

func urgency(t view.Tone) int {
	return slices.Index([]view.Tone{view.Bad, view.Warn, view.Plain, view.Good}, t)
}

func (h *Web) hasDesk(s policy.Subject) error {
	if h.Desk == nil || s.Role != nhs.Engineer {
		return fault.E("web.desk", fault.Security, "only the interface team may do this")
	}
	return nil
}

// quarantine is what could not be used, grouped by why and where.
func (h *Web) quarantine(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	return h.showQuarantine(w, r, s, "")
}

func (h *Web) showQuarantine(w http.ResponseWriter, r *http.Request, s policy.Subject, done string) error {
	if err := h.hasDesk(s); err != nil {
		return err
	}
	all, err := h.Desk.Quarantine(r.Context(), s, maxQuarantine)
	if err != nil {
		return fault.E("web.quarantine", err)
	}
	p := page.QuarantinePage{Frame: h.frame(s, "Quarantine"), Source: r.URL.Query().Get("source"), Done: done}
	for _, m := range all {
		if p.Source != "" && string(m.Source) != p.Source {
			continue
		}
		i := slices.IndexFunc(p.Groups, func(g page.QuarantineGroup) bool {
			return g.Source == h.Name(m.Source) && g.Reason == m.Reason && g.Place == m.Place
		})
		if i < 0 {
			i = len(p.Groups)
			p.Groups = append(p.Groups, page.QuarantineGroup{Source: h.Name(m.Source), Reason: m.Reason, Place: m.Place})
		}
		p.Groups[i].Rows = append(p.Groups[i].Rows, page.QuarantineRow{ID: m.ID, Received: view.ParseDate(m.Received.Format(time.RFC3339)), Format: dots(formats[m.Format], m.Event)})
	}
	slices.SortStableFunc(p.Groups, func(a, b page.QuarantineGroup) int { return len(b.Rows) - len(a.Rows) })
	h.render(w, http.StatusOK, page.Quarantine(p))
	return nil
}

// held is one message in quarantine, with the place marked.
func (h *Web) held(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	return h.showHeld(w, r, s, "", "")
}

func (h *Web) showHeld(w http.ResponseWriter, r *http.Request, s policy.Subject, done, problem string) error {
	if err := h.hasDesk(s); err != nil {
		return err
	}
	m, raw, err := h.Desk.Held(r.Context(), s, r.PathValue("message"))
	if err != nil {
		return fault.E("web.held", err)
	}
	p := page.HeldPage{Frame: h.frame(s, "Message "+m.ID), ID: m.ID, Source: h.Name(m.Source), Reason: m.Reason, Place: m.Place, Format: dots(formats[m.Format], m.Event),
		Received: view.ParseDate(m.Received.Format(time.RFC3339)), Action: "/quarantine/" + m.ID + "/replay", Done: done, Error: problem}
	if m.State != ingest.Quarantined && done == "" {
		p.Done = "This message is not in quarantine: it is " + m.State + "."
	}
	p.Lines = heldLines(raw, m.Place)
	h.render(w, http.StatusOK, page.Held(p))
	return nil
}

// heldLines are a message's lines with a place marked, where it can be found.
func heldLines(raw *ingest.Raw, place string) []page.Line {
	text, from, to := raw.Body, 0, 0
	switch raw.Format {
	case ingest.HL7v2:
		if msg, err := hl7v2.Parse(raw.Body); err == nil {
			if v, ok := msg.At(place); ok {
				from, to = v.Span()
			}
			text = []byte(msg.Text())
		}
	case ingest.CDA:
		if doc, err := cda.Parse(raw.Body); err == nil {
			if v, ok := doc.At(place); ok {
				text, from, to = doc.Text, v.Start, v.End
			}
		}
	case ingest.CSV:
		if v, ok := csvtofhir.At(raw.Body, raw.Row, place); ok {
			from, to = v.Start, v.End
		}
	}
	lines := marked(text, from, to)
	if len(lines) > maxLines {
		lines = lines[:maxLines]
	}
	return lines
}

func (h *Web) replay(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	if err := h.hasDesk(s); err != nil {
		return err
	}
	out, err := h.Desk.Replay(r.Context(), s, r.PathValue("message"))
	switch {
	case fault.Is(err, fault.Conflict):
		return h.showHeld(w, r, s, "", sentence(fault.Reason(err)))
	case err != nil:
		return fault.E("web.replay", err)
	case out.State == ingest.Quarantined:
		return h.showHeld(w, r, s, "", "It still can't be used: "+out.Reason)
	}
	return h.showQuarantine(w, r, s, "Message "+r.PathValue("message")+" is "+out.State+" now, with "+strconv.Itoa(len(out.Items))+" resources.")
}

func (h *Web) traceForm(w http.ResponseWriter, _ *http.Request, s policy.Subject) error {
	if err := h.hasDesk(s); err != nil {
		return err
	}
	h.render(w, http.StatusOK, page.Trace(page.TracePage{Frame: h.frame(s, "Trace")}))
	return nil
}

// trace is every stage of a message.
func (h *Web) trace(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	if err := h.hasDesk(s); err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return fault.E("web.trace", fault.TooLong, "the form did not arrive whole")
	}
	id := r.PathValue("message")
	if id == "" {
		id = strings.TrimSpace(r.PostForm.Get("id"))
	}
	p := page.TracePage{Frame: h.frame(s, "Trace"), Asked: id}
	stages, err := h.Desk.Trace(r.Context(), s, id)
	status := http.StatusOK
	switch {
	case fault.Is(err, fault.NotFound):
		p.Error, status = "There is no message or item with that number", http.StatusNotFound
	case err != nil:
		return fault.E("web.trace", err)
	}
	for _, one := range stages {
		p.ID = one.Message
		st := page.Stage{Name: one.Name, Detail: dots(one.Rule, one.Place, one.Detail)}
		if !one.At.IsZero() {
			st.At = view.ParseDate(one.At.Format(time.RFC3339)).ProTime() + one.At.Format(":05")
		}
		switch one.Name {
		case "quarantined", "left":
			st.Tone = view.Warn
		case "committed":
			st.Tone = view.Good
		}
		p.Stages = append(p.Stages, st)
	}
	h.render(w, status, page.Trace(p))
	return nil
}
