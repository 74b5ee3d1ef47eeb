package access

import (
	"context"
	"slices"
	"sync"
	"time"

	"selda/agreement"
	"selda/mpi"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Agreements is the port to what controllers have agreed.
type Agreements interface {
	// At is the set in force as at n. It is shared: nobody may change it.
	At(n uint64) *agreement.Set
}

// worked keeps what was worked out of a set of agreements: of most readers'
// citizens it is the same.
type worked struct {
	mu    sync.RWMutex
	of    *agreement.Set
	from  time.Time
	until time.Time // when the answers change by themselves; zero: never
	known map[agreedKey]*policy.Agreed
	conds []agreement.Citizens
}

type agreedKey struct {
	reader agreement.Reader
	meant  uint64 // which of the conditions the citizen meets, a bit each
}

// mostKept bounds what is kept: readers' organisations, roles and conditions.
const mostKept = 10_000

// mostConditions fit a key; with more of them nothing is kept.
const mostConditions = 64

// request is the question whether somebody may open a record: with what is
// agreed, and, where something is withheld, with what was sent to whom.
func (a *Access) request(ctx context.Context, s policy.Subject, citizen string, of mpi.Found, n uint64, f policy.Facts, now time.Time) (policy.Request, error) {
	r := policy.Request{Subject: s, Citizen: citizen, Now: now, Facts: f}
	r.Agreed, r.AgreedInEmergency = a.agreed(&s, &f, n, now)
	if err := a.limit(&r); err != nil {
		return r, err
	}
	if len(f.Preferences) == 0 && !r.Agreed.Limits() {
		return r, nil
	}
	for _, k := range of.Subjects {
		if err := a.addressed(ctx, &r.Facts, k.Subject, n); err != nil {
			return r, err
		}
	}
	return r, nil
}

// agreed says what agreements show a subject of a citizen, as at n. In an emergency
// more may be agreed.
func (a *Access) agreed(s *policy.Subject, f *policy.Facts, n uint64, now time.Time) (direct, emergency *policy.Agreed) {
	if a.Agreements == nil {
		return nil, nil
	}
	set, person := a.Agreements.At(n), personOf(f, now)
	r := agreement.Reader{Organisation: s.Organisation, Role: s.Role, Purpose: agreement.DirectCare}
	if s.Role == nhs.Citizen || s.Role == nhs.Proxy {
		r.Purpose = agreement.CitizenAccess
		return a.worked.ask(set, r, person, now), nil
	}
	direct = a.worked.ask(set, r, person, now)
	if slices.ContainsFunc(f.Claims, func(c policy.Claim) bool { return c.Emergency }) {
		r.Purpose = agreement.Emergency
		emergency = a.worked.ask(set, r, person, now)
	}
	return direct, emergency
}

// widest is what agreements show a subject of anybody.
func (a *Access) widest(s *policy.Subject) *policy.Agreed {
	if a.Agreements == nil {
		return nil
	}
	return a.Agreements.At(store.Latest).Widest(agreement.Reader{Organisation: s.Organisation, Role: s.Role, Purpose: agreement.DirectCare}, a.Now())
}

// personOf is what agreements may look at of a citizen.
func personOf(f *policy.Facts, now time.Time) agreement.Person {
	p := agreement.Person{Age: -1}
	if age, ok := policy.Age(f.BirthDate, now); ok {
		p.Age = age
	}
	for i := range f.Relationships {
		if r := &f.Relationships[i]; r.Kind == "registration" && (r.To.IsZero() || now.Before(r.To)) && !now.Before(r.From) {
			p.Registered = append(p.Registered, r.Organisation)
		}
	}
	return p
}

// ask says what a set shows a reader of somebody.
func (w *worked) ask(set *agreement.Set, r agreement.Reader, p agreement.Person, now time.Time) *policy.Agreed {
	w.mu.RLock()
	if w.holds(set, now) && len(w.conds) <= mostConditions {
		if known := w.known[w.key(r, p)]; known != nil {
			w.mu.RUnlock()
			return known
		}
	}
	w.mu.RUnlock()
	out := set.Of(r, p, now)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.holds(set, now) || len(w.known) >= mostKept {
		w.of, w.from, w.until, w.conds, w.known = set, now, set.Changes(now), set.Conditions(), map[agreedKey]*policy.Agreed{}
	}
	if len(w.conds) <= mostConditions {
		w.known[w.key(r, p)] = out
	}
	return out
}

// holds says whether what is kept is of a set, and of the time.
func (w *worked) holds(set *agreement.Set, now time.Time) bool {
	return w.of == set && !now.Before(w.from) && (w.until.IsZero() || now.Before(w.until))
}

// key is that of an answer.
func (w *worked) key(r agreement.Reader, p agreement.Person) agreedKey {
	k := agreedKey{reader: r}
	for i, c := range w.conds {
		if c.Of(p) {
			k.meant |= 1 << i
		}
	}
	return k
}
