package patch

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"selda/fault"
	"selda/fhir"
)

// A patch of few bytes that copies what it has copied is refused before it has
// filled the memory.
func TestCopiesOfCopiesAreBounded(t *testing.T) {
	ops := []string{`{"op":"add","path":"/a","value":["0123456789"]}`}
	for range 64 {
		ops = append(ops, `{"op":"copy","from":"/a","path":"/a/-"}`)
	}
	p, err := ParseJSON([]byte("[" + strings.Join(ops, ",") + "]"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Apply([]byte(`{"resourceType":"Basic"}`)); !fault.Is(err, fault.TooCostly) {
		t.Errorf("%v", err)
	}
}

// A thousand operations on a resource of a megabyte, or by paths that look at
// all of it again and again, are too many.
func TestOperationsOfAFHIRPathPatchAreBoundedTogether(t *testing.T) {
	patch := func(path string) *FHIRPath {
		var parts []string
		for range 1000 {
			parts = append(parts, fmt.Sprintf(`{"name":"operation","part":[{"name":"type","valueCode":"delete"},{"name":"path","valueString":%q}]}`, path))
		}
		r, err := fhir.Parse([]byte(`{"resourceType":"Parameters","parameter":[` + strings.Join(parts, ",") + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParseFHIRPath(r)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	large := []byte(`{"resourceType":"Patient","name":[{"text":"` + string(bytes.Repeat([]byte("x"), 1<<20)) + `"}]}`)
	if _, err := patch("Patient.photo").Apply(large); !fault.Is(err, fault.TooCostly) {
		t.Errorf("of a large resource: %v", err)
	}
	ten := "(1|2|3|4|5|6|7|8|9|10)"
	small := []byte(`{"resourceType":"Patient","active":true}`)
	if _, err := patch("Patient.where(" + strings.Repeat(ten+".select(", 4) + ten + strings.Repeat(")", 4) + ".count() = 1)").Apply(small); !fault.Is(err, fault.BusinessRule) || !strings.Contains(err.Error(), "too much work") {
		t.Errorf("by paths that do much: %v", err)
	}
	if _, err := patch("Patient.photo").Apply(small); err != nil {
		t.Errorf("an ordinary one: %v", err)
	}
}
