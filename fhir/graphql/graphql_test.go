package graphql

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"selda/fault"
	"selda/fhir"
)

// nothing is a Source that has nothing.
type nothing struct{ asked []string }

func (n *nothing) Get(typ, id string) (*fhir.Resource, error) {
	n.asked = append(n.asked, typ+"/"+id)
	return nil, nil
}

func (n *nothing) Search(typ string, params url.Values) (*Page, error) {
	n.asked = append(n.asked, typ+"?"+params.Encode())
	return &Page{}, nil
}

const person = `{"resourceType":"Patient","id":"p","active":true,"birthDate":"1951-11-05","_birthDate":{"extension":[{"url":"x","valueString":"\"quoted\""}]},
	"contained":[{"resourceType":"Organization","id":"o","name":"Within"}],"managingOrganization":{"reference":"#o"},"generalPractitioner":[{"reference":"Practitioner/hidden"}],
	"name":[{"use":"official","family":"A","given":["B","C"]},{"use":"usual","given":["D"]}],"deceasedBoolean":false,"multipleBirthInteger":2}`

func ask(t testing.TB, query, variables string) (string, *nothing, error) {
	t.Helper()
	r, err := fhir.Parse([]byte(person))
	if err != nil {
		t.Fatal(err)
	}
	req := Request{Resource: r}
	if variables != "" {
		if req.Variables, err = fhir.ParseTree([]byte(variables)); err != nil {
			t.Fatal(err)
		}
	}
	n := &nothing{}
	d, err := Parse(query)
	if err != nil {
		return "", n, err
	}
	out, err := Execute(d, req, n)
	if err == nil && !json.Valid(out) {
		t.Errorf("%s: not JSON: %s", query, out)
	}
	return string(out), n, err
}

// What is asked for is answered, in the order of the query.
// https://hl7.org/fhir/R4/graphql.html
func TestQueriesAreAnswered(t *testing.T) {
	for query, want := range map[string]string{
		`{resourceType __typename id active}`:                                                                                       `{"resourceType":"Patient","__typename":"Patient","id":"p","active":true}`,
		`{ born: birthDate, _birthDate { extension { url valueString } } }`:                                                         `{"born":"1951-11-05","_birthDate":{"extension":[{"url":"x","valueString":"\"quoted\""}]}}`,
		`{ name(use: "usual") { given } }`:                                                                                          `{"name":[{"given":["D"]}]}`,
		`{ name(use: [usual, official], _count: 1) { family } }`:                                                                    `{"name":[{"family":"A"}]}`,
		`{ name(fhirpath: "given.count() > 1") { family } }`:                                                                        `{"name":[{"family":"A"}]}`,
		`{ name @first { family given } }`:                                                                                          `{"name":{"family":"A","given":["B","C"]}}`,
		`{ managingOrganization { resource { ...on Organization { name } ...on Patient { id } } } }`:                                `{"managingOrganization":{"resource":{"name":"Within"}}}`,
		`{ contained { __typename ... on Organization { name } } }`:                                                                 `{"contained":[{"__typename":"Organization","name":"Within"}]}`,
		`{ generalPractitioner { reference resource(optional: true) { id } } }`:                                                     `{"generalPractitioner":[{"reference":"Practitioner/hidden"}]}`,
		`{ deceasedBoolean multipleBirthInteger gender }`:                                                                           `{"deceasedBoolean":false,"multipleBirthInteger":2}`,
		"query q($w: Boolean = false) { id active @include(if: $w) ...f } fragment f on Patient { gender birthDate @skip(if: $w) }": `{"id":"p","birthDate":"1951-11-05"}`,
		`{ ObservationList(_reference: subject, value_quantity: "gt1", code: ["a,b", "c"]) { id } }`:                                `{"ObservationList":[]}`,
	} {
		got, _, err := ask(t, query, "")
		if err != nil || got != want {
			t.Errorf("%s\ngot  %s %v\nwant %s", query, got, err, want)
		}
	}
	_, n, _ := ask(t, `{ ObservationList(_reference: subject, value_quantity: "gt1", code: ["a,b", "c"]) { id } }`, "")
	if fmt.Sprint(n.asked) != `[Observation?code=a%5C%2Cb%2Cc&subject=Patient%2Fp&value-quantity=gt1]` {
		t.Errorf("searched for %v", n.asked)
	}
	if got, _, err := ask(t, `query q($use: String!) { name(use: $use) { given } }`, `{"use":"usual"}`); err != nil || got != `{"name":[{"given":["D"]}]}` {
		t.Errorf("by a variable: %s %v", got, err)
	}
}

