package page

import "fmt"

// SafetyPage is where a citizen turns the safety mode on, or staff do for them (G11).
type SafetyPage struct {
	Frame
	Banner   Banner // of staff's page
	Base     string // of staff's page: the record's
	Action   string
	On       bool
	Since    string // when it was turned on, and by whom
	From, To int
	OwnMail  bool
	Grounds  []Reason // of staff's page
	Saved    string
	Error    string
}

// hoursOfDay are those of a day from which one is chosen.
func hoursOfDay() []int {
	out := make([]int, 25)
	for i := range out {
		out[i] = i
	}
	return out
}

// clockHour is an hour as people in their own record read it.
func clockHour(h int) string {
	switch {
	case h == 0 || h == 24:
		return "midnight"
	case h == 12:
		return "noon"
	case h < 12:
		return fmt.Sprintf("%dam", h)
	}
	return fmt.Sprintf("%dpm", h-12)
}
