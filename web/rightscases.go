package web

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/access/grant"
	"selda/access/record"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/rights"
	"selda/web/page"
	"selda/web/view"
)

// This file is where the privacy officer of an organisation works the cases that people
// have opened (G18).

// rightsCases are the cases of the own organisation.
func (h *Web) rightsCases(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	return h.showCases(w, r, s, "")
}

func (h *Web) showCases(w http.ResponseWriter, r *http.Request, s policy.Subject, problem string) error {
	list, err := h.Access.CasesOf(r.Context(), s, false)
	if err != nil {
		return fault.E("web.cases", err)
	}
	p := page.CasesPage{Frame: h.frame(s, "Cases of rights"), Organisation: h.organisation(s.Organisation), Error: strings.TrimSuffix(problem, ".")}
	for _, k := range rights.Kinds {
		p.Kinds = append(p.Kinds, page.Reason{Code: string(k.Kind), Text: k.Title})
	}
	for i := range list {
		if row := h.caseRow(&list[i]); list[i].State == rights.Closed {
			p.Closed = append(p.Closed, row)
		} else {
			p.Open = append(p.Open, row)
		}
	}
	status := http.StatusOK
	if problem != "" {
		f := r.PostForm
		p.Form = page.CaseForm{Number: f.Get("number"), Kind: f.Get("kind"), Asker: f.Get("asker"), Identity: f.Get("identity"), Words: f.Get("words"), Order: f.Get("order"), Item: f.Get("item")}
		status = http.StatusUnprocessableEntity
	}
	h.render(w, status, page.RightsCases(p))
	return nil
}

// stateWords are how a case stands, for who works it.
var stateWords = map[rights.State]string{rights.Working: "To be worked on", rights.AwaitingIdentity: "Waits to be shown who asks", rights.AwaitingClarification: "Waits for the person's answer",
	rights.WithSource: "With its source", rights.Closed: "Closed"}

func (h *Web) caseRow(c *rights.Case) page.CaseRow {
	now := h.Now()
	kind, _ := rights.WordsOf(c.Asked.Kind)
	row := page.CaseRow{ID: c.ID, What: kind.Title, State: stateWords[c.State], Received: proDay(c.Received), Href: "/privacy/cases/" + c.ID}
	urgency, left := c.Urgency(now)
	if due := c.Due(now); !due.IsZero() {
		row.Due = view.ParseDate(due.Format(time.DateOnly)).Pro()
	}
	switch urgency {
	case rights.Overdue:
		row.Left, row.Late = "overdue by "+daysWords(-left), true
	case rights.Soon:
		row.Left, row.Late = daysWords(left)+" left", true
	case rights.InTime:
		row.Left = daysWords(left) + " left"
	case rights.Waits:
		row.Left = "the clock waits"
		if c.Asked.Kind == rights.Disposal {
			row.Left = "no clock"
		}
	case rights.Over:
		if o, ok := rights.OutcomeOf(c.Asked.Kind, c.Outcome); ok {
			row.State += ": " + o.Words
		} else {
			row.State += ": taken back"
		}
	}
	return row
}

func daysWords(n int) string {
	if n == 1 {
		return "1 day"
	}
	return strconv.Itoa(n) + " days"
}

// writeCase writes down a request that came to the organisation.
func (h *Web) writeCase(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.writeCase"
	f := r.PostForm
	ask := rights.Asked{Kind: rights.Kind(f.Get("kind")), Asker: f.Get("asker"), Identity: f.Get("identity"), Words: f.Get("words"), Order: strings.TrimSpace(f.Get("order"))}
	if ask.Order != "" {
		ask.By = rights.ByCourt
	}
	if item := strings.TrimSpace(f.Get("item")); item != "" {
		ask.Item.Type, ask.Item.ID, _ = strings.Cut(item, "/")
	}
	n, err := nhs.ParseNumber(f.Get("number"))
	if err != nil {
		return h.showCases(w, r, s, "Write the NHS number: 10 digits")
	}
	c, err := h.Access.AskForNumber(r.Context(), s, n, ask)
	switch {
	case fault.Is(err, fault.Value) || fault.Is(err, fault.NotFound):
		return h.showCases(w, r, s, sentence(fault.Reason(err)))
	case err != nil:
		return fault.E(op, err)
	}
	http.Redirect(w, r, "/privacy/cases/"+c.ID, http.StatusSeeOther)
	return nil
}

// rightsCase is one case.
func (h *Web) rightsCase(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	return h.showCase(w, r, s, "", "")
}

