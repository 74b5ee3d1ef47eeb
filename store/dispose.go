package store

import (
	"context"
	"time"
)

// Disposal is what is destroyed for good, in every version (G18).
type Disposal struct {
	At    time.Time
	Items []ItemRef
	// Case is under which nothing of it may come in again (Barrer); "" bars nothing. Returns:
	// what is kept of a person whose source says something new of them may.
	Case    string
	Returns bool
	// Messages are raw messages that go with it though they made none of it.
	Messages []MessageID
	// Subjects go with all that is known of them: their identities, their links, what
	// was claimed of them. Nothing of theirs may be left but what is in Items.
	Subjects []Subject
}

// ItemRef is an item by its id, and the version that was reviewed: one that has changed
// since is not destroyed.
type ItemRef struct {
	Type, ID string
	Version  int // 0 takes any
}

// Disposed is what was destroyed.
type Disposed struct {
	Items    int
	Versions int
	Subjects int
	// Gone are items that were not there any more, and Changed those that are kept since
	// they have changed.
	Gone, Changed int
	// Messages are the raw messages that any version of them came with, and others of the
	// same content. What they hold goes too.
	Messages []MessageID
	// Left are messages that would have gone with it and did not: the caller's.
	Left int
}

// Disposer destroys. It serves the exchange itself, never a reader.
type Disposer interface {
	// Dispose destroys in one transaction. The index still has what they were found by
	// until it is made again, and the files their bytes until they are scrubbed.
	Dispose(ctx context.Context, d Disposal) (Disposed, error)
	// Scrub writes the files anew, so that nothing of what was destroyed is in them.
	Scrub(ctx context.Context) error
	// Leaves gives what belongs to one subject and would be left: items by id, deleted ones
	// too, so that a subject goes only with all of them.
	Leaves(ctx context.Context, s Subject) ([]ItemRef, error)
}
