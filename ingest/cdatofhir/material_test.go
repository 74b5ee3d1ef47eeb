package cdatofhir

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"selda/cda"
	"selda/fault"
	"selda/fhir"
	"selda/ingest/mapped"
)

// material calls f for each XML file of a set of the test material that lies
// beside the repository.
func material(t *testing.T, set string, f func(name string, in []byte)) {
	t.Helper()
	root := filepath.Join("..", "..", "..", "shared", "material")
	if _, err := os.Stat(root); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the test material is not beside the repository")
		}
		t.Skip("left out: the test material (../shared/material) is not beside the repository")
	}
	err := filepath.WalkDir(filepath.Join(root, set), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".xml") {
			return err
		}
		in, err := os.ReadFile(p)
		if err == nil {
			f(strings.TrimPrefix(p, root+"/"), in)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Every file of every set is mapped, or refused with a reason that says what
// is wrong with it.
func TestMaterial(t *testing.T) {
	for set, want := range map[string]map[string]int{
		"ccda-hl7": {
			"- a statement about somebody else, such as a relative": 4,
			"- a supply by itself":                        3,
			"- an act of a kind that is not mapped":       11,
			"- an immunisation that is planned":           2,
			"- an organizer of a kind that is not mapped": 2,
			"- an organizer without observations":         2,
			"- it ends before it starts":                  2,
			"AllergyIntolerance":                          17,
			"Condition":                                   41,
			"DiagnosticReport":                            10,
			"DocumentReference":                           21,
			"Encounter":                                   16,
			"Goal":                                        4,
			"Immunization":                                13,
			"MedicationRequest":                           2,
			"MedicationStatement":                         15,
			"Observation":                                 122,
			"Procedure":                                   18,
			"ServiceRequest":                              19,
			"mapped":                                      19,
			"refused: not well-formed XML in line 25":     1,
			"refused: the document has no id":             9,
			"refused: the document names no patient":      1,
			"refused: there is no ClinicalDocument: this is no CDA document, or only a part of one": 416,
			"unmapped": 26,
		},
		"nhs-111-cda": {
			"- a file or picture: it is shown with the document": 7,
			"- permission to view, as the sender recorded it":    3,
			"DocumentReference": 8,
			"Encounter":         11,
			"Observation":       6,
			"mapped":            8,
			"unmapped":          10,
		},
		"nhs-itk-correspondence": {
			"Condition":                6,
			"DocumentReference":        4,
			"Encounter":                6,
			"MedicationAdministration": 2,
			"Observation":              12,
			"Procedure":                4,
			"mapped":                   4,
			"refused: there is no ClinicalDocument: this is no CDA document, or only a part of one": 3,
			"unmapped": 0,
		},
		"nhs-eps": {
			"refused: there is no ClinicalDocument: this is no CDA document, or only a part of one": 20,
		},
		"nhs-gp2gp-uat": {
			"refused: there is no ClinicalDocument: this is no CDA document, or only a part of one": 4,
		},
		"fhir-validator-cases/validator/cda": {
			"- a statement about somebody else, such as a relative": 2,
			"- a supply by itself":                        1,
			"- an act of a kind that is not mapped":       1,
			"- an organizer of a kind that is not mapped": 1,
			"- an organizer without observations":         1,
			"AllergyIntolerance":                          2,
			"Condition":                                   4,
			"DiagnosticReport":                            2,
			"DocumentReference":                           4,
			"Encounter":                                   3,
			"Immunization":                                5,
			"MedicationRequest":                           2,
			"MedicationStatement":                         6,
			"Observation":                                 57,
			"Procedure":                                   5,
			"ServiceRequest":                              4,
			"mapped":                                      3,
			"refused: there is no ClinicalDocument: this is no CDA document, or only a part of one": 8,
			"unmapped": 6,
		},
	} {
		t.Run(set, func(t *testing.T) {
			got := map[string]int{}
			material(t, set, func(name string, in []byte) {
				d, err := cda.Parse(in)
				if err == nil {
					var msg *mapped.Message
					if msg, err = Map(d, "RJZ:DOCS"); err == nil {
						got["mapped"]++
						for _, r := range msg.Resources {
							got[r.Type]++
						}
						got["unmapped"] += len(msg.Unmapped)
						for _, u := range msg.Unmapped {
							got["- "+u.Reason]++
						}
						check(t, name, d, msg)
						return
					}
				}
				if fault.KindOf(err) == fault.Exception {
					t.Errorf("%s: no named reason: %v", name, err)
				}
				got["refused: "+fault.Reason(err)]++
			})
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got %s", show(got))
			}
		})
	}
}

