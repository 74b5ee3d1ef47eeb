// Package web is the pages: server-rendered, without a script that they need.
// It asks access for a Grant, record for a View, and writes what comes as the
// structs of web/page. It decides nothing, and what is one fact is record's.
//
// Addresses never hold a name, a number or what was searched for: citizens are
// named by their stable id, searches are posted.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/a-h/templ"

	"selda/access"
	"selda/access/origin"
	"selda/access/record"
	"selda/auth"
	"selda/fault"
	"selda/fhir"
	"selda/ingest"
	"selda/ingest/classify"
	"selda/nhs"
	"selda/policy"
	"selda/web/assets"
	"selda/web/page"
)

// Writer is the port to the door in, for what citizens state themselves.
type Writer interface {
	Submit(ctx context.Context, raw *ingest.Raw) (*ingest.Receipt, error)
}

// Desk is the port to what those who run interfaces look at. Each call is
// decided and audited by who answers it.
type Desk interface {
	Feeds(ctx context.Context, s policy.Subject) ([]ingest.Feed, error)
	Feed(ctx context.Context, s policy.Subject, source nhs.Source) (Feed, error)
	// Untold are the subscribers who could not be told of changes.
	Untold(ctx context.Context, s policy.Subject) ([]Untold, error)
	Quarantine(ctx context.Context, s policy.Subject, limit int) ([]Held, error)
	Held(ctx context.Context, s policy.Subject, id string) (Held, *ingest.Raw, error)
	Replay(ctx context.Context, s policy.Subject, id string) (ingest.Outcome, error)
	// ReplayAll tries again all of a source that failed with one reason at one place.
	ReplayAll(ctx context.Context, s policy.Subject, source nhs.Source, reason, place string) (stored, held int, err error)
	// Trace gives a message's stages, and what became of its fields.
	Trace(ctx context.Context, s policy.Subject, id string) ([]Stage, []Mapped, error)
}

// Held is a message in quarantine, under the id that people see.
type Held struct {
	ID string
	ingest.Record
}

// Untold is a subscriber who could not be told of changes.
type Untold struct {
	User, ID       string
	Channel        string // with the host that is called
	Off            bool   // it was turned off; else it is still tried
	Since          time.Time
	Waiting, Aside int
	Reason         string
}

// Stage is one stage of a message's way.
type Stage struct {
	Message, Name, Rule, Place, Detail string
	At                                 time.Time
}

// Deps are what the pages stand on.
type Deps struct {
	Subject func(*http.Request) (policy.Subject, error) // who asks
	Access  *access.Access
	Records *record.Records
	Ingest  Writer
	Desk    Desk
	Origins *origin.Origins
	// Releasing is the door for secondary use; nil where there is none.
	Releasing Releasing
	// Emergency stands at the top of every page while a downtime copy is served (G21).
	Emergency string
	// Governance is what is agreed; nil where that is kept elsewhere.
	Governance Governance
	// Secrets is the inventory of keys and accounts; nil where there is none.
	Secrets Secrets
	// Name is what people call a source; its code where it has no name.
	Name func(nhs.Source) string
	// Short is what people write of a source where there is little room: "KCH";
	// nil, or "", where that is the name.
	Short func(nhs.Source) string
	// Accounts are those that can sign in; nil where they are kept elsewhere.
	Accounts Accounts
	// People is how accounts stand, and what administrators change; nil where accounts are
	// kept elsewhere.
	People People
	// Asked are the requests to act for somebody; nil where none can be made.
	Asked Asked
	// Watches are the records that Caldicott guardians have watched; nil where none can be.
	Watches access.Watchlist
	// Disposals is what is decided about how long things are kept; nil where nothing is.
	Disposals Disposals
	// Retention says how long what an organisation wrote is kept, a sentence a class; nil
	// where that is decided elsewhere.
	Retention func(nhs.ODS) []string
	// Lists are those by which items are labelled; the box's where nil.
	Lists func() *classify.Lists
	// SignOn has the applications that act in people's names; nil where there are none.
	SignOn SignOn
	// LeaveTo is where the quick exit of citizens leads.
	LeaveTo string
	// LastHeard is when anything of a source last came; nil where that is not known.
	LastHeard func(nhs.Source) time.Time
	Now       func() time.Time
	Log       *slog.Logger
}

