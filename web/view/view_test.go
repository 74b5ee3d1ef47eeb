package view

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"
	"time"

	"selda/fhir"
)

// NHS common user interface: dates for professionals, plain ones for citizens,
// each as exactly as it is known.
func TestDate(t *testing.T) {
	for _, c := range []struct{ in, pro, time, plain, iso string }{
		{"2026-11-05", "05-Nov-2026", "05-Nov-2026", "5 November 2026", "2026-11-05"},
		{"2026-11", "Nov-2026", "Nov-2026", "November 2026", "2026-11"},
		{"2026", "2026", "2026", "2026", "2026"},
		{"2026-11-05T14:05:00Z", "05-Nov-2026", "05-Nov-2026 14:05", "5 November 2026", "2026-11-05T14:05:00Z"},
		{"2026-07-05T23:30:00Z", "06-Jul-2026", "06-Jul-2026 00:30", "6 July 2026", "2026-07-06T00:30:00+01:00"},
		{"2026-11-05T14:05:00.123+02:00", "05-Nov-2026", "05-Nov-2026 12:05", "5 November 2026", "2026-11-05T12:05:00Z"},
		{"2026-11-05T14:05", "05-Nov-2026", "05-Nov-2026 14:05", "5 November 2026", "2026-11-05T14:05:00Z"},
		{"", "", "", "", ""}, {"soon", "", "", "", ""}, {"2026-13-01", "", "", "", ""}, {"2026-02-30", "", "", "", ""},
	} {
		d := ParseDate(c.in)
		if d.Pro() != c.pro || d.ProTime() != c.time || d.Plain() != c.plain || d.ISO() != c.iso {
			t.Errorf("%s: %s, %s, %s, %s", c.in, d.Pro(), d.ProTime(), d.Plain(), d.ISO())
		}
	}
}

func TestAgo(t *testing.T) {
	now := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC) // the day on which the clocks go forward
	for in, want := range map[string]string{"2026-03-29": "today", "2026-03-28": "yesterday", "2026-03-30": "tomorrow", "2026-03-26": "3 days ago",
		"2026-03-15": "2 weeks ago", "2026-04-12": "in 2 weeks", "2026-04-02": "in 4 days", "2025-03-29": "", "2026-03": ""} {
		if got := ParseDate(in).Ago(now); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

func TestAge(t *testing.T) {
	now := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	for in, want := range map[string]string{"1951-11-05": "75y", "1951-11-23": "74y", "2026-11-22T03:00:00Z": "11h", "2026-11-21T13:00:00Z": "25h", "2026-11-20": "2d",
		"2026-10-26": "27d", "2026-10-25": "4w", "2025-12-01": "50w", "2025-11-01": "12m", "2024-12-01": "23m", "2020-08-01": "6y 3m", "2010-11-22": "16y",
		"1951": "about 75y", "": "", "2027-01-01": ""} {
		if got := Age(ParseDate(in), now); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

func TestName(t *testing.T) {
	n := Name{Title: "Miss", Given: "Folake Ade", Family: "Adeyemi"}
	if n.Pro() != "ADEYEMI, Folake Ade (Miss)" || n.Plain() != "Folake Ade Adeyemi" || n.First() != "Folake" {
		t.Error(n.Pro(), n.Plain(), n.First())
	}
	if (Name{}).Pro() != "Name not known" || (Name{Given: "Zoë"}).Pro() != "Zoë" {
		t.Error((Name{}).Pro(), (Name{Given: "Zoë"}).Pro())
	}
}

func resource(t testing.TB, s string) *fhir.Resource {
	t.Helper()
	r, err := fhir.Parse([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Every element of an item is there in words; what means nothing to people is not.
func TestFields(t *testing.T) {
	r := resource(t, `{"resourceType":"MedicationRequest","id":"1","meta":{"versionId":"1"},"status":"on-hold","intent":"order","medicationCodeableConcept":{"coding":[{"system":"http://snomed.info/sct","code":"1","display":"Furosemide 40mg tablets"}]},
	"subject":{"reference":"Patient/1"},"authoredOn":"2026-11-05","requester":{"reference":"Practitioner/9","display":"Dr A Okafor"},"encounter":{"reference":"Encounter/7"},
	"dosageInstruction":[{"doseAndRate":[{"doseQuantity":{"value":1,"unit":"tablet"}}],"timing":{"repeat":{"frequency":2,"period":1,"periodUnit":"d"}},"asNeededBoolean":true}],
	"dispenseRequest":{"quantity":{"value":56,"unit":"tablet"},"validityPeriod":{"start":"2026-11-05","end":"2026-12-05"}},"note":[{"time":"2026-11-05","text":"Take with food"}]}`)
	want := []Field{{"Status", "on hold"}, {"Intent", "order"}, {"Medicine", "Furosemide 40mg tablets"}, {"Ordered", "05-Nov-2026"}, {"Ordered by", "Dr A Okafor"},
		{"Dose", "1 tablet, twice a day, when needed"}, {"Supply", "quantity 56 tablet; validity period 05-Nov-2026 to 05-Dec-2026"}, {"Note", "Take with food"}}
	if got := Fields(r); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	o := resource(t, `{"resourceType":"Observation","code":{"text":"Creatinine"},"valueQuantity":{"comparator":"<","value":107.00,"unit":"umol/L"},"referenceRange":[{"low":{"value":45},"high":{"value":84,"unit":"umol/L"}}],"valueBoolean":true}`)
	want = []Field{{"What", "Creatinine"}, {"Value", "<107.00 µmol/L"}, {"Reference range", "45 to 84 µmol/L"}, {"Value", "yes"}}
	if got := Fields(o); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

// Markup of a sender never reaches a page: only its words do, in their blocks.
func TestNarrative(t *testing.T) {
	for in, want := range map[string][]Block{
		`<div xmlns="http://www.w3.org/1999/xhtml"><h2>Plan</h2><p>One  two<br/>three</p><ul><li>a</li><li>b</li></ul></div>`: {{Kind: "h", Text: "Plan"}, {Kind: "p", Text: "One two"}, {Kind: "p", Text: "three"}, {Kind: "li", Text: "a"}, {Kind: "li", Text: "b"}},
		`<table><tr><th>Drug</th><th>Dose</th></tr><tr><td>Furosemide</td><td>40&nbsp;mg<br/>bd</td></tr></table>`:            {{Kind: "th", Cells: []string{"Drug", "Dose"}}, {Kind: "tr", Cells: []string{"Furosemide", "40 mg bd"}}},
		`<text><list><item><content styleCode="Bold">x</content> y</item></list><paragraph>z</paragraph></text>`:              {{Kind: "li", Text: "x y"}, {Kind: "p", Text: "z"}},
		`<p>a<script>alert(1)</script>b</p><style>p{}</style>`:                                                                {{Kind: "p", Text: "ab"}},
		`plain & simple < text`: {{Kind: "p", Text: "plain & simple"}},
		`<pre>a
  b</pre>`: {{Kind: "pre", Text: "a\n  b"}},
		``: nil,
	} {
		if got := Narrative(in); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", in, got, want)
		}
	}
}

func FuzzNarrative(f *testing.F) {
	for _, s := range []string{"<p>a</p>", "<table><tr><td>a<td>b</table>", "<<>&&;", "<pre><pre>", "</tr></td>", "<li><table><tr><td><li>", "<script><p>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, b := range Narrative(s) {
			if b.Kind == "" || b.Text == "" && len(b.Cells) == 0 {
				t.Errorf("an empty block: %+v", b)
			}
		}
	})
}

func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"2026", "2026-11", "2026-11-05", "2026-11-05T14:05:00Z", "2026-11-05T14:05:00.5+01:00", "T", "----------T"} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		d := ParseDate(s)
		if again := ParseDate(d.ISO()); again.Pro() != d.Pro() {
			t.Errorf("%q: %q, then %q", s, d.Pro(), again.Pro())
		}
		_, _ = d.Ago(now), Age(d, now)
	})
}

