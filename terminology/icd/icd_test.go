package icd

import (
	"os"
	"path"
	"testing"
	"testing/fstest"

	"selda/terminology/index"
)

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

func TestBothFormsGiveTheHierarchy(t *testing.T) {
	for _, name := range []string{"icd10/ICD10_Edition5_CodesAndTitlesAndMetadata_GB_20160401.txt", "claml/icd10-sample.xml"} {
		files := os.DirFS("../../testdata/terminology/" + path.Dir(name))
		if !IsRelease(files, []string{path.Base(name)}) {
			t.Fatalf("%s is not known for what it is", name)
		}
		b, err := Read(files, []string{path.Base(name)}, "")
		x := laid(t, b, err)
		asthma, ok := x.Find("J45")
		below, there := x.Find("J45.9")
		if !ok || !there || !x.Subsumes(asthma, below) || x.Display(below) != "Asthma, unspecified" || x.Meta().System != ICD10 || x.Meta().Version == "" {
			t.Errorf("%s: %v %v %q %+v", name, ok, there, x.Display(below), x.Meta())
		}
		if block, ok := x.Find("X"); ok && !x.Subsumes(block, below) {
			t.Error("the chapter is not above its categories")
		}
	}
}

func TestOPCSIsCodesAndTitlesAlone(t *testing.T) {
	files := fstest.MapFS{"OPCS49 CodesAndTitles.txt": {Data: []byte("A01\tMajor operation of a sample\r\nA01.1\tFirst of it\r\n")}}
	b, err := Read(files, []string{"OPCS49 CodesAndTitles.txt"}, "")
	x := laid(t, b, err)
	if m := x.Meta(); m.System != OPCS4 || m.Version != "49" || x.Len() != 2 {
		t.Errorf("%+v", m)
	}
}

func TestTheListOfTheWHO(t *testing.T) {
	files := fstest.MapFS{"codes.txt": {Data: []byte("3;N;X;10;J40;J45.-;J45;J45;Asthma;;;\n4;T;X;10;J40;J45.9;J45.9;J459;Asthma, unspecified;;;\n")}}
	if !IsRelease(files, []string{"codes.txt"}) {
		t.Fatal("not known for what it is")
	}
	b, err := Read(files, []string{"codes.txt"}, "")
	x := laid(t, b, err)
	above, ok := x.Find("J45")
	below, there := x.Find("J45.9")
	if !ok || !there || !x.Subsumes(above, below) || x.Display(below) != "Asthma, unspecified" {
		t.Errorf("%v %v %q", ok, there, x.Display(below))
	}
}

func FuzzRead(f *testing.F) {
	for _, n := range []string{"icd10/ICD10_Edition5_CodesAndTitlesAndMetadata_GB_20160401.txt", "claml/icd10-sample.xml"} {
		b, err := os.ReadFile("../../testdata/terminology/" + n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, name := range []string{"ICD10_CodesAndTitles.txt", "x.xml", "x.txt"} {
			b, err := Read(fstest.MapFS{name: {Data: data}}, []string{name}, "")
			if err == nil {
				laid(t, b, nil)
			}
		}
	})
}
