package api

import (
	"net/http"
	"slices"

	"selda/fhir"
)

// notStored are the types that are no record of anything.
var notStored = map[string]bool{"Bundle": true, "Parameters": true, "OperationOutcome": true, "CapabilityStatement": true}

// metadata is the CapabilityStatement: what is true of this server, made from
// the tables that serve. It needs no sign-in.
// https://hl7.org/fhir/R4/capabilitystatement.html
func (q *request) metadata() {
	names := make([]string, 0, len(elements))
	for n := range elements {
		names = append(names, n)
	}
	slices.Sort(names)
	var types []fhir.Object
	for _, t := range fhir.ResourceTypes() {
		if notStored[t] {
			continue
		}
		var inter, params []fhir.Object
		for _, c := range []string{"read", "vread", "history-instance", "create", "update", "delete", "search-type"} {
			inter = append(inter, fhir.Object{"code": c})
		}
		param := func(name, kind string) { params = append(params, fhir.Object{"name": name, "type": kind}) }
		param("_id", "token")
		if t == "Patient" {
			for _, n := range citizenParams {
				param(n, map[string]string{"identifier": "token", "birthdate": "date"}[n])
			}
		} else {
			param("_lastUpdated", "date")
			if !directory[t] {
				param("patient", "reference")
				param("subject", "reference")
			}
			for _, n := range names {
				if has(t, n) {
					param(n, elements[n].kind)
				}
			}
		}
		for _, p := range params {
			if p["type"] == "" {
				p["type"] = "string"
			}
		}
		o := fhir.Object{"type": t, "interaction": inter, "searchParam": params, "versioning": "versioned", "readHistory": true, "updateCreate": true,
			"conditionalCreate": false, "conditionalUpdate": false, "conditionalDelete": "not-supported"}
		if t == "Patient" {
			o["operation"] = []fhir.Object{{"name": "everything", "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything"}}
		}
		types = append(types, o)
	}
	cs := fhir.Object{
		"resourceType": "CapabilityStatement", "status": "active", "date": fhir.Instant(q.Now()), "kind": "instance", "fhirVersion": "4.0.1",
		"format":         []string{"application/fhir+json", "application/fhir+xml"},
		"software":       fhir.Object{"name": "SELDA", "version": q.Version},
		"implementation": fhir.Object{"description": "The shared care record of South East London", "url": q.base},
		"rest": []fhir.Object{{"mode": "server", "resource": types,
			"interaction": []fhir.Object{{"code": "transaction"}, {"code": "batch"}},
			"security": fhir.Object{"cors": false, "service": []fhir.Object{fhir.Concept("", fhir.Coding("http://terminology.hl7.org/CodeSystem/restful-security-service", "SMART-on-FHIR", "SMART on FHIR"))},
				"description": "Every request needs a bearer token and is decided, audited and narrowed by the citizen's choices and the rules of care. Answers to professionals say in their Link header that they may not be everything, and where emergency access is."}}},
	}
	q.send(http.StatusOK, fhir.Marshal(cs))
}
