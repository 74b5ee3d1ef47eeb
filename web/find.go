package web

import (
	"net/http"
	"strings"
	"time"

	"selda/access/record"
	"selda/fault"
	"selda/ingest/classify"
	"selda/mpi/fold"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// maxShown is how many people a search shows.
const maxShown = 50

// ask is what was typed into the one search box, understood.
type ask struct {
	groups [][]string // tokens, of each group one must fit
	as     string     // how it was understood, in words
}

// understand reads what was typed: an NHS number with or without spaces, a
// hospital number, or names with a birth date or a postcode.
func understand(q string) (ask, error) {
	const op = "web.understand"
	q = strings.Join(strings.Fields(q), " ")
	if q == "" {
		return ask{}, fault.E(op, fault.Required, "say whom to look for")
	}
	if len(q) > 200 {
		return ask{}, fault.E(op, fault.TooLong, "that is too long")
	}
	if digits := strings.NewReplacer(" ", "", "-", "").Replace(q); len(digits) == 10 && strings.Trim(digits, "0123456789") == "" {
		n, err := nhs.ParseNumber(digits)
		if err != nil {
			return ask{}, fault.E(op, fault.Value, "that is not a valid NHS number: one of its digits is wrong")
		}
		return ask{[][]string{{classify.Identifier(nhs.NumberSystem, n.Digits())}}, "NHS number"}, nil
	}
	words := strings.Fields(strings.ReplaceAll(q, ",", " "))
	born, words := takeDate(words)
	post, words := takePostcode(words)
	var a ask
	var by []string
	names := 0
	for _, w := range words {
		if strings.ContainsAny(w, "0123456789") {
			a.groups = append(a.groups, []string{classify.Value(w)})
			by = append(by, "hospital number")
			continue
		}
		f := fold.Name(w)
		if f == "" {
			continue
		}
		a.groups = append(a.groups, []string{classify.Family(f), classify.Given(f)})
		names++
	}
	if names > 0 {
		by = append(by, "name")
	}
	if born != "" {
		a.groups = append(a.groups, []string{classify.BirthDate(born)})
		by = append(by, "birth date")
	}
	if post != "" {
		a.groups = append(a.groups, []string{classify.Postcode(post)})
		by = append(by, "postcode")
	}
	switch {
	case len(a.groups) == 0:
		return ask{}, fault.E(op, fault.Required, "say whom to look for")
	case names > 0 && len(by) == 1:
		return ask{}, fault.E(op, fault.Required, "add a birth date or a postcode to the name")
	case born != "" && len(by) == 1:
		return ask{}, fault.E(op, fault.Required, "add a name to the birth date")
	}
	a.as = strings.Join(by, " and ")
	return a, nil
}

// dateForms are the forms in which a birth date is typed.
var dateForms = []string{"02-Jan-2006", "2-Jan-2006", "2/1/2006", "2.1.2006", "2-1-2006", "2006-01-02", "02012006", "2Jan2006", "2 January 2006", "2 Jan 2006"}

// takeDate finds a birth date among words: "05-Nov-1951", "5 November 1951",
// "5/11/1951", "1951-11-05". The day comes first, as people here write it.
func takeDate(words []string) (iso string, rest []string) {
	for _, n := range []int{3, 1} {
		for i := 0; i+n <= len(words); i++ {
			if t, ok := readDate(strings.Join(words[i:i+n], " ")); ok {
				return t.Format("2006-01-02"), append(append([]string{}, words[:i]...), words[i+n:]...)
			}
		}
	}
	return "", words
}

func readDate(s string) (time.Time, bool) {
	for _, form := range dateForms {
		if t, err := time.Parse(form, s); err == nil && t.Year() > 1850 && t.Year() < 2200 {
			return t, true
		}
	}
	return time.Time{}, false
}

// takePostcode finds a postcode among words, in one or in two of them.
func takePostcode(words []string) (post string, rest []string) {
	for _, n := range []int{2, 1} {
		for i := 0; i+n <= len(words); i++ {
			if p := nhs.Postcode(strings.Join(words[i:i+n], "")); p != "" {
				return p, append(append([]string{}, words[:i]...), words[i+n:]...)
			}
		}
	}
	return "", words
}

func (h *Web) searchForm(w http.ResponseWriter, _ *http.Request, s policy.Subject) error {
	if !opens(s.Role) {
		return fault.E("web.search", fault.Security, "your role does not search for people")
	}
	f := h.frame(s, "Find a person")
	f.Search = false // the page has a larger one
	h.render(w, http.StatusOK, page.Search(page.SearchPage{Frame: f}))
	return nil
}

func (h *Web) search(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.search"
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	f := h.frame(s, "Find a person")
	f.Search = false
	p := page.SearchPage{Frame: f, Asked: true}
	a, err := understand(r.PostForm.Get("q"))
	if err != nil {
		p.Error = strings.TrimSuffix(sentence(fault.Reason(err)), ".")
		h.render(w, http.StatusUnprocessableEntity, page.Search(p))
		return nil
	}
	g, err := h.Access.Search(r.Context(), s, "people, by "+a.as)
	if err != nil {
		return fault.E(op, err)
	}
	people, err := h.Records.Find(r.Context(), g, h.Access.Index, a.groups, maxShown+1)
	if err != nil {
		return fault.E(op, err)
	}
	if len(people) > maxShown {
		people, p.More = people[:maxShown], true
	}
	p.As, p.Found = a.as, h.found(people)
	h.render(w, http.StatusOK, page.Search(p))
	return nil
}

// found makes rows of people, and marks those that are easily mistaken for
// each other (G26).
func (h *Web) found(people []*record.View) []page.Found {
	out := make([]page.Found, 0, len(people))
	for _, v := range people {
		p := person(v.Person)
		f := page.Found{Href: "/record/" + v.Citizen, Name: p.Name, Born: p.Born, Age: p.Age(h.Now()), Gender: p.GenderWords(), Number: p.Number.Spaced(),
			NumberSays: p.NumberSays, Address: p.Address, Practice: p.Practice, Dead: p.Dead}
		if p.Restricted {
			f.Address = "restricted"
		}
		out = append(out, f)
	}
	for i := range out {
		for j := range out {
			if i == j || out[i].Warn != "" {
				continue
			}
			out[i].Warn = alike(out[i], out[j])
		}
	}
	return out
}

// alike says why two people are easily mistaken for each other.
func alike(a, b page.Found) string {
	birthday := a.Born.Precision >= view.Day && a.Born.Pro() == b.Born.Pro()
	family := fold.Name(a.Name.Family) == fold.Name(b.Name.Family)
	given := fold.Name(a.Name.Given) == fold.Name(b.Name.Given)
	switch {
	case family && given && birthday:
		return "Same name and birthday as another in this list"
	case family && given:
		return "Same name as another in this list"
	case family && birthday:
		return "Same family name and birthday as another in this list"
	}
	return ""
}
