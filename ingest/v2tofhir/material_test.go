package v2tofhir

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"selda/fault"
	"selda/fhir"
	"selda/hl7v2"
	"selda/ingest/mapped"
)

// material are the messages of a folder that this project did not write.
func material(t testing.TB, name string) (all [][]byte) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != "/" {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	dir = filepath.Join(dir, "../shared/material", name)
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the test material is not here")
		}
		t.Skip("the test material (../shared/material) is not here")
	}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if ext := filepath.Ext(path); err != nil || d.IsDir() || ext != ".hl7" && ext != ".txt" {
			return err
		}
		raw, err := os.ReadFile(path)
		all = append(all, hl7v2.Split(raw)...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// tally counts what a set of messages became.
type tally struct{ events, refused, types map[string]int }

func run(t *testing.T, set string) tally {
	c := tally{map[string]int{}, map[string]int{}, map[string]int{}}
	for i, raw := range material(t, set) {
		m, err := hl7v2.Parse(raw)
		if err != nil {
			t.Errorf("message %d: %v", i, err)
			continue
		}
		out, err := Map(m, "RJZ:PAS")
		if err != nil {
			c.refused[m.Event()+" "+fault.PlaceOf(err)]++
			continue
		}
		c.events[out.Event]++
		if len(out.Patients) == 0 {
			t.Errorf("message %d (%s) is about nobody", i, out.Event)
		}
		for _, r := range out.Resources {
			c.types[r.Type]++
		}
		check(t, m, out)
		if t.Failed() {
			t.Fatalf("that was message %d of %s, %s %s", i, set, out.Event, out.ControlID)
		}
	}
	return c
}

func show(m map[string]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(parts, " ")
}

// required are the elements that R4 demands of each type.
var required = map[string][]string{"Encounter": {"class", "status", "subject"}, "Observation": {"status", "code", "subject"},
	"DiagnosticReport": {"status", "code"}, "AllergyIntolerance": {"patient", "code"}, "Condition": {"subject", "code"},
	"Procedure": {"status", "subject", "code"}, "ServiceRequest": {"status", "intent", "subject"}, "DocumentReference": {"status"},
	"Appointment": {"status", "participant"}, "MedicationRequest": {"status", "intent", "medicationCodeableConcept", "subject"},
	"Immunization": {"status", "vaccineCode", "patient"}, "RelatedPerson": {"patient"}, "Practitioner": {"identifier"}}

// check holds every message to what readers count on: bodies are FHIR of the
// stated type, keys are unique, references lead somewhere, and every origin
// names a field that holds the value.
func check(t *testing.T, m *hl7v2.Message, out *mapped.Message) {
	t.Helper()
	keys := map[string]bool{}
	for _, r := range out.Resources {
		if k := r.Type + " " + r.Key; r.Key != "" && keys[k] {
			t.Errorf("%s: a second %s with key %q", r.Place, r.Type, r.Key)
		} else {
			keys[k] = true
		}
	}
	one := func(typ, place string, body []byte, origins []mapped.Origin, patient, action int) {
		res, err := fhir.Parse(body)
		if err != nil {
			t.Errorf("%s: %v: %s", place, err, body)
			return
		}
		whole := mapped.Rewrite(body, func(typ, key string) string {
			if typ != "Patient" && typ != "DocumentReference" && !keys[typ+" "+key] {
				t.Errorf("%s refers to %s %q, which the message does not have", place, typ, key)
			}
			return typ + "/1"
		})
		if _, err := fhir.Parse(whole); err != nil {
			t.Errorf("%s: its references break it: %v: %s", place, err, whole)
		}
		if res.Type != typ {
			t.Errorf("%s: a %s in the place of a %s", place, res.Type, typ)
		}
		if _, ok := m.At(place); !ok {
			t.Errorf("%s %s: there is no such place", typ, place)
		}
		if patient != mapped.Shared && (patient < 0 || patient >= len(out.Patients)) {
			t.Errorf("%s: patient %d of %d", place, patient, len(out.Patients))
		}
		for _, name := range required[typ] {
			if !res.Get(name).Exists() && action == mapped.Put {
				t.Errorf("%s %s has no %s: %s", typ, place, name, body)
			}
		}
		var tree any
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber() // a number is held to its text
		_ = d.Decode(&tree)
		for _, o := range origins {
			origin(t, m, typ, tree, o)
		}
	}
	for i, p := range out.Patients {
		if p.Body != nil {
			one("Patient", p.Place, p.Body, p.Origins, i, mapped.Put)
		}
		if len(p.Identifiers) == 0 && p.Fallback == "" {
			t.Errorf("%s: nobody", p.Place)
		}
		for _, id := range p.Identifiers {
			if v, ok := m.At(id.Place); !ok || squeeze(token(v.Text())) != squeeze(id.Value) && strings.ReplaceAll(token(v.Text()), "-", "") != id.Value {
				t.Errorf("identifier at %s is %q", id.Place, v.Text())
			}
		}
	}
	for _, r := range out.Resources {
		one(r.Type, r.Place, r.Body, r.Origins, r.Patient, r.Action)
	}
	for _, u := range out.Unmapped {
		if _, ok := m.At(u.Place); !ok {
			t.Errorf("unmapped %s: there is no such place", u.Place)
		}
	}
}

// translated are elements whose value is a word of FHIR for a code of HL7.
var translated = []string{"status", "use", "gender", "class.code", "comparator", "priority", "severity", "criticality", "docStatus",
	"Boolean", "primarySource", "category[0]", "relatesTo[0].target", "Status.coding[0].code", "type"}

// origin checks that the field that an origin names holds the element's value,
// or what it was translated from.
func origin(t *testing.T, m *hl7v2.Message, typ string, tree any, o mapped.Origin) {
	t.Helper()
	v, ok := m.At(o.Place)
	if !ok {
		t.Errorf("%s.%s comes from %s, where nothing is", typ, o.Element, o.Place)
		return
	}
	got, ok := follow(tree, o.Element)
	if !ok {
		t.Errorf("%s.%s has an origin and is not there", typ, o.Element)
		return
	}
	for _, e := range translated {
		if strings.HasSuffix(o.Element, e) {
			return
		}
	}
	if typ == "Appointment" && o.Element == "end" { // its start and the minutes that the field holds
		return
	}
	text := clean(v.Text())
	if holds(got, text, v) {
		return
	}
	t.Errorf("%s.%s is %.80q, but %s is %.80q", typ, o.Element, got, o.Place, text)
}

func squeeze(s string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \n\t,|^&~", r) {
			return -1
		}
		return r
	}, s))
}

