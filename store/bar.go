package store

import (
	"encoding/hex"

	"selda/nhs"
)

// Print stands for something that was destroyed, by a key that the store keeps: neither
// what it was nor whose can be read from it.
type Print [16]byte

// MarshalText is encoding.TextMarshaler's.
func (p Print) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, p[:]), nil }

// UnmarshalText is encoding.TextUnmarshaler's.
func (p *Print) UnmarshalText(b []byte) error {
	if len(b) != hex.EncodedLen(len(p)) {
		return hex.ErrLength
	}
	_, err := hex.Decode(p[:], b)
	return err
}

// Bar keeps something that was destroyed from coming in again (G18).
type Bar struct {
	Print Print  `json:"print"`
	Case  string `json:"case"` // of the disposal
	// Person numbers one person of one list, whose bars end when their source says something
	// new of them: what is kept of who comes back is kept anew. 0 holds until it is lifted.
	Person int64 `json:"person,omitempty"`
	// Known stands for that person, not for an item of theirs.
	Known bool `json:"known,omitempty"`
}

// Named is something that a message names, or somebody: an item by what its source calls it
// or by its id; one that has neither by its very content within a subject's record; a person
// by a number.
type Named struct {
	Source        nhs.Source
	Type, Key, ID string
	Subject       Subject
	Body          []byte
	System, Value string
}

// Barrer keeps the bars.
type Barrer interface {
	// Barring says whether anything is barred at all. It costs nothing.
	Barring() bool
	// Barred gives the bar of each that is barred, by its place in the list.
	Barred(list []Named) (map[int]Bar, error)
	// Bar adds bars.
	Bar(list []Bar) error
	// Unbar takes the bars of one case away, or those of one person, and gives how many
	// there were.
	Unbar(caseID string, person int64) (int, error)
	// HoldBack notes that a message was held back under a case. Its bytes are to be
	// destroyed; HeldBack is asked for those that are not yet, Destroyed says that they are.
	HoldBack(m MessageID, caseID string) error
	HeldBack() ([]MessageID, error)
	Destroyed(m MessageID) error
}

// BarredCase is how many bars there are under a case, and how many messages were held back.
type BarredCase struct {
	Case     string
	Items    int
	People   int // whose bars end when their source says something new of them
	Messages int
}

// Bars tells of the bars.
type Bars interface {
	// BarsOf gives the bars of a case.
	BarsOf(caseID string) ([]Bar, error)
	// BarredCases counts them.
	BarredCases() ([]BarredCase, error)
	// HeldBackUnder gives the latest messages that were held back under a case.
	HeldBackUnder(caseID string, limit int) ([]MessageID, error)
}
