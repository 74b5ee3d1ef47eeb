package csvtofhir

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"selda/fault"
	"selda/fhir"
	"selda/ingest/mapped"
)

const small = `
extract: small
dates: dd/mm/yyyy
required: [id]
optional: [note]
person:
  nhs_number: nhs
  local_id: id
  set:
    name.family: surname
    name.given[0]: first
    name.given[1]: second
    birthDate: dob
    gender: {column: sex, map: sex}
maps: {sex: {M: male, F: female}}
rows:
  - resource: Observation
    key: id
    remove: {column: flag, values: [D]}
    set:
      status: = final
      code.coding.system: = http://snomed.info/sct
      code.coding.code: code
      valueQuantity.value: value
      valueQuantity.unit: = kg
      note.text: note
`

func mapping(t *testing.T, yaml string) *Mapping {
	t.Helper()
	m, err := ParseMapping([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func reader(t *testing.T, m *Mapping, file string) *Reader {
	t.Helper()
	r, err := NewReader(m, []byte(file), "RJZ:EXTRACT")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A mistake in a mapping is told by its line, with what to write instead.
func TestMappingMistakes(t *testing.T) {
	for name, c := range map[string]struct{ from, to, place, says string }{
		"unknown word":          {"dates: dd", "datez: dd", "line 3", "it may have extract"},
		"no such element":       {"note.text: note", "note.txt: note", "line 26", "Annotation has no element txt"},
		"a near element":        {"valueQuantity.value", "valueQuantty.value", "line 24", "did you mean valueQuantity?"},
		"an element of parts":   {"code.coding.code: code", "code.coding: code", "line 23", "say which, such as code.coding.display"},
		"no such resource":      {"resource: Observation", "resource: Observations", "line 17", "no such resource"},
		"no such map":           {"map: sex}", "map: sexes}", "line 14", "write it under maps"},
		"a map's value":         {"M: male, F: female}", `M: "a  b"}`, "line 14", "is not a code"},
		"a date's layout":       {"dates: dd/mm/yyyy", "dates: dd/mm/yy", "line 3", "written with yyyy"},
		"no dates":              {"dates: dd/mm/yyyy\n", "", "line 12", "add dates:"},
		"not a list":            {"valueQuantity.unit:", "valueQuantity[1].unit:", "line 25", "take away the number"},
		"no key":                {"    key: id\n", "", "line 17", "needs key:"},
		"nobody":                {"  nhs_number: nhs\n  local_id: id\n  set:\n    name.family: surname\n    name.given[0]: first\n    name.given[1]: second\n", "  set:\n", "line 7", "a person needs"},
		"twice":                 {"extract: small\n", "extract: small\nextract: big\n", "line", "stands twice"},
		"bad YAML":              {"person:", "person: [", "", "not well-formed YAML"},
		"an anchor":             {"person:\n", "person: &a\n", "line", "no anchors"},
		"required and optional": {"required: [id]", "required: [id, note]", "line 5", "both required and optional"},
		"a constant's type":     {"valueQuantity.value: value", "valueQuantity.value: = much", "line 24", "not a number"},
		"totals":                {"extract: small", "totals: {rows: 2}\nextract: small", "line 2", "say trailer:"},
		"delimiter":             {"extract: small", "delimiter: colon\nextract: small", "line 2", "comma, semicolon"},
	} {
		t.Run(name, func(t *testing.T) {
			broken := strings.Replace(small, c.from, c.to, 1)
			if broken == small {
				t.Fatal("the mapping was not broken")
			}
			_, err := ParseMapping([]byte(broken))
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(fault.PlaceOf(err), c.place) {
				t.Errorf("%v\nwant %q at %q", err, c.says, c.place)
			}
		})
	}
	if _, err := ParseMapping(nil); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Error(err)
	}
}

const head = "id,nhs,surname,first,second,dob,sex,code,value,flag\n"

func TestRows(t *testing.T) {
	r := reader(t, mapping(t, small), head+
		"7,999 123 4519,\"O'Neill, \"\"Jr\"\"\",,Ann,29/02/1980,F,27113001,70.50,\r\n"+
		"8,,Öz,Bo,,,M,,,D\r\n"+
		"9,,\"two\nlines\",Bo,,,M,,,\n")
	msg, line, err := r.Next()
	if err != nil || line != 2 {
		t.Fatal(line, err)
	}
	p := msg.Patients[0]
	if want := `{"resourceType":"Patient","birthDate":"1980-02-29","gender":"female","identifier":[{"system":"https://selda.example/id/RJZ:EXTRACT","value":"7"},{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9991234519"}],"name":[{"family":"O'Neill, \"Jr\"","given":["Ann"]}]}`; string(p.Body) != want {
		t.Errorf("%s\nwant %s", p.Body, want)
	}
	if p.Fallback != `o'neill, "jr"|ann|1980-02-29|female` || msg.Event != "CSV small" {
		t.Error(p.Fallback, msg.Event)
	}
	origins := fmt.Sprint(p.Origins)
	for _, want := range []string{"{identifier[1].value row 2, column nhs}", "{name[0].given[0] row 2, column second}", "{gender row 2, column sex}"} {
		if !strings.Contains(origins, want) {
			t.Errorf("no %s in %s", want, origins)
		}
	}
	o := msg.Resources[0]
	if want := `{"resourceType":"Observation","code":{"coding":[{"code":"27113001","system":"http://snomed.info/sct"}]},"status":"final","subject":{"reference":"urn:selda:key:Patient:0"},"valueQuantity":{"unit":"kg","value":70.50}}`; string(o.Body) != want || o.Key != "small|7" || o.Place != "row 2" {
		t.Errorf("%s %s\nwant %s", o.Key, o.Body, want)
	}
	msg, line, err = r.Next()
	if err != nil || line != 3 || msg.Resources[0].Action != mapped.Remove || msg.Resources[0].Body != nil {
		t.Errorf("%d %v %+v", line, err, msg)
	}
	msg, line, err = r.Next()
	if err != nil || line != 4 || strings.Contains(string(msg.Resources[0].Body), "kg") {
		t.Errorf("a constant without its value: %d %v %s", line, err, msg.Resources[0].Body)
	}
	if _, _, err = r.Next(); err != io.EOF {
		t.Error(err)
	}
}

// A row that can't be used is refused with its place; the next is read.
func TestRefusedRows(t *testing.T) {
	for row, want := range map[string]string{
		"1,,A,,,30/02/1980,,,,": "row 2, column dob",
		"1,,A,,,1980,,,,":       "row 2, column dob",
		"1,,A,,,,X,,,":          "row 2, column sex",
		",,A,,,,,,,":            "row 2, column id",
		"1,,A,,,,,,many,":       "row 2, column value",
		"1,,A":                  "row 2",
		"1,,A,,,,,,,,,,,":       "row 2",
		"1,,\"A\"x,,,,,,,":      "row 2",
		"1,,A,,,,,\"a  b\",,":   "row 2, column code",
	} {
		r := reader(t, mapping(t, small), head+row+"\n2,,Smith,,,,,,,\n")
		_, line, err := r.Next()
		if err == nil || fault.PlaceOf(err) != want || line != 2 {
			t.Errorf("%s: %v at %q, want %q", row, err, fault.PlaceOf(err), want)
		}
		if strings.Contains(err.Error(), "many") || strings.Contains(err.Error(), "1980") {
			t.Error("the error tells what the cell holds:", err)
		}
		if strings.Contains(row, `"x`) {
			continue // nothing after a broken quote can be trusted
		}
		if msg, line, err := r.Next(); err != nil || line != 3 || len(msg.Resources) != 1 {
			t.Error("the next row is not read:", err)
		}
	}
}

func TestFiles(t *testing.T) {
	m := mapping(t, small)
	row := "1,,Zoë,,,,,,,\n"
	utf16 := func(s string) string {
		out := "\xFF\xFE"
		for _, c := range s {
			out += string([]byte{byte(c), byte(c >> 8)})
		}
		return out
	}
	for name, file := range map[string]string{
		"plain":        head + row,
		"BOM":          "\xEF\xBB\xBF" + head + row,
		"UTF-16":       utf16(head + row),
		"Windows-1252": strings.ReplaceAll(head+row, "ë", "\xEB"),
		"semicolon":    strings.ReplaceAll(head+row, ",", ";"),
		"tab":          strings.ReplaceAll(head+row, ",", "\t"),
		"pipe":         strings.ReplaceAll(head+row, ",", "|"),
		"CRLF":         strings.ReplaceAll(head+row, "\n", "\r\n"),
		"CR":           strings.ReplaceAll(head+row, "\n", "\r"),
		"no last line": strings.TrimSuffix(head+row, "\n"),
		"capitals":     strings.ToUpper(head) + row,
		"other order":  "surname, id ,nhs,first,second,dob,sex,code,value,flag,extra\nZoë,1,,,,,,,,,x\n",
	} {
		msg, line, err := reader(t, m, file).Next()
		if err != nil || line != 2 || !strings.Contains(string(msg.Patients[0].Body), "Zoë") {
			t.Errorf("%s: %d %v %+v", name, line, err, msg)
		}
	}
	for name, c := range map[string]struct{ file, says string }{
		"empty":        {"", "needs a header"},
		"no column":    {"id,nhs\n1,2\n", "no column surname"},
		"twice":        {"id,ID," + head + row, "the column id twice"},
		"binary":       {"\x00\x01\x02", "no column"},
		"broken quote": {"\"id", "never closed"},
	} {
		_, err := NewReader(m, []byte(c.file), "RJZ:EXTRACT")
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestTotals(t *testing.T) {
	trailer := small + "totals: {trailer: END, rows: 2, sums: {value: 3}}\n"
	sidecar := small + "totals: {sidecar: true, sums: [value]}\n"
	rows := "1,,A,,,,,,0.1,\n2,,B,,,,,,0.2,\n"
	for name, c := range map[string]struct{ mapping, file, sidecar, says string }{
		"agree":            {trailer, rows + "END,2,0.3\n", "", ""},
		"rows":             {trailer, rows + "END,3,0.3\n", "", "say 3 rows, the file has 2"},
		"sum":              {trailer, rows + "end,2,0.31\n", "", "say 0.31 for value, the rows come to 0.3"},
		"cut off":          {trailer, rows, "", "cut off"},
		"sidecar":          {sidecar, rows, "# made today\nrows=2\nValue=0.30\n", ""},
		"sidecar differs":  {sidecar, rows, "rows=2\nvalue=0.4\n", "say 0.4"},
		"sidecar missing":  {sidecar, rows, "", "missing"},
		"sidecar unread":   {sidecar, rows, "rows\n", "NAME=NUMBER"},
		"sidecar strange":  {sidecar, rows, "rows=2\nweight=4\n", "list it under sums"},
		"nothing promised": {small, rows, "", ""},
	} {
		r := reader(t, mapping(t, c.mapping), head+c.file)
		for {
			if _, _, err := r.Next(); err == io.EOF {
				break
			} else if err != nil {
				t.Error(name, err)
			}
		}
		var side []byte
		if c.sidecar != "" {
			side = []byte(c.sidecar)
		}
		if err := r.Check(side); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	r := reader(t, mapping(t, trailer), head+"END,0,0\n1,,A,,,,,,,\n")
	if _, _, err := r.Next(); err == nil || !strings.Contains(err.Error(), "after the trailer") {
		t.Error(err)
	}
}

// G19: what vanishes from a full extract is taken back; what is refused has
// not vanished, and what can't be read takes nothing back.
func TestVanished(t *testing.T) {
	m := mapping(t, small+"full: true\n")
	read := func(rows string) *Reader {
		r := reader(t, m, head+rows)
		for {
			if _, _, err := r.Next(); err == io.EOF {
				return r
			}
		}
	}
	before := read("1,9991234519,A,,,,,,,\n2,,B,,,,,,,\n3,,C,,,,,,,\n").Keys()
	gone, err := read("2,,B,,,not a day,,,,\n").Vanished(before)
	if err != nil || len(gone) != 2 || gone[0].Resources[0].Key != "small|1" || gone[0].Resources[0].Action != mapped.Remove ||
		gone[0].Patients[0].Identifiers[1].Value != "9991234519" || gone[1].Resources[0].Key != "small|3" {
		t.Errorf("%v %+v", err, gone)
	}
	for name, rows := range map[string]string{"a short row": "2,,B\n", "a broken quote": "2,,\"B\n", "no key": ",,B,,,,,,,\n"} {
		if gone, err := read(rows).Vanished(before); !fault.Is(err, fault.Conflict) || gone != nil {
			t.Errorf("%s: %v, %d taken back", name, err, len(gone))
		}
	}
	cut := reader(t, mapping(t, small+"full: true\ntotals: {trailer: END, rows: 2}\n"), head+"2,,B,,,,,,,\n")
	for err = nil; err != io.EOF; {
		_, _, err = cut.Next()
	}
	if _, err := cut.Vanished(before); !fault.Is(err, fault.Conflict) {
		t.Error("cut off:", err)
	}
	r := reader(t, m, head+"2,,B,,,,,,,\n")
	if _, err := r.Vanished(before); !fault.Is(err, fault.Conflict) {
		t.Error("before the end:", err)
	}
	if _, err := reader(t, mapping(t, small), head).Vanished(before); !fault.Is(err, fault.Conflict) {
		t.Error("an extract of changes:", err)
	}
	r = reader(t, m, head+"1,,A,,,,,,,\n1,,A,,,,,,,\n")
	_, _, _ = r.Next()
	if _, _, err := r.Next(); !fault.Is(err, fault.Duplicate) || !strings.Contains(err.Error(), "row 2 has the same key") {
		t.Error(err)
	}
}

// A row kept with its header is read again as it was, on its own line.
func TestRawRow(t *testing.T) {
	m := mapping(t, small)
	r := reader(t, m, strings.ReplaceAll(head+"1,,A,,,,,,,\n\"2\",,Zoë,,,,,,1.0,\n", "ë", "\xEB"))
	_, _, _ = r.Next()
	msg, line, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	again, err := MapRow(m, r.Raw(), line, "RJZ:EXTRACT")
	if err != nil || fmt.Sprint(again) != fmt.Sprint(msg) {
		t.Errorf("%v\n%v\n%v", err, again, msg)
	}
	v, ok := At(r.Raw(), line, "row 3, column surname")
	if !ok || v.Text != "Zoë" || !strings.HasPrefix(string(r.Raw()[v.Start:v.End]), `"2",,Zoë`) {
		t.Error(v, ok)
	}
	for _, none := range []string{"row 2, column surname", "row 4", "row 3, column no", "row x", "", "column surname"} {
		if _, ok := At(r.Raw(), line, none); ok {
			t.Errorf("%q is there", none)
		}
	}
}

func TestDates(t *testing.T) {
	for in, want := range map[[3]string]string{
		{"dd/mm/yyyy", "05/11/2026", "date"}:                      "2026-11-05",
		{"dd-mmm-yyyy", "05-Nov-2026", "dateTime"}:                "2026-11-05",
		{"yyyymmddThhmmsszz", "20250730T11525000", "dateTime"}:    "2025-07-30T11:52:50+00:00",
		{"yyyymmddThhmmsszz", "20250730T11525001", "dateTime"}:    "2025-07-30T11:52:50+01:00",
		{"dd/mm/yyyy hh:mm", "05/07/2026 09:30", "dateTime"}:      "2026-07-05T09:30:00+01:00",
		{"dd/mm/yyyy hh:mm", "05/07/2026 09:30", "date"}:          "2026-07-05",
		{"yyyy-mm-ddThh:mm:ss", "2026-01-05T09:30:15", "instant"}: "2026-01-05T09:30:15+00:00",
		{"mm/yyyy", "11/2026", "dateTime"}:                        "2026-11",
		{"dd/mm/yyyy", "31/04/2026", "date"}:                      "",
		{"dd/mm/yyyy", "29/02/1900", "date"}:                      "",
		{"dd/mm/yyyy", "5/11/2026", "date"}:                       "",
		{"dd/mm/yyyy", "05/11/2026x", "date"}:                     "",
		{"dd/mm/yyyy", "05/11/2026", "instant"}:                   "",
		{"dd-mmm-yyyy", "05-anF-2026", "date"}:                    "",
	} {
		got := ""
		if m, ok := layout(in[0]).read(in[1]); ok {
			got = m.fhir(in[2])
		}
		if got != want {
			t.Errorf("%v: %q, want %q", in, got, want)
		}
	}
}

func FuzzParseMapping(f *testing.F) {
	for _, n := range Names() {
		in, _ := Source(n)
		f.Add(in)
	}
	f.Add([]byte(small))
	f.Fuzz(func(t *testing.T, in []byte) {
		if m, err := ParseMapping(in); err == nil && (m.Name == "" || len(m.columns) == 0) {
			t.Fatal("a mapping of nothing")
		}
	})
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(head + "7,999 123 4519,\"O'Neill, \"\"Jr\"\"\",,Ann,29/02/1980,F,27113001,70.50,\r\n"))
	f.Add([]byte("\xFF\xFEi\x00d\x00"))
	f.Add([]byte(head + "END,1,2\n"))
	m, err := ParseMapping([]byte(small + "full: true\ntotals: {trailer: END, rows: 2, sums: {value: 3}}\n"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 0 && in[0] != '\xFF' {
			in = append([]byte(head), in...)
		}
		r, err := NewReader(m, in, "RJZ:EXTRACT")
		if err != nil {
			return
		}
		for {
			msg, line, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				if fault.KindOf(err) == fault.Exception || line == 0 {
					t.Fatal(err)
				}
				continue
			}
			if again, err := MapRow(m, r.Raw(), line, "RJZ:EXTRACT"); err != nil || fmt.Sprint(again) != fmt.Sprint(msg) {
				t.Fatalf("row %d is read otherwise by itself: %v\n%q", line, err, r.Raw())
			}
			for _, res := range msg.Resources {
				if res.Action == mapped.Put {
					if _, err := fhir.Parse(res.Body); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		_ = r.Check(nil)
	})
}

func BenchmarkReader(b *testing.B) {
	m, err := ParseMapping([]byte(small))
	if err != nil {
		b.Fatal(err)
	}
	file := []byte(head + strings.Repeat("7,999 123 4519,Smith,Bo,Ann,29/02/1980,F,27113001,70.50,\n", 1000))
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		r, err := NewReader(m, file, "RJZ:EXTRACT")
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, _, err := r.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}
