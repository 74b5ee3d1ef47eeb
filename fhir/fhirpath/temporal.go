package fhirpath

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Temporal is a date, a date with a time, or a time of day, as far as it is
// known: what is not is left out from the right.
// http://hl7.org/fhirpath/N1/#datetime
type Temporal struct {
	kind    Kind // Date, DateTime or Time
	level   level
	year    int
	month   int
	day     int
	hour    int
	minute  int
	second  int
	nanos   int
	digits  int // of the second's fraction
	zone    zone
	minutes int // offset from UTC
}

// level is the last component that is known.
type level uint8

const (
	yearLevel level = iota + 1
	monthLevel
	dayLevel
	hourLevel
	minuteLevel
	secondLevel
	fractionLevel
)

type zone uint8

const (
	noZone zone = iota
	utcZone
	offsetZone
)

// temporal reads the text of a date (Date), of a date or date and time
// (DateTime), or of a time (Time); ok is false where it is none.
func temporal(s string, kind Kind) (t Temporal, ok bool) {
	t.kind = kind
	if kind == Time {
		t.level = hourLevel
		rest, ok := t.readTime(s)
		return t, ok && rest == ""
	}
	date, clock, timed := strings.Cut(s, "T")
	if !t.readDate(date) || timed && kind == Date {
		return t, false
	}
	if clock == "" {
		return t, true
	}
	if t.level != dayLevel {
		return t, false
	}
	rest, ok := t.readTime(clock)
	return t, ok && t.readZone(rest)
}

// number reads n digits at the beginning of s.
func number(s string, n int) (int, bool) {
	if len(s) < n {
		return 0, false
	}
	v := 0
	for i := range n {
		if !digit(s[i]) {
			return 0, false
		}
		v = v*10 + int(s[i]-'0')
	}
	return v, true
}

