package auth

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"

	"selda/auth/provider"
	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// What a session holds: an account's name and a purpose, nothing of the person.
const (
	sessionUser     = "user"
	sessionPurpose  = "purpose"
	sessionProvider = "provider"
	sessionBegan    = "began" // in nanoseconds, as are the next
	sessionSeen     = "seen"
	// What the account was when the session began: it holds for that and no other.
	sessionRole         = "role"
	sessionOrganisation = "organisation"
	sessionRoles        = "roles" // what else its owner may act as
)

const sessionCookie = "selda"

// cookieName is the name of a cookie. With __Host- a browser takes it over
// HTTPS only, and from no other host.
func (c Config) cookieName(name string) string {
	if c.secure() {
		return "__Host-" + name
	}
	return name
}

func (c Config) secure() bool { return strings.HasPrefix(c.PublicURL, "https://") }

func newSessions(conf Config) *scs.SessionManager {
	var sessions scs.Store = &sessionStore{live: map[string]kept{}, ended: map[string]time.Time{}}
	if conf.Shared != nil {
		sessions = sharedSessions{conf.Shared.Passing}
	}
	idle, absolute := conf.longest()
	return &scs.SessionManager{
		IdleTimeout: idle, Lifetime: absolute, HashTokenInStore: true, Store: sessions,
		Codec: scs.GobCodec{},
		ErrorFunc: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, "The session could not be read.", http.StatusInternalServerError)
		},
		// The cookie goes when the browser is closed: wards share machines.
		Cookie: scs.SessionCookie{Name: conf.cookieName(sessionCookie), Path: "/", HttpOnly: true, Secure: conf.secure(), SameSite: http.SameSiteLaxMode},
	}
}

// sessionStore keeps sessions in memory: a restart signs everybody out. It is
// not scs's own, since a request that is still under way when its session is
// ended would write that session back; this one refuses it.
type sessionStore struct {
	mu    sync.Mutex
	live  map[string]kept
	ended map[string]time.Time // until when they are remembered
	swept time.Time
}

type kept struct {
	data   []byte
	expiry time.Time
}

const rememberEnded = 10 * time.Minute

// Find is scs.Store's.
func (s *sessionStore) Find(token string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.live[token]
	if !ok || !time.Now().Before(k.expiry) {
		return nil, false, nil
	}
	return k.data, true, nil
}

// Commit is scs.Store's.
func (s *sessionStore) Commit(token string, b []byte, expiry time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	if _, gone := s.ended[token]; !gone {
		s.live[token] = kept{b, expiry}
	}
	return nil
}

// Delete is scs.Store's.
func (s *sessionStore) Delete(token string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, token)
	s.ended[token] = time.Now().Add(rememberEnded)
	return nil
}

// sweep drops what has ended, once a minute.
func (s *sessionStore) sweep() {
	now := time.Now()
	if now.Sub(s.swept) < time.Minute {
		return
	}
	s.swept = now
	for t, k := range s.live {
		if now.After(k.expiry) {
			delete(s.live, t)
		}
	}
	for t, until := range s.ended {
		if now.After(until) {
			delete(s.ended, t)
		}
	}
}

type wrappedKey struct{}

// Wrap gives next its sessions, and turns away what other sites post in a
// person's name. A request that brings its own proof in Authorization has
// neither: no browser sends that by itself. Nor have the endpoints where
// applications prove themselves: they look at no session.
func (a *Auth) Wrap(next http.Handler) http.Handler {
	marked := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), wrappedKey{}, true)))
	})
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		provider.Message(w, http.StatusForbidden, a.conf.Stylesheet, "That did not come from this site",
			"Another site sent this request in your name, so nothing was done.", "/", "Go to SELDA")
	}))
	browsers := csrf.Handler(a.sessions.LoadAndSave(marked))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || proven(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		browsers.ServeHTTP(w, r)
	})
}

// session is what a request's session says.
type session struct {
	account  Account
	purpose  nhs.Purpose
	provider string
	began    time.Time
	roles    string // the name of what else they may act as; "" for nothing
}

// Watching is the header by which a page that is open says that it asks by itself:
// nobody is at work, and the session goes on ending.
const Watching = "Selda-Watching"

