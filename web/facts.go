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

func (s *sheet) problems() view.Part {
	p := view.Part{Section: view.Problems, Title: "Problems", Empty: "Diagnoses and problems, active and past, would be here." + noneSent}
	groups := map[string][]view.Item{}
	for _, f := range s.v.Problems() {
		it := s.row(view.Problems, "Problem", f)
		if f.Group != record.Active && f.Group != record.Visit {
			it.Tone = view.Past
			it.Status = cmp.Or(f.Status, "past")
			if e := view.ParseDate(f.End); !e.IsZero() {
				it.Status = "ended " + s.date(e)
			}
		}
		switch f.Lead().Res.Get("verificationStatus", "coding", "code").Text() {
		case "unconfirmed", "provisional", "differential":
			it.Status, it.Tone = "not confirmed", view.Warn
		}
		groups[f.Group] = append(groups[f.Group], it)
	}
	p.Add("Active problems", groups[record.Active])
	p.Add("Diagnosed at a stay or visit", groups[record.Visit])
	p.Add("Significant past problems", groups[record.Significant])
	p.Add("Past problems", groups[record.Past])
	return p
}

func (s *sheet) medicines() view.Part {
	p := view.Part{Section: view.Medicines, Title: "Medicines", Empty: "Medicines from the GP, hospitals and pharmacies would be here." + noneSent}
	groups := map[string][]view.Item{}
	for _, f := range s.v.Medicines() {
		it := s.row(view.Medicines, "Medicine", f)
		if issued := view.ParseDate(f.Extra); !issued.IsZero() {
			it.Detail = dots(it.Detail, "issued "+s.date(issued))
		}
		it.Detail = dots(it.Detail, supply(f.Lead().Res))
		if f.Group == record.Stopped {
			it.Tone, it.Status = view.Past, dots(words(f.Status), record.Words(f.Lead().Res.Get("statusReason")))
			if it.Until = view.ParseDate(f.End); !it.Until.IsZero() {
				it.Status = dots(it.Status, s.date(it.Until))
			}
		}
		groups[f.Group] = append(groups[f.Group], it)
	}
	slices.SortStableFunc(groups[record.Stopped], func(a, b view.Item) int { return b.Until.At.Compare(a.Until.At) })
	p.Add("Repeat", groups[record.Repeat])
	p.Add("Acute", groups[record.Acute])
	p.Add("Hospital only", groups[record.Hospital])
	p.Add("Stopped or finished", groups[record.Stopped])
	return p
}

// supply is how much was ordered.
func supply(r *fhir.Resource) string {
	q := r.Get("dispenseRequest", "quantity")
	if n := q.Get("value").Text(); n != "" {
		return "supply " + strings.TrimSpace(n+" "+q.Get("unit").Text())
	}
	return ""
}

func (s *sheet) allergies(rec *view.Record) view.Part {
	p := view.Part{Section: view.Allergies, Title: "Allergies", Empty: "Allergies and intolerances would be here. No source that you can see has recorded any, nor stated that none are known."}
	state, facts := s.v.Allergies()
	var held, none, past []view.Item
	for _, f := range facts {
		it := s.row(view.Allergies, "Allergy", f)
		it.Tone = view.Warn
		switch {
		case f.Group == record.Past:
			it.Tone, it.Status = view.Past, words(f.Status)
			past = append(past, it)
		case f.Group == "" && state == record.AllergiesNoneKnown:
			it.Tone, it.Status = view.Good, "stated"
			none = append(none, it)
		default:
			if severe(f) {
				it.Tone, it.Status = view.Bad, "severe"
			} else if f.Lead().Res.Get("type").Is("intolerance") {
				it.Status = "intolerance"
			}
			held = append(held, it)
		}
	}
	slices.SortStableFunc(held, func(a, b view.Item) int { return cmp.Compare(rank(a.Tone), rank(b.Tone)) })
	p.Add("Allergies and intolerances", held)
	p.Add("None known", none)
	p.Add("No longer held to be so", past)
	switch {
	case state == record.AllergiesRecorded:
		rec.Allergy = view.AllergyRecorded
	case state == record.AllergiesNoneKnown:
		rec.Allergy = view.AllergyNoneKnown
	case !s.v.Sets().Has(policy.Allergies):
		rec.Allergy = view.AllergyNotShown
	case s.out: // that nothing is recorded can't be said while one who would know is out
		rec.Allergy = view.AllergyUnavailable
	}
	return p
}

