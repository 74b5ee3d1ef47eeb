package web

import (
	"strconv"
	"strings"
	"time"

	"selda/fhir"
	"selda/nhs"
	"selda/policy"
	"selda/relationship"
	"selda/web/view"
)

// shows are the types that show a relationship of each kind.
var shows = map[string][]string{"encounter": {"Encounter"}, "appointment": {"Appointment"}, "dispensing": {"MedicationDispense"}, "referral": {"ServiceRequest", "Task"},
	"call": {"Encounter", "DocumentReference"}, "incident": {"Encounter"}, "caseload": {"EpisodeOfCare", "CareTeam", "CarePlan"}}

// entitled is why the reader may see a record (G7), in words: which relationship, said
// by whom, since when and until when. It is told from what the reader sees: an item
// that is hidden tells nothing here either.
func (h *Web) entitled(o *opened) string {
	d := o.grant.Decision()
	words := relation(d)
	if d.Emergency || words == "" {
		return words
	}
	rule := ""
	for _, r := range d.Rules {
		if kind, ok := strings.CutPrefix(r, "G7 "); ok {
			rule = kind
			break
		}
	}
	if rule == "registration" {
		for _, i := range o.v.Of("Patient") {
			if relationship.Registered(i.Res, i.Source).Own && i.Source.Organisation() == o.subject.Organisation {
				return words + ", as its own system says"
			}
		}
		return words
	}
	if best := h.strongest(o, rule); best.Kind != "" {
		words += h.period(best)
	}
	return words
}

// strongest is the relationship of a kind that lasts the longest, of those that the
// reader sees.
func (h *Web) strongest(o *opened, kind string) (best policy.Relationship) {
	after, err := h.Access.AfterCare(o.subject.Organisation)
	if err != nil {
		after = 0 // the least
	}
	code := func(ref fhir.Node) nhs.ODS { return relationship.Code(ref.List("identifier")) }
	for _, i := range o.v.Of(shows[kind]...) {
		for _, r := range relationship.Of(relationship.Version{Resource: i.Res, ID: i.ID, Source: i.Source, Recorded: i.Recorded}, code) {
			r.AfterCare = after
			if r.Kind != kind || r.Organisation != o.subject.Organisation || !r.Holds(h.Now()) {
				continue
			}
			if best.Kind == "" || !best.Ends().IsZero() && (r.Ends().IsZero() || r.Ends().After(best.Ends())) {
				best = r
			}
		}
	}
	return best
}

// period says who says so, since when, and until when.
func (h *Web) period(r policy.Relationship) string {
	out := ""
	date := func(t time.Time) string { return view.ParseDate(t.Format("2006-01-02")).Pro() }
	if !r.From.IsZero() && r.Kind != "appointment" && r.Kind != "dispensing" {
		since := r.From
		if r.Kind == "encounter" || r.Kind == "call" || r.Kind == "incident" {
			since = since.Add(time.Hour) // it counts from an hour before it began
		}
		out += ", since " + date(since)
	}
	if r.Source != "" {
		out += ", as " + h.Name(r.Source) + " says"
	}
	switch {
	case r.Kind == "appointment" || r.Kind == "dispensing":
		out += "; it ends with the day"
	case r.To.IsZero() && r.After() > 0:
		out += "; it ends " + strconv.Itoa(int(r.After()/(24*time.Hour))) + " days after the end of that care"
	case !r.To.IsZero():
		out += "; it ends on " + date(r.Ends())
	}
	return out
}