func (h *Web) showCase(w http.ResponseWriter, r *http.Request, s policy.Subject, done, problem string) error {
	c, g, err := h.Access.OpenCase(r.Context(), s, r.PathValue("case"))
	if err != nil {
		return fault.E("web.case", err)
	}
	return h.showOpenCase(w, r, s, c, g, done, problem)
}

// showOpenCase shows a case that was opened: that is in the trail.
func (h *Web) showOpenCase(w http.ResponseWriter, r *http.Request, s policy.Subject, c rights.Case, g grant.Grant, done, problem string) (err error) {
	const op = "web.case"
	v := &record.View{}
	if g.Citizen().ID != "" {
		if v, err = h.Records.Open(r.Context(), g); err != nil {
			return fault.E(op, err)
		}
	}
	kind, _ := rights.WordsOf(c.Asked.Kind)
	p := page.CasePage{Frame: h.frame(s, kind.Title+" "+c.ID), CaseRow: h.caseRow(&c), Done: done, Error: strings.TrimSuffix(problem, "."), Action: "/privacy/cases/" + c.ID, Clause: kind.Clause}
	who := person(v.Person)
	if c.Asked.Kind != rights.Disposal { // that is of many
		p.Person = who.Name.Pro()
	}
	if !who.Number.IsZero() {
		p.Number = "NHS number " + who.Number.Spaced()
	}
	p.Asked = h.askedFacts(&c)
	p.Item = c.Asked.Title
	if p.Item == "" && c.Asked.Item.ID != "" {
		p.Item = c.Asked.Item.Type + "/" + c.Asked.Item.ID
	}
	for _, x := range c.Steps {
		p.Steps = append(p.Steps, page.CaseStep{When: view.ParseDate(x.At.Format(time.RFC3339)).ProTime(), Who: x.By.Name, Did: h.didWords(&c, x), Words: x.Words})
	}
	for _, f := range c.Files {
		p.Files = append(p.Files, page.Link{Href: p.Action + "/" + f.Name, Text: fileWords(f.Name), Detail: "SHA-256 " + f.SHA256})
	}
	entries, err := h.Access.CopyEntries(r.Context(), &c, g)
	if err != nil {
		return fault.E(op, err)
	}
	if c.Asked.Kind == rights.Disposal {
		if err := h.listed(r, s, &c, &p); err != nil {
			return fault.E(op, err)
		}
	}
	p.Review, p.Acts = h.copyReview(&c, entries), h.caseActs(&c, v)
	status := http.StatusOK
	if problem != "" {
		status = http.StatusUnprocessableEntity
	}
	h.render(w, status, page.RightsCase(p))
	return nil
}

// didWords says what a step was.
func (h *Web) didWords(c *rights.Case, s rights.Step) string {
	words := rights.DidWords(s.Did)
	switch s.Did {
	case rights.HandedOver:
		words += " to " + h.organisation(s.To)
	case rights.Restrained:
		if len(s.Of) > 0 {
			words += ": " + strings.Join(s.Of, ", ")
		}
	case rights.Announced:
		words += " on " + view.ParseDate(s.On).Pro()
	case rights.Decided:
		if o, ok := rights.OutcomeOf(c.Asked.Kind, s.Code); ok {
			words += ": " + o.Words
		}
	}
	return words
}

// askedFacts are the request as it came.
func (h *Web) askedFacts(c *rights.Case) []page.Fact {
	if c.Asked.Kind == rights.Disposal {
		return []page.Fact{{Name: "Proposed by", Text: dots(c.Asked.Who.Name, c.Asked.Who.Role.Title())}, {Name: "Court’s number", Text: c.Asked.Order}, {Name: "What is proposed", Text: c.Asked.Words}}
	}
	by := map[string]string{rights.ByPerson: "The person, on their page", rights.ByProxy: "Somebody who acts for the person, on their page", rights.ByStaff: "Written down for them", rights.ByCourt: "An order of a court"}[c.Asked.By]
	return []page.Fact{{Name: "How it came", Text: by}, {Name: "Who asked", Text: cmp.Or(c.Asked.Asker, c.Asked.Who.Name)}, {Name: "How they showed who they are", Text: c.Asked.Identity},
		{Name: "Written down by", Text: dots(c.Asked.Who.Name, c.Asked.Who.Role.Title())}, {Name: "Court’s number", Text: c.Asked.Order}, {Name: "What they ask", Text: c.Asked.Words}, {Name: "Source", Text: string(c.Asked.Source)}}
}

