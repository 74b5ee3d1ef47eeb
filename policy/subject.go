// Package policy is the decision: given who asks, what for, and the facts of
// the citizen, it says permit or deny, the predicate that every query must
// carry, and the reasons in words. It is pure: facts and time are arguments,
// so that a decision replays from its record to the same answer.
//
// Words are XACML's (subject, purpose, permit, deny). Rules are filed by the
// governing rule that they keep: G4 and G5 in objection.go, G8 and G12 in audience.go.
package policy

import "selda/nhs"

// Subject is who asks, in XACML's sense: an account in a role, at an
// organisation, for a purpose. The zero Subject is nobody and is denied.
type Subject struct {
	User         string      // account name, unique in the region
	Name         string      // the person's name, to show
	Role         nhs.Role    // what they act as
	Organisation nhs.ODS     // where they act; "" for a citizen
	Purpose      nhs.Purpose // what for
	Teams        []string    // within the organisation: names of its own, or a provider's codes
	// NHSNumber is the citizen's own number, of a citizen; ten digits.
	NHSNumber nhs.Number
	// For are the numbers of those whom a proxy acts for.
	For []nhs.Number
	// Source is the source system's own name, of a source system.
	Source nhs.Source
	// Scopes are those of the application that asks in the subject's name; nil
	// where none does.
	Scopes *Scopes
}
