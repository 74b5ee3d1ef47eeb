package web

import (
	"strings"
	"testing"
	"time"

	"selda/access/record"
	"selda/audit"
	"selda/fault"
	"selda/nhs"
	"selda/web/page"
	"selda/web/view"
)

func TestUnderstand(t *testing.T) {
	for in, want := range map[string]string{
		"999 123 4519":                      "NHS number id:https://fhir.nhs.uk/Id/nhs-number|9991234519",
		"999-123-4519":                      "NHS number id:https://fhir.nhs.uk/Id/nhs-number|9991234519",
		" 9991234519 ":                      "NHS number id:https://fhir.nhs.uk/Id/nhs-number|9991234519",
		"Adeyemi 05-Nov-1951":               "name and birth date family:adeyemi/given:adeyemi born:1951-11-05",
		"ADEYEMI, Folake 5/11/1951":         "name and birth date family:adeyemi/given:adeyemi family:folake/given:folake born:1951-11-05",
		"5 November 1951 adeyemi":           "name and birth date family:adeyemi/given:adeyemi born:1951-11-05",
		"Adeyemi 1951-11-05":                "name and birth date family:adeyemi/given:adeyemi born:1951-11-05",
		"Adeyemi SE1 5TY":                   "name and postcode family:adeyemi/given:adeyemi post:SE1 5TY",
		"se15ty":                            "postcode post:SE1 5TY",
		"Adeyemi 05-Nov-1951 SE15TY":        "name and birth date and postcode family:adeyemi/given:adeyemi born:1951-11-05 post:SE1 5TY",
		"RJZ0012345":                        "hospital number value:RJZ0012345",
		"Zoë 05-Nov-1951":                   "name and birth date family:zoe/given:zoe born:1951-11-05",
		"O'Neill 31/12/1999":                "name and birth date family:oneill/given:oneill born:1999-12-31",
		"":                                  "!say whom to look for",
		"   ":                               "!say whom to look for",
		"Adeyemi":                           "!add a birth date or a postcode to the name",
		"05-Nov-1951":                       "!add a name to the birth date",
		"999 123 4518":                      "!that is not a valid NHS number: one of its digits is wrong",
		"!!":                                "!say whom to look for",
		strings.Repeat("Adeyemi ", 100):     "!that is too long",
		"Adeyemi 31/02/1951":                "name and hospital number",
		"<script>alert(1)</script> SE1 5TY": "",
	} {
		a, err := understand(in)
		got := a.as
		for _, g := range a.groups {
			got += " " + strings.Join(g, "/")
		}
		if err != nil {
			got = "!" + fault.Reason(err)
		}
		if want != "" && got != want && !(in == "Adeyemi 31/02/1951" && strings.HasPrefix(got, "hospital number and name")) {
			t.Errorf("%q:\n got %s\nwant %s", in, got, want)
		}
		if err != nil && in != "" && len(in) > 5 && strings.Contains(err.Error(), in) {
			t.Errorf("the error tells what was typed: %v", err)
		}
	}
}

func FuzzUnderstand(f *testing.F) {
	for _, s := range []string{"999 123 4519", "Adeyemi 05-Nov-1951", "se15ty", "1/1/1", "a b c d 1 2 3", "\x00\xff", "SE1 SE1 SE1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := understand(s)
		if (err == nil) != (len(a.groups) > 0) {
			t.Errorf("%q: %v %v", s, a, err)
		}
		for _, g := range a.groups {
			if len(g) == 0 {
				t.Errorf("%q: an empty group fits everybody's record", s)
			}
		}
	})
}

// G26: search warns of similar names and the same birthday.
func TestAlike(t *testing.T) {
	p := func(given, family, born string) page.Found {
		return page.Found{Name: view.Name{Given: given, Family: family}, Born: view.ParseDate(born)}
	}
	for _, c := range []struct {
		a, b page.Found
		want string
	}{
		{p("Folake", "Adeyemi", "1951-11-05"), p("FOLAKE", "Adeyemi", "1951-11-05"), "Same name and birthday as another in this list"},
		{p("Folake", "Adeyemi", "1951-11-05"), p("Folasade", "Adeyemi", "1951-11-05"), "Same family name and birthday as another in this list"},
		{p("Folake", "Adeyemi", "1951-11-05"), p("Folake", "Adeyemi", "1980-01-01"), "Same name as another in this list"},
		{p("Folake", "Adeyemi", "1951-11-05"), p("Kofi", "Mensah", "1951-11-05"), ""},
		{p("Folake", "Adeyemi", "1951"), p("Folasade", "Adeyemi", "1951"), ""},
	} {
		if got := alike(c.a, c.b); got != c.want {
			t.Errorf("%v %v: %q", c.a.Name, c.b.Name, got)
		}
	}
}

