package audit

import (
	"context"
	"errors"
	"sync"
)

// Held is what an answer waits for that is made while its entries of the trail are
// on their way to disk: not a byte of it leaves before Durable says so.
type Held struct {
	mu    sync.Mutex
	waits []func() (uint64, error)
	over  bool

	entered   bool // something of this answer is in the trail
	otherwise func(status int) error
}

type heldKey struct{}

// Hold gives the context of an answer that is held back.
func Hold(ctx context.Context) (context.Context, *Held) {
	h := &Held{}
	return context.WithValue(ctx, heldKey{}, h), h
}

// Otherwise has f enter something of the answer that a context is of, where
// nothing else has been entered by the time that it begins with a status.
func Otherwise(ctx context.Context, f func(status int) error) {
	if h, ok := ctx.Value(heldKey{}).(*Held); ok {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.otherwise = f
	}
}

// Begin is called before an answer begins with a status.
func (h *Held) Begin(status int) error {
	h.mu.Lock()
	f := h.otherwise
	if h.otherwise = nil; h.entered {
		f = nil
	}
	h.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(status)
}

// note notes that something is entered of the answer that a context is of.
func note(ctx context.Context) {
	if h, ok := ctx.Value(heldKey{}).(*Held); ok {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.entered = true
	}
}

// holds has the answer that a context is of wait for an entry; false where it is of none.
func holds(ctx context.Context, durable func() (uint64, error)) bool {
	h, ok := ctx.Value(heldKey{}).(*Held)
	if !ok {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return false
	}
	h.waits = append(h.waits, durable)
	return true
}

// Durable returns when every entry so far is on disk; the error says that one can't be.
func (h *Held) Durable() error {
	h.mu.Lock()
	waits := h.waits
	h.waits = nil
	h.mu.Unlock()
	var errs []error
	for _, w := range waits {
		if _, err := w(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// End is Durable for the last time: whoever enters something from now on, under
// the same context, waits for it.
func (h *Held) End() error {
	h.mu.Lock()
	h.over = true
	h.mu.Unlock()
	return h.Durable()
}
