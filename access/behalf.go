package access

import (
	"context"
	"slices"

	"selda/access/grant"
	"selda/access/internal/seal"
	"selda/audit"
	"selda/consent"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// This file has staff state a citizen's choice for them: the practice where the
// citizen is registered may, which knows them and keeps their record.

// statedFor is what the trail says of it.
const statedFor = "sharing choice, stated for the citizen"

// forThem are the roles that do so.
var forThem = []nhs.Role{nhs.GP, nhs.Nurse, nhs.Receptionist}

// MayStateFor says whether the holder of a Grant may state a choice of the
// citizen's for them. In an emergency nobody does.
func MayStateFor(s policy.Subject, g grant.Grant) bool {
	d := g.Decision()
	return g.Kind() == seal.Record && !d.Emergency && slices.Contains(forThem, s.Role) && slices.Contains(d.Rules, "G7 registration")
}

// StateFor records in the trail that a choice of the citizen's is stated for
// them, and on what authority. It refuses who may not.
func (a *Access) StateFor(ctx context.Context, s policy.Subject, g grant.Grant, o consent.Origin) error {
	const op = "access.StateFor"
	if g.Kind() != seal.Record {
		return fault.E(op, fault.Security, "the Grant does not open a record")
	}
	e := audit.From(s, audit.Create, statedFor)
	e.Citizen, e.Reason, e.Rules = g.Citizen().ID, o.Authority.Words, []string{"G1 the citizen's word, by their practice"}
	may := MayStateFor(s, g) && o.Authority.Code != "" && o.Evidence != ""
	if !may {
		e.Outcome, e.Rules = audit.Deny, []string{"G1 default deny"}
	}
	if _, err := a.Trail.Append(ctx, e); err != nil {
		return fault.E(op, err)
	}
	if !may {
		return fault.E(op, fault.Security, "the registered practice states this for a person, on an authority that is told")
	}
	return nil
}
