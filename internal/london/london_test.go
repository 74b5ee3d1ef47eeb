package london

import (
	"testing"
	"time"
	_ "time/tzdata"
)

func TestOffset(t *testing.T) {
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err) // the tables are in the test itself
	}
	for at := time.Date(1996, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() < 2045; at = at.Add(time.Hour) {
		in := at.In(zone)
		want := in.Format("-07:00")
		got := Offset(in.Year(), int(in.Month()), in.Day(), in.Hour())
		// In the hour that comes twice the second one can't be told.
		if got != want && !(in.Month() == time.October && in.Hour() == 1 && want == "+00:00") {
			t.Fatalf("%v: %s, want %s", in, got, want)
		}
	}
}

// A day of the region is from midnight to midnight there, also where it has 23 or 25 hours.
func TestDay(t *testing.T) {
	for at, want := range map[string][2]string{
		"2026-07-01T23:30:00Z": {"2026-07-01T23:00:00Z", "2026-07-02T23:00:00Z"},
		"2026-07-01T22:59:59Z": {"2026-06-30T23:00:00Z", "2026-07-01T23:00:00Z"},
		"2026-01-01T23:30:00Z": {"2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"},
		"2026-03-29T12:00:00Z": {"2026-03-29T00:00:00Z", "2026-03-29T23:00:00Z"},
		"2026-10-25T12:00:00Z": {"2026-10-24T23:00:00Z", "2026-10-26T00:00:00Z"},
	} {
		when, _ := time.Parse(time.RFC3339, at)
		from, to := Day(when)
		if got := [2]string{from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339)}; got != want {
			t.Errorf("%s: %v, want %v", at, got, want)
		}
	}
}

// A day is that of the clocks on the wall, also when they change; it is held against
// the zone's own tables.
func TestDayIsThatOfTheClocks(t *testing.T) {
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	for at := time.Date(2025, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() < 2028; at = at.Add(time.Hour) {
		y, m, d := at.In(zone).Date()
		from, to := Day(at)
		if want, next := time.Date(y, m, d, 0, 0, 0, 0, zone), time.Date(y, m, d+1, 0, 0, 0, 0, zone); !from.Equal(want) || !to.Equal(next) {
			t.Fatal(at, from, to, "not", want, next)
		}
	}
}
