package rights

import (
	_ "embed"
	"strings"
	"time"

	"selda/fault"
	"selda/internal/london"
	"selda/nhs"
)

//go:embed retention.yaml
var box []byte

// Box is the schedule that holds where none was put in force: nothing is destroyed by it
// but by a proposal that another person approves.
func Box() ([]byte, *Schedule) {
	s, err := ParseSchedule(box)
	if err != nil {
		panic(err) // a test reads it
	}
	return box, s
}

// Hold stops disposal: of a person, of what a case is about, or of all of a source. An
// inquiry, a claim or an order needs what is kept, however old it is.
type Hold struct {
	ID      string     `json:"id"`
	Citizen string     `json:"citizen,omitempty"`
	Case    string     `json:"case,omitempty"`
	Source  nhs.Source `json:"source,omitempty"` // RJZ:PAS, or RJZ: for all of an organisation
	Why     string     `json:"why"`
	By      Who        `json:"by"`
	From    time.Time  `json:"from"`
	Until   time.Time  `json:"until,omitzero"` // it ends by itself; zero where somebody has to end it
	// That it ends is asked for by one person, with the reason, and agreed to by another.
	EndAsked   Who       `json:"endAsked,omitzero"`
	EndAskedAt time.Time `json:"endAskedAt,omitzero"`
	EndWhy     string    `json:"endWhy,omitempty"`
	Ended      time.Time `json:"ended,omitzero"`
	EndedBy    Who       `json:"endedBy,omitzero"`
}

// Check says what is wrong with a hold.
func (h *Hold) Check() error {
	const op = "rights.Hold"
	h.Why = strings.TrimSpace(h.Why)
	switch {
	case h.Citizen == "" && h.Case == "" && h.Source == "":
		return fault.E(op, fault.Required, "say what is held: a person, a case or a source")
	case h.Why == "" || len(h.Why) > 300:
		return fault.E(op, fault.Value, "write why it is held, in at most 300 letters", "why")
	case !h.Until.IsZero() && !h.Until.After(h.From):
		return fault.E(op, fault.Value, "it ends on a day that is yet to come", "until")
	case h.By.User == "":
		return fault.E(op, fault.Login, "nobody is signed in")
	}
	return nil
}

// Holds says whether a hold is in force at a time.
func (h *Hold) Holds(now time.Time) bool {
	return h.Ended.IsZero() && (h.Until.IsZero() || now.Before(h.Until))
}

// AskEnd has one person ask that it ends.
func (h Hold) AskEnd(by Who, why string, now time.Time) (Hold, error) {
	const op = "rights.AskEnd"
	why = strings.TrimSpace(why)
	switch {
	case !h.Holds(now):
		return h, fault.E(op, fault.Conflict, "it is not in force any more")
	case h.EndAsked.User != "":
		return h, fault.E(op, fault.Conflict, "it is asked already: another person agrees")
	case why == "" || len(why) > 300:
		return h, fault.E(op, fault.Value, "write why it ends, in at most 300 letters", "why")
	}
	h.EndAsked, h.EndAskedAt, h.EndWhy = by, now, why
	return h, nil
}

// End has another person agree that it ends.
func (h Hold) End(by Who, now time.Time) (Hold, error) {
	const op = "rights.End"
	switch {
	case !h.Holds(now):
		return h, fault.E(op, fault.Conflict, "it is not in force any more")
	case h.EndAsked.User == "":
		return h, fault.E(op, fault.Conflict, "nobody has asked that it ends: one person asks, another agrees")
	case h.EndAsked.User == by.User:
		return h, fault.E(op, fault.Security, "another person agrees to what you have asked for")
	}
	h.Ended, h.EndedBy = now, by
	return h, nil
}

// Stops says whether a hold that is in force is of what would be destroyed.
func (h *Hold) Stops(citizen, caseID string, source nhs.Source, now time.Time) bool {
	switch {
	case !h.Holds(now):
		return false
	case h.Citizen != "":
		return h.Citizen == citizen
	case h.Case != "":
		return h.Case == caseID
	}
	return h.Source == source || h.Source != "" && h.Source.System() == "" && h.Source.Organisation() == source.Organisation()
}

// HeldUntil is the end of the day until which something is held; zero for no day.
func HeldUntil(day string) (time.Time, error) {
	if day == "" {
		return time.Time{}, nil
	}
	on, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return time.Time{}, fault.E("rights.HeldUntil", fault.Value, "write the day as 2027-03-31", "until")
	}
	_, end := london.Day(on.Add(12 * time.Hour))
	return end, nil
}
