package web

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/fault"
	"selda/internal/london"
	"selda/nhs"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// limits are what the controller has set for the reader's own organisation: seals
// (G4), and how long a record stays open after care (G7).
func (h *Web) limits(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	return h.showLimits(w, r, s, "", nil)
}

func (h *Web) showLimits(w http.ResponseWriter, r *http.Request, s policy.Subject, done string, problem error) error {
	const op = "web.limits"
	kept, err := h.Access.LimitsOf(r.Context(), s, s.Organisation)
	if err != nil {
		return fault.E(op, err)
	}
	p := page.LimitsPage{Frame: h.frame(s, "Limits within the organisation"), Organisation: h.organisation(s.Organisation), May: s.Role == nhs.CaldicottGuardian,
		AfterCare: days(max(policy.AfterCare, kept.AfterCare)), Least: days(policy.AfterCare), Most: days(policy.UntilSigned), Done: done, Today: h.Now().Format(time.DateOnly)}
	status := http.StatusOK
	if problem != nil {
		status, p.Error = http.StatusUnprocessableEntity, sentence(fault.Reason(problem))
		p.ErrorAt = cmp.Or(map[string]string{"title": "title", "reason": "reason", "teams": "teams", "sets": "sets", "from": "from", "after-care-days": "days", "days": "days", "ends": "ends"}[fault.PlaceOf(problem)], "seal")
	}
	for _, t := range kept.Teams {
		p.Teams = append(p.Teams, page.LimitTeam{Name: t.Name, Groups: strings.Join(t.Groups, ", "), Wrote: strings.Join(t.Wrote, ", "), From: sourceList(t.From)})
	}
	for i := range kept.Seals {
		row := h.sealRow(&kept.Seals[i])
		if x := &kept.Seals[i]; !x.Ends.IsZero() && !h.Now().Before(x.Ends) {
			p.Ended = append(p.Ended, row)
		} else {
			p.Seals = append(p.Seals, row)
		}
	}
	for d := policy.Demographics; d <= policy.Other; d++ {
		if policy.Sealable(d) {
			p.Sets = append(p.Sets, page.Reason{Code: d.String(), Text: strings.ReplaceAll(d.String(), "-", " ")})
		}
	}
	for _, a := range policy.Audiences() {
		p.Labels = append(p.Labels, page.Reason{Code: a.Label.String(), Text: labelWords(a.Label)})
	}
	for _, rule := range policy.RoleRules() {
		p.Roles = append(p.Roles, page.Reason{Code: string(rule.Role), Text: rule.Role.Title()})
	}
	h.render(w, status, page.Limits(p))
	return nil
}

func days(d time.Duration) int { return int(d / (24 * time.Hour)) }

func sourceList(list []nhs.Source) string {
	var out []string
	for _, s := range list {
		out = append(out, string(s))
	}
	return strings.Join(out, ", ")
}

// sealRow is a seal in words.
func (h *Web) sealRow(x *policy.Seal) page.LimitSeal {
	var what, sees []string
	if len(x.Of) > 0 {
		what = append(what, "what "+strings.Join(x.Of, ", ")+" wrote")
	}
	var sets []string
	for d := policy.Demographics; d <= policy.Other; d++ {
		if x.Sets.Has(d) {
			sets = append(sets, strings.ReplaceAll(d.String(), "-", " "))
		}
	}
	what = append(what, strings.Join(sets, ", "))
	if x.Labels != 0 {
		what = append(what, "labelled "+labelWords(x.Labels))
	}
	if len(x.From) > 0 {
		what = append(what, "in "+sourceList(x.From))
	}
	for _, t := range x.Teams {
		sees = append(sees, "team "+t)
	}
	for _, r := range x.Roles {
		sees = append(sees, r.Title())
	}
	day := func(t time.Time) string {
		if t.IsZero() {
			return "no end"
		}
		return view.ParseDate(t.Format(time.DateOnly)).Pro()
	}
	return page.LimitSeal{ID: x.ID, Title: x.Title, What: strings.Join(slices.DeleteFunc(what, func(s string) bool { return s == "" }), "; "), Sees: strings.Join(sees, ", "),
		Reason: x.Reason, By: x.By, Since: day(x.Begins), Until: day(x.Ends)}
}

