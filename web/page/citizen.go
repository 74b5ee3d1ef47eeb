package page

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"selda/web/view"
)

// MyPage is a page of a citizen about their own record, or of somebody who
// helps them.
type MyPage struct {
	Frame
	First  string // what to call them
	Base   string // "/me"
	For    string // whose record it is, where it is somebody else's
	Of     string // their first name
	People []Link // whom else they can look after
	Own    bool   // it is somebody else's, and they have a page of their own
	Back   bool   // a link back to the first page

	Home    *Home
	Rows    *Rows
	Sharing *Sharing
	Looked  *Looked
	Letter  *Letter
	Rights  *Rights
	Helpers *Helpers // beside Rows
	Ends    string   // where somebody ends that they act for this person; "" of the own record
	Acting  string   // the id of that
	Asks    bool     // they may ask to help somebody
}

// Home is a citizen's first page.
type Home struct {
	Never             bool // they have not looked before
	New, ToDo, Coming []view.Item
	Menu              []Link
	Alive             string   // that a wrong statement of a death will count again, and what to do
	Emergencies       []string // of which they are told, a sentence each
}

// Rows is a list of their record, in plain words.
type Rows struct {
	Heading string
	Lead    string // what this page is
	Groups  []PlainGroup
	Empty   string
}

// fewRows is how many rows of a group are shown at once; the rest are a press away.
const fewRows = 6

// PlainGroup is rows under a heading.
type PlainGroup struct {
	Title string
	Items []PlainItem
}

// PlainItem is an item in plain words.
type PlainItem struct {
	view.Item
	// Means says what a result is, whether it is in range, and what happens next.
	Means []string
	By    string
}

// Looked is who has looked at the record.
type Looked struct {
	Looks []Look
	Days  []DayCount
	More  string
	Key   string // what a proof is checked with; "" where there are none
}

// DayCount is how many looks a day had.
type DayCount struct {
	Day   view.Date
	Count int
}

// Look is one access in words.
type Look struct {
	At        view.Date
	Who       string // a name, or a role where a safety ground is set
	Where     string
	Did       string // "looked at your record"
	Why       string
	Rule      string
	Emergency bool
	Ask       string // where to ask about it
	Answer    string // what became of that
	Proof     string // where its proof is
}

// PlainMeaning says what a result means in plain words: whether it is in its
// range. It never says what it means for the person: that is the clinician's.
func PlainMeaning(it view.Item) []string {
	var out []string
	v := it.Value
	if v.Text == "" {
		return nil
	}
	switch {
	case v.Flag == "" && v.Range != "":
		out = append(out, "This is within the usual range ("+v.Range+").")
	case strings.Contains(v.Flag, "high"):
		out = append(out, "This is above the usual range"+inBrackets(v.Range)+".")
	case strings.Contains(v.Flag, "low"):
		out = append(out, "This is below the usual range"+inBrackets(v.Range)+".")
	case v.Flag != "":
		out = append(out, "The laboratory marked this as "+v.Flag+".")
	}
	switch {
	case strings.HasPrefix(v.Flag, "critical"):
		out = append(out, "If nobody has spoken with you about this, call your GP practice, or 111 when it is closed.")
	case v.Flag != "":
		out = append(out, "A result outside the usual range is common, and does not always mean that something is wrong. If you want to know more, ask the person who ordered it.")
	}
	return out
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

func nothingNew(never bool) string {
	if never {
		return "This is your first look. From now on, what is new is here."
	}
	return "Nothing new since you last looked."
}

// since says of what lasts that its date is the day on which it began.
func since(it PlainItem) string {
	if it.Section == view.Medicines || it.Section == view.Problems {
		return "Since "
	}
	return ""
}

func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// whose is somebody's, or your.
func whose(name, your string) string {
	if name == "" {
		return your
	}
	return name + "'s"
}

// comma joins what is there.
func comma(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}
