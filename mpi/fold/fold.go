// Package fold brings names to the form in which they are compared and
// indexed. It is pure, and so small that matching, search and the index can
// share it.
package fold

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Name is a name in letters only, lower case, accents removed: O'Neill and
// Oneill are one, and so are Zoë and Zoe.
func Name(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		if s[i] < 'a' || s[i] > 'z' {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for _, r := range norm.NFD.String(s) {
		if unicode.IsLetter(r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}
