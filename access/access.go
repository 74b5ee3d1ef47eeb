// Package access is the door out: who asks is put together with the facts of
// the citizen, policy decides, the audit trail has the decision, and only then
// is a Grant made. Nothing is read without one, and not a byte of what was read
// leaves before the decision is on disk: an answer waits for it (audit.Hold), and
// who has no answer to hold back waits for it here. It keeps no state of
// its own, and does not read the record: record does, under the Grant.
package access

import (
	"context"
	"slices"
	"time"

	"selda/access/grant"
	"selda/access/internal/seal"
	"selda/audit"
	"selda/fault"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/rights"
	"selda/store"
)

// Claims is the port to what users have stated: declared relationships and
// break-glass.
type Claims interface {
	ClaimsOf(ctx context.Context, subjects []store.Subject) ([]policy.Claim, error)
	AddClaim(ctx context.Context, s store.Subject, c policy.Claim) error
}

// Owners is the port that finds whose a resource is. It is asked before a
// decision, and its answer never leaves access.
type Owners interface {
	Owner(ctx context.Context, typ, id string) (store.Subject, error)
	// OwnersOf gives those of several items, each once.
	OwnersOf(ctx context.Context, items []store.ItemID) ([]store.Subject, error)
}

// Access decides. The zero Access refuses. It is not to be copied.
type Access struct {
	Store  store.Reader
	Index  mpi.Index
	Owners Owners
	Claims Claims
	Marks  Marks
	Trail  *audit.Trail
	// Agreements are what controllers have agreed; nil agrees to nothing.
	Agreements Agreements
	// Downtime: what is read is a downtime copy, and of records these data sets are
	// shown (G21); 0 of a region itself.
	Downtime policy.DataSets
	// Cases are those of rights (G18); nil where none can be opened.
	Cases Cases
	// Leaves names all that belongs to somebody; nil where nothing is destroyed.
	Leaves Leaves
	// Unused gives the messages in quarantine that are about somebody, as they go into a copy
	// (Art 15); nil where none are kept.
	Unused func(ctx context.Context, of []mpi.Known) ([]rights.Entry, error)
	// TakesPart says whether an organisation takes part here, so that a case can be handed to
	// it; nil: none does.
	TakesPart func(nhs.ODS) bool
	// LetIn lets what was destroyed under a case come in again; nil where nothing is destroyed.
	LetIn func(ctx context.Context, caseID string) error
	// File commits what is decided in a case; nil where nothing can be.
	File   func(ctx context.Context, f Filing) error
	Now    func() time.Time
	Staff  Staff  // nil: nobody is known to work anywhere
	Limits Limits // nil: no organisation has any

	worked worked
	homes  readersHomes
}

// Denied is a refusal, with what the user may do about it. To anyone outside
// it is of kind Security.
type Denied struct {
	Decision policy.Decision
	Citizen  string
}

// Error is the refusal's reason.
func (d *Denied) Error() string { return d.Decision.Reason }

func denied(op string, d policy.Decision, citizen string) error {
	return fault.E(op, fault.Security, error(&Denied{d, citizen}))
}

// system reads facts for a decision. It is never given to a reader.
var system = &policy.Predicate{Permit: true, Everything: true}

// Record asks for one citizen's record, as it is now. what says what for, as
// it shall stand in the trail.
func (a *Access) Record(ctx context.Context, s policy.Subject, citizen, what string) (grant.Grant, error) {
	return a.RecordAt(ctx, s, citizen, what, store.Latest)
}

// RecordAt asks for one citizen's record as at n: with the links and
// preferences of that n.
func (a *Access) RecordAt(ctx context.Context, s policy.Subject, citizen, what string, n uint64) (grant.Grant, error) {
	const op = "access.Record"
	found, err := a.Index.Citizen(ctx, citizen, n)
	if err != nil {
		if s.User != "" {
			e := audit.From(s, audit.Read, what)
			e.Outcome, e.Rules = audit.Deny, []string{"unknown id"}
			if err := a.Trail.Enter(ctx, e); err != nil {
				return grant.Grant{}, err
			}
		}
		return grant.Grant{}, fault.E(op, err)
	}
	return a.decide(ctx, op, s, asked{found: found, n: n, factsOf: found, factsAt: n}, audit.Read, what)
}