func holds(got, text string, v hl7v2.Value) bool {
	g, s := squeeze(got), squeeze(text)
	if g == s || strings.Contains(g, s) || strings.Contains(s, g) {
		return true
	}
	for _, d := range []string{first(hl7v2.DateTime(text)), first(hl7v2.Date(text)), first(hl7v2.TimeOfDay(text))} {
		if d != "" && d == got {
			return true
		}
	}
	if f, err := strconv.ParseFloat(got, 64); err == nil { // a number within a range, or written otherwise
		for _, part := range strings.FieldsFunc(text, func(r rune) bool { return !strings.ContainsRune("0123456789.-+", r) }) {
			for _, p := range append(strings.Split(part, "-"), part) {
				if n, err := strconv.ParseFloat(string(number(p)), 64); err == nil && n == f {
					return true
				}
			}
		}
	}
	if u := ucumCode(text); u != "" && u == got || ucumCode(clean(v.Comp(1).Text())) == got {
		return true
	}
	if b, err := base64.StdEncoding.DecodeString(got); err == nil && (strings.Contains(squeeze(string(b)), s) || hex.EncodeToString(b) == s) {
		return true
	}
	words := strings.FieldsFunc(got, func(r rune) bool { return r == ' ' || r == ',' }) // a display made of several components
	for _, w := range words {
		if !strings.Contains(s, squeeze(w)) {
			c, ok := noneKnown(v)
			return ok && got == c[0]
		}
	}
	return len(words) > 0
}

func first(s string, _ bool) string { return s }

