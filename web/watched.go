package web

import (
	"net/http"
	"strings"
	"time"

	"selda/access"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// watched are the records that Caldicott guardians have watched.
func (h *Web) watched(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	return h.showWatched(w, r, s, http.StatusOK, "", "")
}

func (h *Web) showWatched(w http.ResponseWriter, r *http.Request, s policy.Subject, status int, done, problem string) error {
	const op = "web.watched"
	if h.Watches == nil {
		return fault.E(op, fault.NotFound, "there is no such page")
	}
	if _, err := h.Access.OpenTrail(r.Context(), s, "watched records"); err != nil {
		return fault.E(op, err)
	}
	list, err := h.Watches.Watches()
	if err != nil {
		return fault.E(op, err)
	}
	p := page.WatchedPage{Frame: h.frame(s, "Watched records"), May: s.Role == nhs.CaldicottGuardian, Latest: h.Now().Add(access.MostWatched).Format("2006-01-02"), Done: done, Error: problem}
	for _, x := range list {
		if h.Now().Before(x.Until) {
			p.Rows = append(p.Rows, page.WatchedRow{Citizen: x.Citizen, Reason: x.Reason, By: x.By, Until: view.ParseDate(x.Until.Format("2006-01-02"))})
		}
	}
	h.render(w, status, page.Watched(p))
	return nil
}

// watch has a record watched, or ends it.
func (h *Web) watch(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.watch"
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	if h.Watches == nil {
		return fault.E(op, fault.NotFound, "there is no such page")
	}
	number, err := nhs.ParseNumber(strings.ReplaceAll(r.PostForm.Get("number"), " ", ""))
	if err != nil {
		return h.showWatched(w, r, s, http.StatusUnprocessableEntity, "", "That is not a valid NHS number")
	}
	until, _ := time.Parse("2006-01-02", r.PostForm.Get("until"))
	err = h.Access.WatchRecord(r.Context(), s, h.Watches, number, r.PostForm.Get("reason"), until)
	if fault.Is(err, fault.Value) || fault.Is(err, fault.NotFound) {
		return h.showWatched(w, r, s, http.StatusUnprocessableEntity, "", sentence(fault.Reason(err)))
	}
	if err != nil {
		return fault.E(op, err)
	}
	return h.showWatched(w, r, s, http.StatusOK, "It is kept, and in the trail.", "")
}
