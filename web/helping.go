package web

import (
	"context"
	"net/http"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
)

// This file has a citizen act for somebody else from their own account: what is below
// /for/ is that person's, and nothing of their own is with it (G11).

const helpedPath = "/for/"

// ownTooKey says of a request below /for/ that who asks has a record of their own.
type ownTooKey struct{}

// helping is who asks, as they are on a page of somebody whom they help.
func (h *Web) helping(r *http.Request, s policy.Subject) (*http.Request, policy.Subject, error) {
	helping, err := h.Access.Helping(r.Context(), s)
	if err != nil {
		return r, s, fault.E("web.helping", err)
	}
	if helping.Role != s.Role {
		r = r.WithContext(context.WithValue(r.Context(), ownTooKey{}, true))
	}
	return r, helping, nil
}

func ownToo(ctx context.Context) bool { own, _ := ctx.Value(ownTooKey{}).(bool); return own }

// alsoHelps names on a citizen's first page those whom they help.
func (h *Web) alsoHelps(ctx context.Context, m *mine) error {
	if m.subject.Role != nhs.Citizen {
		return nil
	}
	if ids, err := h.Access.Helped(ctx, m.subject); err != nil || len(ids) == 0 {
		return err
	}
	s, err := h.Access.Helping(ctx, m.subject)
	if err == nil {
		m.p.People, err = h.helped(ctx, s)
	}
	return err
}

// helped are those for whom an account acts now, by name.
func (h *Web) helped(ctx context.Context, s policy.Subject) (out []page.Link, err error) {
	const op = "web.helped"
	ids, err := h.Access.Helped(ctx, s)
	if err != nil {
		return nil, fault.E(op, err)
	}
	for _, id := range ids {
		g, err := h.Access.Record(ctx, s, id, "who it is")
		if fault.Is(err, fault.Security) {
			continue // it has ended, or is not evidenced
		}
		if err != nil {
			return nil, fault.E(op, err)
		}
		v, err := h.Records.Open(ctx, g, "Patient")
		if err != nil {
			return nil, fault.E(op, err)
		}
		out = append(out, page.Link{Href: helpedPath + id, Text: person(v.Person).Name.Plain()})
	}
	return out, nil
}
