package audit

import (
	"context"
	"strings"
)

// Caller is what the connection of a request says of who asks: it stands in
// every entry that is made for it. IHE BALP wants the address of both ends, and the
// request's id where the caller gave one.
type Caller struct {
	Address string // as the connection has it
	Request string // X-Request-Id
}

type callerKey struct{}

// maxRequest is how long the id of a request may be: longer ones are not kept.
const maxRequest = 64

// With gives the context of what a caller asks for. An id of a request that is
// not an id (it could carry anything) is left out.
func With(ctx context.Context, c Caller) context.Context {
	if len(c.Request) > maxRequest || strings.ContainsFunc(c.Request, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("-_.:", r))
	}) {
		c.Request = ""
	}
	return context.WithValue(ctx, callerKey{}, c)
}

// called fills in the caller of an entry.
func called(ctx context.Context, e Entry) Entry {
	if c, ok := ctx.Value(callerKey{}).(Caller); ok && e.From == "" {
		e.From, e.Request = c.Address, c.Request
	}
	return e
}
