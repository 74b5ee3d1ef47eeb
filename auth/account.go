package auth

import (
	"slices"
	"strings"
	"time"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// Account is somebody, or a system, that can sign in. It acts in one role.
type Account struct {
	User             string // unique in the region
	Name             string // the person's name, to show
	Role             nhs.Role
	Organisation     nhs.ODS // "" of a citizen and of a proxy
	OrganisationName string
	NHSNumber        nhs.Number   // a citizen's own
	For              []nhs.Number // whom a proxy acts for
	Source           nhs.Source   // of a source system
	PasswordHash     PasswordHash // zero where another provider vouches
	// Given is until when a password that was given to its owner is good, to choose their
	// own; zero where they have chosen.
	Given    time.Time
	Provider string   // the provider from outside that vouches; "" of the built-in one
	Teams    []string // within the organisation: names of its own, or a provider's codes
	// Contact is who answers for the account: the person's own address at work, or
	// of whoever runs a system.
	Contact string
	// Ends is when the account ends, with a contract; zero where none is said.
	Ends     time.Time
	Disabled bool
	// Since: what was begun before, sessions and tokens, is ended.
	Since time.Time
	Made  time.Time // when the account was made
}

// Usable says whether an account can be used: it was not disabled, and has not ended.
func (a *Account) Usable(now time.Time) bool {
	return !a.Disabled && (a.Ends.IsZero() || now.Before(a.Ends))
}

// Subject is the account acting for a purpose.
func (a Account) Subject(p nhs.Purpose) policy.Subject {
	return policy.Subject{User: a.User, Name: a.Name, Role: a.Role, Organisation: a.Organisation, Purpose: p,
		NHSNumber: a.NHSNumber, For: slices.Clone(a.For), Source: a.Source, Teams: slices.Clone(a.Teams)}
}

// Purpose is the purpose that a role has unless its people choose another.
func Purpose(r nhs.Role) nhs.Purpose { return policy.Purposes(r)[0] }

// mayAct refuses a purpose that a role never has: a citizen asks for the own
// record and nothing else, and nobody else asks as a citizen. Which of the
// others a role may have is policy's to say.
func mayAct(r nhs.Role, p nhs.Purpose) error {
	if _, err := nhs.ParsePurpose(string(p)); err != nil {
		return fault.E("auth.Purpose", fault.Value, err)
	}
	if own := Purpose(r) == nhs.PatientRequest; own != (p == nhs.PatientRequest) {
		return fault.E("auth.Purpose", fault.Security, "that role can't act for that purpose")
	}
	return nil
}

const maxUser = 128

// isUser says whether a text can be a user name.
func isUser(s string) bool {
	return s != "" && len(s) <= maxUser && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:@") == ""
}

// check says what is wrong with an account; place names the field.
func (a Account) check() error {
	bad := func(message, place string) error { return fault.E("auth.Account", fault.Value, message, place) }
	if !isUser(a.User) {
		return bad("a user name has letters, digits and -_.:@", "user")
	}
	if a.Name == "" {
		return bad("an account has a name", "name")
	}
	if _, err := nhs.ParseRole(string(a.Role)); err != nil {
		return bad("no such role", "role")
	}
	switch a.Role {
	case nhs.Operator:
		return bad("the operator is the user of the operating system, not an account", "role")
	case nhs.Citizen:
		if a.NHSNumber.IsZero() {
			return bad("a citizen's account has an NHS number", "nhs_number")
		}
	case nhs.Proxy:
		// For whom it acts stands in those people's records.
		if slices.ContainsFunc(a.For, nhs.Number.IsZero) {
			return bad("an NHS number is needed of each for whom the account acts", "for")
		}
	case nhs.SourceSystem:
		if a.Source == "" {
			return bad("a system's account names its source", "source")
		}
		fallthrough
	default:
		if a.Organisation == nhs.Exchange || a.Source.Organisation() == nhs.Exchange {
			return bad("nobody acts as the exchange itself: name the organisation", "organisation")
		}
		if a.Organisation == "" {
			return bad("the account has no organisation", "organisation")
		}
	}
	return nil
}
