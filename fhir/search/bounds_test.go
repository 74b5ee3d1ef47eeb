package search

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"selda/fault"
	"selda/fhir"
)

// A search that names thousands of values is answered, one of very many is not.
func TestValuesOfASearchAreBounded(t *testing.T) {
	q := &Scope{Parameters: R4(), Now: time.Now()}
	for name, params := range map[string]url.Values{
		"values":     {"code": {strings.Repeat("a,", 20_000) + "a"}},
		"parameters": {"code": strings.Split(strings.Repeat("a ", 20_000), " ")},
		"words":      {"_content": {strings.Repeat("a ", 20_000)}},
		"a filter":   {"_filter": {strings.Repeat("code eq a or ", 20_000) + "code eq a"}},
	} {
		if _, err := q.Parse("Observation", params); !fault.Is(err, fault.TooCostly) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := q.Parse("Observation", url.Values{"code": {strings.Repeat("a,", 5000) + "a"}}); err != nil {
		t.Error(err)
	}
}

// A parameter that a client has posted costs a write so much and no more.
func TestParametersOfClientsAreBounded(t *testing.T) {
	ten := "(1|2|3|4|5|6|7|8|9|10)"
	p := &Parameter{Base: "Patient", Code: "slow", Kind: String, Expression: "Patient.where(" + ten + strings.Repeat(".select("+ten+")", 4) + ".count() > 0).name.family"}
	r, err := fhir.Parse([]byte(`{"resourceType":"Patient","name":[{"family":"A"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.each(r, func(element) bool { return false }); !fault.Is(err, fault.TooLong) {
		t.Errorf("%v", err)
	}
}
