package classify

import "strings"

// Codes are the codes that an entry of a list names in a code system, as it writes them;
// system is "" of one that names none, such as words.
func (e Entry) Codes() (system string, codes []string) {
	switch e.System {
	case "snomed":
		return "http://snomed.info/sct", []string{e.Code}
	case "icd10":
		for _, c := range categories(e.Code) {
			if len(c) > 3 && !strings.Contains(c, ".") {
				c = c[:3] + "." + c[3:]
			}
			codes = append(codes, c)
		}
		return "http://hl7.org/fhir/sid/icd-10", codes
	}
	return "", nil
}
