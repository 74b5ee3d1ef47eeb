// Package london knows which offset from UTC the clocks of the region show:
// +01:00 from the last Sunday of March to the last of October, at 01:00 UTC,
// and +00:00 else. It is for times that a feed states without a zone. It reads
// no time zone files, so that a mapping gives the same answer everywhere.
// Source: the Summer Time Order 2002 (from 1996 on the rule is the same).
package london

import "time"

// In is a moment as the region's clocks show it.
func In(t time.Time) time.Time {
	u := t.UTC()
	begins := time.Date(u.Year(), time.March, lastSunday(u.Year(), 3), 1, 0, 0, 0, time.UTC)
	ends := time.Date(u.Year(), time.October, lastSunday(u.Year(), 10), 1, 0, 0, 0, time.UTC)
	if u.Year() >= 1972 && !u.Before(begins) && u.Before(ends) {
		return u.In(time.FixedZone("BST", 3600))
	}
	return u
}

// Day is the day of a moment in the region: from midnight to midnight.
func Day(t time.Time) (from, to time.Time) {
	y, m, d := In(t).Date()
	midnight := func(y int, m time.Month, d int) time.Time {
		at := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		if In(at.Add(-time.Hour)).Hour() == 0 {
			return at.Add(-time.Hour)
		}
		return at
	}
	return midnight(y, m, d), midnight(y, m, d+1)
}

// Offset is "+01:00" or "+00:00" for a civil time. Of the hour that the clocks
// go back over, which comes twice, it is taken to be the first.
func Offset(year, month, day, hour int) string {
	switch {
	case year < 1972 || month < 3 || month > 10:
		return "+00:00"
	case month > 3 && month < 10:
		return "+01:00"
	}
	last := lastSunday(year, month)
	if month == 3 {
		if day > last || day == last && hour >= 1 {
			return "+01:00"
		}
		return "+00:00"
	}
	if day < last || day == last && hour < 2 {
		return "+01:00"
	}
	return "+00:00"
}

// lastSunday is the day of the month, of a month with 31 days.
func lastSunday(year, month int) int {
	// Sakamoto's method for the weekday of the 31st, Sunday being 0.
	t := [...]int{0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4}
	return 31 - (year+year/4-year/100+year/400+t[month-1]+31)%7
}
