package translate

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"selda/fhir"
	"selda/ingest/mapped"
	"selda/terminology"
	"selda/terminology/codemap"
)

// codings are those of a table.
func codings(t testing.TB, table string) *terminology.Codings {
	t.Helper()
	maps, err := codemap.Read(strings.NewReader(table))
	if err != nil {
		t.Fatal(err)
	}
	var list []*terminology.ConceptMap
	for _, m := range maps {
		x, err := m.Index()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, &terminology.ConceptMap{URL: "urn:map", Groups: []terminology.MapGroup{{Source: m.Source, Target: m.Target, Table: x}}})
	}
	return terminology.NewCodings(list, nil)
}

const table = `source_system,source_code,target_code,target_display,equivalence
http://read.info/ctv3,H33..,195967001,Asthma,equivalent
http://read.info/ctv3,XE0Ub,59621000,,narrower
urn:local,BP,75367002,"Taking of ""pressure""",wider
`

func TestACodingIsAddedBehindTheSourcesOwn(t *testing.T) {
	const own = `{"system":"http://read.info/ctv3","code":"H33..","display":"Asthma \"bronchial\" ]","userSelected":true}`
	m := &mapped.Message{Resources: []mapped.Resource{{Type: "Condition",
		Body:    []byte(`{"resourceType":"Condition","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-category","code":"problem-list-item"}]},{"coding":[{"system":"urn:local","code":"BP"}]}],"code":{"coding":[` + own + `,{"system":"urn:x","code":"y"}],"text":"Asthma"}}`),
		Origins: []mapped.Origin{{Element: "code.coding[0].code", Place: "DG1[1]-3.1"}, {Element: "category[1].coding.code", Place: "DG1[1]-6"}}}}}
	Message(m, codings(t, table))
	r, err := fhir.Parse(m.Resources[0].Body)
	if err != nil {
		t.Fatal(err)
	}
	list := r.Root().List("code", "coding")
	if len(list) != 3 || string(list[0].JSON()) != own {
		t.Fatalf("the source's coding is not as it was: %s", m.Resources[0].Body)
	}
	added := list[2]
	if !added.Get("code").Is("195967001") || !added.Get("system").Is(terminology.SNOMED) || !added.Get("extension", "url").Is(Extension) || !added.Get("extension", "valueUri").Is("urn:map") || added.Get("userSelected").Exists() {
		t.Errorf("added: %s", added.JSON())
	}
	if d := r.Root().List("category")[1].List("coding")[1].Get("display").Text(); d != `Taking of "pressure"` {
		t.Errorf("a local code: %s", m.Resources[0].Body)
	}
	want := []mapped.Origin{{Element: "category[1].coding[1].code", Place: "DG1[1]-6"}, {Element: "code.coding[2].code", Place: "DG1[1]-3.1"}}
	if got := m.Resources[0].Origins[2:]; !slices.Equal(got, want) {
		t.Errorf("origins %+v", got)
	}
	if len(m.Untranslated) != 0 {
		t.Errorf("%+v", m.Untranslated)
	}
}

func TestWhatFindsNoMapIsToldAndWhatNeedsNoneIsNot(t *testing.T) {
	local := mapped.LocalSystem("RJZ:LAB", "codes")
	for _, c := range []struct {
		coding string
		want   []mapped.Code
	}{
		{`{"system":"http://read.info/ctv3","code":"XX","display":"Odd"}`, []mapped.Code{{System: codemap.CTV3, Code: "XX", Display: "Odd"}}},
		{`{"system":"http://read.info/ctv3","code":"XE0Ub"}`, []mapped.Code{{System: codemap.CTV3, Code: "XE0Ub"}}}, // narrower would say more than the source
		{`{"system":"http://read.info/readv2","code":"H33.."}`, []mapped.Code{{System: codemap.Read2, Code: "H33.."}}},
		{`{"system":"` + local + `","code":"NA"}`, []mapped.Code{{System: local, Code: "NA"}}},
		{`{"code":"K"}`, []mapped.Code{{Code: "K"}}},
		{`{"system":"http://loinc.org","code":"8480-6"}`, nil},
		{`{"system":"http://read.info/ctv3","code":"XX"},{"system":"http://snomed.info/sct","code":"195967001"}`, nil}, // coded by the source itself
		{`{"system":"http://read.info/ctv3","code":"H33.."},{"system":"http://snomed.info/sct","code":"389145006"}`, nil},
	} {
		body := `{"resourceType":"Observation","code":{"coding":[` + c.coding + `]}}`
		m := &mapped.Message{Resources: []mapped.Resource{{Type: "Observation", Body: []byte(body)}}}
		Message(m, codings(t, table))
		if !slices.Equal(m.Untranslated, c.want) || string(m.Resources[0].Body) != body {
			t.Errorf("%s: %+v, %s", c.coding, m.Untranslated, m.Resources[0].Body)
		}
	}
	long := &mapped.Message{Resources: []mapped.Resource{{Type: "Condition", Body: []byte(`{"resourceType":"Condition","code":{"coding":[{"system":"http://read.info/ctv3","code":"H33..11"}]}}`)}}}
	if Message(long, codings(t, table)); !strings.Contains(string(long.Resources[0].Body), `"code":"195967001"`) {
		t.Errorf("a code with the number of its term: %s", long.Resources[0].Body)
	}
	// A document is kept as it came.
	doc := `{"resourceType":"Bundle","type":"document","entry":[{"resource":{"resourceType":"Condition","code":{"coding":[{"system":"http://read.info/ctv3","code":"H33.."}]}}}]}`
	m := &mapped.Message{Resources: []mapped.Resource{{Type: "Bundle", Body: []byte(doc)}}}
	if Message(m, codings(t, table)); string(m.Resources[0].Body) != doc {
		t.Error("a document was changed")
	}
}

