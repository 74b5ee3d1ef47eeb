package rights

import (
	_ "embed"
	"strings"
	"time"

	"selda/fault"
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
	Ended   time.Time  `json:"ended,omitzero"`
	EndedBy Who        `json:"endedBy,omitzero"`
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
	case h.By.User == "":
		return fault.E(op, fault.Login, "nobody is signed in")
	}
	return nil
}

// Stops says whether a hold that is in force is of what would be destroyed.
func (h *Hold) Stops(citizen, caseID string, source nhs.Source) bool {
	switch {
	case !h.Ended.IsZero():
		return false
	case h.Citizen != "":
		return h.Citizen == citizen
	case h.Case != "":
		return h.Case == caseID
	}
	return h.Source == source || h.Source != "" && h.Source.System() == "" && h.Source.Organisation() == source.Organisation()
}
