package api_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"testing"
)

// graphql asks a query, and gives the data and the first error's words.
func (a *asker) graphql(user, method, path, body string, headers ...string) (data any, message string) {
	a.Helper()
	ans, err := a.env.Do(a.Context(), user, method, path, []byte(body), headers...)
	if err != nil {
		a.Fatal(err)
	}
	var out struct {
		Data   any
		Errors []struct {
			Message    string
			Extensions struct{ Resource struct{ ResourceType string } }
		}
	}
	if err := json.Unmarshal(ans.Body, &out); err != nil {
		a.Fatalf("%s: %d %s", path, ans.Status, ans.Body)
	}
	if (ans.Status == 200) != (out.Data != nil) || ans.Status != 200 && (len(out.Errors) != 1 || out.Errors[0].Extensions.Resource.ResourceType != "OperationOutcome") {
		a.Errorf("%s: %d %s", path, ans.Status, ans.Body)
	}
	if len(out.Errors) > 0 {
		message = out.Errors[0].Message
	}
	return out.Data, message
}

// Of one resource and of the system, by GET and by POST, in each form.
// https://hl7.org/fhir/R4/graphql.html
func TestGraphQL(t *testing.T) {
	a := open(t)
	a.few()
	get := func(path, query string) string { return path + "/$graphql?query=" + url.QueryEscape(query) }
	for _, c := range []struct{ method, path, body, kind, want string }{
		{"GET", get("/fhir/Observation/o1", `{ id subject { reference resource { ...on Patient { birthDate } } } }`), "", "",
			`{"id":"o1","subject":{"reference":"Patient/p2","resource":{"birthDate":"1951-11-05"}}}`},
		{"GET", get("/fhir/Patient/p2", `{ name { family } ObservationList(_reference: patient, _sort: "_id") { id valueString } }`), "", "",
			`{"name":[{"family":"Adeyemi"}],"ObservationList":[{"id":"o1","valueString":"1"},{"id":"o3","valueString":"3"}]}`},
		{"GET", get("/fhir", `{ Patient(id: p1) { id } OrganizationList(name: "A practice") { id name } }`), "", "", `{"Patient":{"id":"p1"},"OrganizationList":[{"id":"org","name":"A practice"}]}`},
		{"POST", "/fhir/Patient/p1/$graphql", `{ id }`, "application/graphql", `{"id":"p1"}`},
		{"POST", "/fhir/Patient/p1/$graphql", `{"query":"query a($w: Boolean!) { id active @skip(if: $w) } query b { birthDate }","operationName":"a","variables":{"w":true}}`, "application/json", `{"id":"p1"}`},
		{"POST", "/fhir/$graphql", `{"resourceType":"Parameters","parameter":[{"name":"query","valueString":"{ Group(id: \"g\") { member { entity { reference resource(optional: true) { id } } } } }"}]}`, "application/fhir+json",
			`{"Group":{"member":[{"entity":{"reference":"Patient/p2","resource":{"id":"p2"}}},{"entity":{"reference":"Patient/p1","resource":{"id":"p1"}}},{"entity":{"reference":"Patient/gone"}}]}}`},
	} {
		got, message := a.graphql("system", c.method, c.path, c.body, "Content-Type: "+c.kind)
		var want any
		if err := json.Unmarshal([]byte(c.want), &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s %s: %v %s, want %s", c.path, c.body, got, message, c.want)
		}
	}
	for query, want := range map[string]string{
		`{ colour }`: "there is no such element of Patient (colour)", `{ id`: "", `{ ObservationList(_reference: patient, colour: "red") { id } }`: "there is no such search parameter of Observation (colour)",
		`mutation { id }`: "only queries are answered: FHIR's own interactions change resources",
	} {
		if _, message := a.graphql("system", "GET", get("/fhir/Patient/p1", query), ""); message == "" || want != "" && message != want {
			t.Errorf("%s: %q, want %q", query, message, want)
		}
	}
	a.do(404, "system", "GET", get("/fhir/Patient/nobody", `{ id }`), "")
	a.do(401, "", "GET", get("/fhir", `{ Patient(id: p1) { id } }`), "")
	// A page after another.
	seen, cursor := []string{}, ""
	for range 10 {
		data, message := a.graphql("system", "GET", get("/fhir", `{ ObservationConnection(_count: 2`+cursor+`) { next edges { resource { id } } } }`), "")
		if message != "" {
			t.Fatal(message)
		}
		c := data.(map[string]any)["ObservationConnection"].(map[string]any)
		for _, e := range c["edges"].([]any) {
			seen = append(seen, fmt.Sprint(e.(map[string]any)["resource"].(map[string]any)["id"]))
		}
		if c["next"] == nil {
			break
		}
		cursor = fmt.Sprintf(", _cursor: %q", c["next"])
	}
	if fmt.Sprint(seen) != "[o4 o3 o2 o1 o0]" {
		t.Errorf("page after page: %v", seen)
	}
}

// A citizen asks of the own record, and a reference that leads out of it leads nowhere.
func TestGraphQLStaysWithinTheGrant(t *testing.T) {
	a := open(t)
	a.few()
	a.do(200, "system", "PUT", "/fhir/Observation/o0", `{"resourceType":"Observation","id":"o0","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"},"focus":[{"reference":"Patient/p2"},{"reference":"Observation/o1"},{"reference":"Patient/never"}]}`)
	own, err := a.env.Citizen(t.Context(), "9991234519")
	if err != nil {
		t.Fatal(err)
	}
	query := `{ id ObservationList(_reference: patient, _id: o0) { id focus { reference resource(optional: true) { ...on Patient { id } ...on Observation { id } } } subject { resource { ...on Patient { id } } } } }`
	got, message := a.graphql("citizen", "GET", "/fhir/Patient/"+own+"/$graphql?query="+url.QueryEscape(query), "")
	want := `map[ObservationList:[map[focus:[map[reference:Patient/p2] map[reference:Observation/o1] map[reference:Patient/never]] id:o0 subject:map[resource:map[id:p1]]]] id:` + own + `]`
	if fmt.Sprint(got) != want {
		t.Errorf("%v %s\nwant %s", got, message, want)
	}
	for _, id := range []string{"p2", "never"} {
		a.do(404, "citizen", "GET", "/fhir/Patient/"+id+"/$graphql?query={id}", "")
		if data, _ := a.graphql("citizen", "GET", "/fhir/$graphql?query="+url.QueryEscape(`{ Patient(id: "`+id+`") { id } }`), ""); data != nil {
			t.Errorf("%s: %v", id, data)
		}
	}
}
