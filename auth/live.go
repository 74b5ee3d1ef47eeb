package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"

	"selda/auth/app"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// Live is a session of somebody's, as they and an administrator see it.
type Live struct {
	// Key is what the store calls the session: a hash of the cookie, with which
	// nobody can come in.
	Key          string    `json:"key"`
	Began        time.Time `json:"began"`
	Ends         time.Time `json:"ends"`
	Address      string    `json:"address,omitempty"`
	Provider     string    `json:"provider,omitempty"`
	Role         nhs.Role  `json:"role"`
	Organisation string    `json:"organisation,omitempty"`
	SID          string    `json:"sid,omitempty"` // of the session at the provider
	Here         bool      `json:"-"`             // the one that asks
}

// maxLive is how many sessions somebody can have: one more ends the oldest.
const maxLive = 20

// storeKey is what scs calls a session in its store, where tokens are hashed.
func storeKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// liveFile is what is kept of somebody's sessions, with their account.
type liveFile struct {
	// SignedIn is when they signed in last, whether that session goes on or not.
	SignedIn time.Time `json:"signed_in,omitzero"`
	Sessions []Live    `json:"sessions,omitempty"`
}

// live changes the list of somebody's sessions; what has ended by itself is left out. An
// account that is gone has none.
func (a *Auth) live(user string, now time.Time, f func([]Live) []Live) error {
	err := a.changeLive(user, now, func(l *liveFile) { l.Sessions = f(l.Sessions) })
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

func (a *Auth) changeLive(user string, now time.Time, f func(*liveFile)) error {
	const op = "auth.live"
	return a.Accounts.change(op, user, func(r *record) error {
		if r.version == 0 {
			return fault.E(op, fault.NotFound, "no such account")
		}
		a.prune(&r.liveFile, now)
		f(&r.liveFile)
		return nil
	})
}

// prune leaves out the sessions that have ended by themselves.
func (a *Auth) prune(l *liveFile, now time.Time) {
	l.Sessions = slices.DeleteFunc(l.Sessions, func(l Live) bool {
		// Those in memory end with their process.
		return !now.Before(l.Ends) || l.Began.Before(a.began)
	})
}

// liveNow is what is kept of somebody's sessions.
func (a *Auth) liveNow(user string, now time.Time) (liveFile, error) {
	r, _, err := a.Accounts.load(user)
	a.prune(&r.liveFile, now)
	return r.liveFile, err
}

// remember adds a session that begins.
func (a *Auth) remember(acc Account, l Live, now time.Time) error {
	var over []Live
	err := a.changeLive(acc.User, now, func(f *liveFile) {
		f.SignedIn, f.Sessions = now, append(f.Sessions, l)
		if n := len(f.Sessions) - maxLive; n > 0 {
			over, f.Sessions = slices.Clone(f.Sessions[:n]), f.Sessions[n:]
		}
	})
	for _, old := range over {
		if err == nil {
			err = a.sessions.Store.Delete(old.Key)
		}
	}
	return err
}

// Sessions are somebody's sessions, the oldest first. One that was left untouched
// for long may be among them.
func (a *Auth) Sessions(user string) ([]Live, error) {
	l, err := a.liveNow(user, time.Now())
	return l.Sessions, err
}

// EndSessions ends sessions of somebody, at every node, and has it recorded who did
// so. It says how many that were.
func (a *Auth) EndSessions(ctx context.Context, by policy.Subject, user, address, why string, which func(Live) bool) (int, error) {
	const op = "auth.EndSessions"
	if err := a.record(ctx, Event{Kind: SessionsEnded, Time: time.Now(), Subject: by, Address: address, Reason: why, Whose: user}); err != nil {
		return 0, fault.E(op, err)
	}
	var gone []Live
	err := a.live(user, time.Now(), func(list []Live) []Live {
		gone = nil
		return slices.DeleteFunc(list, func(l Live) bool {
			if which(l) {
				gone = append(gone, l)
				return true
			}
			return false
		})
	})
	if err != nil {
		return 0, fault.E(op, err)
	}
	for _, l := range gone {
		if err := a.sessions.Store.Delete(l.Key); err != nil {
			return 0, fault.E(op, fault.NoStore, err)
		}
	}
	return len(gone), nil
}

// SignOutEverywhere ends whatever was begun in somebody's name: sessions, tokens,
// and what applications may do.
func (a *Auth) SignOutEverywhere(ctx context.Context, by policy.Subject, user, address, why string) error {
	const op = "auth.SignOutEverywhere"
	now := time.Now()
	// The mark on the account comes first: whatever fails after it, nothing holds.
	err := a.Accounts.Alter(user, func(acc *Account) { acc.Since = now })
	if err == nil {
		_, err = a.EndSessions(ctx, by, user, address, why, func(Live) bool { return true })
	}
	if err == nil {
		_, err = a.Connections.End(user, why, now, func(*app.Connection) bool { return true })
	}
	if err != nil {
		return fault.E(op, err)
	}
	return nil
}
