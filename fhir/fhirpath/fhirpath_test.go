package fhirpath

import (
	"strings"
	"testing"
	"time"

	"selda/fault"
	"selda/fhir"
)

const patient = `{"resourceType":"Patient","id":"p","contained":[{"resourceType":"Organization","id":"o","name":"Here"}],
"name":[{"use":"official","family":"Chalmers","given":["Peter","James"]},{"use":"usual","given":["Jim",null],"_given":[null,{"id":"g","extension":[{"url":"u","valueCode":"c"}]}]}],
"gender":"male","birthDate":"1974-12-25","_birthDate":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthTime","valueDateTime":"1974-12-25T14:35:45-05:00"}]},
"multipleBirthInteger":2,"managingOrganization":{"reference":"#o"},"generalPractitioner":[{"reference":"Practitioner/7"},{"reference":"https://x.example/Organization/8/_history/1"}],
"extension":[{"url":"weight","valueQuantity":{"value":71.50,"unit":"kilo","system":"http://unitsofmeasure.org","code":"kg"}}]}`

func focus(t testing.TB) Item {
	t.Helper()
	r, err := fhir.Parse([]byte(patient))
	if err != nil {
		t.Fatal(err)
	}
	return Resource(r.Root())
}

var env = &Env{Now: time.Date(2026, 11, 25, 21, 40, 0, 0, time.UTC)}

