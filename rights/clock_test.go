package rights

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"selda/nhs"
	"selda/policy"
)

func at(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", s+" 12:00")
	if err != nil {
		panic(err)
	}
	return t
}

var officer = Who{User: "privacy", Name: "P", Role: nhs.PrivacyOfficer, Organisation: "RJZ"}

func opened(t testing.TB, k Kind, on time.Time) Case {
	c, err := Open("c1", "q1", "RJZ", Asked{Kind: k, Citizen: "c", By: ByPerson, Who: Who{User: "citizen"}, Words: "why", Item: policy.Item{Type: "Condition", ID: "x"}}, on)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// UK GDPR Art 12(3), 12A: one month, by the calendar.
func TestG18TheMonthEndsOnTheCorrespondingDay(t *testing.T) {
	for received, due := range map[string]string{"2026-09-03": "2026-10-03", "2026-01-31": "2026-02-28", "2028-01-31": "2028-02-29", "2028-01-30": "2028-02-29",
		"2026-03-31": "2026-04-30", "2026-12-31": "2027-01-31", "2028-02-29": "2028-03-29", "2026-02-28": "2026-03-28"} {
		c := opened(t, Access, at(received))
		if got := c.Due(at(received)).Format(time.DateOnly); got != due {
			t.Errorf("received %s: due %s, not %s", received, got, due)
		}
	}
	late := opened(t, Access, time.Date(2026, 6, 30, 23, 30, 0, 0, time.UTC)) // half past midnight of July in London
	if got := late.Due(late.Received).Format(time.DateOnly); got != "2026-08-01" {
		t.Errorf("a day of the region: due %s", got)
	}
	long := opened(t, Access, at("2026-11-30"))
	long, err := long.Act(Step{At: at("2026-12-30"), By: officer, Did: Extended, Words: "many sources"})
	if err != nil || long.Due(at("2026-12-30")).Format(time.DateOnly) != "2027-02-28" {
		t.Errorf("extended: due %s, %v", long.Due(at("2026-12-30")), err)
	}
}

// For every day there is: the month is 28 to 31 days, its end is in the next month and on
// the same day or that month's last, and a later request never ends sooner.
func TestG18TheClockByProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		received := time.Date(2020, 1, 1, rapid.IntRange(0, 23).Draw(t, "hour"), 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 365*30).Draw(t, "day"))
		c := Case{Asked: Asked{Kind: Access}, Received: received, State: Working}
		from, due := day(received), c.Due(received)
		if n := int(due.Sub(from) / (24 * time.Hour)); n < 28 || n > 31 {
			t.Fatalf("%s to %s: %d days", from, due, n)
		}
		if (int(due.Month())-int(from.Month())+12)%12 != 1 {
			t.Fatalf("%s to %s", from, due)
		}
		if last := due.AddDate(0, 0, 1).Month() != due.Month(); due.Day() != from.Day() && !last {
			t.Fatalf("%s to %s: neither the same day nor the last", from, due)
		}
		next := Case{Asked: c.Asked, Received: received.AddDate(0, 0, 1), State: Working}
		if next.Due(received).Before(due) {
			t.Fatal("who asks later is answered sooner")
		}
		c.Extended = true
		if long := c.Due(received); !long.Equal(AddMonths(from, 3)) || !long.After(due) {
			t.Fatal("three months from the beginning", long)
		}
		// A question stops the clock for as many days as its answer takes, wherever they lie.
		asked, answered := rapid.IntRange(0, 20).Draw(t, "asked"), rapid.IntRange(0, 60).Draw(t, "took")
		c.Extended = false
		noon := from.AddDate(0, 0, asked).Add(12 * time.Hour)
		c.Steps = []Step{{Did: AskedClarification, At: noon}, {Did: Clarified, At: noon.AddDate(0, 0, answered)}}
		if got := c.Due(received); !got.Equal(due.AddDate(0, 0, answered)) {
			t.Fatalf("%d days of waiting: %s, not %s", answered, got, due.AddDate(0, 0, answered))
		}
	})
}

func TestG18TheClockWaits(t *testing.T) {
	c, err := Open("c1", "q1", "RJZ", Asked{Kind: Access, Citizen: "c", By: ByStaff, Who: officer, Asker: "Folake Adeyemi, by letter"}, at("2026-03-02"))
	if err != nil || c.State != AwaitingIdentity || !c.Due(at("2026-03-20")).IsZero() {
		t.Fatal("the month begins before it is known who asks", err)
	}
	if u, _ := c.Urgency(at("2026-06-01")); u != Waits {
		t.Error("it is overdue while nobody knows who asks")
	}
	act := func(day string, s Step) {
		t.Helper()
		s.At, s.By = at(day), officer
		var err error
		if c, err = c.Act(s); err != nil {
			t.Fatal(s.Did, err)
		}
	}
	act("2026-03-20", Step{Did: ShownIdentity, Words: "passport seen"})
	if got := c.Due(at("2026-03-20")).Format(time.DateOnly); got != "2026-04-20" {
		t.Error("due", got)
	}
	act("2026-04-10", Step{Did: AskedClarification, Words: "Which years?"})
	if u, left := c.Urgency(at("2026-05-15")); u != Waits || left != 10 {
		t.Error("while the person is asked the days stand still:", u, left)
	}
	act("2026-05-15", Step{Did: Clarified, Words: "the last two"})
	if u, left := c.Urgency(at("2026-05-18")); u != Soon || left != 7 {
		t.Error(u, left)
	}
	if u, left := c.Urgency(at("2026-05-26")); u != Overdue || left != -1 {
		t.Error(u, left)
	}
	if _, err := c.Act(Step{At: at("2026-05-26"), By: officer, Did: Extended, Words: "long"}); err == nil {
		t.Error("extended after the first month")
	}
	if _, err := c.Act(Step{At: at("2026-05-25"), By: officer, Did: Extended}); err == nil {
		t.Error("extended without a reason")
	}
	act("2026-05-25", Step{Did: Extended, Words: "many sources"})
	if _, err := c.Act(Step{At: at("2026-05-25"), By: officer, Did: Extended, Words: "again"}); err == nil {
		t.Error("extended twice")
	}
}
