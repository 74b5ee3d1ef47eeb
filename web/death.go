package web

import (
	"net/http"
	"slices"
	"strings"

	"selda/death"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
)

// death is where a practice sees what sources state of somebody's death, and says
// that it is wrong.
func (h *Web) death(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.death"
	o, err := h.open(r, s, "record: what is stated of a death")
	if err != nil {
		return err
	}
	problem, status, saved := "", http.StatusOK, false
	if r.Method == http.MethodPost {
		by, err := nhs.ParseSource(r.PostFormValue("by"))
		if err != nil {
			return fault.E(op, fault.Value, "choose whose statement is wrong", "by")
		}
		f, err := h.Access.RefuteDeath(r.Context(), s, o.grant, by, r.PostFormValue("reason"))
		if err == nil {
			err = h.commit(r.Context(), f)
		}
		switch {
		case err == nil: // the record is opened again, as it is now
			if o, err = h.open(r, s, "record: what is stated of a death"); err != nil {
				return err
			}
			saved = true
		case fault.Is(err, fault.Value):
			problem, status = strings.TrimSuffix(sentence(fault.Reason(err)), "."), http.StatusUnprocessableEntity
		default:
			return fault.E(op, err)
		}
	}
	stated, found, err := h.Access.Deaths(r.Context(), s, o.grant)
	if err != nil {
		return fault.E(op, err)
	}
	rp := h.recordPage(o, "death")
	p := page.DeathPage{Frame: rp.Frame, Banner: rp.Banner, Base: o.base, Error: problem, Saved: saved}
	for _, d := range stated {
		when := "Stated here on " + proDay(d.Stated)
		if !d.At.IsZero() {
			when = "Died " + proDay(d.At) + ". " + when
		}
		wrong := slices.ContainsFunc(found, func(f death.Finding) bool { return f.Refuted.By == d.By && h.Now().Before(f.Until) })
		p.Stated = append(p.Stated, page.DeathStated{Source: h.Name(d.By), Code: string(d.By), When: when, Wrong: wrong})
	}
	for _, f := range found {
		p.Found = append(p.Found, proDay(f.From)+": "+f.By+" found that "+h.Name(f.Refuted.By)+" is wrong, until "+proDay(f.Until)+". "+f.Reason)
	}
	h.render(w, status, page.Death(p))
	return nil
}
