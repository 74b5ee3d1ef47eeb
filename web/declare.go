package web

import (
	"errors"
	"net/http"
	"time"

	"selda/access"
	"selda/auth"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
)

// declarations are what a user may say about being involved now (G7).
var declarations = []page.Reason{
	{Code: "here", Text: "The patient is in front of me, or on the telephone"},
	{Code: "caring", Text: "I am caring for the patient now, and they are not here"},
	{Code: "asked", Text: "A colleague who cares for the patient has asked me for advice"},
}

// reviewing is what who reviews a death says instead (G20).
var reviewing = []page.Reason{{Code: "case", Text: "I review this person’s death: the case was referred to me or my office"}}

// declarable are those that a role chooses from.
func declarable(r nhs.Role) []page.Reason {
	if auth.Purpose(r) == nhs.DecedentReview {
		return reviewing
	}
	return declarations
}

// askDeclare asks for a relationship, or says that there is no way in.
func (h *Web) askDeclare(w http.ResponseWriter, r *http.Request, s policy.Subject, d *access.Denied, problem string) error {
	if !d.Decision.MayDeclare && !d.Decision.MayBreakGlass {
		return fault.E("web.declare", fault.Security, d.Decision.Reason)
	}
	ask := "Are you caring for this person now?"
	reviews := auth.Purpose(s.Role) == nhs.DecedentReview
	if reviews {
		ask = "Do you review this person’s death?"
	}
	p := page.DeclarePage{Frame: h.frame(s, ask), Action: "/record/" + d.Citizen + "/declare", Death: reviews, Error: problem}
	if r.Pattern != "POST /record/{id}/declare" {
		p.Kept = written(r)
	}
	// Who it is, by name and number and no more: two tabs are not mistaken for each other.
	b, err := h.who(r, s, d.Citizen)
	if err != nil {
		return err
	}
	p.Banner = b
	if d.Decision.MayDeclare {
		p.Why = declarable(s.Role)
	}
	if d.Decision.MayBreakGlass {
		p.Break = "/record/" + d.Citizen + "/emergency"
	}
	status := http.StatusForbidden
	if problem != "" {
		status = http.StatusUnprocessableEntity
	}
	h.render(w, status, page.Declare(p))
	return nil
}

// who is a citizen as a search would show them.
func (h *Web) who(r *http.Request, s policy.Subject, citizen string) (page.Banner, error) {
	g, err := h.Access.Search(r.Context(), s, "demographics of a person")
	if err != nil {
		return page.Banner{}, fault.E("web.who", err)
	}
	v, err := h.Records.Demographics(r.Context(), g, h.Access.Index, citizen)
	if err != nil {
		return page.Banner{}, fault.E("web.who", err)
	}
	p := person(v.Person)
	return page.Banner{Person: p, Citizen: v.Citizen, Age: p.Age(h.Now())}, nil
}

func (h *Web) declare(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.declare"
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	id := r.PathValue("id")
	for _, why := range declarable(s.Role) {
		if why.Code == r.PostForm.Get("why") {
			if err := h.Access.Declare(r.Context(), s, id, why.Text); err != nil {
				return fault.E(op, err)
			}
			http.Redirect(w, r, "/record/"+id, http.StatusSeeOther)
			return nil
		}
	}
	_, err := h.Access.Record(r.Context(), s, id, "record")
	var denied *access.Denied
	if errors.As(err, &denied) {
		return h.askDeclare(w, r, s, denied, "Say how you are involved")
	}
	if err != nil {
		return fault.E(op, err)
	}
	http.Redirect(w, r, "/record/"+id, http.StatusSeeOther)
	return nil
}

// emergencyForm is the screen of rule G9. It is there for every professional
// page, whether or not anything is hidden.
func (h *Web) emergencyForm(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	return h.askEmergency(w, r, s, http.StatusOK, "")
}

func (h *Web) askEmergency(w http.ResponseWriter, r *http.Request, s policy.Subject, status int, problem string) error {
	id := r.PathValue("id")
	b := page.BreakGlass{Action: "/record/" + id + "/emergency", Error: problem, Hours: int(policy.ClaimLasts / time.Hour)}
	for _, why := range access.Reasons {
		b.Reasons = append(b.Reasons, page.Reason{Code: why.Code, Text: why.Words})
	}
	o, err := h.open(r, s, "record: emergency access")
	var denied *access.Denied
	switch {
	case errors.As(err, &denied):
		if !denied.Decision.MayBreakGlass {
			return fault.E("web.emergency", fault.Security, "emergency access is for clinicians")
		}
		who, err := h.who(r, s, id)
		if err != nil {
			return err
		}
		p := page.RecordPage{Frame: h.frame(s, who.Name.Pro()+", Emergency access"), Banner: who, Base: "/record/" + id, Break: &b}
		h.render(w, status, page.Record(p))
		return nil
	case err != nil:
		return err
	case !o.grant.Decision().MayBreakGlass:
		return fault.E("web.emergency", fault.Security, "emergency access is for clinicians")
	}
	p := h.recordPage(o, "emergency")
	p.Break = &b
	p.Frame.Title = p.Banner.Name.Pro() + ", " + p.Heading()
	h.render(w, status, page.Record(p))
	return nil
}

func (h *Web) emergency(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	if err := r.ParseForm(); err != nil {
		return fault.E("web.emergency", fault.TooLong, "the form did not arrive whole")
	}
	id := r.PathValue("id")
	err := h.Access.BreakGlass(r.Context(), s, id, r.PostForm.Get("reason"))
	if fault.Is(err, fault.Value) {
		return h.askEmergency(w, r, s, http.StatusUnprocessableEntity, "Say why you need it")
	}
	if err != nil {
		return fault.E("web.emergency", err)
	}
	http.Redirect(w, r, "/record/"+id, http.StatusSeeOther)
	return nil
}
