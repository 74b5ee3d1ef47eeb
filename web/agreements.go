package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"selda/access"
	"selda/agreement"
	"selda/agreement/register"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// Governance is the port to what is agreed. Each call but the first two is decided
// and audited by who answers it.
type Governance interface {
	Agreements() *agreement.Set
	Revisions(id string) []register.Revision
	Standing(ctx context.Context, s policy.Subject) (Standing, error)
	Put(ctx context.Context, s policy.Subject, file []byte) (*agreement.Agreement, error)
	Act(ctx context.Context, s policy.Subject, id string, a Act) error
	Try(ctx context.Context, s policy.Subject, file []byte, without string) (*agreement.Agreement, *access.Trial, error)
	Decide(ctx context.Context, s policy.Subject, request string, join bool) error
	Why(ctx context.Context, s policy.Subject, user, item string) (access.Why, error)
}

// Act is something that is done to an agreement, by the name of its form.
type Act struct {
	Do     string // "sign", "suspend", "resume", "renew", "withdraw", "ask"
	Office string // of who signs
	From   agreement.Party
	Reason string
	Ends   string
}

// Standing is how sharing stands: what flows, who used it, who asks to join.
type Standing struct {
	Flows    []Flow
	Uses     []Use
	AtLeast  bool // more was done than is counted
	Requests []register.Request
}

// Flow is what a source sends.
type Flow struct {
	Source nhs.Source
	Day    int // messages in the last 24 hours
	Last   time.Time
}

// Use is what people of an organisation did in the last 24 hours for a purpose.
type Use struct {
	Organisation               nhs.ODS
	Purpose                    nhs.Purpose
	Opened, Refused, Emergency int
}

// governs says whether a role reads what is agreed.
func governs(r nhs.Role) bool {
	return slices.Contains([]nhs.Role{nhs.GovernanceLead, nhs.CaldicottGuardian, nhs.PrivacyOfficer, nhs.Administrator}, r)
}

func (h *Web) governing(s policy.Subject) error {
	const op = "web.governance"
	if !governs(s.Role) {
		return fault.E(op, fault.Security, "only those who govern the exchange read this")
	}
	if h.Governance == nil {
		return fault.E(op, fault.NotSupported, "agreements are kept elsewhere")
	}
	return nil
}

// governance is what is agreed, and what needs a hand.
func (h *Web) governance(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	return h.showGovernance(w, r, s, "")
}

func (h *Web) showGovernance(w http.ResponseWriter, r *http.Request, s policy.Subject, done string) error {
	if err := h.governing(s); err != nil {
		return err
	}
	standing, err := h.Governance.Standing(r.Context(), s)
	if err != nil {
		return fault.E("web.governance", err)
	}
	set, now := h.Governance.Agreements(), h.Now()
	p := page.GovernancePage{Frame: h.frame(s, "What is shared"), Writes: s.Role == nhs.GovernanceLead, Done: done, AtLeast: standing.AtLeast}
	for _, n := range set.Notices(now) {
		p.Notices = append(p.Notices, noticeRow(n))
	}
	for _, a := range set.All() {
		p.Agreements = append(p.Agreements, h.agreementRow(a))
	}
	slices.SortStableFunc(p.Agreements, func(a, b page.AgreementRow) int { return cmp.Compare(ended(a), ended(b)) })
	for _, f := range standing.Flows {
		p.Flows = append(p.Flows, h.flowRow(set, f))
	}
	for _, u := range standing.Uses {
		p.Uses = append(p.Uses, page.UseRow{Organisation: h.organisation(u.Organisation), Purpose: purposeWords(u.Purpose), Opened: u.Opened, Refused: u.Refused, Emergency: u.Emergency})
	}
	for _, q := range standing.Requests {
		row := page.JoinRow{ID: q.ID, Organisation: h.organisation(q.Organisation), Agreement: q.Agreement, Why: q.Why, By: q.Name, On: proDay(q.At)}
		if s.Role == nhs.GovernanceLead {
			row.Action = "/governance/request/" + q.ID
		}
		p.Requests = append(p.Requests, row)
	}
	h.render(w, http.StatusOK, page.Governance(p))
	return nil
}

func ended(a page.AgreementRow) int {
	if a.State == "withdrawn" || a.State == "ended" {
		return 1
	}
	return 0
}

