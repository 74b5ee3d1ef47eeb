package web

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	"selda/fault"
	"selda/internal/london"
	"selda/policy"
	"selda/secrets"
	"selda/web/page"
	"selda/web/view"
)

// Secrets is the port to the inventory of accounts, keys, certificates and secrets. Each
// call is decided and audited by who answers it.
type Secrets interface {
	Secrets(ctx context.Context, s policy.Subject) ([]secrets.Item, error)
	OwnSecret(ctx context.Context, s policy.Subject, name string, o secrets.Owned) error
	// FeedCertificates are those of feeds alone, for who runs interfaces.
	FeedCertificates() ([]secrets.Item, error)
}

const secretsPath = "/administration/secrets"

// secretsMost are how many a page shows.
const secretsMost = 500

// secrets is the inventory, for administrators: what has to be done, and by whom.
func (h *Web) secrets(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	return h.showSecrets(w, r, s, secretsShown{change: r.URL.Query().Get("change"), all: r.URL.Query().Has("all")})
}

// secretsShown is how the page is shown.
type secretsShown struct {
	change  string // whose form is open
	all     bool
	done    string
	problem error
	said    secrets.Owned
	ends    string // as it was typed
}

func (h *Web) showSecrets(w http.ResponseWriter, r *http.Request, s policy.Subject, shown secretsShown) error {
	const op = "web.secrets"
	if h.Secrets == nil {
		return fault.E(op, fault.NotFound, "there is no such page")
	}
	list, err := h.Secrets.Secrets(r.Context(), s)
	if err != nil {
		return fault.E(op, err)
	}
	now := h.Now()
	p := page.SecretsPage{Frame: h.frame(s, "Keys and certificates"), Done: shown.done, All: shown.all, Total: len(list)}
	count := map[secrets.State]int{}
	for i := range list {
		x := &list[i]
		state := x.State(now)
		count[state]++
		if x.Name == shown.change && !ownAccount(x, s) {
			p.Change = h.ownForm(x, shown)
		}
		if !shown.all && (state == secrets.Good || state == secrets.Ended) {
			continue
		}
		if len(p.Rows) == secretsMost {
			p.More = true
			continue
		}
		row := secretRow(x, now)
		if ownAccount(x, s) {
			row.Change = ""
		}
		p.Rows = append(p.Rows, row)
	}
	for _, state := range secrets.States() {
		if n := count[state]; n > 0 && state != secrets.Good && state != secrets.Ended {
			p.Counts = append(p.Counts, strconv.Itoa(n)+" "+string(state))
		}
	}
	if shown.change != "" && p.Change == nil {
		return fault.E(op, fault.NotFound, "there is no such account, key or secret")
	}
	status := http.StatusOK
	if shown.problem != nil {
		status = http.StatusUnprocessableEntity
		p.Error, p.ErrorAt = sentence(fault.Reason(shown.problem)), cmp.Or(map[string]string{"contact": "contact", "ends": "ends"}[fault.PlaceOf(shown.problem)], "owner")
	}
	h.render(w, status, page.Secrets(p))
	return nil
}

// ownAccount says whether an item is the account of who looks: nobody changes their own.
func ownAccount(x *secrets.Item, s policy.Subject) bool {
	return x.Kind == secrets.Account && x.Name == "account/"+s.User
}

func (h *Web) ownForm(x *secrets.Item, shown secretsShown) *page.OwnForm {
	f := &page.OwnForm{Name: x.Name, Title: x.Title, Owner: x.Owner, Contact: x.Contact, Tomorrow: h.Now().Add(24 * time.Hour).Format(time.DateOnly)}
	if f.Ends = x.Endless == "" && x.Kind != secrets.Certificate && x.Kind != secrets.Application; f.Ends && !x.Ends.IsZero() {
		f.Until = london.In(x.Ends).Format(time.DateOnly)
	}
	if shown.problem != nil {
		f.Owner, f.Contact, f.Until = shown.said.Owner, shown.said.Contact, shown.ends
	}
	return f
}

var secretTones = map[secrets.State]view.Tone{secrets.NotKept: view.Bad, secrets.Overdue: view.Bad, secrets.Week: view.Bad, secrets.NoOwner: view.Warn, secrets.Month: view.Warn, secrets.NoEnd: view.Warn, secrets.Good: view.Good, secrets.Ended: view.Past}

func secretRow(x *secrets.Item, now time.Time) page.SecretRow {
	row := page.SecretRow{Name: x.Name, Title: x.Title, Kind: string(x.Kind), State: string(x.State(now)), Tone: secretTones[x.State(now)], Owner: x.Owner, Contact: x.Contact, Why: sentenceCase(cmp.Or(x.Unsafe, x.Endless)), How: sentenceCase(x.How),
		Made: day(x.Made).Pro(), Rotated: day(x.Rotated).Pro(), Change: secretsPath + "?change=" + page.Escape(x.Name) + "#change"}
	if !x.Used.IsZero() {
		row.Used = view.Since(x.Used, now)
	}
	if x.Rotates {
		row.Command = "selda secrets rotate " + x.Name
	}
	if days, ends := x.DaysLeft(now); ends {
		row.Left = untilWords(days)
	}
	row.Ends = day(x.Ends).Pro()
	return row
}

// untilWords is how many days are left.
func untilWords(n int) string {
	switch {
	case n < -1:
		return strconv.Itoa(-n) + " days ago"
	case n == -1:
		return "within the last day"
	case n == 0:
		return "within a day"
	case n == 1:
		return "in 1 day"
	}
	return "in " + strconv.Itoa(n) + " days"
}

// ownSecret says who answers for one, and when it ends.
func (h *Web) ownSecret(w http.ResponseWriter, r *http.Request, s policy.Subject) error {
	const op = "web.ownSecret"
	if h.Secrets == nil {
		return fault.E(op, fault.NotFound, "there is no such page")
	}
	shown := secretsShown{change: r.PostForm.Get("name"), said: secrets.Owned{Owner: r.PostForm.Get("owner"), Contact: r.PostForm.Get("contact")}, ends: r.PostForm.Get("ends")}
	if shown.ends != "" && shown.ends != r.PostForm.Get("was") {
		at, err := time.Parse(time.DateOnly, shown.ends)
		if err != nil {
			shown.problem = fault.E(op, fault.Value, "an end is a day, such as 31 3 2027", "ends")
			return h.showSecrets(w, r, s, shown)
		}
		shown.said.Ends, _ = london.Day(at.Add(12 * time.Hour))
	}
	switch err := h.Secrets.OwnSecret(r.Context(), s, shown.change, shown.said); {
	case err == nil:
		return h.showSecrets(w, r, s, secretsShown{done: "Kept. That you said so is in the audit trail."})
	case fault.Is(err, fault.Value), fault.Is(err, fault.Required), fault.Is(err, fault.NotSupported):
		shown.problem = err
		return h.showSecrets(w, r, s, shown)
	default:
		return fault.E(op, err)
	}
}

// endingCertificates are those of feeds that end soon or have, for the page of feeds.
func (h *Web) endingCertificates() (rows []page.SecretRow, err error) {
	if h.Secrets == nil {
		return nil, nil
	}
	list, err := h.Secrets.FeedCertificates()
	for i := range list {
		if list[i].State(h.Now()).Urgent() {
			rows = append(rows, secretRow(&list[i], h.Now()))
		}
	}
	return rows, err
}
