package dmd

import (
	"os"
	"slices"
	"testing"
	"testing/fstest"

	"selda/fault"
	"selda/terminology/index"
)

const sample = "../../testdata/terminology/dmd"

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
	if x.Meta().Version != "2024-03-12" {
		t.Errorf("version %q", x.Meta().Version)
	}
	find := func(code string) index.Concept {
		c, ok := x.Find(code)
		if !ok {
			t.Fatalf("no concept %s", code)
		}
		return c
	}
	moiety, amp, ampp := find("90332006"), find("3000003"), find("5000005")
	if !x.Subsumes(moiety, amp) || x.Subsumes(moiety, ampp) || !x.Subsumes(find("4000004"), ampp) || !x.Inactive(find("322280009")) {
		t.Error("the hierarchy is wrong")
	}
	if x.Display(amp) != "Samplamol 500mg tablets (Sample Pharma Ltd)" || len(x.Designations(amp)) != 2 {
		t.Errorf("names of a product: %v", x.Designations(amp))
	}
	var of []string
	vmp := find("322236009")
	for i := range x.PropertyCount(vmp) {
		p := x.Property(vmp, i)
		of = append(of, p.Code()+"="+p.Text())
	}
	for _, want := range []string{"type=VMP", "UDFS_UOMCD=https://dmd.nhs.uk/UNIT_OF_MEASURE|428673006|tablet", "ISID=387517004", "STRNT_NMRTR_VAL=500", "FORMCD=https://dmd.nhs.uk/FORM|385055001|Tablet"} {
		if !slices.Contains(of, want) {
			t.Errorf("%s is not among %q", want, of)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, n := range []string{"f_vmp2_3120324.xml", "f_lookup2_3120324.xml"} {
		b, err := os.ReadFile(sample + "/" + n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Read(fstest.MapFS{"f_vmp2_3120324.xml": {Data: data}})
		if err == nil {
			laid(t, b, nil)
		} else if fault.KindOf(err) == fault.Exception {
			t.Error(err)
		}
	})
}
