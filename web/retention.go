package web

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/rights"
	"selda/web/page"
)

// Disposals is what is decided about how long things are kept.
type Disposals interface {
	RetentionRules() (*rights.Schedule, error)
	Holds(ctx context.Context, s policy.Subject) ([]rights.Hold, error)
	AddHold(ctx context.Context, s policy.Subject, h rights.Hold) (id string, err error)
	AskReleaseHold(ctx context.Context, s policy.Subject, id, why string) error
	ReleaseHold(ctx context.Context, s policy.Subject, id string) error
}

// retention is how long things are kept, and what is held beyond that (G18).
func (h *Web) retention(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	return h.showRetention(w, r, s, "", nil)
}

func (h *Web) showRetention(w http.ResponseWriter, r *http.Request, s policy.Subject, done string, problem error) error {
	const op = "web.retention"
	if h.Disposals == nil {
		return fault.E(op, fault.NotFound, "there is no such page")
	}
	list, err := h.Disposals.Holds(r.Context(), s)
	if err != nil {
		return fault.E(op, err)
	}
	schedule, err := h.Disposals.RetentionRules()
	if err != nil {
		return fault.E(op, err)
	}
	now := h.Now()
	p := page.RetentionPage{Frame: h.frame(s, "Retention and holds"), Organisation: h.organisation(s.Organisation), Schedule: schedule.Name, Code: schedule.Code, Done: done, Tomorrow: now.AddDate(0, 0, 1).Format(time.DateOnly)}
	for i := range schedule.Rules {
		x := &schedule.Rules[i]
		p.Rules = append(p.Rules, page.RetentionRow{Class: x.Class, Words: strings.ReplaceAll(x.Words(), "you were", "the person was") + ".", Because: x.Because})
	}
	for i := range list {
		row := h.holdRow(&list[i], s, now)
		if list[i].Holds(now) {
			p.Holds = append(p.Holds, row)
		} else {
			p.Ended = append(p.Ended, row)
		}
	}
	status := http.StatusOK
	if problem != nil {
		status, p.Error, p.ErrorAt = http.StatusUnprocessableEntity, strings.TrimSuffix(sentence(fault.Reason(problem)), "."), cmp.Or(fault.PlaceOf(problem), "main")
		f := r.PostForm
		p.Form = page.HoldForm{What: f.Get("what"), Number: f.Get("number"), Case: f.Get("case"), Source: f.Get("source"), Why: f.Get("why"), Until: f.Get("until")}
	}
	h.render(w, status, page.Retention(p))
	return nil
}

func (h *Web) holdRow(x *rights.Hold, s policy.Subject, now time.Time) page.HoldRow {
	row := page.HoldRow{ID: x.ID, What: "Record " + x.Citizen, Why: x.Why, By: dots(x.By.Name, x.By.Role.Title()), From: proDay(x.From), Until: "until two people end it"}
	switch {
	case x.Case != "":
		row.What, row.Href = "Case "+x.Case, "/privacy/cases/"+x.Case
	case x.Source != "" && x.Source.System() == "":
		row.What = "All that " + h.organisation(x.Source.Organisation()) + " keeps"
	case x.Source != "":
		row.What = "All of " + h.Name(x.Source) + " (" + string(x.Source) + ")"
	}
	if !x.Until.IsZero() {
		row.Until = "until the end of " + proDay(x.Until.Add(-time.Hour))
	}
	switch {
	case !x.Ended.IsZero():
		row.Until = dots("ended on "+proDay(x.Ended), x.EndAsked.Name+" asked, "+x.EndedBy.Name+" agreed", x.EndWhy)
	case !x.Holds(now):
		row.Until = "ended on " + proDay(x.Until.Add(-time.Hour)) + ", its last day"
	case x.EndAsked.User != "":
		row.Asked = x.EndAsked.Name + " asked on " + proDay(x.EndAskedAt) + " that it ends: " + x.EndWhy
		row.Agree = x.EndAsked.User != s.User
	default:
		row.Ask = true
	}
	return row
}

// hold puts a hold, asks that one ends, or agrees to that.
func (h *Web) hold(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.hold"
	if h.Disposals == nil {
		return fault.E(op, fault.NotFound, "there is no such page")
	}
	ctx, f, done := r.Context(), r.PostForm, "It is held, from now on."
	var err error
	switch {
	case f.Get("agree") != "":
		done, err = "It does not stop a disposal any more.", h.Disposals.ReleaseHold(ctx, s, f.Get("agree"))
	case f.Get("end") != "":
		done, err = "It is asked. It goes on until another person agrees.", h.Disposals.AskReleaseHold(ctx, s, f.Get("end"), f.Get("why"))
	default:
		var x rights.Hold
		if x, err = h.heldBy(ctx, r); err == nil {
			_, err = h.Disposals.AddHold(ctx, s, x)
		}
	}
	switch fault.KindOf(err) {
	case fault.Value, fault.NotFound, fault.Conflict, fault.Required:
		if err != nil {
			return h.showRetention(w, r, s, "", err)
		}
	}
	if err != nil {
		return fault.E(op, err)
	}
	return h.showRetention(w, r, s, done, nil)
}

// heldBy reads the form of a hold.
func (h *Web) heldBy(ctx context.Context, r *http.Request) (x rights.Hold, err error) {
	const op = "web.hold"
	f := r.PostForm
	x.Why = f.Get("why")
	if x.Until, err = rights.HeldUntil(strings.TrimSpace(f.Get("until"))); err != nil {
		return x, err
	}
	switch what := f.Get("what"); what {
	case "person":
		n, err := nhs.ParseNumber(f.Get("number"))
		if err != nil {
			return x, fault.E(op, fault.Value, "write the NHS number: 10 digits", "number")
		}
		if x.Citizen, err = h.Access.ByNumber(ctx, n); fault.Is(err, fault.NotFound) {
			return x, fault.E(op, fault.NotFound, "nothing is kept here of a person with this number", "number")
		}
		return x, err
	case "case":
		if x.Case = strings.TrimSpace(f.Get("case")); x.Case == "" {
			return x, fault.E(op, fault.Value, "write the number of the case", "case")
		}
	case "source":
		org, system, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(f.Get("source"))), ":")
		if _, err := nhs.ParseODS(org); err != nil {
			return x, fault.E(op, fault.Value, "write the source as RJZ:PAS, or RJZ for all of an organisation", "source")
		}
		x.Source = nhs.Source(org + ":" + system)
	default:
		return x, fault.E(op, fault.Value, "choose what is held", "what")
	}
	return x, nil
}
