package synth_test

import (
	"fmt"
	"time"

	"selda/synth"
)

// A region of three citizens, the named ones, as at a day: who they are, and
// how many messages systems have sent of the first.
func Example() {
	region := synth.New(1, 3, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	for c := range region.Citizens() {
		fmt.Println(c.NHSNumber.Spaced(), c.Given, c.Family, c.Borough, c.Practice)
	}
	sources := map[string]bool{}
	for m := range region.Messages() {
		sources[m.Source.System()] = true
	}
	fmt.Println(len(sources) > 5)
	// Output:
	// 999 123 4519 Folake Adeyemi Southwark G85915
	// 999 204 8166 Grace Mensah Southwark G85915
	// 999 204 8174 Kofi Mensah Southwark G85915
	// true
}
