// Package nhs holds words of the NHS Data Dictionary: the NHS number, the ODS
// code, the postcode and the roles that SELDA knows. Each is parsed once, at
// the edge, and can't be made otherwise. It knows nothing of this system.
package nhs

import (
	"fmt"
	"io"
	"strings"
	"unique"
)

// NumberSystem is the identifier system of NHS numbers.
const NumberSystem = "https://fhir.nhs.uk/Id/nhs-number"

// ODSSystem is the identifier system of organisation codes.
const ODSSystem = "https://fhir.nhs.uk/Id/ods-organization-code"

// Number is an NHS number that passed Modulus 11. It prints masked under
// every verb; Digits is the one revealing call. The zero Number is no number.
type Number struct{ h unique.Handle[string] }

// ParseNumber reads an NHS number: ten digits, with spaces or hyphens between
// them or none. The error says what is wrong and never holds the digits.
// NHS Data Dictionary, NHS NUMBER: the last digit is a Modulus 11 check digit.
func ParseNumber(s string) (Number, error) {
	var d [10]byte
	n := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ' || c == '-':
		case c < '0' || c > '9':
			return Number{}, fmt.Errorf("an NHS number has digits only")
		case n == 10:
			return Number{}, fmt.Errorf("an NHS number has 10 digits, this has more")
		default:
			d[n] = c - '0'
			n++
		}
	}
	if n != 10 {
		return Number{}, fmt.Errorf("an NHS number has 10 digits, this has %d", n)
	}
	if CheckDigit(d[:9]) != int(d[9]) {
		return Number{}, fmt.Errorf("the NHS number fails Modulus 11")
	}
	for i := range d {
		d[i] += '0'
	}
	return Number{unique.Make(string(d[:]))}, nil
}

// CheckDigit is the Modulus 11 check digit of nine digit values; 10 means
// that no number begins with these nine.
func CheckDigit(nine []byte) int {
	sum := 0
	for i, d := range nine {
		sum += int(d) * (10 - i)
	}
	c := 11 - sum%11
	if c == 11 {
		return 0
	}
	return c
}

// Digits is the number as ten digits, or "" of the zero Number.
func (n Number) Digits() string {
	if n.IsZero() {
		return ""
	}
	return n.h.Value()
}

// Spaced is the number as people read it: 999 123 4519. It reveals, as Digits does.
func (n Number) Spaced() string {
	d := n.Digits()
	if d == "" {
		return ""
	}
	return d[:3] + " " + d[3:6] + " " + d[6:]
}

// IsZero says that this is no number.
func (n Number) IsZero() bool { return n == Number{} }

// String is the masked number.
func (n Number) String() string {
	if n.IsZero() {
		return "no NHS number"
	}
	return "••••••••" + n.h.Value()[8:]
}

// Format masks the number under every verb.
func (n Number) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, n.String()) }

// MarshalText masks the number in JSON and in slog.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// ODS is an organisation's or site's code of the Organisation Data Service,
// in capitals: "RJZ", "G85001".
type ODS string

// ParseODS reads an ODS code: 1 to 12 letters and digits.
func ParseODS(s string) (ODS, error) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if s == "" || len(s) > 12 {
		return "", fmt.Errorf("an ODS code has 1 to 12 letters and digits")
	}
	for _, c := range s {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return "", fmt.Errorf("an ODS code has 1 to 12 letters and digits")
		}
	}
	return ODS(s), nil
}

// Source names a system that feeds the record: the organisation's ODS code and
// the system, "RJZ:PAS".
type Source string

// ParseSource reads "ODS:SYSTEM". The system is of letters, digits, hyphen,
// underscore and dot, and no longer than 32; where it is left out it is "SYS".
func ParseSource(s string) (Source, error) {
	org, system, found := strings.Cut(strings.TrimSpace(s), ":")
	ods, err := ParseODS(org)
	if err != nil {
		return "", fmt.Errorf("a source is named ODS:SYSTEM, such as RJZ:PAS: %w", err)
	}
	if !found {
		system = "SYS"
	}
	if system == "" || len(system) > 32 || strings.Trim(system, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		return "", fmt.Errorf("a source is named ODS:SYSTEM, such as RJZ:PAS")
	}
	return Source(string(ods) + ":" + system), nil
}

// Exchange stands for the exchange itself where an organisation is named: what people
// state to it, and what it decides, has a source of its own ("SELDA:ME").
const Exchange ODS = "SELDA"

// ParseFeed is ParseSource, of a system from outside: none is the exchange's own.
func ParseFeed(s string) (Source, error) {
	source, err := ParseSource(s)
	if err == nil && source.Organisation() == Exchange {
		return "", fmt.Errorf("sources of %s are the exchange's own: name the organisation whose system it is", Exchange)
	}
	return source, err
}

// Organisation is the ODS code of the organisation whose system this is.
func (s Source) Organisation() ODS {
	org, _, _ := strings.Cut(string(s), ":")
	return ODS(org)
}

// System is the system's name within its organisation.
func (s Source) System() string {
	_, sys, _ := strings.Cut(string(s), ":")
	return sys
}

// Postcode is a postcode in its usual form, "SE1 9RT", or "" where s is none.
func Postcode(s string) string {
	var b strings.Builder
	for _, c := range strings.ToUpper(s) {
		if c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			b.WriteRune(c)
		}
	}
	p := b.String()
	if len(p) < 5 || len(p) > 7 || p[len(p)-3] < '0' || p[len(p)-3] > '9' || p[0] < 'A' {
		return ""
	}
	for _, c := range p[len(p)-2:] {
		if c < 'A' {
			return ""
		}
	}
	return p[:len(p)-3] + " " + p[len(p)-3:]
}
