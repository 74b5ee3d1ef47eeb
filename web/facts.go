package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"selda/access/record"
	"selda/fhir"
	"selda/nhs"
	"selda/policy"
	"selda/rights"
	"selda/web/view"
)

// sheet writes a record.View as rows. What is one fact, and where sources
// differ, is record's; only words and order are made here.
type sheet struct {
	v      *record.View
	name   func(nhs.Source) string
	looked time.Time // since when a row is new; zero for never
	now    time.Time
	// plainly: for the one whose record it is.
	plainly bool
	// whole: with the timeline, which only two pages need.
	whole  bool
	shown  map[string]bool
	times  map[string]time.Time    // when a row's latest word came
	out    bool                    // a source is out that would know of allergies
	brief  func(nhs.Source) string // what a source is called at the end of a row
	before int                     // values of series that are not the latest
}

// rows makes the record of a View.
func rows(v *record.View, name func(nhs.Source) string, looked, now time.Time, out bool) *view.Record {
	return (&sheet{v: v, name: name, looked: looked, now: now, whole: true, out: out}).record()
}

// plainRows is rows for the one whose record it is: dates in plain words.
func plainRows(v *record.View, name func(nhs.Source) string, looked, now time.Time) *view.Record {
	return (&sheet{v: v, name: name, looked: looked, now: now, plainly: true}).record()
}

// date is a date within a row's words.
func (s *sheet) date(d view.Date) string {
	if s.plainly {
		return d.Plain()
	}
	return d.Pro()
}

func (s *sheet) record() *view.Record {
	s.shown, s.times = map[string]bool{}, map[string]time.Time{}
	rec := &view.Record{}
	sets := s.v.Sets()
	add := func(p view.Part) {
		if inSets(sets, p.Section) {
			rec.Parts = append(rec.Parts, p)
		}
	}
	add(s.problems())
	add(s.medicines())
	add(s.allergies(rec))
	results, older := s.results()
	add(results)
	observations, older2 := s.observations()
	add(observations)
	rec.Count = s.before
	add(s.plain(view.Immunisations, "Immunisations", "Immunisation", "Vaccines given would be here.", s.v.Immunisations(), given))
	add(s.plain(view.Procedures, "Procedures", "Procedure", "Operations and procedures would be here.", s.v.Procedures(), done))
	add(s.documents())
	add(s.plans())
	add(s.referrals())
	add(s.plain(view.SocialCare, "Social care", "Social care", "What social care shares would be here.", s.v.SocialCare(), nil))
	add(s.encounters())
	add(s.team())
	if p := s.other(); p.Count > 0 {
		add(p)
	}
	for _, p := range rec.Parts {
		if p.Section == view.CareTeam {
			continue // people have no place in time
		}
		rec.Count += p.Count
		for _, g := range p.Groups {
			for i := range g.Items {
				if g.Items[i].New {
					rec.New = append(rec.New, g.Items[i])
				}
			}
			if s.whole {
				rec.All = append(rec.All, g.Items...)
			}
		}
	}
	slices.SortStableFunc(rec.New, func(a, b view.Item) int { // of what came together, what is out of range first
		return cmp.Or(s.times[b.Ref].Compare(s.times[a.Ref]), cmp.Compare(b.Value.Tone, a.Value.Tone))
	})
	if s.whole {
		rec.All = append(append(rec.All, older...), older2...)
		view.Sort(rec.All)
	}
	return rec
}

const noneSent = " No source has sent any that you can see."

// row is a fact as a row.
func (s *sheet) row(section view.Section, kind string, f record.Fact) view.Item {
	lead := f.Lead()
	it := view.Item{Ref: lead.Type + "/" + lead.ID, Section: section, Kind: kind, Title: cmp.Or(f.Title, kind), Detail: f.Detail, When: view.ParseDate(f.WhenText), Conflict: s.conflict(f.Conflict)}
	if it.When.IsZero() && !lead.When.IsZero() {
		it.When = view.ParseDate(lead.When.Format(time.RFC3339))
	}
	for _, w := range f.Items {
		s.witness(&it, w)
	}
	return it
}

