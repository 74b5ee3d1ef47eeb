package ecl

import (
	"html"
	"os"
	"slices"
	"strings"
	"testing"

	"selda/fault"
	"selda/terminology/index"
	"selda/terminology/rf2"
	"selda/terminology/rf2/rf2test"
)

func sample(t testing.TB) *index.Index {
	t.Helper()
	b, err := rf2.Read(os.DirFS("../../testdata/terminology/snomed"))
	if err != nil {
		t.Fatal(err)
	}
	x, err := b.Index()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func codes(t testing.TB, x *index.Index, expression string) string {
	t.Helper()
	e, err := Parse(expression)
	if err != nil {
		return err.Error()
	}
	s, err := e.Evaluate(x)
	if err != nil {
		return err.Error()
	}
	var out []string
	for c := range s.Concepts() {
		out = append(out, x.Code(c))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestWhichConceptsMeetAnExpression(t *testing.T) {
	x := sample(t)
	for _, c := range []struct{ expression, want string }{
		{"195967001", "195967001"},
		{"195967001 |Asthma (disorder)|", "195967001"},
		{"999999999", ""}, // not in the release
		{"< 195967001", "233678006 389145006"},
		{"<< 195967001", "195967001 233678006 389145006"},
		{"descendantOrSelfOf 195967001 |Asthma|", "195967001 233678006 389145006"},
		{"<! 64572001", "19829001 38341003 40541001 56265001 73211009"},
		{"<<! 195967001 MINUS 233678006", "195967001 389145006"},
		{"> 40541001", "138875005 19829001 404684003 64572001"},
		{">! 40541001", "19829001 64572001"},
		{">>! 40541001 /* it has two */", "19829001 40541001 64572001"},
		{"^ 700043003", "195967001 22298006 73211009"},
		{"<< (^ 700043003)", "195967001 22298006 233678006 389145006 44054006 46635009 57054005 73211009"},
		{"^ 700043003 AND < 56265001", "22298006"},
		{"< 73211009 OR < 195967001", "233678006 389145006 44054006 46635009"},
		{"!!> (<< 195967001 OR << 73211009)", "195967001 73211009"},
		{"!!< (<< 22298006)", "57054005"},
		// Attributes.
		{"< 404684003 : 116676008 = 55641003", "22298006 57054005"},
		{"< 404684003 : 363698007 = << 80891009, 246112005 = *", "57054005"},
		{"< 404684003 : 116676008 = << 79654002 AND 363698007 = << 39607008", "233709006 40541001"},
		{"< 404684003 : 246112005 = 24484000 OR 116676008 = 79654002", "233709006 267038008 40541001 57054005"},
		{"< 404684003 : { 363698007 = 80891009, 246112005 = 24484000 }", ""}, // not in one group
		{"< 404684003 : { 363698007 = 80891009, 116676008 = 55641003 }", "22298006 57054005"},
		{"< 404684003 : * = 79654002", "233709006 267038008 40541001"},
		{"< 19829001 : [0..0] 363698007 = *", "233678006 389145006"},
		{"<< 22298006 : [2..2] { * = * }", "57054005"},
		{"<< 22298006 : [0..0] { 246112005 = * }", "22298006"},
		{"<< 73211009 : 363698007 != 80891009", "44054006 46635009 73211009"},
		{"< 404684003 : (363698007 = 80891009 OR 363698007 = 113331007), 116676008 = *", "22298006 57054005"},
		{"< 123037004 : R 363698007 = < 56265001", "80891009"},
		{"<< 56265001 . 363698007", "80891009"},
		{"(<< 56265001 OR << 195967001) . (363698007 OR 116676008)", "39607008 55641003 80891009"},
		{"< 404684003 : 116676008 = (< 123037004 : R 116676008 = 267038008)", "233709006 267038008 40541001"},
		{"< 763158003 : 127489000 = 387517004, 1142135004 >= #500", "322236009"},
		{"< 763158003 : 1142135004 < #500", "322280009"},
		{"< 763158003 : 1142135004 != #250", "322236009"},
		// Filters.
		{`< 404684003 {{ term = "heart" }}`, "22298006 56265001"},
		{`< 404684003 {{ term = "hear dis" }}`, "56265001"},
		{`< 404684003 {{ D term = wild:"*oedema", type = syn }}`, "233709006 267038008 40541001"},
		{`< 404684003 {{ term = ("pyrexia" "asthma"), type = syn }} {{ C active = true }}`, "195967001 233678006 386661006 389145006"},
		{`< 404684003 {{ C definitionStatus = defined }}`, "233709006 57054005"},
		{`< 404684003 {{ C definitionStatusId = 900000000000073002 }}`, "233709006 57054005"},
		{`* {{ C active = false }}`, "1000991000 155574008 194828000"},
		{`^ 447562003 {{ M mapTarget = "J45.9" }}`, "195967001"},
		{`^ 447562003 {{ M mapPriority = #2 }}`, "22298006"},
		{`^ [targetComponentId] 900000000000527005`, "195967001"},
		{`< 404684003 {{ term = "oedema", type = syn, dialect = en-gb (prefer) }}`, "233709006 267038008 40541001"},
		{`< 404684003 {{ term = "oedema", type = syn, dialect = en-us (prefer) }}`, ""},
		{`< 404684003 {{ term = "oedema", dialectId = (900000000000509007 (accept) 900000000000508004 (accept)) }}`, "233709006 267038008 40541001"},
		{`< 404684003 {{ term = "oedema", dialect = (en-us en-gb (accept)) (prefer) }}`, ""},
		{`<< 195967001 {{ term = "BA", dialectId != 900000000000508004 (900000000000548007) }}`, "195967001"},
		{`< 404684003 {{ dialect = en-nhs-clinical }}`, ""},
		{`* {{ id = 7014014 }}`, "195967001"},
		{`* {{ D id = (7014014 7019019), typeId = 900000000000003001 }}`, "40541001"},
		{`<< 195967001 {{ D typeId != 900000000000003001, term = "asthma" }} {{ D moduleId = 900000000000207008, effectiveTime >= "20250101" }}`, "195967001 233678006 389145006"},
		{`<< 195967001 {{ D effectiveTime > "20250101" }}`, ""},
		{`<< 195967001 {{ C moduleId = 900000000000012004 }}`, ""},
		{`<< 195967001 {{ C moduleId != (900000000000012004), effectiveTime = ("20240101" "20250101") }}`, "195967001 233678006 389145006"},
		// History.
		{"195967001 {{ + HISTORY-MIN }}", "155574008 195967001"},
		{"73211009 {{ +HISTORY-MIN }}", "73211009"},
		{"73211009 {{ + HISTORY-MOD }}", "1000991000 73211009"},
		{"56265001 {{ + HISTORY }}", "194828000 56265001"},
		{"56265001 {{ + HISTORY (900000000000527005) }}", "56265001"},
	} {
		if got := codes(t, x, c.expression); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.expression, got, c.want)
		}
	}
}

func TestWhatIsWrongIsSaidWithItsPlace(t *testing.T) {
	for expression, place := range map[string]string{
		"":                             "character 1 of the expression",
		"< 12":                         "character 3 of the expression",
		"< 404684003 |Finding":         "character 14 of the expression",
		"< 404684003 : 363698007":      "character 24 of the expression",
		"A OR B":                       "character 1 of the expression",
		"404684003 AND 64572001 OR *":  "character 24 of the expression",
		"404684003 : 363698007 > *":    "character 26 of the expression",
		"404684003 : [2..1] * = *":     "character 18 of the expression",
		"404684003 ) ":                 "character 11 of the expression",
		`* {{ term = "x }}`:            "character 18 of the expression",
		strings.Repeat("(", 100) + "*": "character 33 of the expression",
		"* {{ dialect = en-xx }}":      "character 16 of the expression",
		"* {{ dialect = en-gb (x) }}":  "character 24 of the expression",
		`* {{ term = "` + strings.Repeat("a ", 40) + `" }}`: "character 96 of the expression",
	} {
		if _, err := Parse(expression); !fault.Is(err, fault.Invalid) || fault.PlaceOf(err) != place {
			t.Errorf("%q: %v, at %s", expression, err, fault.PlaceOf(err))
		}
	}
	x := sample(t)
	for _, expression := range []string{"* {{ active = false }}", "^ 700043003 {{ M moduleId = 900000000000207008 }}", `^ 700043003 {{ M effectiveTime >= "20240101" }}`, `* {{ C colour = "red" }}`} {
		e, err := Parse(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if _, err := e.Evaluate(x); !fault.Is(err, fault.NotSupported) {
			t.Errorf("%s is left out in silence: %v", expression, err)
		}
	}
}

// The expressions of HL7's own test cases. The file is no well-formed XML, so
// that expressions are looked for as text.
func TestOfficialExpressionsAreParsed(t *testing.T) {
	const name = "../../../shared/material/fhir-misc-cases/snomed/ecl-tests.xml"
	raw, err := os.ReadFile(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("the public test data is not beside the checkout: ", name)
	}
	x := sample(t)
	parsed := 0
	for part := range strings.SplitSeq(string(raw), "<expression>") {
		text, _, found := strings.Cut(part, "</expression>")
		if !found {
			continue
		}
		text = html.UnescapeString(text)
		e, err := Parse(text)
		if err != nil {
			t.Errorf("%s\n%v", text, err)
			continue
		}
		if _, err := e.Evaluate(x); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
		parsed++
	}
	if parsed < 50 {
		t.Errorf("%d expressions were found", parsed)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"< 404684003 : { 363698007 = << 39607008, [1..3] 116676008 != * }", `* {{ D term = (match:"heart" wild:"*itis"), type = syn }} {{ C active = 1 }}`,
		"(<< 56265001 OR ^ 700043003) . 363698007 {{ + HISTORY-MIN }}", "< 123037004 : R 363698007 = (< 56265001 MINUS 22298006)", `^ [mapTarget] 447562003 {{ M mapTarget = "J45.9" }}`, "* : 1142135004 >= #5.5, (127489000 = \"x\")"} {
		f.Add(s)
	}
	x := sample(f)
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Parse(s)
		if err != nil {
			return
		}
		if s, err := e.Evaluate(x); err == nil && s == nil {
			t.Error("no set and no error")
		}
	})
}

// A filter by a type of description looks at every one of them, and is not
// taken for an expression that would never end; one of very many texts is.
func TestFiltersAreWorkedOutOnce(t *testing.T) {
	dir := t.TempDir()
	if err := rf2test.Write(dir, 1, 30_000); err != nil {
		t.Fatal(err)
	}
	b, err := rf2.Read(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	x, err := b.Index()
	if err != nil {
		t.Fatal(err)
	}
	e, err := Parse("* {{ typeId = 900000000000003001 }}")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := e.Evaluate(x); err != nil || s.Len() != x.Len() {
		t.Errorf("by type: %v", err)
	}
	if e, err = Parse("* {{ term = (" + strings.Repeat(`wild:"*a*b*c*" `, 4000) + ") }}"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Evaluate(x); !fault.Is(err, fault.TooCostly) {
		t.Errorf("by thousands of texts: %v", err)
	}
}
