package consent

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"selda/nhs"
	"selda/policy"
)

// Names are what a preference speaks of, in words for the one who reads it. The
// zero Names gives codes, as the trail has them.
type Names struct {
	Organisation func(nhs.ODS) string
	Item         func(policy.Item) string // "" where the reader may not know of it
}

// kinds are the data sets in plain words.
var kinds = map[policy.DataSet]string{policy.Demographics: "name and address", policy.Problems: "conditions", policy.Medications: "medicines", policy.Allergies: "allergies",
	policy.Results: "test results", policy.Observations: "measurements", policy.Immunisations: "vaccines", policy.Procedures: "operations and procedures", policy.Encounters: "visits and stays",
	policy.Documents: "letters", policy.Plans: "plans", policy.Alerts: "alerts", policy.Referrals: "referrals", policy.Appointments: "appointments", policy.SocialCare: "social care",
	policy.CareTeam: "care team", policy.Directory: "directory", policy.Preferences: "sharing choices", policy.Other: "other things"}

// Kind is a data set in plain words.
func Kind(d policy.DataSet) string { return kinds[d] }

// Words is a preference in plain words, as one sentence without its full stop:
// "Everything is kept from everyone, except King's College Hospital, from 1 December 2026".
func Words(p policy.Preference, now time.Time, n Names) string {
	s := n.rule(&p.Rule)
	if p.From.After(now) {
		s += ", from " + Day(p.From)
	}
	if !p.To.IsZero() {
		s += ", until the end of " + Day(p.To.Add(-time.Nanosecond))
	}
	r, n1 := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n1:]
}

// Day is a day as people write it.
func Day(t time.Time) string { return t.Format("2 January 2006") }

func (n Names) rule(r *policy.Rule) string {
	var whom, what, more []string
	emergency := r.Uses&policy.InEmergency != 0 && !r.Permit
	for i := range r.But {
		b := &r.But[i]
		simple := b.From.IsZero() && b.To.IsZero() && b.But == nil
		switch {
		case simple && !b.Permit && !r.Permit && b.Uses == policy.InEmergency && b.Actors == nil && n.data(&b.Data) == everything:
			emergency = true
		case simple && b.Permit && !r.Permit && b.Actors != nil && n.data(&b.Data) == everything && r.Actors == nil:
			whom = append(whom, n.actors(b.Actors))
		case simple && b.Permit && !r.Permit && b.Actors == nil && n.data(&b.Data) != everything && n.data(&r.Data) == everything:
			what = append(what, n.data(&b.Data))
		default:
			more = append(more, n.rule(b))
		}
	}
	s := n.data(&r.Data)
	if len(what) > 0 {
		s += " except " + list(what)
	}
	s += n.verb(&r.Data)
	if r.Permit {
		s += " shared with "
	} else {
		s += " kept from "
	}
	s += n.actors(r.Actors)
	if len(whom) > 0 {
		s += ", except " + list(whom)
	}
	if emergency {
		s += ", in an emergency too"
	}
	s += span(r.From, r.To)
	for _, m := range more {
		s += "; but " + m
	}
	return s
}

// verb is how a sentence about data goes on.
func (n Names) verb(d *policy.Data) string {
	one := d.DataSets == 0 && d.Types == nil || d.DataSets == policy.SetOf(policy.SocialCare) || d.DataSets == policy.SetOf(policy.CareTeam)
	if one && !strings.Contains(n.items(&policy.Data{Items: d.Items}, ""), " and ") {
		return " is"
	}
	return " are"
}

func span(from, to time.Time) (s string) {
	if !from.IsZero() {
		s += ", from " + Day(from)
	}
	if !to.IsZero() {
		s += ", until the end of " + Day(to.Add(-time.Nanosecond))
	}
	return s
}

const everything = "everything"

func (n Names) data(d *policy.Data) string {
	var out []string
	for k := policy.Demographics; k <= policy.Other; k++ {
		if d.DataSets != 0 && d.DataSets.Has(k) {
			out = append(out, kinds[k])
		}
	}
	for _, t := range d.Types {
		out = append(out, t+" resources")
	}
	s := list(out)
	var narrow []string
	for _, l := range d.Labels.Codes() {
		narrow = append(narrow, strings.ReplaceAll(l, "-", " "))
	}
	if len(narrow) > 0 {
		s = or(s, everything) + " about " + list(narrow)
	}
	if d.Without != 0 {
		s = or(s, everything) + " that is not marked as restricted"
	}
	s = n.items(d, s)
	var sources []string
	for _, o := range d.Sources {
		sources = append(sources, n.organisation(o))
	}
	if len(sources) > 0 {
		s = or(s, everything) + " that " + list(sources) + " wrote"
	}
	return or(s, everything)
}

func (n Names) items(d *policy.Data, s string) string {
	var items []string
	for _, i := range d.Items {
		if w := n.item(i); !slices.Contains(items, w) { // the same letter from two services
			items = append(items, w)
		}
	}
	c := d.Content
	if c == nil {
		if len(items) > 0 {
			s = list(items)
		}
		return s
	}
	for _, i := range c.Related {
		items = append(items, n.item(i)+" and what it names")
	}
	for _, i := range c.Dependents {
		items = append(items, n.item(i)+" and what belongs to it")
	}
	if len(items) > 0 {
		s = list(items)
	}
	if len(c.Codes) > 0 {
		var codes []string
		for _, x := range c.Codes {
			codes = append(codes, x.Code)
		}
		s = or(s, everything) + " with the code " + strings.Join(codes, " or ")
	}
	if !c.From.IsZero() || !c.To.IsZero() {
		s = or(s, everything) + " of the time" + strings.TrimPrefix(span(c.From, c.To), ",")
	}
	return s
}

func (n Names) item(i policy.Item) string {
	if n.Item == nil {
		return i.Type + "/" + i.ID
	}
	return or(n.Item(i), "one item")
}

func (n Names) organisation(o nhs.ODS) string {
	if n.Organisation == nil {
		return string(o)
	}
	return or(n.Organisation(o), string(o))
}

func (n Names) actors(all []policy.Actor) string {
	var out []string
	for _, a := range all {
		var s string
		switch {
		case a.User != "":
			s = "the user " + a.User
		case a.Role != "":
			s = "those in the role " + strings.ToLower(a.Role.Title())
		}
		if o := a.Organisation; o != "" && s != "" {
			s += " at " + n.organisation(o)
		} else if o != "" {
			s = n.organisation(o)
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return or(list(out), "everyone")
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

// list is words in a sentence: "a, b and c".
func list(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}
