package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"selda/audit"
	"selda/fault"
	"selda/fhir"
	"selda/store"
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
	if err := args.refuses(op, "result-patient"); err != nil { // no resource is changed
		return err
	}
	if err := q.mayWrite(audit.Update, "Patient/$merge"); err != nil {
		return err
	}
	ids := [2]string{}
	for i, name := range []string{"source-patient", "target-patient"} {
		if ids[i], err = q.mergedAs(args, name); err != nil {
			return err
		}
	}
	if ids[0] == ids[1] {
		return fault.E(op, fault.Invalid, "a patient is not merged with itself", "source-patient")
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

// mergedAs finds one of the two: by its id, by identifiers that nobody else has,
// or by both, which must agree.
func (q *request) mergedAs(args *arguments, name string) (string, error) {
	const op = "api.merge"
	refs, numbers := args.parts[name], args.parts[name+"-identifier"]
	if len(refs) > 1 || len(refs)+len(numbers) == 0 {
		return "", fault.E(op, fault.Required, "say who is merged (source-patient) into whom (target-patient)", name)
	}
	named := ""
	if len(refs) == 1 {
		id, ok := strings.CutPrefix(strings.TrimPrefix(refs[0].Get("valueReference", "reference").Text(), q.base+"/"), "Patient/")
		if !ok || !fhir.IsID(id) {
			return "", fault.E(op, fault.Value, "a patient is named as Patient/id", name)
		}
		if _, err := q.stored("Patient", id); err != nil {
			return "", fault.E(op, fault.KindOf(err), fault.Reason(err), name)
		}
		if named = id; len(numbers) == 0 {
			return named, nil
		}
	}
	params := url.Values{}
	for _, n := range numbers {
		i := n.Get("valueIdentifier")
		if !i.Get("value").Exists() {
			return "", fault.E(op, fault.Value, "an identifier has a system and a value", name+"-identifier")
		}
		params.Add("identifier", escapedValue(i.Get("system").Text())+"|"+escapedValue(i.Get("value").Text()))
	}
	query, err := q.scope().Parse("Patient", params)
	if err != nil {
		return "", err
	}
	f, err := q.ownField("Patient/$merge", store.Latest)
	if err != nil {
		return "", err
	}
	var found []string
	err = f.each("Patient", query.Clauses, 0, func(h *hit) bool {
		if h.meets(query) {
			found = append(found, h.ID)
		}
		return len(found) < 2 || named != "" && len(found) < maxFound
	})
	switch {
	case err != nil:
		return "", err
	case named != "" && slices.Contains(found, named):
		return named, nil
	case len(found) != 1 || named != "":
		return "", fault.E(op, fault.Invalid, "the identifiers must be those of one patient, and of the one who is named", name+"-identifier")
	}
	return found[0], nil
}
