package csvtofhir

import (
	"strings"

	"selda/internal/london"
)

// layout is how a date is written: "dd/mm/yyyy", "dd-mmm-yyyy",
// "yyyymmddThhmmss", "dd/mm/yyyy hh:mm". "mm" is the month before "hh", and
// minutes after it; "zz" is an offset in whole hours.
type layout string

// parts of a layout, longest first.
var parts = []string{"yyyy", "mmm", "mm", "dd", "hh", "ss", "zz"}

// check says what is wrong with a layout, "" where nothing is.
func (l layout) check() string {
	rest, seen := string(l), map[string]int{}
	for rest != "" {
		part := prefixOf(rest)
		if part == "" {
			if c := rest[0]; c >= 'a' && c <= 'z' {
				return "a date is written with yyyy, mm or mmm, dd, hh, mm, ss and zz"
			}
			rest = rest[1:]
			continue
		}
		seen[part]++
		rest = rest[len(part):]
	}
	if seen["yyyy"] != 1 || seen["mm"]+seen["mmm"] == 0 {
		return "a date needs a year of four digits (yyyy) and a month (mm or mmm)"
	}
	return ""
}

func prefixOf(s string) string {
	for _, p := range parts {
		if strings.HasPrefix(s, p) {
			return p
		}
	}
	return ""
}

const monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"

// moment is a date or a time as it was read.
type moment struct {
	year, month, day, hour, minute, second, zone int
	hasDay, hasTime, hasZone                     bool
}

// read reads s by the layout; false where it is not written so.
func (l layout) read(s string) (moment, bool) {
	var m moment
	rest := string(l)
	for rest != "" {
		part := prefixOf(rest)
		if part == "" {
			if s == "" || s[0] != rest[0] {
				return m, false
			}
			s, rest = s[1:], rest[1:]
			continue
		}
		rest = rest[len(part):]
		if part == "mmm" {
			if len(s) < 3 {
				return m, false
			}
			i := strings.Index(monthNames, strings.ToLower(s[:3]))
			if i < 0 || i%3 != 0 {
				return m, false
			}
			m.month, s = i/3+1, s[3:]
			continue
		}
		n := 0
		for i := range len(part) {
			if i >= len(s) || s[i] < '0' || s[i] > '9' {
				return m, false
			}
			n = n*10 + int(s[i]-'0')
		}
		s = s[len(part):]
		m.set(part, n)
	}
	return m, s == "" && m.valid()
}

func (m *moment) set(part string, n int) {
	switch {
	case part == "yyyy":
		m.year = n
	case part == "mm" && m.hasTime:
		m.minute = n
	case part == "mm":
		m.month = n
	case part == "dd":
		m.day, m.hasDay = n, true
	case part == "hh":
		m.hour, m.hasTime = n, true
	case part == "ss":
		m.second = n
	case part == "zz":
		m.zone, m.hasZone = n, true
	}
}

func (m *moment) valid() bool {
	days := 31
	switch m.month {
	case 4, 6, 9, 11:
		days = 30
	case 2:
		days = 28
		if m.year%4 == 0 && (m.year%100 != 0 || m.year%400 == 0) {
			days = 29
		}
	}
	return m.year > 0 && m.month >= 1 && m.month <= 12 && (!m.hasDay && !m.hasTime || m.day >= 1 && m.day <= days) &&
		m.hour < 24 && m.minute < 60 && m.second < 60 && m.zone <= 14
}

// fhir is the moment as a FHIR date, dateTime or instant; "" where the
// datatype needs more than there is. A time without a zone is the region's.
func (m *moment) fhir(datatype string) string {
	b := appendDigits(make([]byte, 0, 25), m.year, 4)
	b = appendDigits(append(b, '-'), m.month, 2)
	if m.hasDay {
		b = appendDigits(append(b, '-'), m.day, 2)
	}
	switch {
	case datatype == "date" || !m.hasTime && datatype == "dateTime":
		return string(b)
	case !m.hasTime:
		return ""
	}
	b = appendDigits(append(b, 'T'), m.hour, 2)
	b = appendDigits(append(b, ':'), m.minute, 2)
	b = appendDigits(append(b, ':'), m.second, 2)
	if m.hasZone {
		b = appendDigits(append(b, '+'), m.zone, 2)
		return string(b) + ":00"
	}
	return string(b) + london.Offset(m.year, m.month, m.day, m.hour)
}

func appendDigits(b []byte, n, width int) []byte {
	for div := pow10(width - 1); div > 0; div /= 10 {
		b = append(b, byte('0'+n/div%10))
	}
	return b
}

func pow10(n int) int {
	out := 1
	for range n {
		out *= 10
	}
	return out
}
