package synth

import (
	"math"
	"math/rand/v2"
	"time"
)

// dice is the one source of chance: seeded, so that the same seed gives the
// same world. Nothing in this room draws from anywhere else.
type dice struct{ *rand.Rand }

func newDice(seed, stream uint64) dice { return dice{rand.New(rand.NewPCG(seed, stream))} }

// chance is true with probability p.
func (d dice) chance(p float64) bool { return d.Float64() < p }

// between is a whole number from lo to hi, both included.
func (d dice) between(lo, hi int) int {
	if hi <= lo {
		return lo
	}
	return lo + d.IntN(hi-lo+1)
}

// normal is drawn around mean, and kept within three deviations.
func (d dice) normal(mean, deviation float64) float64 {
	return mean + deviation*math.Max(-3, math.Min(3, d.NormFloat64()))
}

// wait is a time until the next of events that come rate times a year.
func (d dice) wait(rate float64) time.Duration {
	if rate <= 0 {
		return 200 * year
	}
	return time.Duration(d.ExpFloat64() / rate * float64(year))
}

// day moves t to an hour and minute of working time on a weekday near it.
func (d dice) working(t time.Time) time.Time {
	switch t.Weekday() {
	case time.Saturday:
		t = t.AddDate(0, 0, 2)
	case time.Sunday:
		t = t.AddDate(0, 0, 1)
	}
	return midnight(t).Add(time.Duration(d.between(8*60+30, 17*60+30)) * time.Minute)
}

// anyHour moves t to any time of its day, most often by day.
func (d dice) anyHour(t time.Time) time.Time {
	h := d.between(0, 23)
	if h < 7 && d.chance(.6) {
		h += 9
	}
	return midnight(t).Add(time.Duration(h*60+d.between(0, 59)) * time.Minute)
}

// weighted is an index drawn by weight.
func (d dice) weighted(weights []float64) int {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	x := d.Float64() * sum
	for i, w := range weights {
		if x -= w; x < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// oneOf is any one of list.
func oneOf[T any](d dice, list []T) T { return list[d.IntN(len(list))] }

const (
	day  = 24 * time.Hour
	year = 8766 * time.Hour // 365.25 days
)

func midnight(t time.Time) time.Time { return t.Truncate(day) }

// years is the whole years from a to b.
func years(a, b time.Time) int {
	n := b.Year() - a.Year()
	if b.Month() < a.Month() || b.Month() == a.Month() && b.Day() < a.Day() {
		n--
	}
	return n
}
