package optout_test

import (
	"fmt"
	"time"

	"selda/optout"
)

// What was sent to the national service, what came back, and to which releases it applies.
func ExampleChecked() {
	sent, _ := optout.Parse([]byte("9991234519,\n9449304424,\n"))
	back, _ := optout.Parse([]byte("9449304424,\n"))
	r, err := optout.Checked(sent, back, time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC))
	if err != nil {
		fmt.Println(err)
		return
	}
	file, left, _ := r.Filter(optout.Format(sent))
	fmt.Printf("%q, %d left out\n", file, left)
	fmt.Println(optout.Applies("TREAT", optout.Section251).National, optout.Applies("HRESCH", optout.Section251).National)
	// Output:
	// "9449304424,\n", 1 left out
	// false true
}