// follow walks a path such as "name[0].given[1]" down a tree.
func follow(tree any, path string) (string, bool) {
	for step := range strings.SplitSeq(path, ".") {
		name, rest, indexed := strings.Cut(step, "[")
		o, ok := tree.(map[string]any)
		if !ok {
			return "", false
		}
		if tree, ok = o[name]; !ok {
			return "", false
		}
		if indexed {
			i, _ := strconv.Atoi(strings.TrimSuffix(rest, "]"))
			list, ok := tree.([]any)
			if !ok || i >= len(list) {
				return "", false
			}
			tree = list[i]
		}
	}
	switch v := tree.(type) {
	case string:
		return v, true
	case map[string]any, []any:
		return "", true
	}
	b, err := json.Marshal(tree)
	return string(b), err == nil
}

// Every message of every set becomes a record; the counts are of what is there.
func TestMaterial(t *testing.T) {
	for set, want := range map[string]struct {
		events, types string
	}{
		"hl7v2-itk": {"ADT^A01 1 ADT^A03 1 ADT^A04 1 ADT^A28 1 ADT^A31 1",
			"AllergyIntolerance 5 Condition 1 Encounter 3 Practitioner 8 Procedure 2 RelatedPerson 4"},
		"hl7v2-linuxforhealth": {"ADT^A01 2 ORU^R01 2",
			"AllergyIntolerance 4 Condition 2 DiagnosticReport 2 Encounter 4 Observation 5 Practitioner 10"},
		"hl7v2-microsoft": {"ADT^A01 5 ADT^A02 2 ADT^A03 2 ADT^A04 5 ADT^A05 2 ADT^A06 2 ADT^A07 2 ADT^A08 2 ADT^A09 2 ADT^A10 2 " +
			"ADT^A11 2 ADT^A13 2 ADT^A14 2 ADT^A15 2 ADT^A16 2 ADT^A25 2 ADT^A26 2 ADT^A27 2 ADT^A28 2 ADT^A29 2 ADT^A31 2 ADT^A40 2 " +
			"ADT^A41 2 ADT^A45 2 ADT^A47 2 ADT^A60 2 BAR^P01 2 BAR^P02 2 BAR^P12 2 DFT^P03 2 DFT^P11 2 MDM^T01 2 MDM^T02 3 MDM^T05 2 " +
			"MDM^T06 2 MDM^T09 2 MDM^T10 2 OMG^O19 2 OML^O21 4 ORM^O01 8 ORU^R01 5 OUL^R22 2 OUL^R23 2 OUL^R24 2 PPR^PC1 1 PPR^PC2 1 " +
			"PPR^PC3 1 RDE^O11 2 RDE^O25 2 RDS^O13 2 VXU^V04 4",
			"AllergyIntolerance 31 Condition 47 Consent 6 DiagnosticReport 24 DocumentReference 78 Encounter 107 Immunization 8 MedicationRequest 10 " +
				"Observation 128 Practitioner 383 Procedure 22 RelatedPerson 29 ServiceRequest 25"},
		"hl7v2-simhospital": {"ADT^A01 251 ADT^A02 98 ADT^A03 266 ADT^A04 215 ADT^A05 48 ADT^A08 48 ADT^A09 48 ADT^A10 48 ADT^A11 18 " +
			"ADT^A12 46 ADT^A13 46 ADT^A14 98 ADT^A15 46 ADT^A16 98 ADT^A17 13 ADT^A23 46 ADT^A25 46 ADT^A26 46 ADT^A27 46 ADT^A28 48 " +
			"ADT^A31 18 ADT^A34 35 ADT^A40 23 MDM^T02 173 ORM^O01 126 ORR^O02 126 ORU^R01 794",
			"AllergyIntolerance 327 Condition 48 DiagnosticReport 664 DocumentReference 303 Encounter 2700 Observation 5151 " +
				"Practitioner 1983 Procedure 48 ServiceRequest 126"},
	} {
		t.Run(set, func(t *testing.T) {
			c := run(t, set)
			if len(c.refused) > 0 {
				t.Errorf("refused: %s", show(c.refused))
			}
			if got := show(c.events); got != want.events {
				t.Errorf("events:\n got %s\nwant %s", got, want.events)
			}
			if got := show(c.types); got != want.types {
				t.Errorf("resources:\n got %s\nwant %s", got, want.types)
			}
		})
	}
}
