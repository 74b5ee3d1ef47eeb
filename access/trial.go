package access

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"selda/agreement"
	"selda/fault"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Trial is what an agreement would change if it were signed: who would be shown
// how many more or fewer items, of which kinds.
type Trial struct {
	Citizens int     // that were looked at
	All      bool    // they are all citizens
	Changes  []Shift // the greatest first
	Paths    []agreement.Path
}

// Shift is what changes for readers of an organisation, in a role, of what a
// source's kind of data they see.
type Shift struct {
	Reader        nhs.ODS // "" for citizens themselves
	Role          nhs.Role
	Source        nhs.Source
	Kind          policy.DataSet
	More, Fewer   int
	Citizens      int
	Before, After int      // items that are seen
	Examples      []string // "Condition/…", of the first
}

const (
	// mostTried is how many citizens a trial looks at where no number is said.
	mostTried = 2000
	// examplesOf a shift are given.
	examplesOf = 3
)

// TryAgreements says what a set of agreements would change, by deciding for every
// organisation that looks after each of some citizens now, in its roles, as it is and
// as it would be. roles are those in which people of an organisation act; limit is how many citizens are
// looked at, spread over all of them; 0 is a number that takes seconds.
func (a *Access) TryAgreements(ctx context.Context, s policy.Subject, next *agreement.Set, what string, limit int, roles func(nhs.ODS) []nhs.Role) (*Trial, error) {
	const op = "access.TryAgreements"
	if err := a.Govern(ctx, s, what); err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = mostTried
	}
	t := &trial{a: a, now: a.Now(), before: a.Agreements.At(store.Latest), after: next, roles: roles, shifts: map[shiftKey]*Shift{}, names: organisations{a: a}}
	out := &Trial{}
	seen := map[store.Citizen]bool{}
	var err error
	out.All, err = a.spread(ctx, limit, func(f mpi.Found) error {
		if seen[f.Citizen] {
			return nil
		}
		seen[f.Citizen] = true
		out.Citizens++
		return t.citizen(ctx, f)
	})
	if err != nil {
		return nil, fault.E(op, err)
	}
	for _, x := range t.shifts {
		if x.More+x.Fewer > 0 {
			out.Changes = append(out.Changes, *x)
		}
	}
	slices.SortFunc(out.Changes, func(x, y Shift) int {
		return cmp.Or(cmp.Compare(y.More+y.Fewer, x.More+x.Fewer), cmp.Compare(x.Reader, y.Reader), cmp.Compare(x.Role, y.Role), cmp.Compare(x.Source, y.Source), cmp.Compare(x.Kind, y.Kind))
	})
	out.Paths = t.broken()
	return out, nil
}

// trial counts.
type trial struct {
	a             *Access
	now           time.Time
	before, after *agreement.Set
	roles         func(nhs.ODS) []nhs.Role
	names         organisations
	shifts        map[shiftKey]*Shift
}

type shiftKey struct {
	reader nhs.ODS
	role   nhs.Role
	source nhs.Source
	kind   policy.DataSet
}

// citizen counts what changes of one citizen's record.
func (t *trial) citizen(ctx context.Context, f mpi.Found) error {
	facts, _, err := t.a.facts(ctx, f, store.Latest, &t.names)
	if err != nil {
		return err
	}
	person := personOf(&facts, t.now)
	var items []*store.Version // read once something differs
	for _, s := range t.readers(&facts) {
		r := agreement.Reader{Organisation: s.Organisation, Role: s.Role, Purpose: agreement.DirectCare}
		if s.Role == nhs.Citizen {
			r.Purpose = agreement.CitizenAccess
		}
		before, after := t.before.Of(r, person, t.now), t.after.Of(r, person, t.now)
		q := policy.Request{Subject: s, Citizen: f.ID, Now: t.now, Facts: facts, Agreed: before}
		if err := t.a.limit(&q); err != nil { // seals within: the reader stands for those in no team
			return err
		}
		was := policy.Decide(q)
		q.Agreed = after
		will := policy.Decide(q)
		if !was.Permit {
			continue
		}
		if items == nil {
			if items, err = t.items(ctx, f); err != nil {
				return err
			}
		}
		touched := map[*Shift]bool{}
		for _, v := range items {
			t.item(s, v, was.Predicate.Shows(&v.Columns), will.Predicate.Shows(&v.Columns), touched)
		}
		for x := range touched {
			x.Citizens++
		}
	}
	return nil
}