// The sample's rows: what a clinician must not miss.
func TestRows(t *testing.T) {
	rec := rows(sample(t), names, time.Date(2026, 11, 19, 0, 0, 0, 0, time.UTC), now, false)
	line := func(s view.Section, title string) string {
		for _, g := range rec.Part(s).Groups {
			for _, it := range g.Items {
				if it.Title == title {
					out := g.Title + ": " + it.When.Pro() + " " + it.Title
					for _, part := range []string{it.Status, it.Detail, strings.TrimSpace(it.Value.Text + " " + it.Value.Unit), it.Value.Flag, it.Value.Was, it.Conflict} {
						if part != "" {
							out += " | " + part
						}
					}
					if it.New {
						out += " | new"
					}
					return out
				}
			}
		}
		return "not there"
	}
	for _, c := range []struct {
		section     view.Section
		title, want string
	}{
		{view.Problems, "Atrial fibrillation", "Active problems: Feb-2018 Atrial fibrillation | King's College Hospital says “past”; Old Kent Road Surgery says “active”. | new"},
		{view.Medicines, "Furosemide 40 mg tablet", "not there"},
		{view.Allergies, "Penicillin", "Allergies and intolerances: 02-Mar-1989 Penicillin | severe | Anaphylaxis (severe) | Old Kent Road Surgery says “Penicillin”; King's College Hospital says “no known allergies”. | new"},
		{view.Results, "Creatinine", "Results: 20-Nov-2026 Creatinine | 142 µmol/L | critical | 121 | new"},
		{view.Observations, "Systolic blood pressure", "not there"},
		{view.Plans, "ReSPECT", "Resuscitation and treatment escalation: 12-Mar-2026 ReSPECT | For hospital treatment, not for intensive care. Not for attempted cardiopulmonary resuscitation. · by Dr A Okafor"},
		{view.Referrals, "Cardiology outpatients", "Appointments: 03-Dec-2026 Cardiology outpatients | booked | Dr M Osei | new"},
		{view.Referrals, "Diabetic eye screening", "Past appointments: 03-Jul-2026 Diabetic eye screening | did not attend"},
		{view.SocialCare, "Care and support plan", "Social care: 10-Jun-2026 Care and support plan | Morning call, 45 minutes, every day: washing, breakfast, medicines from the box."},
	} {
		if got := line(c.section, c.title); got != c.want && c.want != "not there" {
			t.Errorf("%s:\n got %s\nwant %s", c.title, got, c.want)
		}
	}
	if rec.Allergy != view.AllergyRecorded {
		t.Error(rec.Allergy)
	}
	// Nothing that came is left out: each item of the record is in some row.
	for _, i := range sample(t).Items {
		if behind[i.Type] {
			continue
		}
		if _, ok := rec.Find(i.Type + "/" + i.ID); !ok && i.Type != "CareTeam" {
			t.Errorf("%s/%s is in no row", i.Type, i.ID)
		}
	}
	if rec.New[0].When.IsZero() || len(rec.New) == 0 {
		t.Error("nothing is new")
	}
}

// G6: what is not recorded never reads as none.
func TestAllergyStates(t *testing.T) {
	empty := &record.View{}
	if got := rows(empty, names, time.Time{}, now, false).Allergy; got != view.AllergyNothing || !strings.Contains(got.Words(), "nothing recorded") {
		t.Error(got.Words())
	}
	if got := rows(empty, names, time.Time{}, now, true).Allergy; got != view.AllergyUnavailable || !strings.Contains(got.Words(), "unavailable") {
		t.Error(got.Words())
	}
}

// Every professional page has the sentence and the way in for emergencies,
// the same whether or not anything is there.
func TestSentence(t *testing.T) {
	for name, c := range pages(t) {
		if !strings.HasPrefix(name, "record") && name != "declare" && name != "search-none" {
			continue
		}
		html := rendered(t, c)
		if !strings.Contains(html, page.Sentence) {
			t.Errorf("%s lacks the sentence", name)
		}
		if strings.HasPrefix(name, "record") && !strings.Contains(html, "/emergency\"") {
			t.Errorf("%s lacks the emergency access", name)
		}
	}
}

