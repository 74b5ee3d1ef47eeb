// Command ucumgen makes fhir/ucum/units.txt, the table of UCUM's prefixes and
// units, out of ucum-essence.xml of the UCUM organization. It is run by hand
// when UCUM has a new version, and never by the product:
//
//	go run ./internal/ucumgen ucum-essence.xml > fhir/ucum/units.txt
package main

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"os"
)

type essence struct {
	Prefix []struct {
		Code  string `xml:"Code,attr"`
		Value struct {
			Value string `xml:"value,attr"`
		} `xml:"value"`
	} `xml:"prefix"`
	Base []struct {
		Code string `xml:"Code,attr"`
	} `xml:"base-unit"`
	Unit []unit `xml:"unit"`
}

type unit struct {
	Code      string `xml:"Code,attr"`
	Metric    string `xml:"isMetric,attr"`
	Special   string `xml:"isSpecial,attr"`
	Arbitrary string `xml:"isArbitrary,attr"`
	Value     struct {
		Unit     string `xml:"Unit,attr"`
		Value    string `xml:"value,attr"`
		Function *struct {
			Name  string `xml:"name,attr"`
			Value string `xml:"value,attr"`
			Unit  string `xml:"Unit,attr"`
		} `xml:"function"`
	} `xml:"value"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: ucumgen ucum-essence.xml")
		os.Exit(2)
	}
	in, err := os.ReadFile(os.Args[1])
	var e essence
	if err == nil {
		dec := xml.NewDecoder(bytes.NewReader(in))
		dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it says ascii
		err = dec.Decode(&e)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ucumgen:", err)
		os.Exit(1)
	}
	w := bufio.NewWriter(os.Stdout)
	for _, p := range e.Prefix {
		fmt.Fprintf(w, "prefix %s %s\n", p.Code, p.Value.Value)
	}
	for _, b := range e.Base {
		fmt.Fprintf(w, "base %s\n", b.Code)
	}
	for _, u := range e.Unit {
		fmt.Fprintln(w, u.line())
	}
	if err := w.Flush(); err != nil {
		os.Exit(1)
	}
}

// line is a unit: how it behaves, its code, and what it is worth. "metric" ones
// take a prefix; of "special" ones the function's name stands last.
func (u unit) line() string {
	kind := "unit"
	if u.Metric == "yes" {
		kind = "metric"
	}
	if u.Arbitrary == "yes" && u.Value.Unit == "1" {
		return kind + "-arbitrary " + u.Code
	}
	if f := u.Value.Function; u.Special == "yes" && f != nil {
		return fmt.Sprintf("%s-special %s %s %s %s", kind, u.Code, f.Value, f.Unit, f.Name)
	}
	return fmt.Sprintf("%s %s %s %s", kind, u.Code, u.Value.Value, u.Value.Unit)
}
