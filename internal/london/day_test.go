package london

import (
	"testing"
	"time"
)

// A day is that of the clocks on the wall, also when they change; it is held against
// the zone's own tables where they are there.
func TestDayIsThatOfTheClocks(t *testing.T) {
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Skip("this machine has no tables of time zones")
	}
	for at := time.Date(2025, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() < 2028; at = at.Add(time.Hour) {
		y, m, d := at.In(zone).Date()
		from, to := Day(at)
		if want, next := time.Date(y, m, d, 0, 0, 0, 0, zone), time.Date(y, m, d+1, 0, 0, 0, 0, zone); !from.Equal(want) || !to.Equal(next) {
			t.Fatal(at, from, to, "not", want, next)
		}
	}
}
