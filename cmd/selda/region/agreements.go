package region

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"selda/access"
	"selda/agreement"
	"selda/agreement/register"
	"selda/audit"
	"selda/auth"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// founding is the agreement of a region that has none: what its sources send is
// shared for care, and its governance is told every day that nobody has signed.
const founding = `# The agreement with which a region begins, so that care does not wait for it.
# It was signed by nobody: put an agreement that controllers have signed in its
# place (selda agreement put FILE), under the same name.
agreement: founding
title: Sharing for direct care, until the controllers have agreed
purposes: [direct-care, citizen-access]
begins: %[1]s
basis:
  data-protection: UK GDPR Art 6(1)(e) and 9(2)(h)
  confidentiality: implied consent for direct care
contact: whoever runs this exchange
shares:
  - from: [all]
    kinds: [all]
    with: [all]
signed:
  - organisation: SELDA
    name: the operator who made this region
    office: operator
    signed: %[2]s
    for: [all]
    provisional: true
`

// openAgreements reads what is agreed, and begins where nothing is.
func (r *Region) openAgreements() (err error) {
	if r.Agreements, err = register.Open(r.documents); err != nil {
		return err
	}
	if len(r.Agreements.Latest().All()) > 0 {
		return nil
	}
	now := r.Now().UTC()
	file := fmt.Sprintf(founding, time.Unix(0, 0).UTC().Format(time.DateOnly), now.Format(time.RFC3339))
	_, err = r.Agreements.Put(register.Revision{Number: 1, At: now, By: "os", Why: "the region begins", File: file})
	if fault.Is(err, fault.Conflict) {
		return r.Agreements.Reload() // another node was first
	}
	return err
}

// PutAgreement puts an agreement's file in the place of the last one.
func (r *Region) PutAgreement(ctx context.Context, s policy.Subject, file []byte) (*agreement.Agreement, error) {
	a, err := agreement.Parse(file)
	if err != nil {
		return nil, err
	}
	if err := r.Access.Agree(ctx, s, a, nil, "agreement "+a.ID+": a file"); err != nil {
		return nil, err
	}
	return r.keepAgreement(ctx, s, a.ID, "a file", file)
}

// SignAgreement signs for some parties: the own organisation's where none is named.
func (r *Region) SignAgreement(ctx context.Context, s policy.Subject, id string, g agreement.Signature) (*agreement.Agreement, error) {
	why := "signed for " + partiesWords(g.For, g.Organisation)
	parties := g.For
	if len(parties) == 0 {
		parties = []agreement.Party{agreement.Party(g.Organisation)}
	}
	return r.changeAgreement(ctx, s, id, why, parties, func(file []byte) ([]byte, error) { return agreement.Sign(file, g) })
}

// SuspendAgreement stops the flow from some parties.
func (r *Region) SuspendAgreement(ctx context.Context, s policy.Subject, id string, x agreement.Suspension) (*agreement.Agreement, error) {
	return r.changeAgreement(ctx, s, id, "suspended for "+partiesWords(x.From, ""), x.From, func(file []byte) ([]byte, error) { return agreement.Suspend(file, x) })
}

// ResumeAgreement lets it flow again.
func (r *Region) ResumeAgreement(ctx context.Context, s policy.Subject, id string, p agreement.Party) (*agreement.Agreement, error) {
	return r.changeAgreement(ctx, s, id, "flows again for "+string(p), []agreement.Party{p}, func(file []byte) ([]byte, error) { return agreement.Resume(file, p, r.Now()) })
}

// RenewAgreement gives it a new end, a day.
func (r *Region) RenewAgreement(ctx context.Context, s policy.Subject, id, ends string) (*agreement.Agreement, error) {
	return r.changeAgreement(ctx, s, id, "renewed until "+ends, nil, func(file []byte) ([]byte, error) { return agreement.Renew(file, ends) })
}

// WithdrawAgreement ends it for good: what stops flowing, agreement try says before.
func (r *Region) WithdrawAgreement(ctx context.Context, s policy.Subject, id string) (*agreement.Agreement, error) {
	return r.changeAgreement(ctx, s, id, "withdrawn", nil, func(file []byte) ([]byte, error) { return agreement.Withdraw(file, r.Now()) })
}

func (r *Region) changeAgreement(ctx context.Context, s policy.Subject, id, why string, parties []agreement.Party, f func([]byte) ([]byte, error)) (*agreement.Agreement, error) {
	const op = "region.changeAgreement"
	now := r.Agreements.Latest().Find(id)
	if now == nil {
		return nil, fault.E(op, fault.NotFound, "there is no agreement "+id)
	}
	if err := r.Access.Agree(ctx, s, now, parties, "agreement "+id+": "+why); err != nil {
		return nil, err
	}
	revisions := r.Agreements.Revisions(id)
	file, err := f([]byte(revisions[len(revisions)-1].File))
	if err != nil {
		return nil, err
	}
	return r.keepAgreement(ctx, s, id, why, file)
}

func (r *Region) keepAgreement(ctx context.Context, s policy.Subject, id, why string, file []byte) (*agreement.Agreement, error) {
	n, err := r.Store.N(ctx)
	if err != nil {
		return nil, err
	}
	return r.Agreements.Put(register.Revision{Number: len(r.Agreements.Revisions(id)) + 1, At: r.Now().UTC(), By: s.User, Why: why, N: n, File: string(file)})
}

func partiesWords(list []agreement.Party, other nhs.ODS) string {
	if len(list) == 0 {
		return string(other)
	}
	out := ""
	for i, p := range list {
		if i > 0 {
			out += ", "
		}
		out += string(p)
	}
	return out
}

