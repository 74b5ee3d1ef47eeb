package api

import (
	"net/url"
	"strings"

	"selda/fhir"
	"selda/nhs"
)

// This file keeps G6: hidden must never read as "none". Every answer to a
// professional carries the same sentence and points to the same emergency
// access, whether or not anything is hidden, found or permitted.

// Sentence is the fixed sentence.
const Sentence = "This may not be everything."

// emergencyAccess is the relation of the link to the page of rule G9.
const emergencyAccess = "https://selda.example/rel/emergency-access"

// professional says whether somebody asks who looks after people.
func (q *request) professional() bool {
	switch q.subject.Role {
	case nhs.SourceSystem, nhs.Citizen, nhs.Proxy:
		return false
	}
	return true
}

// notice puts the sentence and the way to emergency access in the header. It
// is made of the request alone: what is found does not change it.
func (q *request) notice() {
	if !q.professional() {
		return
	}
	where := "/search"
	id := ""
	if len(q.path) > 1 && q.path[0] == "Patient" && q.path[1] != "_search" {
		id = q.path[1]
	} else {
		id = onePatient(q.query())
	}
	if fhir.IsID(id) {
		where = "/record/" + id + "/emergency"
	}
	q.w.Header().Set("Link", "<"+strings.TrimSuffix(q.base, "/fhir")+where+`>; rel="`+emergencyAccess+`"; title="`+Sentence+`"`)
}

// onePatient is the one patient whom patient or subject name by id; "" where
// they name none, or several.
func onePatient(params url.Values) string {
	id := ""
	for _, name := range []string{"patient", "subject"} {
		for _, v := range params[name] {
			v = strings.TrimPrefix(v, "Patient/")
			if id != "" && id != v {
				return ""
			}
			id = v
		}
	}
	return id
}

// tagged is the meta of a Bundle for a professional: the sentence again, for
// those who keep the Bundle and not its header.
func (q *request) tagged() fhir.Object {
	if !q.professional() {
		return nil
	}
	return fhir.Object{"tag": []fhir.Object{fhir.Coding(SourceTag, "may-not-be-everything", Sentence)}}
}
