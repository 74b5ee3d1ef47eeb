package page

import (
	"slices"
	"strings"
	"time"

	"selda/web/view"
)

// CSP is the policy of every page: nothing but the page's own files, no script
// and no style within it, never in a frame.
const CSP = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// keys are the letters that lead to a section after g.
var keys = map[view.Section]string{view.Problems: "p", view.Medicines: "m", view.Allergies: "a", view.Results: "r", view.Observations: "o", view.Immunisations: "i",
	view.Procedures: "x", view.Documents: "d", view.Plans: "l", view.Referrals: "f", view.SocialCare: "c", view.Encounters: "e", view.CareTeam: "w"}

// Nav is a record's sections, with how many rows of each the reader sees.
func Nav(rec *view.Record, base, current string) []Link {
	nav := []Link{{Href: base, Text: "Summary", Current: current == "", Key: "s"}}
	for _, p := range rec.Parts {
		nav = append(nav, Link{Href: base + "/" + string(p.Section), Text: p.Title, Current: current == string(p.Section), Key: keys[p.Section], Count: p.Count})
	}
	return append(nav, Link{Href: base + "/timeline", Text: "Timeline", Current: current == "timeline", Key: "t", Count: rec.Count})
}

// Chips are what the banner says at once, always in one order: allergies,
// resuscitation, alerts, needs, address.
func Chips(rec *view.Record, p view.Person, base string) []Chip {
	chips := []Chip{{Mark: "▲", Text: rec.Allergy.Words(), Tone: allergyTone(rec.Allergy), Href: base + "/allergies"}}
	if rec.Allergy == view.AllergyNotShown {
		chips[0].Href = ""
	}
	if rec.Allergy == view.AllergyRecorded {
		chips = chips[:0]
		for _, it := range rec.Part(view.Allergies).First(3, "Allergies and intolerances") {
			c := Chip{Mark: "▲", Text: "Allergy: " + strings.TrimPrefix(it.Title, "Allergy to "), Tone: it.Tone, Href: base + "/allergies"}
			if it.Detail != "" {
				c.More = "(" + strings.ReplaceAll(it.Detail, " (severe)", "") + ")"
			}
			chips = append(chips, c)
		}
		if more := len(rec.Part(view.Allergies).First(100, "Allergies and intolerances")) - len(chips); more > 0 {
			chips = append(chips, Chip{Mark: "▲", Text: "and " + plural(more, "more allergy", "more allergies"), Tone: view.Bad, Href: base + "/allergies"})
		}
	}
	plans := rec.Part(view.Plans)
	for _, it := range plans.First(2, "Resuscitation and treatment escalation") {
		chips = append(chips, Chip{Mark: "◆", Text: short(it.Title), More: it.When.Pro(), Tone: view.Warn, Href: base + "/plans"})
	}
	for i, it := range plans.First(100, "Alerts") {
		if i == 3 {
			chips = append(chips, Chip{Mark: "⚑", Text: "more alerts", Tone: view.Warn, Href: base + "/plans"})
			break
		}
		chips = append(chips, Chip{Mark: "⚑", Text: it.Title, Tone: view.Warn, Href: base + "/plans"})
	}
	if p.Language != "" {
		chips = append(chips, Chip{Mark: "⚑", Text: "Needs interpreter: " + p.Language, Tone: view.Warn})
	}
	if p.Restricted {
		chips = append(chips, Chip{Mark: "⌂", Text: "Restricted address", Tone: view.Bad})
	} else {
		chips = append(chips, Chip{Mark: "⌂", Text: "restricted: no", Tone: view.Past})
	}
	for _, d := range p.Differ {
		chips = append(chips, Chip{Mark: "≠", Text: d, Tone: view.Warn})
	}
	return chips
}

// short is a title without what stands in brackets after it.
func short(title string) string {
	s, _, _ := strings.Cut(title, " (")
	return strings.ReplaceAll(s, "cardiopulmonary resuscitation", "CPR")
}

// How much of each a summary shows.
const (
	maxNew       = 4
	maxProblems  = 12
	maxDiagnosed = 4
	maxMedicines = 15
	maxPlans     = 5
	maxRows      = 6
	lately       = 3 // months
)

