package rights

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"selda/fault"
	"selda/nhs"
)

// This file is the disposal of what has been kept long enough, or of one item that a court
// has ordered to be removed: a list that one person proposes and another approves, and the
// statement of what was destroyed.

// The files of a disposal.
const (
	ListFile      = "list.json"
	StatementFile = "statement.json"
)

// RemovalClass is the class of a list that is of one item, not of a schedule's. It stays
// removed whoever comes back.
const RemovalClass = "removal"

// MostPeople is how many people one approval is of, and MostListed how many items.
const (
	MostPeople = 200
	MostListed = 20_000
)

// Listed is an item that would be destroyed, in the version that was listed.
type Listed struct {
	Type    string `json:"type"`
	ID      string `json:"id"`
	Version int    `json:"version"`
}

// OfPerson is what would be destroyed of one person as one source knows them.
type OfPerson struct {
	Citizen string     `json:"citizen"`
	Subject int64      `json:"subject"`
	Source  nhs.Source `json:"source"`
	Due     string     `json:"due,omitempty"`
	// Whole: nothing would be left of them there, and what they are known by goes too.
	Whole bool     `json:"whole,omitempty"`
	Items []Listed `json:"items"`
}

// List is what one approval is of.
type List struct {
	Class        string     `json:"class"`
	Rule         string     `json:"rule"` // in words
	Organisation nhs.ODS    `json:"organisation"`
	Order        string     `json:"order,omitempty"` // of a court
	Case         string     `json:"case,omitempty"`  // of the erasure
	People       []OfPerson `json:"people"`
	More         bool       `json:"more,omitempty"` // there are others, for another list
}

// Hash is of the list as it was approved.
func (l *List) Hash() string {
	b, _ := json.Marshal(l) // strings and numbers alone
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Kinds are how many items of each type are listed.
func (l *List) Kinds() map[string]int {
	out := map[string]int{}
	for _, p := range l.People {
		for _, i := range p.Items {
			out[i.Type]++
		}
	}
	return out
}

// Words are the list in a sentence.
func (l *List) Words() string {
	kinds, n := l.Kinds(), 0
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		parts = append(parts, fmt.Sprintf("%d %s", kinds[k], k))
		n += kinds[k]
	}
	people, items := "people", "items"
	if len(l.People) == 1 {
		people = "person"
	}
	if n == 1 {
		items = "item"
	}
	return fmt.Sprintf("%s. %d %s, %d %s: %s", l.Rule, len(l.People), people, n, items, strings.Join(parts, ", "))
}

// Statement is the proof of a disposal: what was destroyed, under which rule, by whom. It
// names nobody.
type Statement struct {
	Statement string         `json:"statement"`
	Case      string         `json:"case"`
	At        time.Time      `json:"at"`
	Class     string         `json:"class"`
	Rule      string         `json:"rule"`
	Order     string         `json:"order,omitempty"`
	Of        nhs.ODS        `json:"organisation"`
	People    int            `json:"people"`
	Whole     int            `json:"whole"` // of whom nothing is left there
	Items     map[string]int `json:"items"`
	Versions  int            `json:"versions"`
	Messages  int            `json:"messages"` // raw messages whose bytes were overwritten
	// Left are messages in quarantine that are about others, too: they stay until they are used.
	Left      int      `json:"messagesLeft,omitempty"`
	Proposed  Who      `json:"proposed"`
	Approved  Who      `json:"approved"`
	CarriedBy Who      `json:"carriedOut"`
	List      string   `json:"list"` // SHA-256 of the list that was approved
	Places    []string `json:"places"`
	// Copies are downtime copies that were made anew, and CopiesLeft those that still have it:
	// they are elsewhere, or were in use.
	Copies     int `json:"downtimeCopies"`
	CopiesLeft int `json:"downtimeCopiesLeft,omitempty"`
}

// StatementKind names the form of a statement.
const StatementKind = "selda.example/disposal@v1"

// Places are where what is destroyed has been, and is not any more.
var Places = []string{"record, in every version", "search index", "log of commits", "raw messages", "messages' table", "subscribers' queues", "exports", "copies that were given out", "database files, written anew",
	"population data: none is kept"}

// Encode is the statement as a file, and its hash, as the trail has it.
func (s *Statement) Encode() (file []byte, hash string, err error) {
	if file, err = json.MarshalIndent(s, "", "  "); err != nil {
		return nil, "", fault.E("rights.Statement", fault.Exception, err)
	}
	file = append(file, '\n')
	sum := sha256.Sum256(file)
	return file, hex.EncodeToString(sum[:]), nil
}

// Barring says whether what was destroyed under a case is kept from coming in again.
func (c *Case) Barring() bool {
	_, let := c.Last(LetIn)
	return c.Asked.Kind == Disposal && c.Outcome == "destroyed" && !let
}

// letIn has what was destroyed by mistake come in again: one person asks, another agrees.
func (c Case) letIn(s Step) (Case, error) {
	const op = "rights.Act"
	asked, is := c.Last(AskedLetIn)
	switch {
	case !c.Barring():
		return c, fault.E(op, fault.Conflict, "nothing of it is held back")
	case s.Did == AskedLetIn && is:
		return c, fault.E(op, fault.Conflict, "it is asked already: another person agrees")
	case s.Did == LetIn && !is:
		return c, fault.E(op, fault.Conflict, "nobody has asked for it yet: one person asks, another agrees")
	case s.Did == LetIn && asked.By.User == s.By.User:
		return c, fault.E(op, fault.Security, "another person agrees to what you have asked for")
	}
	return c, nil
}

func (c *Case) destroyed() bool { _, ok := c.Last(Destroyed); return ok }

// Approval is who has approved a disposal: somebody else than who proposed it.
func (c *Case) Approval() (Who, bool) {
	s, ok := c.Last(Approved)
	if !ok || c.Asked.Kind != Disposal || s.By.User == c.Asked.Who.User {
		return Who{}, false
	}
	return s.By, true
}
