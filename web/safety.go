package web

import (
	"net/http"
	"strconv"

	"selda/access"
	"selda/fault"
	"selda/policy"
	"selda/web/page"
)

// quietly has the answer to somebody in safety mode be one that says nothing outside
// the page itself (G11).
func (h *Web) quietly(a *answer, r *http.Request, s policy.Subject) error {
	_, m, err := h.Access.MySafety(r.Context(), s)
	if err != nil {
		return fault.E("web.quietly", err)
	}
	a.quiet = m.On
	return nil
}

// settings is a citizen's page of the safety mode.
func (h *Web) settings(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	return h.showSettings(w, r, s, http.StatusOK, "", "")
}

func (h *Web) showSettings(w http.ResponseWriter, r *http.Request, s policy.Subject, status int, saved, problem string) error {
	own, m, err := h.Access.MySafety(r.Context(), s)
	if err != nil {
		return fault.E("web.settings", err)
	}
	if own == "" {
		return fault.E("web.settings", fault.NotFound, "there is no such page")
	}
	p := page.SafetyPage{Frame: h.frame(s, "Settings"), Action: "/me/settings", Saved: saved, Error: problem}
	fillSafety(&p, m, func() string {
		if m.Staff {
			return "It was turned on for you on " + plainDay(m.At) + " by " + m.By + "."
		}
		return "You turned it on, or changed it, on " + plainDay(m.At) + "."
	})
	if a, ok := w.(*answer); ok {
		a.quiet = m.On
	}
	h.render(w, status, page.Settings(p))
	return nil
}

func fillSafety(p *page.SafetyPage, m access.Safety, since func() string) {
	p.On, p.From, p.To, p.OwnMail = m.On, m.From, m.To, m.OwnMail
	if m.On {
		p.Since = since()
	}
}

// setSafety is what a citizen chooses there: one tap turns it on.
func (h *Web) setSafety(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.setSafety"
	_, m, err := h.Access.MySafety(r.Context(), s)
	if err != nil {
		return fault.E(op, err)
	}
	saved := "Safety mode is on. No messages come unless you choose when."
	switch r.PostForm.Get("mode") {
	case "on":
		m = access.Safety{On: true}
	case "off":
		m, saved = access.Safety{}, "Safety mode is off."
	case "notices":
		from, err1 := strconv.Atoi(r.PostForm.Get("from"))
		to, err2 := strconv.Atoi(r.PostForm.Get("to"))
		if err1 != nil || err2 != nil || from > to {
			return h.showSettings(w, r, s, http.StatusUnprocessableEntity, "", "Choose a first hour that is before the last one")
		}
		m.On, m.From, m.To, m.OwnMail = true, from, to, r.PostForm.Get("own") == "yes"
		saved = "Saved."
	default:
		return fault.E(op, fault.Value, "choose on or off", "mode")
	}
	if err := h.Access.SetMySafety(r.Context(), s, m); err != nil {
		return fault.E(op, err)
	}
	return h.showSettings(w, r, s, http.StatusOK, saved, "")
}

// safetyFor is where who cares for somebody turns it on for them, on a ground.
func (h *Web) safetyFor(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.safetyFor"
	o, err := h.open(r, s, "record: safety mode")
	if err != nil {
		return err
	}
	if !access.MaySetSafety(s, o.grant) {
		return fault.E(op, fault.Security, "who cares for this person does this for them")
	}
	status, saved, problem := http.StatusOK, "", ""
	if r.Method == http.MethodPost {
		m := access.Safety{On: r.PostForm.Get("mode") == "on"}
		switch err := h.Access.SetSafety(r.Context(), s, o.grant, m, r.PostForm.Get("ground")); {
		case fault.Is(err, fault.Value):
			status, problem = http.StatusUnprocessableEntity, "Choose why you do this"
		case err != nil:
			return fault.E(op, err)
		case m.On:
			saved = "It is on."
		default:
			saved = "It is off."
		}
	}
	m, err := h.Access.Safety(r.Context(), o.v.Citizen)
	if err != nil {
		return fault.E(op, err)
	}
	rp := h.recordPage(o, "safety")
	p := page.SafetyPage{Frame: rp.Frame, Banner: rp.Banner, Base: o.base, Action: o.base + "/safety", Saved: saved, Error: problem}
	p.Frame.Title = p.Banner.Name.Pro() + ", Safety mode"
	fillSafety(&p, m, func() string {
		if !m.Staff {
			return "They turned it on themselves, on " + proDay(m.At) + "."
		}
		return "Turned on by " + m.By + ", on " + proDay(m.At) + "."
	})
	for _, g := range access.SafetyGrounds {
		p.Grounds = append(p.Grounds, page.Reason{Code: g.Code, Text: g.Words})
	}
	h.render(w, status, page.SafetyFor(p))
	return nil
}
