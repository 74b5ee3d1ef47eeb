package page

// Sharing is the sharing choices of a citizen, step by step: what is in force and
// the ways to share; what one of them needs to know; what it would change.
type Sharing struct {
	Action string
	Error  string
	Saved  string // what was saved just now
	Behalf string // whom somebody states it for; "" on the own page

	Now, Past []Stated // what is in force, and all that was stated
	Others    bool     // some of it is not for the reader to take back

	Choices []Choice // the ways to share
	Details *Details
	Preview *Preview
}

// Stated is one thing that was stated about sharing.
type Stated struct {
	Words string
	Who   string // "You", or who stated it for them, and on what authority
	When  string
	Until string // when it was taken back or changed
	Back  string // where to take it back
}

// Choice is one way to share.
type Choice struct {
	Code, Title, Text string
	Now               bool // it is in force
}

// Details are what a way to share needs to know.
type Details struct {
	Choice        Choice
	Item          string // the item's title, of a choice about one
	Ref           string // the item itself
	Organisations []Option
	Kinds         []Option
	Closed        bool // no emergency override
	From, Until   string
	Authorities   []Reason // on what authority, of somebody who states it for another
	Evidence      string
}

// Option is one thing that can be ticked.
type Option struct {
	Code, Text string
	On         bool
}

// Preview says what a choice would do.
type Preview struct {
	Choice  Choice
	Words   string   // what will be stated
	Changes []string // "A doctor at King's will not see your GP medicines"
	Keeps   []string // what stays as it is
	Fields  []Field  // what the form says again when it is saved
}

// Field is a name and value that a form says again.
type Field struct{ Name, Value string }

// BehalfPage is the page by which staff state a choice for a citizen.
type BehalfPage struct {
	Frame
	Banner  Banner
	Base    string
	Sharing Sharing
}

// fromWhom asks whom a choice is about.
func fromWhom(d Details) string {
	if d.Choice.Code == "organisation" {
		return "Which services should not see it?"
	}
	return "Keep it from everyone, or only from some?"
}

func fromWhomHint(d Details) string {
	if d.Choice.Code == "organisation" {
		return "These services hold something about you, or have looked. Each still sees what it wrote itself."
	}
	return "Choose services to keep it from only those. Choose none to keep it from everyone."
}