// Page asks for the record as at n, for the next page of a search that began
// then, under what the citizen decides now: an objection is in force for the
// next query, also of a reader who is in the middle of one.
func (a *Access) Page(ctx context.Context, s policy.Subject, citizen, what string, n uint64) (grant.Grant, error) {
	return a.page(ctx, s, citizen, what, n, policy.Item{})
}

// page is Page, for one item of the record where it is named.
func (a *Access) page(ctx context.Context, s policy.Subject, citizen, what string, n uint64, item policy.Item) (grant.Grant, error) {
	const op = "access.Page"
	found, err := a.Index.Citizen(ctx, citizen, n)
	if err != nil {
		return a.RecordAt(ctx, s, citizen, what, n) // refused, and recorded
	}
	now, err := a.Index.Citizen(ctx, citizen, store.Latest)
	if err != nil {
		return a.RecordAt(ctx, s, citizen, what, n)
	}
	return a.decide(ctx, op, s, asked{stillLinked(found, now), n, now, store.Latest, item}, audit.Read, what)
}

// stillLinked is a citizen as at an n without who is not linked now: that was
// somebody else, or is severed (G14).
func stillLinked(then, now mpi.Found) mpi.Found {
	then.Subjects = slices.DeleteFunc(slices.Clone(then.Subjects), func(k mpi.Known) bool { return !slices.Contains(now.Subjects, k) })
	return then
}

// asked is a record as at n, and the facts by which it is decided, as at
// another n.
type asked struct {
	found   mpi.Found
	n       uint64
	factsOf mpi.Found
	factsAt uint64
	item    policy.Item // that alone is asked for; none where it is the record
}

func (a *Access) decide(ctx context.Context, op string, s policy.Subject, q asked, action, what string) (grant.Grant, error) {
	found := q.found
	now := a.Now()
	var d policy.Decision
	var signs []string
	if s.Role == nhs.Operator {
		d = policy.Decision{Permit: true, Predicate: *system, Rules: []string{"operator at the command line"}}
	} else {
		facts, who, err := a.facts(ctx, q.factsOf, q.factsAt, &organisations{a: a})
		if err == nil {
			facts.Claims, err = a.claims(ctx, q.factsOf)
		}
		if err == nil && q.n != q.factsAt { // what is shown is of another n
			err = a.contents(ctx, facts.Preferences, q.found, q.n)
		}
		if err == nil && (s.Role == nhs.Citizen || s.Role == nhs.Proxy) {
			facts.NHSNumbers, err = a.proven(ctx, facts.NHSNumbers, q.factsOf.ID)
		}
		var r policy.Request
		if err == nil {
			r, err = a.request(ctx, s, found.ID, q.factsOf, q.factsAt, facts, now)
		}
		if err != nil {
			return grant.Grant{}, fault.E(op, err)
		}
		d = policy.Decide(r)
		if a.Downtime != 0 && d.Permit {
			d.Predicate.DataSets &= a.Downtime
			d.Rules = append(d.Rules, "G21 downtime copy")
		}
		signs = a.signs(ctx, &who, s, facts, q.found.ID)
	}
	e := audit.From(s, action, what)
	e.Citizen, e.Signs = found.ID, signs
	decidedBy(&e, d.Rules)
	if !d.Permit {
		e.Outcome = audit.Deny
	}
	if d.Emergency {
		e.Purpose = nhs.Emergency
	}
	var err error
	if e.Concealed, err = a.unknownTo(ctx, s, &d, q); err != nil {
		return grant.Grant{}, fault.E(op, err)
	}
	if err := a.Trail.Enter(ctx, e); err != nil {
		return grant.Grant{}, fault.E(op, err)
	}
	if !d.Permit {
		return grant.Grant{}, denied(op, d, found.ID)
	}
	return seal.Make(seal.Fields{Kind: seal.Record, Subject: s, Citizen: found, N: q.n, At: now, Predicate: d.Predicate, Decision: d}), nil
}

