package oracle

import (
	"strings"
	"time"
)

// at is what stands at a path of names; of a list all that its elements have there.
func at(v any, path string) []any {
	found := []any{v}
	for name := range strings.SplitSeq(path, ".") {
		var next []any
		for _, f := range found {
			if o, ok := f.(map[string]any); ok {
				if list, ok := o[name].([]any); ok {
					next = append(next, list...)
				} else if o[name] != nil {
					next = append(next, o[name])
				}
			}
		}
		found = next
	}
	return found
}

// texts are the strings at a path.
func texts(v any, path string) (out []string) {
	for _, f := range at(v, path) {
		if s, ok := f.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// text is the first string at a path.
func text(v any, path string) string {
	for _, s := range texts(v, path) {
		return s
	}
	return ""
}

const odsSystem = "https://fhir.nhs.uk/Id/ods-organization-code"

// odsCodes are the organisations that the references at a path name by ODS code.
func odsCodes(v any, path string) (out []string) {
	for _, ref := range at(v, path) {
		if text(ref, "identifier.system") == odsSystem {
			out = append(out, text(ref, "identifier.value"))
		}
	}
	return out
}

// span is the time that a FHIR date or dateTime covers: a year, a month, a day or a
// second. Where it names no zone it is London's.
func span(s string) (from, until time.Time, ok bool) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, t.Add(time.Second), true
	}
	for layout, days := range map[string][3]int{"2006": {1, 0, 0}, "2006-01": {0, 1, 0}, "2006-01-02": {0, 0, 1}} {
		if t, err := time.Parse(layout, s); err == nil {
			return london(t), london(t.AddDate(days[0], days[1], days[2])), true
		}
	}
	return from, until, false
}

// london is the moment at which London's clocks show what t shows in UTC.
func london(t time.Time) time.Time {
	if summer(t.Add(-time.Hour)) {
		return t.Add(-time.Hour)
	}
	return t
}

// clock is t as London's clocks show it.
func clock(t time.Time) time.Time {
	t = t.UTC()
	if summer(t) {
		return t.Add(time.Hour)
	}
	return t
}

// summer says whether it is British Summer Time: from one o'clock UTC on the last
// Sunday of March until one o'clock on the last of October.
func summer(t time.Time) bool {
	last := func(m time.Month) time.Time {
		d := time.Date(t.Year(), m, 31, 1, 0, 0, 0, time.UTC)
		return d.AddDate(0, 0, -int(d.Weekday()))
	}
	return !t.Before(last(time.March)) && t.Before(last(time.October))
}

// sameDay says whether two moments are of one day in London.
func sameDay(a, b time.Time) bool {
	return clock(a).Format(time.DateOnly) == clock(b).Format(time.DateOnly)
}

// age in years at a moment, of somebody born on a day.
func age(born string, now time.Time) (int, bool) {
	b, err := time.Parse(time.DateOnly, born)
	if err != nil {
		return 0, false
	}
	n := clock(now)
	years := n.Year() - b.Year()
	if n.Month() < b.Month() || n.Month() == b.Month() && n.Day() < b.Day() {
		years--
	}
	return years, true
}
