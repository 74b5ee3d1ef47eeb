package web

import (
	"net/http"

	"selda/access"
	"selda/consent"
	"selda/fault"
	"selda/policy"
	"selda/web/page"
)

// behalfTexts say what a choice is to who states it for somebody.
var behalfTexts = map[string]string{"share": "Takes back what was asked for before, by them or for them.", "object": "Each service sees only what it wrote itself.",
	"organisation": "Some services don't see what others wrote.", "kind": "For example, only their letters, or only their test results."}

// openBehalf opens a record to state a choice for the one whom it is about.
func (h *Web) openBehalf(r *http.Request, s policy.Subject) (*sharer, *page.BehalfPage, error) {
	o, err := h.open(r, s, "record: sharing choices")
	if err != nil {
		return nil, nil, err
	}
	if !access.MayStateFor(s, o.grant) {
		return nil, nil, fault.E("web.behalf", fault.Security, "the registered practice states this for a person: a doctor, a nurse or the front desk there")
	}
	rp := h.recordPage(o, "sharing")
	p := &page.BehalfPage{Frame: rp.Frame, Banner: rp.Banner, Base: o.base}
	p.Frame.Title = p.Banner.Name.Pro() + ", Sharing choices"
	return &sharer{opened: o, h: h, now: h.Now(), action: o.base + "/sharing", behalf: true}, p, nil
}

// sharingFor is the page by which staff state a choice for a citizen. It says
// nothing of what the citizen has decided before: that is not for staff to see.
func (h *Web) sharingFor(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	c, p, err := h.openBehalf(r, s)
	if err != nil {
		return err
	}
	p.Sharing = *c.start()
	p.Sharing.Behalf = p.Banner.Name.Plain()
	h.render(w, http.StatusOK, page.Behalf(*p))
	return nil
}

// stateFor goes on with a choice that is stated for a citizen.
func (h *Web) stateFor(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.stateFor"
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	c, p, err := h.openBehalf(r, s)
	if err != nil {
		return err
	}
	sharing, saved, err := c.step(r)
	if err != nil {
		return fault.E(op, err)
	}
	if saved != "" {
		sharing = c.start()
		sharing.Saved = saved
	}
	status := http.StatusOK
	if sharing.Error != "" {
		status = http.StatusUnprocessableEntity
	}
	p.Sharing = *sharing
	p.Sharing.Behalf = p.Banner.Name.Plain()
	h.render(w, status, page.Behalf(*p))
	return nil
}

// authorised reads on what authority a choice is stated for somebody.
func (c *sharer) authorised(r *http.Request, d *draft) (problem string) {
	a, known := consent.AuthorityOf(r.PostForm.Get("authority"))
	if d.authority = a; !known {
		return "Choose on what authority you state this"
	}
	if d.evidence == "" || len(d.evidence) > 200 {
		return "Write what you saw or checked, in at most 200 letters"
	}
	return ""
}

// saveFor writes what is stated for a citizen, with who stated it and why.
func (c *sharer) saveFor(r *http.Request, d draft) error {
	const op = "web.saveFor"
	number := person(c.v.Person).Number
	if number.IsZero() {
		return fault.E(op, fault.Conflict, "no NHS number is known of this person: the statement can't be filed")
	}
	origin := consent.Origin{User: c.subject.User, Name: c.subject.Name + ", " + c.subject.Role.Title(), Organisation: c.subject.Organisation, Authority: d.authority, Evidence: d.evidence, At: c.now}
	if err := c.h.Access.StateFor(r.Context(), c.subject, c.grant, origin); err != nil {
		return fault.E(op, err)
	}
	return c.h.submit(r, "POST Consent", consentOf(&d, number, origin), c.v.Citizen)
}
