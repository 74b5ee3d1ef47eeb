package terminology

import (
	"testing"

	"selda/fhir"
)

// FuzzResource: whatever a CodeSystem, ValueSet or ConceptMap from outside
// says, it is read, or refused, and answers.
func FuzzResource(f *testing.F) {
	f.Add(colours)
	f.Add(set("urn:it", `{"include":[{"system":"urn:colours","filter":[{"property":"concept","op":"is-a","value":"red"},{"property":"code","op":"regex","value":"[a-z]+"}],"valueSet":["urn:it"]}],"exclude":[{"system":"urn:colours","concept":[{"code":"pink"}]}]}`))
	f.Add(set("urn:it", `{"inactive":false,"include":[{"system":"http://snomed.info/sct","filter":[{"property":"constraint","op":"=","value":"<< 404684003"}]},{"valueSet":["http://hl7.org/fhir/ValueSet/languages","http://snomed.info/sct?fhir_vs=ecl/*"]}]}`))
	f.Add(`{"resourceType":"ConceptMap","url":"urn:it","group":[{"source":"urn:colours","target":"urn:x","element":[{"code":"red","target":[{"code":"y","equivalence":"wider","product":[{"property":"urn:p","value":"v"}]}]}],"unmapped":{"mode":"other-map","url":"urn:it"}}]}`)
	f.Add(`{"resourceType":"ValueSet","url":"urn:it","expansion":{"contains":[{"system":"urn:colours","code":"red","contains":[{"code":"x"}]}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			return
		}
		r, err := fhir.Parse([]byte(text))
		if err != nil {
			return
		}
		s := New(NewResources(r), library(t, colours), R4)
		url := r.Get("url").Text()
		e, err := s.Expand(url, ExpandQuery{Count: 50, DisplayLanguage: "de", IncludeDesignations: true})
		if err == nil {
			for _, c := range e.Contains {
				if in, _ := s.Member(url, c.System, c.Code); !in && !c.Inactive {
					t.Errorf("%s|%s is listed and no member: %s", c.System, c.Code, text)
				}
			}
		}
		s.Member(url, "urn:colours", "red")
		_, _ = s.Lookup(url, "", "red", "en")
		_, _ = s.Subsumes(url, "", "red", "pink")
		_, _ = s.ValidateInSet(url, Question{Codings: []Coding{{System: "urn:colours", Code: "red", Display: "Rot"}}})
		_, _ = s.Translate(TranslateQuery{URL: url, Codings: []Coding{{System: "urn:colours", Code: "red"}}})
		_, _ = s.Translate(TranslateQuery{URL: url, Reverse: true, Codings: []Coding{{System: "urn:x", Code: "y"}}})
	})
}
