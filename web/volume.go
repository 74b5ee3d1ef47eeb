package web

import (
	"slices"
	"strconv"

	"selda/audit"
	"selda/nhs"
)

// This file says when somebody has opened unusually many records on one day: more
// than they do on others, and than others of their role do.

const (
	// few records a day are never unusual, and many always are.
	few, many = 15, 60
	// times the usual is unusual.
	times = 3
	// days that somebody must have been at work before their usual is known.
	daysKnown = 5
)

// volumes are how many records each user opened on each day, and those of each role.
type volumes struct {
	user map[string]map[string]int // by user and day
	role map[nhs.Role][]int        // of all users of it, sorted
}

func volumesOf(accesses []audit.Entry, opened map[caseKey]map[string]bool) *volumes {
	v := &volumes{user: map[string]map[string]int{}, role: map[nhs.Role][]int{}}
	for _, e := range accesses {
		k := caseKey{user: e.User, what: "Many records", day: at(e).Pro()}
		n := len(opened[k])
		if n == 0 || v.user[e.User][k.day] != 0 {
			continue
		}
		if v.user[e.User] == nil {
			v.user[e.User] = map[string]int{}
		}
		v.user[e.User][k.day] = n
		v.role[e.Role] = append(v.role[e.Role], n)
	}
	for _, list := range v.role {
		slices.Sort(list)
	}
	return v
}

// of says whether so many records on an entry's day are unusual for its user, and why.
func (v *volumes) of(e audit.Entry, n int) (why []string, unusual bool) {
	why = []string{"Opened " + strconv.Itoa(n) + " records on this day"}
	var own []int
	for day, m := range v.user[e.User] {
		if day != at(e).Pro() {
			own = append(own, m)
		}
	}
	slices.Sort(own)
	role := v.role[e.Role]
	usually, others := middle(own), middle(role)
	if len(own) >= daysKnown {
		why = append(why, "On other days this user opens about "+strconv.Itoa(usually))
	}
	if len(role) > daysKnown {
		why = append(why, "Others of this role open about "+strconv.Itoa(others)+" a day")
	}
	switch {
	case n > many:
		return why, true
	case n <= few:
		return nil, false
	case len(own) >= daysKnown:
		return why, n > times*usually
	case len(role) > daysKnown:
		return why, n > times*others
	}
	return nil, false
}

func middle(sorted []int) int {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}