// Real code sets of general practice: CTV3 and SNOMED CT codes of one term.
func TestCodeSetsOfGeneralPractice(t *testing.T) {
	const dir = "../../../shared/material/ph-codesets-gm/shared/clinical-code-sets/conditions"
	files, _ := filepath.Glob(dir + "/*/*/*.ctv3.txt")
	if len(files) == 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("the public test data is missing: ../shared/material")
		}
		t.Skip("no public test data at ../shared/material beside the checkout")
	}
	read := func(name string) map[string]string {
		out := map[string]string{}
		f, err := os.Open(name)
		if err != nil {
			return out
		}
		defer func() { _ = f.Close() }()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if code, term, ok := strings.Cut(lines.Text(), "\t"); ok {
				out[code] = term
			}
		}
		return out
	}
	var made strings.Builder
	made.WriteString("source_system,source_code,target_code\n")
	known, all := map[string]string{}, map[string]bool{}
	for _, f := range files {
		byTerm := map[string]string{}
		for code, term := range read(strings.Replace(f, ".ctv3.", ".snomed.", 1)) {
			term, _, _ = strings.Cut(term, " (")
			byTerm[strings.ToLower(term)] = code
		}
		for code, term := range read(f) {
			all[code] = true
			if to := byTerm[strings.ToLower(term)]; to != "" && known[code] == "" {
				known[code] = to
				fmt.Fprintf(&made, "%s,%s,%s\n", codemap.CTV3, code, to)
			}
		}
	}
	m := &mapped.Message{}
	for code := range all {
		m.Resources = append(m.Resources, mapped.Resource{Type: "Condition", Key: code, Body: fhir.Marshal(fhir.Object{"resourceType": "Condition", "code": fhir.Concept("", fhir.Coding(codemap.CTV3, code, ""))})})
	}
	Message(m, codings(t, made.String()))
	for _, r := range m.Resources {
		res, err := fhir.Parse(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		list := res.Root().List("code", "coding")
		if !list[0].Get("code").Is(r.Key) || (len(list) == 2) != (known[r.Key] != "") || len(list) == 2 && !list[1].Get("code").Is(known[r.Key]) {
			t.Errorf("%s: %s", r.Key, r.Body)
		}
	}
	if len(known) < 100 || len(m.Untranslated) != len(all)-len(known) {
		t.Errorf("%d codes, %d with a map, %d told as without", len(all), len(known), len(m.Untranslated))
	}
}

// FuzzMessage: whatever a resource is, it stays JSON, and only gains.
func FuzzMessage(f *testing.F) {
	f.Add(`{"resourceType":"Condition","code":{"coding":[{"system":"urn:local","code":"BP"}],"text":"\"coding\":["},"extension":[{"valueCodeableConcept":{"coding":[]}}]}`)
	f.Add(`{"resourceType":"Observation","component":[{"code":{"coding":[{"code":"H33..","system":"http://read.info/ctv3"}]}}]}`)
	c := codings(f, table)
	f.Fuzz(func(t *testing.T, s string) {
		r, err := fhir.Parse([]byte(s))
		if err != nil {
			return
		}
		m := &mapped.Message{Resources: []mapped.Resource{{Type: r.Type, Body: r.JSON, Origins: []mapped.Origin{{Element: "code.coding[0].code", Place: "x"}}}}}
		Message(m, c)
		if len(m.Resources[0].Body) < len(r.JSON) {
			t.Error("something is gone")
		}
		if _, err := fhir.Parse(m.Resources[0].Body); err != nil {
			t.Errorf("%v: %s", err, m.Resources[0].Body)
		}
	})
}
