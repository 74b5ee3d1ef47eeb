package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/ccojocar/zxcvbn-go"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// This file is how somebody comes to an account of the provider in the box, and to a
// password: to one that is given to them, good once, and to the one that they choose.

// GivenFor is how long a password that was given to somebody lets them in, to choose
// their own.
const GivenFor = 7 * 24 * time.Hour

// Make makes an account, and gives the password with which its owner signs in the first
// time; "" of a system, which proves itself by its keys, and of who signs on elsewhere.
// The fault is Duplicate where the user name is taken, Security where by may not make
// such an account, Value where something in it is not in order.
func (a *Auth) Make(ctx context.Context, by policy.Subject, acc Account, why string) (password string, err error) {
	const op = "auth.Make"
	if err := acc.check(); err != nil {
		return "", fault.E(op, err)
	}
	if err := a.mayMake(by, &acc); err != nil {
		if err := a.record(ctx, Event{Kind: Refused, Time: time.Now(), Subject: by, Reason: "making an account: " + fault.Reason(err), Whose: acc.User}); err != nil {
			return "", fault.E(op, err)
		}
		return "", fault.E(op, err)
	}
	if why == "" {
		return "", fault.E(op, fault.Required, "say why: it is kept in the trail", "why")
	}
	if _, taken, err := a.Accounts.Known(acc.User); err != nil || taken {
		return "", fault.E(op, cmp.Or(err, fault.E(op, fault.Duplicate, "there is an account of that user name: choose another", "user")))
	}
	if acc.Provider == "" && acc.Role != nhs.SourceSystem {
		if password, err = acc.give(time.Now()); err != nil {
			return "", fault.E(op, err)
		}
	}
	acc.Made = time.Now()
	if err := a.record(ctx, Event{Kind: AccountChanged, Time: acc.Made, Subject: by, Reason: "made, as " + acc.Role.Title() + ": " + why, Whose: acc.User}); err != nil {
		return "", fault.E(op, err)
	}
	if err := a.Accounts.Add(acc); err != nil {
		return "", fault.E(op, err)
	}
	return password, nil
}

// mayMake refuses an account that somebody may not make. The operator makes any, an
// administrator those of their organisation's people who work with records or look after
// accounts: who reviews accesses or governs is the operator's to let in.
func (a *Auth) mayMake(by policy.Subject, acc *Account) error {
	const op = "auth.mayMake"
	if acc.Provider == "" && acc.Role != nhs.SourceSystem && a.builtIn == nil {
		return fault.E(op, fault.NotSupported, "people sign on elsewhere here: their accounts are made there")
	}
	if _, known := a.party(acc.Provider); acc.Provider != "" && !known {
		return fault.E(op, fault.Value, "there is no sign-on provider of that name", "provider")
	}
	switch {
	case by.Role == nhs.Operator:
		return nil
	case by.Role != nhs.Administrator || by.Organisation == "" || by.Organisation != acc.Organisation || acc.Provider != "":
		return fault.E(op, fault.Security, "an administrator makes accounts of their own organisation")
	case !slices.Contains(MadeByAdministrators, acc.Role):
		return fault.E(op, fault.Security, "an account of that role is made by the region's operator")
	}
	return nil
}

// MadeByAdministrators are the roles of which an organisation's administrator makes accounts.
var MadeByAdministrators = []nhs.Role{nhs.GP, nhs.HospitalDoctor, nhs.Nurse, nhs.Pharmacist, nhs.SocialWorker, nhs.Paramedic, nhs.HospiceNurse, nhs.Advisor111, nhs.Handler111, nhs.Receptionist, nhs.Administrator}

// HasPasswords says whether there is a sign-on provider in the box.
func (a *Auth) HasPasswords() bool { return a.builtIn != nil }

// give puts a password on an account that is good once, and not for long.
func (a *Account) give(now time.Time) (password string, err error) {
	text := strings.ToLower(rand.Text()) // base 32: no 0, 1 or 8, which people misread
	password = text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:16]
	a.PasswordHash, err = HashPassword(password)
	a.Given = now.Add(GivenFor)
	return password, err
}

