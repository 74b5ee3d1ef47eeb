package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"selda/access/grant"
	"selda/access/internal/seal"
	"selda/audit"
	"selda/fault"
	"selda/internal/london"
	"selda/nhs"
	"selda/policy"
)

// The safety mode of a citizen's account (G11): somebody near them may look at their
// telephone, their e-mail or over their shoulder. They turn it on themselves, or staff
// who care for them do on a ground. It is an entry of the trail, a concealed one: who
// acts for them, and who reads "who looked" with them, learns nothing of it. What is in
// force is read from there.

// Safety is the safety mode as it stands.
type Safety struct {
	On    bool
	At    time.Time // when it was turned on, off or changed
	By    string    // who did: name and role
	Staff bool      // it was done for them
	// From and To are the hours of the region's day in which notices may come; none
	// come where they are the same.
	From, To int
	// OwnMail: nobody else reads their e-mail. Else none is sent.
	OwnMail bool
}

// SafetyGrounds are those on which staff turn it on for somebody, or off.
var SafetyGrounds = []Ground{
	{"asked", "They asked me to"},
	{"abuse", "They may be harmed by somebody close to them"},
	{"control", "Somebody else uses or watches their telephone, computer or e-mail"},
	{"over", "They told me that it is not needed any more"},
}

// words are what stands in the trail, and parse reads.
func (m Safety) words() string {
	if !m.On {
		return "safety mode off"
	}
	return fmt.Sprintf("safety mode on, notices %d to %d, own mail %t", m.From, m.To, m.OwnMail)
}

func safetyOf(e *audit.Entry) Safety {
	m := Safety{At: e.At, By: e.Name + ", " + e.Role.Title(), Staff: e.Role != nhs.Citizen}
	if _, err := fmt.Sscanf(strings.ReplaceAll(e.What, ",", ""), "safety mode on notices %d to %d own mail %t", &m.From, &m.To, &m.OwnMail); err == nil {
		m.On = true
	}
	return m
}

// Safety is how a citizen's safety mode stands.
func (a *Access) Safety(ctx context.Context, citizen string) (Safety, error) {
	const op = "access.Safety"
	q, err := a.of(ctx, citizen)
	if err != nil {
		return Safety{}, fault.E(op, err)
	}
	q.Action, q.Limit = audit.Safety, 20
	found, err := a.Trail.Find(ctx, q)
	if err != nil {
		return Safety{}, fault.E(op, err)
	}
	i := slices.IndexFunc(found, func(e audit.Entry) bool { return e.Outcome == audit.Permit })
	if i < 0 {
		return Safety{}, nil
	}
	return safetyOf(&found[i]), nil
}

// MySafety is the safety mode of who asks; none of anybody but a citizen.
func (a *Access) MySafety(ctx context.Context, s policy.Subject) (citizen string, m Safety, err error) {
	if s.Role != nhs.Citizen {
		return "", m, nil
	}
	citizen, err = a.Own(ctx, s)
	if fault.Is(err, fault.NotFound) {
		return "", m, nil
	}
	if err == nil {
		m, err = a.Safety(ctx, citizen)
	}
	return citizen, m, err
}

// SetMySafety has a citizen turn their safety mode on or off, or say when they may be told.
func (a *Access) SetMySafety(ctx context.Context, s policy.Subject, m Safety) error {
	const op = "access.SetMySafety"
	if s.Role != nhs.Citizen {
		return fault.E(op, fault.Security, "only the person themselves can do this here")
	}
	own, err := a.Own(ctx, s)
	if err != nil {
		return fault.E(op, err)
	}
	if _, err := a.Record(ctx, s, own, "own record: settings"); err != nil {
		return fault.E(op, err)
	}
	return a.setSafety(ctx, s, own, m, "", "G10 own record")
}

// MaySetSafety says whether the holder of a Grant may turn it on for the citizen: who
// cares for them, and not in an emergency.
func MaySetSafety(s policy.Subject, g grant.Grant) bool {
	return g.Kind() == seal.Record && !g.Decision().Emergency && (s.Role.Clinician() || s.Role == nhs.SocialWorker || s.Role == nhs.Receptionist)
}

// SetSafety has staff turn a citizen's safety mode on or off, on a ground.
func (a *Access) SetSafety(ctx context.Context, s policy.Subject, g grant.Grant, m Safety, ground string) error {
	const op = "access.SetSafety"
	i := slices.IndexFunc(SafetyGrounds, func(x Ground) bool { return x.Code == ground })
	if !MaySetSafety(s, g) {
		return fault.E(op, fault.Security, "who cares for this person does this for them")
	}
	if i < 0 {
		return fault.E(op, fault.Value, "choose why you do this", "ground")
	}
	return a.setSafety(ctx, s, g.Citizen().ID, m, SafetyGrounds[i].Words, "G11 safety mode")
}

func (a *Access) setSafety(ctx context.Context, s policy.Subject, citizen string, m Safety, why, rule string) error {
	const op = "access.Safety"
	if m.From < 0 || m.To > 24 || m.From > m.To {
		return fault.E(op, fault.Value, "the hours are from one of the day to a later one", "from")
	}
	e := audit.From(s, audit.Safety, m.words())
	e.Citizen, e.Reason, e.Concealed, e.Rules = citizen, why, true, []string{rule}
	if _, err := a.Trail.Append(ctx, e); err != nil {
		return fault.E(op, err)
	}
	return nil
}

// NoticeAt is when a notice may go that is ready now: at once, at a later time, or not
// at all, which is the zero time. Mail says that it goes by e-mail.
func (m Safety) NoticeAt(now time.Time, mail bool) time.Time {
	if !m.On {
		return now
	}
	if m.From == m.To || mail && !m.OwnMail {
		return time.Time{}
	}
	today, tomorrow := london.Day(now)
	switch hour := london.In(now).Hour(); {
	case hour < m.From:
		return today.Add(time.Duration(m.From) * time.Hour)
	case hour >= m.To:
		return tomorrow.Add(time.Duration(m.From) * time.Hour)
	}
	return now
}
