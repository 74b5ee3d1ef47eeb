package fhirpath

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"selda/fhir/decimal"
)

var moments = rapid.Custom(func(t *rapid.T) string {
	at := time.Unix(rapid.Int64Range(-60_000_000_000, 200_000_000_000).Draw(t, "seconds"), 0).UTC()
	switch rapid.IntRange(0, 4).Draw(t, "precision") {
	case 0:
		return at.Format("2006")
	case 1:
		return at.Format("2006-01")
	case 2:
		return at.Format("2006-01-02")
	case 3:
		return at.Format("2006-01-02T15:04:05") + fmt.Sprintf(".%03dZ", rapid.IntRange(0, 999).Draw(t, "ms"))
	}
	offset := rapid.IntRange(-12*4, 14*4).Draw(t, "quarters") * 15 * 60
	return at.In(time.FixedZone("", offset)).Format("2006-01-02T15:04:05-07:00")
})

func moment(t *rapid.T, name string) *Temporal {
	s := moments.Draw(t, name)
	v, ok := temporal(s, DateTime)
	if !ok || v.String() != s {
		t.Fatalf("%s is read as %s", s, v.String())
	}
	return &v
}

// What is known of the order of two dates is so by time.Time, too, and the same
// from both sides.
func TestOrderOfDates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := moment(t, "a"), moment(t, "b")
		order, known := a.compare(b)
		back, alsoKnown := b.compare(a)
		if known != alsoKnown || known && order != -back {
			t.Fatalf("%s and %s: %d, and from the other side %d", a, b, order, back)
		}
		if known && a.level == fractionLevel && b.level == fractionLevel {
			x, y := a.utc(), b.utc()
			if want := x.moment().Compare(y.moment()); want != order {
				t.Fatalf("%s and %s: %d", a, b, order)
			}
		}
		// A date lies within its boundaries.
		low, high := a.bound(17, false), a.bound(17, true)
		x, y := low.utc(), high.utc()
		if x.moment().After(y.moment()) {
			t.Fatalf("%s is from %s to %s", a, low, high)
		}
	})
}

// Days that are added can be taken away again, and are those of the calendar.
func TestDaysAdded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := moment(t, "a")
		n := rapid.Int64Range(-100_000, 100_000).Draw(t, "n")
		if a.level < dayLevel {
			return
		}
		b, ok := a.plus(decimal.Int(n), "day")
		if !ok {
			return
		}
		if b.level != a.level || b.moment().Sub(a.moment()) != time.Duration(n)*24*time.Hour {
			t.Fatalf("%s + %d days is %s", a, n, b)
		}
		if c, ok := b.plus(decimal.Int(-n), "day"); !ok || c.String() != a.String() {
			t.Fatalf("%s + %d days - %d days is %s", a, n, n, c)
		}
	})
}
