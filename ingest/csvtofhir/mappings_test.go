package csvtofhir

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"selda/fault"
	"selda/fhir"
	"selda/ingest/mapped"
)

// samples are a row or two of each of the project's own extracts, and what
// each resource of them must say.
var samples = map[string]struct {
	file string
	want []string
}{
	"gp-problems": {"patient_id,nhs_number,nhs_number_status,surname,forename,dob,sex,problem_id,code,term,status,significance,onset_date,end_date,recorded_date,recorded_by\n" +
		"1,9991234519,01,Okafor,Ada,05/11/1950,F,P1,195967001,Asthma,Active,Major,01/02/1990,,03/02/1990,Dr Lee\n",
		[]string{`"code":{"coding":[{"code":"195967001","display":"Asthma","system":"http://snomed.info/sct"}],"text":"Asthma"}`, `"valueCode":"major"`, `"onsetDateTime":"1990-02-01"`, `"code":"active"`}},
	"gp-medications": {"patient_id,nhs_number,nhs_number_status,surname,forename,dob,sex,medication_id,dmd_code,medicine,type,status,dose,quantity,quantity_unit,start_date,end_date,last_issued,issues_authorised,prescriber\n" +
		"1,9991234519,01,Okafor,Ada,1950-11-05,F,M1,39113611000001102,Salbutamol 100micrograms/dose inhaler,repeat,active,Two puffs as needed,1,inhaler,01/02/2020,,01/11/2026,12,Dr Lee\n",
		[]string{`"courseOfTherapyType":{"coding":[{"code":"continuous"`, `"dosageInstruction":[{"text":"Two puffs as needed"}]`, `"valueDateTime":"2026-11-01"`, `"numberOfRepeatsAllowed":12`, `"intent":"order"`}},
	"gp-allergies": {"patient_id,nhs_number,nhs_number_status,surname,forename,dob,sex,allergy_id,code,term,type,category,criticality,status,reaction,severity,onset_date,recorded_date,recorded_by\n" +
		"1,9991234519,01,Okafor,Ada,1950-11-05,F,A1,91936005,Allergy to penicillin,allergy,drug,high,active,Rash,moderate,,01/02/1990,Dr Lee\n" +
		"2,,,Bell,Tom,1960-01-02,M,A2,716186003,No known allergy,,,,active,,,,01/02/2020,\n",
		[]string{`"category":["medication"],"clinicalStatus"`, `"criticality":"high"`, `"reaction":[{"manifestation":[{"text":"Rash"}],"severity":"moderate"}]`}},
	"social-care-packages": {"person_id,nhs_number,surname,forename,dob,sex,postcode,service_id,service,frequency,hours_per_week,weekly_cost,status,assessed_date,start_date,end_date,team,provider,social_worker,notes\n" +
		"77,9991234519,Okafor,Ada,05/11/1950,F,SE1 9RT,S1,Home care,four calls a day,14,310.50,active,01/10/2026,05/10/2026,,Lambeth North,Kind Care,J Moss,Key safe\n" +
		"END,1,310.50,,,,,,,,,,,,,,,,,\n",
		[]string{`"activity":[{"detail":{"description":"Home care, four calls a day","quantity":{"code":"h/wk","system":"http://unitsofmeasure.org","unit":"hours a week","value":14},"status":"in-progress"}}]`, `"title":"Home care"`}},
	"hospice-caseload": {"hospice_number,nhs_number,surname,forename,dob,sex,referral_id,status,setting,start_date,end_date,main_diagnosis,key_worker,hospice,has_akps,akps,akps_date,has_phase,phase,phase_date\n" +
		"H5,9991234519,Okafor,Ada,1950-11-05,F,R1,active,community,2026-10-01,,Carcinoma of lung,N West,St Christopher's,y,50,2026-11-01,n,,\n" +
		"H6,,Bell,Tom,1960-01-02,M,R2,active,inpatient,2026-10-01,,,,,,,,,,\n",
		[]string{`"type":[{"text":"Hospice at home"},{"coding":[{"code":"103735009"`, `"valueInteger":50`}},
	"community-caseload": {"patient_id,nhs_number,nhs_number_status,surname,forename,dob,sex,postcode,referral_id,team,priority,reason,referred_by,referral_date,status,start_date,end_date,key_worker,provider\n" +
		"C1,9991234519,01,Okafor,Ada,05/11/1950,F,SE1 9RT,R9,District nursing,2 hour,Leg ulcer,Dr Lee,01/11/2026,open,02/11/2026,,N Day,GSTT Community\n" +
		"TOTAL,1,,,,,,,,,,,,,,,,,\n",
		[]string{`"priority":"asap"`, `"period":{"start":"2026-11-02"}`}},
}

func TestOwnMappings(t *testing.T) {
	for name, c := range samples {
		t.Run(name, func(t *testing.T) {
			m, err := Named(name)
			if err != nil {
				t.Fatal(err)
			}
			bodies, refused := rows(t, m, []byte(c.file))
			for line, err := range refused {
				t.Errorf("row %d: %v", line, err)
			}
			for _, want := range c.want {
				if !slices.ContainsFunc(bodies, func(b string) bool { return strings.Contains(b, want) }) {
					t.Errorf("nothing says %s in\n%s", want, strings.Join(bodies, "\n"))
				}
			}
		})
	}
	for _, name := range Names() {
		if _, ok := samples[name]; !ok && name != "immunisations" && name != "test-patients" {
			t.Errorf("%s has no sample", name)
		}
	}
}