func TestEvaluation(t *testing.T) {
	for expression, want := range map[string]string{
		"name.where(use = 'official').given.first()": `string "Peter"`,
		"multipleBirth":                                                  `integer 2`,
		"multipleBirth is integer":                                       `Boolean true`,
		"name.given.count()":                                             `Integer 4`,
		"name.given.where(hasValue().not()).id":                          `string "g"`,
		"name.given.extension('u').value":                                `code "c"`,
		"birthDate.extension(%`ext-patient-birthTime`).value":            `dateTime "1974-12-25T14:35:45-05:00"`,
		"managingOrganization.resolve().name":                            `string "Here"`,
		"generalPractitioner.where(resolve() is Practitioner).count()":   `Integer 1`,
		"generalPractitioner.where(resolve() is Organization).reference": `string "https://x.example/Organization/8/_history/1"`,
		"generalPractitioner.resolve().exists()":                         `Boolean false`,
		"extension('weight').value > 71 'kg'":                            `Boolean true`,
		"extension('weight').value = 71500 'g'":                          `Boolean true`,
		"Patient.name.family | Practitioner.name.family":                 `string "Chalmers"`,
		"Resource.id":                    `id "p"`,
		"%resource.id | %context.gender": `id "p", code "male"`,
		"birthDate.substring(0, 4) & '-' & birthDate.length().toString()": `String "1974-10"`,
		"birthDate & '!'":   `String "1974-12-25!"`,
		"(3 | 1 | 2).sum()": `Integer 6`,
		"(1.5 | 2).avg()":   `Decimal 1.75`,
		"(3 | 1 | 2).min() | name.given.where(hasValue()).max()": `Integer 1, String "Peter"`,
		"{}.sum()": ``,
		"gender.value | gender.value.type().name": `String "male", String "String"`,
		"now()":                             `DateTime "2026-11-25T21:40:00.000+00:00"`,
		"today() - 1 'month'":               `Date "2026-10-25"`,
		"@2012-01-31 + 1 month":             `Date "2012-02-29"`,
		"@2014 + 24 months":                 `Date "2016"`,
		"@2016-02-29 - 1 year":              `Date "2015-02-28"`,
		"@2015-02-04T23:59:59Z + 2 seconds": `DateTime "2015-02-05T00:00:01Z"`,
		"@T23:30 + 45 minutes":              `Time "00:15"`,
		"0.1 + 0.2":                         `Decimal 0.3`,
		"1.10 * 2":                          `Decimal 2.20`,
		"10 / 4":                            `Decimal 2.5`,
		"1 / 3":                             `Decimal 0.3333333333333333`,
		"7 mod 2 + 7 div 2":                 `Integer 4`,
		"9223372036854775807 + 1":           ``,
		"4 days":                            `Quantity "4 days"`,
		"1 day + 12 hours":                  `Quantity "1.5 days"`,
		"2 'mg' * 3":                        `Quantity "6 'mg'"`,
		"120 'mm[Hg]' ~ 16 'kPa'":           `Boolean true`,
		"'é€x'.substring(1, 1) & 'ab'.upper()":                                    `String "€AB"`,
		"'a-b'.replaceMatches('(\\\\w)-(\\\\w)', '$2+$1')":                        `String "b+a"`,
		"(1 | 2 | 3).where($this > 1).select($index)":                             `Integer 0, Integer 1`,
		"defineVariable('g', name.given.first()).select(%g & '!')":                `String "Peter!"`,
		"name.select(defineVariable('x', use).where(%x = 'usual').given.first())": `string "Jim"`,
		"name.given.sort(-$this).first()":                                         `string "Peter"`,
		"iif(gender = 'male', 'M', 1 div 0)":                                      `String "M"`,
		"name.repeat(given).count()":                                              `Integer 4`,
		"descendants().where($this is code)":                                      `code "male", code "official", code "usual", code "kg", code "c"`,
		"type().name & name.first().type().name":                                  `String "PatientHumanName"`,
		"gender.memberOf('x').empty() or true":                                    `error`,
		"name.exists(given contains 'Jim')":                                       `Boolean true`,
		"name.exists(given.first() = 'Jim')":                                      `Boolean true`,
		"(name | name).count() = name.count()":                                    `Boolean true`,
		"name.given.toDate()":                                                     `error`,
		"conformsTo('http://hl7.org/fhir/StructureDefinition/DomainResource')":    `Boolean true`,
		"Patient.name.as(HumanName)":                                              `error`,
		"%nothing":                                                                `error`,
		"text.`div`.htmlChecks()":                                                 `Boolean false`,
	} {
		e, err := Compile(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		got, err := e.Eval(env, focus(t))
		text := "error"
		if err == nil {
			text = strings.TrimSuffix(strings.TrimPrefix(show(got), "["), "]")
		}
		if text != want {
			t.Errorf("%s gives %s (%v), not %s", expression, text, err, want)
		}
	}
}

func TestWhatDoesNotCompile(t *testing.T) {
	for _, expression := range []string{"", "a.", "a b", "(a", "a)", "a[", "a[]", "foo()", "1.where()", "'x", "`x", "@20-1", "@2015-13", "@T25", "$that", "a is",
		"a is Foo", "%", "and", "a.$this", "1a", "/* x", "a..b", "matches('(')", "x.matches('(')", "{1}", "a,b", "€",
		strings.Repeat("(", 1_000_000), strings.Repeat("-", 10_000), "a" + strings.Repeat(".a", 9_000), "1" + strings.Repeat("+1", 9_000)} {
		e, err := Compile(expression)
		if err == nil {
			t.Errorf("%.40s was taken: %v", expression, e)
			continue
		}
		if k := fault.KindOf(err); k != fault.Invalid && k != fault.TooLong {
			t.Errorf("%.40s: %v", expression, err)
		}
	}
}

// What would not come to an end, or not in the memory there is, is stopped.
func TestWorkIsBounded(t *testing.T) {
	for _, expression := range []string{
		"'x'.repeatAll($this)",
		"'x'.repeat($this & 'x')",
		"1.repeat($this + 1)",
		"'0123456789'.toChars().aggregate($total & $total & $total & $total & $total & $total & $total & $total, 'xxxxxxxxxx')",
		"(0|1|2|3|4|5|6|7|8|9).aggregate($total.replace('x', 'xxxxxxxxxxxxxxxxxxxxxxxx'), 'x')",
	} {
		e, err := Compile(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got, err := e.Eval(env, focus(t)); err == nil {
			t.Errorf("%s gives %d items", expression, len(got))
		}
	}
}

func TestUntypedJSON(t *testing.T) {
	n, err := fhir.ParseTree([]byte(`{"a":{"b":[{"c":1.50},{"c":"x"}]},"Value":[true],"resourceType":"No"}`))
	if err != nil {
		t.Fatal(err)
	}
	for expression, want := range map[string]string{"a.b.c": `Decimal 1.50, String "x"`, "Value": `Boolean true`, "a.b[1].c = 'x'": `Boolean true`,
		"a.children().children().count()": `Integer 2`, "resourceType": `String "No"`, "a.b.c.ofType(Decimal) + 1": `Decimal 2.50`} {
		e, err := Compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Eval(env, Resource(n))
		if s := show(got); err != nil || s != "["+want+"]" {
			t.Errorf("%s gives %s (%v)", expression, s, err)
		}
	}
}

func TestCheckNamesThePlace(t *testing.T) {
	for expression, want := range map[string]string{
		"name.where(use='x').givn":             "HumanName has no element of this name (at character 21)",
		"Patient.multipleBirthInteger":         "in FHIRPath it is multipleBirth",
		"Encounter.period":                     "another type",
		"Observation.value | Encounter.period": "another type",
		"contact.name.startsWith('x')":         "is of strings",
	} {
		e, err := Compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Check(fhir.DatatypeOf("Patient"), Strict{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", expression, err)
		}
	}
	e, _ := Compile("Patient.name | Practitioner.name | contained.name | link.other.resolve().foo")
	if err := e.Check(fhir.DatatypeOf("Patient"), Strict{Order: true}); err != nil {
		t.Error(err)
	}
}

func TestEachAndTrue(t *testing.T) {
	e, _ := Compile("name.given")
	var got []string
	if err := e.Each(nil, focus(t), func(it Item) bool { got = append(got, it.String()); return len(got) < 2 }); err != nil || strings.Join(got, " ") != "Peter James" {
		t.Error(got, err)
	}
	for expression, want := range map[string]bool{"name.exists()": true, "photo.exists()": false, "photo.url.first() = 'x'": false, "name": true} {
		e, _ := Compile(expression)
		if v, err := e.True(nil, focus(t)); err != nil || v != want {
			t.Errorf("%s is %v %v", expression, v, err)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{"name.where(use = 'official').given.first()", "1 'mg' + 2.0 days", "@2015-02-04T14:34:28Z > now()", "(a | b)[0].ofType(FHIR.Patient)",
		"defineVariable('x', 1).select(%x)", "iif(a, b, c) is System.String", "'\\u0041'.matches('[a-z]+') and %`vs-x` in {}", "-1.abs() div 2 mod 3 & 'x'"} {
		f.Add(s)
	}
	item := focus(f)
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Compile(s)
		if err != nil {
			return
		}
		_ = e.Check(item.Datatype(), Strict{Order: true})
		a, errA := e.Eval(env, item)
		b, errB := e.Eval(env, item)
		if (errA == nil) != (errB == nil) || len(a) != len(b) {
			t.Errorf("%q gives %v, then %v", s, show(a), show(b))
		}
		_ = show(a)
	})
}

func BenchmarkEach(b *testing.B) {
	item := focus(b)
	for _, expression := range []string{"Patient.name.where(use='official').given.first()", "Patient.name.family", "Patient.name", "Patient.birthDate",
		"Patient.telecom.where(system='phone')", "Patient.generalPractitioner.where(resolve() is Practitioner)", "Patient.deceased.exists() and Patient.deceased != false"} {
		e, err := Compile(expression)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(expression, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				_ = e.Each(nil, item, func(Item) bool { n++; return true })
			}
		})
	}
}
