package nhs_test

import (
	"fmt"

	"selda/nhs"
)

// A number that is printed by mistake shows two digits; Digits is the one call
// that reveals it.
func ExampleParseNumber() {
	n, err := nhs.ParseNumber("999 123 4519")
	fmt.Println(n, err)
	fmt.Println(n.Digits())
	_, err = nhs.ParseNumber("999 123 4518")
	fmt.Println(err != nil)
	// Output:
	// ••••••••19 <nil>
	// 9991234519
	// true
}
