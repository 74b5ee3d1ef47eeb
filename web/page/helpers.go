package page

// HelperRow is somebody who acts for a person, in words.
type HelperRow struct {
	ID    string
	Name  string
	As    string // as what
	Since string
	Until string // what ends it, or how it ended
	Sees  string
	Proof string // what was seen, and by whom; to the practice
	Holds bool
	Why   string // it does not hold
	Stop  bool   // the reader may end it
	Again bool   // the practice decides again
}

// Helpers are those who act for a person, on the person's own page.
type Helpers struct {
	Action string
	Now    []HelperRow
	Past   []HelperRow
	Saved  string
}

// KindOption is a kind of acting to choose.
type KindOption struct{ Code, Text, Hint string }

// AskRow is a request that waits.
type AskRow struct {
	User, Name, As, AsCode, Why, When, Href string
}

// HelpersPage is the page of who acts for a person, for their practice.
type HelpersPage struct {
	Frame
	Banner  Banner
	Base    string
	Helpers Helpers
	Asked   []AskRow
	Found   []string // of capacity, the latest first
	Kinds   []KindOption
	Error   string
	Child   bool // from 11 to 15: the practice decides again
	Assess  bool // the reader may record capacity
	Sets    []SetOption
	// As it was filled in.
	User, As, Evidence, Until string
}

// SetOption is a kind of data that somebody may be let see alone.
type SetOption struct {
	Code, Text string
	Chosen     bool
}

// AskingPage is where somebody sees whom they help, and asks to help one more.
type AskingPage struct {
	Frame
	Kinds  []KindOption
	Error  string
	Sent   bool
	As     string
	Why    string
	Number string
}

// AskedPage is what waits at a practice.
type AskedPage struct {
	Frame
	Asked []AskRow
}