// decidedBy has an entry say by which rules it was decided, what tells of the citizen's
// choices apart.
func decidedBy(e *audit.Entry, rules []string) {
	for _, r := range rules {
		if policy.TellsChoice(r) {
			e.Choices = append(e.Choices, r)
		} else {
			e.Rules = append(e.Rules, r)
		}
	}
}

// unknownTo says whether a citizen, or who acts for them, asks for an item that is kept
// from them: their own trail, which they read, must not tell that it is there (G8, G10).
func (a *Access) unknownTo(ctx context.Context, s policy.Subject, d *policy.Decision, q asked) (bool, error) {
	if q.item.ID == "" || s.Role != nhs.Citizen && s.Role != nhs.Proxy || !d.Permit {
		return false, nil
	}
	_, err := a.Store.Read(ctx, q.item.Type, q.item.ID, q.n, &d.Predicate)
	if fault.Is(err, fault.NotFound) {
		return true, nil
	}
	if fault.Is(err, fault.Deleted) {
		return false, nil
	}
	return false, err
}

// Item asks for the record that a resource belongs to. A resource that the
// reader may not know of, and one that never was, get the same answer.
func (a *Access) Item(ctx context.Context, s policy.Subject, typ, id, action string) (grant.Grant, error) {
	return a.ItemPage(ctx, s, typ, id, action, store.Latest)
}

// ItemPage is Item as at n, for the next page of a search that began then.
func (a *Access) ItemPage(ctx context.Context, s policy.Subject, typ, id, action string, n uint64) (grant.Grant, error) {
	const op = "access.Item"
	unknown := fault.E(op, fault.NotFound, "there is no such resource")
	if s.Role == nhs.SourceSystem {
		return a.System(ctx, s, action, typ+"/"+id)
	}
	owner, err := a.Owners.Owner(ctx, typ, id)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return grant.Grant{}, err
	}
	if err == nil && owner == store.Shared {
		return a.Directory(ctx, s, typ+"/"+id)
	}
	if err == nil {
		if citizen, err2 := a.Index.CitizenID(ctx, owner); err2 == nil {
			g, err := a.page(ctx, s, citizen, typ+"/"+id, n, policy.Item{Type: typ, ID: id})
			if err == nil || !fault.Is(err, fault.Security) && !fault.Is(err, fault.NotFound) {
				return g, err
			}
			return grant.Grant{}, unknown
		}
	}
	e := audit.From(s, action, typ+"/"+id)
	e.Outcome, e.Rules = audit.Deny, []string{"unknown id"}
	if err := a.Trail.Enter(ctx, e); err != nil {
		return grant.Grant{}, err
	}
	return grant.Grant{}, unknown
}

// Directory asks for organisations, practitioners and places: anyone signed in may.
func (a *Access) Directory(ctx context.Context, s policy.Subject, what string) (grant.Grant, error) {
	return a.simple(ctx, "access.Directory", s, audit.Read, what, seal.Item, policy.DirectoryOf(s))
}

// Search asks to look for citizens by demographics.
func (a *Access) Search(ctx context.Context, s policy.Subject, what string) (grant.Grant, error) {
	return a.simple(ctx, "access.Search", s, audit.Search, what, seal.Search, policy.Search(s, a.widest(&s)))
}

// System asks for what a source system itself wrote.
func (a *Access) System(ctx context.Context, s policy.Subject, action, what string) (grant.Grant, error) {
	d := policy.Decision{Rules: []string{"G1 default deny"}, Reason: "only a source system may do this"}
	if s.Role == nhs.SourceSystem && s.Source != "" {
		d = policy.Search(s, nil)
	}
	return a.simple(ctx, "access.System", s, action, what, seal.System, d)
}

