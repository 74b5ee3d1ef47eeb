package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"selda/access"
	"selda/access/grant"
	"selda/auth"
	"selda/fault"
	"selda/ingest"
	"selda/nhs"
	"selda/policy"
	"selda/proxy"
	"selda/proxy/asked"
	"selda/web/page"
	"selda/web/view"
)

// Asked is the port to who has asked to act for whom.
type Asked interface {
	Of(practice nhs.ODS, now time.Time) ([]asked.Request, error)
	Add(practice nhs.ODS, r asked.Request) error
	Done(practice nhs.ODS, user, citizen string, now time.Time) error
}

// sees are data sets in plain words; "" where it is all of them.
func sees(sets policy.DataSets) string {
	if sets == policy.AllDataSets&^policy.SetOf(policy.Preferences) {
		return "They can see the whole record, but for what is kept private"
	}
	var words []string
	for _, d := range []struct {
		set   policy.DataSet
		words string
	}{{policy.Problems, "conditions"}, {policy.Medications, "medicines"}, {policy.Allergies, "allergies"}, {policy.Results, "test results"}, {policy.Immunisations, "vaccinations"},
		{policy.Documents, "letters"}, {policy.Plans, "plans"}, {policy.Appointments, "appointments"}} {
		if sets.Has(d.set) {
			words = append(words, d.words)
		}
	}
	if len(words) == 0 {
		return "They can see the name and address"
	}
	return "They can see " + strings.Join(words, ", ")
}

// plainDay is a day for citizens.
func plainDay(t time.Time) string { return view.ParseDate(t.Format(time.RFC3339)).Plain() }

// helperRows are those who act for somebody, in words: to the person, or to their practice.
func (h *Web) helperRows(all []access.Helper, plain bool, mayStop func(access.Helper) bool) (now, past []page.HelperRow) {
	for _, x := range all {
		kind, _ := proxy.KindOf(string(x.As))
		r := page.HelperRow{ID: x.ID, Name: x.Name, As: kind.Words, Since: "since " + plainDay(x.From), Holds: x.Holds, Proof: "Seen: " + x.Evidence + ". Decided by " + x.By}
		if plain {
			r.As = kind.Plain
		} else {
			r.Name += " (account " + x.User + ")"
		}
		ended := x.Ended || !x.To.IsZero() && !h.Now().Before(x.To)
		switch {
		case x.Ended:
			r.Until = "ended " + x.Stopped
		case ended:
			r.Until = "ended " + plainDay(x.To)
		case !x.Stand.Until.IsZero():
			r.Until = "until " + plainDay(x.Stand.Until) + ", or until it is decided again"
		}
		if ended {
			past = append(past, r)
			continue
		}
		if x.Holds {
			r.Sees = sees(x.Sees)
		} else {
			r.Why = x.Why
		}
		r.Stop = mayStop(x)
		now = append(now, r)
	}
	return now, past
}

// myHelpers are those who act for the person whose page it is.
func (h *Web) myHelpers(ctx context.Context, m *mine) (*page.Helpers, error) {
	all, _, err := h.Access.Helpers(ctx, m.subject, m.grant)
	if err != nil {
		return nil, fault.E("web.myHelpers", err)
	}
	out := &page.Helpers{Action: "/me/people"}
	out.Now, out.Past = h.helperRows(all, true, func(access.Helper) bool { return true })
	return out, nil
}

