package rights

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// This file is how long things are kept: a schedule, as a file that a records manager reads
// and a machine follows. Periods are those of the NHS Records Management Code of Practice
// (2021, updated August 2023), Appendix II, unless a rule says why they are not.

// maxSchedule is how long a schedule's file may be, and how many rules it has at most.
const (
	maxSchedule = 64 << 10
	mostRules   = 100
)

// leastYears is the shortest period of the Code for a health record: one below it says why.
const leastYears = 8

// Schedule says how long things are kept. Of its rules the first that fits an item counts.
type Schedule struct {
	Name  string `yaml:"schedule"`
	Code  string `yaml:"code"`
	Rules []Rule `yaml:"rules"`
}

// Rule is one class of records.
type Rule struct {
	Class string `yaml:"class"`
	Title string `yaml:"title"`
	// What it is of; what is left out does not narrow it. From is "RJZ", "RJZ:PAS", or
	// "*:GP" for that system of any organisation.
	From   []string `yaml:"from,flow,omitempty"`
	Labels []string `yaml:"labels,flow,omitempty"`
	Kinds  []string `yaml:"kinds,flow,omitempty"`
	// Years after the person was last seen; 0 for as long as they live.
	Years int `yaml:"years,omitempty"`
	// AfterDeath are years after a death, in place of the others where somebody has died.
	AfterDeath int `yaml:"after-death,omitempty"`
	// Child keeps what was written of a child until the 25th birthday, or the 26th where
	// they were 17 then.
	Child   bool   `yaml:"child,omitempty"`
	Because string `yaml:"because,omitempty"`

	labels policy.Labels
	sets   policy.DataSets
}

// ParseSchedule reads a schedule, and says what is wrong with it.
func ParseSchedule(b []byte) (*Schedule, error) {
	const op = "rights.ParseSchedule"
	if len(b) > maxSchedule {
		return nil, fault.E(op, fault.TooLong, "a retention schedule is at most 64 kB long")
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	var s Schedule
	if err := d.Decode(&s); err != nil {
		return nil, fault.E(op, fault.Structure, "the schedule can't be read: "+strings.ReplaceAll(err.Error(), "\n", " "))
	}
	if s.Name == "" || len(s.Rules) == 0 || len(s.Rules) > mostRules {
		return nil, fault.E(op, fault.Required, "a schedule has a name and 1 to 100 rules", "schedule")
	}
	var classes []string
	for i := range s.Rules {
		r := &s.Rules[i]
		place := fmt.Sprintf("rules[%d]", i)
		if err := r.read(); err != nil {
			return nil, fault.E(op, fault.Value, err.Error(), place)
		}
		if slices.Contains(classes, r.Class) {
			return nil, fault.E(op, fault.Value, "each class has one rule", place)
		}
		classes = append(classes, r.Class)
	}
	return &s, nil
}

func (r *Rule) read() error {
	switch {
	case r.Class == "" || r.Title == "":
		return fmt.Errorf("a rule has a class and a title")
	case r.Years < 0 || r.AfterDeath < 0 || r.Years > 200 || r.AfterDeath > 200 || r.Years == 0 && r.AfterDeath == 0:
		return fmt.Errorf("say for how many years it is kept, after the person was last seen or after a death")
	case (r.Years > 0 && r.Years < leastYears || r.AfterDeath > 0 && r.AfterDeath < leastYears) && r.Because == "":
		return fmt.Errorf("less than eight years is less than the Code has for health records: say why (because)")
	}
	for _, l := range r.Labels {
		x := policy.ParseLabel(l)
		if x == 0 {
			return fmt.Errorf("there is no label %q", l)
		}
		r.labels |= x
	}
	for _, k := range r.Kinds {
		x := policy.ParseDataSet(k)
		if x == policy.NoDataSet {
			return fmt.Errorf("there is no kind of data %q", k)
		}
		r.sets |= policy.SetOf(x)
	}
	for _, f := range r.From {
		org, system, _ := strings.Cut(f, ":")
		if _, err := nhs.ParseODS(org); err != nil && org != "*" || org == "*" && system == "" {
			return fmt.Errorf("it is from an organisation, a source or a system of all: RJZ, RJZ:PAS, *:GP")
		}
	}
	return nil
}

// Of finds the rule of an item; nil where none fits: it is kept.
func (s *Schedule) Of(c *policy.Columns) *Rule {
	for i := range s.Rules {
		if r := &s.Rules[i]; r.fits(c) {
			return r
		}
	}
	return nil
}

func (r *Rule) fits(c *policy.Columns) bool {
	switch {
	case r.labels != 0 && c.Labels&r.labels == 0, r.sets != 0 && !r.sets.Has(c.DataSet):
		return false
	}
	return r.From == nil || slices.ContainsFunc(r.From, func(f string) bool {
		org, system, named := strings.Cut(f, ":")
		return (org == "*" || nhs.ODS(org) == c.Source.Organisation()) && (!named || system == c.Source.System())
	})
}

// Life is what of a person decides how long what one organisation wrote is kept.
type Life struct {
	Born     time.Time // zero where unknown
	LastSeen time.Time // by that organisation
	Died     time.Time // zero where unknown
	Dead     bool
}

// Due is from which day on an item of the class may be destroyed; false where that day
// is not known, or never comes.
func (r *Rule) Due(l Life) (time.Time, bool) {
	seen := l.LastSeen
	if seen.IsZero() {
		return time.Time{}, false
	}
	if l.Dead && r.AfterDeath > 0 {
		if l.Died.IsZero() {
			return time.Time{}, false
		}
		return day(l.Died).AddDate(r.AfterDeath, 0, 0), true
	}
	if r.Years == 0 {
		return time.Time{}, false
	}
	if l.Dead && l.Died.After(seen) {
		seen = l.Died
	}
	due := day(seen).AddDate(r.Years, 0, 0)
	if !r.Child {
		return due, true
	}
	if l.Born.IsZero() { // it may have been a child
		return time.Time{}, false
	}
	if age, _ := policy.Age(l.Born, seen); age < 18 && !l.Dead {
		until := 25
		if age == 17 {
			until = 26
		}
		return later(due, day(l.Born).AddDate(until, 0, 0)), true
	}
	return due, true
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Words are a rule in a sentence.
func (r *Rule) Words() string {
	var parts []string
	if r.Years > 0 {
		parts = append(parts, fmt.Sprintf("%d years after you were last seen", r.Years))
	}
	if r.Child {
		parts = append(parts, "of a child until the 25th birthday, or the 26th if they were 17 then")
	}
	if r.AfterDeath > 0 {
		parts = append(parts, fmt.Sprintf("%d years after a death", r.AfterDeath))
	}
	return r.Title + ": " + strings.Join(parts, "; ")
}

// Speaks says whether a rule is of anything that an organisation writes.
func (r *Rule) Speaks(o nhs.ODS) bool {
	return r.From == nil || slices.ContainsFunc(r.From, func(f string) bool {
		org, _, _ := strings.Cut(f, ":")
		return org == "*" || nhs.ODS(org) == o
	})
}
