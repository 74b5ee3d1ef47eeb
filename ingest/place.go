package ingest

import "strings"

// KindOfPlace is a place without what only counts in it, so that faults of one
// kind are told together: "OBX[3]-5" is OBX-5, "component[1].section.entry[3]"
// is component.section.entry, and "row 7, column dob" is column dob.
func KindOfPlace(place string) string {
	if row, column, ok := strings.Cut(place, ", "); ok && strings.HasPrefix(row, "row ") {
		return column
	}
	if rest, ok := strings.CutPrefix(place, "row "); ok && strings.Trim(rest, "0123456789") == "" {
		return "row"
	}
	return WithoutIndexes(place)
}

// WithoutIndexes is a place without what counts in it: "OBX[3]-5" is OBX-5. The
// indexes would tell a reader how many others there are.
func WithoutIndexes(place string) string {
	var b strings.Builder
	depth := 0
	for _, c := range place {
		switch {
		case c == '[':
			depth++
		case c == ']' && depth > 0:
			depth--
		case depth == 0:
			b.WriteRune(c)
		}
	}
	return b.String()
}
