package search

import (
	"slices"
	"strconv"
	"time"

	"selda/fault"
	"selda/fhir"
)

// span is a stretch of time in milliseconds: from, and up to but without to.
// An open end is the smallest or largest number.
type span struct{ from, to int64 }

const (
	ever  = int64(-1) << 62
	never = int64(1) << 62
)

// spanOf is the time that a FHIR date, dateTime or instant stands for, to its
// precision. https://hl7.org/fhir/R4/search.html#date
func spanOf(s string) (span, bool) {
	from, ok := fhir.Time(s)
	if !ok {
		return span{}, false
	}
	to := from
	switch len(s) {
	case 4:
		to = from.AddDate(1, 0, 0)
	case 7:
		to = from.AddDate(0, 1, 0)
	case 10:
		to = from.AddDate(0, 0, 1)
	default:
		to = from.Add(fraction(s))
	}
	return span{from.UnixMilli(), to.UnixMilli()}, true
}

// fraction is how long a time lasts that is written with seconds or parts of them.
func fraction(s string) time.Duration {
	const seconds = len("2026-11-05T09:00:00")
	if len(s) > seconds && s[seconds] == '.' {
		return time.Millisecond
	}
	return time.Second
}

// searchSpan is spanOf for a search, which may leave seconds and the zone out.
func searchSpan(s string) (span, bool) {
	if len(s) == len("2026-11-05T09:00") || len(s) > 16 && s[10] == 'T' && (s[16] == 'Z' || s[16] == '+' || s[16] == '-') {
		zone := "Z"
		if len(s) > 16 {
			zone = s[16:]
		}
		if from, ok := fhir.Time(s[:16] + ":00" + zone); ok {
			return span{from.UnixMilli(), from.Add(time.Minute).UnixMilli()}, true
		}
		return span{}, false
	}
	if len(s) > 16 && s[10] == 'T' && s[len(s)-1] != 'Z' && !zoned(s[16:]) {
		s += "Z"
	}
	return spanOf(s)
}

func zoned(rest string) bool {
	for i := range len(rest) {
		if rest[i] == '+' || rest[i] == '-' {
			return true
		}
	}
	return false
}

// compare asks whether a stretch of time in a resource stands to the one
// searched as the prefix says. What goes on for a while is at least (ge) a day
// that it reaches into. https://hl7.org/fhir/R4/search.html#prefix
func (search span) compare(prefix string, have span, now int64) bool {
	within := search.from <= have.from && have.to <= search.to
	switch prefix {
	case "", "eq":
		return within
	case "ne":
		return !within
	case "gt":
		return have.to > search.to
	case "lt":
		return have.from < search.from
	case "ge":
		return have.to > search.from
	case "le":
		return have.from < search.to
	case "sa":
		return have.from >= search.to
	case "eb":
		return have.to <= search.from
	case "ap": // a tenth of the time between now and the date
		far := now - search.from
		if far < 0 {
			far = -far
		}
		far /= 10
		return have.from < search.to+far && have.to > search.from-far
	}
	return false
}

// spans are the stretches of time that an element speaks of.
func spans(e element) []span {
	switch e.typ {
	case "date", "dateTime", "instant":
		if s, ok := spanOf(e.text()); ok {
			return []span{s}
		}
	case "Period":
		s := span{ever, never}
		from, isFrom := spanOf(e.node.Get("start").Text())
		to, isTo := spanOf(e.node.Get("end").Text())
		if isFrom {
			s.from = from.from
		}
		if isTo {
			s.to = to.to
		}
		if isFrom || isTo {
			return []span{s}
		}
	case "Timing":
		var out []span
		for _, n := range e.node.List("event") {
			if s, ok := spanOf(n.Text()); ok {
				out = append(out, s)
			}
		}
		if b := e.node.Get("repeat", "boundsPeriod"); b.Exists() {
			out = append(out, spans(element{node: b, typ: "Period"})...)
		}
		return out
	}
	return nil
}

// dateTest tests an element against a date with its prefix, or whether it overlaps it.
func dateTest(value, modifier string, now time.Time) (test, error) {
	if modifier == overlaps {
		want, ok := searchSpan(value)
		if !ok {
			return nil, fault.E("search.date", fault.Value, "a date is written as 2026, 2026-11, 2026-11-05 or with a time and zone")
		}
		return func(e element) bool {
			return slices.ContainsFunc(spans(e), func(have span) bool { return have.from < want.to && have.to > want.from })
		}, nil
	}
	meets, err := timeTest(value, now)
	if err != nil {
		return nil, err
	}
	return func(e element) bool { return slices.ContainsFunc(spans(e), meets) }, nil
}

// timeTest tests a stretch of time against a date with its prefix.
func timeTest(value string, now time.Time) (func(span) bool, error) {
	prefix, rest := cutPrefix(value)
	want, ok := searchSpan(rest)
	if !ok {
		return nil, fault.E("search.date", fault.Value, "a date is written as 2026, 2026-11, 2026-11-05 or with a time and zone, after eq, ne, gt, ge, lt, le, sa, eb or ap")
	}
	at := now.UnixMilli()
	return func(have span) bool { return want.compare(prefix, have, at) }, nil
}

// cutPrefix takes the two letters off that say how to compare.
func cutPrefix(v string) (prefix, rest string) {
	if len(v) > 2 {
		switch v[:2] {
		case "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap":
			return v[:2], v[2:]
		}
	}
	return "", v
}

// Comparator is the prefix of a value of a number, a date or a quantity; "" where
// it has none. https://hl7.org/fhir/R4/search.html#prefix
func Comparator(value string) string {
	prefix, _ := cutPrefix(value)
	return prefix
}

// ParseDate is what a date in a search stands for, as a half-open stretch of time.
func ParseDate(s string) (from, to time.Time, ok bool) {
	sp, ok := searchSpan(s)
	return time.UnixMilli(sp.from).UTC(), time.UnixMilli(sp.to).UTC(), ok
}

// Since is the time from which on a resource must have been changed that meets
// the clause; ok is false of any other clause.
func (c *Clause) Since() (from time.Time, ok bool) {
	if c.Param == nil || c.Param.Code != "_lastUpdated" || c.Modifier != "" || len(c.Values) != 1 {
		return from, false
	}
	switch prefix, rest := cutPrefix(unescape(c.Values[0])); prefix {
	case "", "eq", "ge", "gt", "sa":
		from, _, ok = ParseDate(rest)
	}
	return from, ok
}

// Window is the stretch of time, from and up to, in which an instant lies that
// meets the clause; a zero time is an open end. ok is false where nothing can be said.
func (c *Clause) Window() (from, to time.Time, ok bool) {
	if c.Param == nil || c.Param.Kind != Date || c.Modifier != "" || len(c.Values) != 1 {
		return from, to, false
	}
	prefix, rest := cutPrefix(unescape(c.Values[0]))
	first, last, ok := ParseDate(rest)
	switch {
	case !ok:
	case prefix == "" || prefix == "eq":
		from, to = first, last
	case prefix == "ge" || prefix == "gt" || prefix == "sa":
		from = first
	case prefix == "le" || prefix == "lt" || prefix == "eb":
		to = last
	default:
		ok = false
	}
	return from, to, ok
}

// decimals is how many digits stand after the point, for the precision of a number.
func decimals(s string) (n int, exponent int) {
	point := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '.':
			point = true
		case c == 'e' || c == 'E':
			exponent, _ = strconv.Atoi(s[i+1:])
			return n, exponent
		case point:
			n++
		}
	}
	return n, 0
}
