package ecl_test

import (
	"fmt"
	"os"

	"selda/terminology/ecl"
	"selda/terminology/index"
	"selda/terminology/rf2"
)

func Example() {
	release, err := rf2.Read(os.DirFS("../../testdata/terminology/snomed"))
	if err != nil {
		fmt.Println(err)
		return
	}
	raw, err := release.Bytes()
	if err != nil {
		fmt.Println(err)
		return
	}
	x, err := index.Open(raw)
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := ecl.Parse("< 404684003 |Clinical finding| : 363698007 |Finding site| = << 80891009 |Heart structure|")
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := e.Evaluate(x)
	if err != nil {
		fmt.Println(err)
		return
	}
	for c := range found.Concepts() {
		fmt.Println(x.Code(c), x.Display(c))
	}
	// Output:
	// 56265001 Heart disease
	// 22298006 Myocardial infarction
	// 57054005 Acute myocardial infarction
}
