// Package rights is what somebody may ask of those who keep their record, as cases
// with a clock (G18): a copy, a correction, a restriction, a removal, an objection;
// and the disposal of what has been kept long enough. It is pure: a case is changed
// by what somebody does at a time, and both are arguments. It keeps nothing and
// reads no record.
//
// In order: Open makes a case for one controller (G2), an Act moves it on, Due says by
// when it is to be answered, and its steps say what was done when and by whom. What is
// given out is made by copy.go and cleaned by redact.go.
//
// UK GDPR Art 12, 12A, 15 to 18, 21; Data Protection Act 2018, Schedules 2 and 3.
package rights

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// Kind is what is asked.
type Kind string

// The kinds.
const (
	Access      Kind = "access"      // Art 15
	Correction  Kind = "correction"  // Art 16
	Restriction Kind = "restriction" // Art 18
	Erasure     Kind = "erasure"     // Art 17, and removal that a court has ordered
	Objection   Kind = "objection"   // Art 21
	Disposal    Kind = "disposal"    // kept long enough
)

// KindWords are a kind in words: to those who work the case, and to the person.
type KindWords struct {
	Kind   Kind
	Title  string
	Plain  string // "You asked for a copy of your record"
	Ask    string // what the person chooses
	Hint   string
	Clause string
}

// Kinds are those that somebody may ask for.
var Kinds = []KindWords{
	{Access, "A copy of the record", "You asked for a copy of your record", "I want a copy of my record", "Everything that is kept about you, and who has looked at it.", "UK GDPR Art 15"},
	{Correction, "A correction", "You told us that something is wrong", "Something in my record is wrong", "Whoever wrote it checks it. If they do not change it, a note can be put beside it.", "UK GDPR Art 16"},
	{Restriction, "A restriction", "You asked us to stop using some of your record", "Do not use something in my record for now", "It is kept, but the people who care for you do not see it unless your life is at risk.", "UK GDPR Art 18"},
	{Erasure, "A removal", "You asked us to remove something", "I want something removed", "Health records are often kept by law. Somebody checks what can be removed.", "UK GDPR Art 17"},
	{Objection, "An objection", "You said that you object to how your record is used", "I object to how my record is used", "Say what you object to, and why.", "UK GDPR Art 21"},
}

// WordsOf finds the words of a kind.
func WordsOf(k Kind) (KindWords, bool) {
	if k == Disposal {
		return KindWords{Kind: Disposal, Title: "A disposal", Plain: "What was kept long enough is being looked at", Clause: "UK GDPR Art 5(1)(e)"}, true
	}
	i := slices.IndexFunc(Kinds, func(w KindWords) bool { return w.Kind == k })
	if i < 0 {
		return KindWords{}, false
	}
	return Kinds[i], true
}

// State is where a case stands.
type State string

// The states.
const (
	Working               State = "open"
	AwaitingIdentity      State = "awaiting-identity"
	AwaitingClarification State = "awaiting-clarification"
	WithSource            State = "with-source" // a correction: whoever wrote the item has been asked
	Closed                State = "closed"
)

// Who is somebody who does something.
type Who struct {
	User         string   `json:"user"`
	Name         string   `json:"name"`
	Role         nhs.Role `json:"role,omitempty"`
	Organisation nhs.ODS  `json:"organisation,omitempty"`
}

// Ways in which a request came.
const (
	ByPerson = "person" // by the person, on their page
	ByProxy  = "proxy"  // by who acts for them, on that page
	ByStaff  = "staff"  // written down for them
	ByCourt  = "court"  // an order of a court
)

// Asked is a request as it came.
type Asked struct {
	Kind     Kind        `json:"kind"`
	Citizen  string      `json:"citizen"` // stable id
	By       string      `json:"by"`      // one of the ways
	Who      Who         `json:"who"`     // who wrote it down
	Asker    string      `json:"asker,omitempty"`
	Identity string      `json:"identity,omitempty"` // how it was shown that they are who they say
	Words    string      `json:"words,omitempty"`
	Item     policy.Item `json:"item,omitzero"` // of which it is; the zero Item for all that the controller keeps
	Title    string      `json:"title,omitempty"`
	Source   nhs.Source  `json:"source,omitempty"` // of the item, or all of whose it is
	Order    string      `json:"order,omitempty"`  // the court's number
	Said     string      `json:"said,omitempty"`   // what the source said of the item then, by its hash
}

