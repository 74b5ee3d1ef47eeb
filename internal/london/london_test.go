package london

import (
	"testing"
	"time"
	_ "time/tzdata"
)

func TestOffset(t *testing.T) {
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Skip("left out: this machine has no time zone files")
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
