package rights

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// This file is the looking through of what goes into a copy: nothing goes out that
// nobody has looked at. What has a label is decided one by one, the rest as a whole.

// Reviewed is what was decided of one item of a copy.
type Reviewed struct {
	Item    policy.Item `json:"item"`
	Version int         `json:"version"` // of the item that was looked at
	// Exemption is why it is withheld; "" where it is released.
	Exemption string `json:"exemption,omitempty"`
	// Opinion is the health professional's whose opinion it rests on.
	Opinion string    `json:"opinion,omitempty"`
	By      Who       `json:"by"`
	At      time.Time `json:"at"`
}

// Exemption is why something may be withheld from a copy.
type Exemption struct {
	Code, Words string
	Opinion     bool // rests on the opinion of a health professional
	// Told is what the person reads; "" where that it was left out is not told, since it
	// would give away what it is.
	Told string
}

// Exemptions are those that a controller chooses from.
var Exemptions = []Exemption{
	{"third-party", "It is about another person (DPA 2018 Sch 2 para 16, 17)", false, "Some information was left out because it is about another person."},
	{"serious-harm", "It would be likely to cause serious harm (DPA 2018 Sch 3 para 5)", true, ""},
	{"expectation", "It was given in the expectation that it is not told (DPA 2018 Sch 3 para 4)", false, ""},
	{"child-abuse", "Safeguarding: it is not in the interests of the person (DPA 2018 Sch 3 para 21)", false, ""},
	{"crime", "It would get in the way of preventing or finding out a crime (DPA 2018 Sch 2 para 2)", false, ""},
	{"court", "A court has it, and its rules keep it (DPA 2018 Sch 3 para 3)", false, ""},
	{"statute", "Adoption, or fertility treatment: its own statute (DPA 2018 Sch 4)", false, ""},
	{"privilege", "Legal professional privilege (DPA 2018 Sch 2 para 19)", false, "Some information was left out because it is advice of a lawyer."},
}

func exemptionOf(code string) (Exemption, bool) {
	i := slices.IndexFunc(Exemptions, func(e Exemption) bool { return e.Code == code })
	if i < 0 {
		return Exemption{}, false
	}
	return Exemptions[i], true
}

// Entry is an item that is kept, as it may go into a copy.
type Entry struct {
	Item     policy.Item
	Version  int
	Source   nhs.Source
	Labels   policy.Labels
	Recorded time.Time
	When     time.Time
	Body     []byte // with id and meta
	// Earlier are the versions before, the latest first, and Older how many there are still: they
	// are kept, too (Art 15). What is decided of the item is decided of them; Labels are those
	// of all.
	Earlier []Earlier
	Older   int
}

// Earlier is a version of an item that was replaced.
type Earlier struct {
	Recorded, Replaced time.Time
	Body               []byte // with id and meta
}

// MostEarlier is how many versions of an item go into a copy, beside the one in force.
const MostEarlier = 20

// Marked are the labels of an item for which it is decided by itself: those of an audience.
func (e *Entry) Marked() policy.Labels {
	var all policy.Labels
	for _, a := range policy.Audiences() {
		all |= a.Label
	}
	return e.Labels & all
}

// secret are the labels by which an item is hidden from the person it is about.
func secret() (out policy.Labels) {
	for _, a := range policy.Audiences() {
		if !a.Citizen {
			out |= a.Label
		}
	}
	return out
}

// decision is what was decided of an item as it is now.
func (c *Case) decision(e *Entry) (Reviewed, bool) {
	i := slices.IndexFunc(c.Reviewed, func(r Reviewed) bool { return r.Item == e.Item && r.Version == e.Version })
	if i < 0 {
		return Reviewed{}, false
	}
	return c.Reviewed[i], true
}

// Decision is what was decided of an item as it is now; false where nothing was yet.
func (c *Case) Decision(e *Entry) (Reviewed, bool) { return c.decision(e) }

// RestOf tells what nothing marks apart from what it was when somebody looked through it.
func RestOf(entries []Entry) string {
	var lines []string
	for i := range entries {
		if e := &entries[i]; e.Marked() == 0 {
			lines = append(lines, fmt.Sprintf("%s/%s/%d", e.Item.Type, e.Item.ID, e.Version))
		}
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

// Undecided is how much is still to be decided before a copy can be made.
func (c *Case) Undecided(entries []Entry) int {
	n := 0
	for i := range entries {
		if _, ok := c.decision(&entries[i]); !ok && entries[i].Marked() != 0 {
			n++
		}
	}
	if c.Rest != RestOf(entries) {
		n++
	}
	return n
}

// most of what a case may hold.
const (
	mostRedact = 200
	mostLine   = 200
)

// Review decides about one item of a copy.
func (c Case) Review(r Reviewed) (Case, error) {
	const op = "rights.Review"
	e, known := exemptionOf(r.Exemption)
	r.Opinion = strings.TrimSpace(r.Opinion)
	switch {
	case c.Asked.Kind != Access || c.State == Closed:
		return c, fault.E(op, fault.Conflict, "only an open request for a copy is looked through")
	case r.Exemption != "" && !known:
		return c, fault.E(op, fault.Value, "choose why it is withheld", "exemption")
	case e.Opinion && r.Opinion == "":
		return c, fault.E(op, fault.Value, "write whose opinion it is that it would cause serious harm: a health professional’s, of the last six months", "opinion")
	case len(r.Opinion) > mostLine:
		return c, fault.E(op, fault.Value, "write it in at most 200 letters", "opinion")
	}
	c.Reviewed = append(slices.DeleteFunc(slices.Clone(c.Reviewed), func(x Reviewed) bool { return x.Item == r.Item }), r)
	return c, nil
}

// TakeOut says which words are to be taken out of the whole copy.
func (c Case) TakeOut(lines []string) (Case, error) {
	const op = "rights.TakeOut"
	var out []string
	for _, l := range lines {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
		if len(l) > mostLine || len(out) > mostRedact {
			return c, fault.E(op, fault.Value, "write at most 200 lines of 200 letters", "redact")
		}
	}
	if c.Asked.Kind != Access || c.State == Closed {
		return c, fault.E(op, fault.Conflict, "only an open request for a copy is looked through")
	}
	c.Redact = out
	return c, nil
}

// Through says that what nothing marks was looked through.
func (c Case) Through(entries []Entry) (Case, error) {
	if c.Asked.Kind != Access || c.State == Closed {
		return c, fault.E("rights.Through", fault.Conflict, "only an open request for a copy is looked through")
	}
	c.Rest = RestOf(entries)
	return c, nil
}
