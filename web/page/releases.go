package page

// ReleasesPage is the door for secondary use, and what went through it.
type ReleasesPage struct {
	Frame
	Agreements []Reason // under which something can be asked for
	Kinds      []Reason
	Asks       bool // the reader may ask
	Error      string
	// What was asked for.
	Agreement, Why, Kind, Code string
	By                         []Tick
	// What came of it.
	Made    bool
	People  string // counted, as it may be told
	Left    string // left out by opt-outs
	Head    []string
	Cells   []CountRow
	OptOuts string
	Log     []ReleaseRow
}

// Tick is a box that can be ticked.
type Tick struct {
	Code, Text string
	On         bool
}

// CountRow is how many people there are of something; * where they are few.
type CountRow struct {
	Of     []string
	People string
}

// ReleaseRow is a release that was made.
type ReleaseRow struct {
	On, Agreement, To, By, What, Purpose, Gateway, OptOuts string
	People, OptedOut                                       string
	Broken                                                 bool
}
