package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"selda/audit"
	"selda/consent"
	"selda/fault"
	"selda/fhir"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// mine is a record, open for the one that it is about or for somebody who
// helps them.
type mine struct {
	*opened
	p page.MyPage
}

// openMine opens the own record, or of a proxy the one that the address names.
func (h *Web) openMine(r *http.Request, s policy.Subject, what string) (*mine, error) {
	const op = "web.me"
	ctx, id := r.Context(), r.PathValue("id")
	base := "/me"
	switch {
	case s.Role == nhs.Citizen && id == "":
		own, err := h.Access.Own(ctx, s)
		if err != nil {
			return nil, fault.E(op, err)
		}
		id = own
	case s.Role == nhs.Proxy && id != "":
		base = "/for/" + id
	default:
		return nil, fault.E(op, fault.NotFound, "there is no such page")
	}
	looked := h.lastLook(ctx, s, id)
	g, err := h.Access.Record(ctx, s, id, what)
	if err != nil {
		return nil, fault.E(op, err)
	}
	v, err := h.Records.Open(ctx, g)
	if err != nil {
		return nil, fault.E(op, err)
	}
	m := &mine{opened: &opened{subject: s, grant: g, v: v, looked: looked, base: base}}
	m.rec = plainRows(v, h.Name, looked, h.Now())
	who := person(v.Person)
	m.p = page.MyPage{Frame: h.frame(s, "Your record"), Base: base, First: who.Name.First(), Back: true}
	if m.p.First == "" {
		m.p.First, _, _ = strings.Cut(s.Name, " ")
	}
	if s.Role == nhs.Proxy {
		m.p.For, m.p.First = who.Name.Plain(), strings.SplitN(s.Name, " ", 2)[0]
	}
	m.p.Frame.Whose = who.Name.Plain()
	if !who.Number.IsZero() {
		m.p.Frame.Whose += ", NHS number " + who.Number.Spaced()
	}
	return m, nil
}

// me is a citizen's pages. What they show has passed the release rule within
// the query (G10).
func (h *Web) me(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	section := r.PathValue("section")
	if s.Role == nhs.Proxy && r.PathValue("id") == "" {
		return h.chooseWhom(w, r, s)
	}
	m, err := h.openMine(r, s, mineWords(section))
	if err != nil {
		return err
	}
	if err := h.fillMine(r, m, section); err != nil {
		return err
	}
	h.render(w, http.StatusOK, page.My(m.p))
	return nil
}

func mineWords(section string) string {
	if section == "" {
		return "own record"
	}
	return "own record: " + section
}

// fillMine fills what a section shows.
func (h *Web) fillMine(r *http.Request, m *mine, section string) error {
	rowsOf := func(title, lead string, s view.Section) {
		rows := page.PlainRows(title, lead, m.rec.Part(s), "")
		m.p.Rows, m.p.Frame.Title = &rows, title
	}
	switch section {
	case "":
		m.p.Back = false
		m.p.Home = h.home(m)
	case "record":
		rows := page.Rows{Heading: "Your record", Empty: page.NothingReleased}
		for _, s := range []view.Section{view.Problems, view.Allergies, view.Immunisations, view.Procedures, view.Observations, view.Encounters, view.Referrals, view.SocialCare} {
			part := m.rec.Part(s)
			one := page.PlainRows(part.Title, "", part, "")
			if len(one.Groups) == 1 && one.Groups[0].Title == "" {
				one.Groups[0].Title = part.Title
			}
			rows.Groups = append(rows.Groups, one.Groups...)
		}
		m.p.Rows = &rows
	case "medicines":
		rowsOf("Medicines", "Ask your pharmacist or GP before you stop or change a medicine.", view.Medicines)
	case "results":
		rowsOf("Test results", "A result is shown once somebody has checked it, or after a few days.", view.Results)
	case "letters":
		rowsOf("Letters", "", view.Documents)
	case "plans":
		rowsOf("Plans", "Care plans, and what you have decided.", view.Plans)
	case "people":
		rowsOf("People who help you", "Your care team, as your services have named them.", view.CareTeam)
	case "sharing":
		if m.subject.Role != nhs.Citizen {
			return fault.E("web.me", fault.Security, "only the person themselves can change this here")
		}
		m.p.Sharing, m.p.Frame.Title = h.choices(m), "Sharing choices"
	case "looked":
		looked, err := h.looked(r, m)
		if err != nil {
			return err
		}
		m.p.Looked, m.p.Frame.Title = looked, "Who has looked"
	default:
		return fault.E("web.me", fault.NotFound, "there is no such page")
	}
	return nil
}

