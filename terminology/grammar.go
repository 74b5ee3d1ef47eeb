package terminology

import (
	"regexp"
	"strings"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"

	"selda/fhir/ucum"
	"selda/internal/pattern"
)

// UCUM is the system of units of measure.
const UCUM = "http://unitsofmeasure.org"

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
	UCUM: func(c string) bool {
		_, err := ucum.Parse(c)
		return err == nil
	},
	// Countries, by two or three capital letters or three digits.
	"urn:iso:std:iso:3166": func(c string) bool {
		r, err := language.ParseRegion(c)
		return err == nil && r.IsCountry() && c == strings.ToUpper(c)
	},
}

var mediaType = regexp.MustCompile("^[!#$&^_.+A-Za-z0-9-]+/[!#$&^_.+A-Za-z0-9-]+( *; *[!#$&^_.+A-Za-z0-9-]+=(\"[^\"]*\"|[^\" ;]+))*$")

// ruled is what passes a filter among the codes of a system that is defined by
// rules; nil where the filter is none that can be asked of a code alone.
func ruled(system string, f Filter) func(code string) bool {
	valid := grammars[system]
	switch {
	case (f.Property == "code" || f.Property == "concept") && f.Op == "regex":
		re, _, ok := pattern.Compile("^(?:" + f.Value + ")$")
		if !ok {
			return nil
		}
		return func(c string) bool { return re.MatchString(c) && valid(c) }
	case system == UCUM && f.Property == "canonical" && f.Op == "=":
		want, err := ucum.Parse(f.Value)
		if err != nil {
			return nil
		}
		return func(c string) bool {
			u, err := ucum.Parse(c)
			return err == nil && u.Commensurable(want)
		}
	}
	return nil
}
