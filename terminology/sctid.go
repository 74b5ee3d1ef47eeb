package terminology

import "strings"

// conceivable says whether a code could be one of SNOMED CT's at all, whatever
// the release: a concept's identifier with its check digit, or an expression,
// which is composed of several. https://hl7.org/fhir/R4/snomedct.html#code
func conceivable(code string) bool {
	if strings.ContainsAny(code, ":+=|{ ") {
		return true
	}
	return conceptID(code)
}

// conceptID says whether a text is an identifier of a concept: 6 to 18 digits,
// of which the last is a check digit, and the two before it say that it is a
// concept's. https://docs.snomed.org/snomed-ct-specifications/snomed-ct-release-file-specification/snomed-ct-identifiers
func conceptID(code string) bool {
	if len(code) < 6 || len(code) > 18 || code[0] == '0' {
		return false
	}
	check := 0
	for i := range len(code) {
		digit := int(code[len(code)-1-i]) - '0'
		if digit < 0 || digit > 9 {
			return false
		}
		for range i % 8 {
			digit = verhoeff[digit]
		}
		check = dihedral(check, digit)
	}
	partition := code[len(code)-3 : len(code)-1]
	return check == 0 && (partition == "00" || partition == "10")
}

// verhoeff is the permutation of Verhoeff's check, applied once for each place.
var verhoeff = [10]int{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}

// dihedral multiplies in the group of the symmetries of a pentagon: 0 to 4 are
// its turns, 5 to 9 its reflections.
func dihedral(a, b int) int {
	switch {
	case a < 5 && b < 5:
		return (a + b) % 5
	case a < 5:
		return 5 + (a+b)%5
	case b < 5:
		return 5 + (a-b)%5
	}
	return (a - b + 5) % 5
}
