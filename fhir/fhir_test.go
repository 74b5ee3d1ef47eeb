package fhir

import (
	"strings"
	"testing"
	"time"

	"selda/fault"
)

func TestCompactIsStrict(t *testing.T) {
	good, err := Compact([]byte(" {\"a\" : 107.00 , \"b\":[ 1e2,\"x \\u00e9\" ] }\n"))
	if err != nil || !strings.HasPrefix(string(good), `{"a":107.00,"b":[1e2,"x `) {
		t.Errorf("%s %v", good, err)
	}
	for name, in := range map[string]string{
		"name twice":     `{"a":1,"a":2}`,
		"bad UTF-8":      "{\"a\":\"\xff\"}",
		"lone surrogate": `{"a":"\ud800"}`,
		"two values":     `{} {}`,
		"cut off":        `{"a":`,
		"empty":          ``,
		"deep":           strings.Repeat("[", 1_000_000),
	} {
		if _, err := Compact([]byte(in)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestParse(t *testing.T) {
	r, err := Parse([]byte(`{"resourceType":"Observation","id":"a1","status":"final","valueQuantity":{"value":107.00},"code":{"coding":[{"code":"x"},{"code":"y"}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	name, v := r.Root().First("value")
	if name != "valueQuantity" || v.Get("value").Text() != "107.00" {
		t.Error(name, v.Get("value").Text())
	}
	if r.Get("code", "coding", "code").Text() != "x" || r.Get("code", "coding", "1", "code").Text() != "y" || r.Get("nothing", "there").Exists() {
		t.Error("Get")
	}
	if len(r.Root().List("code", "coding")) != 2 || len(r.Root().List("status")) != 1 || r.Root().List("none") != nil {
		t.Error("List")
	}
	for in, want := range map[string]fault.Kind{
		`[]`:                      fault.Structure,
		`{"a":1}`:                 fault.Structure,
		`{"resourceType":"Nope"}`: fault.Invalid,
	} {
		if _, err := Parse([]byte(in)); !fault.Is(err, want) {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestMarshal(t *testing.T) {
	got := string(Marshal(Object{"b": Object{"x": ""}, "a": []Object{{}, {"y": Decimal("1.50")}, nil}, "resourceType": "Patient",
		"t": "q\"\\\n\x01é\xff", "n": 3, "f": false, "list": []string{"", "v"}, "nil": nil}))
	want := `{"resourceType":"Patient","a":[{"y":1.50}],"f":false,"list":["v"],"n":3,"t":"q\"\\\n\u0001é` + "\uFFFD" + `"}`
	if got != want {
		t.Errorf("\n%s\n%s", got, want)
	}
	if _, err := Compact([]byte(got)); err != nil {
		t.Error(err)
	}
}

func TestDressAndBare(t *testing.T) {
	in := `{"id":"x","resourceType":"Patient","meta":{"versionId":"9","profile":["p"],"lastUpdated":"2001"},"name":[{"family":"O\"}{"}],"active":true}`
	bare := Bare([]byte(in))
	if string(bare) != `{"resourceType":"Patient","meta":{"profile":["p"]},"name":[{"family":"O\"}{"}],"active":true}` {
		t.Errorf("%s", bare)
	}
	got := string(Dress(bare, "id1", "2", time.UnixMilli(0)))
	if got != `{"resourceType":"Patient","id":"id1","meta":{"versionId":"2","lastUpdated":"1970-01-01T00:00:00.000Z","profile":["p"]},"name":[{"family":"O\"}{"}],"active":true}` {
		t.Error(got)
	}
	if got := string(Overlay([]byte(`{"a":1,"b":2}`), []byte(`{"b":3}`))); got != `{"b":3,"a":1}` {
		t.Error(got)
	}
	if got := string(Overlay([]byte(`{"period":{"start":"1","end":"2"},"x":{"y":1}}`), []byte(`{"period":{"end":"3"},"x":{"z":1}}`), "period")); got != `{"period":{"end":"3","start":"1"},"x":{"z":1}}` {
		t.Error(got)
	}
}

func TestRewriteReferences(t *testing.T) {
	in := `{"subject":{"reference":"urn:uuid:1"},"t":"\"reference\":\"urn:uuid:1\"","content":[{"attachment":{"url":"http://x"}},{"attachment":{"url":"Binary/9"}}],"x":{"reference":"#c"}}`
	got := string(RewriteReferences([]byte(in), func(r string) string {
		switch r {
		case "urn:uuid:1":
			return "Patient/a"
		case "Binary/9":
			return "Binary/z"
		}
		return r
	}))
	want := `{"subject":{"reference":"Patient/a"},"t":"\"reference\":\"urn:uuid:1\"","content":[{"attachment":{"url":"http://x"}},{"attachment":{"url":"Binary/z"}}],"x":{"reference":"#c"}}`
	if got != want {
		t.Errorf("\n%s\n%s", got, want)
	}
}

func FuzzMembers(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":{"c":["}",2]},"d":"\\\"x"}`))
	f.Add([]byte(`{"resourceType":"Patient","meta":{}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := Compact(in)
		if err != nil || len(c) == 0 || c[0] != '{' {
			return
		}
		if got := Without(c); string(got) != string(c) {
			t.Fatalf("%s became %s", c, got)
		}
		if _, err := Compact(Dress(Bare(c), "x", "1", time.Now())); err != nil && !strings.Contains(string(c), `"resourceType"`) && !strings.Contains(string(c), `\u`) {
			t.Fatalf("%s: %v", c, err)
		}
	})
}

// Wherever what a server gives stands in a body, the rest stays as it is.
func TestDressKeepsTheRest(t *testing.T) {
	const head = `{"resourceType":"Basic","id":"a","meta":{"versionId":"1","lastUpdated":"1970-01-01T00:00:00.000Z"`
	for body, want := range map[string]string{
		`{"resourceType":"Basic"}`: `}}`,
		`{"x":1,"resourceType":"Basic","y":[2,{"id":"in"}],"meta":{"tag":[{"code":"t"}]},"z":"\"}","id":"old"}`: `,"tag":[{"code":"t"}]},"x":1,"y":[2,{"id":"in"}],"z":"\"}"}`,
		`{"id":"old","meta":{},"resourceType":"Basic","z":null}`:                                                `},"z":null}`,
	} {
		if got := string(Dress([]byte(body), "a", "1", time.UnixMilli(0))); got != head+want {
			t.Errorf("%s\nbecame %s\nwant   %s", body, got, head+want)
		}
	}
}

// Which elements of a resource a transaction rewrites. https://hl7.org/fhir/R4/http.html#trules
func TestRewriteURIs(t *testing.T) {
	in := `{"resourceType":"Observation","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"urn:x:1\">urn:x:1</a> <img src='urn:x:1'/> <a href=\"urn:x:2\">b</a></div>"},` +
		`"contained":[{"resourceType":"Patient","id":"c","extension":[{"url":"urn:e","valueUrl":"urn:x:1"}]}],"extension":[{"url":"urn:f","valueCanonical":"urn:x:1"},{"url":"urn:g","valueUri":"urn:x:1"}],` +
		`"identifier":[{"system":"urn:x:1","value":"urn:x:1"}],"valueString":"urn:x:1","instantiatesUri":["urn:x:1"],"hasMember":[{"reference":"urn:x:1"}]}`
	want := `{"resourceType":"Observation","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"Patient/1\">urn:x:1</a> <img src=\"Patient/1\"/> <a href=\"urn:x:2\">b</a></div>"},` +
		`"contained":[{"resourceType":"Patient","id":"c","extension":[{"url":"urn:e","valueUrl":"Patient/1"}]}],"extension":[{"url":"urn:f","valueCanonical":"urn:x:1"},{"url":"urn:g","valueUri":"Patient/1"}],` +
		`"identifier":[{"system":"Patient/1","value":"urn:x:1"}],"valueString":"urn:x:1","instantiatesUri":["urn:x:1"],"hasMember":[{"reference":"urn:x:1"}]}`
	got := string(RewriteURIs([]byte(in), func(uri string) string { return strings.ReplaceAll(uri, "urn:x:1", "Patient/1") }))
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
