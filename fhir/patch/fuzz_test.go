package patch

import (
	"testing"

	"selda/fault"
	"selda/fhir"
)

const person = `{"resourceType":"Patient","id":"p","active":true,"birthDate":"1951-11-05","_birthDate":{"extension":[{"url":"x","valueString":"y"}]},"_gender":{"extension":[{"url":"x","valueString":"y"}]},
"name":[{"family":"A","given":["B",null,"C"],"_given":[null,{"extension":[{"url":"x","valueString":"y"}]},null]}],"deceasedBoolean":false}`

// A primitive that has extensions alone is replaced and deleted as what it is.
func TestPrimitivesWithoutAValue(t *testing.T) {
	for _, c := range []struct{ op, want string }{
		{`{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.gender"},{"name":"value","valueCode":"female"}`, `{"resourceType":"Patient","gender":"female"}`},
		{`{"name":"type","valueCode":"delete"},{"name":"path","valueString":"Patient.gender"}`, `{"resourceType":"Patient"}`},
	} {
		if got := apply(t, `{"resourceType":"Patient","_gender":{"extension":[{"url":"x","valueString":"y"}]}}`, c.op); got != c.want {
			t.Errorf("%s: %s", c.op, got)
		}
	}
	const given = `{"resourceType":"Patient","name":[{"given":["B",null],"_given":[null,{"extension":[{"url":"x","valueString":"y"}]}]}]}`
	for _, c := range []struct{ op, want string }{
		{`{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.name.given[1]"},{"name":"value","valueString":"C"}`,
			`{"resourceType":"Patient","name":[{"given":["B","C"],"_given":[null,{"extension":[{"url":"x","valueString":"y"}]}]}]}`},
		{`{"name":"type","valueCode":"delete"},{"name":"path","valueString":"Patient.name.given[1]"}`, `{"resourceType":"Patient","name":[{"given":["B"]}]}`},
	} {
		if got := apply(t, given, c.op); got != c.want {
			t.Errorf("%s: %s", c.op, got)
		}
	}
}

func apply(t *testing.T, body, parts string) string {
	t.Helper()
	r, err := fhir.Parse([]byte(`{"resourceType":"Parameters","parameter":[{"name":"operation","part":[` + parts + `]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParseFHIRPath(r)
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Apply([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// FuzzJSON: whatever a JSON Patch says, JSON comes out, or a reason.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`[{"op":"add","path":"/name/0/given/-","value":"X"},{"op":"test","path":"/active","value":true}]`, `[{"op":"copy","from":"","path":"/name/0/x"},{"op":"move","from":"/name","path":"/n"}]`,
		`[{"op":"remove","path":"/birthDate"},{"op":"replace","path":"","value":{"a":[1.50]}}]`, `[{"op":"add","path":"/a~1b~0","value":null}]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseJSON([]byte(s))
		if err != nil {
			return
		}
		if out, err := p.Apply([]byte(person)); err == nil {
			if _, err := parse(out); err != nil {
				t.Errorf("%s: %s is not JSON", s, out)
			}
		}
	})
}

// FuzzFHIRPath: whatever one operation says, JSON comes out, or a reason.
func FuzzFHIRPath(f *testing.F) {
	for _, kind := range []string{"add", "insert", "delete", "replace", "move"} {
		for _, path := range []string{"Patient", "Patient.name", "Patient.name.given", "Patient.name.given[1]", "Patient.gender", "Patient.birthDate", "Patient.deceased", "Patient.birthDate.extension"} {
			f.Add(kind, path, "given", 1, 0)
		}
	}
	f.Fuzz(func(t *testing.T, kind, path, name string, a, b int) {
		part := func(name, typ string, v any) fhir.Object { return fhir.Object{"name": name, "value" + typ: v} }
		r, err := fhir.Parse(fhir.Marshal(fhir.Object{"resourceType": "Parameters", "parameter": []fhir.Object{{"name": "operation", "part": []fhir.Object{part("type", "Code", kind), part("path", "String", path),
			part("name", "String", name), part("index", "Integer", a), part("source", "Integer", a), part("destination", "Integer", b), part("value", "String", "new")}}}}))
		if err != nil {
			return
		}
		p, err := ParseFHIRPath(r)
		if err != nil {
			return
		}
		out, err := p.Apply([]byte(person))
		if err != nil {
			if k := fault.KindOf(err); k == fault.Exception {
				t.Error(err)
			}
			return
		}
		if _, err := parse(out); err != nil {
			t.Errorf("%s %s: %s is not JSON", kind, path, out)
		}
	})
}
