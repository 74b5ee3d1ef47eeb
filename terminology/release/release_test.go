package release

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"selda/fault"
	"selda/terminology"
)

const samples = "../../testdata/terminology/"

func imported(t testing.TB, s *Store, path string) []Release {
	t.Helper()
	made, err := s.Build(path, "")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range made {
		names = append(names, r.Name)
	}
	list, err := s.Adopt(names)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func service(t testing.TB, s *Store) *terminology.Service {
	t.Helper()
	svc, err := s.Service()
	if err != nil {
		t.Fatal(err)
	}
	return svc
}

func written(t testing.TB, name, content string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEveryKindIsImportedAndAnswers(t *testing.T) {
	s := Open(t.TempDir(), time.Now)
	if _, err := service(t, s).Lookup(terminology.SNOMED, "", "195967001", ""); !fault.Is(err, fault.NotFound) {
		t.Fatalf("before the import: %v", err)
	}
	for _, p := range []string{"snomed", "dmd", "loinc", "icd10"} {
		imported(t, s, samples+p)
	}
	imported(t, s, written(t, "local.csv", "source_system,source_code,target_code\nurn:local,ASTH,195967001\n"))
	imported(t, s, written(t, "set.json", `{"resourceType":"ValueSet","url":"urn:set","status":"active","compose":{"include":[{"system":"http://snomed.info/sct","filter":[{"property":"concept","op":"is-a","value":"195967001"}]}]}}`))
	imported(t, s, written(t, "welsh.json", `{"resourceType":"CodeSystem","url":"urn:welsh","status":"active","language":"cy","content":"supplement","supplements":"http://snomed.info/sct","concept":[{"code":"195967001","display":"Asthma Cymraeg"}]}`))
	made, err := s.Build(written(t, "triage.txt", "RED\tImmediate\nGREEN\tStandard\n"), "urn:triage")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Adopt([]string{made[0].Name}); err != nil {
		t.Fatal(err)
	}
	svc := service(t, s)
	if l, err := svc.Lookup(terminology.SNOMED, "", "195967001", "cy"); err != nil || l.Display != "Asthma Cymraeg" {
		t.Errorf("by a supplement: %v %+v", err, l)
	}
	for _, c := range [][3]string{{"urn:triage", "RED", "Immediate"}, {terminology.SNOMED, "195967001", "Asthma"}, {terminology.DMD, "322236009", "Paracetamol 500mg tablets"}, {terminology.LOINC, "8480-6", "Systolic blood pressure"}, {terminology.ICD10, "J45.9", "Asthma, unspecified"}} {
		if l, err := svc.Lookup(c[0], "", c[1], ""); err != nil || l.Display != c[2] {
			t.Errorf("%v: %v %+v", c, err, l)
		}
	}
	if in, known := svc.Member("urn:set", terminology.SNOMED, "233678006"); !in || !known {
		t.Error("childhood asthma is no asthma")
	}
	if in, known := svc.Member("http://snomed.info/sct?fhir_vs=refset/700043003", terminology.SNOMED, "22298006"); !in || !known {
		t.Error("an implicit value set")
	}
	e, err := svc.Expand("http://snomed.info/sct?fhir_vs=ecl/%3C%20404684003%20%3A%20363698007%20%3D%2080891009%20%7CHeart%7C", terminology.ExpandQuery{Count: 10, Filter: "infarct acute"})
	if err != nil || e.Total != 1 || e.Contains[0].Display != "Acute myocardial infarction" {
		t.Errorf("an expression constraint, searched by words: %v %+v", err, e)
	}
	// A second table is more of the same map.
	imported(t, s, written(t, "more.csv", "source_system,source_code,target_code\nurn:local,MI,22298006\n"))
	for from, want := range map[string]string{"ASTH": "195967001", "MI": "22298006"} {
		if to, _ := s.Codings().To("urn:local", from); to.Code != want || to.Display == "" {
			t.Errorf("%s: %+v", from, to)
		}
	}
	svc = service(t, s)
	tr, err := svc.Translate(terminology.TranslateQuery{Codings: []terminology.Coding{{System: "urn:local", Code: "ASTH"}}})
	if err != nil || !tr.Result || tr.Matches[0].Code != "195967001" {
		t.Errorf("%v %+v", err, tr)
	}
	if tr, err = svc.Translate(terminology.TranslateQuery{URL: "http://snomed.info/sct?fhir_cm=900000000000527005", Codings: []terminology.Coding{{System: terminology.SNOMED, Code: "155574008"}}}); err != nil || !tr.Result || tr.Matches[0].Display != "Asthma" {
		t.Errorf("what a concept is the same as: %v %+v", err, tr)
	}
	if tr, err = svc.Translate(terminology.TranslateQuery{URL: "http://snomed.info/sct?fhir_cm=447562003", Codings: []terminology.Coding{{System: terminology.SNOMED, Code: "46635009"}}}); err != nil || !tr.Result || tr.Matches[0].Code != "E10.9" || tr.Matches[0].System != terminology.ICD10 {
		t.Errorf("to ICD-10: %v %+v", err, tr)
	}
	list, err := s.List()
	if err != nil || len(list) != 9 || slices.ContainsFunc(list, func(r Release) bool { return !r.InUse || r.Bytes == 0 }) {
		t.Errorf("%v %+v", err, list)
	}
	// What was imported is there after a restart.
	if _, err := service(t, Open(filepath.Dir(s.dir), time.Now)).Lookup(terminology.SNOMED, "", "195967001", ""); err != nil {
		t.Error(err)
	}
}

func TestANewVersionTakesOverAndTheOldOneAnswersByName(t *testing.T) {
	s := Open(t.TempDir(), time.Now)
	of := func(v, display string) string {
		return written(t, "cs.json", `{"resourceType":"CodeSystem","url":"urn:c","version":"`+v+`","status":"active","content":"complete","concept":[{"code":"a","display":"`+display+`"}]}`)
	}
	imported(t, s, of("1", "first"))
	before := service(t, s)
	imported(t, s, of("2", "second"))
	for _, c := range []struct {
		svc           *terminology.Service
		version, want string
	}{{before, "", "first"}, {service(t, s), "", "second"}, {service(t, s), "1", "first"}} {
		if l, err := c.svc.Lookup("urn:c", c.version, "a", ""); err != nil || l.Display != c.want {
			t.Errorf("%q: %v %+v", c.version, err, l)
		}
	}
	imported(t, s, of("2", "second, mended"))
	if list, _ := s.List(); len(list) != 2 || !list[0].InUse || list[1].InUse {
		t.Errorf("%+v", list)
	}
	if l, err := service(t, s).Lookup("urn:c", "", "a", ""); err != nil || l.Display != "second, mended" {
		t.Errorf("%v %+v", err, l)
	}
	list, _ := s.List()
	if err := s.Remove(list[0].Name); err != nil {
		t.Fatal(err)
	}
	if l, err := service(t, s).Lookup("urn:c", "", "a", ""); err != nil || l.Display != "first" {
		t.Errorf("after the removal: %v %+v", err, l)
	}
	if err := s.Remove("../elsewhere"); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

func TestAZipIsReadAndABombIsNot(t *testing.T) {
	dir := t.TempDir()
	packed := func(name string, files map[string][]byte) string {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for n, content := range files {
			w, err := z.Create(n)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(content); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	table, err := os.ReadFile(samples + "loinc/LoincTable/Loinc.csv")
	if err != nil {
		t.Fatal(err)
	}
	s := Open(t.TempDir(), time.Now)
	if r := imported(t, s, packed("loinc.zip", map[string][]byte{"LoincTable/Loinc.csv": table})); r[0].Kind != "loinc" || r[0].From != "loinc.zip" {
		t.Errorf("%+v", r)
	}
	bomb := packed("bomb.zip", map[string][]byte{"sct2_Concept_Snapshot_X_20250101.txt": bytes.Repeat([]byte("0"), 40<<20)})
	if _, err := s.Build(bomb, ""); !fault.Is(err, fault.TooLong) {
		t.Errorf("a zip of 40 MiB of nothing: %v", err)
	}
}

func TestWhatIsRefusedSaysWhyAndLeavesNothing(t *testing.T) {
	s := Open(t.TempDir(), time.Now)
	for name, c := range map[string]struct{ content, says string }{
		"patient.json": {`{"resourceType":"Patient"}`, "not a Patient"},
		"anon.json":    {`{"resourceType":"ValueSet","status":"active"}`, "no url"},
		"notes.csv":    {"name,born\nx,y\n", "no terminology that is known"},
		"map.csv":      {"source_system,source_code,target_code\nurn:a,,1\n", "source's code is empty"},
	} {
		if _, err := s.Build(written(t, name, c.content), ""); err == nil || !strings.Contains(fault.Reason(err), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestWhatIsKeptElsewhereAnswersToo(t *testing.T) {
	s := Open(t.TempDir(), time.Now)
	of := func(code string) terminology.Library {
		r, err := terminology.ReadResource([]byte(`{"resourceType":"ValueSet","url":"urn:p","compose":{"include":[{"system":"urn:c","concept":[{"code":"` + code + `"}]}]}}`))
		if err != nil {
			t.Fatal(err)
		}
		return terminology.NewResources(r)
	}
	now := of("a")
	s.Beside(func() (terminology.Library, error) { return now, nil })
	if in, _ := service(t, s).Member("urn:p", "urn:c", "a"); !in {
		t.Error("the value set of a package is not known")
	}
	now = of("b")
	imported(t, s, samples+"loinc") // something has changed: it is looked again
	if in, _ := service(t, s).Member("urn:p", "urn:c", "b"); !in {
		t.Error("a package that was added is not seen")
	}
}

func TestWhatAnImportLeftBehindGoes(t *testing.T) {
	now := time.Now()
	s := Open(t.TempDir(), func() time.Time { return now })
	left := filepath.Join(s.dir, ".new-left")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	imported(t, s, samples+"loinc")
	if _, err := os.Stat(left); err != nil {
		t.Error("what may be an import on its way is gone")
	}
	now = now.Add(25 * time.Hour)
	imported(t, s, samples+"dmd")
	if _, err := os.Stat(left); err == nil {
		t.Error("what was left behind is still there")
	}
	if l, err := service(t, s).Lookup(terminology.LOINC, "", "8480-6", ""); err != nil || l.Display == "" {
		t.Errorf("an older release is gone with it: %v", err)
	}
}

func TestAReleaseThatIsNotWholeSaysSo(t *testing.T) {
	s := Open(t.TempDir(), time.Now)
	r := imported(t, s, samples+"loinc")[0]
	if err := os.Truncate(filepath.Join(s.dir, r.Name, indexFile), r.Bytes/2); err != nil {
		t.Fatal(err)
	}
	s = Open(filepath.Dir(s.dir), time.Now)
	if _, err := service(t, s).Lookup(terminology.LOINC, "", "8480-6", ""); !fault.Is(err, fault.Structure) || !strings.Contains(fault.Reason(err), "import the release again") {
		t.Error(err)
	}
	if in, known := service(t, s).Member("http://hl7.org/fhir/ValueSet/administrative-gender", "", "female"); !in || !known {
		t.Error("what does not rest on it is not known either")
	}
}