func (s *sheet) witness(it *view.Item, w record.Item) {
	ref := w.Type + "/" + w.ID
	s.shown[ref] = true
	name := s.name(w.Source)
	if short := s.short(w.Source, name); !slices.Contains(it.Sources, short) {
		it.Sources = append(it.Sources, short)
	}
	it.Witnesses = append(it.Witnesses, view.Witness{Ref: ref, Source: name, Received: view.ParseDate(w.Recorded.Format(time.RFC3339)), Resource: w.Res})
	if note, ok := rights.NoteOf(w.Res); ok {
		it.Disputed = note.Text
	}
	it.Reviewed = it.Reviewed || w.Labels&policy.Reviewed != 0
	it.Reviewable = it.Reviewable || ref == it.Ref && policy.HeldForReview(w.DataSet)
	if !s.looked.IsZero() && w.Recorded.After(s.looked) {
		it.New = true
	}
	if w.Recorded.After(s.times[it.Ref]) {
		s.times[it.Ref] = w.Recorded
	}
}

// short is a source's name at the end of a row: of the practice where the
// person is registered, "GP".
func (s *sheet) short(source nhs.Source, name string) string {
	if !s.plainly && source.Organisation() != "" && source.Organisation() == s.v.Person.PracticeODS && strings.HasPrefix(source.System(), "GP") {
		return "GP"
	}
	if !s.plainly && s.brief != nil {
		return cmp.Or(s.brief(source), name)
	}
	return name
}

// shownIn are the data sets that a section is made of.
var shownIn = map[view.Section]policy.DataSets{view.Problems: policy.SetOf(policy.Problems), view.Medicines: policy.SetOf(policy.Medications), view.Allergies: policy.SetOf(policy.Allergies),
	view.Results: policy.SetOf(policy.Results), view.Observations: policy.SetOf(policy.Observations), view.Immunisations: policy.SetOf(policy.Immunisations),
	view.Procedures: policy.SetOf(policy.Procedures), view.Documents: policy.SetOf(policy.Documents), view.Plans: policy.SetOf(policy.Plans, policy.Alerts),
	view.Referrals: policy.SetOf(policy.Referrals, policy.Appointments), view.SocialCare: policy.SetOf(policy.SocialCare), view.Encounters: policy.SetOf(policy.Encounters),
	view.CareTeam: policy.SetOf(policy.CareTeam, policy.Demographics), view.Other: policy.AllDataSets}

// inSets says whether a role is shown a section at all: one that it is never
// shown is not there, rather than empty, which would read as "none" (G6).
func inSets(sets policy.DataSets, s view.Section) bool { return sets&shownIn[s] != 0 }

// conflict is what sources say, in a sentence.
func (s *sheet) conflict(said []record.Said) string {
	var parts []string
	for _, one := range said {
		parts = append(parts, s.name(one.Source)+" says “"+one.Words+"”")
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "; ") + "."
}

// plain is a section of one group; dress sets what is special about a row.
func (s *sheet) plain(section view.Section, title, kind, empty string, facts []record.Fact, dress func(*view.Item, record.Fact)) view.Part {
	p := view.Part{Section: section, Title: title, Empty: empty + noneSent}
	var items []view.Item
	for _, f := range facts {
		it := s.row(section, kind, f)
		if f.Status != "" && f.Status != "active" && f.Status != "completed" {
			it.Status = words(f.Status)
		}
		if dress != nil {
			dress(&it, f)
		}
		items = append(items, it)
	}
	p.Add(title, items)
	return p
}

func words(code string) string { return strings.ReplaceAll(code, "-", " ") }

func given(it *view.Item, f record.Fact) {
	it.Detail = dots(doseOf(f.Lead().Res), it.Detail)
	if f.Status == "not-done" {
		it.Status, it.Tone = dots("not given", f.Extra), view.Warn
	}
}

// doseOf is which dose of a course it was.
func doseOf(r *fhir.Resource) string {
	p := r.Get("protocolApplied")
	if n := cmp.Or(p.Get("doseNumberPositiveInt").Text(), p.Get("doseNumberString").Text()); n != "" {
		return "dose " + n
	}
	return ""
}

func done(it *view.Item, f record.Fact) {
	r := f.Lead().Res
	it.Detail = dots(record.Words(r.Get("bodySite")), f.Extra, record.Words(r.Get("performer", "actor")), it.Detail)
}

// dots joins what is there.
func dots(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p = strings.Join(strings.Fields(p), " "); p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, " · ")
}
