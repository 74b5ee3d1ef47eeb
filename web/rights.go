package web

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"selda/fault"
	"selda/fhir"
	"selda/nhs"
	"selda/policy"
	"selda/rights"
	"selda/web/page"
	"selda/web/view"
)

// This file is where somebody asks for what is theirs by right, and sees what became of
// it (G18), in plain words and with dates.

// rightsOf fills the page of what somebody has asked for.
func (h *Web) rightsOf(r *http.Request, m *mine) (*page.Rights, error) {
	out := &page.Rights{Action: m.base + "/rights", Base: m.base}
	for _, k := range rights.Kinds {
		if k.Kind != rights.Correction { // that is of one thing
			out.Kinds = append(out.Kinds, page.KindOption{Code: string(k.Kind), Text: k.Ask, Hint: k.Hint})
		}
	}
	list, err := h.Access.OwnCases(r.Context(), m.subject, m.grant)
	if err != nil {
		return nil, fault.E("web.rights", err)
	}
	for i := len(list) - 1; i >= 0; i-- {
		out.Asked = append(out.Asked, h.myCase(m, &list[i]))
	}
	return out, nil
}

// plainDue is a day as citizens read it.
func plainDue(t time.Time) string { return view.ParseDate(t.Format(time.DateOnly)).Plain() }

// myCase is one of them in plain words.
func (h *Web) myCase(m *mine, c *rights.Case) page.MyCase {
	kind, _ := rights.WordsOf(c.Asked.Kind)
	row := page.MyCase{ID: c.ID, Title: kind.Plain, About: c.Asked.Words, Who: h.organisation(c.Controller), When: "sent on " + plainDay(c.Received), Over: c.State == rights.Closed}
	if c.Asked.Title != "" {
		row.Title += ": " + c.Asked.Title
	}
	who := row.Who
	for _, s := range c.Steps {
		switch s.Did {
		case rights.Extended:
			row.State = append(row.State, "It takes up to two months longer. Why: "+s.Words)
		case rights.HandedOver:
			row.State = append(row.State, "It was passed on to "+h.organisation(s.To)+". Why: "+s.Words)
		case rights.Restrained:
			row.State = append(row.State, "It is kept, and not used, since "+plainDay(s.At)+".")
		case rights.Announced:
			row.State = append(row.State, "It will be used again from "+view.ParseDate(s.On).Plain()+". Why: "+s.Words)
		}
	}
	row.State = append(row.State, h.plainState(c, who)...)
	row.Withdraw = !row.Over
	row.Answers = c.State == rights.AwaitingClarification
	row.Complain = row.Over && c.Outcome != "withdrawn"
	if c.Outcome == "released" && (m.subject.Role == nhs.Citizen || c.Asked.By == rights.ByProxy) {
		for _, f := range c.Files {
			row.Files = append(row.Files, page.Link{Href: m.base + "/rights/" + c.ID + "/" + f.Name, Text: fileWords(f.Name)})
		}
	}
	return row
}

// plainState is how a case stands.
func (h *Web) plainState(c *rights.Case, who string) []string {
	now := h.Now()
	switch c.State {
	case rights.AwaitingIdentity:
		s, _ := c.Last(rights.AskedIdentity)
		return []string{who + " needs to know that it is you. " + s.Words + " The month for the answer begins then."}
	case rights.AwaitingClarification:
		s, _ := c.Last(rights.AskedClarification)
		return []string{who + " asks you: " + s.Words, "The time for the answer waits for you."}
	case rights.Closed:
		if c.Outcome == "withdrawn" {
			return []string{"You took this back."}
		}
		o, _ := rights.OutcomeOf(c.Asked.Kind, c.Outcome)
		s, _ := c.Last(rights.Decided)
		out := []string{"Answered on " + plainDay(s.At) + ". " + o.Plain}
		if s.Words != "" {
			out = append(out, "Why: "+s.Words)
		}
		return out
	}
	due := plainDue(c.Due(now))
	if u, _ := c.Urgency(now); u == rights.Overdue {
		return []string{"You should have had an answer by " + due + ". You can ask " + who + " about it, or complain to the Information Commissioner (ico.org.uk or 0303 123 1113)."}
	}
	if c.State == rights.WithSource {
		return []string{"Whoever wrote it has been asked to check it. You get an answer by " + due + "."}
	}
	return []string{"You get an answer by " + due + "."}
}

