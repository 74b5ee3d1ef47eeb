package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"selda/access"
	"selda/death"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
)

// askAgain is how long before the end of a finding that somebody is alive it is asked
// for again: else a wrong statement would count once more, and nobody would know why.
const askAgain = 30 * 24 * time.Hour

// endsSoon is the end of such a finding, where it is near.
func (h *Web) endsSoon(o *opened) (time.Time, bool) {
	until := o.grant.Decision().AliveUntil
	return until, !until.IsZero() && until.Sub(h.Now()) <= askAgain
}

// aliveEnding asks the registered practice to say again that somebody is alive.
func (h *Web) aliveEnding(o *opened) string {
	until, soon := h.endsSoon(o)
	if !soon || !access.MayStateFor(o.subject, o.grant) {
		return ""
	}
	return "A source still states that they have died. That this is wrong is recorded until " + proDay(until) + ": from then on it would count, and end their own access. If they are alive, say so again before."
}

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
