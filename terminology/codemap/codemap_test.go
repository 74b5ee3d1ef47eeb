package codemap

import (
	"strings"
	"testing"

	"selda/fault"
	"selda/terminology/index"
)

func laid(t testing.TB, m Map) *index.Index {
	t.Helper()
	x, err := m.Index()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func targets(x *index.Index, code string) string {
	c, _ := x.Find(code)
	set, _ := x.Find(Rows)
	r, _ := x.Refset(set)
	var out []string
	for _, row := range x.RowsOf(r, c) {
		out = append(out, row.Target+" "+row.Advice)
	}
	return strings.Join(out, ", ")
}

func TestTablesOfBothForms(t *testing.T) {
	for _, c := range []struct{ table, source, code, want string }{
		{"source_system,source_code,target_code,equivalence\nurn:local,ABC,195967001,wider\nurn:local,XYZ,,\n", "urn:local", "ABC", "195967001 wider"},
		{"MAPID\tCTV3_CONCEPTID\tCTV3_TERMID\tSCT_CONCEPTID\tSCT_DESCRIPTIONID\tMAPSTATUS\tEFFECTIVEDATE\tISASSURED\n1\tH33..\tYa\t195967001\t301480018\t1\t20200401\t0\n2\tH33..\tYb\t389145006\t1\t1\t20200401\t1\n3\tH33..\tYc\t56265001\t1\t0\t20200401\t1\n", CTV3, "H33..", "389145006 equivalent, 195967001 equivalent"},
		{"MapId\tReadCode\tTermCode\tConceptId\tDescriptionId\tIS_ASSURED\tEffectiveDate\tMapStatus\n1\tH33..\t00\t195967001\t1\t1\t20200401\t1\n", Read2, "H33..", "195967001 equivalent"},
	} {
		if !IsMap([]byte(c.table)) {
			t.Errorf("not known for a map: %s", c.table)
		}
		maps, err := Read(strings.NewReader(c.table))
		if err != nil || len(maps) != 1 || maps[0].Source != c.source || maps[0].Target != SNOMED {
			t.Errorf("%v %+v", err, maps)
			continue
		}
		if got := targets(laid(t, maps[0]), c.code); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestARowThatCantHoldIsNamed(t *testing.T) {
	for table, kind := range map[string]fault.Kind{
		"source_system,source_code,target_code\nurn:x,,1\n":                   fault.Required,
		"source_system,source_code,target_code,equivalence\nurn:x,a,1,same\n": fault.Value,
	} {
		if _, err := Read(strings.NewReader(table)); !fault.Is(err, kind) || fault.PlaceOf(err) != "row 2" {
			t.Errorf("%v at %s", err, fault.PlaceOf(err))
		}
	}
	if IsMap([]byte("name,birth_date\n")) {
		t.Error("any table is a map")
	}
}

func FuzzRead(f *testing.F) {
	f.Add("source_system,source_code,target_code,equivalence\nurn:local,ABC,195967001,wider\n")
	f.Add("MAPID\tCTV3_CONCEPTID\tSCT_CONCEPTID\tMAPSTATUS\tISASSURED\n1\tH33..\t195967001\t1\t0\n")
	f.Fuzz(func(t *testing.T, s string) {
		maps, err := Read(strings.NewReader(s))
		if err != nil {
			return
		}
		for _, m := range maps {
			laid(t, m)
		}
	})
}
