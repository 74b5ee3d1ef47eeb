package web

import (
	"slices"
	"strings"

	"selda/access/record"
	"selda/web/view"
)

// maxWas is the longest value that is shown as what it was before: a number is
// short, a radiologist's words are not.
const maxWas = 40

// series makes a row of each series: its latest value, with the whole as its
// trend. older are the values before, which the timeline shows.
func (s *sheet) series(section view.Section, kind string, list []record.Series) (items, older []view.Item) {
	items = make([]view.Item, 0, len(list))
	for _, one := range list {
		s.before += len(one.Points) - 1
		for i, p := range one.Points {
			if i > 0 && !s.whole {
				s.shown[p.Item.Type+"/"+p.Item.ID] = true
				continue
			}
			it := s.measured(section, kind, one, p)
			if before := i + 1; before < len(one.Points) && len(one.Points[before].Text) <= maxWas {
				before := one.Points[before]
				it.Value.Was, it.Value.WasOn = bare(before.Text, before.Unit), s.date(view.ParseDate(before.WhenText))
			}
			if i > 0 {
				older = append(older, it)
				continue
			}
			it.Trend = s.trend(one)
			items = append(items, it)
		}
	}
	return items, older
}

func (s *sheet) measured(section view.Section, kind string, one record.Series, p record.Point) view.Item {
	it := view.Item{Ref: p.Item.Type + "/" + p.Item.ID, Section: section, Kind: kind, Title: one.Title, Detail: p.Report, When: view.ParseDate(p.WhenText)}
	it.Value = view.Value{Text: bare(p.Text, p.Unit), Unit: view.Unit(p.Unit), Range: p.Range, Flag: p.Flag}
	if it.Value.Range != "" && strings.Trim(it.Value.Range, "0123456789.,- tomsale<>=") == "" {
		it.Value.Range += " " + it.Value.Unit
	}
	switch p.Flag {
	case "":
	case "critical":
		it.Value.Tone = view.Bad
	default:
		it.Value.Tone = view.Warn
	}
	switch p.Status {
	case "preliminary", "registered", "corrected", "amended":
		it.Status, it.Tone = p.Status, view.Warn
	case "cancelled":
		it.Status, it.Tone = p.Status, view.Past
	}
	s.witness(&it, p.Item)
	return it
}

// bare is a value without its unit.
func bare(text, unit string) string {
	if unit == "" {
		return text
	}
	return strings.TrimSpace(strings.TrimSuffix(text, unit))
}

// trend is a series as points, oldest first.
func (s *sheet) trend(one record.Series) []view.Point {
	out := make([]view.Point, 0, len(one.Points))
	for _, p := range one.Points {
		when := view.ParseDate(p.WhenText)
		if !p.Numeric || when.Precision < view.Day {
			continue
		}
		pt := view.Point{Ref: p.Item.Type + "/" + p.Item.ID, When: when, Value: p.Value, Text: strings.TrimSpace(bare(p.Text, p.Unit) + " " + view.Unit(p.Unit)), Source: s.name(p.Item.Source), Flag: p.Flag}
		if p.Low != nil {
			pt.Low, pt.HasLow = *p.Low, true
		}
		if p.High != nil {
			pt.High, pt.HasTop = *p.High, true
		}
		out = append(out, pt)
	}
	slices.Reverse(out)
	if len(out) < 2 {
		return nil
	}
	return out
}

func (s *sheet) results() (view.Part, []view.Item) {
	p := view.Part{Section: view.Results, Title: "Results", Empty: "Results of laboratories and imaging would be here." + noneSent}
	items, older := s.series(view.Results, "Result", s.v.Results())
	p.Add("Results", items)
	var reports []view.Item
	for _, f := range s.v.Reports() {
		it := s.row(view.Results, "Report", f)
		if s.plainly && f.Detail == "" && !f.Lead().Res.Get("presentedForm").Exists() {
			continue // its values are shown, and it says nothing beside them
		}
		it.Body, it.BodyRef = f.Lead().Res, it.Ref
		if f.Status != "final" && f.Status != "" && f.Status != "available" {
			it.Status, it.Tone = words(f.Status), view.Warn
		}
		reports = append(reports, it)
	}
	p.Add("Reports", reports)
	return p, older
}

func (s *sheet) observations() (view.Part, []view.Item) {
	p := view.Part{Section: view.Observations, Title: "Observations", Empty: "Vital signs, measurements and assessments would be here." + noneSent}
	items, older := s.series(view.Observations, "Observation", s.v.Observations())
	groups := map[string][]view.Item{}
	for _, it := range items {
		title := "Other observations"
		if i, ok := s.find(it.Ref); ok {
			for _, c := range i.Res.Root().List("category") {
				switch c.Get("coding", "code").Text() {
				case "vital-signs":
					title = "Vital signs"
				case "social-history":
					title = "Social history"
				case "survey", "exam", "activity":
					title = "Assessments"
				}
			}
		}
		groups[title] = append(groups[title], it)
	}
	for _, g := range []string{"Vital signs", "Assessments", "Social history", "Other observations"} {
		p.Add(g, groups[g])
	}
	return p, older
}

func (s *sheet) find(ref string) (record.Item, bool) { return s.v.Reference(ref) }
