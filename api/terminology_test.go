package api_test

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"selda/fhir"
	"selda/internal/testenv"
)

// imported puts the sample releases to use.
func imported(t *testing.T, env *testenv.Env, names ...string) {
	t.Helper()
	for _, n := range names {
		made, err := env.Region.Terminology.Build("../testdata/terminology/"+n, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range made {
			if _, err := env.Region.Terminology.Adopt([]string{m.Name}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// answer is an answer as a tree.
func (a *asker) tree(r reply) fhir.Node {
	a.Helper()
	res, err := fhir.Parse(r.Body)
	if err != nil {
		a.Fatalf("%v: %s", err, r.Body)
	}
	return res.Root()
}

// value is the value of a parameter of an answer.
func value(n fhir.Node, name string) string {
	for _, p := range n.List("parameter") {
		if p.Get("name").Is(name) {
			_, v := p.First("value")
			return v.Text()
		}
	}
	return ""
}

const (
	gender = "http://hl7.org/fhir/administrative-gender"
	sct    = "http://snomed.info/sct"
)

// https://hl7.org/fhir/R4/terminology-service.html
func TestTerminologyOperations(t *testing.T) {
	a := open(t)
	imported(t, a.env, "snomed", "loinc")
	post := func(params string) string { return `{"resourceType":"Parameters","parameter":[` + params + `]}` }
	coding := func(name, system, code string) string {
		return `{"name":"` + name + `","valueCoding":{"system":"` + system + `","code":"` + code + `"}}`
	}
	for _, c := range []struct{ path, body, name, want string }{
		{"CodeSystem/$lookup?system=" + gender + "&code=female", "", "display", "Female"},
		{"CodeSystem/$lookup", post(coding("coding", sct, "22298006")), "display", "Myocardial infarction"},
		{"CodeSystem/$lookup?system=" + sct + "&code=22298006", "", "version", "http://snomed.info/sct/900000000000207008/version/20250101"},
		{"CodeSystem/$validate-code?url=" + gender + "&code=female", "", "result", "true"},
		{"CodeSystem/$validate-code?url=" + gender + "&code=femme", "", "result", "false"},
		{"CodeSystem/administrative-gender/$validate-code?code=female&display=Man", "", "result", "false"},
		{"CodeSystem/$subsumes?system=" + sct + "&codeA=64572001&codeB=22298006", "", "outcome", "subsumes"},
		{"CodeSystem/$subsumes", post(coding("codingA", sct, "22298006") + "," + coding("codingB", sct, "64572001")), "outcome", "subsumed-by"},
		{"CodeSystem/$subsumes?system=" + sct + "&codeA=195967001&codeB=22298006", "", "outcome", "not-subsumed"},
		{"ValueSet/$validate-code?url=http://hl7.org/fhir/ValueSet/administrative-gender&system=" + gender + "&code=other", "", "result", "true"},
		{"ValueSet/administrative-gender/$validate-code?system=" + gender + "&code=othr", "", "result", "false"},
		{"ValueSet/$validate-code", post(`{"name":"url","valueUri":"http://snomed.info/sct?fhir_vs=isa/195967001"},{"name":"codeableConcept","valueCodeableConcept":{"coding":[{"system":"urn:x","code":"y"},{"system":"` + sct + `","code":"233678006"}]}}`), "result", "true"},
		{"ConceptMap/$translate?url=http://hl7.org/fhir/ConceptMap/cm-address-use-v2&system=http://hl7.org/fhir/address-use&code=home", "", "result", "true"},
		{"ConceptMap/$translate?system=" + gender + "&code=male&url=" + url.QueryEscape("http://snomed.info/sct?fhir_cm=447562003"), "", "result", "false"},
		{"ConceptMap/$translate?system=" + sct + "&code=155574008&url=" + url.QueryEscape("http://snomed.info/sct?fhir_cm=900000000000527005"), "", "result", "true"},
	} {
		method := "GET"
		if c.body != "" {
			method = "POST"
		}
		if got := value(a.tree(a.do(200, "gp", method, "/fhir/"+c.path, c.body)), c.name); got != c.want {
			t.Errorf("%s: %s is %q, want %q", c.path, c.name, got, c.want)
		}
	}
	for _, path := range []string{"CodeSystem/$lookup?system=" + sct + "&code=322236009", "ValueSet/$expand?includeDesignations=true&url=http://terminology.hl7.org/ValueSet/v3-ActEncounterCode", "ValueSet/administrative-gender/$expand"} {
		inJSON := a.do(200, "gp", "GET", "/fhir/"+path, "")
		inXML := a.do(200, "gp", "GET", "/fhir/"+path, "", "Accept: application/fhir+xml")
		if back, err := fhir.FromXML(inXML.Body); err != nil || len(back) != len(inJSON.Body) {
			t.Errorf("%s as XML: %v\n%s\n%s", path, err, back, inJSON.Body)
		}
	}
	said := map[string]string{}
	for _, c := range a.tree(a.do(200, "", "GET", "/fhir/metadata?mode=terminology", "")).List("codeSystem") {
		said[c.Get("uri").Text()] = c.Get("version", "0", "code").Text()
	}
	if !strings.HasSuffix(said[sct], "/version/20250101") || said["http://loinc.org"] != "2.77" || said[gender] != "4.0.1" || len(said) < 1000 {
		t.Errorf("the capabilities name %d code systems, SNOMED CT in %q", len(said), said[sct])
	}
	ecl := url.QueryEscape("http://snomed.info/sct?fhir_vs=ecl/" + url.PathEscape("< 404684003 : 363698007 = 80891009"))
	for _, c := range []struct{ path, want, total string }{
		{"ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender", "male female other unknown", "4"},
		{"ValueSet/administrative-gender/$expand?count=2&offset=1", "female other", "4"},
		{"ValueSet/$expand?count=10&url=" + ecl, "56265001 22298006 57054005", "3"},
		{"ValueSet/$expand?count=1&filter=heart+attack&url=" + url.QueryEscape("http://snomed.info/sct?fhir_vs"), "22298006", "1"},
		{"ValueSet/$expand?count=5&filter=22298006&url=" + url.QueryEscape("http://snomed.info/sct?fhir_vs"), "22298006", "1"},
		{"ValueSet/$expand?count=1&offset=1&filter=diabetes&url=" + url.QueryEscape("http://snomed.info/sct?fhir_vs"), "46635009", "3"},
		{"ValueSet/$expand?url=http://loinc.org/vs/LL0001-1", "LA0001-1 LA0002-9", "2"},
	} {
		n := a.tree(a.do(200, "gp", "GET", "/fhir/"+c.path, ""))
		var got []string
		for _, x := range n.List("expansion", "contains") {
			got = append(got, x.Get("code").Text())
		}
		if strings.Join(got, " ") != c.want || n.Get("expansion", "total").Text() != c.total || !n.Get("expansion", "timestamp").Exists() {
			t.Errorf("%s: %q of %s", c.path, got, n.Get("expansion", "total").Text())
		}
	}
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"CodeSystem/$lookup?system=urn:none&code=x":                                        {404, "not-found"},
		"CodeSystem/$lookup?system=" + gender + "&code=x":                                  {404, "not-found"},
		"CodeSystem/$lookup?code=x":                                                        {400, "required"},
		"CodeSystem/$subsumes?system=urn:none&codeA=a&codeB=b":                             {404, "not-found"},
		"ValueSet/$expand?url=urn:none":                                                    {404, "not-found"},
		"ValueSet/$expand":                                                                 {400, "required"},
		"ValueSet/$expand?url=http://unitsofmeasure.org/vs":                                {400, "not-supported"},
		"ValueSet/$expand?count=-1&url=http://hl7.org/fhir/ValueSet/administrative-gender": {400, "value"},
		"ValueSet/$expand?url=" + url.QueryEscape("http://snomed.info/sct?fhir_vs=ecl/<<"): {400, "invalid"},
		"ValueSet/no-such/$expand":                                                         {404, "not-found"},
		"ValueSet/$validate-code?url=http://hl7.org/fhir/ValueSet/condition-code":          {400, "required"},
		"ConceptMap/$translate?url=urn:none&system=urn:x&code=y":                           {404, "not-found"},
	} {
		if got := a.tree(a.do(want.status, "gp", "GET", "/fhir/"+path, "")).Get("issue", "code").Text(); got != want.code {
			t.Errorf("%s: %s, want %s", path, got, want.code)
		}
	}
	ans, err := a.env.Do(t.Context(), "", "GET", "/fhir/CodeSystem/$lookup?system="+gender+"&code=female", nil)
	if err != nil || ans.Status != 401 {
		t.Errorf("without sign-in: %v %v", err, ans)
	}
}

// What an expansion was asked for, it says; what R4 has no element for stands in
// the extensions that later releases define for it.
func TestAnExpansionSaysWhatItIs(t *testing.T) {
	a := open(t)
	imported(t, a.env, "snomed")
	n := a.tree(a.do(200, "gp", "GET", "/fhir/ValueSet/$expand?count=1&filter=infarct+myoc&property=parent&property=moduleId&includeDefinition=true&system-version="+url.QueryEscape(sct+"|"+sct+"/900000000000207008")+
		"&url="+url.QueryEscape(sct+"?fhir_vs=isa/22298006"), ""))
	x := n.Get("expansion")
	code := x.Get("contains", "0")
	if !code.Get("code").Is("22298006") || code.Get("extension", "0", "extension", "1", "valueCode").Text() != "56265001" || x.Get("extension", "1", "extension", "0", "valueCode").Text() != "moduleId" {
		t.Errorf("%s", n.JSON())
	}
	said := map[string]string{}
	for _, p := range x.List("parameter") {
		_, v := p.First("value")
		said[p.Get("name").Text()] += " " + v.Text()
	}
	if said["count"] != " 1" || said["property"] != " parent moduleId" || said["filter"] != " infarct myoc" || said["system-version"] == "" {
		t.Errorf("parameters %v", said)
	}
	n = a.tree(a.do(200, "gp", "GET", "/fhir/ValueSet/administrative-gender/$expand?includeDefinition=true", ""))
	if !n.Get("compose", "include", "0", "system").Is(gender) {
		t.Errorf("the definition is left out: %s", n.JSON())
	}
	for path, status := range map[string]int{
		"ValueSet/$expand?check-system-version=" + url.QueryEscape(gender+"|9") + "&url=http://hl7.org/fhir/ValueSet/administrative-gender":                 409,
		"ValueSet/$expand?offset=9223372036854775807&count=5&filter=x&url=" + url.QueryEscape(sct+"?fhir_vs"):                                               200,
		"ValueSet/$expand?url=" + url.QueryEscape(sct+`?fhir_vs=ecl/< 404684003 {{ term = "oedema", dialect = en-gb (prefer) }}`):                           200,
		"ValueSet/$expand?date=2999-01-01&url=http://hl7.org/fhir/ValueSet/administrative-gender":                                                           200,
		"ValueSet/$expand?date=2019-01-01&url=http://hl7.org/fhir/ValueSet/administrative-gender":                                                           400,
		"CodeSystem/$lookup?date=then&code=male&system=" + gender:                                                                                           400,
		"ValueSet/$expand?activeOnly=maybe&url=http://hl7.org/fhir/ValueSet/administrative-gender":                                                          400,
		"ConceptMap/$translate?reverse=true&system=http://terminology.hl7.org/CodeSystem/v3-AddressUse&code=H&targetsystem=http://hl7.org/fhir/address-use": 200,
	} {
		a.do(status, "gp", "GET", "/fhir/"+path, "")
	}
}

// A client keeps a closure table: it is told what relates to each code that it
// adds, and again since a version that it has.
// https://hl7.org/fhir/R4/terminology-service.html#closure
func TestAClosureTableIsKeptUp(t *testing.T) {
	a := open(t)
	imported(t, a.env, "snomed")
	ask := func(status int, user, rest string) fhir.Node {
		t.Helper()
		return a.tree(a.do(status, user, "POST", "/fhir/$closure", `{"resourceType":"Parameters","parameter":[{"name":"name","valueString":"problems"}`+rest+`]}`))
	}
	concept := func(code string) string {
		return `,{"name":"concept","valueCoding":{"system":"` + sct + `","code":"` + code + `"}}`
	}
	ask(404, "gp", concept("22298006"))
	if n := ask(200, "gp", ""); !n.Get("version").Is("0") || n.Get("group").Exists() {
		t.Errorf("begun: %s", n.JSON())
	}
	if n := ask(200, "gp", concept("22298006")); !n.Get("version").Is("1") || n.Get("group").Exists() {
		t.Errorf("the first: %s", n.JSON())
	}
	n := ask(200, "gp", concept("56265001")+concept("195967001"))
	e := n.Get("group", "0", "element", "0")
	if !n.Get("version").Is("2") || !e.Get("code").Is("22298006") || !e.Get("target", "0", "code").Is("56265001") || !e.Get("target", "0", "equivalence").Is("subsumes") || len(n.Get("group", "0").List("element")) != 1 {
		t.Errorf("what subsumes it: %s", n.JSON())
	}
	if n := ask(200, "gp", `,{"name":"version","valueString":"1"}`); !n.Get("version").Is("2") || !n.Get("group", "0", "element", "0", "code").Is("22298006") {
		t.Errorf("since a version: %s", n.JSON())
	}
	ask(404, "doctor", concept("22298006")) // another's table is not theirs
	ask(404, "gp", concept("999999999"))
	ask(400, "gp", `,{"name":"version","valueString":"7"}`)
	ask(400, "gp", concept("22298006")+`,{"name":"version","valueString":"1"}`)
	a.do(405, "gp", "GET", "/fhir/$closure?name=problems", "")
}

// What a source system has written is asked by it, and by nobody else.
func TestTerminologyOfAClient(t *testing.T) {
	a := open(t)
	a.do(201, "system", "PUT", "/fhir/CodeSystem/colours", `{"resourceType":"CodeSystem","id":"colours","url":"urn:colours","status":"active","content":"complete","concept":[{"code":"red","display":"Red","concept":[{"code":"pink","display":"Pink"}]},{"code":"blue","display":"Blue"}]}`)
	a.do(201, "system", "PUT", "/fhir/CodeSystem/welsh", `{"resourceType":"CodeSystem","id":"welsh","url":"urn:welsh","status":"active","language":"cy","content":"supplement","supplements":"urn:colours","concept":[{"code":"red","display":"Coch"}]}`)
	a.do(201, "system", "PUT", "/fhir/ValueSet/warm", `{"resourceType":"ValueSet","id":"warm","url":"urn:warm","status":"active","compose":{"include":[{"system":"urn:colours","filter":[{"property":"concept","op":"is-a","value":"red"}]}]}}`)
	a.do(201, "system", "PUT", "/fhir/ConceptMap/light", `{"resourceType":"ConceptMap","id":"light","url":"urn:light","version":"1","status":"active","sourceUri":"urn:warm","group":[{"source":"urn:colours","target":"urn:wave","element":[{"code":"red","target":[{"code":"long","equivalence":"equivalent"}]}]}]}`)
	a.do(201, "system", "PUT", "/fhir/ConceptMap/light2", `{"resourceType":"ConceptMap","id":"light2","url":"urn:light","version":"2","status":"active","group":[{"source":"urn:colours","target":"urn:wave","element":[{"code":"red","target":[{"code":"none","equivalence":"unmatched"}]}]}]}`)
	for path, want := range map[string]string{
		"ValueSet/$validate-code?url=urn:warm&system=urn:colours&code=pink":                   "result=true",
		"ValueSet/warm/$validate-code?system=urn:colours&code=blue":                           "result=false",
		"CodeSystem/colours/$subsumes?codeA=red&codeB=pink":                                   "outcome=subsumes",
		"CodeSystem/$lookup?system=urn:colours&code=pink":                                     "display=Pink",
		"CodeSystem/$lookup?system=urn:colours&code=red&displayLanguage=cy":                   "display=Coch",
		"ConceptMap/$translate?system=urn:colours&code=red":                                   "result=true",
		"ConceptMap/light/$translate?code=red":                                                "result=true",
		"ConceptMap/$translate?url=urn:light&conceptMapVersion=1&system=urn:colours&code=red": "result=true",
		"ConceptMap/$translate?url=urn:light&conceptMapVersion=2&system=urn:colours&code=red": "result=false",
		"ConceptMap/$translate?url=urn:light|1&system=urn:colours&code=red":                   "result=true",
		"ConceptMap/$translate?source=ValueSet/warm&system=urn:colours&code=red":              "result=true",
		"ConceptMap/$translate?source=urn:cold&system=urn:colours&code=red":                   "result=false",
	} {
		name, v, _ := strings.Cut(want, "=")
		if got := value(a.tree(a.do(200, "system", "GET", "/fhir/"+path, "")), name); got != v {
			t.Errorf("%s: %q", path, got)
		}
	}
	if n := a.tree(a.do(200, "system", "GET", "/fhir/ValueSet/warm/$expand", "")); n.Get("expansion", "contains", "0", "contains", "0", "code").Text() != "pink" {
		t.Errorf("%s", n.JSON())
	}
	a.do(404, "gp", "GET", "/fhir/ValueSet/$expand?url=urn:warm", "")
	// Of a part of a code system it is said that it is one; a code without words is shown as it is.
	a.do(201, "system", "PUT", "/fhir/CodeSystem/part", `{"resourceType":"CodeSystem","id":"part","url":"urn:part","status":"active","content":"fragment","concept":[{"code":"a"}]}`)
	if got := value(a.tree(a.do(200, "system", "GET", "/fhir/CodeSystem/$lookup?system=urn:part&code=a", "")), "display"); got != "a" {
		t.Errorf("display %q", got)
	}
	if r := a.do(404, "system", "GET", "/fhir/CodeSystem/$lookup?system=urn:part&code=b", ""); !strings.Contains(string(r.Body), "only a part") {
		t.Errorf("%s", r.Body)
	}
	for include, want := range map[string]bool{`{"system":"urn:part"}`: true, `{"system":"urn:part","concept":[{"code":"a"}]}`: false, `{"system":"urn:colours"}`: false} {
		r := a.do(200, "system", "POST", "/fhir/ValueSet/$expand", `{"resourceType":"ValueSet","status":"active","compose":{"include":[`+include+`]}}`)
		if strings.Contains(string(r.Body), "valueset-unclosed") != want {
			t.Errorf("%s: %s", include, r.Body)
		}
	}
	a.do(404, "system", "GET", "/fhir/ConceptMap/$translate?url=urn:light&conceptMapVersion=3&system=urn:colours&code=red", "")
	// Searches ask it, too.
	for id, code := range map[string]string{"o1": "pink", "o2": "blue"} {
		a.do(201, "system", "PUT", "/fhir/Basic/"+id, `{"resourceType":"Basic","id":"`+id+`","code":{"coding":[{"system":"urn:colours","code":"`+code+`"}]}}`)
	}
	for path, want := range map[string]string{"code:in=urn:warm": "o1", "code:in=ValueSet/warm": "o1", "code:not-in=urn:warm": "o2", "code:below=urn:colours|red": "o1"} {
		n := a.tree(a.do(200, "system", "GET", "/fhir/Basic?"+path, ""))
		if list := n.List("entry"); len(list) != 1 || !list[0].Get("resource", "id").Is(want) {
			t.Errorf("%s: %s", path, n.JSON())
		}
	}
}

// A map that is imported puts SNOMED CT beside what a system says, and searches
// find it by either.
func TestTranslatedCodesAreFound(t *testing.T) {
	a := open(t)
	table := t.TempDir() + "/gp.csv"
	if err := os.WriteFile(table, []byte("source_system,source_code,target_code,target_display\nhttp://read.info/ctv3,H33..,195967001,Asthma\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := a.env.Region.Terminology.Build(table, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.env.Region.Terminology.Adopt([]string{made[0].Name}); err != nil {
		t.Fatal(err)
	}
	a.patient("p1", "9991234519")
	a.do(201, "system", "PUT", "/fhir/Condition/c1", `{"resourceType":"Condition","id":"c1","subject":{"reference":"Patient/p1"},"code":{"coding":[{"system":"http://read.info/ctv3","code":"H33..","userSelected":true}]}}`)
	n := a.tree(a.do(200, "system", "GET", "/fhir/Condition/c1", ""))
	if list := n.List("code", "coding"); len(list) != 2 || !list[0].Get("code").Is("H33..") || !list[0].Get("userSelected").Bool() || !list[1].Get("code").Is("195967001") {
		t.Errorf("%s", n.JSON())
	}
	imported(t, a.env, "snomed")
	for query, want := range map[string]int{
		"code=" + sct + "|195967001": 1, "code=http://read.info/ctv3|H33..": 1,
		// A disease of the lung, by the hierarchy and by an expression constraint.
		"code:below=" + sct + "|19829001": 1, "code:below=" + sct + "|56265001": 0, "code:above=" + sct + "|233678006": 1,
		"code:in=" + sct + "?fhir_vs=ecl/< 404684003 : 363698007 = 39607008": 1, "code:not-in=" + sct + "?fhir_vs=isa/56265001": 1,
	} {
		name, v, _ := strings.Cut(query, "=")
		if n := a.tree(a.do(200, "system", "GET", "/fhir/Condition?"+url.QueryEscape(name)+"="+url.QueryEscape(v), "")); len(n.List("entry")) != want {
			t.Errorf("%s: %s", query, n.JSON())
		}
	}
}

// A search in a value set that can't be used says why: what is wrong in its
// expression, or what is not loaded.
func TestASearchSaysWhatIsWrongWithItsValueSet(t *testing.T) {
	a := open(t)
	imported(t, a.env, "snomed")
	for set, want := range map[string]struct {
		status int
		words  string
	}{
		sct + "?fhir_vs=ecl/< 404684003 : 363698007 =": {400, "of the expression"},
		sct + "?fhir_vs=isa/999999999":                 {404, "no concept 999999999"},
		"http://nowhere/vs":                            {404, "not known"},
	} {
		r := a.do(want.status, "system", "GET", "/fhir/Condition?code:in="+url.QueryEscape(set), "")
		if len(r.Issue) != 1 || !strings.Contains(r.Issue[0].Diagnostics, want.words) {
			t.Errorf("%s: %s", set, r.Body)
		}
	}
}

// A value set is named by the element that it is bound to, too: of a resource, of
// a datatype in it, of a profile that changes the binding and of one that does not.
// https://hl7.org/fhir/R4/valueset-operation-expand.html
func TestTheValueSetOfAContext(t *testing.T) {
	a := open(t)
	a.do(201, "system", "PUT", "/fhir/ValueSet/two", `{"resourceType":"ValueSet","id":"two","url":"urn:two","status":"active","compose":{"include":[{"system":"http://hl7.org/fhir/administrative-gender","concept":[{"code":"male"},{"code":"female"}]}]}}`)
	a.do(201, "system", "PUT", "/fhir/StructureDefinition/mine", `{"resourceType":"StructureDefinition","id":"mine","url":"urn:mine","name":"Mine","status":"active","kind":"resource","abstract":false,"type":"Patient","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","derivation":"constraint","differential":{"element":[{"id":"Patient","path":"Patient"},{"id":"Patient.gender","path":"Patient.gender","binding":{"strength":"required","valueSet":"urn:two"}}]}}`)
	const r4 = "http://hl7.org/fhir/StructureDefinition/"
	for context, want := range map[string]string{
		r4 + "Patient#Patient.gender":           "http://hl7.org/fhir/ValueSet/administrative-gender",
		r4 + "Patient#Patient.name.use":         "http://hl7.org/fhir/ValueSet/name-use",
		r4 + "Patient#Patient.contact.gender":   "http://hl7.org/fhir/ValueSet/administrative-gender",
		r4 + "Patient#Patient.contact.name.use": "http://hl7.org/fhir/ValueSet/name-use",
		r4 + "HumanName#HumanName.use":          "http://hl7.org/fhir/ValueSet/name-use",
		"urn:mine#Patient.gender":               "urn:two",
		"urn:mine#Patient.name.use":             "http://hl7.org/fhir/ValueSet/name-use",
	} {
		if n := a.tree(a.do(200, "system", "GET", "/fhir/ValueSet/$expand?contextDirection=incoming&context="+url.QueryEscape(context), "")); !n.Get("url").Is(want) {
			t.Errorf("%s: %s", context, n.JSON())
		}
	}
	if got := value(a.tree(a.do(200, "gp", "GET", "/fhir/ValueSet/$validate-code?code=female&system=http://hl7.org/fhir/administrative-gender&context="+url.QueryEscape(r4+"Patient#Patient.gender"), "")), "result"); got != "true" {
		t.Errorf("validated: %s", got)
	}
	for context, status := range map[string]int{r4 + "Patient": 400, r4 + "Dog#Dog.breed": 404, r4 + "Patient#Patient.birthDate": 404, r4 + "Patient#Patient.nothing": 404} {
		a.do(status, "gp", "GET", "/fhir/ValueSet/$expand?context="+url.QueryEscape(context), "")
	}
}
