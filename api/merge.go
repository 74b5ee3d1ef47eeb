package api

import (
	"net/http"
	"strings"

	"selda/audit"
	"selda/fault"
	"selda/fhir"
)

func init() {
	offer(operation{name: "merge", at: onType, types: []string{"Patient"}, changes: true, definition: "http://hl7.org/fhir/OperationDefinition/Patient-merge", run: (*request).merge})
}

// merge says that two Patients of a source system are one person: the master
// patient index links them, and no resource is changed; `selda link undo` takes
// it back exactly. The parameters are those that the standard gives the operation
// from R5 on. https://hl7.org/fhir/R5/patient-operation-merge.html
func (q *request) merge(_, _ string) error {
	const op = "api.merge"
	args, err := q.arguments()
	if err != nil {
		return err
	}
	ids := [2]string{}
	for i, name := range []string{"source-patient", "target-patient"} {
		p := args.parts[name]
		if len(p) != 1 {
			return fault.E(op, fault.Required, "say who is merged (source-patient) into whom (target-patient)", name)
		}
		id, ok := strings.CutPrefix(strings.TrimPrefix(p[0].Get("valueReference", "reference").Text(), q.base+"/"), "Patient/")
		if !ok || !fhir.IsID(id) {
			return fault.E(op, fault.Value, "a patient is named as Patient/id", name)
		}
		ids[i] = id
	}
	if ids[0] == ids[1] {
		return fault.E(op, fault.Invalid, "a patient is not merged with itself", "source-patient")
	}
	if err := q.mayWrite(audit.Update, "Patient/$merge"); err != nil {
		return err
	}
	for i, name := range []string{"source-patient", "target-patient"} {
		if _, err := q.stored("Patient", ids[i]); err != nil {
			return fault.E(op, fault.KindOf(err), fault.Reason(err), name)
		}
	}
	words := "the two are one person from now on"
	if args.text("preview") == "true" {
		words = "the two would be one person"
	} else if _, err := q.submit("MERGE Patient/"+ids[0]+" Patient/"+ids[1], []byte("{}"), q.subject.Source, ""); err != nil {
		return err
	}
	target, err := q.stored("Patient", ids[1])
	if err != nil {
		return err
	}
	q.send(http.StatusOK, fhir.Marshal(fhir.Object{"resourceType": "Parameters", "parameter": []fhir.Object{
		{"name": "outcome", "resource": fhir.Object{"resourceType": "OperationOutcome", "issue": []fhir.Object{{"severity": "information", "code": "informational", "diagnostics": words}}}},
		{"name": "result", "resource": rawJSON(target.JSON)},
	}}))
	return nil
}
