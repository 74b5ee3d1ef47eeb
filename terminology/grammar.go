package terminology

import (
	"regexp"
	"strings"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"
)

// grammars are the code systems that are defined by rules, or by a register
// that is common knowledge, rather than by a list that could be loaded: those
// that R4's bindings rest on.
// https://hl7.org/fhir/R4/terminologies-systems.html
var grammars = map[string]func(code string) bool{
	// Media types. https://www.rfc-editor.org/rfc/rfc2045#section-5.1
	"urn:ietf:bcp:13": mediaType.MatchString,
	// Language tags. https://www.rfc-editor.org/info/bcp47
	"urn:ietf:bcp:47": func(c string) bool {
		_, err := language.Parse(c)
		return err == nil && !strings.Contains(c, "_")
	},
	// Currencies, three capital letters.
	"urn:iso:std:iso:4217": func(c string) bool {
		u, err := currency.ParseISO(c)
		return err == nil && u.String() == c
	},
	// Countries, by two or three capital letters or three digits.
	"urn:iso:std:iso:3166": func(c string) bool {
		r, err := language.ParseRegion(c)
		return err == nil && r.IsCountry() && c == strings.ToUpper(c)
	},
}

var mediaType = regexp.MustCompile("^[!#$&^_.+A-Za-z0-9-]+/[!#$&^_.+A-Za-z0-9-]+( *; *[!#$&^_.+A-Za-z0-9-]+=(\"[^\"]*\"|[^\" ;]+))*$")
