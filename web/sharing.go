package web

import (
	"net/http"
	"slices"
	"time"

	"selda/access"
	"selda/consent"
	"selda/fault"
	"selda/fhir"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// The ways to share. What is stated through the page is one Consent a choice;
// what the page can't say can be stated through /fhir.
var (
	shareAll = page.Choice{Code: "share", Title: "Share with those who care for me", Text: "Your GP, hospitals, mental health, community and social care teams see what they need for your care. This takes back what you asked for before."}
	shareNot = page.Choice{Code: "object", Title: "Don't share", Text: "Each service sees only what it wrote itself."}
	shareBut = page.Choice{Code: "organisation", Title: "Share, but not with some services", Text: "You choose which services don't see what others wrote about you."}
	shareFew = page.Choice{Code: "kind", Title: "Share, but keep some kinds of information private", Text: "For example, only your letters, or only your test results."}
	shareOne = page.Choice{Code: "item", Title: "Keep this private", Text: "Only this one thing."}
	shareBck = page.Choice{Code: "back", Title: "Take this back", Text: "What you asked for before no longer holds."}
)

// ownStatements is the source of what is stated by citizens, and for them, here.
const ownStatements = consent.Statements

// sharer is a record whose sharing is looked at and changed: one's own, or
// somebody's for whom it is stated.
type sharer struct {
	*opened
	h      *Web
	now    time.Time
	action string
	behalf bool
	stated []access.Stated // of the own record
}

// own is the sharing of the own record.
func (h *Web) own(r *http.Request, m *mine) (*sharer, error) {
	if m.subject.Role != nhs.Citizen {
		return nil, fault.E("web.sharing", fault.Security, "only the person themselves can change this here")
	}
	stated, err := h.Access.Statements(r.Context(), m.grant, h.Now())
	if err != nil {
		return nil, fault.E("web.sharing", err)
	}
	return &sharer{opened: m.opened, h: h, now: h.Now(), action: m.base + "/sharing", stated: stated}, nil
}

// start is the first step: what is in force, what was, and the ways to share.
func (c *sharer) start() *page.Sharing {
	s := &page.Sharing{Action: c.action, Choices: []page.Choice{shareAll, shareNot, shareBut, shareFew}}
	if c.behalf {
		for i := range s.Choices {
			s.Choices[i].Text = behalfTexts[s.Choices[i].Code]
		}
		return s
	}
	withheld := false
	for _, x := range c.stated {
		row := c.row(x)
		coming := x.Decides && x.Until.IsZero() && x.From.After(c.now) // it can be taken back before it begins
		if (x.InForce || coming) && x.Rule.Denies() {
			withheld = withheld || x.InForce
			if x.By == ownStatements {
				row.Back = c.action + "/back/" + x.ID
			} else {
				s.Others = true
			}
			s.Now = append(s.Now, row)
		} else if x.Decides {
			s.Past = append(s.Past, row)
		}
	}
	s.Choices[0].Now = !withheld
	s.Choices[1].Now = slices.ContainsFunc(c.stated, func(x access.Stated) bool {
		return x.InForce && !x.Rule.Permit && x.Rule.Whole() && x.Rule.But == nil
	})
	return s
}

// row is one statement in words.
func (c *sharer) row(x access.Stated) page.Stated {
	row := page.Stated{Words: c.words(x.Preference), Who: "You chose this", When: "on " + consent.Day(x.Recorded)}
	switch {
	case x.By != ownStatements:
		row.Who = c.h.Name(x.By) + " wrote this down"
	case x.Origin.User != "":
		row.Who = x.Origin.Name + ", " + c.h.organisation(x.Origin.Organisation) + ", stated this for you. " + x.Origin.Authority.Words
		if x.Origin.Evidence != "" {
			row.Who += " (" + x.Origin.Evidence + ")"
		}
	}
	if !x.Until.IsZero() {
		row.Until = "on " + consent.Day(x.Until)
	}
	return row
}

func (c *sharer) words(p policy.Preference) string {
	return consent.Words(p, c.now, consent.Names{Organisation: c.h.organisation, Item: func(i policy.Item) string {
		it, ok := c.find(i.Type + "/" + i.ID)
		if !ok {
			return ""
		}
		if it.When.IsZero() {
			return "“" + it.Title + "”"
		}
		return "“" + it.Title + "” of " + it.When.Plain()
	}})
}

// find is the row of the record that an item is shown in.
func (o *opened) find(ref string) (view.Item, bool) {
	for _, part := range o.rec.Parts {
		for _, g := range part.Groups {
			for _, it := range g.Items {
				if it.Ref == ref || slices.ContainsFunc(it.Witnesses, func(w view.Witness) bool { return w.Ref == ref }) {
					return it, true
				}
			}
		}
	}
	return view.Item{}, false
}

// share goes on with a choice: asks what it needs to know, shows what it would
// change, and saves it when it is posted again from there.
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
	c, err := h.own(r, m)
	if err != nil {
		return err
	}
	sharing, saved, err := c.step(r)
	if err != nil {
		return fault.E(op, err)
	}
	if saved != "" {
		if m, err = h.openMine(r, s, "own sharing choices"); err != nil {
			return err
		}
		if c, err = h.own(r, m); err != nil {
			return err
		}
		sharing = c.start()
		sharing.Saved = saved
	}
	status := http.StatusOK
	if sharing.Error != "" {
		status = http.StatusUnprocessableEntity
	}
	m.p.Sharing, m.p.Frame.Title = sharing, "Sharing choices"
	h.render(w, status, page.My(m.p))
	return nil
}

