package nhs

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// G15: a number that fails Modulus 11 is invalid.
func TestParseNumber(t *testing.T) {
	for in, want := range map[string]string{
		"9991234519": "9991234519", "999 123 4519": "9991234519", "999-123-4519": "9991234519",
		"9991234518": "", "999123451": "", "99912345190": "", "999123451X": "", "": "",
	} {
		n, err := ParseNumber(in)
		if (err == nil) != (want != "") || n.Digits() != want {
			t.Errorf("ParseNumber(%q) = %q, %v; want %q", in, n.Digits(), err, want)
		}
		if err != nil && len(in) > 3 && strings.Contains(err.Error(), in) {
			t.Errorf("the error tells the number: %v", err)
		}
	}
}

func TestNumberNeverLeaks(t *testing.T) {
	n, _ := ParseNumber("9991234519")
	j, _ := json.Marshal(struct{ N Number }{n})
	for _, s := range []string{fmt.Sprintf("%v %s %d %x %q %#v %+v", n, n, n, n, n, n, n), fmt.Sprintf("%+v", struct{ n Number }{n}), string(j)} {
		if strings.Contains(s, "99912345") {
			t.Errorf("leaked: %s", s)
		}
	}
	if n.Spaced() != "999 123 4519" {
		t.Error(n.Spaced())
	}
}

func TestSourceAndPostcode(t *testing.T) {
	s, err := ParseSource("rjz:PAS")
	if err != nil || s != "RJZ:PAS" || s.Organisation() != "RJZ" || s.System() != "PAS" {
		t.Error(s, err)
	}
	for _, bad := range []string{"", ":", "RJZ:", "R Z:PAS", "RJZ:a b"} {
		if _, err := ParseSource(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	for in, want := range map[string]string{"se19rt": "SE1 9RT", " SE15 5 AA": "SE15 5AA", "hello": "", "": ""} {
		if got := Postcode(in); got != want {
			t.Errorf("Postcode(%q) = %q, want %q", in, got, want)
		}
	}
}
