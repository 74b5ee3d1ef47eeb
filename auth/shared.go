package auth

import (
	"time"

	"selda/auth/provider"
	"selda/internal/document"
)

// Shared is what the nodes of a region share of sign-on, so that any of them
// serves any request.
type Shared struct {
	Documents document.Store // keys, and what people have let applications do
	Passing   Passing
	// Secret is a key of 32 bytes for one use, the same at every node.
	Secret func(use string) []byte
}

// Passing is the port to what is worth something for minutes only: sessions,
// and codes on their way to be changed for tokens.
type Passing interface {
	// Put keeps something until it expires. What has been ended is not kept again.
	Put(kind, key string, content []byte, expires time.Time) error
	Get(kind, key string) (content []byte, ok bool, err error)
	// End takes something away, gives what it was, and remembers for a while
	// that it has ended.
	End(kind, key string, remember time.Duration) (content []byte, ok bool, err error)
}

// The kinds of what passes.
const (
	passingSession = "session"
	passingCode    = "code"
	passingAsked   = "app-asked"        // an application's request, while a person decides
	passingAppCode = "app-code"         // a code for an application
	passingUsed    = "app-code-used"    // what came of such a code
	passingLaunch  = "app-launch"       // a launch from a record
	passingProof   = "app-assertion"    // an assertion that was used
	passingRoles   = "roles"            // what somebody may act as, at a provider's word
	passingSID     = "provider-session" // whose a session at a provider is
	passingLogout  = "logout-token"     // a logout token that was used
)

// sharedSessions is scs.Store for nodes.
type sharedSessions struct{ Passing }

// Find is scs.Store's.
func (s sharedSessions) Find(token string) ([]byte, bool, error) { return s.Get(passingSession, token) }

// Commit is scs.Store's.
func (s sharedSessions) Commit(token string, b []byte, expiry time.Time) error {
	return s.Put(passingSession, token, b, expiry)
}

// Delete is scs.Store's.
func (s sharedSessions) Delete(token string) error {
	_, _, err := s.End(passingSession, token, rememberEnded)
	return err
}

// sharedCodes is provider.Codes for nodes.
type sharedCodes struct{ Passing }

// codes is where the built-in provider keeps its codes; nil where in memory.
func (c Config) codes() provider.Codes {
	if c.Shared == nil {
		return nil
	}
	return sharedCodes{c.Shared.Passing}
}

// Put is provider.Codes'.
func (s sharedCodes) Put(code string, content []byte, expires time.Time) error {
	return s.Passing.Put(passingCode, code, content, expires)
}

// Take is provider.Codes'.
func (s sharedCodes) Take(code string) ([]byte, bool, error) {
	return s.End(passingCode, code, rememberEnded)
}