func show(m map[string]int) string {
	var lines []string
	for k, v := range m {
		lines = append(lines, fmt.Sprintf("%q: %d,", k, v))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// check holds a message to its promises: whole resources of R4, unique keys,
// places that exist, and values that stand where their origin says.
func check(t *testing.T, name string, d *cda.Document, msg *mapped.Message) {
	t.Helper()
	keys := map[string]bool{}
	body := func(what string, b []byte, origins []mapped.Origin) {
		r, err := fhir.Parse(b)
		if err != nil {
			t.Errorf("%s: %s: %v", name, what, err)
			return
		}
		if _, err := fhir.ToXML(b); err != nil {
			t.Errorf("%s: %s is not R4: %v", name, what, err)
		}
		provenance(t, name+": "+what, d, r, origins)
	}
	for _, p := range msg.Patients {
		body("Patient", p.Body, p.Origins)
		for _, id := range p.Identifiers {
			if v, ok := d.At(id.Place); !ok || v.Text != id.Value {
				t.Errorf("%s: the identifier is not at %s", name, id.Place)
			}
		}
	}
	for _, r := range msg.Resources {
		if r.Key == "" || keys[r.Type+r.Key] {
			t.Errorf("%s: %s: key %q is empty or not unique", name, r.Place, r.Key)
		}
		keys[r.Type+r.Key] = true
		if _, ok := d.At(r.Place); !ok {
			t.Errorf("%s: nothing at %s", name, r.Place)
		}
		if len(r.Body) > 0 {
			body(r.Type+" at "+r.Place, r.Body, r.Origins)
		}
	}
	for _, u := range msg.Unmapped {
		if _, ok := d.At(u.Place); !ok || u.Reason == "" {
			t.Errorf("%s: nothing unmapped at %q", name, u.Place)
		}
	}
}

// told are elements that are the same for every resource of a kind, or follow
// from what has its own origin.
var told = []string{"resourceType", "subject.", "patient.", "category[0].coding", "extension[0].", "status", "verificationStatus", "clinicalStatus",
	".system", "class.", "format.", "lifecycleStatus", "intent", "url", "attachment", "encounter.reference", "context.reference", ".use", ".type"}

// provenance: each value that says something has an origin, and what stands
// there is the value, or what it was translated from.
func provenance(t *testing.T, what string, d *cda.Document, r *fhir.Resource, origins []mapped.Origin) {
	t.Helper()
	for _, o := range origins {
		v, ok := d.At(o.Place)
		if !ok || v.Start >= v.End || v.End > len(d.Text) {
			t.Errorf("%s: %s: nothing at %s", what, o.Element, o.Place)
		}
	}
	leaves(r.Root(), "", func(path, value string) {
		best := mapped.Origin{}
		for _, o := range origins {
			if len(o.Element) >= len(best.Element) && (path == o.Element || strings.HasPrefix(path, o.Element) && strings.ContainsRune(".[", rune(path[len(o.Element)]))) {
				best = o
			}
		}
		if best.Place == "" {
			for _, s := range told {
				if strings.Contains(path, s) {
					return
				}
			}
			t.Errorf("%s: %s has no origin", what, path)
			return
		}
		v, _ := d.At(best.Place)
		if best.Element == path && !same(path, value, v.Text) {
			t.Errorf("%s: %s: another value stands at %s: %q, not %q", what, path, best.Place, v.Text, value)
		}
	})
}

func leaves(n fhir.Node, path string, f func(path, value string)) {
	switch {
	case n.IsArray():
		for i, c := range n.List() {
			leaves(c, fmt.Sprintf("%s[%d]", path, i), f)
		}
	case n.IsObject():
		n.Each(func(name string, c fhir.Node) { leaves(c, strings.TrimPrefix(path+"."+name, "."), f) })
	default:
		f(path, n.Text())
	}
}

// same says whether a value is the one that stands there, as it is, cut out of
// it, or in FHIR's form.
func same(path, value, stands string) bool {
	digits := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, s)
	}
	a, b := strings.ToLower(value), strings.ToLower(stands)
	if a == b || b != "" && strings.Contains(a, b) || strings.Contains(b, a) || digits(a) != "" && strings.HasPrefix(digits(a)+"000000", digits(b)[:min(8, len(digits(b)))]) && digits(b) != "" {
		return true
	}
	for _, translated := range []string{"gender", "system", "status", "intent", "use", "type", "criticality", "severity", "category[0]",
		"relatesTo[0].code", "comparator", "reference", "docStatus", "display", "frequency", "valueString", "asNeededBoolean", "deceasedBoolean",
		"occurrenceString", "doNotPerform"} {
		if strings.HasSuffix(path, translated) {
			return true
		}
	}
	return false
}

