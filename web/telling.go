package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"selda/access"
	"selda/audit"
	"selda/fault"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// This file is what a privacy officer and a Caldicott guardian do about telling a
// person of an emergency access (G9).

// telling says whether the person is told of an emergency access, and what the reader
// may do about it. Nobody decides about what they did themselves.
func (h *Web) telling(ctx context.Context, s policy.Subject, e audit.Entry) (*page.Telling, error) {
	kept, err := h.Access.Kept(ctx, e.Citizen)
	if err != nil {
		return nil, err
	}
	now := h.Now()
	t := &page.Telling{State: "The person has been told, in their list of who has looked.", Soonest: now.AddDate(0, 0, 1).Format("2006-01-02"), Latest: now.Add(access.MostDeferred).Format("2006-01-02")}
	if e.Concealed {
		t.State = "The person is not told: it was a safeguarding enquiry."
		return t, nil
	}
	for _, g := range access.Grounds {
		t.Grounds = append(t.Grounds, page.Reason{Code: g.Code, Text: g.Words})
	}
	base := "/privacy/telling/"
	var open *access.Deferral
	for i := range kept.Deferrals {
		if d := &kept.Deferrals[i]; d.About == e.Seq && d.InForce(now) {
			open = d
		}
	}
	mine := e.User == s.User
	switch {
	case open == nil && !mine:
		t.Defer = base + strconv.FormatUint(e.Seq, 10)
	case open != nil && open.Agreed == "":
		t.State = "Telling the person is put off by " + open.Name + " until " + dayWords(open.Until()) + ", unless another person agrees: then until " + dayWords(open.Review) + ". Ground: " + open.Ground + "."
		if open.By != s.User && !mine {
			t.Agree = base + strconv.FormatUint(open.Seq, 10) + "/agree"
		}
	case open != nil:
		t.State = "Telling the person is put off until " + dayWords(open.Review) + " by " + open.Name + ", and " + open.Agreed + " agrees. Ground: " + open.Ground + "."
	}
	if open != nil && !mine {
		t.End = base + strconv.FormatUint(open.Seq, 10) + "/end"
	}
	if !mine {
		t.Shield = base + strconv.FormatUint(e.Seq, 10) + "/shield"
	}
	return t, nil
}

func dayWords(t time.Time) string { return view.ParseDate(t.Format(time.RFC3339)).Pro() }

// tell does what a form of the page asks: puts telling off, agrees, ends it, keeps a name.
func (h *Web) tell(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.tell"
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	seq, err := strconv.ParseUint(r.PathValue("entry"), 10, 64)
	if err != nil {
		return fault.E(op, fault.NotFound, "there is no such entry")
	}
	until, _ := time.Parse("2006-01-02", r.PostForm.Get("until"))
	ctx, ground, done := r.Context(), r.PostForm.Get("ground"), ""
	switch r.PathValue("act") {
	case "":
		err, done = h.Access.DeferTelling(ctx, s, seq, ground, until), "Telling the person is put off for three days. It stays so until the review date when another person agrees."
	case "agree":
		err, done = h.Access.AgreeToDefer(ctx, s, seq, true), "It is put off until the review date. Then the person is told."
	case "end":
		err, done = h.Access.AgreeToDefer(ctx, s, seq, false), "The person is told now."
	case "shield":
		err, done = h.Access.ShieldName(ctx, s, seq, ground, until), "The person sees the role and the organisation, and not the name."
	default:
		return fault.E(op, fault.NotFound, "there is no such page")
	}
	if fault.Is(err, fault.Value) {
		return h.showQueue(w, r, s, http.StatusUnprocessableEntity, "", sentence(fault.Reason(err)))
	}
	if err != nil {
		return fault.E(op, err)
	}
	return h.showQueue(w, r, s, http.StatusOK, done, "")
}
