package page

import "selda/web/view"

// RulesPage is the rules in force, by role, for those who govern.
type RulesPage struct {
	Frame
	Rules     []RuleRow
	Audiences []AudienceRow
}

// AudienceRow is who sees the items that have a label.
type AudienceRow struct {
	Label, Own, Elsewhere, Emergency, Citizen, Proxy, Letters string
	Href                                                      string // what is labelled so
}

// LabelsPage is the lists by which items get their labels.
type LabelsPage struct {
	Frame
	Lists []LabelList
}

// LabelList is one of them.
type LabelList struct {
	ID, Title, Why string
	Sources        string // whose items are all of it
	Count          int
	Sections       []LabelSection
}

// LabelSection is a part of a list.
type LabelSection struct {
	Title   string
	Entries []LabelEntry
}

// LabelEntry is a code of a list, and whose list it was taken from.
type LabelEntry struct{ System, Code, Words, Origin string }

// RuleRow is what one role may see and do.
type RuleRow struct {
	Role, Sees            string
	Hidden, HiddenOwn     string
	Declares, BreaksGlass bool
}

// AccountsPage is an administrator's: the people of their organisation.
type AccountsPage struct {
	Frame
	Organisation        string
	Accounts            []AccountRow
	Here                int    // accounts of the organisation
	Elsewhere, Citizens int    // accounts of other organisations, and of citizens and those who act for them
	Find                string // what was searched for
	Later               bool   // it is not the first page
	Next                string // after whom the next page begins; "" where there is none
	Add                 *AddAccount
}

// AddAccount is the form that makes an account, as it was filled in; nil where accounts
// are made elsewhere.
type AddAccount struct {
	User, Name, Contact, Ends, Why, Error string
	Roles                                 []Choice
	Role                                  string // which is chosen
}

// GivenPage shows a password that was given out, once.
type GivenPage struct {
	Frame
	User, Name, Password, Until string
}

// AccountRow is one account.
type AccountRow struct {
	User, Name, Role, Contact, EndDay     string
	SignedIn, Made, Ends                  view.Date
	Proofs                                []string
	Sessions                              []SessionRow
	Own, Disabled, Ended, System, Outside bool
}

// SessionRow is a session that goes on.
type SessionRow struct {
	Since view.Date
	From  string
}

// State is how an account stands, in a word.
func (a AccountRow) State() string {
	switch {
	case a.Disabled:
		return "disabled"
	case a.Ended:
		return "ended"
	}
	return "in use"
}

// AccountPage is one account, and what can be done to it.
type AccountPage struct {
	Frame
	Of                   AccountRow
	Organisation, Action string
	Today                view.Date
	Done, Error          string
}

// Plural is a number of things.
func Plural(n int, one, many string) string { return plural(n, one, many) }

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