// rows reads a file to its end, and holds each message to its promises: R4,
// and each value at the place that its origin names.
func rows(t *testing.T, m *Mapping, file []byte) (bodies []string, refused map[int]error) {
	t.Helper()
	r, err := NewReader(m, file, "RJZ:EXTRACT")
	if err != nil {
		t.Fatal(err)
	}
	refused = map[int]error{}
	for {
		msg, line, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			refused[line] = err
			continue
		}
		for _, p := range msg.Patients {
			if len(p.Body) > 0 {
				bodies = append(bodies, string(p.Body))
				whole(t, file, p.Body, p.Origins)
			}
		}
		for _, res := range msg.Resources {
			bodies = append(bodies, string(res.Body))
			if res.Action == mapped.Put {
				whole(t, file, res.Body, res.Origins)
			}
		}
	}
	if m.trailer != nil {
		if err := r.Check(nil); err != nil {
			t.Error(err)
		}
	}
	return bodies, refused
}

func whole(t *testing.T, file, body []byte, origins []mapped.Origin) {
	t.Helper()
	res, err := fhir.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fhir.ToXML(body); err != nil {
		t.Error(err)
	}
	text, err := decode(file, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range origins {
		at := res.Root()
		for step := range strings.SplitSeq(o.Element, ".") {
			name, index, listed := strings.Cut(step, "[")
			at = at.Get(name)
			if listed {
				at = at.Get(strings.TrimSuffix(index, "]"))
			}
		}
		v, ok := At(text, 2, o.Place)
		if !ok || !at.Exists() {
			t.Errorf("%s: nothing at %s", o.Element, o.Place)
			continue
		}
		a, b := digits(at.Text()), digits(v.Text)
		if at.Text() != v.Text && !strings.Contains(at.Text(), v.Text) && (b == "" || len(a) != len(b) && !strings.HasPrefix(a, b)) && !translated(o.Element) {
			t.Errorf("%s is %q, and at %s stands %q", o.Element, at.Text(), o.Place, v.Text)
		}
	}
}

func translated(element string) bool {
	for _, s := range []string{"status", "gender", "clinicalStatus", "priority", "category", "criticality", "type", "valueCode", "valueString",
		"courseOfTherapyType", "primarySource", "meta.security", "vaccineCode.text", "valueCodeableConcept", "severity"} {
		if strings.Contains(element, s) {
			return true
		}
	}
	return false
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

func material(t *testing.T, path string) []byte {
	t.Helper()
	in, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "material", path))
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the test material is not beside the repository")
		}
		t.Skip("left out: the test material (../shared/material) is not beside the repository")
	}
	return in
}

// The NHS's own batch file, in both of its character sets.
func TestImmunisationBatch(t *testing.T) {
	m, err := Named("immunisations")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"test-batch-data.csv": 6, "test-batch-data-cp1252.csv": 14} {
		bodies, refused := rows(t, m, material(t, "nhs-immunisation/lambdas/recordprocessor/tests/test_data/"+name))
		for line, err := range refused {
			t.Errorf("%s, row %d: %v at %s", name, line, err, fault.PlaceOf(err))
		}
		if len(bodies) != want {
			t.Errorf("%s: %d bodies, want %d", name, len(bodies), want)
		}
		for _, want := range []string{`"occurrenceDateTime":"2025-07-30T11:52:50+00:00"`, `"doseNumberPositiveInt":1`, `"value":0.5`, `"status":"completed"`} {
			if !strings.Contains(bodies[1], want) {
				t.Errorf("%s: no %s in %s", name, want, bodies[1])
			}
		}
	}
}

// The published test patients.
func TestTestPatients(t *testing.T) {
	m, err := Named("test-patients")
	if err != nil {
		t.Fatal(err)
	}
	bodies, refused := rows(t, m, material(t, "nhs-gpconnect-spec-examples/_data/testing/patient_data_20160901.csv"))
	if len(bodies) != 153 || len(refused) != 0 {
		t.Errorf("%d patients, refused %v", len(bodies), refused)
	}
	dead, restricted := 0, 0
	for _, b := range bodies {
		if strings.Contains(b, "deceasedDateTime") {
			dead++
		}
		if strings.Contains(b, `"security"`) {
			restricted++
		}
	}
	if dead != 20 || restricted != 9 {
		t.Error(dead, "dead,", restricted, "restricted")
	}
	want := `{"resourceType":"Patient","address":[{"line":["25 BELLINGHAM ROAD","SCUNTHORPE"],"postalCode":"DN16 1RX","use":"home"}],"birthDate":"1916-09-18","generalPractitioner":[{"identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"A21471"}}],"identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9476111852"}],"name":[{"family":"TIDMAN","given":["Basil","Claude"],"prefix":["MR"],"use":"official"}]}`
	if len(bodies) > 0 && bodies[0] != want {
		t.Errorf("%s\nwant %s", bodies[0], want)
	}
}

func ExampleReader() {
	m, err := ParseMapping([]byte(`
extract: weights
dates: dd/mm/yyyy
person: {nhs_number: nhs number}
rows:
  - resource: Observation
    key: [nhs number, date]
    set:
      status: = final
      code.text: = Weight
      effectiveDateTime: date
      valueQuantity.value: kg
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := NewReader(m, []byte("NHS Number;Date;kg\n999 123 4519;05/11/2026;70.5\n999 123 4519;soon;71\n"), "RJZ:CLINIC")
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		msg, line, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println(fault.Reason(err), "at", fault.PlaceOf(err))
			continue
		}
		fmt.Println(line, msg.Resources[0].Type, msg.Resources[0].Origins[0].Place)
	}
	// Output:
	// 2 Observation row 2, column Date
	// the date is not written as the mapping says, or there is no such day at row 3, column Date
}
