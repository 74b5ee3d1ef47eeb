package page

// RetentionPage is how long things are kept, and what is held beyond that.
type RetentionPage struct {
	Frame
	Organisation   string
	Schedule, Code string // its name, and what it follows
	Rules          []RetentionRow
	Holds, Ended   []HoldRow
	Form           HoldForm
	Done, Error    string
	ErrorAt        string // the field
	Tomorrow       string
}

// RetentionRow is one class of the schedule.
type RetentionRow struct {
	Class, Words, Because string
}

// HoldRow is one hold.
type HoldRow struct {
	ID, What, Href, Why, By, From, Until string
	Asked                                string // who has asked that it ends, and why
	Ask, Agree                           bool   // what the reader may do
}

// HoldForm is a hold as it was filled in.
type HoldForm struct{ What, Number, Case, Source, Why, Until string }
