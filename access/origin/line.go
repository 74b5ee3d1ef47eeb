package origin

import (
	"bytes"
	"strconv"
	"strings"
)

// lineOf is the one line of an import that a place such as line[3] names: the
// others are of other people. Any other place, and its message, stay as they are.
func lineOf(body []byte, place string) ([]byte, string) {
	rest, ok := strings.CutPrefix(place, "line[")
	if !ok {
		return body, place
	}
	number, _, _ := strings.Cut(rest, "]")
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil, ""
	}
	for ; n > 1; n-- {
		_, body, _ = bytes.Cut(body, []byte("\n"))
	}
	line, _, _ := bytes.Cut(body, []byte("\n"))
	return line, ""
}
