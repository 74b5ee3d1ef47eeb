// Package seal holds the Grant and its only maker. It lies where only access
// and what is below it can import it: a Grant made elsewhere does not compile.
package seal

import (
	"time"

	"selda/mpi"
	"selda/policy"
)

// Kind is what a Grant is for.
type Kind uint8

// The kinds. The zero Kind permits nothing.
const (
	None    Kind = iota
	Record       // one citizen's record
	Search       // looking for citizens
	System       // what one source system wrote
	Operate      // raw messages, traces, quarantine, feeds
	Trail        // entries of the audit trail
	Item         // one directory resource
	Follow       // the change log, for a follower of it
)

// Grant says what a reader may see now. The zero Grant permits nothing.
type Grant struct{ f Fields }

// Fields are what a Grant is made of.
type Fields struct {
	Kind      Kind
	Subject   policy.Subject
	Citizen   mpi.Found // of Record
	N         uint64    // as at
	At        time.Time
	Predicate policy.Predicate
	Decision  policy.Decision
}

// Make makes a Grant. Only access calls it, after the audit entry is durable. An
// application's Grant has its scopes in the predicate, so that nothing that is
// read goes round them.
func Make(f Fields) Grant {
	f.Predicate = f.Subject.Scopes.Narrow(f.Predicate, f.Citizen.ID, f.Kind == Item)
	return Grant{f}
}

// Kind is what the Grant is for.
func (g Grant) Kind() Kind { return g.f.Kind }

// Subject is who it was made for.
func (g Grant) Subject() policy.Subject { return g.f.Subject }

// Citizen is whose record it opens.
func (g Grant) Citizen() mpi.Found { return g.f.Citizen }

// N is the number of the commit that it is as at.
func (g Grant) N() uint64 { return g.f.N }

// At is when it was made.
func (g Grant) At() time.Time { return g.f.At }

// Predicate is what every query under it carries.
func (g Grant) Predicate() *policy.Predicate { p := g.f.Predicate; return &p }

// Decision is what made it.
func (g Grant) Decision() policy.Decision { return g.f.Decision }
