package validate

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"selda/fhir"
	"selda/fhir/decimal"
)

// format says what is wrong with a primitive's value, "" where nothing is. What
// R4 gives as regular expressions is written out, since it runs on every value
// of every resource. https://hl7.org/fhir/R4/datatypes.html#primitive
type format func(n fhir.Node) string

// formats are those of the primitive types.
var formats = map[string]format{
	"boolean":      func(n fhir.Node) string { return unless(n.IsBool(), "true or false, without quotes, is needed here") },
	"integer":      whole(-1<<31, 1<<31-1, "a whole number of 32 bits, without quotes, is needed here"),
	"unsignedInt":  whole(0, 1<<31-1, "a whole number from 0 on, without quotes, is needed here"),
	"positiveInt":  whole(1, 1<<31-1, "a whole number from 1 on, without quotes, is needed here"),
	"decimal":      aDecimal,
	"string":       text(aString),
	"markdown":     text(aString),
	"code":         text(aCode),
	"id":           text(func(s string) string { return unless(fhir.IsID(s), "an id has 1 to 64 letters, digits, - and .") }),
	"uri":          text(aURI),
	"url":          text(aURI),
	"canonical":    text(aURI),
	"oid":          text(anOID),
	"uuid":         text(aUUID),
	"base64Binary": text(aBase64),
	"date":         text(func(s string) string { return unless(isDate(s), "a date is YYYY, YYYY-MM or YYYY-MM-DD") }),
	"dateTime": text(func(s string) string {
		return unless(isDateTime(s), "a dateTime is YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+zz:zz; a time has its zone")
	}),
	"instant": text(func(s string) string {
		return unless(strings.Contains(s, "T") && isDateTime(s), "an instant is YYYY-MM-DDThh:mm:ss.sss+zz:zz")
	}),
	"time":  text(func(s string) string { return unless(isTime(s), "a time is hh:mm:ss, without a zone") }),
	"xhtml": text(aNarrative),
}

// aNarrative is one that can be given as XML, and does nothing in a browser.
func aNarrative(s string) string {
	if why := fhir.NarrativeDanger(s); why != "" {
		return "a narrative is a div of plain XHTML: " + why
	}
	return ""
}

func unless(ok bool, words string) string {
	if ok {
		return ""
	}
	return words
}

func text(f func(s string) string) format {
	return func(n fhir.Node) string {
		if !n.IsString() {
			return "a string in quotes is needed here"
		}
		s := n.View()
		if s == "" {
			return "a value is not empty: leave the element out"
		}
		return f(s)
	}
}

func whole(least, most int64, words string) format {
	return func(n fhir.Node) string {
		if !n.IsNumber() {
			return words
		}
		s := n.View()
		d, ok := decimal.Parse(s)
		v, exact := d.Int64()
		return unless(ok && exact && v >= least && v <= most && !strings.ContainsAny(s, ".eE"), words)
	}
}

func aDecimal(n fhir.Node) string {
	if !n.IsNumber() {
		return "a number without quotes is needed here"
	}
	_, ok := decimal.Parse(n.View())
	return unless(ok, "a decimal is within 400 powers of ten")
}

const maxString = 1 << 20

func aString(s string) string {
	if len(s) > maxString {
		return "a string has at most 1,048,576 characters"
	}
	space := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < ' ' {
			if c != '\t' && c != '\n' && c != '\r' {
				return "a string has no control characters"
			}
			continue
		}
		if c != ' ' {
			space = false
		}
	}
	return unless(!space, "a string has more than white space")
}

// aCode is without white space but for single spaces within.
func aCode(s string) string {
	last := byte(' ')
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == ' ' && last == ' ' || c < ' ' {
			last = ' '
			break
		}
		last = c
	}
	return unless(last != ' ', "a code has no white space but single spaces within it")
}

func aURI(s string) string {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' {
			return "a URI has no white space"
		}
		if c >= utf8.RuneSelf {
			r, _ := utf8.DecodeRuneInString(s[i:])
			if unicode.IsSpace(r) {
				return "a URI has no white space"
			}
		}
	}
	if rest, ok := strings.CutPrefix(s, "urn:oid:"); ok {
		return anOID("urn:oid:" + rest)
	}
	if strings.HasPrefix(s, "urn:uuid:") {
		return aUUID(strings.ToLower(s))
	}
	return ""
}

func anOID(s string) string {
	const words = "an OID is urn:oid: with numbers and dots between them"
	arcs, ok := strings.CutPrefix(s, "urn:oid:")
	if !ok || len(arcs) < 2 || arcs[0] > '2' || arcs[1] != '.' {
		return words
	}
	for arc := range strings.SplitSeq(arcs, ".") {
		if arc == "" || len(arc) > 1 && arc[0] == '0' || strings.Trim(arc, "0123456789") != "" {
			return words
		}
	}
	return ""
}

func aUUID(s string) string {
	const words = "a UUID is urn:uuid: with 32 hexadecimal digits in small letters, as 8-4-4-4-12"
	id, ok := strings.CutPrefix(s, "urn:uuid:")
	if !ok || len(id) != 36 {
		return words
	}
	for i := 0; i < len(id); i++ {
		c := id[i]
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return words
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return words
		}
	}
	return ""
}

func aBase64(s string) string {
	const words = "base64 has letters, digits, + and /, in fours"
	n := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/':
			n++
		case c == '=' && i >= len(s)-2:
			n++
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
		default:
			return words
		}
	}
	return unless(n%4 == 0, words)
}

// digits reads n digits of s from i on.
func digits(s string, i, n int) (v int, ok bool) {
	if len(s) < i+n {
		return 0, false
	}
	for _, c := range []byte(s[i : i+n]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}

func isDate(s string) bool {
	year, ok := digits(s, 0, 4)
	if !ok || year == 0 {
		return false
	}
	if len(s) == 4 {
		return true
	}
	month, ok := digits(s, 5, 2)
	if !ok || s[4] != '-' || month < 1 || month > 12 {
		return false
	}
	if len(s) == 7 {
		return true
	}
	day, ok := digits(s, 8, 2)
	return ok && len(s) == 10 && s[7] == '-' && day >= 1 && day <= daysIn(year, month)
}

func daysIn(year, month int) int {
	if month == 2 {
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 30 + (month+month/8)%2
}

func isDateTime(s string) bool {
	if len(s) <= 10 {
		return isDate(s)
	}
	if s[10] != 'T' || !isDate(s[:10]) {
		return false
	}
	clock := s[11:]
	if z, ok := strings.CutSuffix(clock, "Z"); ok {
		return isTime(z)
	}
	at := len(clock) - 6
	if at < 0 || clock[at] != '+' && clock[at] != '-' || clock[at+3] != ':' {
		return false
	}
	hours, ok1 := digits(clock, at+1, 2)
	minutes, ok2 := digits(clock, at+4, 2)
	return ok1 && ok2 && minutes <= 59 && (hours <= 13 || hours == 14 && minutes == 0) && isTime(clock[:at])
}

func isTime(s string) bool {
	hour, ok1 := digits(s, 0, 2)
	minute, ok2 := digits(s, 3, 2)
	second, ok3 := digits(s, 6, 2)
	if !ok1 || !ok2 || !ok3 || s[2] != ':' || s[5] != ':' || hour > 23 || minute > 59 || second > 60 {
		return false
	}
	if len(s) == 8 {
		return true
	}
	return s[8] == '.' && len(s) > 9 && strings.Trim(s[9:], "0123456789") == ""
}