func (t *trial) item(s policy.Subject, v *store.Version, was, will bool, touched map[*Shift]bool) {
	if !was && !will {
		return
	}
	k := shiftKey{s.Organisation, s.Role, v.Source, v.DataSet}
	x := t.shifts[k]
	if x == nil {
		x = &Shift{Reader: k.reader, Role: k.role, Source: k.source, Kind: k.kind}
		t.shifts[k] = x
	}
	if was {
		x.Before++
	}
	if will {
		x.After++
	}
	if was == will {
		return
	}
	if will {
		x.More++
	} else {
		x.Fewer++
	}
	touched[x] = true
	if len(x.Examples) < examplesOf {
		x.Examples = append(x.Examples, v.Type+"/"+v.ID)
	}
}

// readers are those who could open the record now: the roles of each organisation that
// looks after the citizen, and the citizen.
func (t *trial) readers(f *policy.Facts) (out []policy.Subject) {
	orgs := map[nhs.ODS]bool{}
	for i := range f.Relationships {
		orgs[f.Relationships[i].Organisation] = true
	}
	for _, o := range slices.Sorted(maps.Keys(orgs)) {
		for _, role := range t.roles(o) {
			out = append(out, policy.Subject{User: "trial", Role: role, Organisation: o, Purpose: nhs.Treatment})
		}
	}
	if len(f.NHSNumbers) > 0 {
		out = append(out, policy.Subject{User: "trial", Role: nhs.Citizen, NHSNumber: f.NHSNumbers[0], Purpose: nhs.PatientRequest})
	}
	return out
}

func (t *trial) items(ctx context.Context, f mpi.Found) ([]*store.Version, error) {
	out := []*store.Version{}
	for _, k := range f.Subjects {
		list, err := t.a.Store.Compartment(ctx, k.Subject, store.Latest, system)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// broken are the pathways on which something was seen and would be no more.
func (t *trial) broken() []agreement.Path {
	var flows []agreement.Flow
	for _, x := range t.shifts {
		flows = append(flows, agreement.Flow{Source: x.Source, Kind: x.Kind, Reader: x.Reader, Role: x.Role, Before: x.Before, After: x.After})
	}
	return agreement.Broken(flows)
}

// spread gives citizens who are spread over all of them, about so many, or all
// where there are fewer.
func (a *Access) spread(ctx context.Context, limit int, f func(mpi.Found) error) (all bool, err error) {
	last, err := a.lastSubject(ctx)
	if err != nil || last == 0 {
		return true, err
	}
	step := max(last/store.Subject(limit), 1)
	for s := store.Subject(1); s <= last; s += step {
		v, _, _, err := a.Store.Walk(ctx, store.Walk{N: store.Latest, After: store.Key{Subject: s}, Last: s + step - 1, Limit: 1}, system)
		if err != nil {
			return false, err
		}
		if len(v) == 0 {
			continue
		}
		found, err := a.Index.Citizens(ctx, []store.Subject{v[0].Subject})
		if err != nil {
			return false, err
		}
		for _, c := range found {
			if err := f(c); err != nil {
				return false, err
			}
		}
	}
	return step == 1, nil
}

// lastSubject is the last that has something, found by halving.
func (a *Access) lastSubject(ctx context.Context) (store.Subject, error) {
	has := func(s store.Subject) (bool, error) {
		v, _, more, err := a.Store.Walk(ctx, store.Walk{N: store.Latest, After: store.Key{Subject: s}, Limit: 1}, system)
		return len(v) > 0 || more, err
	}
	low, high := store.Subject(0), store.Subject(1)
	for {
		more, err := has(high)
		if err != nil {
			return 0, err
		}
		if !more {
			break
		}
		low, high = high, high*2
	}
	for low+1 < high {
		mid := low + (high-low)/2
		more, err := has(mid)
		if err != nil {
			return 0, err
		}
		if more {
			low = mid
		} else {
			high = mid
		}
	}
	return high, nil
}
