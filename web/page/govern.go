package page

// RulesPage is the rules in force, by role, for those who govern.
type RulesPage struct {
	Frame
	Rules []RuleRow
}

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
