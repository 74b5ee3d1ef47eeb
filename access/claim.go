package access

import (
	"context"
	"slices"
	"strings"

	"selda/audit"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Reason is one of the reasons that a user may state for break-glass, with
// the code that stands in the trail.
type Reason struct {
	Code, Words string
	// Overrules: "no emergency override" yields to it, and the Caldicott
	// guardian reviews it (G5).
	Overrules bool
	// Protective: that somebody asked is itself kept from the citizen and those
	// who help them (G8).
	Protective bool
}

// Reasons are those for which a record is opened in an emergency. They follow what national
// services ask (G9); no published list of codes could be found to hold them against. A
// self-claimed relationship is not among them: Declare is for that.
var Reasons = []Reason{
	{Code: "emergency", Words: "The patient can't be asked, and treatment can't wait"},
	{Code: "vital-interests", Words: "There is a serious risk to the patient's life or health"},
	{Code: "public-interest", Words: "There is a serious risk to others", Overrules: true},
	{Code: "safeguarding", Words: "A safeguarding enquiry", Overrules: true, Protective: true},
	{Code: "statute", Words: "The law requires it"},
	{Code: "court-order", Words: "A court has ordered it", Overrules: true},
}

// overrules says whether a reason, in the words in which it is kept, is one
// that "no emergency override" yields to.
func overrules(words string) bool {
	return slices.ContainsFunc(Reasons, func(r Reason) bool { return r.Overrules && r.Words == words })
}

func reason(code string) (Reason, bool) {
	for _, r := range Reasons {
		if r.Code == code {
			return r, true
		}
	}
	return Reason{}, false
}

// Declare records that the patient is in front of the user (G7).
func (a *Access) Declare(ctx context.Context, s policy.Subject, citizen, why string) error {
	const op = "access.Declare"
	if strings.TrimSpace(why) == "" {
		why = "the patient is in front of me"
	}
	return a.claim(ctx, op, s, citizen, audit.Declare, Reason{Words: why}, false)
}

// BreakGlass records an emergency access to one citizen (G9): a reason from
// the list, no waiting, time-limited, reviewed.
func (a *Access) BreakGlass(ctx context.Context, s policy.Subject, citizen, code string) error {
	const op = "access.BreakGlass"
	r, ok := reason(code)
	if !ok {
		return fault.E(op, fault.Value, "choose one of the reasons in the list")
	}
	return a.claim(ctx, op, s, citizen, audit.BreakGlass, r, true)
}

func (a *Access) claim(ctx context.Context, op string, s policy.Subject, citizen, action string, why Reason, emergency bool) error {
	found, err := a.Index.Citizen(ctx, citizen, store.Latest)
	if err != nil {
		return fault.E(op, err)
	}
	d := policy.Decide(policy.Request{Subject: s, Now: a.Now()})
	may := d.MayDeclare
	if emergency {
		may = d.MayBreakGlass
	}
	e := audit.From(s, action, "record")
	e.Citizen, e.Reason, e.Concealed = found.ID, why.Words, why.Protective
	if emergency {
		e.Purpose, e.Rules = nhs.Emergency, []string{"G9 emergency access"}
	} else {
		e.Rules = []string{"G7 declared by the user"}
	}
	if !may {
		e.Outcome = audit.Deny
	}
	if _, err := a.Trail.Append(ctx, e); err != nil {
		return fault.E(op, err)
	}
	if !may && emergency && s.Role.Clinician() && s.Purpose != nhs.Treatment {
		return fault.E(op, fault.Security, "emergency access is for direct care, and you act for "+s.Purpose.Title()+": choose direct care first")
	}
	if !may {
		return fault.E(op, fault.Security, "the role "+s.Role.Title()+" may not do this")
	}
	now := a.Now()
	return a.Claims.AddClaim(ctx, found.Subjects[0].Subject, policy.Claim{User: s.User, Organisation: s.Organisation, Emergency: emergency,
		Reason: why.Words, From: now, To: now.Add(policy.ClaimLasts)})
}