func (t *Temporal) readDate(s string) bool {
	var ok bool
	if t.year, ok = number(s, 4); !ok {
		return false
	}
	t.level = yearLevel
	if len(s) == 4 {
		return true
	}
	if t.month, ok = number(s[5:], 2); !ok || s[4] != '-' || t.month < 1 || t.month > 12 {
		return false
	}
	t.level = monthLevel
	if len(s) == 7 {
		return true
	}
	if t.day, ok = number(s[8:], 2); !ok || s[7] != '-' || len(s) != 10 || t.day < 1 || t.day > daysIn(t.year, t.month) {
		return false
	}
	t.level = dayLevel
	return true
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// readTime reads hh[:mm[:ss[.fff]]] and gives what follows.
func (t *Temporal) readTime(s string) (string, bool) {
	var ok bool
	if t.hour, ok = number(s, 2); !ok || t.hour > 23 {
		return s, false
	}
	t.level, s = hourLevel, s[2:]
	if s == "" || s[0] != ':' {
		return s, true
	}
	if t.minute, ok = number(s[1:], 2); !ok || t.minute > 59 {
		return s, false
	}
	t.level, s = minuteLevel, s[3:]
	if s == "" || s[0] != ':' {
		return s, true
	}
	if t.second, ok = number(s[1:], 2); !ok || t.second > 60 {
		return s, false
	}
	t.level, s = secondLevel, s[3:]
	if s == "" || s[0] != '.' {
		return s, true
	}
	end := digitsEnd(s, 1)
	if t.digits = end - 1; t.digits == 0 {
		return s, false
	}
	t.level = fractionLevel
	for i := range 9 {
		t.nanos *= 10
		if i < t.digits {
			t.nanos += int(s[1+i] - '0')
		}
	}
	t.digits = min(t.digits, 9)
	return s[end:], true
}

func (t *Temporal) readZone(s string) bool {
	switch {
	case s == "":
		return true
	case s == "Z":
		t.zone = utcZone
		return true
	case len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':':
		return false
	}
	hours, ok1 := number(s[1:], 2)
	minutes, ok2 := number(s[4:], 2)
	t.zone, t.minutes = offsetZone, hours*60+minutes
	if s[0] == '-' {
		t.minutes = -t.minutes
	}
	return ok1 && ok2 && hours <= 14 && minutes <= 59
}

// String is the date or time as FHIR writes it, without FHIRPath's @.
func (t *Temporal) String() string {
	b := make([]byte, 0, 32)
	if t.kind != Time {
		b = fmt.Appendf(b, "%04d", t.year)
		if t.level >= monthLevel {
			b = fmt.Appendf(b, "-%02d", t.month)
		}
		if t.level >= dayLevel {
			b = fmt.Appendf(b, "-%02d", t.day)
		}
		if t.level < hourLevel {
			return string(b)
		}
		b = append(b, 'T')
	}
	b = fmt.Appendf(b, "%02d", t.hour)
	if t.level >= minuteLevel {
		b = fmt.Appendf(b, ":%02d", t.minute)
	}
	if t.level >= secondLevel {
		b = fmt.Appendf(b, ":%02d", t.second)
	}
	if t.level >= fractionLevel {
		b = append(b, fmt.Sprintf(".%09d", t.nanos)[:t.digits+1]...)
	}
	switch t.zone {
	case utcZone:
		b = append(b, 'Z')
	case offsetZone:
		sign, m := '+', t.minutes
		if m < 0 {
			sign, m = '-', -m
		}
		b = fmt.Appendf(b, "%c%02d:%02d", sign, m/60, m%60)
	}
	return string(b)
}

// at is a moment as a DateTime, to the millisecond.
func at(now time.Time) *Temporal {
	_, offset := now.Zone()
	t := &Temporal{kind: DateTime, level: fractionLevel, digits: 3, zone: offsetZone, minutes: offset / 60}
	t.set(now)
	t.nanos -= t.nanos % 1_000_000
	return t
}

func (t *Temporal) set(v time.Time) {
	t.year, t.month, t.day = v.Year(), int(v.Month()), v.Day()
	t.hour, t.minute, t.second, t.nanos = v.Hour(), v.Minute(), v.Second(), v.Nanosecond()
}

// moment is t as a time, as if in UTC, with the least of what is not known.
func (t *Temporal) moment() time.Time {
	return time.Date(max(t.year, 1), time.Month(max(t.month, 1)), max(t.day, 1), t.hour, t.minute, t.second, t.nanos, time.UTC)
}

// utc is t in UTC.
func (t *Temporal) utc() Temporal {
	u := *t
	u.set(t.moment().Add(-time.Duration(t.minutes) * time.Minute))
	return u
}

// compare is -1, 0 or +1; known is false where what is left out of one of them
// would decide. http://hl7.org/fhirpath/N1/#datetime-equality
func (t *Temporal) compare(u *Temporal) (order int, known bool) {
	a, b := *t, *u
	if t.zone != noZone && u.zone != noZone {
		a, b = t.utc(), u.utc()
	} else if t.zone != u.zone && t.level >= hourLevel && u.level >= hourLevel && t.kind != Time {
		return t.compareZoneless(u)
	}
	for _, c := range [...]struct {
		level level
		a, b  int
	}{{yearLevel, a.year, b.year}, {monthLevel, a.month, b.month}, {dayLevel, a.day, b.day},
		{hourLevel, a.hour, b.hour}, {minuteLevel, a.minute, b.minute}} {
		if c.level < hourLevel && t.kind == Time {
			continue
		}
		if a.level < c.level || b.level < c.level {
			return 0, a.level < c.level && b.level < c.level
		}
		if c.a != c.b {
			return cmp.Compare(c.a, c.b), true
		}
	}
	if a.level < secondLevel || b.level < secondLevel {
		return 0, a.level < secondLevel && b.level < secondLevel
	}
	return cmp.Compare(a.second*1_000_000_000+a.nanos, b.second*1_000_000_000+b.nanos), true
}

// compareZoneless compares a time that names its zone with one that doesn't,
// which may mean any zone there is.
func (t *Temporal) compareZoneless(u *Temporal) (int, bool) {
	if t.zone == noZone {
		order, known := u.compareZoneless(t)
		return -order, known
	}
	a, b := t.utc(), u.moment()
	switch m := a.moment(); {
	case m.Before(b.Add(-14*time.Hour - time.Minute)):
		return -1, true
	case m.After(b.Add(12*time.Hour + time.Minute)):
		return 1, true
	}
	return 0, false
}

// Precision is how many digits are known, as precision() has it.
func (t *Temporal) precision() int {
	p := [...]int{0, 4, 6, 8, 10, 12, 14, 14 + min(t.digits, 3)}[t.level]
	if t.kind == Time {
		p -= 8
	}
	return p
}

// cut is t with what lies beyond a level left out.
func (t *Temporal) cut(l level) {
	if t.level = min(t.level, l); t.level < hourLevel {
		t.zone, t.minutes = noZone, 0
	}
	if t.level < fractionLevel {
		t.digits, t.nanos = 0, 0
	}
}

// bound is the earliest or the latest that t may be, to so many digits; nil
// where its kind has no such precision.
// https://build.fhir.org/ig/HL7/FHIRPath/#lowboundaryprecision-integer-decimal--date--datetime--time
func (t *Temporal) bound(digits int, high bool) *Temporal {
	l, ok := map[int]level{4: yearLevel, 6: monthLevel, 8: dayLevel, 10: hourLevel, 12: minuteLevel, 14: secondLevel, 17: fractionLevel}[digits]
	if t.kind == Time {
		l, ok = map[int]level{2: hourLevel, 4: minuteLevel, 6: secondLevel, 9: fractionLevel}[digits]
	}
	if !ok || t.kind == Date && l > dayLevel {
		return nil
	}
	b := *t
	pick := func(have bool, v *int, low, most int) {
		if !have {
			if *v = low; high {
				*v = most
			}
		}
	}
	if t.kind != Time {
		pick(t.level >= monthLevel, &b.month, 1, 12)
		pick(t.level >= dayLevel, &b.day, 1, daysIn(b.year, b.month))
		pick(t.level >= hourLevel, &b.hour, 0, 23)
	}
	pick(t.level >= minuteLevel || t.level == hourLevel, &b.minute, 0, 59) // an hour alone stands for its first minute
	pick(t.level >= secondLevel, &b.second, 0, 59)
	pick(t.level >= fractionLevel, &b.nanos, 0, 999_000_000)
	if b.zone == noZone && t.kind == DateTime {
		if b.zone, b.minutes = offsetZone, 14*60; high {
			b.minutes = -12 * 60
		}
	}
	b.level, b.digits = fractionLevel, 3
	b.cut(l)
	return &b
}