// limit changes one of them.
func (h *Web) limit(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.limit"
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	what, change := h.limitAsked(s, r.PostForm)
	err := h.Access.SetLimits(r.Context(), s, s.Organisation, what, change)
	if fault.Is(err, fault.Value) || fault.Is(err, fault.TooLong) || fault.Is(err, fault.NotFound) {
		return h.showLimits(w, r, s, "", err)
	}
	if err != nil {
		return fault.E(op, err)
	}
	return h.showLimits(w, r, s, "It is kept, and in force.", nil)
}

// limitAsked is what a form asks to change, and how.
func (h *Web) limitAsked(s policy.Subject, f url.Values) (what string, change func(*policy.Limits) error) {
	const op = "web.limit"
	switch id := f.Get("end"); {
	case id != "":
		return "a seal within the organisation is ended", func(l *policy.Limits) error {
			for i := range l.Seals {
				if l.Seals[i].ID == id && (l.Seals[i].Ends.IsZero() || h.Now().Before(l.Seals[i].Ends)) {
					l.Seals[i].Ends = h.Now().UTC()
					if !l.Seals[i].Begins.Before(l.Seals[i].Ends) { // it never was in force
						l.Seals = slices.Delete(l.Seals, i, i+1)
					}
					return nil
				}
			}
			return fault.E(op, fault.NotFound, "there is no such seal")
		}
	case f.Get("set") == "team":
		return "a team of the organisation", func(l *policy.Limits) error {
			from, err := sourcesIn(f.Get("systems"))
			l.Teams = append(l.Teams, policy.Team{Name: strings.TrimSpace(f.Get("name")), Groups: listIn(f.Get("groups")), Wrote: listIn(f.Get("wrote")), From: from})
			return err
		}
	case f.Get("set") == "after":
		return "how long a record stays open after care", func(l *policy.Limits) error {
			n, err := strconv.Atoi(strings.TrimSpace(f.Get("days")))
			if err != nil || n < 1 || n > 3650 {
				return fault.E(op, fault.Value, "say how many days", "days")
			}
			l.AfterCare = time.Duration(n) * 24 * time.Hour
			return nil
		}
	}
	return "a seal within the organisation", func(l *policy.Limits) error {
		seal, err := sealAsked(f, s, h.Now().UTC())
		l.Seals = append(l.Seals, seal)
		return err
	}
}

func sealAsked(f url.Values, s policy.Subject, now time.Time) (policy.Seal, error) {
	const op = "web.limit"
	x := policy.Seal{ID: strings.ToLower(rand.Text()[:10]), Title: strings.TrimSpace(f.Get("title")), Reason: strings.TrimSpace(f.Get("reason")), Teams: f["teams"], By: s.Name, Set: now, Begins: now, Labels: policy.ParseLabel(f.Get("labels"))}
	for _, r := range f["roles"] {
		x.Roles = append(x.Roles, nhs.Role(r))
	}
	if t := f.Get("of"); t != "" {
		x.Of = []string{t}
	}
	if d := policy.ParseDataSet(f.Get("sets")); d != policy.NoDataSet {
		x.Sets = policy.SetOf(d)
	}
	if day := f.Get("ends"); day != "" {
		t, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return x, fault.E(op, fault.Value, "say until which day", "ends")
		}
		_, x.Ends = london.Day(t.Add(12 * time.Hour)) // the day itself counts
	}
	var err error
	x.From, err = sourcesIn(f.Get("from"))
	return x, err
}

func listIn(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == ';' })
}

func sourcesIn(s string) (out []nhs.Source, err error) {
	for _, w := range listIn(s) {
		source, err := nhs.ParseSource(w)
		if err != nil {
			return nil, fault.E("web.limit", fault.Value, "a system is written such as RJZ:PAS", "from")
		}
		out = append(out, source)
	}
	return out, nil
}