// Web is the pages.
type Web struct {
	Deps
	files  *assets.Files
	visits visits
	turns  turns
}

// New makes the pages.
func New(d Deps) (*Web, error) {
	const op = "web.New"
	if d.Subject == nil || d.Access == nil || d.Records == nil || d.Now == nil {
		return nil, fault.E(op, fault.Required, "Subject, Access, Records and Now are needed")
	}
	if d.Name == nil {
		d.Name = func(s nhs.Source) string { return string(s) }
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	long := d.Name
	d.Name = func(s nhs.Source) string { return shortName(long(s)) }
	files, err := assets.New()
	if err != nil {
		return nil, fault.E(op, err)
	}
	return &Web{Deps: d, files: files, turns: make(turns, runtime.GOMAXPROCS(0)+1)}, nil
}

// shortName is an organisation's name as people say it: what it is in law is
// left off.
func shortName(name string) string {
	for _, tail := range []string{" NHS Foundation Trust", " NHS Trust"} {
		name = strings.TrimSuffix(name, tail)
	}
	return name
}

// Stylesheet is the path of the pages' stylesheet, for the pages of sign-on.
func (h *Web) Stylesheet() string { return h.files.Path("selda.css") }

// Mux is what routes are added to.
type Mux interface {
	Handle(pattern string, h http.Handler)
	HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request))
}

