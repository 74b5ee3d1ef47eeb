package rights

import (
	"time"

	"selda/internal/london"
)

// This file keeps the clock. Days are the region's.
//
// A request is answered within one month that begins on the day on which it was received,
// or, if that is later, on the day on which it was shown who asks; it ends on the same day
// of the next month, or on its last day where it has no such day. It may be made three
// months, once, with a reason, and before the first is over. Days on which the person was
// asked what they mean do not count. UK GDPR Art 12(3) and 12A; the Information
// Commissioner's guidance on the right of access, "How long do we have to comply?". That a
// last day on a weekend moves to the next working day is not used: the day shown is never late.

// Remind is how many days before the last one a case is brought up.
const Remind = 7

// day is midnight of a moment's day in the region, as that day in UTC: for counting.
func day(t time.Time) time.Time {
	y, m, d := london.In(t).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// AddMonths is the corresponding day so many months on, or the last of that month.
func AddMonths(from time.Time, months int) time.Time {
	y, m, d := from.Date()
	first := time.Date(y, m+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(d, last)-1)
}

// Begins is the day on which the clock begins; zero while it is not known who asks.
func (c *Case) Begins() time.Time {
	if c.State == AwaitingIdentity {
		return time.Time{}
	}
	begins := day(c.Received)
	for _, s := range c.Steps {
		if s.Did == ShownIdentity {
			begins = day(s.At)
		}
	}
	return begins
}

// Paused is how many days the person was asked what they mean. now counts for a question
// that is not answered.
func (c *Case) Paused(now time.Time) int {
	days := 0
	var asked time.Time
	for _, s := range c.Steps {
		switch s.Did {
		case AskedClarification:
			asked = day(s.At)
		case Clarified:
			days += int(day(s.At).Sub(asked) / (24 * time.Hour))
			asked = time.Time{}
		}
	}
	if !asked.IsZero() && c.State == AwaitingClarification {
		days += int(day(now).Sub(asked) / (24 * time.Hour))
	}
	return days
}

// clocked says whether a case has a clock: a disposal has none.
func (c *Case) clocked() bool { return c.Asked.Kind != Disposal }

func (c *Case) dueAfter(months int, now time.Time) time.Time {
	begins := c.Begins()
	if begins.IsZero() || !c.clocked() {
		return time.Time{}
	}
	return AddMonths(begins, months).AddDate(0, 0, c.Paused(now))
}

// Due is the last day on which to answer; zero where the clock does not run. It moves on
// while an answer of the person is awaited.
func (c *Case) Due(now time.Time) time.Time {
	if c.Extended {
		return c.dueAfter(3, now)
	}
	return c.dueAfter(1, now)
}

// FirstMonth is the last day of the first month: until then it can be extended.
func (c *Case) FirstMonth(now time.Time) time.Time { return c.dueAfter(1, now) }

// Urgency is how a case stands by its clock.
type Urgency int

// The urgencies, the first to look at first.
const (
	Overdue Urgency = iota
	Soon            // within Remind days
	InTime
	Waits // for the person, or without a clock
	Over  // closed
)

// Urgency says how a case stands, and how many days are left: less than 0 where it is overdue.
func (c *Case) Urgency(now time.Time) (Urgency, int) {
	if c.State == Closed {
		return Over, 0
	}
	due := c.Due(now)
	if due.IsZero() {
		return Waits, 0
	}
	left := int(due.Sub(day(now)) / (24 * time.Hour))
	switch {
	case left < 0:
		return Overdue, left
	case c.State == AwaitingClarification:
		return Waits, left
	case left <= Remind:
		return Soon, left
	}
	return InTime, left
}