// GivePassword gives somebody who has forgotten theirs another one, which is good once,
// and ends whatever was begun in their name. What they have beside a password stays: a
// new password is no way round it.
func (a *Auth) GivePassword(ctx context.Context, by policy.Subject, user, why string) (password string, err error) {
	const op = "auth.GivePassword"
	acc, known, err := a.Accounts.Known(user)
	if err != nil {
		return "", fault.E(op, err)
	}
	if known && (acc.Provider != "" || acc.Role == nhs.SourceSystem || a.builtIn == nil) {
		return "", fault.E(op, fault.Value, "the account has no password here")
	}
	if err := a.administer(ctx, by, user, "a new password was given", why); err != nil {
		return "", fault.E(op, err)
	}
	if password, err = acc.give(time.Now()); err != nil {
		return "", fault.E(op, err)
	}
	if err := a.Accounts.Alter(user, func(x *Account) { x.PasswordHash, x.Given = acc.PasswordHash, acc.Given }); err != nil {
		return "", fault.E(op, err)
	}
	return password, a.SignOutEverywhere(ctx, by, user, "", why)
}

const (
	// leastChosen is the shortest password that somebody may choose.
	leastChosen = 12
	// weighed is how much of a password is held against what guessers try: to weigh long
	// ones whole takes long.
	weighed = 64
	// hard is the least of zxcvbn's scores, of 0 to 4, that is taken: more than 10⁸ guesses.
	hard = 3
)

// chosen says what is wrong with a password that somebody chooses. NIST SP 800-63B,
// section 3.1.1.2: its length, and what a guesser would try first, are all that counts.
func (a *Account) chosen(password string) error {
	const op, place = "auth.chosen", "password"
	switch {
	case len([]rune(password)) < leastChosen:
		return fault.E(op, fault.Value, "choose a password of 12 or more letters: four words that have nothing to do with each other are easy to keep", place)
	case len(password) > maxPassword:
		return fault.E(op, fault.Value, "choose a password of at most 256 letters", place)
	}
	said := strings.ToLower(a.User + " " + a.Name + " " + a.OrganisationName)
	said += " " + strings.NewReplacer("'", "", "’", "").Replace(said) // King's, as people type it
	theirs := append(strings.FieldsFunc(said, func(r rune) bool { return r == ' ' || r == '.' || r == '-' || r == '_' || r == '@' }),
		"selda", "nhs", "london", "south", "east", "doctor", "nurse", "hospital")
	if zxcvbn.PasswordStrength(password[:min(len(password), weighed)], theirs).Score < hard {
		return fault.E(op, fault.Value, "this password would be guessed soon: choose words that have nothing to do with you, your work or each other", place)
	}
	return nil
}

// setPassword has a password that somebody chose hold from now on, once that is recorded.
func (a *Auth) setPassword(ctx context.Context, user, password, address string) error {
	const op = "auth.setPassword"
	acc, known, err := a.Accounts.Known(user)
	if err == nil && !known {
		err = fault.E(op, fault.Login, "the account is gone")
	}
	if err == nil {
		err = acc.chosen(password)
	}
	if err == nil && acc.PasswordHash.Fits(password) {
		err = fault.E(op, fault.Value, "choose a password that you did not have before", "password")
	}
	if err != nil {
		return fault.E(op, err)
	}
	hash, err := HashPassword(password)
	if err != nil {
		return fault.E(op, err)
	}
	e := Event{Kind: AccountChanged, Time: time.Now(), Subject: acc.Subject(Purpose(acc.Role)), Provider: ownProvider, Address: address, Reason: "the password was changed", Whose: user}
	if err := a.record(ctx, e); err != nil {
		return fault.E(op, err)
	}
	if err := a.Accounts.Alter(user, func(x *Account) { x.PasswordHash, x.Given = hash, time.Time{} }); err != nil {
		return fault.E(op, err)
	}
	return nil
}

// Given is provider.People's.
func (p people) Given(user string) (bool, error) {
	acc, ok, err := p.a.Accounts.Known(user)
	return ok && !acc.Given.IsZero(), err
}

// Choose is provider.People's.
func (p people) Choose(ctx context.Context, user, password, address string) error {
	return p.a.setPassword(ctx, user, password, address)
}
