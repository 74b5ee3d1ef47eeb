package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"selda/access"
	"selda/access/grant"
	"selda/access/record"
	"selda/audit"
	"selda/fault"
	"selda/policy"
	"selda/web/page"
	"selda/web/view"
)

// visit is how long a look at a record lasts: what came since the look before
// it is new.
const visit = 30 * time.Minute

// outAfter is how long a source may be silent before it is said to be out.
const outAfter = 24 * time.Hour

// timelinePage is how many items a page of the timeline has.
const timelinePage = 100

// opened is a record, open for somebody.
type opened struct {
	subject policy.Subject
	grant   grant.Grant
	v       *record.View
	rec     *view.Record
	looked  time.Time
	base    string
	sources []page.SourceLine
}

// open asks for a record and reads it.
func (h *Web) open(r *http.Request, s policy.Subject, what string) (*opened, error) {
	const op = "web.open"
	ctx, id := r.Context(), r.PathValue("id")
	if !opens(s.Role) {
		return nil, fault.E(op, fault.Security, "your role does not open records")
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
	o := &opened{subject: s, grant: g, v: v, looked: looked, base: "/record/" + v.Citizen}
	whole := r.PathValue("section") == "timeline" || r.PathValue("item") != ""
	o.sources = append(h.notShared(s), h.sources(v)...)
	out := slices.ContainsFunc(o.sources, func(l page.SourceLine) bool { return l.Out })
	o.rec = (&sheet{v: v, name: h.Name, looked: looked, now: h.Now(), whole: whole, out: out, brief: h.Short}).record()
	return o, nil
}

// visits are the visits of users to records, for as long as they last: the
// trail need not be asked for each page of one.
type visits struct {
	mu sync.Mutex
	m  map[[2]string]visiting
}

type visiting struct{ before, last time.Time }

const maxVisits = 20_000

// at is when the user visited before, if this is a page of a visit that is known.
func (v *visits) at(key [2]string, now time.Time) (before time.Time, known bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	one, ok := v.m[key]
	if !ok || now.Sub(one.last) > visit {
		return time.Time{}, false
	}
	v.m[key] = visiting{one.before, now}
	return one.before, true
}

func (v *visits) begin(key [2]string, before, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.m == nil || len(v.m) >= maxVisits {
		v.m = map[[2]string]visiting{} // what is forgotten is asked of the trail again
	}
	v.m[key] = visiting{before, now}
}

// lastLook is when the user last read this record, before this visit. It is
// the user's own doing, so no Grant is asked for; where it can't be told,
// nothing is marked as new.
func (h *Web) lastLook(ctx context.Context, s policy.Subject, citizen string) time.Time {
	if h.Access.Trail == nil {
		return time.Time{}
	}
	now, key := h.Now(), [2]string{s.User, citizen}
	if before, known := h.visits.at(key, now); known {
		return before
	}
	past, err := h.Access.Trail.Find(ctx, audit.Query{Citizen: citizen, User: s.User, Action: audit.Read, To: now.Add(-visit), Limit: 5})
	if err != nil {
		return time.Time{}
	}
	var before time.Time
	for _, e := range past {
		if e.Outcome == audit.Permit {
			before = e.At
			break
		}
	}
	h.visits.begin(key, before, now)
	return before
}

// page is the frame of a record's page.
func (h *Web) recordPage(o *opened, section string) page.RecordPage {
	b := banner(o.v, o.rec, o.base, h.Now())
	f := h.frame(o.subject, b.Name.Pro())
	f.Whose = b.Name.Pro() + ", NHS No. " + b.Number.Spaced()
	h.watchEnd(&f, o.base)
	if b.Number.IsZero() {
		f.Whose = b.Name.Pro() + ", " + b.NumberSays
	}
	return page.RecordPage{Frame: f, Banner: b, Ending: h.aliveEnding(o), Nav: h.nav(o, section), Sources: o.sources, Relation: h.entitled(o), Base: o.base, Reviewer: o.subject.Role.Clinician(), Behalf: access.MayStateFor(o.subject, o.grant), Safety: access.MaySetSafety(o.subject, o.grant)}
}

// sources says how recent each organisation's systems are. What several
// systems of one have sent is one line, as old as the latest of it.
func (h *Web) sources(v *record.View) []page.SourceLine {
	type line struct {
		name    string
		short   string
		systems []string
		at      time.Time // of what is shown
		heard   time.Time // of anything at all; zero where it is not known
	}
	var lines []line
	for _, s := range v.Sources() {
		name := h.Name(s.Source)
		i := slices.IndexFunc(lines, func(l line) bool { return l.name == name })
		if i < 0 {
			i = len(lines)
			lines = append(lines, line{name: name})
			if h.Short != nil {
				lines[i].short = h.Short(s.Source)
			}
		}
		lines[i].systems = append(lines[i].systems, s.Source.System())
		if s.AsAt.After(lines[i].at) {
			lines[i].at = s.AsAt
		}
		if h.LastHeard != nil {
			if heard := h.LastHeard(s.Source); heard.After(lines[i].heard) {
				lines[i].heard = heard
			}
		}
	}
	var out []page.SourceLine
	for _, l := range lines {
		one := page.SourceLine{Name: l.name, AsAt: view.Since(l.at, h.Now()), At: l.at}
		if len(l.systems) > 1 {
			one.Systems = strings.Join(l.systems, ", ")
		}
		if l.short != "" && !strings.Contains(l.name, l.short) {
			one.Name += " (" + l.short + ")"
		}
		if !l.heard.IsZero() && h.Now().Sub(l.heard) > outAfter {
			one.AsAt, one.Out = "OUT since "+view.ParseDate(l.heard.Format(time.RFC3339)).ProTime(), true
		}
		out = append(out, one)
	}
	slices.SortStableFunc(out, func(a, b page.SourceLine) int { // what is out comes first
		switch {
		case a.Out && !b.Out:
			return -1
		case b.Out && !a.Out:
			return 1
		}
		return 0
	})
	return out
}

// relations are the rules of a permit in words for the one that it was made for.
var relations = map[string]string{"G7 registration": "they are registered with your organisation", "G7 encounter": "of a stay or visit at your organisation",
	"G7 call": "of a call to 111 or 999 that came to your organisation", "G7 incident": "of an incident that your organisation was sent to",
	"G7 referral": "they were referred to your organisation", "G7 caseload": "they are on your organisation's caseload", "G7 appointment": "they have an appointment at your organisation",
	"G7 dispensing":       "a medicine was dispensed to them at your organisation",
	"G9 emergency access": "you opened it in an emergency"}

func relation(d policy.Decision) string {
	if d.Emergency {
		return relations["G9 emergency access"]
	}
	for _, rule := range d.Rules {
		if words := relations[rule]; words != "" {
			return words
		}
		if strings.HasPrefix(rule, "G7 ") {
			return "you said that they are in your care"
		}
	}
	return ""
}

// record is a record's summary, or one of its sections.
func (h *Web) record(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	section := r.PathValue("section")
	o, err := h.open(r, s, what(section))
	var denied *access.Denied
	if errors.As(err, &denied) {
		return h.askDeclare(w, r, s, denied, "")
	}
	if err != nil {
		return err
	}
	p := h.recordPage(o, section)
	switch section {
	case "":
		p.Summary = page.NewSummary(o.rec, lookedDate(o.looked), h.Now())
	case "timeline":
		p.Timeline = timeline(o, r.URL.Query().Get("page"))
	default:
		part := o.rec.Part(view.Section(section))
		if part.Title == "" {
			return fault.E("web.record", fault.NotFound, "there is no such section")
		}
		p.Part = &part
	}
	p.Frame.Title = p.Banner.Name.Pro() + ", " + p.Heading()
	h.render(w, http.StatusOK, page.Record(p))
	return nil
}

// what is what a page reads, as it stands in the trail.
func what(section string) string {
	if section == "" {
		return "record"
	}
	return "record: " + section
}

func lookedDate(t time.Time) view.Date {
	if t.IsZero() {
		return view.Date{}
	}
	return view.ParseDate(t.Format(time.RFC3339))
}

func timeline(o *opened, at string) *page.Timeline {
	n, err := strconv.Atoi(at)
	if err != nil || n < 1 || n > 1_000_000 {
		n = 1
	}
	days, more := o.rec.Days((n-1)*timelinePage, timelinePage)
	t := &page.Timeline{Days: days, Count: o.rec.Count}
	if n > 1 {
		t.Newer = o.base + "/timeline?page=" + strconv.Itoa(n-1)
	}
	if more {
		t.Older = o.base + "/timeline?page=" + strconv.Itoa(n+1)
	}
	return t
}

// review marks a result or a letter as reviewed by a clinician (G10).
func (h *Web) review(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.review"
	if err := r.ParseForm(); err != nil {
		return fault.E(op, fault.TooLong, "the form did not arrive whole")
	}
	id, typ, item := r.PathValue("id"), r.PathValue("type"), r.PathValue("item")
	if err := h.Access.Review(r.Context(), s, id, typ, item); err != nil {
		return fault.E(op, err)
	}
	section := view.Results
	if r.PostForm.Get("section") == string(view.Documents) {
		section = view.Documents
	}
	http.Redirect(w, r, "/record/"+id+"/"+string(section)+"#"+typ+"-"+item, http.StatusSeeOther)
	return nil
}
