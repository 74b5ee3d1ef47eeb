package region

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"

	"selda/access"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/rights"
)

// This file is what stops a disposal (G18). One person puts a hold, which is in force at once;
// that it ends one person asks for and another agrees to.

func whoIs(s policy.Subject) rights.Who {
	return rights.Who{User: s.User, Name: s.Name, Role: s.Role, Organisation: s.Organisation}
}

// Hold stops disposal.
func (r *Region) Hold(ctx context.Context, s policy.Subject, h rights.Hold) error {
	if err := r.Access.HoldsDisposal(ctx, s, "stops disposal", h.Citizen); err != nil {
		return err
	}
	const op = "region.Hold"
	if s.Role != nhs.Operator && h.Source != "" && h.Source.Organisation() != s.Organisation {
		return fault.E(op, fault.Value, "hold what your own organisation keeps", "source")
	}
	if h.Case != "" {
		list, err := r.Store.Cases(ctx, access.CaseQuery{ID: h.Case, Limit: 1})
		if err != nil {
			return fault.E(op, err)
		}
		if len(list) == 0 || s.Role != nhs.Operator && list[0].Controller != s.Organisation {
			return fault.E(op, fault.NotFound, "your organisation has no such case", "case")
		}
	}
	h.By, h.From = whoIs(s), r.Now()
	return r.disposals().Hold(h)
}

// AddHold is Hold with an id that is made.
func (r *Region) AddHold(ctx context.Context, s policy.Subject, h rights.Hold) (string, error) {
	h.ID = strings.ToLower(rand.Text()[:8])
	return h.ID, r.Hold(ctx, s, h)
}

// AskReleaseHold asks that a hold ends.
func (r *Region) AskReleaseHold(ctx context.Context, s policy.Subject, id, why string) error {
	return r.changeHold(ctx, s, id, "asks that disposal is not stopped any more", func(h rights.Hold) (rights.Hold, error) { return h.AskEnd(whoIs(s), why, r.Now()) })
}

// ReleaseHold ends a hold, as another person has asked.
func (r *Region) ReleaseHold(ctx context.Context, s policy.Subject, id string) error {
	return r.changeHold(ctx, s, id, "no longer stops disposal", func(h rights.Hold) (rights.Hold, error) { return h.End(whoIs(s), r.Now()) })
}

func (r *Region) changeHold(ctx context.Context, s policy.Subject, id, what string, f func(rights.Hold) (rights.Hold, error)) error {
	list, err := r.disposals().Holds()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(h rights.Hold) bool { return h.ID == id && holdOf(&h, s) })
	citizen := ""
	if i >= 0 {
		citizen = list[i].Citizen
	}
	if err := r.Access.HoldsDisposal(ctx, s, what, citizen); err != nil {
		return err
	}
	if i < 0 {
		return fault.E("region.changeHold", fault.NotFound, "your organisation has no such hold")
	}
	return r.disposals().Change(id, f)
}

// holdOf says whether a hold is somebody's organisation's: it has put it, or it is of what it keeps.
func holdOf(h *rights.Hold, s policy.Subject) bool {
	return s.Role == nhs.Operator || h.By.Organisation == s.Organisation || h.Source != "" && h.Source.Organisation() == s.Organisation
}

// Holds are the holds of somebody's organisation, the latest first; the operator's are all.
func (r *Region) Holds(ctx context.Context, s policy.Subject) ([]rights.Hold, error) {
	if err := r.Access.HoldsDisposal(ctx, s, "holds", ""); err != nil {
		return nil, err
	}
	list, err := r.disposals().Holds()
	list = slices.DeleteFunc(list, func(h rights.Hold) bool { return !holdOf(&h, s) })
	slices.Reverse(list)
	return list, err
}

// RetentionRules is the retention schedule in force.
func (r *Region) RetentionRules() (*rights.Schedule, error) {
	_, s, err := r.disposals().Schedule()
	return s, err
}