// No page has a script, a style or an event handler within it, and none names
// a person in an address.
func TestPagesAreStrict(t *testing.T) {
	for name, c := range pages(t) {
		html := rendered(t, c)
		for _, bad := range []string{"<script>", " style=", "<style", " onclick=", "javascript:", "Frutiger"} {
			if strings.Contains(html, bad) {
				t.Errorf("%s has %s", name, bad)
			}
		}
		for _, part := range strings.Split(html, `href="`)[1:] {
			href, _, _ := strings.Cut(part, `"`)
			for _, telling := range []string{"deyemi", "olake", "9991234519", "999%20"} {
				if strings.Contains(href, telling) {
					t.Errorf("%s: the address %s tells who it is", name, href)
				}
			}
		}
	}
}

func TestMarked(t *testing.T) {
	var out []string
	for _, l := range marked([]byte("ab\r\ncd\ref\n\ngh"), 1, 6) {
		s := l.Text
		for _, m := range l.Marks {
			s = s[:m[0]] + "[" + s[m[0]:m[1]] + "]" + s[m[1]:]
		}
		out = append(out, s)
	}
	if got := strings.Join(out, "|"); got != "a[b]|[cd]|ef||gh" {
		t.Error(got)
	}
	if len(marked(nil, 0, 0)) != 0 || len(marked([]byte("a\n"), 0, 0)) != 1 {
		t.Error(marked(nil, 0, 0), marked([]byte("a\n"), 0, 0))
	}
}

// "Who looked" is told in words, and one visit is one look.
func TestLook(t *testing.T) {
	h := &Web{Deps: Deps{Name: names}}
	e := audit.Entry{At: time.Date(2026, 11, 22, 9, 10, 0, 0, time.UTC), Action: audit.Read, Outcome: audit.Permit, Name: "Dr A Okafor", Role: nhs.GP, Organisation: "G85001", Rules: []string{"G7 registration"}}
	if got := h.look(e); got.Did != "Looked at your record" || got.Why != "You are registered there" || got.Where != "Old Kent Road Surgery" || got.Emergency {
		t.Errorf("%+v", got)
	}
	e.Outcome, e.Rules = audit.Deny, []string{"G7 no legitimate relationship"}
	if got := h.look(e); got.Did != "Asked for your record, and was refused" {
		t.Errorf("%+v", got)
	}
	e.Outcome, e.Action, e.Reason, e.Purpose = audit.Permit, audit.BreakGlass, "The patient can't be asked", nhs.Emergency
	if got := h.look(e); !got.Emergency || got.Why != "The patient can't be asked" || got.Did != "Opened your record in an emergency" {
		t.Errorf("%+v", got)
	}
}

func TestRelation(t *testing.T) {
	for code, words := range map[string]string{"King's College Hospital NHS Foundation Trust": "King's College Hospital", "Oxleas NHS Trust": "Oxleas", "Old Kent Road Practice": "Old Kent Road Practice"} {
		if got := shortName(code); got != words {
			t.Error(got)
		}
	}
}

func BenchmarkSummary(b *testing.B) {
	v := sample(b)
	for len(v.Items) < 500 {
		v.Items = append(v.Items, v.Items[len(v.Items)%60])
	}
	h := &Web{Deps: Deps{Name: names, Now: func() time.Time { return now }}}
	for b.Loop() {
		rec := rows(v, names, now, now, false)
		p := page.RecordPage{Frame: frame(page.Staff, "x"), Banner: banner(v, rec, "/record/x", now), Nav: page.Nav(rec, "/record/x", ""), Base: "/record/x", Sources: h.sources(v)}
		p.Summary = page.NewSummary(rec, view.Date{}, now)
		_ = rendered(b, page.Record(p))
	}
}

// The banner never leaves an allergy out without saying so (G26).
func TestG26MoreAllergiesThanTheBannerHolds(t *testing.T) {
	rec := &view.Record{Allergy: view.AllergyRecorded}
	part := view.Part{Section: view.Allergies, Title: "Allergies"}
	var held []view.Item
	for _, title := range []string{"Penicillin", "Codeine", "Latex", "Nuts", "Aspirin"} {
		held = append(held, view.Item{Title: title, Tone: view.Warn})
	}
	part.Add("Allergies and intolerances", held)
	rec.Parts = append(rec.Parts, part)
	var said []string
	for _, c := range page.Chips(rec, view.Person{}, "/record/x") {
		said = append(said, c.Text)
	}
	if got, want := strings.Join(said, "; "), "Allergy: Penicillin; Allergy: Codeine; Allergy: Latex; and 2 more allergies; restricted: no"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
