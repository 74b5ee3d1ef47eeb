package origin

import "testing"

// Of an import only the line of the item is shown.
func TestAnImportsLine(t *testing.T) {
	body := []byte("{\"a\":1}\n\n{\"b\":2}\n{\"c\":3}")
	for place, want := range map[string]string{"line[1]": `{"a":1}`, "line[3]": `{"b":2}`, "line[4]": `{"c":3}`, "line[9]": "", "line[x]": "", "entry[1].resource": string(body)} {
		line, rest := lineOf(body, place)
		if string(line) != want || (rest != "") != (place == "entry[1].resource") {
			t.Errorf("%s: %q %q", place, line, rest)
		}
	}
}
