package view_test

import (
	"fmt"
	"time"

	"selda/web/view"
)

// A date is written as exactly as it is known, for professionals and for all.
func ExampleDate() {
	now := time.Date(2026, 11, 8, 9, 0, 0, 0, time.UTC)
	for _, s := range []string{"2026-11-05T14:05:00Z", "2026-11", "1951"} {
		d := view.ParseDate(s)
		fmt.Printf("%s, %s, %q\n", d.Pro(), d.Plain(), d.Ago(now))
	}
	// Output:
	// 05-Nov-2026, 5 November 2026, "3 days ago"
	// Nov-2026, November 2026, ""
	// 1951, 1951, ""
}