// Routes adds the pages to mux. The whole server is to be wrapped by auth's Wrap.
func (h *Web) Routes(mux Mux) {
	mux.Handle("GET "+assets.Prefix, h.files)
	mux.HandleFunc("GET /favicon.ico", h.icon)
	mux.HandleFunc("GET /notice", h.notice)
	for pattern, f := range map[string]handler{
		"GET /{$}":         h.start,
		"GET /search":      h.searchForm,
		"POST /search":     h.search,
		"GET /record/{id}": h.record, "GET /record/{id}/{section}": h.record,
		"GET /record/{id}/origin/{type}/{item}": h.origin, "GET /record/{id}/file/{type}/{item}": h.file,
		"GET /record/{id}/still":                 h.still,
		"POST /record/{id}/review/{type}/{item}": h.review,
		"POST /record/{id}/declare":              h.declare, "GET /record/{id}/emergency": h.emergencyForm, "POST /record/{id}/emergency": h.emergency,
		"GET /me": h.me, "GET /me/{section}": h.me, "GET /me/file/{type}/{item}": h.myFile, "GET /for/{id}/file/{type}/{item}": h.myFile, "POST /me/sharing": h.share, "GET /me/sharing/item/{type}/{item}": h.shareItem, "GET /me/sharing/back/{consent}": h.shareItem,
		"GET /record/{id}/sharing": h.sharingFor, "POST /record/{id}/sharing": h.stateFor, "POST /me/ask/{entry}": h.askAbout,
		"GET /me/proof/{entry}": h.proof, "GET /for/{id}/proof/{entry}": h.proof,
		"POST /me/people": h.stopHelper, "POST /for/{id}/stop": h.stopHelper, "GET /helping": h.asking, "POST /helping": h.asking, "GET /record/{id}/people": h.whoActs, "POST /record/{id}/people": h.decideActing, "GET /record/{id}/death": h.death, "POST /record/{id}/death": h.death,
		"GET /for/{id}": h.me, "GET /for/{id}/{section}": h.me,
		"GET /privacy": h.privacy, "GET /privacy/choices/{entry}": h.choicesAt, "POST /privacy/outcome/{entry}": h.outcome, "GET /rules": h.rules, "GET /rules/labels": h.labels, "GET /accounts": h.accounts, "POST /accounts": h.addAccount, "POST /accounts/find": h.accounts, "GET /accounts/{user}": h.account, "POST /accounts/{user}/{act}": h.changeAccount, "GET /privacy/trail": h.trail, "POST /privacy/trail": h.trail,
		"GET /governance": h.governance, "GET /governance/data-sets": h.catalogue, "GET /governance/try": h.tryForm, "POST /governance/try": h.try, "GET /governance/{agreement}": h.agreement, "POST /governance/{agreement}/{act}": h.act,
		"GET " + secretsPath: h.secrets, "POST " + secretsPath: h.ownSecret,
		"GET /releases": h.releases, "POST /releases": h.release,
		"POST /governance/request/{request}": h.decideJoin, "GET /privacy/why": h.whyForm, "POST /privacy/why": h.whyOf, "GET /record/{id}/why/{type}/{item}": h.myWhy,
		"GET /feeds": h.feeds, "GET /feeds/{source}": h.feed, "POST /quarantine/replay": h.replayAll, "GET /quarantine": h.quarantine, "GET /quarantine/{message}": h.held, "POST /quarantine/{message}/replay": h.replay,
		"GET /me/settings": h.settings, "POST /me/settings": h.setSafety, "GET /record/{id}/safety": h.safetyFor, "POST /record/{id}/safety": h.safetyFor,
		"GET /me/apps": h.apps, "POST /me/apps": h.endApp, "POST /me/apps/open": h.launchApp, "GET /apps": h.apps, "POST /apps": h.endApp,
		"GET /apps/register": h.register, "POST /apps/register/{app}": h.decideApp, "GET /record/{id}/apps": h.recordApps, "POST /record/{id}/apps": h.launchApp,
		"POST /me/rights": h.askRights, "POST /for/{id}/rights": h.askRights, "GET /me/rights/item/{type}/{item}": h.aboutItem, "POST /me/rights/item/{type}/{item}": h.askRights, "GET /for/{id}/rights/item/{type}/{item}": h.aboutItem, "POST /for/{id}/rights/item/{type}/{item}": h.askRights,
		"GET /privacy/cases": h.rightsCases, "POST /privacy/cases": h.writeCase, "GET /privacy/cases/{case}": h.rightsCase, "POST /privacy/cases/{case}": h.workCase, "GET /privacy/cases/{case}/{file}": h.caseFile, "GET /me/rights/{case}/{file}": h.myCopy, "GET /for/{id}/rights/{case}/{file}": h.myCopy,
		"GET /privacy/retention": h.retention, "POST /privacy/retention": h.hold,
		"GET /privacy/limits": h.limits, "POST /privacy/limits": h.limit,
		"GET /privacy/watched": h.watched, "POST /privacy/watched": h.watch,
		"POST /privacy/telling/{entry}": h.tell, "POST /privacy/telling/{entry}/{act}": h.tell,
		"GET /trace": h.traceForm, "POST /trace": h.trace, "GET /trace/{message}": h.trace,
		"/": h.nowhere,
	} {
		if strings.HasPrefix(pattern, "GET ") {
			f = h.turns.inTurn(f)
		}
		mux.HandleFunc(pattern, h.page(f))
	}
}

// handler answers a request of somebody who has signed in.
type handler func(w http.ResponseWriter, r *http.Request, s policy.Subject) error

// page finds who asks, and makes a page of what goes wrong.
func (h *Web) page(f handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a := newAnswer(w)
		s, err := h.Subject(r)
		if err == nil {
			if r.Method == http.MethodPost {
				r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
				if r.ParseForm() != nil {
					err = fault.E("web.page", fault.TooLong, "the form did not arrive whole")
				}
			}
			if err == nil {
				err = h.quietly(a, r, s)
			}
			if err == nil && strings.HasPrefix(r.URL.Path, helpedPath) {
				r, s, err = h.helping(r, s)
			}
			if err == nil {
				err = f(a, r, s)
			}
		}
		if err != nil {
			a.begin()
			h.fail(a, r, s, err)
		}
		a.send(w, r)
	}
}