// caseActs are what can be done to a case as it stands.
func (h *Web) caseActs(c *rights.Case, v *record.View) (out []page.CaseAct) {
	now := h.Now()
	may := func(a page.CaseAct, state ...rights.State) {
		for _, s := range state {
			if c.State == s {
				out = append(out, a)
			}
		}
	}
	decide := page.CaseAct{Did: string(rights.Decided), Title: "Decide", Words: "The reason. The person reads it.", Button: "Close the case",
		Hint: "The person is told what it came to, and where they can complain."}
	if c.Asked.Kind == rights.Disposal {
		decide.Words, decide.Hint = "The reason", "Nothing of it is destroyed."
	}
	for _, o := range rights.OutcomesOf(c.Asked.Kind) {
		if o.Code != "removed" && o.Code != "destroyed" && (o.Code != "released" || len(c.Files) > 0) && (o.Code != "restricted" || c.Restricting()) {
			decide.Outcomes = append(decide.Outcomes, page.Reason{Code: o.Code, Text: o.Words})
		}
	}
	may(decide, rights.Working, rights.WithSource)
	if _, done := c.Last(rights.Approved); c.Asked.Kind == rights.Disposal && !done {
		may(page.CaseAct{Did: string(rights.Approved), Title: "Approve it", Button: "Approve that it is destroyed",
			Hint: "What the list says is destroyed for good, once the operator carries it out. Who proposed it can’t approve it. Look through the list first."}, rights.Working)
	}
	if c.Asked.Kind == rights.Erasure && c.Asked.Item.ID != "" {
		may(page.CaseAct{Did: proposeRemoval, Title: "Propose that it is destroyed", Button: "Propose it",
			Hint: "Another person approves it, and the operator carries it out. Then it is nowhere, and can’t be brought back."}, rights.Working)
	}
	if c.Asked.Kind == rights.Correction {
		may(page.CaseAct{Did: string(rights.SentToSource), Title: "Send it to whoever wrote it", Words: "What they are to check", Button: "Say that it was sent"}, rights.Working)
	}
	if !c.Restricting() && c.Asked.Kind != rights.Access && c.Asked.Kind != rights.Disposal {
		what, of := h.restrictable(c, v)
		may(page.CaseAct{Did: string(rights.Restrained), Title: "Restrict it", Words: "Why (UK GDPR Art 18(1))", Button: "Restrict it", What: what, Of: of,
			Hint: "It is kept. Nobody sees it but the person, and who treats them in an emergency and says why: not those who treat them otherwise, your own colleagues among them."}, rights.Working, rights.WithSource)
	}
	if c.Restricting() {
		may(page.CaseAct{Did: string(rights.Announced), Title: "End the restriction", Words: "Why. The person reads it.", On: "It ends on", Min: now.AddDate(0, 0, rights.Lifts).Format(time.DateOnly), Button: "Tell the person, and end it then",
			Hint: "The person is told at least seven days before (UK GDPR Art 18(3))."}, rights.Working, rights.WithSource, rights.Closed)
	}
	may(page.CaseAct{Did: string(rights.ShownIdentity), Title: "They have shown who they are", Words: "How", Button: "The month begins today"}, rights.AwaitingIdentity)
	may(page.CaseAct{Did: string(rights.Clarified), Title: "They have answered", Words: "What they say", Button: "The clock goes on"}, rights.AwaitingClarification)
	if c.Asked.Kind != rights.Disposal {
		may(page.CaseAct{Did: string(rights.AskedClarification), Title: "Ask what they mean", Words: "The question. The person reads it.", Button: "Ask, and stop the clock",
			Hint: "Only where you can’t find what they want without it, and much is kept."}, rights.Working)
	}
	if c.Asked.By != rights.ByPerson && c.Asked.Kind != rights.Disposal {
		may(page.CaseAct{Did: string(rights.AskedIdentity), Title: "Ask who they are", Words: "What they are asked to show", Button: "Ask"}, rights.Working)
	}
	if first := c.FirstMonth(now); !c.Extended && !first.IsZero() && !now.After(first.AddDate(0, 0, 1)) {
		may(page.CaseAct{Did: string(rights.Extended), Title: "Take two months more", Words: "Why it takes longer. The person reads it.", Button: "Extend it",
			Hint: "Only where it is complex, or they have asked for much. Until " + view.ParseDate(first.Format(time.DateOnly)).Pro() + "."}, rights.Working, rights.WithSource)
	}
	may(page.CaseAct{Did: string(rights.HandedOver), Title: "Hand it over", To: "To which organisation, by its code", Words: "Why. The person reads it.", Button: "Hand it over",
		Hint: "The clock goes on. You do not see the case any more."}, rights.Working, rights.WithSource)
	if _, gone := c.Last(rights.NoteTaken); c.Outcome == "disputed" && !gone {
		may(page.CaseAct{Did: string(rights.NoteTaken), Title: "Take the note of dispute out", Words: "Why", Button: "Take it out"}, rights.Closed)
	}
	if _, asked := c.Last(rights.AskedLetIn); c.Barring() && !asked {
		may(page.CaseAct{Did: string(rights.AskedLetIn), Title: "It was a mistake: let it come in again", Words: "Why it may come in again", Button: "Ask another person to agree",
			Hint: "What its source sends again is held back until then. It comes in when its source sends it the next time: nothing is brought back from here."}, rights.Closed)
	} else if c.Barring() {
		may(page.CaseAct{Did: string(rights.LetIn), Title: "Let it come in again", Button: "Agree that it may come in again",
			Hint: "Somebody has asked for it; another person agrees. What its source sends from then on comes in."}, rights.Closed)
	}
	may(page.CaseAct{Did: string(rights.Noted), Title: "Write a note", Words: "The note. The person does not see it.", Button: "Keep the note"},
		rights.Working, rights.AwaitingIdentity, rights.AwaitingClarification, rights.WithSource, rights.Closed)
	return out
}

