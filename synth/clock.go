package synth

import "time"

// Times in stories are wall-clock times in London, held in UTC's clothes; the
// functions here tell them apart when they are written down.

// summer says whether London's clocks are an hour ahead at wall-clock time t:
// from the last Sunday of March, 01:00, to the last of October, 02:00.
func summer(t time.Time) bool {
	m := t.Month()
	switch {
	case m < time.March || m > time.October:
		return false
	case m > time.March && m < time.October:
		return true
	}
	last := 31 - int(time.Date(t.Year(), m, 31, 0, 0, 0, 0, time.UTC).Weekday())
	change := time.Date(t.Year(), m, last, 1, 0, 0, 0, time.UTC)
	if m == time.March {
		return !t.Before(change)
	}
	return t.Before(change.Add(time.Hour))
}

// instant is the moment that wall-clock time t is.
func instant(t time.Time) time.Time {
	if summer(t) {
		return t.Add(-time.Hour)
	}
	return t
}

// fhirTime is t as a FHIR dateTime with London's offset.
func fhirTime(t time.Time) string {
	b := make([]byte, 0, 25)
	b = appendDate(b, t, '-')
	b = append(b, 'T')
	b = appendClock(b, t, ':')
	if summer(t) {
		return string(append(b, "+01:00"...))
	}
	return string(append(b, "+00:00"...))
}

// fhirDate is the day of t as a FHIR date.
func fhirDate(t time.Time) string { return string(appendDate(make([]byte, 0, 10), t, '-')) }

// hl7Time is t as an HL7 v2 time stamp, without offset as PAS systems send it.
func hl7Time(t time.Time) string {
	return string(appendClock(appendDate(make([]byte, 0, 14), t, 0), t, 0))
}

// hl7Date is the day of t in HL7 v2 and CDA.
func hl7Date(t time.Time) string { return string(appendDate(make([]byte, 0, 8), t, 0)) }

// cdaTime is t as CDA writes it, with offset.
func cdaTime(t time.Time) string {
	if summer(t) {
		return hl7Time(t) + "+0100"
	}
	return hl7Time(t) + "+0000"
}

// ukDate is the day of t as extracts in CSV write it, 05/11/1951.
func ukDate(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	b := two(make([]byte, 0, 10), t.Day())
	b = two(append(b, '/'), int(t.Month()))
	b = append(b, '/')
	return string(two(two(b, t.Year()/100), t.Year()%100))
}

func two(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

func appendDate(b []byte, t time.Time, sep byte) []byte {
	y, m, d := t.Date()
	b = two(two(b, y/100), y%100)
	if sep != 0 {
		b = append(b, sep)
	}
	b = two(b, int(m))
	if sep != 0 {
		b = append(b, sep)
	}
	return two(b, d)
}

func appendClock(b []byte, t time.Time, sep byte) []byte {
	h, m, s := t.Clock()
	b = two(b, h)
	if sep != 0 {
		b = append(b, sep)
	}
	b = two(b, m)
	if sep != 0 {
		b = append(b, sep)
	}
	return two(b, s)
}
