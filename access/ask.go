package access

import (
	"context"
	"slices"

	"selda/audit"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// Ask asks about an access to the own record. The question is an entry of the
// trail of the organisation whose user it was, without the citizen's name, and
// so is a case that its privacy officer is to answer.
func (a *Access) Ask(ctx context.Context, s policy.Subject, seq uint64) error {
	const op = "access.Ask"
	if s.Role != nhs.Citizen {
		return fault.E(op, fault.Security, "only the person themselves can ask here")
	}
	own, err := a.Own(ctx, s)
	if err != nil {
		return fault.E(op, err)
	}
	if _, err := a.Record(ctx, s, own, "own record: a question about an access"); err != nil {
		return fault.E(op, err)
	}
	q, err := a.of(ctx, own)
	if err != nil {
		return fault.E(op, err)
	}
	q.Limit = MaxReviewed
	entries, err := a.Trail.Find(ctx, q)
	if err != nil {
		return fault.E(op, err)
	}
	if slices.ContainsFunc(entries, func(e audit.Entry) bool { return e.Action == audit.Ask && e.About == seq }) {
		return nil // it has been asked
	}
	i := slices.IndexFunc(entries, func(e audit.Entry) bool { return e.Seq == seq })
	if i < 0 || entries[i].Organisation == "" {
		return fault.E(op, fault.NotFound, "there is no such access")
	}
	kept, err := a.Kept(ctx, own)
	if err != nil {
		return fault.E(op, err)
	}
	if _, ok := kept.Seen(s, entries[i]); !ok {
		return fault.E(op, fault.NotFound, "there is no such access")
	}
	e := audit.From(s, audit.Ask, "an access")
	e.Name, e.Organisation, e.Citizen, e.About, e.Rules = "", entries[i].Organisation, own, seq, []string{"G10 own record"}
	if _, err := a.Trail.Append(ctx, e); err != nil {
		return fault.E(op, err)
	}
	return nil
}

// Answers are what reviews came to of the questions that a citizen asked, by
// the number of the entry that was asked about; "" while there is no answer.
func (a *Access) Answers(ctx context.Context, questions []audit.Entry) (map[uint64]string, error) {
	out := map[uint64]string{}
	reviews := map[nhs.ODS][]audit.Entry{}
	for _, q := range questions {
		if _, known := reviews[q.Organisation]; !known {
			found, err := a.Trail.Find(ctx, audit.Query{Organisation: q.Organisation, Action: audit.Review, Limit: MaxReviewed})
			if err != nil {
				return nil, fault.E("access.Answers", err)
			}
			reviews[q.Organisation] = found
		}
		out[q.About] = ""
		for _, r := range reviews[q.Organisation] {
			if o := OutcomeOf(r); r.About == q.Seq && r.Outcome == audit.Permit && o.Closes {
				out[q.About] = o.Code
			}
		}
	}
	return out, nil
}
