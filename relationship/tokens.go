package relationship

import (
	"slices"
	"strings"
	"time"

	"selda/fhir"
	"selda/nhs"
)

// The search index knows a resource that shows a relationship by whose it is,
// and when: the days of a short one, the months of a longer one, nothing more of
// one that has no end. A token may stand where there is no relationship any more
// or yet, since policy decides; where there is one it never fails to.

// prefix marks the tokens of relationships among those of the index.
const prefix = "care:"

// Types are those that have such tokens.
var Types = []string{"Patient", "Encounter", "EpisodeOfCare", "CareTeam", "CarePlan", "Appointment", "MedicationDispense", "ServiceRequest", "Task", "DiagnosticReport", "DocumentReference", "Composition"}

// How long a relationship may be and still be known by its days, and by its months.
const (
	byDays   = 4 * 24 * time.Hour
	byMonths = 366 * 24 * time.Hour
)

// Tokens are those of a resource that a source has written.
func Tokens(r *fhir.Resource, source nhs.Source) (out []string) {
	own := string(source.Organisation())
	switch r.Type {
	case "Patient":
		reg := Registered(r, source)
		if reg.Own {
			return []string{prefix + own}
		}
		for _, ref := range reg.Elsewhere {
			out = append(out, whose(prefix, ref)...)
		}
		return out
	case "DiagnosticReport", "DocumentReference", "Composition":
		if Pending(r) {
			out = append(out, prefix+own)
		}
	}
	rel, ok := period(Version{Resource: r, Source: source})
	if !ok {
		return out
	}
	organisations := []string{own}
	if to, sent := handed[r.Type]; sent {
		organisations = nil
		for _, ref := range to(r) {
			organisations = append(organisations, whose("", ref)...)
		}
	} else if r.Type == "Encounter" { // the code of whom it names only by id is not known here
		if Code(r.Get("serviceProvider").List("identifier")) != "" {
			organisations = nil
		}
		organisations = append(organisations, whose("", r.Get("serviceProvider"))...)
	}
	to := rel.To
	if !to.IsZero() {
		to = to.Add(rel.After())
	}
	for _, o := range organisations {
		for _, when := range stretch(rel.From, to) {
			if t := prefix + o + when; !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	return out
}

// whose are the words for the organisation that a Reference names: its code,
// else its id.
func whose(before string, ref fhir.Node) []string {
	if o := Code(ref.List("identifier")); o != "" {
		return []string{before + string(o)}
	}
	if id := ref.Get("reference").Text(); strings.HasPrefix(id, "Organization/") {
		return []string{before + id}
	}
	return nil
}

const (
	dayWords   = ":2006-01-02"
	monthWords = ":2006-01"
)

// stretch says when a relationship is: an empty word for one without an end.
func stretch(from, to time.Time) (out []string) {
	from, to = from.UTC(), to.UTC()
	switch long := to.Sub(from); {
	case to.IsZero() || long > byMonths || long < 0:
		return []string{""}
	case long <= byDays:
		for t := day(from); t.Before(to); t = t.Add(24 * time.Hour) {
			out = append(out, t.Format(dayWords))
		}
	default:
		for t := time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, time.UTC); t.Before(to); t = t.AddDate(0, 1, 0) {
			out = append(out, t.Format(monthWords))
		}
	}
	return out
}

// Asked are the tokens of which what shows a relationship of an organisation
// now has one. organizations are the ids of its own Organizations.
// More is how much longer than the least its relationships last after care: what
// ended for the others since then may hold here.
func Asked(o nhs.ODS, organizations []string, now time.Time, more time.Duration) []string {
	names := []string{string(o)}
	for _, id := range organizations {
		names = append(names, "Organization/"+id)
	}
	now = now.UTC()
	var out []string
	for _, n := range names {
		out = append(out, prefix+n, prefix+n+now.Format(dayWords))
		for m := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC); ; m = m.AddDate(0, -1, 0) {
			out = append(out, prefix+n+m.Format(monthWords))
			if !m.After(now.Add(-more)) {
				break
			}
		}
	}
	return out
}
