package oracle

import (
	"slices"
	"strconv"
	"time"
)

// agreed: G1, "an agreement names both its data-protection basis and its
// confidentiality basis"; docs/agreements.md: what one organisation wrote is shown
// to others where its controller has agreed to it, and not where nobody has. "Shares
// add up: what one agreement shows, another does not take away."
func (w World) agreed(r Reader, item Sent) bool {
	for _, file := range w.Agreements {
		a := read(file)
		if !w.runs(a, r) || !w.signed(a, item.Source) || w.suspended(a, item.Source) {
			continue
		}
		for _, share := range at(a, "shares") {
			if w.shares(a, share, r, item) {
				return true
			}
		}
	}
	return false
}

// runs: it has begun, is for what the reader does, and has not been ended for good.
// G17: one for care that is past its end is overdue, and flow goes on.
func (w World) runs(a map[string]any, r Reader) bool {
	if from, _, ok := moment(text(a, "begins")); !ok || w.Now.Before(from) {
		return false
	}
	if from, _, ok := moment(text(a, "withdrawn")); ok && !w.Now.Before(from) {
		return false
	}
	if text(a, "basis.data-protection") == "" || text(a, "basis.confidentiality") == "" {
		return false
	}
	for _, p := range texts(a, "purposes") {
		switch p {
		case "citizen-access":
			if r.Role == "citizen" || r.Role == "proxy" {
				return true
			}
		case "direct-care":
			if r.Role != "citizen" && r.Role != "proxy" {
				return true
			}
		case "emergency":
			if w.emergency(r) != "" {
				return true
			}
		}
	}
	return false
}

// moment is a day in London, or a moment.
func moment(s string) (from, until time.Time, ok bool) { return span(s) }

// signed: "A source's data flow from the moment at which its controller has signed,
// or somebody who signs for it."
func (w World) signed(a map[string]any, source string) bool {
	for _, s := range at(a, "signed") {
		from, _, ok := moment(text(s, "signed"))
		if !ok || w.Now.Before(from) {
			continue
		}
		of := texts(s, "for")
		if len(of) == 0 {
			of = []string{text(s, "organisation")}
		}
		if names := groups(a, of); isParty(names, source) {
			return true
		}
	}
	return false
}

// suspended: "A suspension stops the agreement that it stands in."
func (w World) suspended(a map[string]any, source string) bool {
	for _, s := range at(a, "suspended") {
		from, _, ok := moment(text(s, "since"))
		_, until, ends := moment(text(s, "until"))
		if ends && len(text(s, "until")) > len(time.DateOnly) {
			until, _, _ = moment(text(s, "until"))
		}
		if ok && !w.Now.Before(from) && (!ends || w.Now.Before(until)) && isParty(groups(a, texts(s, "from")), source) {
			return true
		}
	}
	return false
}

// shares says whether a share is of this item, with this reader, about this citizen.
func (w World) shares(a map[string]any, share any, r Reader, item Sent) bool {
	if !isParty(groups(a, texts(share, "from")), item.Source) {
		return false
	}
	k := kind(item)
	if kinds := texts(share, "kinds"); !slices.Contains(kinds, "all") && !slices.Contains(kinds, k) || slices.Contains(texts(share, "not"), k) {
		return false
	}
	// A citizen is of no organisation: what is agreed for their own access is for them.
	if r.Role != "citizen" && r.Role != "proxy" && !isParty(groups(a, texts(share, "with")), r.Organisation+":") {
		return false
	}
	if roles := texts(share, "roles"); len(roles) > 0 && !slices.Contains(roles, r.Role) {
		return false
	}
	return w.ofCitizens(a, share)
}

// ofCitizens: registered somewhere, from an age to an age; all, where nothing is said.
func (w World) ofCitizens(a map[string]any, share any) bool {
	if at := groups(a, texts(share, "citizens.registered")); len(at) > 0 && !slices.Contains(at, w.registered()) {
		return false
	}
	years, known := w.age()
	if from, err := strconv.Atoi(text(share, "citizens.from-age")); err == nil && (!known || years < from) {
		return false
	}
	if to, err := strconv.Atoi(text(share, "citizens.to-age")); err == nil && (!known || years > to) {
		return false
	}
	return true
}

// groups puts the members in the place of the groups that a list names.
func groups(a map[string]any, list []string) (out []string) {
	for _, p := range list {
		if members := texts(a, "groups."+p); len(members) > 0 {
			out = append(out, members...)
		} else {
			out = append(out, p)
		}
	}
	return out
}

// isParty says whether a source is one of a list's: of organisations, sources, all.
func isParty(list []string, source string) bool {
	return slices.ContainsFunc(list, func(p string) bool { return p == "all" || p == source || p == organisation(source) })
}
