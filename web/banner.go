package web

import (
	"strings"
	"time"

	"selda/access/record"
	"selda/web/page"
	"selda/web/view"
)

// person is who a View is about, in the form of the pages.
func person(p record.Person) view.Person {
	out := view.Person{Name: view.Name{Title: p.Title, Given: p.Given, Family: p.Family, Preferred: p.Preferred}, Born: view.ParseDate(p.Born),
		Died: view.ParseDate(p.DeceasedAt), Dead: p.Deceased, Gender: p.Gender, Number: p.NHSNumber, Practice: p.Practice, Restricted: p.Restricted,
		Address: strings.Join(append(append([]string{}, p.Address...), p.Postcode), ", "), Phones: p.Phones, Differ: p.Conflicts}
	out.Address = strings.Trim(out.Address, ", ")
	switch {
	case !p.NHSNumber.IsZero() && p.Verified:
		out.NumberSays = "verified"
	case !p.NHSNumber.IsZero():
		out.NumberSays = "not verified"
	case p.InvalidNumber:
		out.NumberSays = "invalid"
	default:
		out.NumberSays = "no NHS number"
	}
	if p.Interpreter {
		out.Language = p.Language
		if out.Language == "" {
			out.Language = "language not said"
		}
	}
	// A practice that is only known by a reference has no words to show.
	if strings.Contains(out.Practice, "/") || strings.HasPrefix(out.Practice, "urn:") {
		out.Practice = string(p.PracticeODS)
	}
	return out
}

// banner is the banner of rule G26.
func banner(v *record.View, rec *view.Record, base string, now time.Time) page.Banner {
	p := person(v.Person)
	return page.Banner{Person: p, Citizen: v.Citizen, Age: p.Age(now), Allergy: rec.Allergy, Chips: page.Chips(rec, p, base)}
}
