package definition

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"strconv"
	"strings"
	"testing"

	"selda/fhir"
)

// Every definition in the box is read, and those it is derived from are there.
func TestTheBox(t *testing.T) {
	b := R4.(*boxed)
	b.once.Do(b.open)
	if b.bad != nil || len(b.places) < 600 {
		t.Fatal(b.bad, len(b.places))
	}
	for url := range b.places {
		s, err := R4.Structure(url)
		if err != nil || s == nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if base, err := R4.Structure(s.Base); s.Base != "" && (base == nil || err != nil) {
			t.Errorf("%s: its base %s is not there (%v)", url, s.Base, err)
		}
	}
	for _, url := range []string{"http://hl7.org/fhir/StructureDefinition/Patient|4.0.1", "http://hl7.org/fhir/StructureDefinition/Patient|4.0"} {
		if s, err := R4.Structure(url); s == nil || err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	if s, err := R4.Structure("http://hl7.org/fhir/StructureDefinition/Patient|5.0.0"); s != nil || err != nil {
		t.Error(s, err)
	}
	p, _ := R4.Structure("http://hl7.org/fhir/StructureDefinition/Patient")
	for _, e := range p.Elements {
		if e.Path == "Patient.gender" && (e.Max != 1 || e.Types[0].Code != "code" || e.Binding.Strength != "required") {
			t.Errorf("%+v", e)
		}
	}
}

func FuzzBox(f *testing.F) {
	r, _ := fhir.Parse([]byte(`{"resourceType":"StructureDefinition","url":"u","type":"Patient","differential":{"element":[{"path":"Patient"}]}}`))
	packed, _ := Pack([]*fhir.Resource{r})
	f.Add(packed)
	f.Fuzz(func(t *testing.T, in []byte) {
		b := &boxed{text: in}
		_, _ = b.Structure("u")
	})
}

// tgz is a package of files.
func tgz(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for name, body := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(body)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if w.Close() != nil || z.Close() != nil {
		t.Fatal("can't close")
	}
	return out.Bytes()
}

func TestPackage(t *testing.T) {
	const profile = `{"resourceType":"StructureDefinition","url":"http://x.example/p","version":"1","type":"Patient","kind":"resource","derivation":"constraint",
		"baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","differential":{"element":[{"id":"Patient.name","path":"Patient.name","min":1}]}}`
	good := map[string]string{"package/package.json": `{"name":"x.example","version":"1.0.0","fhirVersions":["4.0.1"]}`, "package/StructureDefinition-p.json": profile,
		"package/example/Patient-1.json": `{"resourceType":"Patient"}`, "package/.index.json": `{"files":[]}`, "package/broken.json": `{`}
	p, err := ReadPackage(bytes.NewReader(tgz(t, good)))
	if err != nil || p.Name != "x.example" || p.Version != "1.0.0" || len(p.Resources) != 1 {
		t.Fatal(p, err)
	}
	s := NewSet(R4, p.Resources...)
	for _, url := range []string{"http://x.example/p", "http://x.example/p|1", "http://hl7.org/fhir/StructureDefinition/Patient"} {
		if d, err := s.Structure(url); d == nil || err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	if d, _ := s.Structure("http://x.example/p|2"); d != nil {
		t.Error("another version was found")
	}
	newer, _ := fhir.Parse([]byte(strings.ReplaceAll(profile, `"version":"1"`, `"version":"1.10","title":"new"`)))
	older, _ := fhir.Parse([]byte(strings.ReplaceAll(profile, `"version":"1","type":"Patient"`, `"version":"1.9","type":"Person"`)))
	s = NewSet(nil, newer, older)
	for _, url := range []string{"http://x.example/p", "http://x.example/p|1"} {
		if d, err := s.Structure(url); err != nil || d == nil || d.Type != "Patient" {
			t.Errorf("%s is not the newest: %v %v", url, d, err)
		}
	}
	for name, in := range map[string][]byte{
		"nothing":            nil,
		"no tgz":             []byte("x"),
		"no package.json":    tgz(t, map[string]string{"package/a.json": profile}),
		"a name as a path":   tgz(t, map[string]string{"package/package.json": `{"name":"../x"}`}),
		"another release":    tgz(t, map[string]string{"package/package.json": `{"name":"x.example","version":"1.0.0","fhirVersions":["5.0.0"]}`}),
		"cut off":            tgz(t, good)[:100],
		"no JSON in package": tgz(t, map[string]string{"package/package.json": strings.Repeat("[", 1000)}),
	} {
		if p, err := ReadPackage(bytes.NewReader(in)); err == nil {
			t.Errorf("%s was taken: %v", name, p)
		}
	}
}

// A package that unpacks to more than any has is refused before it is read.
func TestHostilePackages(t *testing.T) {
	const head = `{"name":"x.example","version":"1.0.0","fhirVersions":["4.0.1"]}`
	many := map[string]string{"package/package.json": head}
	for i := range maxFiles + 1 {
		many["package/"+strconv.Itoa(i)+".json"] = "{}"
	}
	for name, files := range map[string]map[string]string{
		"a file that is too large": {"package/package.json": head, "package/a.json": strings.Repeat(" ", maxFile+1)},
		"too many files":           many,
		"a description too large":  {"package/package.json": `{"name":"x.example"` + strings.Repeat(" ", maxPackageText) + `}`},
	} {
		if _, err := ReadPackage(bytes.NewReader(tgz(t, files))); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
	p, err := ReadPackage(bytes.NewReader(tgz(t, map[string]string{"package/package.json": head, "package/../../../etc/a.json": `{"resourceType":"ValueSet","url":"http://x.example/v"}`, "/package/b.json": `{"resourceType":"ValueSet","url":"http://x.example/w"}`})))
	if err != nil || len(p.Resources) > 0 {
		t.Errorf("a file outside the package is part of it: %v %v", p, err)
	}
}

func FuzzPackage(f *testing.F) {
	f.Add(tgz(f, map[string]string{"package/package.json": `{"name":"x"}`}))
	f.Fuzz(func(t *testing.T, in []byte) { _, _ = ReadPackage(bytes.NewReader(in)) })
}