// refusals are the words of a fault's kind for people: what happened, that
// nothing was lost, what to do.
var refusals = map[fault.Kind]struct {
	status        int
	heading, text string
}{
	fault.NotFound:     {http.StatusNotFound, "There is no such page", "It may have been taken back, or you may not see it. Nothing was changed."},
	fault.Deleted:      {http.StatusGone, "This was taken back", "Its source has taken it back. Nothing else was changed."},
	fault.Security:     {http.StatusForbidden, "You can't open this", "Nothing was opened. That you asked is in the audit trail."},
	fault.Value:        {http.StatusUnprocessableEntity, "Something in the form is not right", "Go back and change it. Nothing was changed so far."},
	fault.Required:     {http.StatusUnprocessableEntity, "Something is missing", "Go back and fill it in. Nothing was changed so far."},
	fault.Conflict:     {http.StatusConflict, "This can't be done any more", "Somebody may have done it already. Go back and look again."},
	fault.TooLong:      {http.StatusRequestEntityTooLarge, "That is too long", "Go back and send less. Nothing was changed."},
	fault.Throttled:    {http.StatusTooManyRequests, "Too much at once", "Wait a minute and try again. Nothing was lost."},
	fault.Transient:    {http.StatusServiceUnavailable, "This does not work at the moment", "Nothing was lost. Try again in a minute."},
	fault.NoStore:      {http.StatusServiceUnavailable, "This does not work at the moment", "What can't be recorded is not done. Nothing was lost. Try again in a minute."},
	fault.NotSupported: {http.StatusBadRequest, "This is not supported", "Nothing was changed."},
	fault.Exception:    {http.StatusInternalServerError, "Something is wrong with SELDA", "It is not your doing, and nothing was lost. Try again; if it stays so, tell the service desk."},
}

func (h *Web) fail(w http.ResponseWriter, r *http.Request, s policy.Subject, err error) {
	kind := fault.KindOf(err)
	if kind == fault.Login || kind == fault.Expired {
		// Only a page is worth a sign-in: not a picture that a browser asks for by itself.
		if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" && dest != "document" {
			http.Error(w, "Nobody has signed in.", http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, auth.LoginURL(r), http.StatusSeeOther)
		return
	}
	a, known := refusals[kind]
	if !known {
		a = refusals[fault.Exception]
	}
	if h.keep(w, r, s, err) {
		return
	}
	text := []string{a.text}
	if kind == fault.Security || kind == fault.Value || kind == fault.Conflict {
		text = append([]string{sentence(fault.Reason(err))}, text...)
	}
	if a.status >= 500 {
		h.Log.Error("page", "path", r.Pattern, "error", err) // the pattern: a path may hold an id
	}
	link := page.Link{Href: "/", Text: "Go to the start"}
	if opens(s.Role) { // what is not there may be hidden: every page says so alike (G6)
		text = append(text, page.Sentence)
		if id := r.PathValue("id"); fhir.IsID(id) {
			link = page.Link{Href: "/record/" + id + "/emergency", Text: "Emergency access"}
		}
	}
	h.render(w, a.status, page.Message(page.MessagePage{Frame: h.frame(s, a.heading), Heading: a.heading, Text: text, Link: link}))
}

// sentence makes a sentence of a reason.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	if c := s[0]; c >= 'a' && c <= 'z' {
		s = string(c-32) + s[1:]
	}
	return s + "."
}

// render writes a page whole, or says that it can't.
func (h *Web) render(w http.ResponseWriter, status int, c templ.Component) {
	h.renderUnder(w, status, page.CSP, c)
}

// renderUnder is render under a policy of its own.
func (h *Web) renderUnder(w http.ResponseWriter, status int, policy string, c templ.Component) {
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Security-Policy", policy)
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	ctx := context.Background()
	if a, ok := w.(*answer); ok && a.quiet {
		ctx = page.Quietly(ctx)
	}
	if err := c.Render(ctx, w); err != nil {
		h.Log.Error("render", "error", err)
		if a, ok := w.(*answer); ok {
			a.begin()
		}
		http.Error(w, "The page could not be made. Nothing was lost.", http.StatusInternalServerError)
	}
}