// How often what other nodes agreed is read, and how often it is looked for what
// has to be escalated.
const (
	agreedEvery   = time.Second
	escalateEvery = time.Minute
)

// followAgreements keeps up with what is agreed elsewhere, and escalates what is
// overdue once a day (G17), until ctx ends.
func (r *Region) followAgreements(ctx context.Context) {
	tick := time.NewTicker(agreedEvery)
	defer tick.Stop()
	var escalated time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if r.Nodes != nil {
			if err := r.Agreements.Reload(); err != nil && ctx.Err() == nil {
				r.Log.Error("what is agreed could not be read; the last that is known holds", "error", err)
			}
		}
		if now := r.Now(); now.Sub(escalated) >= escalateEvery || now.Before(escalated) {
			escalated = now
			if err := r.Escalate(ctx); err != nil && ctx.Err() == nil {
				r.Log.Error("what is overdue could not be escalated; it is tried again", "error", err)
			}
		}
	}
}

// escalations are those of agreements in the trail.
const escalations = "agreement overdue"

// Escalate puts into the trail, once a day for each agreement, that it is overdue
// or provisional, and to whom that was said (G17): governance reads it at the top
// of its pages until a controller renews, signs or suspends.
func (r *Region) Escalate(ctx context.Context) error {
	now := r.Now()
	due := slices.DeleteFunc(r.Agreements.Latest().Notices(now), func(n agreement.Notice) bool { return n.Kind != agreement.Late })
	if len(due) == 0 {
		return nil
	}
	lease, mine, err := r.Store.Acquire(ctx, escalations, rand.Text(), time.Minute)
	if err != nil || !mine {
		return err
	}
	defer func() { _ = r.Store.Release(context.WithoutCancel(ctx), lease) }()
	s := policy.Subject{User: "selda:agreements", Name: "agreements", Role: nhs.Operator, Purpose: nhs.Operations}
	today, err := r.Trail.Find(ctx, audit.Query{User: s.User, From: now.UTC().Truncate(24 * time.Hour), Limit: 1000})
	if err != nil {
		return err
	}
	for _, n := range due {
		e := audit.From(s, audit.Administer, escalations+": "+n.Agreement)
		if slices.ContainsFunc(today, func(o audit.Entry) bool { return o.What == e.What }) {
			continue
		}
		e.Rules, e.Reason = []string{"G17 overdue, and escalated every day"}, n.Words
		if _, err := r.Trail.Append(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// TryAgreement says what an agreement would change if it were signed by all whose
// data it shares, or one that is there if it were withdrawn (no file).
func (r *Region) TryAgreement(ctx context.Context, s policy.Subject, file []byte, citizens int) (*agreement.Agreement, *access.Trial, error) {
	a, err := agreement.Parse(file)
	if err != nil {
		return nil, nil, err
	}
	now := r.Now()
	signed := *a
	signed.Signatures = append(slices.Clone(a.Signatures), agreement.Signature{Organisation: "TRIAL", Name: "trial", Office: "trial", Signed: now, For: []agreement.Party{agreement.All}})
	if signed.Begins.After(now) {
		signed.Begins = now
	}
	t, err := r.Access.TryAgreements(ctx, s, r.Agreements.Latest().With(&signed), "agreement "+a.ID+": a trial", citizens, r.rolesAt)
	return a, t, err
}

// TryWithout says what it would change if an agreement were withdrawn.
func (r *Region) TryWithout(ctx context.Context, s policy.Subject, id string, citizens int) (*access.Trial, error) {
	a := r.Agreements.Latest().Find(id)
	if a == nil {
		return nil, fault.E("region.TryWithout", fault.NotFound, "there is no agreement "+id)
	}
	gone := *a
	gone.Withdrawn = r.Now()
	return r.Access.TryAgreements(ctx, s, r.Agreements.Latest().With(&gone), "agreement "+id+": a trial of its end", citizens, r.rolesAt)
}

// rolesAt are the roles in which people of an organisation open records: those of
// its accounts, else what is usual at a practice or elsewhere.
func (r *Region) rolesAt(o nhs.ODS) []nhs.Role {
	var out []nhs.Role
	counts, _ := r.Auth.Accounts.Count(o) // else what is usual
	for _, c := range counts {
		if policy.OpensRecords(c.Role) {
			out = append(out, c.Role)
		}
	}
	switch {
	case len(out) > 0:
	case len(o) == 6: // practices have a letter and five digits
		out = []nhs.Role{nhs.GP}
	case strings.Trim(string(o), "0123456789") == "": // local authorities have digits alone
		out = []nhs.Role{nhs.SocialWorker}
	default:
		out = []nhs.Role{nhs.HospitalDoctor, nhs.Nurse}
	}
	slices.Sort(out)
	return out
}

// Why says why an account can see an item, or can't.
func (r *Region) Why(ctx context.Context, s policy.Subject, user, item string) (access.Why, error) {
	const op = "region.Why"
	typ, id, ok := strings.Cut(item, "/")
	if !ok {
		return access.Why{}, fault.E(op, fault.Value, "name an item as Type/id, such as Observation/123")
	}
	acc, ok := r.Auth.Accounts.Find(user)
	if !ok {
		return access.Why{}, fault.E(op, fault.NotFound, "there is no account "+user)
	}
	return r.Access.WhyOf(ctx, s, acc.Subject(auth.Purpose(acc.Role)), typ, id)
}
