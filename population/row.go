package population

import (
	"regexp"
	"strconv"
	"time"

	"selda/access/record"
	"selda/fhir"
	"selda/nhs"
	"selda/policy"
)

// Row is one item without who it is of: no words that somebody wrote, no id, no
// day. A row of the kind demographics is a person.
type Row struct {
	Person string  `json:"person"` // the project's pseudonym
	Kind   string  `json:"kind"`
	Type   string  `json:"type,omitempty"`
	System string  `json:"system,omitempty"`
	Code   string  `json:"code,omitempty"`
	Month  string  `json:"month,omitempty"` // yyyy-mm
	Status string  `json:"status,omitempty"`
	Value  string  `json:"value,omitempty"` // an amount as given, or a code
	Unit   string  `json:"unit,omitempty"`
	Source nhs.ODS `json:"source,omitempty"`
	Sex    string  `json:"sex,omitempty"` // of a person
	Age    string  `json:"age,omitempty"` // of a person: a band of five years
}

// A code that is one: what somebody has written into a code's place is left out.
var isCode = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.\-/]{0,31}$`)

// codeElements are the elements that say what an item is, by type.
var codeElements = map[string]string{"MedicationRequest": "medicationCodeableConcept", "MedicationStatement": "medicationCodeableConcept", "MedicationDispense": "medicationCodeableConcept",
	"Immunization": "vaccineCode", "Encounter": "class", "Appointment": "serviceType", "EpisodeOfCare": "type", "CarePlan": "category"}

// rowOf is an item's row; false of one that says nothing by a code.
func rowOf(i *record.Item) (Row, bool) {
	element := codeElements[i.Type]
	if element == "" {
		element = "code"
	}
	system, code := coding(i.Res.Root().List(element)...)
	if code == "" {
		return Row{}, false
	}
	r := Row{Kind: i.DataSet.String(), Type: i.Type, System: system, Code: code, Source: i.Source.Organisation()}
	if !i.When.IsZero() {
		r.Month = i.When.UTC().Format("2006-01")
	}
	if s := i.Res.Get("status").Text(); isCode.MatchString(s) {
		r.Status = s
	}
	if q := i.Res.Get("valueQuantity"); q.Exists() {
		if v := q.Get("value").Text(); isAmount(v) {
			r.Value = v
			if u := q.Get("code").Text(); isUnit.MatchString(u) {
				r.Unit = u
			}
		}
	} else if c := i.Res.Get("valueCodeableConcept"); c.Exists() {
		_, r.Value = coding(c)
	}
	return r, true
}

var isUnit = regexp.MustCompile(`^[A-Za-z0-9%/.\[\]{}*^'()\-]{1,24}$`)

func isAmount(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil && len(s) <= 24
}

// coding is the first coding of some concepts that is one, or of a Coding itself.
func coding(concepts ...fhir.Node) (system, code string) {
	for _, n := range concepts {
		for _, c := range append(n.List("coding"), n) {
			if code := c.Get("code").Text(); isCode.MatchString(code) {
				return c.Get("system").Text(), code
			}
		}
	}
	return "", ""
}

// ageBand is a band of five years; who is 90 or older is of one band.
func ageBand(born, now time.Time) string {
	age, known := policy.Age(born, now)
	switch {
	case !known || age < 0:
		return "unknown"
	case age >= 90:
		return "90+"
	}
	low := age / 5 * 5
	return strconv.Itoa(low) + "-" + strconv.Itoa(low+4)
}