func noticeRow(n agreement.Notice) page.NoticeRow {
	row := page.NoticeRow{Agreement: n.Agreement, Href: "/governance/" + n.Agreement, Words: n.Words, Tone: view.Warn}
	if n.Kind == agreement.Late || n.Kind == agreement.Ended {
		row.Tone = view.Bad
	}
	return row
}

// purposes in words.
var agreedFor = map[agreement.Purpose]string{agreement.DirectCare: "direct care", agreement.Emergency: "emergency access", agreement.CitizenAccess: "citizens' own access", agreement.SecondaryUse: "planning and research"}

func purposeWords(p nhs.Purpose) string {
	return cmp.Or(p.Title(), string(p))
}

func proDay(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return view.ParseDate(t.Format(time.DateOnly)).Pro()
}

func (h *Web) agreementRow(a *agreement.Agreement) page.AgreementRow {
	row := page.AgreementRow{ID: a.ID, Title: a.Title, Href: "/governance/" + a.ID, State: a.State(h.Now()), Begins: proDay(a.Begins.Add(12 * time.Hour)), Ends: "no end", Words: a.Words(h.organisation)}
	if !a.Ends.IsZero() {
		row.Ends = proDay(a.Ends.Add(-12 * time.Hour)) // the last day
	}
	var purposes []string
	for _, p := range a.Purposes {
		purposes = append(purposes, agreedFor[p])
	}
	row.For = list(purposes)
	switch row.State {
	case "overdue", "unsigned":
		row.Tone = view.Bad
	case "provisional", "suspended in part":
		row.Tone = view.Warn
	}
	return row
}

// flowRow is a source, with the agreements for care under which it is shared.
func (h *Web) flowRow(set *agreement.Set, f Flow) page.FlowRow {
	now := h.Now()
	row := page.FlowRow{Source: string(f.Source), Name: h.Name(f.Source), Day: f.Day, Last: "never"}
	if !f.Last.IsZero() {
		row.Last = view.Since(f.Last, now)
	}
	var under []string
	for _, a := range set.All() {
		if a.Flows(agreement.DirectCare, now) && a.Shows(agreement.Party(f.Source), now) {
			under = append(under, a.ID)
		}
	}
	if row.Agreements = list(under); row.Agreements == "" {
		row.State, row.Tone = "not shared with anybody", view.Warn
	}
	return row
}

// catalogue is which sources hold which kinds of data, and how each is shared.
func (h *Web) catalogue(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	if err := h.governing(s); err != nil {
		return err
	}
	held, citizens, all, err := h.Access.Catalogue(r.Context(), s, 0)
	if err != nil {
		return fault.E("web.catalogue", err)
	}
	p := page.CataloguePage{Frame: h.frame(s, "Data sets"), Of: ofCitizens(citizens, all)}
	set, now := h.Governance.Agreements(), h.Now()
	for _, x := range held {
		row := page.HeldRow{Kind: words(x.Kind.String()), Items: x.Items, Citizens: x.Citizens, Under: list(set.Sharing(x.Source, x.Kind, now))}
		if n := len(p.Sources); n == 0 || p.Sources[n-1].Source != string(x.Source) {
			p.Sources = append(p.Sources, page.HeldSource{Source: string(x.Source), Name: h.Name(x.Source)})
		}
		one := &p.Sources[len(p.Sources)-1]
		one.Kinds = append(one.Kinds, row)
	}
	h.render(w, http.StatusOK, page.Catalogue(p))
	return nil
}

func ofCitizens(n int, all bool) string {
	if all {
		return fmt.Sprintf("of all %d citizens", n)
	}
	return fmt.Sprintf("of %d citizens who were looked at, spread over all", n)
}

// agreement is one agreement.
func (h *Web) agreement(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	return h.showAgreement(w, r, s, http.StatusOK, "", "")
}

