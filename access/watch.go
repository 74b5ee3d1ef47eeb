package access

import (
	"context"
	"strings"
	"time"

	"selda/audit"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
	"selda/store"
)

// Watch is a record each access to which is raised: of somebody whom many would like
// to know about. A Caldicott guardian says whose, why, and until when.
type Watch struct {
	Citizen string    `json:"citizen"`
	Reason  string    `json:"reason"`
	By      string    `json:"by"`
	Until   time.Time `json:"until"`
}

// Watchlist is the port to where that is kept.
type Watchlist interface {
	Watches() ([]Watch, error)
	Watch(w Watch) error
}

// MostWatched is the longest that a record is watched before it is decided again.
const MostWatched = 366 * 24 * time.Hour

// WatchRecord has a record watched until a day; a day that has passed ends it.
func (a *Access) WatchRecord(ctx context.Context, s policy.Subject, list Watchlist, number nhs.Number, reason string, until time.Time) error {
	const op = "access.WatchRecord"
	e := audit.From(s, audit.Administer, "a watched record")
	e.Concealed, e.Reason, e.Rules = true, strings.TrimSpace(reason), []string{"G2 own organisation's trail"}
	var err error
	switch {
	case s.Role != nhs.CaldicottGuardian:
		err = fault.E(op, fault.Security, "only a Caldicott guardian has records watched")
	case e.Reason == "" || len(e.Reason) > 300:
		err = fault.E(op, fault.Value, "say why, in a few words", "reason")
	case until.IsZero() || until.Sub(a.Now()) > MostWatched:
		err = fault.E(op, fault.Value, "it is watched until a day, at most a year away", "until")
	}
	if err == nil {
		e.Citizen, err = a.ByNumber(ctx, number)
		if err == nil {
			_, err = a.Index.Citizen(ctx, e.Citizen, store.Latest)
		}
	}
	if err != nil {
		e.Outcome, e.Rules = audit.Deny, []string{"G1 default deny"}
	}
	if _, err := a.Trail.Append(ctx, e); err != nil {
		return fault.E(op, err)
	}
	if err != nil {
		return err
	}
	return list.Watch(Watch{Citizen: e.Citizen, Reason: e.Reason, By: s.Name, Until: until})
}