func severe(f record.Fact) bool {
	if f.Extra == "high" {
		return true
	}
	return slices.ContainsFunc(f.Items, func(i record.Item) bool {
		return slices.ContainsFunc(i.Res.Root().List("reaction"), func(n fhir.Node) bool { return n.Get("severity").Is("severe") })
	})
}

func rank(t view.Tone) int {
	if t == view.Bad {
		return 0
	}
	return 1
}

func (s *sheet) documents() view.Part {
	p := view.Part{Section: view.Documents, Title: "Documents", Empty: "Letters and discharge summaries would be here." + noneSent}
	var items, replaced []view.Item
	for _, f := range s.v.Documents() {
		it := s.row(view.Documents, "Document", f)
		it.Detail = dots(f.Extra, f.Detail)
		if f.Detail == it.Title {
			it.Detail = f.Extra
		}
		it.Copies = len(f.Items) - 1
		for _, i := range f.Items {
			it.Body, it.BodyRef = i.Res, i.Type+"/"+i.ID
			if len(it.Pages()) > 0 || len(it.Files()) > 0 {
				break
			}
		}
		switch {
		case f.Status == "superseded":
			it.Status, it.Tone = "replaced", view.Past
			replaced = append(replaced, it)
			continue
		case f.Lead().Res.Get("docStatus").Is("preliminary") || f.Status == "preliminary":
			it.Status, it.Tone = "not final", view.Warn
		}
		items = append(items, it)
	}
	p.Add("Letters and documents", items)
	p.Add("Replaced", replaced)
	return p
}

func (s *sheet) plans() view.Part {
	p := view.Part{Section: view.Plans, Title: "Plans and alerts", Empty: "Alerts, care plans and the person's decisions would be here." + noneSent}
	var alerts, resus, plans, past []view.Item
	for _, f := range s.v.Plans() {
		it := s.row(view.Plans, "Plan", f)
		it.Detail = dots(f.Detail, activities(f.Lead().Res))
		if f.Extra != "" {
			it.Detail = dots(it.Detail, "by "+f.Extra)
		}
		it.Body, it.BodyRef = f.Lead().Res, it.Ref
		switch {
		case f.Status == "completed" || f.Status == "revoked" || f.Status == "superseded" || f.Status == "inactive":
			it.Status, it.Tone = words(f.Status), view.Past // superseded copies are void (G24)
			past = append(past, it)
			continue
		case f.Status != "" && f.Status != "active" && f.Status != "current" && f.Status != "final":
			it.Status, it.Tone = words(f.Status), view.Warn
		}
		if resuscitation(f) {
			resus = append(resus, it)
		} else {
			plans = append(plans, it)
		}
	}
	for _, f := range s.v.Alerts() {
		it := s.row(view.Plans, "Alert", f)
		it.Tone = view.Warn
		if alertKinds[it.Detail] {
			it.Detail = ""
		}
		if resuscitation(f) {
			resus = append(resus, it)
		} else {
			alerts = append(alerts, it)
		}
	}
	if s.v.PlanExists { // to a role that may know no more (G12)
		alerts = append(alerts, view.Item{Ref: "CarePlan/exists", Section: view.Plans, Kind: "Alert", Title: "A care plan exists", Detail: "its content is for the clinical advisor: pass the call on", Tone: view.Warn})
	}
	p.Add("Resuscitation and treatment escalation", resus)
	p.Add("Alerts", alerts)
	p.Add("Care plans", plans)
	p.Add("Past plans", past)
	return p
}

// alertKinds are the codes of a Flag's category: they say nothing that its words
// do not. https://hl7.org/fhir/R4/valueset-flag-category.html
var alertKinds = map[string]bool{"diet": true, "drug": true, "lab": true, "admin": true, "contact": true, "clinical": true, "behavioral": true, "research": true,
	"advance-directive": true, "safety": true}

// resuscitation says whether a plan or an alert speaks of it: DNACPR, ReSPECT,
// an advance decision.
func resuscitation(f record.Fact) bool {
	r := f.Lead().Res
	w := strings.ToLower(f.Title + " " + record.Words(r.Get("category")) + " " + record.Words(r.Get("type")) + " " + record.Words(r.Get("code")))
	for _, sign := range []string{"respect", "resuscitat", "dnacpr", "dnar", "advance decision", "treatment escalation"} {
		if strings.Contains(w, sign) {
			return true
		}
	}
	return false
}