func (h *Web) showAgreement(w http.ResponseWriter, r *http.Request, s policy.Subject, status int, done, problem string) error {
	const op = "web.agreement"
	if err := h.governing(s); err != nil {
		return err
	}
	if err := h.Access.Govern(r.Context(), s, "agreement "+r.PathValue("agreement")); err != nil {
		return fault.E(op, err)
	}
	a := h.Governance.Agreements().Find(r.PathValue("agreement"))
	if a == nil {
		return fault.E(op, fault.NotFound, "there is no such agreement")
	}
	now := h.Now()
	p := page.AgreementPage{Frame: h.frame(s, a.Title), AgreementRow: h.agreementRow(a), DataProtection: a.DataProtection, Confidentiality: a.Confidentiality, Authority: a.Authority,
		Gateway: a.Gateway, OptOut: a.OptOut, Contact: a.Contact, Base: "/governance/" + a.ID, Done: done, Error: problem, Own: string(s.Organisation)}
	for _, n := range agreement.NewSet(a).Notices(now) {
		p.Notices = append(p.Notices, noticeRow(n))
	}
	for _, g := range a.Signatures {
		row := page.SignatureRow{Organisation: h.organisation(g.Organisation), Name: g.Name, Office: g.Office, On: proDay(g.Signed), For: h.parties(g.For)}
		if row.For == "" {
			row.For = "itself"
		}
		p.Signatures = append(p.Signatures, row)
	}
	for _, x := range a.Suspended(now) {
		for _, from := range x.From {
			p.Suspended = append(p.Suspended, page.SuspendedRow{From: h.parties([]agreement.Party{from}), Code: string(from), Since: view.ParseDate(x.Since.Format(time.RFC3339)).ProTime(), Reason: x.Reason, By: x.By})
		}
	}
	revisions := h.Governance.Revisions(a.ID)
	for _, v := range slices.Backward(revisions) {
		p.Revisions = append(p.Revisions, page.RevisionRow{Number: v.Number, At: view.ParseDate(v.At.Format(time.RFC3339)).ProTime(), By: v.By, Why: v.Why})
	}
	if n := len(revisions); n > 0 {
		p.File = revisions[n-1].File
	}
	over := p.State == "withdrawn" || p.State == "ended"
	p.MayWrite = s.Role == nhs.GovernanceLead && !over
	p.MayAct = (p.MayWrite || s.Role == nhs.CaldicottGuardian) && !over && s.Organisation != ""
	p.MayAsk = p.MayAct && !a.SharesWith(s.Organisation)
	h.render(w, status, page.Agreement(p))
	return nil
}

