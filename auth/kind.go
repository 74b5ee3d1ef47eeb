package auth

import "selda/nhs"

// Kind is a kind of people, for settings of sign-on.
type Kind string

// The kinds of people.
const (
	Citizens       Kind = "citizen"       // and those who act for one
	Professionals  Kind = "professional"  // who treat, or look after records
	Administrators Kind = "administrator" // accounts and settings
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{Citizens, Professionals, Administrators} }

// KindOf is the kind of people that a role is of.
func KindOf(r nhs.Role) Kind {
	switch r {
	case nhs.Citizen, nhs.Proxy:
		return Citizens
	case nhs.Administrator:
		return Administrators
	}
	return Professionals
}
