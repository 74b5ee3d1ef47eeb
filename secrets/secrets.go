// Package secrets is the inventory of every account, application, key, certificate and
// secret of a region: who owns it, since when it is, when it ends, and what is to be
// done. It keeps no secret and knows none: of a key it knows an id.
//
// In order: who wires the region says what there is (Items); Register adds what people
// said of it, and notes since when a key is the one that it is; State says how it stands.
package secrets

import (
	"cmp"
	"slices"
	"time"
)

// Kind is what an item is.
type Kind string

// The kinds of items.
const (
	Account     Kind = "account"
	Application Kind = "application"
	Key         Kind = "key"
	Certificate Kind = "certificate"
	Secret      Kind = "secret"
)

// Item is one of them. Times that are not known are zero.
type Item struct {
	Name    string // "master", "account/gp": unique, and what people call it at the command line
	Kind    Kind
	Title   string // for people
	Owner   string // a person or a team
	Contact string
	Made    time.Time
	Rotated time.Time // when it was replaced last
	Used    time.Time
	Ends    time.Time
	// ID says which key it is now: with another id it is another key. It tells nothing of
	// the key.
	ID string
	// Life is how long it is used at most after it was made or replaced, where nothing
	// else ends it.
	Life time.Duration
	// Endless is why it has no end, where it has none.
	Endless string
	// Unsafe is what is wrong with how it is kept; "" where nothing is.
	Unsafe string
	// Over says that it is of no use any more: an account that is disabled or has ended.
	Over bool
	// Stops says that it is refused by itself from its end on.
	Stops bool
	// How says how it is kept and replaced.
	How string
	// Rotates says that `selda secrets rotate` replaces it.
	Rotates bool
}

// State is how an item stands.
type State string

// The states, the one that is most urgent first.
const (
	NotKept State = "not kept safely"     // Unsafe says what is wrong
	Overdue State = "overdue"             // it has ended
	Week    State = "ends within 7 days"  //
	NoOwner State = "no owner"            // nobody answers for it
	Month   State = "ends within 30 days" //
	NoEnd   State = "no end"              // nobody said when it ends
	Good    State = "good"                //
	Ended   State = "ended"               // it is of no use any more, as it should be
)

// States are all, the most urgent first.
func States() []State { return []State{NotKept, Overdue, Week, NoOwner, Month, NoEnd, Good, Ended} }

const (
	week  = 7 * 24 * time.Hour
	month = 30 * 24 * time.Hour
)

// State is how it stands at a time.
func (i *Item) State(now time.Time) State {
	left := i.Ends.Sub(now)
	switch ends := !i.Ends.IsZero(); {
	case i.Over, i.Stops && ends && left <= 0:
		return Ended
	case i.Unsafe != "":
		return NotKept
	case ends && left <= 0:
		return Overdue
	case ends && left <= week:
		return Week
	case i.Owner == "" || i.Contact == "":
		return NoOwner
	case ends && left <= month:
		return Month
	case !ends && i.Endless == "":
		return NoEnd
	}
	return Good
}

// Urgent says whether somebody has to do something now or soon because it ends or is
// not kept as it should be.
func (s State) Urgent() bool { return s == NotKept || s == Overdue || s == Week || s == Month }

// DaysLeft is how many whole days it lasts, less than none where it has ended; false
// where it has no end, or is of no use any more.
func (i *Item) DaysLeft(now time.Time) (int, bool) {
	if i.Ends.IsZero() || i.State(now) == Ended {
		return 0, false
	}
	d := i.Ends.Sub(now)
	if d < 0 {
		d -= 24*time.Hour - 1
	}
	return int(d / (24 * time.Hour)), true
}

// Sort puts the most urgent first, then what ends first.
func Sort(items []Item, now time.Time) {
	order := States()
	slices.SortStableFunc(items, func(a, b Item) int {
		if c := slices.Index(order, a.State(now)) - slices.Index(order, b.State(now)); c != 0 {
			return c
		}
		if c := b2i(a.Ends.IsZero()) - b2i(b.Ends.IsZero()); c != 0 {
			return c
		}
		return cmp.Or(a.Ends.Compare(b.Ends), cmp.Compare(a.Name, b.Name))
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