const header = `<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:sdtc="urn:hl7-org:sdtc">
<id root="1.2.3" extension="frame"/><code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/><effectiveTime value="20260101"/>
<recordTarget><patientRole><id root="2.16.840.1.113883.2.1.4.1" extension="9991234519"/><patient><name><family>Frame</family></name></patient></patientRole></recordTarget>`

// frame puts a part of a document, as the guides print them, into a whole one;
// "" where it is no part of a body.
func frame(part string) string {
	if i := strings.Index(part, "?>"); strings.HasPrefix(strings.TrimSpace(part), "<?xml") && i > 0 {
		part = part[i+2:]
	}
	at := part
	for {
		at = strings.TrimLeft(at, "\ufeff \t\r\n")
		if !strings.HasPrefix(at, "<!--") {
			break
		}
		_, at, _ = strings.Cut(at, "-->")
	}
	body := func(s string) string {
		return header + "<component><structuredBody>" + s + "</structuredBody></component></ClinicalDocument>"
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(at, "<"), ">")
	name, _, _ = strings.Cut(strings.TrimRight(name, "/"), " ")
	switch strings.TrimSpace(name) {
	case "component":
		return body(part)
	case "section":
		return body("<component>" + part + "</component>")
	case "entry":
		return body("<component><section>" + part + "</section></component>")
	case "act", "observation", "organizer", "substanceAdministration", "supply", "procedure", "encounter":
		return body("<component><section><entry>" + part + "</entry></section></component>")
	case "recordTarget", "author", "documentationOf", "componentOf", "relatedDocument", "custodian", "legalAuthenticator", "informant":
		return header + part + "</ClinicalDocument>"
	}
	return ""
}

// The parts of documents in the guides, each put into a whole one.
func TestGuideExamples(t *testing.T) {
	got := map[string]int{}
	want := map[string]int{
		"- a concern without an observation":                    5,
		"- a medicine without a code or a name":                 7,
		"- a plan without a code or words":                      5,
		"- a problem without a code or words":                   11,
		"- a procedure without a code or words":                 6,
		"- a statement about somebody else, such as a relative": 6,
		"- a supply by itself":                                  8,
		"- an act of a kind that is not mapped":                 25,
		"- an immunisation that is planned":                     1,
		"- an immunisation without a vaccine":                   1,
		"- an observation of a kind that is not mapped":         2,
		"- an observation without a code or words":              29,
		"- an organizer of a kind that is not mapped":           9,
		"- an organizer without observations":                   6,
		"AllergyIntolerance":                                    12,
		"Condition":                                             20,
		"DiagnosticReport":                                      19,
		"DocumentReference":                                     370,
		"Encounter":                                             13,
		"Goal":                                                  7,
		"Immunization":                                          6,
		"MedicationRequest":                                     6,
		"MedicationStatement":                                   13,
		"Observation":                                           171,
		"Procedure":                                             18,
		"ServiceRequest":                                        16,
		"mapped":                                                368,
		"refused: not well-formed XML in line 27":               1,
	}
	material(t, "ccda-hl7", func(name string, in []byte) {
		whole := frame(string(in))
		if whole == "" {
			return
		}
		d, err := cda.Parse([]byte(whole))
		if err != nil {
			got["refused: "+fault.Reason(err)]++
			return
		}
		msg, err := Map(d, "RJZ:DOCS")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		got["mapped"]++
		for _, r := range msg.Resources {
			got[r.Type]++
		}
		for _, u := range msg.Unmapped {
			got["- "+u.Reason]++
		}
		check(t, name, d, msg)
	})
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %s", show(got))
	}
}