func (h *Web) home(m *mine) *page.Home {
	home := &page.Home{Menu: page.MyMenu(m.base), New: m.rec.New[:min(4, len(m.rec.New))]}
	if m.subject.Role == nhs.Proxy {
		home.Menu = slices.DeleteFunc(home.Menu, func(l page.Link) bool { return strings.HasSuffix(l.Href, "/sharing") })
	}
	for _, it := range m.rec.Part(view.Referrals).First(20, "Appointments") {
		if it.When.At.After(h.Now()) && len(home.Coming) < 3 {
			home.Coming = append(home.Coming, it)
		}
	}
	return home
}

// chooseWhom has a proxy choose whose record to look at.
func (h *Web) chooseWhom(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	p := page.MyPage{Frame: h.frame(s, "People you help"), First: strings.SplitN(s.Name, " ", 2)[0], Base: "/me"}
	p.Home = &page.Home{}
	for _, n := range s.For {
		id, err := h.Access.ByNumber(r.Context(), n)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return fault.E("web.me", err)
		}
		g, err := h.Access.Record(r.Context(), s, id, "who it is")
		if fault.Is(err, fault.Security) {
			continue // the relationship has ended, or is not evidenced
		}
		if err != nil {
			return fault.E("web.me", err)
		}
		v, err := h.Records.Open(r.Context(), g, "Patient")
		if err != nil {
			return fault.E("web.me", err)
		}
		p.People = append(p.People, page.Link{Href: "/for/" + id, Text: person(v.Person).Name.Plain()})
	}
	h.render(w, http.StatusOK, page.My(p))
	return nil
}

// The ways to share, as the pages know them. Finer ones are made through /fhir.
var shareAll = page.Choice{Code: "share", Title: "Share with those who care for me", Text: "Your GP, hospitals, mental health, community and social care teams see what they need for your care."}
var shareNone = page.Choice{Code: "object", Title: "Don't share", Text: "Each service sees only what it wrote itself. In an emergency a doctor can still look, and you are told."}

// choices are the ways to share, with the one in force marked.
func (h *Web) choices(m *mine) *page.Sharing {
	objecting := len(objections(m)) > 0
	all, none := shareAll, shareNone
	all.Now, none.Now = !objecting, objecting
	return &page.Sharing{Choices: []page.Choice{all, none}, Action: m.base + "/sharing"}
}

// objections are the Consents in force that withhold anything.
func objections(m *mine) []*fhir.Resource {
	var out []*fhir.Resource
	for _, i := range m.v.Of("Consent") {
		if _, ok := consent.Read(i.Res, i.ID, i.Recorded); ok {
			out = append(out, i.Res)
		}
	}
	return out
}

