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
