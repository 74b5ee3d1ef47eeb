package loinc

import (
	"os"
	"testing"
	"testing/fstest"

	"selda/terminology/index"
)

const sample = "../../testdata/terminology/loinc"

func laid(t testing.TB, b *index.Builder, err error) *index.Index {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	x, err := b.Index()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestASampleReleaseIsRead(t *testing.T) {
	b, err := Read(os.DirFS(sample))
	x := laid(t, b, err)
	systolic, ok := x.Find("8480-6")
	part, there := x.Find("LP0001-1")
	if !ok || !there || !x.Subsumes(part, systolic) || !x.Abstract(part) || x.Abstract(systolic) || x.Display(systolic) != "Systolic blood pressure" || x.Display(part) != "Blood pressure" {
		t.Errorf("%v %v %q %q", ok, there, x.Display(systolic), x.Display(part))
	}
	if x.Meta().Version != "2.77" {
		t.Errorf("version %q, by numbers and not by letters", x.Meta().Version)
	}
	old, _ := x.Find("1-8")
	if !x.Inactive(old) || x.Property(old, x.PropertyCount(old)-1).Text() != "2339-0" {
		t.Error("a deprecated code names what replaces it")
	}
	never, ok := x.Find("LA0001-1")
	if !ok || x.Display(never) != "Never smoker" || x.Property(never, 0).Text() != "LL0001-1" {
		t.Error("answers are lost")
	}
}

// Codes are told apart by whose words they are. https://hl7.org/fhir/R4/loinc.html
func TestWhoseWordsACodeIs(t *testing.T) {
	table := "LOINC_NUM,LONG_COMMON_NAME,STATUS,EXTERNAL_COPYRIGHT_NOTICE\n1-8,Ours,ACTIVE,\n2-6,Theirs,ACTIVE,Copyright of somebody else\n"
	b, err := Read(fstest.MapFS{"Loinc.csv": {Data: []byte(table)}})
	x := laid(t, b, err)
	for code, want := range map[string]string{"1-8": "LOINC", "2-6": "3rdParty"} {
		c, _ := x.Find(code)
		got := ""
		for i := range x.PropertyCount(c) {
			if p := x.Property(c, i); p.Code() == "copyright" {
				got = p.Text()
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	b, err := os.ReadFile(sample + "/LoincTable/Loinc.csv")
	if err != nil {
		f.Fatal(err)
	}
	h, err := os.ReadFile(sample + "/AccessoryFiles/ComponentHierarchyBySystem/ComponentHierarchyBySystem.csv")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, h)
	f.Fuzz(func(t *testing.T, table, hierarchy []byte) {
		if len(hierarchy) > 1<<16 {
			return
		}
		b, err := Read(fstest.MapFS{"Loinc.csv": {Data: table}, "ComponentHierarchyBySystem.csv": {Data: hierarchy}})
		if err == nil {
			laid(t, b, nil)
		}
	})
}