func activities(r *fhir.Resource) string {
	var out []string
	for _, a := range r.Root().List("activity") {
		if w := dots(record.Words(a.Get("detail", "code")), a.Get("detail", "description").Text()); w != "" {
			out = append(out, strings.TrimSuffix(w, "."))
		}
	}
	return strings.Join(out, "; ")
}

func (s *sheet) referrals() view.Part {
	p := view.Part{Section: view.Referrals, Title: "Referrals and appointments", Empty: "Referrals, requests and appointments would be here." + noneSent}
	var coming, booked, open, past []view.Item
	for _, f := range s.v.Appointments() {
		it := s.row(view.Referrals, "Appointment", f)
		it.Detail = dots(s.with(f.Lead().Res), f.Extra, f.Detail)
		it.Status = words(f.Status)
		switch f.Status {
		case "noshow":
			it.Status, it.Tone = "did not attend", view.Warn
			booked = append(booked, it)
		case "cancelled", "fulfilled":
			it.Tone = view.Past
			booked = append(booked, it)
		default:
			if !it.When.IsZero() && it.When.At.Before(s.now.Add(-12*time.Hour)) {
				it.Status, it.Tone = dots(it.Status, "past"), view.Past
				booked = append(booked, it)
				continue
			}
			coming = append(coming, it)
		}
	}
	slices.Reverse(coming) // the next one first
	for _, f := range s.v.Referrals() {
		it := s.row(view.Referrals, "Referral", f)
		to := f.Extra
		if to != "" {
			to = "to " + to
		}
		it.Detail = dots(to, f.Detail)
		switch f.Status {
		case "completed", "revoked", "stopped", "cancelled", "rejected":
			it.Status, it.Tone = words(f.Status), view.Past
			past = append(past, it)
			continue
		}
		if pr := f.Lead().Res.Get("priority").Text(); pr != "" && pr != "routine" {
			it.Status, it.Tone = pr, view.Warn
		}
		open = append(open, it)
	}
	p.Add("Appointments", coming)
	p.Add("Referrals and requests", open)
	p.Add("Past appointments", booked)
	p.Add("Past referrals", past)
	return p
}

// with is whom an appointment is with.
func (s *sheet) with(r *fhir.Resource) string {
	var out []string
	for _, p := range r.Root().List("participant") {
		if a := p.Get("actor"); a.Get("display").Exists() && !strings.HasPrefix(a.Get("reference").Text(), "Patient/") {
			out = append(out, s.place(a.Get("display").Text()))
		}
	}
	return strings.Join(out, ", ")
}

// contactKinds are v3 ActCodes of an Encounter's class, in words.
var contactKinds = map[string]string{"IMP": "Inpatient stay", "ACUTE": "Inpatient stay", "NONAC": "Inpatient stay", "EMER": "Emergency attendance",
	"HH": "Home visit", "VR": "Telephone or video", "PRENC": "Before admission", "SS": "Day case", "OBSENC": "Observation stay", "FLD": "Seen by ambulance"}

// place is where somebody was, with the site by its name: "Bed 4, Sam Oram,
// RJZ01" is of a hospital that has one.
func (s *sheet) place(where string) string {
	ward, site, ok := cut(where, ", ")
	code, err := nhs.ParseODS(site)
	if !ok || err != nil || len(site) < 5 || !strings.ContainsAny(site, "0123456789") || string(code) != site {
		return where
	}
	if name := s.name(nhs.Source(site + ":")); name != "" && name != site {
		return ward + ", " + name
	}
	return where
}