// A query that can't be answered says why, and at which field; a reference to
// what the Source does not give is answered as one to what never was.
func TestQueriesThatFail(t *testing.T) {
	for query, kind := range map[string]fault.Kind{
		``: fault.Structure, `{`: fault.Structure, `{}`: fault.Structure, `{ id `: fault.Structure, `{ id } }`: fault.Structure, `{ a(b: ) }`: fault.Structure, `{ a(b: "x }`: fault.Structure, `{ a(b: 01) }`: fault.Structure,
		`{ ...f } fragment f on Patient { ...g } fragment g on Patient { id ...f }`: fault.Structure,
		`{ colour }`: fault.Value, `{ name }`: fault.Value, `{ id { x } }`: fault.Value, `{ ...f }`: fault.Value, `{ active @include(if: $x) }`: fault.Value, `{ active @skip }`: fault.Value,
		`{ name @flatten { family given @singleton } }`: fault.Value, `{ active(x: 1) }`: fault.Value, `{ name(fhirpath: "(") { given } }`: fault.Value, `{ deceased }`: fault.Value,
		`mutation { id }`: fault.NotSupported, `query a { id } query b { id }`: fault.Value, `query q($x: String!) { id }`: fault.Required,
		`{ generalPractitioner { resource { id } } }`: fault.NotFound, `{ ObservationList { id } }`: fault.Value,
		strings.Repeat("{ name ", 100) + strings.Repeat("}", 100): fault.TooLong,
	} {
		if got, _, err := ask(t, query, ""); !fault.Is(err, kind) {
			t.Errorf("%.60s: %s %v, want %v", query, got, err, kind)
		}
	}
}

// A query that names little and asks for much comes to an end.
func TestQueriesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("{ ...f0 }")
	for i := range 40 {
		fmt.Fprintf(&b, " fragment f%d on Patient { ...f%d ...f%d ...f%d }", i, i+1, i+1, i+1)
	}
	b.WriteString(" fragment f40 on Patient { id }")
	if got, _, err := ask(t, b.String(), ""); err != nil || got != `{"id":"p"}` {
		t.Errorf("fragments that recur: %s %v", got, err)
	}
	aliases := func(n int, field string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, " a%d: %s", i, field)
		}
		return b.String()
	}
	for name, query := range map[string]string{
		"many searches":         "{" + aliases(maxSearches+1, "ObservationList(_reference: subject) { id }") + "}",
		"fragments that double": "{" + aliases(300, "name { ...f }") + "} fragment f on HumanName {" + aliases(1500, "family") + "}",
		"an answer without end": "{" + aliases(1500, "name { ...f }") + "} fragment f on HumanName { " + strings.Repeat("x", 60_000) + ": family }",
		"paths that do much":    "query q($p: String = \"" + strings.Repeat("(1|2|3|4|5|6|7|8|9|10).select(", 4) + "1" + strings.Repeat(")", 4) + ".count() > 0\") {" + aliases(1000, `name(fhirpath: $p) { family }`) + "}",
	} {
		if _, _, err := ask(t, query, ""); !fault.Is(err, fault.TooCostly) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A field that more than one fragment asks for is answered once, with all that
// they ask of it. https://spec.graphql.org/June2018/#sec-Field-Selection-Merging
func TestFieldsOfFragmentsAreMerged(t *testing.T) {
	const fragments = ` fragment a on Patient { id name(_count: 1) { family } managingOrganization { resource { ...on Organization { __typename } } } }
		fragment b on Patient { birthDate id name(_count: 1) { family given } managingOrganization { reference resource { ...on Organization { name } } } }`
	got, _, err := ask(t, "{ id ...a ...b id }"+fragments, "")
	if want := `{"id":"p","name":[{"family":"A","given":["B","C"]}],"managingOrganization":{"resource":{"__typename":"Organization","name":"Within"},"reference":"#o"},"birthDate":"1951-11-05"}`; err != nil || got != want {
		t.Errorf("%v\n got %s\nwant %s", err, got, want)
	}
	for _, query := range []string{"{ id: birthDate id }", `{ name(use: "usual") { family } ...a }` + fragments} {
		if got, _, err := ask(t, query, ""); !fault.Is(err, fault.Value) {
			t.Errorf("%s: %s %v", query, got, err)
		}
	}
}

// FuzzQueries: whatever is written, it is answered with JSON or an error.
func FuzzQueries(f *testing.F) {
	for _, q := range []string{`{ id name(use: "usual") @flatten { given @first family } }`, `query q($w: Boolean = false) { a: id @include(if: $w) ...f } fragment f on Patient { birthDate }`,
		`{ managingOrganization { resource(type: Organization) { ... on Organization { name } } } }`, `{ name @slice(path: "$index") @flatten { given } }`, "{ a(b: \"\"\"x\n y\"\"\", c: {d: [1, -2.5e3, null]}) }",
		`{ ObservationConnection(_reference: subject) { edges { resource { id } } } }`} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) { _, _, _ = ask(t, query, `{"w":true}`) })
}
