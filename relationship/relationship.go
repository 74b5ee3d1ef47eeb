// Package relationship reads the legitimate relationships that resources show
// (G7): a registration, an encounter, a call or an incident, a referral, a caseload, an
// appointment, a dispensing; and says by which tokens of the search index an organisation's
// are found. It decides nothing: policy does, from what is read here. It is pure.
package relationship

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"selda/fhir"
	"selda/internal/london"
	"selda/nhs"
	"selda/policy"
)

// clockSkew is how far a source's clock may be ahead of ours: an admission
// that has just begun there has begun here.
const clockSkew = time.Hour

// Version is a resource with what is known of it beside its body.
type Version struct {
	*fhir.Resource
	ID       string
	Source   nhs.Source
	Recorded time.Time // zero where it is not known yet
}

// Organisation finds the code of the organisation that a Reference names; ""
// where it names none that is known.
type Organisation func(fhir.Node) nhs.ODS

// Of gives the relationships that an encounter, a call, an incident, an episode, an
// appointment, a dispensing, a referral, a task, a plan or a team shows.
func Of(v Version, organisation Organisation) (out []policy.Relationship) {
	rel, ok := period(v)
	if !ok {
		return nil
	}
	rel.Organisation, rel.Source, rel.Of = v.Source.Organisation(), v.Source, v.Type+"/"+v.ID
	if to, sent := handed[v.Type]; sent {
		// Nobody makes themselves a relationship by writing to themselves.
		for _, ref := range to(v.Resource) {
			if o := organisation(ref); o != "" && o != v.Source.Organisation() && !slices.ContainsFunc(out, func(r policy.Relationship) bool { return r.Organisation == o }) {
				rel.Organisation = o
				out = append(out, rel)
			}
		}
		return out
	}
	if v.Type == "Encounter" {
		if o := organisation(v.Get("serviceProvider")); o != "" {
			rel.Organisation = o
		}
	}
	return []policy.Relationship{rel}
}

// period is the kind of relationship that a resource shows, and from when to
// when it is; false where it shows none.
func period(v Version) (rel policy.Relationship, ok bool) {
	switch v.Type {
	case "Encounter":
		return visit(v)
	case "EpisodeOfCare", "CareTeam", "CarePlan":
		return caseload(v)
	case "Appointment":
		return appointment(v)
	case "MedicationDispense":
		return dispensing(v)
	case "ServiceRequest", "Task":
		rel.Kind = "referral"
		rel.From, _ = fhir.Time(v.Get("authoredOn").Text())
		return rel, open[v.Get("status").Text()]
	case "DocumentReference":
		return report(v)
	}
	return rel, false
}

// visit is an encounter, or the call or incident that one is.
func visit(v Version) (rel policy.Relationship, ok bool) {
	start, end, ended := from(v)
	rel.Kind = urgent(v)
	switch v.Get("status").Text() {
	case "arrived", "triaged", "in-progress", "onleave":
		if start.IsZero() {
			start = v.Recorded
		}
		if !start.IsZero() {
			rel.To = policy.OpenUntil(v.Get("class", "code").Text(), start)
		}
		if ended {
			rel.To = end
		}
	case "finished":
		if rel.To = end; !ended {
			rel.To = v.Recorded
		}
	default:
		return rel, false
	}
	rel.From = start.Add(-clockSkew)
	return rel, true
}

// caseload is an episode, a team or a plan. One that has ended says when: without
// that it shows nothing any more.
func caseload(v Version) (rel policy.Relationship, ok bool) {
	start, end, ended := from(v)
	rel.Kind, rel.From = "caseload", start
	if ended {
		rel.To = end
	}
	switch v.Get("status").Text() {
	case "active":
		return rel, true
	case "finished", "inactive", "completed":
		return rel, ended
	}
	return rel, false
}

// noAppointment are the states of one that nobody comes to: not yet made, called
// off, or not kept. One that has been kept is of its day still.
// https://hl7.org/fhir/R4/valueset-appointmentstatus.html
var noAppointment = map[string]bool{"cancelled": true, "entered-in-error": true, "noshow": true, "proposed": true, "waitlist": true}

func appointment(v Version) (rel policy.Relationship, ok bool) {
	at, ok := fhir.Time(v.Get("start").Text())
	rel.Kind = "appointment"
	rel.From, rel.To = london.Day(at)
	return rel, ok && !noAppointment[v.Get("status").Text()]
}

// dispensing is of the day on which a medicine is handed over, or was prepared; one
// that is being prepared and names no time is of the day on which it came.
// https://hl7.org/fhir/R4/valueset-medicationdispense-status.html
func dispensing(v Version) (rel policy.Relationship, ok bool) {
	rel.Kind = "dispensing"
	at, ok := fhir.Time(cmp.Or(v.Get("whenHandedOver").Text(), v.Get("whenPrepared").Text()))
	switch v.Get("status").Text() {
	case "cancelled", "entered-in-error", "declined", "stopped":
		return rel, false
	case "preparation", "in-progress", "on-hold":
		if !ok && v.Recorded.IsZero() { // the index does not know it yet
			return rel, true
		}
		if !ok {
			at, ok = v.Recorded, true
		}
	}
	rel.From, rel.To = london.Day(at)
	return rel, ok
}

// from are the ends of a resource's period.
func from(v Version) (start, end time.Time, ended bool) {
	start, _ = fhir.Time(v.Get("period", "start").Text())
	end, ended = fhir.Time(v.Get("period", "end").Text())
	return start, end, ended
}

// day is how the index counts days.
func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// Registration is what a Patient says of the practice where the person is
// registered: a practice's own what it says of itself, another's whom it names.
type Registration struct {
	Own       bool // the practice itself says it
	Left      bool // the practice itself says that the person is no longer registered
	Elsewhere []fhir.Node
}

// Registered reads the registration of a Patient of a source. That an
// organisation keeps the entry (managingOrganization) is none.
func Registered(r *fhir.Resource, source nhs.Source) Registration {
	if strings.HasPrefix(source.System(), "GP") {
		active := r.Get("active")
		own := !active.Exists() || active.Bool()
		return Registration{Own: own, Left: !own}
	}
	return Registration{Elsewhere: r.Root().List("generalPractitioner")}
}

// Pending says whether a report or a letter waits to be signed off: until then
// the relationship of its encounter lasts (G7).
// https://hl7.org/fhir/R4/valueset-diagnostic-report-status.html
// https://hl7.org/fhir/R4/valueset-composition-status.html
func Pending(r *fhir.Resource) bool {
	status := r.Get("status")
	if r.Type == "DocumentReference" {
		if !status.Is("current") {
			return false
		}
		status = r.Get("docStatus")
	}
	return status.Is("registered") || status.Is("partial") || status.Is("preliminary")
}

// Code is the code among the identifiers of an organisation; "" for none.
func Code(identifiers []fhir.Node) nhs.ODS {
	for _, id := range identifiers {
		if id.Get("system").Is(nhs.ODSSystem) {
			if o, err := nhs.ParseODS(id.Get("value").Text()); err == nil {
				return o
			}
		}
	}
	return ""
}
