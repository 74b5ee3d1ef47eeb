package page

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

// AccountsPage is an administrator's.
type AccountsPage struct {
	Frame
	Accounts []AccountRow
	Citizens int // accounts of citizens and of those who act for them
}

// AccountRow is one account.
type AccountRow struct{ User, Name, Role, Organisation string }

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
