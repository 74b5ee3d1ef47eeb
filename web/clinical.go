package web

import (
	"cmp"
	"slices"
	"strings"

	"selda/access/record"
	"selda/fhir"
	"selda/policy"
	"selda/web/view"
)

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