// fileWords is what a file is called on a citizen's page.
func fileWords(name string) string {
	return cmp.Or(map[string]string{rights.CopyPage: "Open your copy, to read or print", rights.CopyBundle: "Download your copy for a computer (FHIR)",
		rights.ListFile: "What would be destroyed", rights.StatementFile: "The statement of what was destroyed"}[name], name)
}

// askRights opens a request, answers a question about one or takes one back.
func (h *Web) askRights(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.askRights"
	m, err := h.openMine(r, s, "own record: rights")
	if err != nil {
		return err
	}
	ctx, form, done := r.Context(), r.PostForm, ""
	ask := rights.Asked{Kind: rights.Kind(form.Get("kind")), Words: form.Get("words")}
	switch {
	case form.Get("withdraw") != "":
		done, err = "We have stopped working on it.", h.Access.WithdrawCase(ctx, s, m.grant, form.Get("withdraw"))
	case form.Get("case") != "":
		done, err = "Your answer was sent.", h.Access.AnswerCase(ctx, s, m.grant, form.Get("case"), form.Get("answer"))
	default:
		if typ, item := r.PathValue("type"), r.PathValue("item"); typ != "" {
			it, known := m.item(typ, item)
			if !known {
				return fault.E(op, fault.NotFound, "there is no such item in the record")
			}
			ask.Item, ask.Title = policy.Item{Type: typ, ID: item}, it.Title
		}
		done = "Your request was sent. Below is by when you get an answer."
		_, err = h.Access.AskFor(ctx, s, m.grant, ask)
	}
	problem := ""
	if fault.Is(err, fault.Value) || fault.Is(err, fault.Conflict) {
		problem, done = sentence(fault.Reason(err)), ""
	} else if err != nil {
		return fault.E(op, err)
	}
	return h.showRights(w, r, m, done, problem)
}

// aboutItem is where somebody says that something is wrong with one item.
func (h *Web) aboutItem(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	m, err := h.openMine(r, s, "own record: rights")
	if err != nil {
		return err
	}
	return h.showRights(w, r, m, "", "")
}

// item is the row of an item of the record.
func (m *mine) item(typ, id string) (view.Item, bool) {
	if !fhir.IsResourceType(typ) || !fhir.IsID(id) {
		return view.Item{}, false
	}
	if _, ok := m.v.Find(typ, id); !ok {
		return view.Item{}, false
	}
	return m.find(typ + "/" + id)
}

func (h *Web) showRights(w http.ResponseWriter, r *http.Request, m *mine, done, problem string) error {
	p, err := h.rightsOf(r, m)
	if err != nil {
		return err
	}
	p.Done, p.Error, m.p.Frame.Title = done, strings.TrimSuffix(problem, "."), "Your rights"
	if typ, id := r.PathValue("type"), r.PathValue("item"); typ != "" && done == "" {
		it, known := m.item(typ, id)
		if !known {
			return fault.E("web.rights", fault.NotFound, "there is no such item in the record")
		}
		p.Back, p.Action, p.Item = m.base+"/rights", m.base+"/rights/item/"+typ+"/"+id, it.Title
		if !it.When.IsZero() {
			p.Item += ", " + it.When.Plain()
		}
		p.Kinds = nil
		for _, k := range rights.Kinds {
			if k.Kind == rights.Correction || k.Kind == rights.Restriction || k.Kind == rights.Erasure {
				p.Kinds = append(p.Kinds, page.KindOption{Code: string(k.Kind), Text: strings.NewReplacer("Something in my record is wrong", "It is wrong", "something in my record for now", "it for now", "want something removed", "want it removed").Replace(k.Ask), Hint: k.Hint})
			}
		}
	}
	status := http.StatusOK
	if problem != "" {
		status, p.Chosen, p.Words = http.StatusUnprocessableEntity, r.PostForm.Get("kind"), r.PostForm.Get("words")
	}
	m.p.Rights = p
	h.render(w, status, page.My(m.p))
	return nil
}
