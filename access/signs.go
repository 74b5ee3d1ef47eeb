package access

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"selda/fhir"
	"selda/mpi/fold"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Signs of an access that a privacy officer should look at. No decision rests
// on them: they are noted in the entry of the trail as it is made, from the
// facts that the decision had, so that nothing is read again to find them. Where
// the reader lives is read once an hour.
const (
	SignOwn        = "own record"
	SignWatched    = "watched record"
	SignColleague  = "colleague"
	SignNeighbour  = "neighbour"
	SignFamily     = "same family name"
	SignRestricted = "restricted record"
)

// Staff is the port to who works where, and to whose records are watched.
type Staff interface {
	// WorksAt are the organisations at which somebody is a professional.
	WorksAt(n nhs.Number) []nhs.ODS
	// Watched says whether a Caldicott guardian has a citizen's record watched.
	Watched(citizen string, now time.Time) bool
}

// known is what the sources' Patients say that makes a sign, and what else is
// weighed before a decision.
type known struct {
	families   []string
	homes      []string  // postcodes, and streets in their district, folded
	employers  []nhs.ODS // as the record names them
	restricted bool
	left       []nhs.ODS // practices that say that the person is no longer registered
}

func (k *known) add(r *fhir.Resource) {
	for _, n := range r.Root().List("name") {
		if f := fold.Name(n.Get("family").Text()); f != "" && !slices.Contains(k.families, f) {
			k.families = append(k.families, f)
		}
	}
	k.homes = homes(r, k.homes)
	for _, c := range r.Root().List("contact") {
		for _, g := range c.List("relationship", "coding") {
			// https://terminology.hl7.org/CodeSystem-v2-0131.html
			if g.Get("code").Is("E") {
				if o := employer(c.Get("organization")); o != "" {
					k.employers = append(k.employers, o)
				}
			}
		}
	}
	for _, s := range r.Root().List("meta", "security") {
		if c := s.Get("code"); c.Is("R") || c.Is("V") || c.Is("REDACTED") {
			k.restricted = true
		}
	}
}

func employer(org fhir.Node) nhs.ODS {
	id := org.Get("identifier")
	if !id.Get("system").Is(nhs.ODSSystem) {
		return ""
	}
	o, err := nhs.ParseODS(id.Get("value").Text())
	if err != nil {
		return ""
	}
	return o
}

// homes adds where a Patient lives: the postcode, which a few houses share, and
// the street with the postcode's district.
func homes(r *fhir.Resource, list []string) []string {
	for _, a := range r.Root().List("address") {
		post := nhs.Postcode(a.Get("postalCode").Text())
		if post == "" || a.Get("use").Is("old") {
			continue
		}
		list = append(list, post)
		street := strings.TrimLeft(a.Get("line", "0").Text(), "0123456789 ,-/abcABC")
		if f := fold.Name(street); len(f) > 3 {
			district, _, _ := strings.Cut(post, " ")
			list = append(list, f+" "+district)
		}
	}
	return list
}

// homeFor is how long it is kept where a reader lives.
const homeFor = time.Hour

// readers' homes, by NHS number.
type readersHomes struct {
	mu    sync.Mutex
	known map[nhs.Number]home
}

type home struct {
	at     time.Time
	places []string
}

// mostHomes bounds what is kept; beyond it all is forgotten.
const mostHomes = 20_000

// livesAt is where a reader lives, by their own record.
func (a *Access) livesAt(ctx context.Context, n nhs.Number) []string {
	if n.IsZero() {
		return nil
	}
	now := a.Now()
	a.homes.mu.Lock()
	h, ok := a.homes.known[n]
	a.homes.mu.Unlock()
	if ok && now.Sub(h.at).Abs() < homeFor {
		return h.places
	}
	h = home{at: now}
	if id, err := a.ByNumber(ctx, n); err == nil {
		if found, err := a.Index.Citizen(ctx, id, store.Latest); err == nil {
			for _, k := range found.Subjects {
				versions, err := a.Store.Compartment(ctx, k.Subject, store.Latest, system, "Patient")
				if err != nil {
					continue // a sign is no reason to refuse anything
				}
				for _, v := range versions {
					if r, err := v.Resource(); err == nil {
						h.places = homes(r, h.places)
					}
				}
			}
		}
	}
	a.homes.mu.Lock()
	defer a.homes.mu.Unlock()
	if a.homes.known == nil || len(a.homes.known) >= mostHomes {
		a.homes.known = map[nhs.Number]home{}
	}
	a.homes.known[n] = h
	return h.places
}

// signs are those of a professional's access, the riskiest first.
func (a *Access) signs(ctx context.Context, k *known, s policy.Subject, f policy.Facts, citizen string) []string {
	switch s.Role {
	case nhs.Citizen, nhs.Proxy, nhs.SourceSystem:
		return nil
	}
	var out []string
	own := !s.NHSNumber.IsZero() && slices.Contains(f.NHSNumbers, s.NHSNumber)
	if own {
		out = append(out, SignOwn)
	}
	if a.Staff != nil && a.Staff.Watched(citizen, a.Now()) {
		out = append(out, SignWatched)
	}
	if !own {
		if a.colleague(k, s, f) {
			out = append(out, SignColleague)
		}
		if len(k.homes) > 0 {
			for _, h := range a.livesAt(ctx, s.NHSNumber) {
				if slices.Contains(k.homes, h) {
					out = append(out, SignNeighbour)
					break
				}
			}
		}
	}
	names := strings.Fields(s.Name)
	if n := len(names); n > 1 && slices.Contains(k.families, fold.Name(names[n-1])) {
		out = append(out, SignFamily)
	}
	if k.restricted {
		out = append(out, SignRestricted)
	}
	return out
}

// colleague says whether the citizen works where the reader does: by an account, or
// by the employer that the record names.
func (a *Access) colleague(k *known, s policy.Subject, f policy.Facts) bool {
	if s.Organisation == "" {
		return false
	}
	if slices.Contains(k.employers, s.Organisation) {
		return true
	}
	if a.Staff == nil {
		return false
	}
	return slices.ContainsFunc(f.NHSNumbers, func(n nhs.Number) bool { return slices.Contains(a.Staff.WorksAt(n), s.Organisation) })
}
