package region

import (
	"cmp"
	"context"
	"slices"
	"time"

	"selda/access"
	"selda/agreement"
	"selda/agreement/register"
	"selda/audit"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/web"
)

// govern answers the pages of those who govern sharing.
type govern struct{ r *Region }

// Agreements is web.Governance's.
func (g govern) Agreements() *agreement.Set { return g.r.Agreements.Latest() }

// Revisions is web.Governance's.
func (g govern) Revisions(id string) []register.Revision { return g.r.Agreements.Revisions(id) }

// mostUses bounds how many accesses are counted.
const mostUses = 20_000

// Standing is web.Governance's.
func (g govern) Standing(ctx context.Context, s policy.Subject) (web.Standing, error) {
	var out web.Standing
	if err := g.r.Access.Govern(ctx, s, "how sharing stands"); err != nil {
		return out, err
	}
	for _, f := range g.r.Ingest.Feeds() {
		flow := web.Flow{Source: f.Source, Last: f.LastHeard}
		for _, n := range f.Hours[max(0, len(f.Hours)-24):] {
			flow.Day += n
		}
		out.Flows = append(out.Flows, flow)
	}
	slices.SortFunc(out.Flows, func(a, b web.Flow) int { return cmp.Compare(a.Source, b.Source) })
	var err error
	if out.Requests, err = g.r.Agreements.Requests(); err != nil {
		return out, err
	}
	out.Uses, out.AtLeast, err = g.uses(ctx)
	return out, err
}

// uses are the accesses to records of the last 24 hours, by who and what for: it
// names nobody.
func (g govern) uses(ctx context.Context) (out []web.Use, atLeast bool, err error) {
	type key struct {
		o nhs.ODS
		p nhs.Purpose
	}
	counts := map[key]*web.Use{}
	for _, action := range []string{audit.Read, audit.Search, audit.Export} {
		found, err := g.r.Trail.Find(ctx, audit.Query{Action: action, From: g.r.Now().Add(-24 * time.Hour), Limit: mostUses})
		if err != nil {
			return nil, false, err
		}
		atLeast = atLeast || len(found) == mostUses
		for _, e := range found {
			if e.Organisation == "" || e.Citizen == "" && e.Action == audit.Read {
				continue
			}
			k := key{e.Organisation, e.Purpose}
			if k.p == nhs.Emergency {
				k.p = nhs.Treatment
			}
			u := counts[k]
			if u == nil {
				u = &web.Use{Organisation: k.o, Purpose: k.p}
				counts[k] = u
			}
			switch {
			case e.Outcome == audit.Deny:
				u.Refused++
			case e.Purpose == nhs.Emergency:
				u.Emergency++
			default:
				u.Opened++
			}
		}
	}
	for _, u := range counts {
		out = append(out, *u)
	}
	slices.SortFunc(out, func(a, b web.Use) int {
		return cmp.Or(cmp.Compare(b.Opened+b.Emergency, a.Opened+a.Emergency), cmp.Compare(a.Organisation, b.Organisation), cmp.Compare(a.Purpose, b.Purpose))
	})
	return out, atLeast, nil
}

// Put is web.Governance's.
func (g govern) Put(ctx context.Context, s policy.Subject, file []byte) (*agreement.Agreement, error) {
	return g.r.PutAgreement(ctx, s, file)
}

// Act is web.Governance's.
func (g govern) Act(ctx context.Context, s policy.Subject, id string, a web.Act) (err error) {
	r, now := g.r, g.r.Now()
	switch a.Do {
	case "sign":
		_, err = r.SignAgreement(ctx, s, id, agreement.Signature{Organisation: s.Organisation, Name: s.Name, Office: a.Office, Signed: now})
	case "suspend":
		_, err = r.SuspendAgreement(ctx, s, id, agreement.Suspension{From: []agreement.Party{a.From}, Since: now, Reason: a.Reason, By: s.Name})
	case "resume":
		_, err = r.ResumeAgreement(ctx, s, id, a.From)
	case "renew":
		_, err = r.RenewAgreement(ctx, s, id, a.Ends)
	case "withdraw":
		_, err = r.WithdrawAgreement(ctx, s, id)
	case "ask":
		err = g.ask(ctx, s, id, a.Reason)
	default:
		err = fault.E("region.Act", fault.NotFound, "there is no such act")
	}
	return err
}

func (g govern) ask(ctx context.Context, s policy.Subject, id, why string) error {
	a := g.r.Agreements.Latest().Find(id)
	if a == nil {
		return fault.E("region.ask", fault.NotFound, "there is no such agreement")
	}
	if err := g.r.Access.Agree(ctx, s, a, []agreement.Party{agreement.Party(s.Organisation)}, "agreement "+id+": asks to join"); err != nil {
		return err
	}
	return g.r.Agreements.Ask(register.Request{Agreement: id, Organisation: s.Organisation, Why: why, By: s.User, Name: s.Name, At: g.r.Now().UTC()})
}

// Decide is web.Governance's: who joins is shown what the agreement's shares show.
func (g govern) Decide(ctx context.Context, s policy.Subject, request string, join bool) error {
	q, err := g.r.Agreements.Waiting(request)
	if err != nil {
		return err
	}
	what := "declined to " + string(q.Organisation)
	if join {
		what = string(q.Organisation) + " joins"
	}
	if join {
		_, err = g.r.changeAgreement(ctx, s, q.Agreement, what, nil, func(file []byte) ([]byte, error) {
			a, err := agreement.Parse(file)
			for i := 0; err == nil && i < len(a.Shares); i++ {
				file, err = agreement.Join(file, i, agreement.Party(q.Organisation))
			}
			return file, err
		})
	} else {
		err = g.r.Access.Agree(ctx, s, nil, nil, "agreement "+q.Agreement+": "+what)
	}
	if err != nil {
		return err
	}
	return g.r.Agreements.Answer(request, s.User, join, g.r.Now().UTC())
}

// Try is web.Governance's.
func (g govern) Try(ctx context.Context, s policy.Subject, file []byte, without string) (*agreement.Agreement, *access.Trial, error) {
	if without != "" {
		t, err := g.r.TryWithout(ctx, s, without, 0)
		return nil, t, err
	}
	return g.r.TryAgreement(ctx, s, file, 0)
}

// Why is web.Governance's.
func (g govern) Why(ctx context.Context, s policy.Subject, user, item string) (access.Why, error) {
	return g.r.Why(ctx, s, user, item)
}