// session is the request's session, as its account stands now.
func (a *Auth) session(r *http.Request) (s session, err error) {
	const op = "auth.session"
	ctx := r.Context()
	if ctx.Value(wrappedKey{}) == nil {
		return s, fault.E(op, fault.Login, "nobody has signed in")
	}
	user := a.sessions.GetString(ctx, sessionUser)
	if user == "" {
		if _, err := r.Cookie(a.sessions.Cookie.Name); err == nil {
			return s, fault.E(op, fault.Expired, "the session has ended")
		}
		return s, fault.E(op, fault.Login, "nobody has signed in")
	}
	s.provider, s.purpose = a.sessions.GetString(ctx, sessionProvider), nhs.Purpose(a.sessions.GetString(ctx, sessionPurpose))
	s.began = time.Unix(0, a.sessions.GetInt64(ctx, sessionBegan))
	s.roles = a.sessions.GetString(ctx, sessionRoles)
	holds := false
	// Another node may have made the account, or given it another role, a moment ago.
	for again := false; ; again = true {
		var ok bool
		if s.account, ok, err = a.Accounts.find(user); err != nil {
			return s, fault.E(op, err)
		}
		// The account may have gone, or have another role, since the sign-in.
		holds = ok && mayAct(s.account.Role, s.purpose) == nil && !s.began.Before(s.account.Since) &&
			a.sessions.GetString(ctx, sessionRole) == string(s.account.Role) && a.sessions.GetString(ctx, sessionOrganisation) == string(s.account.Organisation)
		if holds || again {
			break
		}
		a.Accounts.again(user)
	}
	if !holds {
		return s, fault.E(op, fault.Expired, "the session's account has changed")
	}
	now, seen := time.Now(), time.Unix(0, a.sessions.GetInt64(ctx, sessionSeen))
	limit := a.conf.limit(s.account.Role)
	if now.Sub(seen) >= limit.Idle || now.Sub(s.began) >= limit.Absolute {
		return s, fault.E(op, fault.Expired, "the session has ended")
	}
	if r.Header.Get(Watching) == "" {
		a.sessions.Put(ctx, sessionSeen, now.UnixNano())
	}
	return s, nil
}

// sessionSubject is the subject of the request's session.
func (a *Auth) sessionSubject(r *http.Request) (policy.Subject, error) {
	s, err := a.session(r)
	if err != nil {
		return policy.Subject{}, err
	}
	return s.account.Subject(s.purpose), nil
}

// begin opens the session of an account, under a new token, so that a token
// that somebody planted is worth nothing. The one of before ends.
func (a *Auth) begin(ctx context.Context, acc Account, p nhs.Purpose, as signedIn) error {
	const op = "auth.begin"
	if err := a.forget(ctx); err != nil {
		return fault.E(op, err)
	}
	if err := a.sessions.Clear(ctx); err != nil {
		return fault.E(op, err)
	}
	if err := a.sessions.RenewToken(ctx); err != nil {
		return fault.E(op, err)
	}
	now := time.Now()
	ends := now.Add(a.conf.limit(acc.Role).Absolute)
	if as.Ends.After(now) && as.Ends.Before(ends) { // another role makes no session longer
		ends = as.Ends
	}
	a.sessions.Put(ctx, sessionUser, acc.User)
	a.sessions.Put(ctx, sessionRole, string(acc.Role))
	a.sessions.Put(ctx, sessionOrganisation, string(acc.Organisation))
	a.sessions.Put(ctx, sessionPurpose, string(p))
	a.sessions.Put(ctx, sessionProvider, as.provider)
	a.sessions.Put(ctx, sessionBegan, now.UnixNano())
	a.sessions.Put(ctx, sessionSeen, now.UnixNano())
	if len(as.accounts) > 1 {
		as.Ends = ends
		key, err := a.keepVouched(as.vouched, ends)
		if err != nil {
			return fault.E(op, err)
		}
		a.sessions.Put(ctx, sessionRoles, key)
	}
	a.sessions.SetDeadline(ctx, ends)
	return a.remember(acc, Live{Key: storeKey(a.sessions.Token(ctx)), Began: now, Ends: ends, Address: as.address, Provider: as.provider,
		Role: acc.Role, Organisation: acc.OrganisationName, SID: as.SID}, now)
}

// forget takes the session of a request off its owner's list, before another takes its place.
func (a *Auth) forget(ctx context.Context) error {
	user := a.sessions.GetString(ctx, sessionUser)
	if user == "" {
		return nil
	}
	key := storeKey(a.sessions.Token(ctx))
	return a.live(user, time.Now(), func(list []Live) []Live {
		return slices.DeleteFunc(list, func(l Live) bool { return l.Key == key })
	})
}

// signedIn is how somebody signed in.
type signedIn struct {
	provider, address string
	vouched
}

// longestSession is the longest that any session lasts.
func (a *Auth) longestSession() time.Duration {
	_, absolute := a.conf.longest()
	return absolute
}
