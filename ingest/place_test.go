package ingest

import "testing"

func TestKindOfPlace(t *testing.T) {
	for place, want := range map[string]string{"": "", "PID": "PID", "OBX[3]-5": "OBX-5", "PID-3[2].1": "PID-3.1", "entry[12].resource": "entry.resource",
		"component[1].section.entry[3]": "component.section.entry", "row 7, column dob": "column dob", "row 7": "row", "row x": "row x", "a]b": "a]b"} {
		if got := KindOfPlace(place); got != want {
			t.Errorf("%q is of the kind %q, not %q", place, got, want)
		}
	}
}
