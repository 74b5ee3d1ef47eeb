package auth

import (
	"cmp"
	"context"
	"time"

	"selda/fault"
	"selda/internal/london"
	"selda/nhs"
	"selda/policy"
)

// This file is what is done to somebody's account by another: by the operator at the
// command line, or by an administrator on a page. Nobody changes their own; each act is
// recorded before it is done.

// Standing is how an account stands, as an administrator sees it.
type Standing struct {
	SignedIn           time.Time // the last time; zero for never, or before that was kept
	Sessions           []Live
	Passkeys, Recovery int
	Codes, Locked      bool // codes by telephone; too many wrong ones were tried
}

// Standing is how an account stands.
func (a *Auth) Standing(user string) (Standing, error) {
	const op = "auth.Standing"
	l, err := a.liveNow(user, time.Now())
	if err != nil {
		return Standing{}, fault.E(op, err)
	}
	h, err := a.factors.Of(user)
	if err != nil {
		return Standing{}, fault.E(op, err)
	}
	return Standing{SignedIn: l.SignedIn, Sessions: l.Sessions, Passkeys: len(h.Passkeys), Codes: h.Codes != nil, Locked: h.Codes.Locked(), Recovery: len(h.Recovery)}, nil
}

// Administers says whether somebody may change an account: the operator any, an
// administrator those of their organisation's professionals and systems. Nobody changes
// their own: another administrator does.
func Administers(by policy.Subject, a *Account) error {
	const op = "auth.Administers"
	switch {
	case by.User == a.User:
		return fault.E(op, fault.Security, "nobody changes their own account: ask another administrator")
	case by.Role == nhs.Operator:
		return nil
	case by.Role != nhs.Administrator || by.Organisation == "" || by.Organisation != a.Organisation:
		return fault.E(op, fault.Security, "an administrator changes accounts of their own organisation")
	}
	return nil
}

// administer records an act on an account, where it may be done.
func (a *Auth) administer(ctx context.Context, by policy.Subject, user, what, why string) error {
	const op = "auth.administer"
	acc, known, err := a.Accounts.Known(user)
	if err != nil || !known {
		return fault.E(op, cmp.Or(err, fault.E(op, fault.NotFound, "there is no account "+user)))
	}
	if refused := Administers(by, &acc); refused != nil {
		if err := a.record(ctx, Event{Kind: Refused, Time: time.Now(), Subject: by, Reason: what + ": " + fault.Reason(refused), Whose: user}); err != nil {
			return fault.E(op, err)
		}
		return refused
	}
	if why == "" {
		return fault.E(op, fault.Required, "say why: it is kept in the trail")
	}
	return a.record(ctx, Event{Kind: AccountChanged, Time: time.Now(), Subject: by, Reason: what + ": " + why, Whose: user})
}

// Disable keeps an account out, from now on, and ends whatever was begun in its
// name; Enable lets it in again.
func (a *Auth) Disable(ctx context.Context, by policy.Subject, user, why string) error {
	const op = "auth.Disable"
	err := a.administer(ctx, by, user, "disabled", why)
	if err == nil {
		err = a.Accounts.Alter(user, func(acc *Account) { acc.Disabled = true })
	}
	if err != nil {
		return fault.E(op, err)
	}
	return a.SignOutEverywhere(ctx, by, user, "", why)
}

// Enable lets an account that was disabled sign in again.
func (a *Auth) Enable(ctx context.Context, by policy.Subject, user, why string) error {
	err := a.administer(ctx, by, user, "enabled", why)
	if err == nil {
		err = a.Accounts.Alter(user, func(acc *Account) { acc.Disabled = false })
	}
	if err != nil {
		return fault.E("auth.Enable", err)
	}
	return nil
}

// EndDay is the moment at which a day of the region begins, as a form or a verb names it:
// "2027-03-31".
func EndDay(text string) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, fault.E("auth.EndDay", fault.Value, "a day is written 2027-03-31")
	}
	from, _ := london.Day(day.Add(12 * time.Hour))
	return from, nil
}

// EndsOn says when an account ends, the zero time for never, and who answers for it.
func (a *Auth) EndsOn(ctx context.Context, by policy.Subject, user string, ends time.Time, contact string) error {
	when := "never"
	if !ends.IsZero() {
		when = ends.UTC().Format(time.RFC3339)
	}
	err := a.administer(ctx, by, user, "its end and who answers for it were set", when)
	if err == nil {
		err = a.Accounts.Alter(user, func(acc *Account) { acc.Ends, acc.Contact = ends, contact })
	}
	if err != nil {
		return fault.E("auth.EndsOn", err)
	}
	return nil
}

// Reset takes away every passkey and code of somebody who has lost them, and ends
// whatever was begun in their name: they sign in by password and set up a new one. Who
// asks for it has made sure who they are.
func (a *Auth) Reset(ctx context.Context, by policy.Subject, user, why string) error {
	const op = "auth.Reset"
	if err := a.administer(ctx, by, user, "passkeys and codes were taken away", why); err != nil {
		return fault.E(op, err)
	}
	if err := a.factors.Reset(user); err != nil {
		return fault.E(op, err)
	}
	return a.SignOutEverywhere(ctx, by, user, "", why)
}

// EndAll ends an account's sessions, tokens and connections; it may sign in again.
func (a *Auth) EndAll(ctx context.Context, by policy.Subject, user, why string) error {
	const op = "auth.EndAll"
	if err := a.administer(ctx, by, user, "signed out everywhere", why); err != nil {
		return fault.E(op, err)
	}
	return a.SignOutEverywhere(ctx, by, user, "", why)
}
