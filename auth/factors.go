package auth

import (
	"context"
	"slices"
	"time"

	"selda/auth/factor"
	"selda/auth/provider"
	"selda/fault"
)

// factors is the built-in provider's view of what people have beside a password.
type factors struct{ a *Auth }

var _ provider.Factors = factors{}

// strict says whether an account's sign-in needs a second factor. The made-up
// people of a demonstration, whose password is on the page, need none.
func (a *Auth) strict(acc *Account) bool {
	if d := a.conf.Demonstration; d != nil && slices.Contains(d.Users, acc.User) {
		return false
	}
	return slices.Contains(a.conf.SecondFactor, KindOf(acc.Role))
}

// Needs is provider.Factors'.
func (f factors) Needs(user string) (provider.Need, error) {
	const op = "auth.Needs"
	acc, ok, err := f.a.Accounts.find(user)
	if err == nil && !ok {
		err = fault.E(op, fault.Login, "the account is gone")
	}
	if err != nil {
		return 0, fault.E(op, err)
	}
	h, err := f.a.factors.Of(user)
	switch {
	case err != nil:
		return 0, fault.E(op, err)
	case h.Codes != nil:
		return provider.Code, nil
	case f.a.strict(&acc) && len(h.Passkeys) > 0:
		// A password alone must not be a way round the passkey, nor set up another.
		return 0, fault.E(op, fault.Login, "this account signs in with its passkey")
	case f.a.strict(&acc):
		return provider.Setup, nil
	}
	return provider.Nothing, nil
}

// refused has it in the trail that somebody's proof did not hold.
func (f factors) refused(ctx context.Context, user, address, reason string) error {
	e := Event{Kind: Refused, Time: time.Now(), Provider: ownProvider, Address: address, Reason: reason}
	if acc, ok := f.a.Accounts.Find(user); ok {
		e.Subject = acc.Subject(Purpose(acc.Role))
	}
	return f.a.record(ctx, e)
}

// changed has it in the trail that what somebody signs in with has changed.
func (f factors) changed(ctx context.Context, user, address, what string) error {
	acc, ok := f.a.Accounts.Find(user)
	if !ok {
		return fault.E("auth.factors", fault.Login, "the account is gone")
	}
	return f.a.record(ctx, Event{Kind: FactorChanged, Time: time.Now(), Subject: acc.Subject(Purpose(acc.Role)), Provider: ownProvider, Address: address, Reason: what})
}

// recorded are the factors, each change of which is in the trail before it is made.
func (f factors) recorded(ctx context.Context, user, address, what string) *factor.Factors {
	return f.a.factors.Recorded(func() error { return f.changed(ctx, user, address, what) })
}

// Code is provider.Factors'.
func (f factors) Code(ctx context.Context, user, code, address string) error {
	recovered, err := f.a.factors.Check(user, code, time.Now())
	switch {
	case fault.Is(err, fault.Login):
		if e := f.refused(ctx, user, address, fault.Reason(err)); e != nil {
			return e
		}
	case err == nil && recovered:
		return f.changed(ctx, user, address, "a recovery code was used")
	}
	return err
}

// Secret is provider.Factors'.
func (factors) Secret() []byte { return factor.NewSecret() }

// Show is provider.Factors'.
func (factors) Show(secret []byte, user, base string) (text, picture string, err error) {
	place, _ := factor.Site(base)
	picture, err = factor.Picture(factor.SecretURI(secret, user, place), "QR code of the secret")
	return factor.SecretText(secret), picture, err
}

// Enrol is provider.Factors'.
func (f factors) Enrol(ctx context.Context, user string, secret []byte, code, address string) ([]string, error) {
	if h, err := f.a.factors.Of(user); err != nil || h.Codes != nil {
		return nil, fault.E("auth.Enrol", fault.Login, "the account has a telephone already: sign in again")
	}
	return f.recorded(ctx, user, address, "codes by telephone were set up").Enrol(user, secret, code, time.Now())
}

// How often a browser is asked for a passkey in an hour, by one address and by all:
// each question is remembered for two minutes.
const (
	askedByOne = 1_000
	askedByAll = 30_000
)

// PasskeyOptions is provider.Factors'.
func (f factors) PasskeyOptions(base, address string) ([]byte, error) {
	if !f.a.questions.allow(provider.Network(address), askedByOne, askedByAll, time.Now()) {
		return nil, fault.E("auth.PasskeyOptions", fault.Throttled, "too many sign-ins at once: try again in a minute")
	}
	return f.a.factors.BeginSignIn(base)
}

// Passkey is provider.Factors'.
func (f factors) Passkey(ctx context.Context, base string, answer []byte, address string) (string, error) {
	const op = "auth.Passkey"
	user, err := f.a.factors.FinishSignIn(base, answer, time.Now())
	if err == nil {
		if acc, ok := f.a.Accounts.Find(user); !ok || acc.Provider != "" {
			err = fault.E(op, fault.Login, "the passkey is not known here, or does not hold")
		}
	}
	if fault.Is(err, fault.Login) {
		if e := f.refused(ctx, user, address, fault.Reason(err)); e != nil {
			return "", fault.E(op, e)
		}
	}
	return user, err
}

// Passkeys is provider.Factors'.
func (factors) Passkeys(base string) bool {
	_, ok := factor.Site(base)
	return ok
}