// parties are parties by the names that people call them.
func (h *Web) parties(list []agreement.Party) string {
	var out []string
	for _, p := range list {
		if p == agreement.All {
			return "all"
		}
		name := h.organisation(nhs.Source(p).Organisation())
		if system := nhs.Source(p).System(); system != "" {
			name += " (" + system + ")"
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}

// done says what was done to an agreement.
var actDone = map[string]string{"sign": "It is signed. That is in the trail.", "suspend": "It is not shared any more, from now on.", "resume": "It is shared again, from now on.", "renew": "It has a new end.",
	"withdraw": "It has ended for good.", "ask": "You have asked to join. Who governs the agreement decides."}

// act does something to an agreement.
func (h *Web) act(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.act"
	if err := h.governing(s); err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	do, id := r.PathValue("act"), r.PathValue("agreement")
	if actDone[do] == "" {
		return fault.E(op, fault.NotFound, "there is no such page")
	}
	field := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	a := Act{Do: do, Office: field("office"), From: agreement.Party(field("from")), Reason: cmp.Or(field("reason"), field("why")), Ends: field("ends")}
	missing := map[string]bool{"Say in which office you sign": do == "sign" && a.Office == "", "Say whose data, and why": do == "suspend" && (a.From == "" || a.Reason == ""),
		"Say until when": do == "renew" && a.Ends == "", "Say what it is for": do == "ask" && a.Reason == ""}
	for words, is := range missing {
		if is {
			return h.showAgreement(w, r, s, http.StatusUnprocessableEntity, "", words)
		}
	}
	switch err := h.Governance.Act(r.Context(), s, id, a); {
	case fault.Is(err, fault.Invalid) || fault.Is(err, fault.Security) && h.Governance.Agreements().Find(id) != nil:
		return h.showAgreement(w, r, s, http.StatusUnprocessableEntity, "", strings.TrimSuffix(sentence(fault.Reason(err)), "."))
	case err != nil:
		return fault.E(op, err)
	}
	return h.showAgreement(w, r, s, http.StatusOK, actDone[do], "")
}

// decideJoin answers a request to join.
func (h *Web) decideJoin(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.decideJoin"
	if err := h.governing(s); err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	join := r.PostForm.Get("decision") == "join"
	if err := h.Governance.Decide(r.Context(), s, r.PathValue("request"), join); err != nil {
		return fault.E(op, err)
	}
	done := "The request is declined."
	if join {
		done = "The organisation has joined: it is shown what the agreement shares from now on. It shares its own data once it has signed."
	}
	return h.showGovernance(w, r, s, done)
}

// tryForm is where an agreement is tried.
func (h *Web) tryForm(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	if err := h.governing(s); err != nil {
		return err
	}
	p := page.TrialPage{Frame: h.frame(s, "What would it change?"), PutIn: s.Role == nhs.GovernanceLead}
	if list := h.Governance.Revisions(r.URL.Query().Get("agreement")); len(list) > 0 {
		p.File = list[len(list)-1].File
	}
	h.render(w, http.StatusOK, page.Trial(p))
	return nil
}

// try says what an agreement would change, or puts it in force.
func (h *Web) try(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.try"
	if err := h.governing(s); err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	// Browsers send line ends as CR LF.
	file := strings.ReplaceAll(r.PostForm.Get("file"), "\r\n", "\n")
	p := page.TrialPage{Frame: h.frame(s, "What would it change?"), File: file, Without: r.PostForm.Get("without"), PutIn: s.Role == nhs.GovernanceLead}
	if r.PostForm.Get("act") == "put" {
		a, err := h.Governance.Put(r.Context(), s, []byte(file))
		if err == nil {
			return h.showGovernance(w, r, s, a.Title+" is in force as the file has it, from its beginning on.")
		}
		return h.wrongFile(w, p, err)
	}
	_, t, err := h.Governance.Try(r.Context(), s, []byte(file), p.Without)
	if err != nil {
		return h.wrongFile(w, p, err)
	}
	h.trial(&p, t)
	h.render(w, http.StatusOK, page.Trial(p))
	return nil
}

// wrongFile says what is wrong in a file, where, and what to do.
func (h *Web) wrongFile(w http.ResponseWriter, p page.TrialPage, err error) error {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Structure, fault.TooLong, fault.Conflict:
		p.Error, p.Place = strings.TrimSuffix(sentence(fault.Reason(err)), "."), fault.PlaceOf(err)
		h.render(w, http.StatusUnprocessableEntity, page.Trial(p))
		return nil
	}
	return fault.E("web.try", err)
}

// mostTrialRows of a trial are shown by organisation.
const mostTrialRows = 20

func (h *Web) trial(p *page.TrialPage, t *access.Trial) {
	p.Tried, p.Of = true, ofCitizens(t.Citizens, t.All)
	if p.Without != "" {
		p.WithoutAction = "/governance/" + p.Without + "/withdraw"
	}
	for _, x := range t.Changes {
		p.More, p.Fewer = p.More+x.More, p.Fewer+x.Fewer
		if len(p.Shifts) < mostTrialRows {
			reader := "Citizens"
			if x.Reader != "" {
				reader = h.organisation(x.Reader)
			}
			p.Shifts = append(p.Shifts, page.TrialRow{Reader: reader, Role: x.Role.Title(), Source: h.Name(x.Source), Kind: words(x.Kind.String()), More: x.More, Fewer: x.Fewer, Citizens: x.Citizens})
		}
	}
	for _, x := range t.ByRole() {
		p.Changes = append(p.Changes, page.TrialRow{Role: x.Role.Title(), Kind: words(x.Kind.String()), More: x.More, Fewer: x.Fewer, Readers: x.Readers, Sources: x.Sources, Examples: strings.Join(x.Examples, " ")})
	}
	for _, x := range t.PathsByRole(h.organisation) {
		p.Paths = append(p.Paths, page.PathRow{Pathway: x.Pathway, Who: x.Role.Title() + " at " + x.Where, Lost: list(x.Lost)})
	}
}

// whyForm and whyOf say why somebody sees an item or does not.
func (h *Web) whyForm(w http.ResponseWriter, _ *http.Request, s policy.Subject) error {
	if err := h.governing(s); err != nil {
		return err
	}
	h.render(w, http.StatusOK, page.WhyForm(page.WhyPage{Frame: h.frame(s, "Why?")}))
	return nil
}

func (h *Web) whyOf(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.whyOf"
	if err := h.governing(s); err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	p := page.WhyPage{Frame: h.frame(s, "Why?"), User: strings.TrimSpace(r.PostForm.Get("user")), Item: strings.TrimSpace(r.PostForm.Get("item"))}
	why, err := h.Governance.Why(r.Context(), s, p.User, p.Item)
	switch {
	case fault.Is(err, fault.NotFound) || fault.Is(err, fault.Value):
		p.Error = "There is no such user or item that is of your organisation"
		h.render(w, http.StatusUnprocessableEntity, page.WhyForm(p))
		return nil
	case err != nil:
		return fault.E(op, err)
	}
	p.Asked = true
	h.why(&p, why)
	h.render(w, http.StatusOK, page.WhyForm(p))
	return nil
}

func (h *Web) why(p *page.WhyPage, why access.Why) {
	p.Sees, p.Record, p.Rules = why.Shown, why.Record, why.Rules
	p.What = words(why.DataSet.String()) + " of " + h.Name(why.Source)
	if why.Labels != 0 {
		p.What += ", labelled " + labelWords(why.Labels)
	}
}

// notice is what is shared and why, for everybody: nobody has to sign in.
func (h *Web) notice(w http.ResponseWriter, r *http.Request) {
	s, err := h.Subject(r)
	if err != nil {
		s = policy.Subject{}
	}
	f := h.frame(s, "How your record is shared")
	if s.User == "" {
		f.Kind = page.Citizen
	}
	p := page.NoticePage{Frame: f}
	now := h.Now()
	if h.Governance == nil {
		h.fail(w, r, s, fault.E("web.notice", fault.NotSupported, errors.New("agreements are kept elsewhere")))
		return
	}
	for _, a := range h.Governance.Agreements().All() {
		n := h.agreementNotice(a)
		switch {
		case len(a.Signatures) == 0:
		case a.Flows(agreement.SecondaryUse, now):
			p.Other = append(p.Other, n)
		case a.Flows(agreement.DirectCare, now) || a.Flows(agreement.CitizenAccess, now) || a.Flows(agreement.Emergency, now):
			p.Care = append(p.Care, n)
			for _, x := range a.Suspended(now) {
				p.Stopped = append(p.Stopped, "Not shared since "+view.ParseDate(x.Since.Format(time.DateOnly)).Plain()+": what "+h.parties(x.From)+" wrote.")
			}
		}
	}
	h.render(w, http.StatusOK, page.Notice(p))
}

func (h *Web) agreementNotice(a *agreement.Agreement) page.AgreementNotice {
	n := page.AgreementNotice{Title: a.Title, Words: a.Words(h.organisation), DataProtection: a.DataProtection, Confidentiality: a.Confidentiality, OptOut: a.OptOut, Contact: a.Contact, Until: "no end is set"}
	if !a.Ends.IsZero() {
		n.Until = view.ParseDate(a.Ends.Add(-12 * time.Hour).Format(time.DateOnly)).Plain()
		if a.Overdue(h.Now()) {
			n.Until += ". It has run out and goes on while it is renewed: " + a.Authority
		}
	}
	var by []string
	for _, g := range a.Signatures {
		who := h.organisation(g.Organisation)
		if g.Provisional {
			who = "nobody yet"
		} else if slices.Contains(g.For, agreement.All) {
			who += ", for all of them"
		}
		by = append(by, who)
	}
	n.Signed = list(by)
	return n
}

// myWhy is why the reader sees an item: beside it, within the record.
func (h *Web) myWhy(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.myWhy"
	o, err := h.open(r, s, "why an item is seen")
	if err != nil {
		return fault.E(op, err)
	}
	why, err := h.Access.MyWhy(r.Context(), s, o.v.Citizen, r.PathValue("type"), r.PathValue("item"))
	if err != nil {
		return fault.E(op, err)
	}
	p := h.recordPage(o, "")
	q := page.WhyPage{Asked: true}
	h.why(&q, why)
	p.Why, p.Frame.Title = &q, "Why you see this"
	h.render(w, http.StatusOK, page.Record(p))
	return nil
}

// notShared are the sources that are suspended for a reader (G17): for every record
// alike, whether there is anything of them in it or not.
func (h *Web) notShared(s policy.Subject) (out []page.SourceLine) {
	if h.Governance == nil {
		return nil
	}
	now := h.Now()
	for _, x := range h.Governance.Agreements().NotShared(agreement.Reader{Organisation: s.Organisation, Role: s.Role, Purpose: agreement.DirectCare}, now) {
		if nhs.Source(x.Source).Organisation() == s.Organisation {
			continue // its own it sees all the same
		}
		name := h.parties([]agreement.Party{x.Source})
		if x.Source == agreement.All {
			name = "All other organisations"
		}
		out = append(out, page.SourceLine{Name: name, AsAt: "not shared since " + proDay(x.Since), At: now, Out: true})
	}
	return out
}
