package safety

import (
	"fmt"
	"strings"
)

// Letters are the kinds of threat that each kind of element of a data flow diagram
// has by STRIDE: an outsider can be impersonated or deny, a process can all, a store is altered,
// denied, read or blocked, a flow is altered, read or blocked.
var letters = map[byte]string{'E': "SR", 'P': "STRIDE", 'S': "TRID", 'F': "TID"}

// Threats holds the threats to the elements: each element has its kinds, each
// threat a control with a test, or says that it is open. Elements are rows of two cells or more whose first is
// E1, P1, S1 or F1; threats are rows of six: element, kind, threat, control, tests, what remains.
func Threats(rows []Row) (faults []string) {
	say := func(format string, a ...any) { faults = append(faults, fmt.Sprintf(format, a...)) }
	elements, covered := []string{}, map[string]string{}
	for _, r := range rows {
		if len(r) == 0 || !isElement(r[0]) {
			continue
		}
		if len(r) != 6 {
			elements = append(elements, r[0])
			continue
		}
		covered[r[0]] += r[1]
		switch {
		case strings.Trim(r[1], "STRIDE") != "":
			say("%s: the kinds of threat are S, T, R, I, D and E: not %q", r[0], r[1])
		case r[2] == "" || r[3] == "" || r[5] == "":
			say("%s %s: threat, control and what remains are said", r[0], r[1])
		case len(Named(r[4])) == 0 && !strings.HasPrefix(r[4], "open: ") && !strings.HasPrefix(r[4], "outside: "):
			say("%s %s: no test is named, and it does not say that it is open, or outside of the software", r[0], r[1])
		}
	}
	for _, e := range elements {
		for _, l := range letters[e[0]] {
			if !strings.ContainsRune(covered[e], l) {
				say("%s: nothing is said of %c", e, l)
			}
		}
		delete(covered, e)
	}
	for e := range covered {
		say("%s is no element of the diagram", e)
	}
	return faults
}

func isElement(s string) bool {
	return len(s) >= 2 && letters[s[0]] != "" && strings.Trim(s[1:], "0123456789") == ""
}
