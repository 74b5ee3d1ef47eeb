package v2tofhir_test

import (
	"fmt"

	"selda/hl7v2"
	"selda/ingest/v2tofhir"
)

func Example() {
	m, err := hl7v2.Parse([]byte("MSH|^~\\&|LAB|RJZ|||20260315120000||ORU^R01|L1|P|2.4\r" +
		"PID|1||K123^^^RJZ^MR||SMITH^ANN||19800102|F\r" +
		"OBR|1||F8800|UE^Urea and electrolytes^L\r" +
		"OBX|1|NM|K^Potassium^L||3.9|mmol/L|3.5-5.3||||F\r"))
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := v2tofhir.Map(m, "RJZ:LAB")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range out.Resources {
		fmt.Println(r.Place, "is", r.Type, r.Key)
		for _, o := range r.Origins {
			if o.Element == "valueQuantity.value" {
				v, _ := m.At(o.Place)
				fmt.Println("its value", v.Text(), "stands in", o.Place)
			}
		}
	}
	// Output:
	// OBX is Observation F8800/UE/K/
	// its value 3.9 stands in OBX-5
	// OBR is DiagnosticReport F8800/UE
}
