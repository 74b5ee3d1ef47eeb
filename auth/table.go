package auth

import (
	"slices"
	"strings"

	"selda/mpi/fold"
	"selda/nhs"
)

// Table is the port to where accounts are kept. A region has as many as it has
// citizens: nothing that is asked of it but Accounts without a limit may take longer
// where there are more.
type Table interface {
	// Account is what is kept of a user; false where there is none.
	Account(user string) (Kept, bool, error)
	// Accounts are those that a query asks for, by user name.
	Accounts(q Query) ([]Kept, error)
	// SaveAccounts keeps all of them or none, each in the place of the version that it
	// says, 0 where there is none yet. The fault is Conflict where another one is there.
	SaveAccounts(list ...Kept) error
	// RemoveAccount takes one away, and says whether it was there.
	RemoveAccount(user string) (bool, error)
	// CountAccounts says how many there are, of one organisation or, for "", of each.
	CountAccounts(o nhs.ODS) ([]Count, error)
}

// Kept is an account as a Table keeps it: what it is found by, and the rest as bytes.
type Kept struct {
	User         string
	Version      int64
	Role         nhs.Role
	Organisation nhs.ODS // "" of citizens and of those who act for others
	Words        string  // by which a professional is searched for; "" of the others
	Person       string  // stands for the NHS number; "" where there is none
	Body         []byte
}

// Query asks for accounts. Whatever is set has to hold.
type Query struct {
	// Working leaves out citizens and those who act for others.
	Working      bool
	Organisation nhs.ODS
	// Words stand in the name or the user name of a professional; WordsOf makes them.
	Words  []string
	Person string
	After  string // of user names
	Limit  int    // 0: all
}

// Count is how many accounts of an organisation, "" of none, are of a role.
type Count struct {
	Organisation nhs.ODS
	Role         nhs.Role
	N            int
}

// Words are what somebody searches for as a Query has it.
func Words(s string) (out []string) {
	for _, w := range strings.Fields(s) {
		out = append(out, word(w))
	}
	return out
}

// word is a word as it is compared: of a name without case and accents, of a user name
// that is more than letters as it is.
func word(s string) string {
	if w := fold.Name(s); w != "" && !strings.ContainsAny(s, "0123456789-_.:@") {
		return w
	}
	return strings.ToLower(s)
}

// searched is the words by which an account is searched for: those of the name, whole and
// in the parts that a hyphen joins, and the user name.
func searched(a *Account) string {
	if a.Organisation == "" {
		return ""
	}
	out := append(Words(a.Name), strings.ToLower(a.User))
	for _, w := range strings.Fields(a.Name) {
		out = append(out, fold.Name(w))
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}