// stopHelper has a citizen end, with one press, that somebody acts for them; or
// somebody end that they act.
func (h *Web) stopHelper(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.stopHelper"
	citizen, to, g := r.PathValue("id"), "/me", grant.Grant{}
	if s.Role == nhs.Citizen && citizen == "" {
		m, err := h.openMine(r, s, "people who help")
		if err != nil {
			return err
		}
		citizen, to, g = m.v.Citizen, "/me/people", m.grant
	}
	f, err := h.Access.StopActing(r.Context(), s, citizen, r.PostFormValue("stop"), g)
	if err == nil {
		err = h.commit(r.Context(), f)
	}
	if err != nil {
		return fault.E(op, err)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// commit hands in what access decided.
func (h *Web) commit(ctx context.Context, f access.Filing) error {
	const op = "web.commit"
	if h.Ingest == nil {
		return fault.E(op, fault.NotSupported, "nothing can be saved here")
	}
	receipt, err := h.Ingest.Submit(ctx, &ingest.Raw{Source: f.Source, Format: ingest.FHIR, Door: "fhir", Call: f.Call, About: f.Citizen, Body: f.Body})
	if err != nil {
		return fault.E(op, err)
	}
	out, err := receipt.Committed(ctx)
	if err == nil && out.Err != nil {
		err = out.Err
	}
	if err != nil {
		return fault.E(op, err)
	}
	return nil
}

func kindOptions() (out []page.KindOption) {
	for _, k := range proxy.Kinds {
		out = append(out, page.KindOption{Code: string(k.As), Text: k.Words, Hint: k.Ask})
	}
	return out
}

// asking is where somebody asks to act for one more person. What it answers does
// not depend on whether there is such a person.
func (h *Web) asking(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.asking"
	if s.Role != nhs.Citizen && s.Role != nhs.Proxy {
		if opens(s.Role) {
			return h.asked(w, r, s)
		}
		return fault.E(op, fault.Security, "people ask for this who help somebody")
	}
	p := page.AskingPage{Frame: h.frame(s, "Ask to help somebody"), Kinds: kindOptions()}
	status := http.StatusOK
	if r.Method == http.MethodPost {
		p.As, p.Why, p.Number = r.PostFormValue("as"), r.PostFormValue("why"), r.PostFormValue("number")
		req := asked.Request{User: s.User, Name: s.Name, As: policy.ActingAs(p.As), Why: p.Why, At: h.Now()}
		number, err := nhs.ParseNumber(p.Number)
		if err != nil {
			err = fault.E(op, fault.Value, "write the NHS number: 10 digits", "number")
		} else if err = req.Check(); err == nil {
			err = h.ask(r.Context(), s, number, req)
		}
		switch {
		case err == nil:
			p.Sent = true
		case fault.Is(err, fault.Value):
			p.Error, status = strings.TrimSuffix(sentence(fault.Reason(err)), "."), http.StatusUnprocessableEntity
		default:
			return fault.E(op, err)
		}
	}
	h.render(w, status, page.Asking(p))
	return nil
}

// ask leaves a request with the practice of the person. Where there is none, or
// too much waits there already, nobody is told: that says whether there is somebody.
func (h *Web) ask(ctx context.Context, s policy.Subject, number nhs.Number, req asked.Request) error {
	citizen, practice, err := h.Access.AskToAct(ctx, s, number)
	if err != nil || practice == "" || h.Asked == nil {
		return err
	}
	req.Citizen = citizen
	if err := h.Asked.Add(practice, req); err != nil && !fault.Is(err, fault.Throttled) {
		return fault.E("web.ask", err)
	}
	return nil
}

// asked is what waits at a practice.
func (h *Web) asked(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.asked"
	if !access.MayDecideProxies(s) || h.Asked == nil {
		return fault.E(op, fault.Security, "a practice's doctors, nurses and front desk decide this")
	}
	list, err := h.Asked.Of(s.Organisation, h.Now())
	if err != nil {
		return fault.E(op, err)
	}
	h.render(w, http.StatusOK, page.Asked(page.AskedPage{Frame: h.frame(s, "Who asks to help a patient"), Asked: askRows(list)}))
	return nil
}

func askRows(list []asked.Request) (out []page.AskRow) {
	for _, a := range list {
		kind, _ := proxy.KindOf(string(a.As))
		out = append(out, page.AskRow{User: a.User, Name: a.Name, As: kind.Words, AsCode: string(a.As), Why: a.Why, When: "asked on " + proDay(a.At), Href: "/record/" + a.Citizen + "/people"})
	}
	return out
}

// whoActs is the practice's page of who acts for somebody.
func (h *Web) whoActs(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	return h.showWhoActs(w, r, s, http.StatusOK, "", "")
}

func (h *Web) showWhoActs(w http.ResponseWriter, r *http.Request, s policy.Subject, status int, saved, problem string) error {
	const op = "web.whoActs"
	o, err := h.open(r, s, "record: who acts for them")
	if err != nil {
		return err
	}
	all, found, err := h.Access.Helpers(r.Context(), s, o.grant)
	if err != nil {
		return fault.E(op, err)
	}
	rp := h.recordPage(o, "people")
	p := page.HelpersPage{Frame: rp.Frame, Banner: rp.Banner, Base: o.base, Error: problem, Kinds: kindOptions(), Assess: s.Role.Clinician()}
	p.Frame.Title = p.Banner.Name.Pro() + ", Who acts for them"
	p.Helpers = page.Helpers{Action: o.base + "/people", Saved: saved}
	p.Helpers.Now, p.Helpers.Past = h.helperRows(all, false, func(access.Helper) bool { return true })
	for _, f := range found {
		what := "Can’t decide"
		if f.Able {
			what = "Can decide"
		}
		p.Found = append(p.Found, what+": "+f.By+", "+proDay(f.Assessed)+", to be looked at again on "+proDay(f.Review)+". "+f.About)
	}
	if born, ok := p.Banner.Person.Born.At, !p.Banner.Person.Born.IsZero(); ok {
		age, _ := policy.Age(born, h.Now())
		p.Child = age >= 11 && age < 16
	}
	if h.Asked != nil {
		list, err := h.Asked.Of(s.Organisation, h.Now())
		if err != nil {
			return fault.E(op, err)
		}
		p.Asked = askRows(slices.DeleteFunc(list, func(a asked.Request) bool { return a.Citizen != o.v.Citizen }))
		if len(p.Asked) > 0 && problem == "" {
			p.User, p.As = p.Asked[0].User, p.Asked[0].AsCode
		}
	}
	p.Sets = setOptions(r)
	if problem != "" {
		p.User, p.As, p.Evidence, p.Until = r.PostFormValue("user"), r.PostFormValue("as"), r.PostFormValue("evidence"), r.PostFormValue("until")
	}
	h.render(w, status, page.WhoActs(p))
	return nil
}

// decideActing is what the practice does there.
func (h *Web) decideActing(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.decideActing"
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	o, err := h.open(r, s, "record: who acts for them")
	if err != nil {
		return err
	}
	saved, f := "", access.Filing{}
	switch form := r.PostForm; {
	case form.Get("stop") != "":
		saved = "It has ended, and opens nothing any more."
		f, err = h.Access.StopActing(r.Context(), s, o.v.Citizen, form.Get("stop"), o.grant)
	case form.Get("assess") != "":
		saved = "The assessment holds until the day on which it is to be looked at again."
		review, ok := date(form.Get("review"))
		if !ok {
			err = fault.E(op, fault.Value, "the review date is a day, such as 2026-11-26", "review")
			break
		}
		f, err = h.Access.Assess(r.Context(), s, o.grant, proxy.Assessment{Capacity: policy.Capacity{Able: form.Get("assess") == "able", Review: review}, About: form.Get("about")})
	case form.Get("refuse") != "":
		saved = "The request was taken out. Tell who asked."
		if !access.MayStateFor(s, o.grant) || h.Asked == nil {
			err = fault.E(op, fault.Security, "the registered practice decides this")
		} else {
			err = h.Asked.Done(s.Organisation, form.Get("refuse"), o.v.Citizen, h.Now())
		}
	default:
		saved = "It holds from now on."
		f, err = h.letAct(r, s, o)
	}
	if err == nil && f.Call != "" {
		err = h.commit(r.Context(), f)
	}
	if fault.Is(err, fault.Value) || fault.Is(err, fault.Conflict) {
		return h.showWhoActs(w, r, s, http.StatusUnprocessableEntity, "", strings.TrimSuffix(sentence(fault.Reason(err)), "."))
	}
	if err != nil {
		return fault.E(op, err)
	}
	return h.showWhoActs(w, r, s, http.StatusOK, saved, "")
}

// letAct reads the form by which somebody is let act, or decided about again.
func (h *Web) letAct(r *http.Request, s policy.Subject, o *opened) (access.Filing, error) {
	const op = "web.letAct"
	form := r.PostForm
	until, ok := date(form.Get("until"))
	if !ok {
		return access.Filing{}, fault.E(op, fault.Value, "the end is a day, such as 2027-11-26", "until")
	}
	user := strings.TrimSpace(form.Get("user"))
	account, there := auth.Account{}, false
	if h.Accounts != nil {
		var err error
		if account, there, err = h.Accounts.Known(user); err != nil {
			return access.Filing{}, fault.E(op, err)
		}
	}
	if !there || account.Role != nhs.Proxy && account.Role != nhs.Citizen {
		return access.Filing{}, fault.E(op, fault.Value, "there is no account of that name with which somebody acts for others", "user")
	}
	p := proxy.Person{Acting: policy.Acting{User: user, As: policy.ActingAs(form.Get("as")), Evidence: form.Get("evidence"), To: until, Whole: form.Get("whole") == "yes", DataSets: setsOf(form["sets"])}, Name: account.Name}
	all, _, err := h.Access.Helpers(r.Context(), s, o.grant)
	if err != nil {
		return access.Filing{}, fault.E(op, err)
	}
	if i := slices.IndexFunc(all, func(x access.Helper) bool { return x.User == user && x.As == p.As && !x.Ended }); i >= 0 {
		p.ID = all[i].ID // decided again
	}
	f, err := h.Access.LetAct(r.Context(), s, o.grant, p)
	if err == nil && h.Asked != nil {
		err = h.Asked.Done(s.Organisation, user, o.v.Citizen, h.Now())
	}
	return f, err
}
