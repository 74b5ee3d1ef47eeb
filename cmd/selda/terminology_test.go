package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Releases are imported beside a running server, which answers from them at
// once; what cannot be used says why and changes nothing.
func TestTerminologyVerbs(t *testing.T) {
	data := t.TempDir()
	samples, err := filepath.Abs("../../testdata/terminology")
	if err != nil {
		t.Fatal(err)
	}
	one := lines(t, ok(t, data, "terminology", "import", samples+"/snomed", "--json"))
	if len(one) != 1 || one[0]["releases"].([]any)[0].(map[string]any)["concepts"].(float64) != 66 {
		t.Errorf("%v", one)
	}
	s := start(t, data, "serve")
	table := filepath.Join(t.TempDir(), "map.csv")
	if err := os.WriteFile(table, []byte("source_system,source_code,target_code\nhttp://read.info/ctv3,H33..,195967001\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ok(t, data, "terminology", "import", samples+"/loinc", table)
	kinds := map[string]bool{}
	for _, r := range lines(t, ok(t, data, "terminology", "list", "--json")) {
		kinds[r["kind"].(string)] = r["inUse"].(bool)
	}
	if len(kinds) != 3 || !kinds["snomed"] || !kinds["loinc"] || !kinds["map"] {
		t.Errorf("%v", kinds)
	}
	message := filepath.Join(t.TempDir(), "a.hl7")
	if err := os.WriteFile(message, []byte("MSH|^~\\&|GP|G85915|SELDA|SEL|20261102090000||ADT^A08|1|P|2.4\rPID|1||K300^^^G85915^MRN||ADEYEMI^FOLAKE||19511105|F\rDG1|1||H33..^Asthma^CTV3||20261101|F\rDG1|2||XaZZZ^Odd^CTV3||20261101|F\r"), 0o600); err != nil {
		t.Fatal(err)
	}
	ok(t, data, "ingest", "--source", "G85915:GP", message, "--json")
	list := lines(t, ok(t, data, "terminology", "unmapped", "--json"))
	if len(list) != 1 || list[0]["code"] != "XaZZZ" || list[0]["source"] != "G85915:GP" || list[0]["count"].(float64) != 1 || list[0]["first"] == nil {
		t.Errorf("%v", list)
	}
	classes := filepath.Join(t.TempDir(), "icd10.json")
	if err := os.WriteFile(classes, []byte(`{"resourceType":"CodeSystem","url":"http://hl7.org/fhir/sid/icd-10","version":"test","status":"active","content":"complete","concept":[{"code":"B20","display":"HIV disease"},{"code":"F64","display":"Gender identity disorders","property":[{"code":"inactive","valueBoolean":true}]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	ok(t, data, "terminology", "import", classes)
	is := map[string]string{}
	for _, l := range lines(t, ok(t, data, "terminology", "labels", "--all", "--json")) {
		is[l["code"].(string)] = l["is"].(string)
	}
	for code, want := range map[string]string{"B20": "held", "B24": "missing", "Z65.0": "missing", "F64": "withdrawn", "86406008": "missing"} {
		if is[code] != want {
			t.Errorf("a code of the label lists that is %s: %s is %q", want, code, is[code])
		}
	}
	if r := selda(t, data, "terminology", "import", message); r.code != 1 || !strings.Contains(r.err, "no terminology that is known") {
		t.Errorf("%+v", r)
	}
	if s.stop(t) != 0 {
		t.Error(s.errs)
	}
	if again := lines(t, ok(t, data, "terminology", "list", "--json")); len(again) != 4 {
		t.Errorf("%v", again)
	}
}
