package view

import (
	"strings"
	"time"

	"selda/nhs"
)

// Person is who the record is about, as the banner of rule G26 shows it.
type Person struct {
	Name       Name
	Born       Date
	Died       Date
	Dead       bool
	Gender     string
	Number     nhs.Number
	NumberSays string // "verified", "not verified", "invalid", "no NHS number"
	Practice   string
	Restricted bool // the address is restricted
	Address    string
	Phones     []string
	Language   string   // an interpreter is needed for it
	Differ     []string // in what the sources differ
}

// Age is the age now, or at death.
func (p Person) Age(now time.Time) string {
	if !p.Died.IsZero() {
		return Age(p.Born, p.Died.At)
	}
	return Age(p.Born, now)
}

// GenderWords is the gender with a capital.
func (p Person) GenderWords() string {
	if p.Gender == "" {
		return "Not known"
	}
	return strings.ToUpper(p.Gender[:1]) + p.Gender[1:]
}