// restrictable is what a case can restrict: what it is about, in words, or where it names
// nothing what is to be chosen of.
func (h *Web) restrictable(c *rights.Case, v *record.View) (what string, of []page.Choose) {
	if c.Asked.Item.ID != "" {
		return cmp.Or(c.Asked.Title, c.Asked.Item.Type+"/"+c.Asked.Item.ID), nil
	}
	if c.Asked.Source != "" {
		return "all from " + string(c.Asked.Source), nil
	}
	of = []page.Choose{{Code: rights.Everything, Text: "Everything that " + h.organisation(c.Controller) + " keeps of this person"}}
	var sources []string
	var items []page.Choose
	for _, i := range v.Items {
		if s := string(i.Source); !slices.Contains(sources, s) {
			sources = append(sources, s)
		}
		if i.Type == "Patient" { // who the person is
			continue
		}
		e := rights.Entry{Item: policy.Item{Type: i.Type, ID: i.ID}, Body: i.Body}
		when := ""
		if !i.When.IsZero() {
			when = view.ParseDate(i.When.Format(time.RFC3339)).Pro()
		}
		items = append(items, page.Choose{Code: i.Type + "/" + i.ID, Text: dots(rights.Title(&e), when, string(i.Source))})
	}
	slices.Sort(sources)
	for _, s := range sources {
		of = append(of, page.Choose{Code: s, Text: "Everything from " + s})
	}
	return "", append(of, items...)
}

// proposeRemoval is the form by which the item of an erasure is proposed to be destroyed.
const proposeRemoval = "propose-removal"

// workCase does what a form of a case asks.
func (h *Web) workCase(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.workCase"
	f := r.PostForm
	if f.Get("review") != "" {
		return h.reviewCase(w, r, s)
	}
	if f.Get("did") == proposeRemoval {
		c, err := h.Access.ProposeRemoval(r.Context(), s, r.PathValue("case"))
		if err != nil {
			return fault.E(op, err)
		}
		http.Redirect(w, r, "/privacy/cases/"+c.ID, http.StatusSeeOther)
		return nil
	}
	c, err := h.Access.ActOnCase(r.Context(), s, r.PathValue("case"), rights.Step{Did: rights.Did(f.Get("did")), Words: f.Get("words"), To: nhs.ODS(strings.ToUpper(strings.TrimSpace(f.Get("to")))), On: f.Get("on"), Code: f.Get("code"), Of: f["of"]})
	switch {
	case fault.Is(err, fault.Value) || fault.Is(err, fault.Conflict):
		return h.showCase(w, r, s, "", sentence(fault.Reason(err)))
	case err != nil:
		return fault.E(op, err)
	case c.Controller != s.Organisation:
		http.Redirect(w, r, "/privacy/cases", http.StatusSeeOther)
		return nil
	}
	return h.showCase(w, r, s, "It is kept in the case: "+rights.DidWords(rights.Did(f.Get("did")))+".", "")
}