// Step is one thing that was done, when and by whom.
type Step struct {
	At    time.Time `json:"at"`
	By    Who       `json:"by"`
	Did   Did       `json:"did"`
	Words string    `json:"words,omitempty"`
	To    nhs.ODS   `json:"to,omitempty"`   // whom it was handed to
	On    string    `json:"on,omitempty"`   // a day: when something comes into force
	Code  string    `json:"code,omitempty"` // outcome, or exemption
	Of    []string  `json:"of,omitempty"`   // what a restriction is of, where the request names no item: Everything, a source, or items
}

// Case is one request to one controller.
type Case struct {
	ID         string    `json:"id"`
	Version    int64     `json:"version"` // of what is kept; the keeper's
	Request    string    `json:"request"` // what was asked at once of several controllers has this in common
	Controller nhs.ODS   `json:"controller"`
	Received   time.Time `json:"received"`
	State      State     `json:"state"`
	Extended   bool      `json:"extended,omitempty"`
	Outcome    string    `json:"outcome,omitempty"`
	Asked      Asked     `json:"asked"`
	Steps      []Step    `json:"steps"`
	// Reviewed is what was decided of each item that goes into a copy.
	Reviewed []Reviewed `json:"reviewed,omitempty"`
	// Words that are taken out of the whole copy.
	Redact []string `json:"redact,omitempty"`
	// Rest is of the items that nothing marks, as they were when somebody looked through them.
	Rest string `json:"rest,omitempty"`
	// Files are what was given out, by the SHA-256 of each.
	Files []File `json:"files,omitempty"`
}

// File is what was given out.
type File struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Bytes  int    `json:"bytes"`
}

// maxWords bounds what somebody writes.
const maxWords = 2000

// Open makes a case of a request, for one controller.
func Open(id, request string, controller nhs.ODS, a Asked, now time.Time) (Case, error) {
	const op = "rights.Open"
	_, known := WordsOf(a.Kind)
	a.Words, a.Identity, a.Asker = strings.TrimSpace(a.Words), strings.TrimSpace(a.Identity), strings.TrimSpace(a.Asker)
	var err error
	switch {
	case id == "" || a.Citizen == "" && a.Kind != Disposal || controller == "" || a.Who.User == "":
		err = fault.E(op, fault.Required, "a case says whose it is, who asks and which organisation answers")
	case !known:
		err = fault.E(op, fault.Value, "choose what is asked for", "kind")
	case (a.Kind != Access && a.Kind != Disposal || a.By == ByCourt) && a.Words == "":
		err = fault.E(op, fault.Value, "write what it is about, and why", "words")
	case len(a.Words) > maxWords || len(a.Identity) > 300 || len(a.Asker) > 200 || !utf8.ValidString(a.Words+a.Identity+a.Asker):
		err = fault.E(op, fault.Value, "write it in at most 2,000 letters", "words")
	case a.Kind == Correction && a.Item.ID == "":
		err = fault.E(op, fault.Value, "say which item is wrong", "item")
	case a.By == ByStaff && a.Asker == "":
		err = fault.E(op, fault.Value, "write who asked", "asker")
	case a.By == ByCourt && a.Order == "":
		err = fault.E(op, fault.Value, "write the court's number of the order", "order")
	}
	if err != nil {
		return Case{}, err
	}
	c := Case{ID: id, Request: request, Controller: controller, Received: now, State: Working, Asked: a}
	c.Steps = []Step{{At: now, By: a.Who, Did: Received, Words: a.Identity}}
	if a.By == ByStaff && a.Identity == "" { // the month begins when it is known who asks
		c.State = AwaitingIdentity
		c.Steps = append(c.Steps, Step{At: now, By: a.Who, Did: AskedIdentity, Words: "It has yet to be shown that they are who they say."})
	}
	return c, nil
}

// Restricting says whether a case restricts something now, or has announced when it ends.
func (c *Case) Restricting() bool {
	on := false
	for _, s := range c.Steps {
		switch s.Did {
		case Restrained:
			on = true
		case Lifted:
			on = false
		}
	}
	return on
}

// Last is the last step of a kind.
func (c *Case) Last(d Did) (Step, bool) {
	for i := len(c.Steps) - 1; i >= 0; i-- {
		if c.Steps[i].Did == d {
			return c.Steps[i], true
		}
	}
	return Step{}, false
}
