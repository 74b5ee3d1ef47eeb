package rf2

import (
	"bytes"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"selda/fault"
	"selda/terminology/index"
)

const sample = "../../testdata/terminology/snomed"

func read(t testing.TB) *index.Index {
	t.Helper()
	b, err := Read(os.DirFS(sample))
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
	x := read(t)
	at := func(code string) index.Concept {
		c, ok := x.Find(code)
		if !ok {
			t.Fatalf("no concept %s", code)
		}
		return c
	}
	if v := x.Meta().Version; v != "http://snomed.info/sct/900000000000207008/version/20250101" {
		t.Error(v)
	}
	if d := x.Display(at("40541001")); d != "Acute pulmonary oedema" {
		t.Errorf("the term of British English: %q", d)
	}
	if n := len(x.Designations(at("195967001"))); n != 4 {
		t.Errorf("%d descriptions of asthma, those withdrawn left out", n)
	}
	if x.Definition(at("386661006")) == "" {
		t.Error("the text definition is lost")
	}
	if !x.Subsumes(at("404684003"), at("233709006")) || x.Subsumes(at("56265001"), at("233709006")) || !x.Inactive(at("155574008")) || !x.Defined(at("57054005")) {
		t.Error("the hierarchy is wrong")
	}
	var attributes []string
	for i := range x.PropertyCount(at("57054005")) {
		p := x.Property(at("57054005"), i)
		attributes = append(attributes, p.Code()+"="+p.Text())
	}
	if want := []string{"363698007=80891009", "116676008=55641003", "246112005=24484000"}; !slices.Equal(attributes, want) {
		t.Errorf("attributes %q", attributes)
	}
	if p := x.Property(at("322236009"), 1); p.Type != index.DecimalValue || p.Text() != "500" {
		t.Errorf("concrete value %+v", p)
	}
	if x.PropertyCount(at("195967001")) != 1 {
		t.Error("a relationship that is stated or withdrawn was taken")
	}
	problems, _ := x.Refset(at("700043003"))
	members := x.NewSet()
	if x.AddMembers(members, problems); members.Len() != 3 || !members.Has(at("22298006")) {
		t.Errorf("%d members", members.Len())
	}
	icd, _ := x.Refset(at("447562003"))
	if rows := x.RowsOf(icd, at("22298006")); len(rows) != 2 || rows[0].Target != "I21.9" || rows[1].Rule != "OTHERWISE TRUE" {
		t.Errorf("map %+v", rows)
	}
	same, _ := x.Refset(at("900000000000527005"))
	if rows := x.RowsOf(same, at("155574008")); len(rows) != 1 || rows[0].Target != "195967001" {
		t.Errorf("association %+v", rows)
	}
}

func TestABrokenReleaseSaysWhere(t *testing.T) {
	files := fstest.MapFS{
		"sct2_Concept_Snapshot_X_20250101.txt":        {Data: []byte("id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId\n138875005\t20250101\t1\n")},
		"sct2_Description_Snapshot-en_X_20250101.txt": {Data: []byte("id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId\n")},
		"sct2_Relationship_Snapshot_X_20250101.txt":   {Data: []byte("id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId\trelationshipGroup\ttypeId\tcharacteristicTypeId\tmodifierId\n")},
	}
	if _, err := Read(files); !fault.Is(err, fault.Structure) || fault.PlaceOf(err) != "sct2_Concept_Snapshot_X_20250101.txt line 2" {
		t.Errorf("%v at %s", err, fault.PlaceOf(err))
	}
	delete(files, "sct2_Relationship_Snapshot_X_20250101.txt")
	if _, err := Read(files); !fault.Is(err, fault.Invalid) {
		t.Errorf("a release without relationships: %v", err)
	}
}

// A release of which a file was cut off is refused, whether in the middle of a
// line or between two: a hierarchy with holes would answer wrongly.
func TestAReleaseThatWasCutOffIsRefused(t *testing.T) {
	const folder = "SnomedCT_Sample_20250101/Snapshot/"
	for _, c := range []struct {
		file string
		cut  func([]byte) []byte
		says string
	}{
		{"Terminology/sct2_Relationship_Snapshot_SAMPLE_20250101.txt", func(b []byte) []byte { return b[:len(b)/2] }, ""},
		{"Terminology/sct2_Relationship_Snapshot_SAMPLE_20250101.txt", func(b []byte) []byte { return b[:bytes.LastIndexByte(b[:len(b)/2], '\n')+1] }, "no parent"},
		{"Terminology/sct2_Description_Snapshot-en_SAMPLE_20250101.txt", func(b []byte) []byte { return b[:bytes.LastIndexByte(b[:len(b)/2], '\n')+1] }, "no description"},
		{"Refset/Map/der2_iisssccRefset_ExtendedMapSnapshot_SAMPLE_20250101.txt", func(b []byte) []byte { return b[:len(b)-5] }, "cut off"},
	} {
		files := fstest.MapFS{}
		err := fs.WalkDir(os.DirFS(sample), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(sample + "/" + name)
			if name == folder+c.file {
				b = c.cut(b)
			}
			files[name] = &fstest.MapFile{Data: b}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(files); !fault.Is(err, fault.Structure) || !strings.Contains(err.Error(), c.says) || fault.PlaceOf(err) == "" {
			t.Errorf("%s: %v", c.file, err)
		}
	}
}

// FuzzRead gives one file of each kind other rows: whatever they are, they are
// read or refused with a place.
func FuzzRead(f *testing.F) {
	names := []string{"Terminology/sct2_Concept_Snapshot_SAMPLE_20250101.txt", "Terminology/sct2_Description_Snapshot-en_SAMPLE_20250101.txt", "Terminology/sct2_Relationship_Snapshot_SAMPLE_20250101.txt",
		"Refset/Map/der2_iisssccRefset_ExtendedMapSnapshot_SAMPLE_20250101.txt", "Refset/Language/der2_cRefset_LanguageSnapshot-en_SAMPLE_20250101.txt"}
	files := map[string][]byte{}
	for _, n := range names {
		b, err := os.ReadFile(sample + "/SnomedCT_Sample_20250101/Snapshot/" + n)
		if err != nil {
			f.Fatal(err)
		}
		lines := bytes.SplitAfter(b, []byte("\n"))
		files[n] = bytes.Join(lines[:min(len(lines), 12)], nil)
		f.Add(n, files[n])
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		all := fstest.MapFS{}
		for n, b := range files {
			all[n] = &fstest.MapFile{Data: b}
		}
		if _, ok := files[name]; !ok {
			name = names[len(name)%len(names)]
		}
		all[name] = &fstest.MapFile{Data: data}
		b, err := Read(all)
		if err != nil {
			return
		}
		raw, err := b.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := index.Open(raw); err != nil {
			t.Fatal(err)
		}
	})
}