// frame is what stands around a page of somebody.
func (h *Web) frame(s policy.Subject, title string) page.Frame {
	f := page.Frame{Title: title, Kind: page.Staff, User: s.Name, Now: h.Now(), Emergency: h.Emergency, CSS: h.files.Path("selda.css"), JS: []string{h.files.Path("selda.js")}}
	if s.User == "" {
		return f
	}
	f.Role, f.Acting = s.Role.Title(), acting(s)
	for _, p := range policy.Purposes(s.Role) {
		f.Purposes = append(f.Purposes, page.Purpose{Code: string(p), Text: p.Title(), Now: p == s.Purpose})
	}
	if h.SignOn != nil {
		f.Apps = "/apps"
	}
	if _, _, outside := strings.Cut(s.User, ":"); outside { // whose provider may know several roles of theirs
		f.Roles = "/login/role"
	}
	if s.Organisation != "" {
		f.Role += " · " + h.organisation(s.Organisation)
	}
	switch s.Role {
	case nhs.Citizen, nhs.Proxy:
		f.Roles, f.Kind, f.Role, f.Apps, f.Quick = "", page.Citizen, "Your own record", "/me/apps", h.LeaveTo
		f.JS = append(f.JS, h.files.Path("leave.js"))
		if s.Role == nhs.Proxy {
			f.Role = "For somebody you help"
		}
	case nhs.Engineer:
		f.Links = []page.Link{{Href: "/feeds", Text: "Feeds"}, {Href: "/quarantine", Text: "Quarantine"}, {Href: "/trace", Text: "Trace"}}
	case nhs.PrivacyOfficer, nhs.CaldicottGuardian:
		f.Links = []page.Link{{Href: "/privacy", Text: "To review"}, {Href: "/privacy/cases", Text: "Cases"}, {Href: "/privacy/trail", Text: "Trail"}, {Href: "/privacy/why", Text: "Why"}, {Href: "/governance", Text: "Agreements"}, {Href: "/rules", Text: "Rules"}}
	case nhs.GovernanceLead:
		f.Links = []page.Link{{Href: "/governance", Text: "Agreements"}, {Href: "/rules", Text: "Rules"}, {Href: "/apps/register", Text: "Apps"}}
	case nhs.Administrator:
		f.Links = []page.Link{{Href: "/accounts", Text: "Accounts"}, {Href: secretsPath, Text: "Keys"}, {Href: "/apps/register", Text: "Apps"}, {Href: "/rules", Text: "Rules"}}
	case nhs.Paramedic:
		f.Kind = page.Crew
		f.Search = true
	default:
		f.Search = opens(s.Role)
		if h.Asked != nil && (s.Role == nhs.GP || s.Role == nhs.Receptionist) {
			f.Links = []page.Link{{Href: "/helping", Text: "Asks to help"}}
		}
	}
	return f
}

// organisation is the name of an organisation.
func (h *Web) organisation(o nhs.ODS) string { return h.Name(nhs.Source(string(o) + ":")) }

// opens says whether a role opens records of others. Whose is access's to say.
func opens(r nhs.Role) bool {
	return r.Clinician() || r == nhs.Receptionist || r == nhs.SocialWorker || r == nhs.Handler111 ||
		r == nhs.MedicalExaminer || r == nhs.Coroner || r == nhs.ChildDeathReviewer
}

// start is the first page of a role.
func (h *Web) start(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	to := ""
	switch s.Role {
	case nhs.Citizen, nhs.Proxy:
		to = "/me"
	case nhs.PrivacyOfficer, nhs.CaldicottGuardian:
		to = "/privacy"
	case nhs.Engineer:
		to = "/feeds"
	case nhs.Analyst:
		to = "/releases"
	case nhs.GovernanceLead:
		to = "/governance"
	case nhs.Administrator:
		to = "/accounts"
	default:
		if opens(s.Role) {
			return h.searchForm(w, r, s)
		}
		h.render(w, http.StatusOK, page.Message(page.MessagePage{Frame: h.frame(s, "SELDA"), Heading: "You are signed in",
			Text: govern[s.Role]}))
		return nil
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// icon is what browsers ask for by themselves, whatever the page says.
func (h *Web) icon(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, h.files.Path("icon.svg"), http.StatusFound)
}

func (h *Web) nowhere(http.ResponseWriter, *http.Request, policy.Subject) error {
	return fault.E("web.nowhere", fault.NotFound, "there is no such page")
}
