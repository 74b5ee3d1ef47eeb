package validate

import (
	"strconv"
	"strings"

	"selda/fhir"
)

// Severity is how bad an issue is. https://hl7.org/fhir/R4/valueset-issue-severity.html
type Severity uint8

// The severities. Fatal is what can't be read as a resource: it comes to no
// validator.
const (
	Error Severity = iota
	Warning
	Information
	Fatal
)

// String is the severity's code.
func (s Severity) String() string {
	return [...]string{"error", "warning", "information", "fatal"}[s]
}

// Issue is one thing that is wrong with a resource, or should be known of it.
type Issue struct {
	Severity   Severity
	Code       string // of https://hl7.org/fhir/R4/valueset-issue-type.html
	Expression string // the element, as FHIRPath
	Text       string // what is wrong, and what to do about it
	Key        string // of an invariant
	Profile    string // whose rule it is, where that is not the standard's own type
}

// Errors says whether there is an error among issues.
func Errors(issues []Issue) bool {
	for i := range issues {
		if issues[i].Severity == Error || issues[i].Severity == Fatal {
			return true
		}
	}
	return false
}

// Outcome is the issues as an OperationOutcome; one that says so where there are
// none.
func Outcome(issues []Issue) fhir.Object {
	list := make([]fhir.Object, 0, max(1, len(issues)))
	for _, i := range issues {
		o := fhir.Object{"severity": i.Severity.String(), "code": i.Code, "diagnostics": i.Text}
		if i.Expression != "" {
			o["expression"] = []string{i.Expression}
		}
		if i.Key != "" {
			o["details"] = fhir.Object{"text": i.Key}
		}
		list = append(list, o)
	}
	if len(list) == 0 {
		list = append(list, fhir.Object{"severity": "information", "code": "informational", "diagnostics": "No issues were found."})
	}
	return fhir.Object{"resourceType": "OperationOutcome", "issue": list}
}

// step is one step of the path to the element at hand.
type step struct {
	name  string
	index int            // -1 of what is no list
	of    *fhir.Datatype // the element's type, where it has been walked to
}

// location is the path as FHIRPath: Patient.name[0].given[1].
func location(path []step) string {
	var b strings.Builder
	for i, s := range path {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s.name)
		if s.index >= 0 {
			b.WriteByte('[')
			b.WriteString(strconv.Itoa(s.index))
			b.WriteByte(']')
		}
	}
	return b.String()
}