// shareItem asks about one item of the own record, or about one choice to be taken back.
func (h *Web) shareItem(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	m, err := h.openMine(r, s, "own sharing choices")
	if err != nil {
		return err
	}
	c, err := h.own(r, m)
	if err != nil {
		return err
	}
	sharing := &page.Sharing{Action: c.action}
	if back := r.PathValue("consent"); back != "" {
		if sharing.Preview, err = c.preview(r, draft{choice: shareBck, back: back}); err != nil {
			return err
		}
	} else if sharing.Details, err = c.details(r, draft{choice: shareOne, ref: r.PathValue("type") + "/" + r.PathValue("item")}); err != nil {
		return err
	}
	m.p.Sharing, m.p.Frame.Title = sharing, "Sharing choices"
	h.render(w, http.StatusOK, page.My(m.p))
	return nil
}

// step is the next step of a choice that was posted; saved says what was saved.
func (c *sharer) step(r *http.Request) (s *page.Sharing, saved string, err error) {
	d, problem := c.draft(r)
	s = &page.Sharing{Action: c.action}
	whole := r.PostForm.Get("details") == "yes" || r.PostForm.Get("save") == "yes"
	switch {
	case d.choice.Code == "":
		s = c.start()
		s.Error = problem
		return s, "", nil
	case problem != "" && whole, !whole && c.asks(d):
		if s.Details, err = c.details(r, d); whole {
			s.Error = problem
		}
		return s, "", err
	case r.PostForm.Get("save") != "yes":
		s.Preview, err = c.preview(r, d)
		return s, "", err
	}
	return nil, c.saved(d), c.save(r, d)
}

// saved says what holds from now on.
func (c *sharer) saved(d draft) string {
	switch d.choice.Code {
	case "share":
		return "From now on your record is shared with those who care for you."
	case "back":
		return "What you asked for before no longer holds."
	}
	return c.words(d.preference(c.now)) + "."
}

// asks says whether a choice needs to know more before it can be shown.
func (c *sharer) asks(d draft) bool {
	return c.behalf || d.choice.Code != "share" && d.choice.Code != "back"
}

// save writes the choice as a Consent: in force for the next query. Sharing
// again takes back each Consent that withholds.
func (c *sharer) save(r *http.Request, d draft) error {
	const op = "web.save"
	if c.h.Ingest == nil {
		return fault.E(op, fault.NotSupported, "nothing can be saved here")
	}
	if c.behalf {
		return c.saveFor(r, d)
	}
	switch d.choice.Code {
	case "share", "back":
		for _, x := range c.stated {
			if x.By == ownStatements && x.Until.IsZero() && x.Status == "active" && (d.choice.Code == "share" || x.ID == d.back) {
				if err := c.takeBack(r, x.ID); err != nil {
					return fault.E(op, err)
				}
			}
		}
		return nil
	}
	body := consent.Build(d.preference(c.now), c.subject.NHSNumber, c.now)
	// What is saved holds as it is read, and not as it was meant: where the two differ
	// nothing is saved.
	res, err := fhir.ParseTrusted(fhir.Marshal(body))
	if err != nil {
		return fault.E(op, err)
	}
	is, err := c.h.Access.Understood(r.Context(), c.grant, res)
	if err != nil {
		return fault.E(op, err)
	}
	if is.Refusal != (consent.Doubt{}) || len(is.Doubts) > 0 {
		return fault.E(op, fault.Value, "this can't be saved as it was shown: nothing was changed")
	}
	return c.h.submit(r, "POST Consent", fhir.Marshal(body), c.v.Citizen)
}

// takeBack sets a Consent to inactive.
func (c *sharer) takeBack(r *http.Request, id string) error {
	i, ok := c.v.Find("Consent", id)
	if !ok {
		return fault.E("web.takeBack", fault.NotFound, "there is no such choice")
	}
	body := fhir.Overlay(fhir.Bare(i.Body), fhir.Marshal(fhir.Object{"resourceType": "Consent", "id": id, "status": "inactive"}))
	return c.h.submit(r, "PUT Consent/"+id, body, c.v.Citizen)
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

// date reads a day of a form; zero where it is left empty. A day begins here
// as the clocks of the region have it.
func date(s string) (time.Time, bool) {
	if s == "" {
		return time.Time{}, true
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1900 || t.Year() > 2200 {
		return time.Time{}, false
	}
	at, ok := fhir.Time(s + "T00:00:00" + offset(t))
	return at, ok
}