func TestDocument(t *testing.T) {
	text := base64.StdEncoding.EncodeToString([]byte("Dear doctor\n\nAll is well."))
	r := resource(t, `{"resourceType":"DocumentReference","id":"d1","status":"current","content":[{"attachment":{"contentType":"text/plain; charset=utf-8","data":"`+text+`"}},{"attachment":{"contentType":"application/pdf","title":"ECG","url":"Binary/1"}},{"attachment":{"contentType":"text/xml","hash":"AAAA"}}]}`)
	pages, files := Document("DocumentReference/d1", r)
	if len(pages) != 1 || len(pages[0].Text) != 2 || pages[0].Text[1].Text != "All is well." {
		t.Errorf("%+v", pages)
	}
	if len(files) != 2 || files[0].Name != "ECG" || files[0].Ref != "DocumentReference/d1#content[1].attachment" || files[1].Type != "text/xml" {
		t.Errorf("%+v", files)
	}
	c := resource(t, `{"resourceType":"Composition","id":"c1","status":"final","type":{"text":"x"},"date":"2026","author":[],"title":"x","section":[{"title":"Plan","text":{"status":"generated","div":"<div>Rest</div>"},"section":[{"code":{"text":"Diet"},"text":{"status":"generated","div":"<div>Salt</div>"}}]}]}`)
	pages, _ = Document("Composition/c1", c)
	if len(pages) != 2 || pages[0].Title != "Plan" || pages[1].Title != "Diet" || pages[1].Text[0].Text != "Salt" {
		t.Errorf("%+v", pages)
	}
}

func TestDays(t *testing.T) {
	r := Record{}
	for _, d := range []string{"2026-11-05", "2026-11-05T10:00:00Z", "2025", ""} {
		r.All = append(r.All, Item{Ref: "X/" + d, When: ParseDate(d)})
	}
	Sort(r.All)
	days, more := r.Days(0, 3)
	if len(days) != 2 || days[0].Title != "05-Nov-2026" || len(days[0].Items) != 2 || days[1].Title != "2025" || !more {
		t.Errorf("%+v %v", days, more)
	}
	if days, more = r.Days(3, 3); len(days) != 1 || days[0].Title != "No date" || more {
		t.Errorf("%+v %v", days, more)
	}
}

func TestPartFirst(t *testing.T) {
	var p Part
	p.Add("a", []Item{{Title: "1"}, {Title: "2"}})
	p.Add("none", nil)
	p.Add("b", []Item{{Title: "3"}})
	titles := func(items []Item) string {
		var s []string
		for _, it := range items {
			s = append(s, it.Title)
		}
		return strings.Join(s, "")
	}
	if titles(p.First(2)) != "12" || titles(p.First(9, "b", "a")) != "312" || titles(p.First(9, "x")) != "" || p.Count != 3 || len(p.Groups) != 2 {
		t.Error(titles(p.First(2)), titles(p.First(9, "b", "a")), p.Count)
	}
}