// share shows what a choice would change, and saves it when it is posted again
// from that page.
func (h *Web) share(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.share"
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	if s.Role != nhs.Citizen {
		return fault.E(op, fault.Security, "only the person themselves can change this here")
	}
	m, err := h.openMine(r, s, "own sharing choices")
	if err != nil {
		return err
	}
	m.p.Sharing, m.p.Frame.Title = h.choices(m), "Sharing choices"
	i := slices.IndexFunc(m.p.Sharing.Choices, func(c page.Choice) bool { return c.Code == r.PostForm.Get("choice") })
	if i < 0 {
		m.p.Sharing.Error = "Choose how you want to share"
		h.render(w, http.StatusUnprocessableEntity, page.My(m.p))
		return nil
	}
	choice := m.p.Sharing.Choices[i]
	switch {
	case r.PostForm.Get("save") != "yes":
		m.p.Sharing.Preview = preview(m, choice)
	case !choice.Now:
		if err := h.save(r, m, choice.Code); err != nil {
			return fault.E(op, err)
		}
		if m, err = h.openMine(r, s, "own sharing choices"); err != nil {
			return err
		}
		m.p.Sharing = h.choices(m)
		m.p.Sharing.Saved = "From now on: " + strings.ToLower(choice.Title[:1]) + choice.Title[1:] + "."
	}
	h.render(w, http.StatusOK, page.My(m.p))
	return nil
}

// preview says what a choice would change, from what is in the record now: who
// wrote what, and who would no longer see it.
func preview(m *mine, choice page.Choice) *page.Preview {
	p := &page.Preview{Choice: choice}
	if choice.Now {
		return p
	}
	kinds := map[string][]string{} // organisation: what it wrote
	var names []string
	for _, part := range m.rec.Parts {
		if part.Section == view.CareTeam || part.Section == view.Other {
			continue
		}
		for _, g := range part.Groups {
			for _, it := range g.Items {
				for _, s := range it.Sources {
					if !slices.Contains(names, s) {
						names = append(names, s)
					}
					if what := strings.ToLower(part.Title); !slices.Contains(kinds[s], what) {
						kinds[s] = append(kinds[s], what)
					}
				}
			}
		}
	}
	slices.Sort(names)
	for _, n := range names {
		what := list(kinds[n])
		if choice.Code == "object" {
			p.Changes = append(p.Changes, "Services other than "+n+" will not see the "+what+" that "+n+" wrote.")
			p.Keeps = append(p.Keeps, n+" still sees the "+what+" that it wrote itself.")
		} else {
			p.Changes = append(p.Changes, "Those who care for you at other services will see the "+what+" that "+n+" wrote, as far as they need them.")
		}
	}
	if choice.Code == "object" {
		p.Changes = append(p.Changes, "A doctor or nurse who meets you for the first time may not know your allergies and medicines, and will have to ask you.")
		p.Keeps = append(p.Keeps, "In an emergency a doctor can still look. You are told who did, and why.", "Whoever you are referred to still gets that referral.")
	}
	if len(p.Changes) == 0 {
		p.Changes = []string{"What services write from now on is shared as you choose here."}
	}
	return p
}

