package auth

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"selda/fault"
)

// This file is what is made of what a provider says of somebody: whether it is sure
// enough, and as what they may act here.

// identity is who a provider says that somebody is.
type identity struct {
	user string // the account's name here
	sid  string // of the session at the provider
	// options are what they may act as, one of them at a time.
	options []option
	person  Person // of NHS login
}

// option is something that somebody may act as.
type option struct {
	ID      string // the provider's name of it: a person_roleid of CIS2
	Title   string // the provider's words for the role
	Account Account
}

// denied refuses somebody whom a provider vouches for. The trail has the reason; the
// person reads the words, which say what they can do.
type denied struct {
	error
	title, words string
	// lost says that who was let in before is not any more: what was begun in their name
	// ends.
	lost bool
}

// Unwrap is errors.Is's.
func (d denied) Unwrap() error { return d.error }

// asDenied is the denial in an error's chain.
func asDenied(err error) (d denied, ok bool) {
	ok = errors.As(err, &d)
	return d, ok
}

// noUse refuses a role that has no use of this system.
func noUse(reason, place string) error {
	return denied{fault.E("auth.account", fault.Security, reason, place), "You have no role here",
		"You signed in, but none of your roles at the sign-in service is one that uses SELDA. If you think that it should be, ask the person who manages smartcards and roles at your organisation (the Registration Authority).", true}
}

// assured says whether a sign-in is as sure as its service's rules want it.
func (p Provider) assured(said map[string]any) error {
	switch p.Service {
	case CIS2:
		return p.assuredCIS2(said)
	case NHSLogin:
		return p.assuredNHSLogin(said)
	}
	return nil
}

// assuredCIS2 looks at the levels of assurance.
// https://digital.nhs.uk/services/care-identity-service (authenticators, ACR and AMR values)
func (p Provider) assuredCIS2(said map[string]any) error {
	const op = "auth.assured"
	stronger := func(reason, place string) error {
		words := "You signed in with something that is not strong enough to open records. Sign in again with your smartcard, a security key, Windows Hello or Microsoft Authenticator."
		if p.Assurance == 3 {
			words = "You signed in with something that is not strong enough to open records here. Sign in again with your smartcard or a security key."
		}
		return denied{fault.E(op, fault.Security, reason, place), "Sign in with something stronger", words, false}
	}
	if asked := strings.Fields(p.Params["acr_values"]); !slices.Contains(asked, claim(said, "acr")) {
		return stronger("the sign-in was not of a class that was asked for", "acr")
	}
	if level(said, "authentication_assurance_level") < p.Assurance {
		return stronger("the authentication assurance level is too low", "authentication_assurance_level")
	}
	if level(said, "id_assurance_level") < p.IdentityAssurance {
		return denied{fault.E(op, fault.Security, "the identity assurance level is too low", "id_assurance_level"), "Your identity has to be checked first",
			"The sign-in service is not yet sure enough who you are. Ask the person who manages smartcards and roles at your organisation (the Registration Authority) to complete the check of your identity, then sign in again.", true}
	}
	return nil
}

// level is a level that a claim states as a number or as text; 0 where it states none.
func level(said map[string]any, name string) int {
	n, err := strconv.Atoi(claim(said, name))
	if err != nil {
		return 0
	}
	return n
}

// assuredNHSLogin looks at how well it was proven who somebody is, and at the vector of
// trust. RFC 8485, section 2; https://nhsconnect.github.io/nhslogin/vectors-of-trust/
func (p Provider) assuredNHSLogin(said map[string]any) error {
	const op = "auth.assured"
	proof, vector := claim(said, "identity_proofing_level"), strings.Split(claim(said, "vot"), ".")
	if proof != p.Proofing {
		return denied{fault.E(op, fault.Security, "the identity proofing level is too low", "identity_proofing_level"), "You need to prove who you are",
			"To keep health records private, we need to be sure who you are. Your NHS login has not proved that yet. Go to the NHS App or the NHS login website, choose to prove your identity, and have a photo of your passport or driving licence ready. Then come back and sign in again. If you can't do this, ask your GP practice.", true}
	}
	if !slices.ContainsFunc(p.Vectors, func(asked string) bool {
		return !slices.ContainsFunc(strings.Split(asked, "."), func(part string) bool { return !slices.Contains(vector, part) })
	}) {
		return denied{fault.E(op, fault.Security, "the vector of trust is none that was asked for", "vot"), "Sign in again with a code or passkey",
			"You signed in with a password alone. To keep health records private, sign in again and use the security code that is sent to your phone, or a passkey.", false}
	}
	return nil
}

// roleID is the claim that names one of somebody's roles.
const roleID = "person_roleid"

// options are what somebody may act as here: the role that they selected at the provider,
// else each of their roles that has a use here.
func (p Provider) options(sub string, said map[string]any) ([]option, error) {
	if err := p.assured(said); err != nil {
		return nil, err
	}
	path, _, ok := strings.Cut(p.Claims.Role, ".")
	list, isList := said[path].([]any)
	if p.RoleForAll != "" || !ok || !isList {
		a, err := p.account(sub, said)
		if err != nil {
			return nil, err
		}
		return []option{{Account: a}}, nil
	}
	chosen, isChosen := said["selected_roleid"]
	var out []option
	var why error
	for _, v := range list {
		m, _ := v.(map[string]any)
		id, _ := m[roleID].(string)
		if id == "" || isChosen && id != chosen || slices.ContainsFunc(out, func(o option) bool { return o.ID == id }) || len(out) >= mostRoles {
			continue
		}
		one := make(map[string]any, len(said)+1)
		for name, v := range said {
			one[name] = v
		}
		one["selected_roleid"] = id
		a, err := p.account(sub, one)
		if err != nil {
			why = err
			continue
		}
		title, _ := m["role_name"].(string)
		out = append(out, option{id, title, a})
	}
	switch {
	case len(out) > 0:
		return out, nil
	case isChosen && why == nil:
		return nil, noUse("the role that was selected is none of the person's", "selected_roleid")
	case why == nil:
		return nil, noUse("the sign-in service states no role", p.Claims.Role)
	}
	return nil, why
}

// mostRoles is how many roles of somebody are offered.
const mostRoles = 60

// personOf is whom NHS login vouches for.
func personOf(a *Account, said map[string]any) Person {
	return Person{NHSNumber: a.NHSNumber, Born: claim(said, "birthdate"), Given: claim(said, "given_name"), Family: claim(said, "family_name")}
}

// itsRecord refuses a citizen whose number is not of a record with their birth date and a
// name of theirs (G15). It reads alike whether there is no record or another's.
func (a *Auth) itsRecord(ctx context.Context, p Person) error {
	const op = "auth.itsRecord"
	ok := false
	if a.conf.Citizen != nil && p.Born != "" {
		var err error
		if ok, err = a.conf.Citizen(ctx, p); err != nil {
			return fault.E(op, fault.Transient, err)
		}
	}
	if !ok {
		return denied{fault.E(op, fault.Security, "no record is of this NHS number, birth date and name (G15)", "nhs_number"), "We could not find your record",
			"You signed in, but we could not match you to a record here. Your details may be spelt in another way, or you may live in another area. Ask your GP practice to check your name, date of birth and NHS number. Nothing was opened.", true}
	}
	return nil
}
