package fhir

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// asGo is a node as encoding/json would give it.
func asGo(n Node) any {
	switch {
	case n.IsObject():
		m := map[string]any{}
		n.Each(func(k string, c Node) { m[k] = asGo(c) })
		return m
	case n.IsArray():
		out := []any{}
		for _, c := range n.List() {
			out = append(out, asGo(c))
		}
		return out
	case n.IsString():
		return n.Text()
	case n.Bool():
		return true
	case !n.Exists():
		return nil
	case n.Text() == "false":
		return false
	}
	return json.Number(n.Text())
}

// FuzzTape holds the tree against encoding/json.
func FuzzTape(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.50,{"b":"\u00e9\n\ud83d\ude00"}],"c":null,"d":true,"e":false,"f":{}}`, `[[],[[]],""]`, `{"a":"\\\""}`, `-0.1e+5`, `{"x":[{"y":1},{"y":2}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if p, err := parseTree(in); err == nil {
			walk(Node{p, 0}) // whatever it is, nothing breaks
		}
		c, err := Compact(in)
		if err != nil {
			return
		}
		p, err := parseTree(c)
		if err != nil {
			if !strings.Contains(err.Error(), "escape") {
				t.Fatalf("%s: %v", c, err)
			}
			return
		}
		d := json.NewDecoder(strings.NewReader(string(c)))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			return
		}
		if got := asGo(Node{p, 0}); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %v, want %v", c, got, want)
		}
	})
}

func walk(n Node) {
	_, _ = n.Text(), n.JSON()
	_, _ = n.Number()
	n.Each(func(_ string, c Node) { walk(c) })
	if n.IsArray() {
		for _, c := range n.List() {
			walk(c)
		}
	}
	_, _ = n.First("value")
}

func TestTapeRefuses(t *testing.T) {
	for _, in := range []string{"", "{", `{"a"`, `{"a":`, `{"a":1`, `[1`, `{"a":1}}`, `{"a" :1}`, `{"\u0061":1}`, strings.Repeat("[", 70), `"`, `"\`, `{"a":1,}`, "tru"} {
		if _, err := parseTree([]byte(in)); err == nil {
			t.Errorf("%q was taken", in)
		}
	}
}

var observation = []byte(`{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory","display":"laboratory"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"2160-0","display":"Creatinine"}],"text":"Creatinine"},"subject":{"reference":"Patient/abc"},"encounter":{"reference":"Encounter/def"},"effectiveDateTime":"2016-03-01T09:00:00Z","issued":"2016-03-01T12:00:00.000Z","valueQuantity":{"value":107.00,"unit":"umol/L","system":"http://unitsofmeasure.org","code":"umol/L"},"referenceRange":[{"low":{"value":49},"high":{"value":90}}]}`)

func BenchmarkParseTrusted(b *testing.B) {
	b.SetBytes(int64(len(observation)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseTrusted(observation); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWalk(b *testing.B) {
	r, _ := ParseTrusted(observation)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if r.Get("code", "coding", "code").Is("2160-0") && r.Get("valueQuantity", "value").Exists() {
			n++
		}
	}
	if n == 0 {
		b.Fatal(strconv.Itoa(n))
	}
}
