package page

import (
	"net/url"

	"selda/web/view"
)

// SecretsPage is an administrator's: who answers for each account, key and
// certificate, and what ends.
type SecretsPage struct {
	Frame
	Done, Error, ErrorAt string
	Counts               []string // "2 no owner", the most urgent first
	Rows                 []SecretRow
	Total                int
	All                  bool     // those that are in order are shown, too
	More                 bool     // there are more than are shown
	Change               *OwnForm // nil: no form is open
}

// SecretRow is one of them.
type SecretRow struct {
	Name, Title, Kind   string
	State               string
	Tone                view.Tone
	Owner, Contact      string
	Ends, Left          string // "26-Nov-2027", "in 30 days"
	Made, Rotated, Used string
	Why, How            string
	Command             string // that replaces it; "" where none does
	Change              string
}

// OwnForm is the form in which somebody says who answers for one.
type OwnForm struct {
	Name, Title, Owner, Contact string
	Ends                        bool // an end can be said
	Until, Tomorrow             string
}

// Escape is a name in a query.
func Escape(s string) string { return url.QueryEscape(s) }

func orNobody(s string) string {
	if s == "" {
		return "nobody"
	}
	return s
}
