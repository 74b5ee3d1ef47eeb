package page

import "selda/web/view"

// GovernancePage is what is agreed and what has to be done about it.
type GovernancePage struct {
	Frame
	Notices    []NoticeRow
	Agreements []AgreementRow
	Flows      []FlowRow
	Uses       []UseRow
	AtLeast    bool // more was done than is counted
	Requests   []JoinRow
	Writes     bool // the reader may write agreements
	Done       string
}

// NoticeRow is something that a controller has to look at.
type NoticeRow struct {
	Agreement, Href, Words string
	Tone                   view.Tone
}

// AgreementRow is one agreement of the list.
type AgreementRow struct {
	ID, Title, Href, State, For, Begins, Ends string
	Tone                                      view.Tone
	Words                                     []string
}

// FlowRow is what a source has sent.
type FlowRow struct {
	Source, Name, Last string
	Day                int // messages in the last 24 hours
	Agreements         string
	Tone               view.Tone
	State              string
}

// UseRow is what an organisation's people did in the last 24 hours.
type UseRow struct {
	Organisation, Purpose         string
	Opened, Refused, Emergency, N int
}

// JoinRow is a request to join an agreement.
type JoinRow struct {
	ID, Organisation, Agreement, Why, By, On string
	Action                                   string // where it is decided; "" where the reader may not
}

// CataloguePage is which sources hold which kinds of data.
type CataloguePage struct {
	Frame
	Of      string // of whom it is counted
	Sources []HeldSource
}

// HeldSource is a source with its kinds of data.
type HeldSource struct {
	Source, Name string
	Kinds        []HeldRow
}

// HeldRow is a data set.
type HeldRow struct {
	Kind            string
	Items, Citizens int
	Under           string // the agreements; "" for none
}

// AgreementPage is one agreement.
type AgreementPage struct {
	Frame
	AgreementRow
	DataProtection, Confidentiality string
	Authority, Gateway, OptOut      string
	Contact                         string
	Notices                         []NoticeRow
	Signatures                      []SignatureRow
	Suspended                       []SuspendedRow
	Revisions                       []RevisionRow
	File                            string
	Base                            string
	Done, Error                     string
	MayAct, MayWrite, MayAsk        bool
	Own                             string // the reader's organisation, by code
}

// SignatureRow is one signature.
type SignatureRow struct{ Organisation, Name, Office, On, For string }

// SuspendedRow is a suspension that is in force.
type SuspendedRow struct{ From, Code, Since, Reason, By string }

// RevisionRow is one change of it.
type RevisionRow struct {
	Number      int
	At, By, Why string
}

// TrialPage is an agreement that is tried before it is signed.
type TrialPage struct {
	Frame
	File          string
	Error, Place  string
	Tried         bool
	ID            string
	Of            string // "of all 337 citizens"
	More, Fewer   int
	Changes       []TrialRow
	Shifts        []TrialRow // the greatest by organisation
	Paths         []PathRow
	PutIn         bool // the reader may put it in force
	Without       string
	WithoutAction string
}

// TrialRow is what changes for some readers.
type TrialRow struct {
	Reader, Role, Source, Kind string
	More, Fewer                int
	Readers, Sources, Citizens int
	Examples                   string
}

// PathRow is a pathway that would break.
type PathRow struct{ Pathway, Who, Lost string }

// WhyPage says why somebody sees an item or does not.
type WhyPage struct {
	Frame
	User, Item, Error string
	Asked             bool
	Sees              bool
	What              string // "problems of King's College Hospital"
	Record, Rules     []string
}

// NoticePage is the fair processing notice: what is shared with whom, and why.
type NoticePage struct {
	Frame
	Care, Other []AgreementNotice
	Stopped     []string
}

// AgreementNotice is one agreement for the people it is about.
type AgreementNotice struct {
	Title                           string
	Words                           []string
	DataProtection, Confidentiality string
	OptOut, Until, Contact, Signed  string
}
