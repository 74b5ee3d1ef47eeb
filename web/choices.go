package web

import (
	"net/http"
	"strconv"
	"time"

	"selda/consent"
	"selda/fault"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// choicesAt is what a citizen had chosen when somebody asked for their record,
// for who reviews that access. Items are not named: they are no part of the case.
func (h *Web) choicesAt(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.choicesAt"
	seq, err := strconv.ParseUint(r.PathValue("entry"), 10, 64)
	if err != nil {
		return fault.E(op, fault.NotFound, "there is no such entry")
	}
	stated, at, err := h.Access.ChoicesAt(r.Context(), s, seq)
	if err != nil {
		return fault.E(op, err)
	}
	title := "Sharing choices at " + view.ParseDate(at.Format(time.RFC3339)).ProTime()
	var text []string
	for _, x := range stated {
		if !x.Rule.Denies() {
			continue
		}
		who := "stated by the citizen"
		switch {
		case x.By != ownStatements:
			who = "stated by " + h.Name(x.By)
		case x.Origin.User != "":
			who = "stated for the citizen by " + x.Origin.Name + ", " + h.organisation(x.Origin.Organisation) + ": " + x.Origin.Authority.Words
		}
		words := consent.Words(x.Preference, at, consent.Names{Organisation: h.organisation, Item: func(policy.Item) string { return "" }})
		text = append(text, words+". Recorded "+view.ParseDate(x.Recorded.Format(time.RFC3339)).ProTime()+", "+who+".")
	}
	if len(text) == 0 {
		text = []string{"The citizen had asked for nothing to be kept back at that time."}
	}
	h.render(w, http.StatusOK, page.Message(page.MessagePage{Frame: h.frame(s, title), Heading: title, Text: text, Link: page.Link{Href: "/privacy", Text: "Back to what is to be reviewed"}}))
	return nil
}