// Operate asks for feeds, quarantine, traces and raw messages (G13): those
// who run interfaces may, and the operator at the command line.
func (a *Access) Operate(ctx context.Context, s policy.Subject, action, what string) (grant.Grant, error) {
	d := policy.Decision{Rules: []string{"G13 interface team"}}
	switch s.Role {
	case nhs.Engineer, nhs.Operator:
		d.Permit, d.Predicate = true, *system
	default:
		d.Rules, d.Reason = []string{"G1 default deny"}, "only the interface team may do this"
	}
	return a.simple(ctx, "access.Operate", s, action, what, seal.Operate, d)
}

// OpenTrail asks for entries of the trail: a privacy officer those of the own
// organisation (G2), a citizen those of the own record.
func (a *Access) OpenTrail(ctx context.Context, s policy.Subject, what string) (grant.Grant, error) {
	d := policy.Decision{Rules: []string{"G2 own organisation's trail"}}
	switch s.Role {
	case nhs.PrivacyOfficer, nhs.CaldicottGuardian:
		d.Permit = s.Organisation != ""
	case nhs.Operator:
		d.Permit = true
	}
	if !d.Permit {
		d.Rules, d.Reason = []string{"G1 default deny"}, "only a privacy officer may do this"
	}
	return a.simple(ctx, "access.OpenTrail", s, audit.Read, what, seal.Trail, d)
}

func (a *Access) simple(ctx context.Context, op string, s policy.Subject, action, what string, kind seal.Kind, d policy.Decision) (grant.Grant, error) {
	e := audit.From(s, action, what)
	e.Rules = d.Rules
	if !d.Permit {
		e.Outcome = audit.Deny
	}
	if s.User == "" && !d.Permit {
		return grant.Grant{}, fault.E(op, fault.Login, "nobody is signed in")
	}
	if err := a.Trail.Enter(ctx, e); err != nil {
		return grant.Grant{}, fault.E(op, err)
	}
	if !d.Permit {
		return grant.Grant{}, denied(op, d, "")
	}
	return seal.Make(seal.Fields{Kind: kind, Subject: s, N: store.Latest, At: a.Now(), Predicate: d.Predicate, Decision: d}), nil
}

// proven are the numbers by which an account is this citizen's. The record of
// somebody else to whom a source has given the same number is not theirs (G15).
func (a *Access) proven(ctx context.Context, numbers []nhs.Number, citizen string) (out []nhs.Number, err error) {
	for _, n := range numbers {
		id, err := a.ByNumber(ctx, n)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		if err == nil && id == citizen {
			out = append(out, n)
		}
	}
	return out, nil
}

// Own finds the citizen that a signed-in citizen is.
func (a *Access) Own(ctx context.Context, s policy.Subject) (string, error) {
	return a.ByNumber(ctx, s.NHSNumber)
}

// ByNumber finds the citizen of an NHS number: the one with most sources,
// where a pair is still in review.
func (a *Access) ByNumber(ctx context.Context, n nhs.Number) (string, error) {
	const op = "access.Own"
	if n.IsZero() {
		return "", fault.E(op, fault.NotFound, "no NHS number is known of this account")
	}
	known, err := a.Index.ByIdentity(ctx, nhs.NumberSystem, n.Digits())
	if err != nil {
		return "", err
	}
	best, most := "", 0
	for _, k := range known {
		id, err := a.Index.CitizenID(ctx, k.Subject)
		if err != nil {
			return "", err
		}
		f, err := a.Index.Citizen(ctx, id, store.Latest)
		if err != nil {
			return "", err
		}
		if len(f.Subjects) > most {
			best, most = id, len(f.Subjects)
		}
	}
	if best == "" {
		return "", fault.E(op, fault.NotFound, "there is no record for this account yet")
	}
	return best, nil
}
