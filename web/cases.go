package web

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"selda/access"
	"selda/audit"
	"selda/web/view"
)

// suspicion is one access to look at: what a user did with one record, or with
// many, on one day.
type suspicion struct {
	what     string
	rank     int // the first to look at has the least
	tone     view.Tone
	first    audit.Entry // the earliest of the day: its number is the case's
	about    audit.Entry // what the person asks about
	last     time.Time
	seqs     []uint64
	facts    []string
	outcomes []audit.Entry // the latest first
	closed   bool
}

// kinds are the kinds of case, the riskiest first.
var kinds = []struct {
	what string
	tone view.Tone
	is   func(audit.Entry) bool
}{
	{"The person asks", view.Bad, func(e audit.Entry) bool { return e.Action == audit.Ask }},
	{"Emergency access", view.Bad, func(e audit.Entry) bool { return e.Action == audit.BreakGlass }},
	{"Own record", view.Bad, func(e audit.Entry) bool { return slices.Contains(e.Signs, access.SignOwn) }},
	{"Watched record", view.Bad, func(e audit.Entry) bool { return slices.Contains(e.Signs, access.SignWatched) }},
	{"A colleague's record", view.Warn, func(e audit.Entry) bool { return slices.Contains(e.Signs, access.SignColleague) }},
	{"A neighbour's record", view.Warn, func(e audit.Entry) bool { return slices.Contains(e.Signs, access.SignNeighbour) }},
	{"Same family name", view.Warn, func(e audit.Entry) bool { return slices.Contains(e.Signs, access.SignFamily) }},
	{"Restricted record", view.Warn, func(e audit.Entry) bool { return slices.Contains(e.Signs, access.SignRestricted) }},
	{"Refused", view.Warn, func(e audit.Entry) bool { return e.Outcome == audit.Deny && !e.Undecided() }},
}

// caseKey is what one case is of. What is done again after a review is a case
// of its own: round counts the reviews before it.
type caseKey struct {
	user, citizen, what, day string
	about                    uint64 // of a question
	round                    int
}

// kindOf is the riskiest kind that an access is of.
func kindOf(e audit.Entry) (rank int, found bool) {
	for rank, kind := range kinds {
		if kind.is(e) {
			return rank, true
		}
	}
	return 0, false
}

// closings are the numbers of the reviews that closed a case, by what it was of.
func closings(accesses, reviews []audit.Entry) map[caseKey][]uint64 {
	out := map[caseKey][]uint64{}
	for _, r := range reviews {
		if r.Outcome != audit.Permit || !access.OutcomeOf(r).Closes {
			continue
		}
		if i := slices.IndexFunc(accesses, func(e audit.Entry) bool { return e.Seq == r.About }); i >= 0 {
			if rank, ok := kindOf(accesses[i]); ok {
				k := caseKey{user: accesses[i].User, citizen: accesses[i].Citizen, what: kinds[rank].what, day: at(accesses[i]).Pro(), about: accesses[i].About}
				out[k] = append(out[k], r.Seq)
			}
		}
	}
	return out
}

// cases are what a privacy officer should look at, by risk. One kind of access
// of a user to a record is one case a day, however many pages were opened.
func cases(accesses, reviews []audit.Entry) []*suspicion {
	found, closed := map[caseKey]*suspicion{}, closings(accesses, reviews)
	opened := map[caseKey]map[string]bool{} // a user's records of a day
	add := func(k caseKey, rank int, tone view.Tone, e audit.Entry) {
		c := found[k]
		if c == nil {
			c = &suspicion{what: k.what, rank: rank, tone: tone, first: e, last: e.At}
			found[k] = c
		}
		if e.Seq < c.first.Seq {
			c.first = e
		}
		if e.At.After(c.last) {
			c.last = e.At
		}
		c.seqs = append(c.seqs, e.Seq)
	}
	for _, e := range accesses {
		if e.User == "" || e.Citizen == "" {
			continue
		}
		day := at(e).Pro()
		if rank, ok := kindOf(e); ok {
			k := caseKey{user: e.User, citizen: e.Citizen, what: kinds[rank].what, day: day, about: e.About}
			for _, seq := range closed[k] {
				if seq < e.Seq {
					k.round++
				}
			}
			add(k, rank, kinds[rank].tone, e)
		}
		k := caseKey{user: e.User, what: "Many records", day: day}
		if opened[k] == nil {
			opened[k] = map[string]bool{}
		}
		if e.Action == audit.Read && e.Outcome == audit.Permit {
			opened[k][e.Citizen] = true
		}
	}
	usual := volumesOf(accesses, opened)
	for _, e := range accesses {
		k := caseKey{user: e.User, what: "Many records", day: at(e).Pro()}
		if e.Action != audit.Read {
			continue
		}
		if why, unusual := usual.of(e, len(opened[k])); unusual {
			add(k, len(kinds)-1, view.Warn, e)
			found[k].facts = why
		}
	}
	out := make([]*suspicion, 0, len(found))
	for _, c := range found {
		c.judge(accesses, reviews)
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b *suspicion) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), b.last.Compare(a.last), cmp.Compare(b.first.Seq, a.first.Seq))
	})
	return out
}

