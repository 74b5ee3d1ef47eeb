package hl7v2

import (
	"strings"
	"time"
)

// Date is an HL7 DT or TS as a FHIR date, with the precision that it has:
// "2026", "2026-01", "2026-01-05". A time of day is left out. False where s is
// no date.
func Date(s string) (string, bool) {
	d, _, ok := calendar(strings.TrimSpace(s))
	return d, ok
}

// DateTime is an HL7 TS as a FHIR dateTime. Up to a day it keeps its
// precision; with a time it has seconds, since FHIR demands them, and a zone:
// its own, or that of London at that time. A time that can't be leaves the day.
// https://hl7.org/fhir/R4/datatypes.html#dateTime
func DateTime(s string) (string, bool) {
	s = strings.TrimSpace(s)
	d, rest, ok := calendar(s)
	if !ok || rest == "" || len(d) < 10 {
		return d, ok
	}
	clock, zone, ok := timeOfDay(rest)
	if !ok {
		return d, true
	}
	if zone == "" {
		zone = londonOffset(d, clock)
	}
	return d + "T" + clock + zone, true
}

// Instant is an HL7 TS as a FHIR instant; false where it has no time of day.
func Instant(s string) (string, bool) {
	d, ok := DateTime(s)
	return d, ok && len(d) > 10
}

// TimeOfDay is an HL7 TM as a FHIR time, "14:05:00", without its zone.
func TimeOfDay(s string) (string, bool) {
	clock, _, ok := timeOfDay(strings.TrimSpace(s))
	return clock, ok
}

// calendar reads the date off the front. ISO 8601's hyphens, which the
// standard does not have, are understood too.
func calendar(s string) (date, rest string, ok bool) {
	if len(s) >= 10 && s[4] == '-' && s[7] == '-' {
		s = s[:4] + s[5:7] + s[8:10] + strings.ReplaceAll(strings.TrimLeft(s[10:], "T "), ":", "")
	}
	n := 0
	for n < len(s) && n < 8 && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n < 8 && n < len(s) && s[n] != '+' && s[n] != '-' {
		return "", "", false
	}
	year, month, day := 0, 1, 1
	switch n {
	case 8:
		day = two(s[6:])
		fallthrough
	case 6:
		month = two(s[4:])
		fallthrough
	case 4:
		year = two(s)*100 + two(s[2:])
	default:
		return "", "", false
	}
	if year < 1 || month < 1 || month > 12 || day < 1 || day > time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day() {
		return "", "", false
	}
	switch n {
	case 4:
		return s[:4], "", true
	case 6:
		return s[:4] + "-" + s[4:6], "", true
	}
	return s[:4] + "-" + s[4:6] + "-" + s[6:8], s[8:], true
}

// two is the value of two digits; the caller knows that they are.
func two(s string) int { return int(s[0]-'0')*10 + int(s[1]-'0') }

// timeOfDay reads HH[MM[SS[.S…]]][+ZZZZ].
func timeOfDay(s string) (clock, zone string, ok bool) {
	if s, ok = strings.CutSuffix(s, "Z"); ok {
		zone = "+00:00"
	} else if i := strings.IndexAny(s, "+-"); i >= 0 {
		z := s[i+1:]
		if len(z) != 4 || !digits(z) || two(z) > 14 || two(z[2:]) > 59 {
			return "", "", false
		}
		zone, s = s[i:i+1]+z[:2]+":"+z[2:], s[:i]
	}
	s, fraction, _ := strings.Cut(s, ".")
	if len(s) == 2 || len(s) == 4 {
		s += "0000"[:6-len(s)]
	}
	if len(s) != 6 || !digits(s) || !digits(fraction) || two(s) > 23 || two(s[2:]) > 59 || two(s[4:]) > 59 {
		return "", "", false
	}
	clock = s[:2] + ":" + s[2:4] + ":" + s[4:6]
	if fraction != "" {
		clock += "." + fraction[:min(len(fraction), 9)]
	}
	return clock, zone, true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// londonOffset is the offset of British time at a wall clock's reading: one
// hour from the last Sunday of March to the last Sunday of October. An hour
// that the clocks skip is read as GMT, one that they repeat as summer time.
func londonOffset(date, clock string) string {
	month, day := two(date[5:]), two(date[8:])
	summer := month > 3 && month < 10
	if month == 3 || month == 10 {
		sunday := lastSunday(two(date)*100+two(date[2:]), time.Month(month))
		after := day > sunday || day == sunday && clock >= "02:00"
		summer = after == (month == 3)
	}
	if summer {
		return "+01:00"
	}
	return "+00:00"
}

func lastSunday(year int, month time.Month) int {
	last := time.Date(year, month, 31, 0, 0, 0, 0, time.UTC)
	return 31 - int(last.Weekday())
}