// list is words in a sentence: "a, b and c".
func list(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// ownStatements is the source of what citizens state themselves.
const ownStatements = nhs.Source("SELDA:ME")

// save writes the choice as a Consent: in force for the next query. Sharing
// again takes back each Consent that withholds.
func (h *Web) save(r *http.Request, m *mine, choice string) error {
	const op = "web.save"
	if h.Ingest == nil {
		return fault.E(op, fault.NotSupported, "nothing can be saved here")
	}
	subject := fhir.Object{"identifier": fhir.Object{"system": nhs.NumberSystem, "value": m.subject.NHSNumber.Digits()}}
	if choice == "object" {
		body := consent.Build(policy.Preference{}, m.subject.NHSNumber, h.Now())
		body["patient"] = subject
		return h.submit(r, "POST Consent", fhir.Marshal(body), m.v.Citizen)
	}
	for _, i := range m.v.Of("Consent") {
		if _, ok := consent.Read(i.Res, i.ID, i.Recorded); !ok || i.Source != ownStatements {
			continue
		}
		body := strings.Replace(string(i.Res.JSON), `"status":"active"`, `"status":"inactive"`, 1)
		if i.Res.ID == "" {
			body = strings.Replace(body, `{"resourceType":"Consent"`, `{"resourceType":"Consent","id":"`+i.ID+`"`, 1)
		}
		if err := h.submit(r, "PUT Consent/"+i.ID, []byte(body), m.v.Citizen); err != nil {
			return fault.E(op, err)
		}
	}
	return nil
}

func (h *Web) submit(r *http.Request, call string, body []byte, citizen string) error {
	ctx := r.Context()
	receipt, err := h.Ingest.Submit(ctx, &ingest.Raw{Source: ownStatements, Format: ingest.FHIR, Door: "fhir", Call: call, About: citizen, Body: body})
	if err != nil {
		return fault.E("web.submit", err)
	}
	out, err := receipt.Committed(ctx)
	if err == nil && out.Err != nil {
		err = out.Err
	}
	if err != nil {
		return fault.E("web.submit", err)
	}
	return nil
}

// maxLooks is how many looks are shown.
const maxLooks = 200

// looked is who has looked at the record. The Grant for the own record is what
// entitles to it; concealed entries (G9, G25) are left out.
func (h *Web) looked(r *http.Request, m *mine) (*page.Looked, error) {
	if h.Access.Trail == nil {
		return &page.Looked{}, nil
	}
	entries, err := h.Access.Trail.Find(r.Context(), audit.Query{Citizen: m.v.Citizen, Limit: maxLooks})
	if err != nil {
		return nil, fault.E("web.looked", err)
	}
	l := &page.Looked{}
	var last time.Time
	for _, e := range entries {
		if e.Concealed || e.User == m.subject.User || e.Action == audit.SignIn {
			continue
		}
		if emergency := e.Action == audit.BreakGlass || e.Purpose == nhs.Emergency; emergency && m.subject.Role == nhs.Proxy {
			continue // the person is told, nobody for them (G9)
		}
		look := h.look(e)
		// One visit opens many pages: it is one look, told by its first.
		if n := len(l.Looks); n > 0 && e.Action == audit.Read && same(l.Looks[n-1], look) && last.Sub(e.At) < visit {
			l.Looks[n-1].At, last = look.At, e.At
			continue
		}
		last = e.At
		l.Looks = append(l.Looks, look)
		if n := len(l.Days); n > 0 && l.Days[n-1].Day.Plain() == look.At.Plain() {
			l.Days[n-1].Count++
		} else {
			l.Days = append(l.Days, page.DayCount{Day: look.At, Count: 1})
		}
	}
	return l, nil
}

func same(a, b page.Look) bool {
	return a.Who == b.Who && a.Where == b.Where && a.Did == b.Did && a.Emergency == b.Emergency && a.Rule == b.Rule
}

// deeds are the trail's actions in words, as a citizen reads them.
var deeds = map[string]string{audit.Read: "Looked at your record", audit.Search: "Searched for you", audit.BreakGlass: "Opened your record in an emergency",
	audit.Declare: "Said that you are in their care", audit.Export: "Took out a copy", audit.Create: "Wrote to your record", audit.Update: "Changed your record", audit.Delete: "Took something back"}

// whys are the rules of a decision in plain words.
var whys = map[string]string{"G7 registration": "You are registered there", "G7 encounter": "You have been there for care", "G7 referral": "You were referred there",
	"G7 caseload": "You are in their care", "G7 appointment": "You have an appointment there", "G7 dispensing": "You got a medicine there", "G9 emergency access": "It was an emergency"}

func (h *Web) look(e audit.Entry) page.Look {
	look := page.Look{At: view.ParseDate(e.At.Format(time.RFC3339)), Who: e.Name, Where: h.organisation(e.Organisation), Did: deeds[e.Action], Rule: list(e.Rules),
		Emergency: e.Action == audit.BreakGlass || e.Purpose == nhs.Emergency}
	if look.Who == "" {
		look.Who = e.Role.Title()
	}
	if e.Organisation == "" {
		look.Where = ""
	}
	if look.Did == "" {
		look.Did = "Used your record"
	}
	if e.Outcome == audit.Deny {
		look.Did = "Asked for your record, and was refused"
	}
	if e.Reason != "" {
		look.Why = e.Reason
	}
	for _, rule := range e.Rules {
		if why := whys[rule]; why != "" && look.Why == "" {
			look.Why = why
		}
	}
	return look
}
