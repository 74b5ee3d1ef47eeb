package api

import (
	"net/http"

	"selda/fhir"
	"selda/nhs"
)

// This file is who the user is, as a resource: what SMART's fhirUser names.
// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#scopes-for-requesting-identity-data

// isSelf says whether a resource stands for who asks.
func (q *request) isSelf(typ, id string) bool {
	if q.subject.User == "" || q.subject.Role == nhs.Citizen {
		return false // a citizen is a Patient
	}
	t, own := q.subject.Person()
	return t == typ && own == id
}

// asksSelf says whether the request reads who asks, and may.
func (q *request) asksSelf() bool {
	return (q.r.Method == http.MethodGet || q.r.Method == http.MethodHead) && len(q.path) == 2 && q.isSelf(q.path[0], q.path[1]) && q.subject.Scopes.Self
}

// readSelf answers with who asks, as the account has it.
func (q *request) readSelf(typ, id string) error {
	if _, err := q.Access.Directory(q.r.Context(), q.subject, typ+"/"+id); err != nil {
		return err
	}
	o := fhir.Object{"resourceType": typ, "id": id, "active": true, "name": []fhir.Object{{"text": q.subject.Name}}}
	q.send(http.StatusOK, q.part(typ, fhir.Marshal(o)))
	return nil
}