// NewSummary picks what a professional must know now.
func NewSummary(rec *view.Record, looked view.Date, now time.Time) *Summary {
	recent := now.AddDate(0, -lately, 0)
	since := func(items []view.Item, n int, at func(view.Item) view.Date) []view.Item {
		var out []view.Item
		for _, it := range items {
			if at(it).At.After(recent) && len(out) < n {
				out = append(out, it)
			}
		}
		return out
	}
	s := &Summary{LastLooked: looked,
		Plans:     rec.Part(view.Plans).First(maxPlans, "Resuscitation and treatment escalation", "Alerts"),
		Problems:  rec.Part(view.Problems).First(maxProblems, "Active problems"),
		Diagnosed: since(rec.Part(view.Problems).First(50, "Diagnosed at a stay or visit"), maxDiagnosed, func(it view.Item) view.Date { return it.When }),
		Medicines: rec.Part(view.Medicines).First(maxMedicines, "Repeat", "Acute", "Hospital only"),
		Stopped:   since(rec.Part(view.Medicines).First(50, "Stopped or finished"), maxRows, func(it view.Item) view.Date { return it.Until }),
		Allergies: rec.Part(view.Allergies).First(maxRows),
		Results:   telling(rec.Part(view.Results).First(50, "Results"), now),
		Contacts:  past(rec.Part(view.Encounters).First(50), maxDiagnosed, now),
		Booked:    rec.Part(view.Referrals).First(maxRows, "Appointments"),
		Shown:     func(section view.Section) bool { return rec.Part(section).Title != "" },
	}
	for i := range s.Plans {
		s.Plans[i].Title = short(s.Plans[i].Title)
	}
	for i := range s.Stopped { // why it was stopped matters more than how it was taken
		s.Stopped[i].Detail, s.Stopped[i].Status = strings.TrimSuffix(s.Stopped[i].Status, " · "+s.Stopped[i].Until.Pro()), ""
	}
	if !looked.IsZero() {
		s.Count = len(rec.New)
		s.New = rec.New[:min(maxNew, len(rec.New))]
		s.More = rec.New[len(s.New):min(len(rec.New), 50)]
	}
	return s
}

// past are the first n items that are not to come.
func past(items []view.Item, n int, now time.Time) []view.Item {
	items = slices.DeleteFunc(slices.Clone(items), func(it view.Item) bool { return it.When.At.After(now) })
	return items[:min(n, len(items))]
}

// telling are the results to look at first: those of the last month that are
// out of range, then the latest.
func telling(items []view.Item, now time.Time) []view.Item {
	month := now.AddDate(0, -1, 0)
	items = slices.Clone(items)
	slices.SortStableFunc(items, func(a, b view.Item) int {
		first := func(it view.Item) int {
			if it.Value.Flag != "" && it.When.At.After(month) {
				return 0
			}
			return 1
		}
		return first(a) - first(b)
	})
	return items[:min(maxRows, len(items))]
}

// MyMenu is what a citizen finds on the first page; of is the first name of the
// one that somebody else looks after, "" for the own record.
func MyMenu(base, of string) []Link {
	menu := []Link{
		{Href: base + "/record", Text: "Your record", Detail: "Conditions, allergies, vaccines, visits"},
		{Href: base + "/medicines", Text: "Medicines", Detail: "What you take, and what was stopped"},
		{Href: base + "/results", Text: "Test results", Detail: "What was measured, and whether it is in range"},
		{Href: base + "/letters", Text: "Letters", Detail: "From hospitals, your GP and others"},
		{Href: base + "/plans", Text: "Plans", Detail: "Care plans and your wishes"},
		{Href: base + "/sharing", Text: "Sharing choices", Detail: "Who may see your record"},
		{Href: base + "/looked", Text: "Who has looked", Detail: "When, and why"},
		{Href: base + "/rights", Text: "Your rights", Detail: "Get a copy, or say that something is wrong"},
		{Href: base + "/people", Text: "People who help you", Detail: "Your care team, and those who act for you"},
	}
	if of == "" {
		return append(menu, Link{Href: "/me/apps", Text: "Apps", Detail: "Which ones you let use your record"}, Link{Href: "/me/settings", Text: "Settings", Detail: "Leaving quickly, and when we may write to you"})
	}
	theirs := strings.NewReplacer("Your record", of+"'s record", "your GP", "the GP", "What you take", "What "+of+" takes", "your wishes", of+"'s wishes",
		"Your rights", "Rights", "People who help you", "People who help "+of, "Your care team, and those who act for you", "The care team, and those who act for "+of)
	for i := range menu {
		menu[i].Text, menu[i].Detail = theirs.Replace(menu[i].Text), theirs.Replace(menu[i].Detail)
	}
	return slices.DeleteFunc(menu, func(l Link) bool { return strings.HasSuffix(l.Href, "/sharing") }) // that is the person's own to choose
}

// NothingReleased is what stands where a citizen's list is empty.
const NothingReleased = "Nothing has been released to you yet. What your services share appears here after they have checked it."

// PlainRows is a section in plain words.
func PlainRows(heading, lead string, p view.Part, empty string) Rows {
	r := Rows{Heading: heading, Lead: lead, Empty: empty}
	if r.Empty == "" {
		r.Empty = NothingReleased
	}
	for _, g := range p.Groups {
		group := PlainGroup{Title: plainGroups[g.Title]}
		if group.Title == "" && len(p.Groups) > 1 {
			group.Title = g.Title
		}
		for _, it := range g.Items {
			group.Items = append(group.Items, PlainItem{Item: it, Means: PlainMeaning(it)})
		}
		r.Groups = append(r.Groups, group)
	}
	return r
}

// plainGroups are the groups' titles in plain words.
var plainGroups = map[string]string{"Active problems": "Conditions now", "Active, minor": "Smaller conditions", "Past problems": "Conditions in the past",
	"Diagnosed at a stay or visit": "Found at a hospital stay or visit", "Hospital only": "Medicines from hospital", "Repeat": "Medicines you take regularly", "Acute": "Medicines for a short time", "Stopped or finished": "Medicines that were stopped or finished",
	"Allergies and intolerances": "Allergies", "None known": "Allergies", "Vital signs": "Measurements", "Open now": "Going on now", "Encounters": "Visits and stays", "Who is involved": "People in your care"}
