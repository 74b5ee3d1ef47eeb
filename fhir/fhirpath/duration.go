package fhirpath

import (
	"time"

	"selda/fhir/decimal"
)

// calendarUnits are the words for durations of the calendar, in one form each.
// http://hl7.org/fhirpath/N1/#time-valued-quantities
var calendarUnits = map[string]string{"year": "year", "years": "year", "month": "month", "months": "month", "week": "week",
	"weeks": "week", "day": "day", "days": "day", "hour": "hour", "hours": "hour", "minute": "minute", "minutes": "minute",
	"second": "second", "seconds": "second", "millisecond": "millisecond", "milliseconds": "millisecond"}

// definite are the durations of UCUM that are the calendar's own, too. A month
// and a year of UCUM are not: they have a fixed length.
var definite = map[string]string{"wk": "week", "d": "day", "h": "hour", "min": "minute", "s": "second", "ms": "millisecond"}

// ucumOf are the units of UCUM for those of the calendar.
var ucumOf = map[string]string{"year": "a", "month": "mo", "week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s",
	"millisecond": "ms"}

// calendarStep says which component of a date a unit moves, and by how many.
func calendarStep(unit string) (l level, by int64, ok bool) {
	switch unit {
	case "year":
		return yearLevel, 1, true
	case "month":
		return monthLevel, 1, true
	case "week":
		return dayLevel, 7, true
	case "day":
		return dayLevel, 1, true
	case "hour":
		return hourLevel, 1, true
	case "minute":
		return minuteLevel, 1, true
	case "second":
		return secondLevel, 1, true
	case "millisecond":
		return fractionLevel, 1, true
	}
	return 0, 0, false
}

// coarser is how many of a component make one of the next coarser one, where a
// date is not known as finely as the duration that is added.
// http://hl7.org/fhirpath/N1/#datetime-arithmetic
var coarser = [...]int64{monthLevel: 12, dayLevel: 30, hourLevel: 24, minuteLevel: 60, secondLevel: 60, fractionLevel: 1000}

// plus is t moved by a whole number of a calendar unit; false where the unit is
// none of the calendar's, or the date leaves the years 1 to 9999.
func (t *Temporal) plus(amount decimal.Decimal, unit string) (*Temporal, bool) {
	l, by, ok := calendarStep(unit)
	n, whole := amount.Round(0, decimal.Down).Int64()
	if !ok || !whole || n > 1e15 || n < -1e15 || t.kind == Time && l < hourLevel {
		return nil, false
	}
	n *= by
	known := t.level
	if known == secondLevel {
		known = fractionLevel // seconds and their fraction are one component
	}
	for ; l > known; l-- {
		if l == dayLevel && known == yearLevel {
			n, l = n/365, monthLevel
			continue
		}
		n /= coarser[l]
	}
	out := *t
	switch l {
	case yearLevel, monthLevel:
		months := int64(out.year)*12 + int64(max(out.month, 1)) - 1
		if l == yearLevel {
			n *= 12
		}
		months += n
		out.year = int(months / 12)
		if out.month > 0 {
			out.month = int(months%12) + 1
		}
		if out.day > 0 && out.year > 0 {
			out.day = min(out.day, daysIn(out.year, out.month))
		}
		return &out, months >= 12 && out.year <= 9999
	case dayLevel:
		if n > 4e6 || n < -4e6 {
			return nil, false
		}
		moved := t.moment().AddDate(0, 0, int(n))
		out.set(moved)
	default:
		length := [...]time.Duration{hourLevel: time.Hour, minuteLevel: time.Minute, secondLevel: time.Second, fractionLevel: time.Millisecond}[l]
		// The sum is made in parts, since a Duration holds 292 years.
		perDay := int64(24 * time.Hour / length)
		days, rest := n/perDay, n%perDay
		if days > 4e6 || days < -4e6 {
			return nil, false
		}
		if t.kind == Time {
			days = 0
		}
		out.set(t.moment().AddDate(0, 0, int(days)).Add(time.Duration(rest) * length))
		if out.nanos != 0 && out.level == secondLevel {
			out.level, out.digits = fractionLevel, 3
		}
	}
	out.clearBeyond(t.level)
	return &out, t.kind == Time || out.year >= 1 && out.year <= 9999
}

// clearBeyond takes back what time.Time filled in.
func (t *Temporal) clearBeyond(l level) {
	if l < monthLevel {
		t.month = 0
	}
	if l < dayLevel {
		t.day = 0
	}
	if l < hourLevel {
		t.hour = 0
	}
	if l < minuteLevel {
		t.minute = 0
	}
}