// judge adds the facts that raised a case, and what reviews came to.
func (c *suspicion) judge(accesses, reviews []audit.Entry) {
	if c.first.Action == audit.Ask {
		if i := slices.IndexFunc(accesses, func(e audit.Entry) bool { return e.Seq == c.first.About }); i >= 0 {
			c.about = accesses[i]
		}
		c.facts = append(c.facts, "The person whose record it is asks why it was opened on "+at(c.about).ProTime())
	}
	if c.first.Action == audit.BreakGlass {
		c.facts = append(c.facts, emergencyFacts(c.first, accesses)...)
		stated := []string{c.first.Reason}
		for _, e := range accesses { // a later ground may overrule what the first did not (G5)
			if slices.Contains(c.seqs, e.Seq) && !slices.Contains(stated, e.Reason) {
				stated = append(stated, e.Reason)
				c.facts = append(c.facts, "Also stated: “"+e.Reason+"”")
			}
		}
	}
	if slices.Contains(c.first.Signs, access.SignFamily) && c.what != "Many records" {
		c.facts = append(c.facts, "The user and the person have the same family name")
	}
	if slices.Contains(c.first.Signs, access.SignWatched) && c.what != "Many records" {
		c.facts = append(c.facts, "A Caldicott guardian has this record watched")
	}
	if slices.Contains(c.first.Signs, access.SignColleague) && c.what != "Many records" {
		c.facts = append(c.facts, "The person works at the user's organisation")
	}
	if slices.Contains(c.first.Signs, access.SignNeighbour) && c.what != "Many records" {
		c.facts = append(c.facts, "The person lives at the user's postcode, or in the user's street")
	}
	if slices.Contains(c.first.Signs, access.SignOwn) {
		c.facts = append(c.facts, "It is the user's own record")
	}
	if slices.Contains(c.first.Signs, access.SignRestricted) && c.what != "Many records" {
		c.facts = append(c.facts, "A source marks this person's details as restricted")
	}
	if n := len(c.seqs); n > 1 && c.what != "Many records" {
		c.facts = append(c.facts, strconv.Itoa(n)+" times on this day")
	}
	if c.first.Outcome == audit.Deny {
		c.facts = append(c.facts, "It was refused: "+list(c.first.Decided()))
	} else if c.first.Action == audit.Read && len(c.first.Decided()) > 0 {
		c.facts = append(c.facts, "It was permitted: "+list(c.first.Decided()))
	}
	for _, r := range reviews {
		if r.Outcome == audit.Permit && (r.About == c.first.Seq || c.what != "Many records" && slices.Contains(c.seqs, r.About)) {
			c.outcomes = append(c.outcomes, r)
			c.closed = c.closed || access.OutcomeOf(r).Closes
		}
	}
}

// emergencyFacts are what makes an emergency access unusual.
func emergencyFacts(e audit.Entry, all []audit.Entry) []string {
	var out []string
	if hour := at(e).At.Hour(); hour < 6 || hour >= 22 {
		out = append(out, "It was at night")
	}
	n := 0
	for _, o := range all {
		if o.Action == audit.BreakGlass && o.User == e.User && e.At.Sub(o.At).Abs() < 7*24*time.Hour {
			n++
		}
	}
	if n > 2 {
		out = append(out, strconv.Itoa(n)+" emergency accesses by this user within a week")
	}
	return out
}