// cut is strings.Cut at the last separator.
func cut(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// saying is words that say something to people: a bare code does not, nor that
// an encounter is one.
func saying(s string) string {
	if strings.Trim(s, "0123456789") == "" || strings.EqualFold(s, "Patient encounter procedure") {
		return ""
	}
	return s
}

func (s *sheet) encounters() view.Part {
	p := view.Part{Section: view.Encounters, Title: "Encounters", Empty: "Stays, visits and contacts would be here." + noneSent}
	var open, closed []view.Item
	for _, f := range s.v.Encounters() {
		it := s.row(view.Encounters, "Encounter", f)
		r := f.Lead().Res
		kind := contactKinds[r.Get("class", "code").Text()]
		named := saying(record.Words(r.Get("type")))
		switch {
		case named == "" && kind != "":
			it.Title = kind
		case named == "" && r.Get("class", "code").Is("AMB"):
			it.Title = "Visit"
			if strings.HasPrefix(f.Lead().Source.System(), "GP") {
				it.Title = "Consultation"
			}
		case kind != "" && !strings.EqualFold(kind, named):
			it.Title = kind + ": " + named
		}
		until := view.ParseDate(f.End)
		to := ""
		if !until.IsZero() && until.Pro() != it.When.Pro() {
			to = "to " + s.date(until)
		}
		it.Detail = dots(to, record.Words(r.Get("serviceProvider")), s.place(f.Extra), saying(f.Detail), record.Words(r.Get("participant", "individual")))
		switch f.Status {
		case "in-progress", "arrived", "triaged", "onleave":
			if s.isOpen(f) {
				it.Status, it.Tone = "open now", view.Good
				open = append(open, it)
				continue
			}
			if until.IsZero() {
				it.Status = "end not recorded"
			}
		case "planned", "cancelled":
			it.Status = f.Status
		case "unknown":
			if it.When.At.After(s.now) {
				it.Status = "planned"
			}
		}
		closed = append(closed, it)
	}
	p.Add("Open now", open)
	p.Add("Encounters", closed)
	return p
}

// isOpen says whether an encounter that its source has begun is still going
// on: what nobody ended is not open for ever.
func (s *sheet) isOpen(f record.Fact) bool {
	i := f.Lead()
	if end, ended := fhir.Time(f.End); ended {
		return end.After(s.now)
	}
	start, ok := fhir.Time(i.Res.Get("period", "start").Text())
	if !ok {
		start = i.Recorded
	}
	until := policy.OpenUntil(i.Res.Get("class", "code").Text(), start)
	return until.IsZero() || until.After(s.now)
}

func (s *sheet) team() view.Part {
	p := view.Part{Section: view.CareTeam, Title: "Care team", Empty: "Who is involved in care would be here." + noneSent}
	var items, seen, before []view.Item
	for _, f := range s.v.CareTeam() {
		it := view.Item{Ref: f.Lead().Type + "/" + f.Lead().ID, Section: view.CareTeam, Kind: "Care team", Title: f.Title, Detail: f.Detail}
		for _, source := range f.Sources() {
			if name := s.short(source, s.name(source)); !slices.Contains(it.Sources, name) {
				it.Sources = append(it.Sources, name)
			}
		}
		if !f.When.IsZero() {
			it.When = view.ParseDate(f.When.Format(time.RFC3339))
		}
		if f.Lead().Type == "CareTeam" {
			s.shown[it.Ref] = true
		}
		switch {
		case f.Group == record.Team:
			items = append(items, it)
		case f.When.After(s.now.AddDate(-1, 0, 0)):
			seen = append(seen, it)
		default:
			before = append(before, it)
		}
	}
	p.Add("Who is involved", items)
	p.Add("Seen in the last year", seen)
	p.Add("Seen before", before)
	return p
}

// behind are the types that stand behind other rows and are none themselves.
var behind = map[string]bool{"Patient": true, "Practitioner": true, "PractitionerRole": true, "Organization": true, "Location": true, "Medication": true,
	"Provenance": true, "AuditEvent": true, "Specimen": true, "Binary": true, "RelatedPerson": true, "Consent": true, "List": true, "Device": true,
	"HealthcareService": true, "Claim": true, "ExplanationOfBenefit": true, "Coverage": true, "Account": true, "DocumentManifest": true, "Slot": true, "Schedule": true}

// other is what no section shows: nothing that came is left out.
func (s *sheet) other() view.Part {
	p := view.Part{Section: view.Other, Title: "Other"}
	groups := map[string][]view.Item{}
	for _, i := range s.v.Items {
		if s.shown[i.Type+"/"+i.ID] || behind[i.Type] || i.Res.Get("status").Is("entered-in-error") {
			continue
		}
		kind := view.Label(i.Type)
		title := cmp.Or(record.Words(i.Res.Get("code")), record.Words(i.Res.Get("medicationCodeableConcept")), record.Words(i.Res.Get("description")), kind)
		it := view.Item{Ref: i.Type + "/" + i.ID, Section: view.Other, Kind: kind, Title: title, Status: words(i.Res.Get("status").Text())}
		if !i.When.IsZero() {
			it.When = view.ParseDate(i.When.Format(time.RFC3339))
		}
		s.witness(&it, i)
		groups[kind] = append(groups[kind], it)
	}
	kinds := make([]string, 0, len(groups))
	for k := range groups {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	for _, k := range kinds {
		view.Sort(groups[k])
		p.Add(k, groups[k])
	}
	return p
}
