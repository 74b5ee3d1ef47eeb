package page

// Rights is what somebody has asked for of their rights, and where they ask.
type Rights struct {
	Action string // where the forms are sent
	Base   string
	Done   string
	Error  string
	Asked  []MyCase
	Kinds  []KindOption
	Chosen string
	Words  string
	Item   string // in words, of which it is asked; "" of the whole
	Back   string
}

// MyCase is one request to one organisation, in plain words.
type MyCase struct {
	ID, Title, About string
	Who              string // which organisation
	When             string // received
	State            []string
	Over             bool
	Answers          bool // a question waits for their answer
	Withdraw         bool
	Files            []Link
	Complain         bool
}

// CasesPage are the cases of an organisation.
type CasesPage struct {
	Frame
	Organisation string
	Error        string
	Open, Closed []CaseRow
	Kinds        []Reason
	Form         CaseForm
}

// CaseForm is a request that is written down, as it was filled in.
type CaseForm struct{ Number, Kind, Asker, Identity, Words, Order, Item string }

// CaseRow is one case in a list.
type CaseRow struct {
	ID, What, State, Received, Due, Left, Mark string
	Href                                       string
	Late                                       bool
}

// CasePage is one case, for who works it.
type CasePage struct {
	Frame
	CaseRow
	Done, Error  string
	Person       string // who it is about
	Number       string
	Asked        []Fact
	Item         string
	Steps        []CaseStep
	Acts         []CaseAct
	Action       string
	Files        []Link
	Review       *CaseReview
	Listed       []ListedRow // of a disposal
	More         bool
	Clause       string
	Organisation string
}

// ListedRow is what would be destroyed of one person.
type ListedRow struct{ Citizen, Source, Due, What, Items string }

// Fact is a word with what it is.
type Fact struct{ Name, Text string }

// CaseStep is a step in words.
type CaseStep struct{ When, Who, Did, Words string }

// CaseAct is what can be done to a case: a form.
type CaseAct struct {
	Did, Title, Hint, Button string
	Words                    string // what is to be written; "" for nothing
	To, On                   string // what these are asked by
	Min                      string // the first day
	Outcomes                 []Reason
	Of                       []Choose // what is restricted, to be chosen
	What                     string   // what is, where nothing is to be chosen
}

// Choose is one box to tick.
type Choose struct{ Code, Text string }

// CaseReview is the looking through of what goes into a copy.
type CaseReview struct {
	Marked []ReviewItem
	Rest   []ReviewItem
	Seen   bool   // the rest was looked through
	Redact string // words, one a line
	Ready  bool   // all is decided
	Why    []Reason
	Open   int // still to be decided
	Copy   bool
}

// ReviewItem is an item that is looked at before it goes into a copy.
type ReviewItem struct {
	Ref, Title, When, Marks string
	Text                    []Fact
	Decided                 string
	Release                 bool
	Exemption, Opinion      string
}
