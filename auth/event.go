package auth

import (
	"context"
	"time"

	"selda/fault"
	"selda/policy"
)

// EventKind is what happened at sign-on.
type EventKind string

// The kinds of event.
const (
	SignedIn    EventKind = "sign-in"
	Refused     EventKind = "refusal"
	SignedOut   EventKind = "sign-out"
	TokenIssued EventKind = "token-issue"
	// FactorChanged: what somebody signs in with was added, used up or taken away.
	FactorChanged EventKind = "factor-change"
	// SessionsEnded: somebody, or an administrator, ended sessions.
	SessionsEnded EventKind = "session-end"
	// AccountChanged: an account was let in again, or given another end.
	AccountChanged EventKind = "account-change"
	// PurposeChanged: somebody acts for another purpose from now on.
	PurposeChanged EventKind = "purpose-change"
	// What happens between people and applications.
	AppRegistered EventKind = "app-registration"
	AppLaunched   EventKind = "app-launch"
	AppConnected  EventKind = "app-connection"
	AppDeclined   EventKind = "app-refusal"
	AppEnded      EventKind = "app-end"
)

// Event is something that the audit trail must know.
type Event struct {
	Kind EventKind
	Time time.Time
	// Subject is who; the zero Subject where a name was typed that no account
	// has. What was typed is never kept: it may be a password.
	Subject  policy.Subject
	Provider string    // the provider that vouched; "" of a token
	Address  string    // where from; "" at the command line
	Reason   string    // why it was refused
	TokenID  string    // the token's jti
	Expires  time.Time // when the token ends
	App      string    // the application's id
	Whose    string    // the account that was changed, where it is another's
	Citizen  string    // whose record it was launched for, by stable id
}

// record hands e to the audit trail. What can't be recorded does not happen.
func (a *Auth) record(ctx context.Context, e Event) error {
	if a.conf.OnEvent == nil {
		return nil
	}
	if err := a.conf.OnEvent(ctx, e); err != nil {
		return fault.E("auth.record", fault.NoStore, err)
	}
	return nil
}
