package access

import (
	"context"
	"slices"
	"strings"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// Limits is the port to what controllers have set for their own organisations: seals
// (G4), and how long a relationship lasts after care (G7).
type Limits interface {
	// LimitsOf are those of an organisation; nil where it has set none. Nobody may
	// change what it gives.
	LimitsOf(o nhs.ODS) (*policy.Limits, error)
	// PutLimits replaces them.
	PutLimits(o nhs.ODS, s policy.Limits) error
}

// LimitsOf are the limits of an organisation: its guardian and its privacy officer see
// them, and the operator.
func (a *Access) LimitsOf(ctx context.Context, s policy.Subject, o nhs.ODS) (policy.Limits, error) {
	const op = "access.LimitsOf"
	may := s.Role == nhs.Operator || (s.Role == nhs.CaldicottGuardian || s.Role == nhs.PrivacyOfficer) && s.Organisation == o
	if err := a.limiting(ctx, op, s, audit.Read, "limits within the organisation", may && o != "", "only the organisation's Caldicott guardian and privacy officer see its limits"); err != nil {
		return policy.Limits{}, err
	}
	kept, err := a.limitsOf(o)
	if err != nil || kept == nil {
		return policy.Limits{}, err
	}
	return *kept, nil
}

// SetLimits changes the limits of an organisation: its Caldicott guardian does, and the
// operator for it. What is wrong with them is said, and nothing is changed.
func (a *Access) SetLimits(ctx context.Context, s policy.Subject, o nhs.ODS, what string, change func(*policy.Limits) error) error {
	const op = "access.SetLimits"
	may := s.Role == nhs.Operator || s.Role == nhs.CaldicottGuardian && s.Organisation == o
	if err := a.limiting(ctx, op, s, audit.Administer, what, may && o != "" && a.Limits != nil, "only the organisation's Caldicott guardian sets its limits"); err != nil {
		return err
	}
	kept, err := a.limitsOf(o)
	if err != nil {
		return fault.E(op, err)
	}
	var before, next policy.Limits
	if kept != nil {
		before = *kept
		next = policy.Limits{Teams: slices.Clone(kept.Teams), Seals: slices.Clone(kept.Seals), AfterCare: kept.AfterCare}
	}
	if err := change(&next); err != nil {
		return fault.E(op, err)
	}
	if err := limitsHold(o, &before, &next); err != nil {
		return fault.E(op, err)
	}
	return a.Limits.PutLimits(o, next)
}

func (a *Access) limiting(ctx context.Context, op string, s policy.Subject, action, what string, may bool, refused string) error {
	if s.User == "" {
		return fault.E(op, fault.Login, "nobody is signed in")
	}
	e := audit.From(s, action, what)
	e.Rules = []string{"G4 limits within the organisation"}
	if !may {
		e.Outcome, e.Rules = audit.Deny, []string{"G1 default deny"}
	}
	if _, err := a.Trail.Append(ctx, e); err != nil {
		return fault.E(op, err)
	}
	if !may {
		return fault.E(op, fault.Security, refused)
	}
	return nil
}

// The most that an organisation can say.
const (
	mostSeals     = 100
	mostSealWords = 300
)

// limitsHold says what is wrong with an organisation's limits.
func limitsHold(o nhs.ODS, before, s *policy.Limits) error {
	const op = "access.limitsHold"
	if s.AfterCare != 0 && (s.AfterCare < policy.AfterCare || s.AfterCare > policy.UntilSigned) {
		return fault.E(op, fault.Value, "a relationship lasts at least 28 days after care, and at most 365", "after-care-days")
	}
	if len(s.Teams) > policy.MostTeams || len(s.Seals) > mostSeals {
		return fault.E(op, fault.TooLong, "an organisation has at most 24 teams and 100 seals", "seals")
	}
	var names []string
	for i, t := range s.Teams {
		switch {
		case strings.TrimSpace(t.Name) == "" || len(t.Name) > mostSealWords || slices.Contains(names, t.Name):
			return fault.E(op, fault.Value, "each team has a name of its own", "teams")
		case i < len(before.Teams) && before.Teams[i].Name != t.Name:
			return fault.E(op, fault.Value, "teams stay in their order, and none is taken away: items are marked by it", "teams")
		case slices.ContainsFunc(t.From, func(x nhs.Source) bool { return x.Organisation() != o }):
			return fault.E(op, fault.Value, "a team writes in systems of its own organisation", "teams")
		}
		names = append(names, t.Name)
	}
	if len(s.Teams) < len(before.Teams) {
		return fault.E(op, fault.Value, "teams stay in their order, and none is taken away: items are marked by it", "teams")
	}
	var ids []string
	for i := range s.Seals {
		if err := sealHolds(o, &s.Seals[i], names, ids); err != nil {
			return err
		}
		ids = append(ids, s.Seals[i].ID)
	}
	return nil
}

func sealHolds(o nhs.ODS, x *policy.Seal, teams, ids []string) error {
	bad := func(message, place string) error { return fault.E("access.sealHolds", fault.Value, message, place) }
	unknown := func(name string) bool { return !slices.Contains(teams, name) }
	switch {
	case x.ID == "" || slices.Contains(ids, x.ID):
		return bad("each seal has an id of its own", "id")
	case strings.TrimSpace(x.Title) == "" || len(x.Title) > mostSealWords:
		return bad("say in a few words what is sealed", "title")
	case strings.TrimSpace(x.Reason) == "" || len(x.Reason) > mostSealWords:
		return bad("say why, in a few words", "reason")
	case slices.ContainsFunc(x.Teams, unknown) || slices.ContainsFunc(x.Of, unknown):
		return bad("the organisation has no such team", "teams")
	case len(x.Teams) == 0 && len(x.Roles) == 0:
		return bad("say which teams or roles see what is sealed", "teams")
	case slices.ContainsFunc(x.Roles, func(r nhs.Role) bool { return !policy.OpensRecords(r) }):
		return bad("a role that sees what is sealed is one that opens records", "roles")
	case len(x.Of) == 0 && len(x.From) == 0 && x.Sets == 0 && x.Labels == 0:
		return bad("say what is sealed: whose items, of which system, kind or label", "sets")
	case slices.ContainsFunc(x.From, func(s nhs.Source) bool { return s.Organisation() != o }):
		return bad("a seal is of the organisation's own systems", "from")
	case !x.Ends.IsZero() && !x.Begins.Before(x.Ends):
		return bad("a seal ends after it begins", "ends")
	}
	return nil
}

// AfterCare is how long a relationship of an organisation lasts after care (G7).
func (a *Access) AfterCare(o nhs.ODS) (time.Duration, error) {
	kept, err := a.limitsOf(o)
	if err != nil || kept == nil {
		return policy.AfterCare, err
	}
	return max(policy.AfterCare, kept.AfterCare), nil
}

func (a *Access) limitsOf(o nhs.ODS) (*policy.Limits, error) {
	if a.Limits == nil || o == "" {
		return nil, nil
	}
	kept, err := a.Limits.LimitsOf(o)
	if err != nil {
		return nil, fault.E("access.limitsOf", fault.NoStore, err)
	}
	return kept, nil
}

// limit puts what the reader's organisation has set into a question.
func (a *Access) limit(r *policy.Request) (err error) {
	o := r.Subject.Organisation
	if r.Limits, err = a.limitsOf(o); err != nil || r.Limits == nil || r.Limits.AfterCare == 0 {
		return err
	}
	r.Facts.Relationships = slices.Clone(r.Facts.Relationships)
	for i := range r.Facts.Relationships {
		if x := &r.Facts.Relationships[i]; x.Organisation == o {
			x.AfterCare = r.Limits.AfterCare
		}
	}
	return nil
}
