package web

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"selda/fault"
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
	m.rec = plainRows(v, h.nameFor(s), looked, h.Now())
	who := person(v.Person)
	m.p = page.MyPage{Frame: h.frame(s, "Your record"), Base: base, First: firstName(who.Name.Given), Back: true}
	if m.p.First == "" {
		m.p.First, _, _ = strings.Cut(s.Name, " ")
	}
	if s.Role == nhs.Proxy {
		m.p.For, m.p.Of, m.p.First = who.Name.Plain(), firstName(who.Name.Given), firstName(s.Name)
	}
	m.p.Own = ownToo(ctx)
	m.p.Frame.Whose = who.Name.Plain()
	if !who.Number.IsZero() {
		m.p.Frame.Whose += ", NHS number " + who.Number.Spaced()
	}
	return m, nil
}

// nameFor is what sources are called on a citizen's pages: what they stated
// themselves is their own.
func (h *Web) nameFor(s policy.Subject) func(nhs.Source) string {
	return func(source nhs.Source) string {
		if source == ownStatements && s.Role == nhs.Citizen {
			return "Yourself"
		}
		return h.Name(source)
	}
}

// toldFor is how long the first page tells of an emergency access.
const toldFor = 30 * 24 * time.Hour

func firstName(names string) string {
	first, _, _ := strings.Cut(names, " ")
	return first
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
		if err := h.alsoHelps(r.Context(), m); err != nil {
			return err
		}
		if until, soon := h.endsSoon(m.opened); soon {
			m.p.Home.Alive = "A computer at one of the services says by mistake that " + map[bool]string{true: "you have", false: m.p.Of + " has"}[m.p.Of == ""] + " died. Your GP practice has put this right, until " + plainDay(until) + ". Ask the practice to do it again before that day. If not, this page will stop working."
		}
		if err := h.ending(r, m); err != nil {
			return err
		}
		if m.subject.Role == nhs.Citizen { // they are told, nobody for them (G9)
			told, err := h.Access.Emergencies(r.Context(), m.subject, m.v.Citizen, h.Now().Add(-toldFor))
			if err != nil {
				return fault.E("web.me", err)
			}
			for _, e := range told {
				look := h.look(e)
				m.p.Home.Emergencies = append(m.p.Home.Emergencies, "On "+look.At.Plain()+" somebody opened your record in an emergency: "+look.Who+", "+look.Where+".")
			}
		}
	case "record":
		rows := page.Rows{Heading: "Your record", Empty: page.NothingReleased}
		if m.p.Of != "" {
			rows.Heading = m.p.Of + "'s record"
		}
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
		rowsOf("Test results", "A result is shown once somebody has checked it, or after a few days. Whoever ordered it tells you if there is anything to do.", view.Results)
		by := m.v.OrderedBy()
		for _, g := range m.p.Rows.Groups {
			for i := range g.Items {
				if who := by[g.Items[i].Ref]; who != "" {
					g.Items[i].By = "ordered by " + who
				}
			}
		}
	case "letters":
		rowsOf("Letters", "", view.Documents)
	case "plans":
		rowsOf("Plans", "Care plans, and what you have decided.", view.Plans)
	case "people":
		rowsOf("People who help "+cmp.Or(m.p.Of, "you"), "The care team, as services have named them.", view.CareTeam)
		if m.subject.Role == nhs.Citizen {
			helpers, err := h.myHelpers(r.Context(), m)
			if err != nil {
				return err
			}
			m.p.Helpers, m.p.Rows.Heading = helpers, "Your care team"
		}
	case "sharing":
		c, err := h.own(r, m)
		if err != nil {
			return err
		}
		m.p.Sharing, m.p.Frame.Title = c.start(), "Sharing choices"
	case "rights":
		asked, err := h.rightsOf(r, m)
		if err != nil {
			return err
		}
		m.p.Rights, m.p.Frame.Title = asked, "Your rights"
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
	home := &page.Home{Never: m.looked.IsZero(), Menu: page.MyMenu(m.base, m.p.Of), New: m.rec.New[:min(4, len(m.rec.New))]}
	for _, it := range m.rec.Part(view.Referrals).First(20, "Appointments") {
		if it.When.At.After(h.Now()) && len(home.Coming) < 3 {
			it.Title = "Appointment: " + it.Title
			home.Coming = append(home.Coming, it)
		}
	}
	return home
}

// ending lets who acts for somebody end it on the first page, and a citizen ask to
// act for somebody.
func (h *Web) ending(r *http.Request, m *mine) error {
	if m.subject.Role != nhs.Proxy {
		m.p.Asks = h.Asked != nil
		return nil
	}
	acting, _, err := h.Access.Helpers(r.Context(), m.subject, m.grant)
	if err != nil {
		return fault.E("web.me", err)
	}
	for _, x := range acting {
		if !x.Ended {
			m.p.Ends, m.p.Acting = m.base+"/stop", x.ID
		}
	}
	return nil
}

// chooseWhom has a proxy choose whose record to look at.
func (h *Web) chooseWhom(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	p := page.MyPage{Frame: h.frame(s, "People you help"), First: strings.SplitN(s.Name, " ", 2)[0], Base: "/me"}
	p.Home, p.Asks = &page.Home{}, h.Asked != nil
	var err error
	if p.People, err = h.helped(r.Context(), s); err != nil {
		return err
	}
	h.render(w, http.StatusOK, page.My(p))
	return nil
}
